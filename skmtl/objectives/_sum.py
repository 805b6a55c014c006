"""The smooth part as a function of two summands, W = P + Q."""

from dataclasses import replace

import numpy as np


class SumObjective:
    """f(P + Q) for the stacked V = [P; Q] of shape (2 p, T).

    The image and the dual point are those of the sum, so values, certificates and
    intercepts are those of the objective inside.

    Parameters
    ----------
    inner : StatisticsObjective or DataObjective
        f.
    """

    def __init__(self, inner):
        self.inner = inner
        self.quadratic, self.null = inner.quadratic, inner.null
        self.bounded = inner.bounded
        self.task_null, self.row_cost = inner.task_null, inner.row_cost
        self.n_features, self.n_tasks = 2 * inner.n_features, inner.n_tasks

    def _sum(self, V):
        p = self.inner.n_features
        return V[:p] + V[p:]

    def _inside(self, point):
        """Return the point of the objective inside."""
        p = self.inner.n_features
        G = None if point.G is None else point.G[:p]
        return replace(point, W=self._sum(point.W), G=G)

    def image(self, V):
        """Return the image of the sum."""
        return self.inner.image(self._sum(V))

    def at(self, V, Z=None, near=None):
        """Return the point at V; `near` is a point to start inner searches from."""
        return replace(self.inner.at(self._sum(V), Z, near), W=V, G=None)

    def gradient(self, point):
        """Return the gradient with respect to both summands, (2 p, T)."""
        if point.G is None:
            G = self.inner.gradient(self._inside(point))
            point.G = np.concatenate([G, G])
        return point.G

    def loss_gap(self, point, rho):
        """Return the Fenchel-Young term of the loss for the dual point rho u."""
        return self.inner.loss_gap(point, rho)

    def loss_of_shift(self, point, off):
        """Return what moving the best intercepts by `off` (T,) adds to the loss."""
        return self.inner.loss_of_shift(point, off)

    def bend(self, a, b):
        """Return <grad f(a) - grad f(b), a - b>, from the images alone."""
        return self.inner.bend(self._inside(a), self._inside(b))

    def bends_along(self, point, other):
        """Return the curvature of each task at a point, along the step from another."""
        return self.inner.bends_along(point, other)

    def curvatures(self):
        """Return the curvature along each row of both summands, (2 p,)."""
        return np.tile(self.inner.curvatures(), 2)

    def model(self, point, features):
        """Return f as a quadratic of the rows `features` of V, the others fixed."""
        return self._moved(self.inner.model, point, features)

    def sweep_model(self, point, features):
        """Return the same for a solver that takes many rounds of cheap models."""
        return self._moved(self.inner.sweep_model, point, features)

    def _moved(self, model_of, point, features):
        """Return a model of the objective inside in the coordinates of V."""
        model = model_of(self._inside(point), features % self.inner.n_features)
        model.move_to(np.ascontiguousarray(point.W[features].T))
        return model

    def sharpen(self, point, poor_rounds):
        """Give later models the curvature of f at the point; return whether it did."""
        return self.inner.sharpen(self._inside(point), poor_rounds)

    def resolution(self, point):
        """Return how far rounding may put the value off."""
        return self.inner.resolution(self._inside(point))

    def intercepts(self, point):
        """Return b_t for X as the user gave it, (T,)."""
        return self.inner.intercepts(self._inside(point))
