"""The smooth part with a quadratic that ties the coefficients of the tasks together."""

from dataclasses import dataclass

import numpy as np

from skmtl.objectives._model import quadratic_near
from skmtl.objectives._point import Point


@dataclass
class CoupledPoint(Point):
    """A point, and what the objective inside knows of it."""

    inside: Point | None = None


class CoupledObjective:
    """f(W) + beta / 2 * sum of a_st ||w_s - w_t||^2 over the edges of a graph.

    The second term has no loss of its own, so D0 is that of f. Its Fenchel-Young term
    at rho times its gradient is (1 - rho)^2 times its value, without cancellation.

    Parameters
    ----------
    inner : StatisticsObjective or DataObjective
        f.
    graph : Graph
        Between the tasks.
    beta : float
    """

    def __init__(self, inner, graph, beta):
        self.inner, self.graph, self.beta = inner, graph, beta
        self.quadratic, self.null = inner.quadratic, inner.null
        self.bounded, self.task_null = inner.bounded, inner.task_null
        self.n_features, self.n_tasks = inner.n_features, inner.n_tasks

    def _times(self, W):
        """Return the gradient of the second term."""
        return self.beta * self.graph.laplacian_times(W)

    def _energy(self, W):
        """Return the second term."""
        return 0.5 * max(float(np.vdot(W, self._times(W))), 0.0)

    def image(self, W):
        """Return the image in f."""
        return self.inner.image(W)

    def at(self, W, Z=None, near=None):
        """Return the point at W; `near` is a point to start inner searches from."""
        inside = self.inner.at(W, Z, None if near is None else near.inside)
        return CoupledPoint(
            W, inside.Z, inside.value + self._energy(W), inside.u, inside.intercept,
            inside.feasible, inside=inside,
        )  # fmt: skip

    def gradient(self, point):
        """Return the gradient, (p, T)."""
        if point.G is None:
            point.G = self.inner.gradient(point.inside) + self._times(point.W)
        return point.G

    def loss_gap(self, point, rho):
        """Return the Fenchel-Young term of both summands for rho times their duals."""
        tied = (1.0 - rho) ** 2 * self._energy(point.W)
        return self.inner.loss_gap(point.inside, rho) + tied

    def loss_of_shift(self, point, off):
        """Return what moving the best intercepts by `off` (T,) adds to the loss."""
        return self.inner.loss_of_shift(point.inside, off)

    def bend(self, a, b):
        """Return <grad f(a) - grad f(b), a.W - b.W>."""
        return self.inner.bend(a.inside, b.inside) + 2.0 * self._energy(a.W - b.W)

    def curvatures(self):
        """Return a bound of the curvature along each feature, (p,)."""
        # No eigenvalue of a Laplacian exceeds twice the largest degree.
        largest = 2.0 * self.beta * self.graph.degree.max(initial=0.0)
        return self.inner.curvatures() + largest

    def quadratic_near(self, point):
        """Return a quadratic that touches this at a point, or None."""
        inner = quadratic_near(self.inner, point.inside)
        return inner and CoupledObjective(inner, self.graph, self.beta)

    def resolution(self, point):
        """Return how far rounding may put the value off."""
        return self.inner.resolution(point.inside)

    def intercepts(self, point):
        """Return b_t for X as the user gave it, (T,)."""
        return self.inner.intercepts(point.inside)
