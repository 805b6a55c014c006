"""The squared trace norm: what learning the covariance of the tasks amounts to."""

from dataclasses import dataclass

import numpy as np

from skmtl.penalties.norms import row_norms
from skmtl.penalties.spectrum import change_spectrum, singular_values
from skmtl.penalties.trace_norm import TraceNorm


@dataclass(frozen=True, eq=False)
class SquaredTraceNorm:
    """alpha / 2 * (sum of the singular values of W)^2 + ridge / 2 * ||W||_F^2.

    The first term is the least alpha / 2 * tr(W C^-1 W') over covariances C >= 0 of the
    tasks with trace 1, which C = (W'W)^(1/2) / its trace attains. Not both strengths
    may be 0.
    """

    alpha: float
    ridge: float = 0.0

    row_separable = False
    solvers = ("factors", "fista")
    path_end = 1e-5  # a square acts over more decades of alpha than a norm

    def value(self, W):
        """Return the penalty of W."""
        s = singular_values(W)
        return float(0.5 * self.alpha * s.sum() ** 2 + 0.5 * self.ridge * (s @ s))

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P)."""
        a, r = step * self.alpha, 1.0 + step * self.ridge
        return change_spectrum(V, lambda s: _shrunk(s, a, r))

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)]: it is finite everywhere."""
        s = singular_values(G)
        if self.ridge == 0.0:
            return [(1.0, float(s.max(initial=0.0) ** 2 / (2.0 * self.alpha)))]
        return [(1.0, 0.5 * float(s @ _shrunk(s, self.alpha, self.ridge)))]

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the subdifferential at W, by rows, (p,)."""
        size = float(singular_values(W).sum())
        rest = G + self.ridge * W
        if size == 0.0 or self.alpha == 0.0:  # smooth there
            return row_norms(rest)
        return TraceNorm(self.alpha * size).subdiff_distance(W, rest)

    @property
    def free(self):
        """Rows that are never penalised: none."""
        return np.zeros(0, dtype=int)

    def even(self, values):
        """Return values (p,) as they are: no rows are tied together."""
        return values

    def factor_strengths(self, a, b):
        """Return what the penalty costs W = U V' without the ridge; see `TraceNorm`."""
        strengths = self.alpha * a, self.alpha * b
        return 0.5 * self.alpha * a * b, *strengths, self.alpha


def _shrunk(s, a, r):
    """Return argmax over x >= 0 of <s, x> - a / 2 (sum x)^2 - r / 2 ||x||^2, r > 0.

    x = (s - a total)_+ / r, where the total is that of the k largest s for the k that
    goes with it.
    """
    decreasing = -np.sort(-s)
    totals = np.cumsum(decreasing) / (r + a * np.arange(1, len(s) + 1))
    k = np.count_nonzero(decreasing > a * totals)
    total = totals[k - 1] if k else 0.0
    return np.maximum(s - a * total, 0.0) / r
