"""A penalty of how tasks differ from their mean, and a ridge on the mean."""

from dataclasses import dataclass

import numpy as np

from skmtl.penalties.norms import row_norms


@dataclass(frozen=True, eq=False)
class Centred:
    """inner(W - m 1') + beta T ||m||^2, with m the mean of the columns of W.

    The inner penalty is a function of the singular values of W, so that its prox and
    gradient stay within the matrices of mean 0. Its curvature is 2 beta at least.
    """

    inner: object
    beta: float

    row_separable = False

    @property
    def solvers(self):
        """Names of the solvers that can take it, the fastest first."""
        return self.inner.solvers

    def value(self, W):
        """Return the penalty of W."""
        mean, rest = _split(W)
        return self.inner.value(rest) + self.beta * W.shape[1] * float((mean**2).sum())

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P)."""
        mean, rest = _split(V)
        return self.inner.prox(rest, step) + mean / (1.0 + 2.0 * step * self.beta)

    def gradient(self, W):
        """Return the gradient, (p, T)."""
        mean, rest = _split(W)
        return self.inner.gradient(rest) + 2.0 * self.beta * mean

    def curvature(self, W):
        """Return C (p, p) such that V -> tr(V' C V) / 2 touches it at W from above.

        But for what is linear in V - W.
        """
        return self.inner.curvature(_split(W)[1])

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)]: finite wherever the inner one is."""
        mean, rest = _split(G)
        size = G.shape[1] * float((mean**2).sum()) / (4.0 * self.beta)
        return [(rho, c + rho**2 * size) for rho, c in self.inner.dual_points(rest)]

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the gradient at W, by rows, (p,)."""
        return row_norms(G + self.gradient(W))

    def affinity(self, W):
        """Return M (T, T): that of the differences, and the direction of the mean."""
        return self.inner.affinity(_split(W)[1]) + 1.0 / W.shape[1]

    @property
    def free(self):
        """Rows that are never penalised: none."""
        return np.zeros(0, dtype=int)

    def even(self, values):
        """Return values (p,) as they are: no rows are tied together."""
        return values


def _split(W):
    """Return (mean of the columns (p, 1), W without it)."""
    mean = W.mean(axis=1, keepdims=True)
    return mean, W - mean
