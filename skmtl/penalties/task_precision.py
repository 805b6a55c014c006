"""Tasks related by a precision matrix, given or learned with the coefficients."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from skmtl.penalties.norms import row_norms
from skmtl.penalties.sparse_precision import sparse_precision
from skmtl.penalties.squared_trace_norm import SquaredTraceNorm


@dataclass(frozen=True)
class Ties:
    """A matrix of task relations, as solvers take the edges of a graph."""

    degree: np.ndarray  # (T,), the diagonal
    adjacency: np.ndarray  # (T, T), minus what is off it

    complete = False  # edges of one strength between all tasks

    @property
    def n_nodes(self):
        """Number of tasks."""
        return len(self.degree)

    @cached_property
    def spectrum(self):
        """Eigenvalues and eigenvectors of the matrix."""
        return np.linalg.eigh(np.diag(self.degree) - self.adjacency)

    @property
    def weight(self):
        """Strengths of the edges; that there are any tells that tasks are related."""
        return self.adjacency.ravel()

    def parents(self):
        """Return None: it is not taken for a forest."""


class TaskPrecision:
    """tr(W M W') / 2 for M = alpha * K + ridge * I, positive definite, K (T, T)."""

    row_separable = True
    solvers = ("quadratic", "fista")
    free = np.zeros(0, dtype=int)  # rows that are never penalised
    common = None  # directions that tasks have in common and are not penalised

    def __init__(self, alpha, K, ridge=0.0):
        self.alpha, self.ridge = alpha, ridge
        self.tied = Ties(np.diag(K), np.diag(np.diag(K)) - K)
        self.sizes, self.axes = np.linalg.eigh(alpha * K + ridge * np.eye(len(K)))

    def value(self, W):
        """Return the penalty of W."""
        return 0.5 * float((self.sizes * (W @ self.axes) ** 2).sum())

    def times(self, W):
        """Return W M, the gradient of the penalty, (p, T)."""
        return (W @ self.axes * self.sizes) @ self.axes.T

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P)."""
        return (V @ self.axes / (1.0 + step * self.sizes)) @ self.axes.T

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)]: it is finite everywhere."""
        return [(1.0, 0.5 * float(((G @ self.axes) ** 2 / self.sizes).sum()))]

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the gradient at W, by rows, (p,)."""
        return row_norms(G + self.times(W))

    def even(self, values):
        """Return values (p,) as they are: no rows are tied together."""
        return values


@dataclass(frozen=True, eq=False)
class LearnedPrecision:
    """The least over K of alpha / 2 * (tr(W K W') + p eps phi(K)) + ridge / 2 ||W||^2.

    phi(K) = tr K - log det K - T + sparsity * sum over s != t of |K_st|. At W = 0 the
    best K is I. The minimum is a concave function of W'W, so not convex in W, and for
    the best K at some W a quadratic that touches it there from above.

    Parameters
    ----------
    alpha, eps, sparsity, ridge : float
    """

    alpha: float
    eps: float
    sparsity: float
    ridge: float = 0.0
    _last: dict = field(default_factory=dict)

    solvers = ("fista",)

    @property
    def convex(self):
        """The model of the first stage: a covariance of the tasks in place of K."""
        return SquaredTraceNorm(self.alpha, self.ridge)

    def precision(self, W):
        """Return the best K for W, (T, T); that for the last W is kept."""
        if not np.array_equal(self._last.get("W"), W):
            S = W.T @ W / (len(W) * self.eps) + np.eye(W.shape[1])
            found = sparse_precision(S, self.sparsity, self._last.get("found"))
            self._last.update(W=W.copy(), found=found)
        return self._last["found"][0]

    def value(self, W):
        """Return the penalty of W, K minimised out."""
        K, T = self.precision(W), W.shape[1]
        l1 = np.abs(K).sum() - np.trace(K)
        phi = np.trace(K) - np.linalg.slogdet(K)[1] - T + self.sparsity * l1
        quadratic = float(np.vdot(W @ K, W)) + len(W) * self.eps * phi
        return float(0.5 * self.alpha * quadratic + 0.5 * self.ridge * np.vdot(W, W))

    def majorant(self, W):
        """Return the quadratic that touches the penalty at W from above."""
        return TaskPrecision(self.alpha, self.precision(W), self.ridge)

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the gradient at W, by rows, (p,)."""
        return self.majorant(W).subdiff_distance(W, G)
