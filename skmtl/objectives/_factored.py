"""The smooth part as a function of factors, W = L S."""

from dataclasses import replace

import numpy as np

from skmtl.objectives._grams import gram_model
from skmtl.quadratics import Gram


class _Through:
    """f at a matrix that the coordinates V stand for; the image is that of the matrix.

    Values, dual points and intercepts are those of the objective inside.
    """

    quadratic = bounded = False

    def __init__(self, inner, shape):
        self.inner, self.null, self.task_null = inner, inner.null, inner.task_null
        self.n_features, self.n_tasks = shape
        self.row_cost = shape[0] * shape[1]  # held by Gram matrices

    def image(self, V):
        """Return the image of the matrix."""
        return self.inner.image(self.matrix(V))

    def _inside(self, point):
        """Return the point of the objective inside."""
        return replace(point, W=self.matrix(point.W), G=None)

    def at(self, V, Z=None, near=None):
        """Return the point at V; `near` is a point to start inner searches from."""
        return replace(self.inner.at(self.matrix(V), Z, near), W=V, G=None)

    def gradient(self, point):
        """Return the gradient with respect to V."""
        if point.G is None:
            point.G = self.pull(self.inner.gradient(self._inside(point)), point.W)
        return point.G

    def loss_gap(self, point, rho):
        """Return the Fenchel-Young term of the loss for the dual point rho u."""
        return self.inner.loss_gap(point, rho)

    def loss_of_shift(self, point, off):
        """Return what moving the best intercepts by `off` (T,) adds to the loss."""
        return self.inner.loss_of_shift(point, off)

    def bend(self, a, b):
        """Return <grad f(a) - grad f(b), a - b>, at the matrices."""
        return self.inner.bend(self._inside(a), self._inside(b))

    def resolution(self, point):
        """Return 0: no certificate of the whole rests on the parts."""
        return 0.0

    def intercepts(self, point):
        """Return b_t for X as the user gave it, (T,)."""
        return self.inner.intercepts(self._inside(point))


class FactoredObjective(_Through):
    """f(L S) for V = [L; S'] of shape (p + T, k); no convex function of V.

    Parameters
    ----------
    inner : StatisticsObjective or DataObjective
        f.
    k : int
        Columns of L.
    """

    def __init__(self, inner, k):
        super().__init__(inner, (inner.n_features + inner.n_tasks, k))

    def split(self, V):
        """Return (L (p, k), S (k, T))."""
        p = self.inner.n_features
        return V[:p], np.ascontiguousarray(V[p:].T)

    def matrix(self, V):
        """Return W."""
        L, S = self.split(V)
        return L @ S

    def pull(self, G, V):
        """Return the gradient with respect to V, given that to W."""
        L, S = self.split(V)
        return np.concatenate([G @ S.T, G.T @ L])

    def curvatures(self):
        """Return the curvature of f along each feature, (p,)."""
        return self.inner.curvatures()


class CodesObjective(_Through):
    """f(L S) as a function of S (k, T), for given L.

    `known` is a quadratic of W that is f, where it has been made already.
    """

    def __init__(self, inner, L, known=None):
        super().__init__(inner, (L.shape[1], inner.n_tasks))
        self.L, self.known = L, known
        self.quadratic, self.bounded = inner.quadratic, inner.bounded

    def matrix(self, S):
        """Return W."""
        return self.L @ S

    def pull(self, G, S):
        """Return the gradient with respect to S, given that to W."""
        return self.L.T @ G

    def curvatures(self):
        """Return a bound of the curvature along each row of S, (k,)."""
        return (np.abs(self.L).T @ np.sqrt(self.inner.curvatures())) ** 2

    def model(self, point, features):
        """Return a quadratic of the rows `features` of S that touches f there."""
        here = self._inside(point)
        whole = self.known or gram_model(self.inner, here, few_rows=True)
        L = self.L[:, features]
        A = np.matmul(L.T, np.matmul(whole.A, L))
        g = np.ascontiguousarray(self.gradient(point)[features].T)
        S = np.ascontiguousarray(point.W[features].T)
        squares = 2.0 * point.value if self.quadratic else whole.squares
        return Gram(A, whole.index, whole.scale, S, g, squares)

    sweep_model = model  # Gram matrices, and as cheap as can be


class DirectionsObjective(_Through):
    """f(L S) as a function of L (p, k), for given S; `known` as for the codes."""

    def __init__(self, inner, S, known=None):
        super().__init__(inner, (inner.n_features, len(S)))
        self.S, self.known, self.bounded = S, known, inner.bounded

    def matrix(self, L):
        """Return W."""
        return L @ self.S

    def pull(self, G, L):
        """Return the gradient with respect to L, given that to W."""
        return G @ self.S.T

    def curvatures(self):
        """Return a bound of the curvature along each row of L, (p,)."""
        return self.inner.curvatures() * np.linalg.norm(self.S, 2) ** 2

    def model(self, point, features):
        """Return the curvature along each column of L by itself, at the point.

        What ties the columns is left out, so it does not bound f.
        """
        whole = self.known or gram_model(self.inner, self._inside(point))
        share = np.zeros((len(whole.A), self.n_tasks))
        np.add.at(share, whole.index, (self.S**2 * whole.scale).T)
        A = np.tensordot(share.T, whole.A, 1)
        A = A[:, features][:, :, features]
        g = np.ascontiguousarray(self.gradient(point)[features].T)
        L, every = np.ascontiguousarray(point.W[features].T), np.arange(self.n_tasks)
        return Gram(A, every, np.ones(len(every)), L, g, whole.squares)
