"""The Poisson loss for counts and rates."""

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from skmtl.losses.entropy import excess
from skmtl.losses.scalar import ScalarLoss

# Beyond this predictor the exponential goes on as a straight line: no count is as
# large, the loss stays convex, and squares of its slope do not overflow.
LARGEST_Z = 350.0
# Of numbers that differ by more than this factor the relative entropy needs no care.
FAR = 1e8
# Labels above the prediction have little curvature. A quadratic model is given this
# share of their slope, or its minimum would be far away.
CURVATURE_FLOOR = 1e-2


def _exp(z):
    """Return exp z, no larger than at LARGEST_Z."""
    return np.exp(np.minimum(z, LARGEST_Z))


@dataclass(frozen=True)
class Poisson(ScalarLoss):
    """l(y, z) = exp z - y z for labels y >= 0."""

    quadratic = False
    curvature = None  # no bound
    exponential = True
    identity = False

    def value(self, y, z):
        """Return the loss."""
        return self.terms(y, z)[0]

    def terms(self, y, z):
        """Return the loss, its first and its second derivative."""
        mu = _exp(z)
        value = mu * (1.0 + np.maximum(z - LARGEST_Z, 0.0)) - y * z
        return value, mu - y, mu

    def derivatives(self, y, z):
        """Return the first and second derivative with respect to z."""
        mu = _exp(z)
        return mu - y, mu

    def model_bend(self, y, z):
        """Return the second derivative, raised where the loss is nearly straight."""
        mu = _exp(z)
        return np.maximum(np.maximum(mu, CURVATURE_FLOOR * (y - mu)), 1e-100)

    def conjugate(self, y, u):
        """Return sup over z of u z - l(y, z); infinite unless u + y >= 0."""
        q = np.maximum(u + y, 0.0)
        return np.where(u + y >= 0, xlogy(q, q) - q, np.inf)

    def fenchel_gap(self, y, z, rho):
        """Return l(z) + l*(v) - v z >= 0 at v = rho l'(z): a relative entropy."""
        mu = _exp(z)
        q = y + rho * (mu - y)
        # Of mu and q = mu (1 + d); by its definition where mu is far below q.
        d = (1.0 - rho) * (y - mu) / np.maximum(mu, 1e-300)
        far = d > FAR
        if not far.any():
            return mu * excess(d)
        near = mu * excess(np.where(far, 0.0, d))
        low = np.minimum(z, LARGEST_Z)
        return np.where(far, xlogy(q, np.where(far, q, 1.0)) - q * low - q + mu, near)

    def intercepts(self, z, w, offsets, total, ends, b):
        """Return what is best to add to the predictors of each task, or None.

        Task by task: z and weights w (n,), from offsets[t] on; `total` is the sum of
        w y. None where that leads to where the exponential is a straight line.
        """
        starts, sizes = offsets[:-1], np.diff(offsets)
        high = np.maximum.reduceat(z, starts)
        mu = np.exp(z - np.repeat(high, sizes))
        b = np.log(total / np.add.reduceat(w * mu, starts)) - high
        return None if (high + b).max() > LARGEST_Z else b

    def link(self, mean):
        """Return the constant z that fits labels of this mean best."""
        return np.log(np.maximum(mean, 5e-324))

    def mean(self, z):
        """Return the mean response, a rate."""
        return _exp(z)

    def saturated(self, y):
        """Return the smallest possible loss of each label."""
        return y - xlogy(y, y)
