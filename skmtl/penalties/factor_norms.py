"""Sparse codes of a few directions: a penalty of factors, not of their product."""

from dataclasses import dataclass

import numpy as np

from skmtl.penalties.norms import row_norms
from skmtl.penalties.sparse_group import SparseGroup

# Directions that add less than this share of what the largest adds are left out.
NOTHING = 1e-12


@dataclass(frozen=True, eq=False)
class FactorNorms:
    """alpha * ||S||_1 + beta / 2 * ||L||_F^2 for V = [L; S'], L of shape (p, k).

    As a function of W = L S it is not convex, so there is no dual point.
    """

    alpha: float
    beta: float
    p: int

    solvers = ("bcd", "fista")  # of the codes; see `skmtl.solvers.sparse_codes`

    def value(self, V):
        """Return the penalty of both factors."""
        L, S = V[: self.p], V[self.p :]
        return self.alpha * float(np.abs(S).sum()) + 0.5 * self.beta * float(
            (L**2).sum()
        )

    def parts_distance(self, V, G):
        """Return the distances of -G to stationarity: rows of L (p,), of S' (T,)."""
        codes = SparseGroup(self.alpha, 1.0)
        of_L = row_norms(G[: self.p] + self.beta * V[: self.p])
        return of_L, codes.subdiff_distance(V[self.p :], G[self.p :])

    def subdiff_distance(self, V, G):
        """Return for each feature the distance to stationarity, or that of the codes.

        Whichever is larger: the codes belong to all features, (p,).
        """
        of_L, of_S = self.parts_distance(V, G)
        return np.maximum(of_L, of_S.max(initial=0.0))

    def balanced(self, V):
        """Return V with each direction as long as is cheapest for the same product."""
        V, p = V.copy(), self.p
        a, b = self.alpha * np.abs(V[p:]).sum(axis=0), (V[:p] ** 2).sum(axis=0)
        size = a * np.sqrt(b)
        used = size > NOTHING * size.max(initial=0.0)
        V[:, ~used] = 0.0
        length = np.cbrt(a[used] / (self.beta * b[used]))
        V[:p, used] *= length
        V[p:, used] /= length
        return V
