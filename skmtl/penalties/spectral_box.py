"""A squared norm of the spectrum: k directions are cheap, all others cost more."""

from dataclasses import dataclass

import numpy as np

from skmtl.penalties.norms import row_norms
from skmtl.penalties.spectrum import singular_rows, singular_values

# Singular values below this share of the largest count as 0.
NOTHING = 1e-100


@dataclass(frozen=True, eq=False)
class SpectralBox:
    """beta (alpha + beta) * min over M of tr(W (beta I + alpha M)^-1 W').

    M (T, T) has trace k and eigenvalues in [0, 1]; M (p, p) with W' in the place of W
    gives the same. With s the singular values of W it is the minimum of sum s^2 / theta
    over theta in [a, b], a = 1 / (alpha + beta), b = 1 / beta, of mean
    a + (b - a) k / min(p, T): the k largest directions cost about beta s^2, the others
    (alpha + beta) s^2. Smooth, with a gradient that is Lipschitz with constant
    2 (alpha + beta). beta > 0; k counts up to min(p, T).
    """

    alpha: float
    beta: float
    k: int

    row_separable = False
    solvers = ("lbfgs", "fista")

    @property
    def _low(self):
        return 1.0 / (self.alpha + self.beta)

    @property
    def _high(self):
        return 1.0 / self.beta

    def _thetas(self, s, shift=0.0):
        """Return theta (d,) for singular values s: clip(q s - shift, a, b)."""
        a, b, k = self._low, self._high, min(self.k, len(s))
        used = s > NOTHING * s.max(initial=0.0)
        rank = np.count_nonzero(used)
        if rank <= k:  # what is left goes to the other directions alike
            share = (k - rank) / max(len(s) - rank, 1)
            return np.where(used, b, a + (b - a) * share)
        if a == b:
            return np.full(len(s), a)
        r = s[used] / s.max()
        total = len(r) * a + k * (b - a)  # those of s = 0 are at a
        ends = np.sort(np.concatenate([(a + shift) / r, (b + shift) / r]))
        sums = np.clip(np.outer(ends, r) - shift, a, b).sum(axis=1)
        # Between two ends the sum is a straight line in q.
        i = int(np.clip(np.searchsorted(sums, total), 1, len(ends) - 1))
        rise = sums[i] - sums[i - 1]
        share = (total - sums[i - 1]) / rise if rise > 0 else 0.0
        q = ends[i - 1] + share * (ends[i] - ends[i - 1])
        theta = np.full(len(s), a)
        theta[used] = np.clip(q * r - shift, a, b)
        return theta

    def value(self, W):
        """Return the penalty of W."""
        s = singular_values(W)
        return float((s**2 / self._thetas(s)).sum())

    def _times(self, V, shift, factor):
        """Return U diag(s * factor(theta)) Z' for V = U diag(s) Z'."""
        s, Q, _ = singular_rows(V)
        left = (Q * factor(self._thetas(s, shift))) @ Q.T
        return left @ V if len(V) <= V.shape[1] else V @ left

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P)."""
        shift = 2.0 * float(step)
        return self._times(V, shift, lambda theta: theta / (theta + shift))

    def gradient(self, W):
        """Return the gradient, (p, T)."""
        return self._times(W, 0.0, lambda theta: 2.0 / theta)

    def curvature(self, W):
        """Return C (p, p) such that V -> tr(V' C V) / 2 touches it at W from above.

        Its eigenvalues are between 2 beta and 2 (alpha + beta).
        """
        s, Q, B = singular_rows(W)
        theta = self._thetas(s)
        by_features = len(W) <= W.shape[1]
        cheap = (theta > self._low) & (by_features | (s > 0))
        U = Q[:, cheap] if by_features else B[cheap].T / s[cheap]
        saved = 1.0 / self._low - 1.0 / theta[cheap]
        return 2.0 * (np.eye(len(W)) / self._low - (U * saved) @ U.T)

    def _shares(self, s):
        """Return the eigenvalues of M that belong to singular values s, (d,)."""
        if self.alpha == 0:  # any M will do
            return (np.argsort(np.argsort(-s)) < self.k).astype(float)
        theta = self._thetas(s)
        return np.clip((theta - self._low) / (self._high - self._low), 0.0, 1.0)

    def affinity(self, W):
        """Return the optimal M (T, T): about 1 / (size of the cluster) within one."""
        _, s, Z = np.linalg.svd(W, full_matrices=False)
        return (Z.T * self._shares(s)) @ Z

    def subspace(self, W):
        """Return the k cheapest directions of features, orthonormal rows, (k, p).

        Their signs are such that the entry of the largest magnitude is positive.
        """
        rows = np.linalg.svd(W, full_matrices=False)[0][:, : self.k].T
        if not rows.size:
            return rows
        largest = rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)]
        return rows * np.where(largest < 0, -1.0, 1.0)[:, None]

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)]: it is finite everywhere."""
        squares = singular_values(G) ** 2
        largest = squares[: self.k].sum()
        a, b = self._low, self._high
        return [(1.0, float(a * squares.sum() + (b - a) * largest) / 4.0)]

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the gradient at W, by rows, (p,)."""
        return row_norms(G + self.gradient(W))

    @property
    def free(self):
        """Rows that are never penalised: none."""
        return np.zeros(0, dtype=int)

    def even(self, values):
        """Return values (p,) as they are: no rows are tied together."""
        return values
