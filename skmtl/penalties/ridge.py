"""A gauge plus a squared Frobenius norm."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class WithRidge:
    """gauge(W) + ridge / 2 * ||W||_F^2, for any penalty that is a norm."""

    gauge: object
    ridge: float

    @property
    def row_separable(self):
        """Whether the prox acts row by row."""
        return self.gauge.row_separable

    def value(self, W):
        """Return the penalty of W."""
        return self.gauge.value(W) + 0.5 * self.ridge * np.vdot(W, W)

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P)."""
        shrink = 1.0 / (1.0 + step * self.ridge)
        return self.gauge.prox(V * shrink, step * shrink)

    def alpha_max(self, G):
        """Return the smallest alpha with solution 0, from the gradient at 0."""
        return self.gauge.alpha_max(G)

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)]: scaled into the ball, and as is."""
        scaled = self.gauge.dual_points(G)
        beyond = self.gauge.prox(G, 1.0)  # the part outside the ball: Moreau
        return [*scaled, (1.0, np.vdot(beyond, beyond) / (2.0 * self.ridge))]

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the subdifferential at W, row by row, (p,)."""
        return self.gauge.subdiff_distance(W, G + self.ridge * W)

    def row_strengths(self, n_rows):
        """Return (l2, l1, ridge) strengths of each row, for the kernels."""
        group, l1, _ = self.gauge.row_strengths(n_rows)
        return group, l1, np.full(n_rows, self.ridge)
