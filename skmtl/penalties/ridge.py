"""A gauge plus a squared Frobenius norm."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class WithRidge:
    """gauge(W) + ridge / 2 * ||W||_F^2, for any penalty that is a norm.

    Rows that the gauge never penalises are left out of the ridge as well.
    """

    gauge: object
    ridge: float

    @property
    def row_separable(self):
        """Whether the prox acts row by row."""
        return self.gauge.row_separable

    @property
    def solvers(self):
        """Names of the solvers that can take it, the fastest first."""
        return self.gauge.solvers

    def _ridge(self, W):
        """Return the strength of all rows, or of each row, (p, 1)."""
        if not len(self.gauge.free):
            return self.ridge
        ridge = np.full((len(W), 1), self.ridge)
        ridge[self.gauge.free] = 0.0
        return ridge

    def value(self, W):
        """Return the penalty of W."""
        return self.gauge.value(W) + 0.5 * float((self._ridge(W) * W**2).sum())

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P)."""
        shrink = 1.0 / (1.0 + step * self._ridge(V))
        return self.gauge.prox(V * shrink, step * shrink)

    def alpha_max(self, G):
        """Return the smallest alpha with solution 0, from the gradient at 0."""
        return self.gauge.alpha_max(G)

    def factor_strengths(self, a, b):
        """Return what the gauge costs a product of factors; see `TraceNorm`."""
        return self.gauge.factor_strengths(a, b)

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)]: scaled into the ball, and as is."""
        scaled = self.gauge.dual_points(G)
        beyond = self.gauge.prox(-G, 1.0)  # the part outside the ball: Moreau
        beyond[self.gauge.free] = 0.0
        return [*scaled, (1.0, np.vdot(beyond, beyond) / (2.0 * self.ridge))]

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the subdifferential at W, (p,)."""
        return self.gauge.subdiff_distance(W, G + self._ridge(W) * W)

    @property
    def free(self):
        """Rows that are never penalised, (k,)."""
        return self.gauge.free

    def complete(self, rows):
        """Return `rows` and all that share a block with them, block after block."""
        return self.gauge.complete(rows)

    def restrict(self, rows):
        """Return the penalty of these rows alone, given as by `complete`."""
        return replace(self, gauge=self.gauge.restrict(rows))

    def even(self, values):
        """Raise values (p,) to the largest in their block."""
        return self.gauge.even(values)

    def kernel_arguments(self, n_rows):
        """Return (starts, a2, a1, ridge, code, positive) of the blocks, for kernels."""
        starts, a2, a1, _, code, positive = self.gauge.kernel_arguments(n_rows)
        free = np.zeros(n_rows, dtype=bool)
        free[self.gauge.free] = True
        first = self.gauge.complete(np.arange(n_rows))[starts[:-1]]
        ridge = np.where(free[first], 0.0, self.ridge)
        return starts, a2, a1, ridge, code, positive
