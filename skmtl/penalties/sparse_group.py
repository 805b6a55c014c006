"""The sparse-group norm over rows; the row l2 norm and the l1 norm are its ends."""

from dataclasses import dataclass

import numpy as np


def _soft(V, threshold):
    """Shrink every entry towards 0 by `threshold`."""
    return np.sign(V) * np.maximum(np.abs(V) - threshold, 0.0)


def _row_norms(V):
    """Return the l2 norm of each row."""
    return np.sqrt(np.einsum("jt,jt->j", V, V))


@dataclass(frozen=True)
class SparseGroup:
    """alpha * ((1 - l1_ratio) * sum_j ||W_j||_2 + l1_ratio * ||W||_1).

    l1_ratio = 0 is the row norm L2,1 (a feature is used by all tasks or by none), 1 the
    l1 norm (tasks are independent).
    """

    alpha: float
    l1_ratio: float = 0.0

    row_separable = True

    @property
    def _group(self):
        return self.alpha * (1.0 - self.l1_ratio)

    @property
    def _l1(self):
        return self.alpha * self.l1_ratio

    def value(self, W):
        """Return the penalty of W."""
        return self._group * _row_norms(W).sum() + self._l1 * np.abs(W).sum()

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P).

        `step` is a number, or one per row, shape (p, 1).
        """
        S = _soft(V, step * self._l1)
        norms = _row_norms(S)[:, None]
        shrunk = norms - step * self._group
        return S * np.where(shrunk > 0, shrunk / np.where(norms > 0, norms, 1.0), 0.0)

    def dual_norm(self, G):
        """Return the smallest alpha at which prox(G, 1) vanishes."""
        if self.l1_ratio == 0.0:
            return float(_row_norms(G).max(initial=0.0))
        if self.l1_ratio == 1.0:
            return float(np.abs(G).max(initial=0.0))
        # Per row: ||soft(g, a * l1_ratio)|| = a * (1 - l1_ratio). With the k largest
        # entries above the threshold this is a quadratic in a; take the k that fits.
        tau, gamma = self.l1_ratio, 1.0 - self.l1_ratio
        g = -np.sort(-np.abs(G), axis=1)
        k = np.arange(1, g.shape[1] + 1)
        total, squares = np.cumsum(g, axis=1), np.cumsum(g**2, axis=1)
        # (k tau^2 - gamma^2) a^2 - 2 tau total a + squares = 0, written for 1 / a. The
        # discriminant holds k squares - total^2 as a variance, which does not cancel.
        mean_before = np.column_stack([g[:, :1], (total / k)[:, :-1]])
        around_mean = np.cumsum((g - mean_before) ** 2 * ((k - 1) / k), axis=1)
        root = np.sqrt(np.maximum(gamma**2 * squares - tau**2 * k * around_mean, 0.0))
        a = squares / np.maximum(tau * total + root, np.finfo(float).tiny)
        following = np.column_stack([g[:, 1:], np.zeros(len(g))])
        fits = following <= a * tau * (1 + 1e-12)
        first = np.argmax(fits, axis=1)
        return float(a[np.arange(len(g)), first].max(initial=0.0))

    def alpha_max(self, G):
        """Return the smallest alpha with solution 0, from the gradient at 0."""
        return self.dual_norm(G)

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)] for multiples of -G that are feasible."""
        norm = self.dual_norm(G)
        return [(min(1.0, self.alpha / norm) if norm > 0 else 1.0, 0.0)]

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the subdifferential at W, row by row, (p,)."""
        norms = _row_norms(W)
        used = norms > 0
        distance = np.maximum(_row_norms(_soft(G, self._l1)) - self._group, 0.0)
        rest = -G[used] - self._group * W[used] / norms[used, None]
        on = W[used] != 0
        off_part = np.maximum(np.abs(rest) - self._l1, 0.0)
        rest = np.where(on, rest - self._l1 * np.sign(W[used]), off_part)
        distance[used] = _row_norms(rest)
        return distance

    def row_strengths(self, n_rows):
        """Return (l2, l1, ridge) strengths of each row, for the kernels."""
        return (
            np.full(n_rows, self._group),
            np.full(n_rows, self._l1),
            np.zeros(n_rows),
        )
