"""A quadratic that touches another objective at a point, held by Gram matrices."""

import numpy as np

from skmtl.moments import grams_times
from skmtl.objectives._grams import gram_model
from skmtl.objectives._point import Point


class ModelObjective:
    """q(W) = q_0 + <g_0, W - W_0> + sum_t scale_t |w_t - w_0t|^2_A_t / 2.

    Half a sum of squares, so the Fenchel-Young term at rho times its gradient is
    (1 - rho)^2 q(W). Intercepts are minimised out of it.

    Parameters
    ----------
    model : Gram
        Of all features, as `model` of an objective makes it.
    """

    quadratic = True
    bounded = True  # the curvature

    def __init__(self, model):
        self.A, self.index, self.scale = model.A, model.index, model.scale
        self.n_tasks, self.n_features = model.W.shape
        self._start = np.ascontiguousarray(model.W.T)
        self._slope = np.ascontiguousarray(model.state.T)
        self._Z0 = self.image(self._start)
        self.null = 0.5 * model.squares
        self.task_null = None

    def image(self, W):
        """Return A_t w_t for every task, (p, T)."""
        return grams_times(self.A, self.index, W) * self.scale

    def at(self, W, Z=None, near=None):
        """Return the point at W."""
        Z = self.image(W) if Z is None else Z
        step = W - self._start
        value = self.null + np.vdot(step, self._slope + 0.5 * (Z - self._Z0))
        return Point(W, Z, max(float(value), 0.0))

    def gradient(self, point):
        """Return the gradient of q, (p, T)."""
        if point.G is None:
            point.G = point.Z - self._Z0 + self._slope
        return point.G

    def loss_gap(self, point, rho):
        """Return the Fenchel-Young term for rho times the gradient."""
        return (1.0 - rho) ** 2 * point.value

    def bend(self, a, b):
        """Return <grad q(a) - grad q(b), a.W - b.W>, from the images alone."""
        return float(np.vdot(a.Z - b.Z, a.W - b.W))

    def curvatures(self):
        """Return the largest curvature along each feature over the tasks, (p,)."""
        diagonal = np.einsum("gjj->gj", self.A)[self.index]
        return (diagonal * self.scale[:, None]).max(axis=0)

    def resolution(self, point):
        """Return 0: the objective that this stands for has the last word."""
        return 0.0


def quadratic_near(objective, point):
    """Return a quadratic of all of W that touches an objective at a point, or None.

    None where residuals say more than Gram matrices: with fewer rows than features.
    """
    if hasattr(objective, "quadratic_near"):
        return objective.quadratic_near(point)
    model = gram_model(objective, point)
    return None if model is None else ModelObjective(model)
