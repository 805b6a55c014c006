"""Squared differences of the coefficients of tasks that a graph ties together."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skmtl.penalties.graph import Graph
from skmtl.penalties.norms import row_norms


@dataclass(frozen=True, eq=False)
class SquaredGraph:
    """alpha / 2 * sum_e a_e ||w_s - w_t||^2 + ridge / 2 * ||W||_F^2 = tr(W M W') / 2.

    Without ridge the common part of each component is not penalised (`common`).
    """

    graph: Graph
    alpha: float
    ridge: float = 0.0

    row_separable = True
    solvers = ("quadratic", "fista")
    free = np.zeros(0, dtype=int)
    path_end = 1e-5  # a square acts over more decades of alpha than a norm

    @cached_property
    def tied(self):
        """The graph of the edges that alpha leaves any strength."""
        return self.graph if self.alpha > 0 else self.graph.without_edges()

    @property
    def common(self):
        """The component of each task where its mean is free, (T,); None: nothing is."""
        return self.tied.components if self.ridge == 0 else None

    def value(self, W):
        """Return the penalty of W."""
        if self.graph.complete:
            squares = np.sum((W - W.mean(axis=1, keepdims=True)) ** 2)
        else:
            D = self.graph.differences(W)
            squares = self.graph.weight @ np.einsum("ej,ej->e", D, D)
        return 0.5 * float(self.alpha * squares + self.ridge * np.vdot(W, W))

    def times(self, W):
        """Return W M, the gradient of the penalty, (p, T)."""
        return self.alpha * self.graph.laplacian_times(W) + self.ridge * W

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P).

        `step` is a number, or one per row, shape (p, 1).
        """
        if self.graph.complete:
            mean = V.mean(axis=1, keepdims=True)
            own = (V - mean) / (1.0 + step * (self.alpha + self.ridge))
            return own + mean / (1.0 + step * self.ridge)
        values, vectors = self.graph.spectrum
        shrink = 1.0 + step * (self.alpha * values + self.ridge)
        return ((V @ vectors) / shrink) @ vectors.T

    @cached_property
    def _inverse(self):
        """U -> U M^+."""
        if self.alpha == 0.0:
            return lambda U: U / self.ridge if self.ridge > 0 else np.zeros_like(U)
        inverse = self.graph.potential(self.ridge / self.alpha)
        return lambda U: inverse(U) / self.alpha

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)]: the conjugate is finite where it has to.

        Without ridge that needs G to sum to 0 over each component, as it does, but for
        rounding, where the common part has been minimised out.
        """
        if self.ridge == 0.0:
            G = self.tied.centred(G)
        return [(1.0, 0.5 * max(float(np.vdot(G, self._inverse(G))), 0.0))]

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the gradient of the penalty at W, (p,)."""
        return row_norms(G + self.times(W))

    def even(self, values):
        """Return values (p,) as they are: no rows are tied together."""
        return values
