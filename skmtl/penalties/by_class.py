"""A penalty between tasks, for tasks that have a column of W for each class."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ByClass:
    """inner of the matrix (K p, T) in which a task is one column, class below class.

    Parameters
    ----------
    inner : penalty with a gradient, as of `SpectralBox`
    columns : ndarray of shape (K, T)
        Which columns of W the classes of each task have.
    """

    inner: object
    columns: np.ndarray

    row_separable = False

    @property
    def solvers(self):
        """Names of the solvers that can take it, the fastest first."""
        return self.inner.solvers

    def stacked(self, W):
        """Return the classes of each task below each other, (K p, T)."""
        return np.concatenate([W[:, own] for own in self.columns])

    def _apart(self, V):
        """Return them side by side again, (p, C)."""
        parts = np.split(V, len(self.columns))
        W = np.empty((len(parts[0]), self.columns.size))
        for own, part in zip(self.columns, parts, strict=True):
            W[:, own] = part
        return W

    def value(self, W):
        """Return the penalty of W."""
        return self.inner.value(self.stacked(W))

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P)."""
        return self._apart(self.inner.prox(self.stacked(V), step))

    def gradient(self, W):
        """Return the gradient, (p, C)."""
        return self._apart(self.inner.gradient(self.stacked(W)))

    def curvature(self, W):
        """Return C (p, p), about the curvature along one class: the mean over them."""
        C, K = self.inner.curvature(self.stacked(W)), len(self.columns)
        return np.einsum("kikj->ij", C.reshape(K, len(W), K, len(W))) / K

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)]."""
        return self.inner.dual_points(self.stacked(G))

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the subdifferential at W, by rows, (p,)."""
        found = self.inner.subdiff_distance(self.stacked(W), self.stacked(G))
        return np.sqrt((found.reshape(len(self.columns), -1) ** 2).sum(axis=0))

    def affinity(self, W):
        """Return the affinity of the tasks, (T, T)."""
        return self.inner.affinity(self.stacked(W))

    @property
    def free(self):
        """Rows that are never penalised."""
        return self.inner.free

    def even(self, values):
        """Return values (p,) as they are: no rows are tied together."""
        return values
