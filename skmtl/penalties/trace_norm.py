"""The trace norm: few directions are shared by all tasks."""

from dataclasses import dataclass

import numpy as np

from skmtl.penalties.norms import row_norms
from skmtl.penalties.spectrum import change_spectrum, singular_values


@dataclass(frozen=True, eq=False)
class TraceNorm:
    """alpha * the sum of the singular values of W."""

    alpha: float

    row_separable = False
    solvers = ("factors", "fista")

    def value(self, W):
        """Return the penalty of W."""
        return self.alpha * float(singular_values(W).sum())

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P)."""
        return change_spectrum(V, lambda s: np.maximum(s - step * self.alpha, 0.0))

    def alpha_max(self, G):
        """Return the smallest alpha with solution 0, from the gradient at 0."""
        return float(singular_values(G).max(initial=0.0))

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)] for multiples of -G that are feasible."""
        norm = self.alpha_max(G)
        return [(min(1.0, self.alpha / norm) if norm > 0 else 1.0, 0.0)]

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the subdifferential at W, by rows, (p,)."""
        U, s, Z = np.linalg.svd(W, full_matrices=False)
        rank = np.count_nonzero(s > 1e-10 * s.max(initial=0.0)) if s.any() else 0
        U, Z = U[:, :rank], Z[:rank]
        R = -G - self.alpha * U @ Z
        outside = R - U @ (U.T @ R)
        outside -= outside @ Z.T @ Z
        A, t, B = np.linalg.svd(outside, full_matrices=False)
        allowed = (A * np.minimum(t, self.alpha)) @ B
        return row_norms(R - allowed)

    @property
    def free(self):
        """Rows that are never penalised: none."""
        return np.zeros(0, dtype=int)

    def even(self, values):
        """Return values (p,) as they are: no rows are tied together."""
        return values

    def factor_strengths(self, a, b):
        """Return what the penalty costs W = U V', from a = ||U||^2 and b = ||V||^2.

        (bound of the penalty, attained by balanced factors; strength on V; on U; how
        fast these grow with a, and with b). Strengths are gradients per unit.
        """
        return 0.5 * self.alpha * (a + b), self.alpha, self.alpha, 0.0
