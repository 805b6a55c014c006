"""The tree-guided group lasso: tasks that are near in a tree use the same features."""

from dataclasses import dataclass

import numpy as np

from skmtl import _kernels
from skmtl.penalties.dual_search import feasible_share, gauge_of_polar
from skmtl.penalties.norms import row_norms


@dataclass(frozen=True, eq=False)
class TaskTree:
    """alpha * sum_j sum_v weight_v ||W_(j, G_v)||_2, v the nodes of a tree of tasks.

    Parameters
    ----------
    alpha : float
    parent : ndarray of shape (n_nodes,)
        Of each node, -1 for a root; the first T nodes are the tasks, and children come
        before their parents.
    weight : ndarray of shape (n_nodes,)
    """

    alpha: float
    parent: np.ndarray
    weight: np.ndarray

    row_separable = True
    solvers = ("newton", "fista")
    free = np.zeros(0, dtype=int)

    def _norms(self, W):
        """Return the norm of the coefficients below each node, (p, n_nodes)."""
        norms = np.empty((len(W), len(self.parent)))
        _kernels.tree_norms(np.ascontiguousarray(W), self.parent, norms)
        return norms

    def _row_values(self, W):
        """Return the penalty of each row, (p,)."""
        return self.alpha * (self._norms(W) @ self.weight)

    def _row_prox(self, V, strength):
        """Return the prox of V for a strength of each node in each row."""
        out = np.empty(V.shape)
        strength = np.ascontiguousarray(
            np.broadcast_to(strength, (len(V), len(self.parent)))
        )
        _kernels.tree_rows(np.ascontiguousarray(V), self.parent, strength, out)
        return out

    def value(self, W):
        """Return the penalty of W."""
        return float(self._row_values(W).sum())

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P).

        `step` is a number, or one per row, shape (p, 1). Groups are nested or apart, so
        shrinking them from the leaves to the root is exact.
        """
        return self._row_prox(V, step * self.alpha * self.weight)

    def dual_norm(self, G):
        """Return the smallest alpha at which prox(-G, 1) vanishes."""
        unit = TaskTree(1.0, self.parent, self.weight)
        return gauge_of_polar(lambda V: unit.prox(V, 1.0), unit._row_values, G)

    def alpha_max(self, G):
        """Return the smallest alpha with solution 0, from the gradient at 0."""
        return self.dual_norm(G)

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)] for multiples of -G that are feasible."""
        share = feasible_share(lambda V: self.prox(V, 1.0), self._row_values, G)
        return [(share, 0.0)]

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the subdifferential at W, (p,).

        Nodes with coefficients pull in one direction; the others may pull anywhere up
        to their strength, and the distance is what their prox leaves.
        """
        norms = self._norms(W)
        strength = np.broadcast_to(self.alpha * self.weight, norms.shape)
        used = norms > 0
        pull = np.divide(strength, norms, out=np.zeros_like(norms), where=used)
        for v in range(len(self.parent) - 1, -1, -1):
            if self.parent[v] >= 0:
                pull[:, v] += pull[:, self.parent[v]]
        R = -G - pull[:, : W.shape[1]] * W
        return row_norms(self._row_prox(R, np.where(used, 0.0, strength)))

    def even(self, values):
        """Return values (p,) as they are: no rows are tied together."""
        return values
