"""Concave functions of the norms of rows, which leave large rows alone."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skmtl.penalties.norms import row_norms
from skmtl.penalties.sparse_group import SparseGroup


@dataclass(frozen=True)
class Mcp:
    """alpha r - r^2 / (2 gamma), constant from r = gamma alpha on."""

    alpha: float
    gamma: float

    def value(self, r):
        """Return the function."""
        r = np.minimum(r, self.gamma * self.alpha)
        return self.alpha * r - r**2 / (2.0 * self.gamma)

    def slope(self, r):
        """Return its derivative."""
        return np.maximum(self.alpha - r / self.gamma, 0.0)


@dataclass(frozen=True)
class Scad:
    """alpha r up to alpha, then bending to a constant from r = gamma alpha on."""

    alpha: float
    gamma: float

    def value(self, r):
        """Return the function."""
        a, g = self.alpha, self.gamma
        bend = (2.0 * g * a * r - r**2 - a**2) / (2.0 * (g - 1.0))
        flat = a**2 * (g + 1.0) / 2.0
        return np.where(r <= a, a * r, np.where(r <= g * a, bend, flat))

    def slope(self, r):
        """Return its derivative."""
        a, g = self.alpha, self.gamma
        return np.where(r <= a, a, np.maximum(g * a - r, 0.0) / (g - 1.0))


@dataclass(frozen=True)
class Sqrt:
    """alpha (sqrt(r + eps) - sqrt(eps)); eps keeps rows at 0 from being stuck there."""

    alpha: float
    eps: float

    def value(self, r):
        """Return the function."""
        return self.alpha * (np.sqrt(r + self.eps) - np.sqrt(self.eps))

    def slope(self, r):
        """Return its derivative."""
        return self.alpha / (2.0 * np.sqrt(r + self.eps))


@dataclass(frozen=True)
class Capped:
    """alpha min(r, theta)."""

    alpha: float
    theta: float

    def value(self, r):
        """Return the function."""
        return self.alpha * np.minimum(r, self.theta)

    def slope(self, r):
        """Return its derivative, that to the left where it jumps."""
        return np.where(r <= self.theta, self.alpha, 0.0)


@dataclass(frozen=True, eq=False)
class ConcaveRows:
    """sum_j phi(||W_j||_2) for a concave phi: no norm, so there is no dual point."""

    phi: object

    row_separable = True
    solvers = ("bcd", "fista")

    def value(self, W):
        """Return the penalty of W."""
        return float(self.phi.value(row_norms(W)).sum())

    def alpha_max(self, G):
        """Return the smallest alpha at which W = 0 is stationary."""
        at_0 = float(self.phi.slope(np.zeros(1))[0]) / self.phi.alpha
        return float(row_norms(G).max(initial=0.0)) / at_0

    def subdiff_distance(self, W, G):
        """Return the distance of -G to stationarity at W, row by row, (p,)."""
        return self.majorant(W).subdiff_distance(W, G)

    def majorant(self, W, largest_free=None):
        """Return the weighted norm that touches the penalty at W from above.

        At most `largest_free` rows are left without a penalty; where there are more,
        a trace of it stays on them.
        """
        weight = self.phi.slope(row_norms(W)) / self.phi.alpha
        if largest_free is not None and np.count_nonzero(weight == 0) > largest_free:
            weight = np.maximum(weight, 1e-3)
        return SparseGroup(self.phi.alpha, weight=weight)

    @cached_property
    def convex(self):
        """The norm to start from: every row at the slope alpha."""
        return SparseGroup(self.phi.alpha)

    @property
    def free(self):
        """Rows that are never penalised: none, as long as they are small."""
        return np.zeros(0, dtype=int)
