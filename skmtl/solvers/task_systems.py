"""Linear systems (H + M) D = R: a curvature per task, and a graph that ties the tasks.

H holds a matrix H_t (p, p) for each task, M = strength * L + ridge * I couples the
tasks, the same in every feature. No matrix with p T rows is ever formed. Here D and R
are (T, p), task by task.
"""

import numpy as np
from scipy.linalg import lapack

from skmtl import _kernels

CG_STEPS = 500
# Beyond so many the eigenvectors of a graph cost too much.
MANY_TASKS = 2000


def task_system(model, spectra, graph, strength, ridge):
    """Return the system that suits the graph.

    Its method `solve(R, accuracy)` returns D (T, p). Only systems that are not `exact`
    heed the accuracy, relative to the right-hand side in the norm of the
    preconditioner.

    Parameters
    ----------
    model : Gram
        Its curvatures are H.
    spectra : (values, vectors) or None
        Of the matrices of the model, where they are known.
    graph : Graph
    strength, ridge : float
    """
    if strength == 0 or not len(graph.weight):
        return _Separate(_Blocks(model, spectra), ridge)
    if graph.complete:
        return _Mean(_Blocks(model, spectra), strength, ridge)
    forest = graph.parents()
    if forest is not None and graph.n_nodes * len(model.A[0]) ** 2 <= 2 * 10**8:
        return _Forest(model, graph, forest, strength, ridge)
    return _Iterative(model, _Blocks(model, spectra), graph, strength, ridge)


class _Blocks:
    """Solves (H_t + m_t I) d_t = r_t for all tasks and any m, by eigenvectors."""

    def __init__(self, model, spectra):
        values, self.vectors = np.linalg.eigh(model.A) if spectra is None else spectra
        self.index, self.n_tasks = model.index, len(model.index)
        self.values = np.maximum(values, 0.0)[self.index] * model.scale[:, None]

    def rotate(self, R, back=False):
        """Return the coordinates of r_t along the eigenvectors, (T, p), or back."""
        Q = self.vectors
        if len(Q) == 1:
            return R @ (Q[0].T if back else Q[0])
        if len(Q) == self.n_tasks:
            columns = R[:, :, None]
            Q = Q if back else Q.transpose(0, 2, 1)
            return np.matmul(Q, columns)[:, :, 0]
        out = np.empty_like(R)
        for g in range(len(Q)):
            members = self.index == g
            out[members] = R[members] @ (Q[g].T if back else Q[g])
        return out

    def solve(self, R, m):
        """Return the solution for rows R (T, p) and shifts m (T,); of least norm."""
        total = self.values + m[:, None]
        limit = 1e-15 * self.values.max(axis=1, keepdims=True, initial=0.0)
        total = np.where(total > limit, total, np.inf)
        return self.rotate(self.rotate(R) / total, back=True)

    def weighted_sum(self, weights):
        """Return sum_t Q_t diag(weights_t) Q_t', (p, p)."""
        if len(self.vectors) == 1:
            Q = self.vectors[0]
            return (Q * weights.sum(axis=0)) @ Q.T
        total = np.zeros(self.vectors.shape[:2])
        np.add.at(total, self.index, weights)
        tall = (self.vectors * total[:, None, :]).transpose(1, 0, 2)
        other = self.vectors.transpose(1, 0, 2)
        p = len(tall)
        return tall.reshape(p, -1) @ other.reshape(p, -1).T


class _Separate:
    """Tasks that nothing ties."""

    exact = True

    def __init__(self, blocks, ridge):
        self.blocks, self.m = blocks, np.full(blocks.n_tasks, ridge)

    def solve(self, R, accuracy=0.0):
        """Return D (T, p)."""
        return self.blocks.solve(R, self.m)


class _Mean:
    """All tasks tied to their mean: one system per task and one for the mean.

    With B_t = H_t + (strength + ridge) I the step is B_t^-1 (r_t + strength * mean),
    and the mean of the steps solves (1/T) sum_t B_t^-1 (H_t + ridge I) x = (1/T)
    sum_t B_t^-1 r_t, which is written without a difference of large numbers.
    """

    exact = True

    def __init__(self, blocks, strength, ridge):
        self.blocks, self.strength = blocks, strength
        self.m = np.full(blocks.n_tasks, strength + ridge)
        share = (blocks.values + ridge) / (blocks.values + strength + ridge)
        values, self.vectors = np.linalg.eigh(blocks.weighted_sum(share))
        limit = len(values) * np.finfo(float).eps * max(values[-1], 0.0)
        self.values = np.where(values > limit, values, np.inf)

    def solve(self, R, accuracy=0.0):
        """Return D (T, p)."""
        own = self.blocks.solve(R, self.m)
        mean = self.vectors @ ((self.vectors.T @ own.sum(axis=0)) / self.values)
        return self.blocks.solve(R + self.strength * mean, self.m)


class _Forest:
    """A graph without cycles: elimination from the leaves, a p x p matrix per task.

    E_t is what task t and all below it leave, without its tie k to the parent; a tie
    passes on k (E_t + k I)^-1 E_t, again without a difference of large numbers.
    """

    exact = True

    def __init__(self, model, graph, forest, strength, ridge):
        self.order, self.parent = (np.asarray(a, dtype=np.int64) for a in forest)
        p, T = model.A.shape[1], graph.n_nodes
        self.tie = np.zeros(T)
        child = self.parent >= 0
        nodes = np.flatnonzero(child)
        weights = graph.adjacency[nodes, self.parent[nodes]]
        self.tie[nodes] = strength * np.asarray(weights).ravel()
        E = model.A[model.index] * model.scale[:, None, None]
        diagonal = np.arange(p)
        E[:, diagonal, diagonal] += ridge
        self.inverse = np.empty((T, p, p))
        for t in self.order:
            k = self.tie[t]
            if not child[t]:
                self.inverse[t] = _pseudo_inverse(E[t])
                continue
            D = E[t].copy()
            D[diagonal, diagonal] += k
            inverse = self.inverse[t] = _inverse(D)
            passed = k * (inverse @ E[t])
            E[self.parent[t]] += 0.5 * (passed + passed.T)

    def solve(self, R, accuracy=0.0):
        """Return D (T, p)."""
        D = np.array(R, order="C")
        _kernels.forest_solve(self.inverse, self.order, self.parent, self.tie, D)
        return D


class _Iterative:
    """Any graph: conjugate gradients.

    Weak ties are preconditioned by each task with its own, strong ones by the graph
    with one curvature, the mean, for all tasks.
    """

    exact = False

    def __init__(self, model, blocks, graph, strength, ridge):
        self.model, self.blocks = model, blocks
        self.m = strength * graph.degree + ridge
        self.ties = strength * graph.adjacency
        self.common = None
        mean = blocks.values.mean()
        if graph.n_nodes <= MANY_TASKS and strength * graph.degree.mean() > mean:
            share = blocks.weighted_sum(blocks.values) / blocks.n_tasks
            self.common = _Product(share, graph, strength, ridge)

    def times(self, D):
        """Return (H + M) D."""
        A, index, scale = self.model.A, self.model.index, self.model.scale
        return grams_rows(A, index, scale, D) + D * self.m[:, None] - self.ties @ D

    def solve(self, R, accuracy=1e-2):
        """Return D (T, p)."""
        return conjugate_gradients(self.times, self._precondition, R, accuracy)

    def _precondition(self, R):
        """Return an approximate solution."""
        if self.common is not None:
            return self.common.solve(R)
        return self.blocks.solve(R, self.m)


class _Product:
    """One curvature for all tasks: eigenvectors of it and of the graph."""

    def __init__(self, H, graph, strength, ridge):
        values, self.vectors = np.linalg.eigh(H)
        ties, self.nodes = graph.spectrum
        total = strength * ties[:, None] + np.maximum(values, 0.0) + ridge
        limit = np.finfo(float).eps * total.max(initial=0.0)
        self.total = np.where(total > limit, total, np.inf)

    def solve(self, R):
        """Return D (T, p)."""
        inside = (self.nodes.T @ R @ self.vectors) / self.total
        return self.nodes @ inside @ self.vectors.T


def grams_rows(A, index, scale, D):
    """Return scale_t A_t d_t for every task, (T, p)."""
    if len(A) == 1:
        return (D @ A[0]) * scale[:, None]
    if len(A) == len(D):
        return np.matmul(A, D[:, :, None])[:, :, 0] * scale[:, None]
    out = np.empty_like(D)
    for g in range(len(A)):
        members = index == g
        out[members] = D[members] @ A[g]
    return out * scale[:, None]


def conjugate_gradients(times, precondition, R, accuracy, most=CG_STEPS):
    """Return an approximate solution of a positive semidefinite system.

    The residual falls to `accuracy` times the right-hand side, in the norm of the
    preconditioner, or as far as `most` steps bring it.
    """
    D, rest = np.zeros_like(R), R.copy()
    z = precondition(rest)
    direction, size = z, float(np.vdot(rest, z))
    goal = accuracy**2 * size
    for _ in range(most):
        if size <= goal:
            break
        image = times(direction)
        bend = float(np.vdot(direction, image))
        if not bend > 0:
            break
        D += (size / bend) * direction
        rest -= (size / bend) * image
        z = precondition(rest)
        before, size = size, float(np.vdot(rest, z))
        direction = z + (size / before) * direction
    return D


def _inverse(A):
    """Return the inverse of a positive definite matrix."""
    factor, failed = lapack.dpotrf(A, lower=1)
    if failed:
        return _pseudo_inverse(A)
    inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    lower = np.tril(inverse, -1)
    return lower + lower.T + np.diag(np.diag(inverse))


def _pseudo_inverse(A):
    """Return the pseudo-inverse of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(A)
    limit = len(values) * np.finfo(float).eps * max(values[-1], 0.0)
    values = np.where(values > limit, values, np.inf)
    return (vectors / values) @ vectors.T
