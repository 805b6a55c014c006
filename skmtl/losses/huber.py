"""The Huber loss: squared near 0, straight beyond."""

from dataclasses import dataclass

import numpy as np

from skmtl.losses.scalar import ScalarLoss

# With curvature delta / |r| in its tails a quadratic model lies above the loss, which
# is safe and slow; without any it need not have a minimum. This share was fastest.
TAIL_SHARE = 0.2


@dataclass(frozen=True)
class Huber(ScalarLoss):
    """l = r^2 / 2 if |r| <= delta else delta |r| - delta^2 / 2, with r = z - y."""

    delta: float = 1.35

    quadratic = False
    curvature = 1.0
    exponential = False
    identity = True

    def value(self, y, z):
        """Return the loss."""
        size = np.abs(z - y)
        near = np.minimum(size, self.delta)
        return near * (size - 0.5 * near)

    def derivatives(self, y, z):
        """Return the first and second derivative with respect to z."""
        r = z - y
        return np.clip(r, -self.delta, self.delta), (np.abs(r) <= self.delta) * 1.0

    def model_bend(self, y, z):
        """Return the second derivative, raised where the loss is straight."""
        size = np.abs(z - y)
        tail = TAIL_SHARE * self.delta / np.maximum(size, self.delta)
        return np.where(size <= self.delta, 1.0, tail)

    def conjugate(self, y, u):
        """Return sup over z of u z - l(y, z); infinite unless |u| <= delta."""
        return np.where(np.abs(u) <= self.delta, 0.5 * u**2 + u * y, np.inf)

    def fenchel_gap(self, y, z, rho):
        """Return l(z) + l*(v) - v z >= 0 at v = rho l'(z), without cancellation."""
        size, off = np.abs(z - y), 1.0 - rho
        near = np.minimum(size, self.delta)
        return off * near * (size - near + 0.5 * off * near)

    def link(self, mean):
        """Return a constant z near the one that fits labels of this mean best."""
        return mean

    def mean(self, z):
        """Return the response at z."""
        return z

    def saturated(self, y):
        """Return the smallest possible loss of each label."""
        return np.zeros_like(y)
