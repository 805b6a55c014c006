"""A norm of the columns of W: whole tasks are in or out."""

from dataclasses import dataclass

import numpy as np

from skmtl.penalties.norms import row_norms
from skmtl.penalties.sparse_group import SparseGroup


@dataclass(frozen=True, eq=False)
class ByTask:
    """alpha * sum_t ||w_t||_2."""

    alpha: float

    row_separable = False
    solvers = ("fista",)

    @property
    def _rows(self):
        return SparseGroup(self.alpha)

    def value(self, W):
        """Return the penalty of W."""
        return self._rows.value(W.T)

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P)."""
        return self._rows.prox(V.T, step).T

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)] for multiples of -G that are feasible."""
        return self._rows.dual_points(G.T)

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the subdifferential at W, by rows, (p,)."""
        norms = row_norms(W.T)
        used = norms > 0
        rest = -G - W * np.where(used, self.alpha / np.where(used, norms, 1.0), 0.0)
        return row_norms(np.where(used, rest, self._rows.prox(-G.T, 1.0).T))
