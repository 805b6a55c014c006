"""The squared Frobenius norm alone."""

from dataclasses import dataclass

import numpy as np

from skmtl.penalties.norms import row_norms


@dataclass(frozen=True, eq=False)
class SquaredNorm:
    """ridge / 2 * ||W||_F^2, ridge > 0."""

    ridge: float

    row_separable = True
    solvers = ("lbfgs", "fista")

    def value(self, W):
        """Return the penalty of W."""
        return 0.5 * self.ridge * float(np.vdot(W, W))

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P)."""
        return V / (1.0 + step * self.ridge)

    def gradient(self, W):
        """Return the gradient, (p, T)."""
        return self.ridge * W

    def curvature(self, W):
        """Return C (p, p) such that the penalty is tr(W' C W) / 2."""
        return self.ridge * np.eye(len(W))

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)]: it is finite everywhere."""
        return [(1.0, float(np.vdot(G, G)) / (2.0 * self.ridge))]

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the gradient at W, by rows, (p,)."""
        return row_norms(G + self.ridge * W)

    @property
    def free(self):
        """Rows that are never penalised: none."""
        return np.zeros(0, dtype=int)

    def even(self, values):
        """Return values (p,) as they are: no rows are tied together."""
        return values
