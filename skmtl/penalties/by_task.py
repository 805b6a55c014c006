"""A norm of the columns of W: whole tasks are in or out."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skmtl.penalties.blocks import Blocks
from skmtl.penalties.norms import row_norms
from skmtl.penalties.sparse_group import SparseGroup


@dataclass(frozen=True, eq=False)
class ByTask:
    """alpha * sum_t ||W_t||_2, W_t the column of a task, or its columns.

    Parameters
    ----------
    alpha : float
    task : ndarray of shape (C,) or None
        Position of the task of each column; None: each is a task.
    """

    alpha: float
    task: np.ndarray | None = None

    row_separable = False
    solvers = ("fista",)

    @cached_property
    def _rows(self):
        if self.task is None:
            return SparseGroup(self.alpha)
        sizes = np.bincount(self.task)
        # A group counts by the root of its size, and a task is to count once.
        return SparseGroup(self.alpha, weight=sizes**-0.5, blocks=Blocks(self.task))

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
        if self.task is not None:
            norms = np.sqrt(np.bincount(self.task, norms**2))[self.task]
        used = norms > 0
        rest = -G - W * np.where(used, self.alpha / np.where(used, norms, 1.0), 0.0)
        return row_norms(np.where(used, rest, self._rows.prox(-G.T, 1.0).T))
