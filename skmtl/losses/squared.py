"""The squared loss."""

from dataclasses import dataclass

import numpy as np

from skmtl.losses.scalar import ScalarLoss


@dataclass(frozen=True)
class Squared(ScalarLoss):
    """l(y, z) = (y - z)^2 / 2."""

    quadratic = True
    curvature = 1.0  # upper bound of the second derivative
    exponential = True
    identity = True

    def value(self, y, z):
        """Return the loss."""
        return 0.5 * (z - y) ** 2

    def derivatives(self, y, z):
        """Return the first and second derivative with respect to z."""
        return z - y, np.ones_like(z)

    def model_bend(self, y, z):
        """Return the second derivative."""
        return np.ones_like(z)

    def conjugate(self, y, u):
        """Return sup over z of u z - l(y, z)."""
        return 0.5 * u**2 + u * y

    def fenchel_gap(self, y, z, rho):
        """Return l(z) + l*(v) - v z >= 0 at v = rho l'(z), without cancellation."""
        return 0.5 * (1.0 - rho) ** 2 * (z - y) ** 2

    def link(self, mean):
        """Return the constant z that fits labels of this mean best."""
        return mean

    def mean(self, z):
        """Return the mean response at z."""
        return z

    def saturated(self, y):
        """Return the smallest possible loss of each label."""
        return np.zeros_like(y)
