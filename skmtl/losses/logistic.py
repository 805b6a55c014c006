"""The logistic loss for labels in {0, 1}."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, xlogy

from skmtl import _kernels

# The curvature of a row is raised in a quadratic model to this share of its slope, so
# that a row on the wrong side, which is nearly straight, does not blow the right-hand
# side up. A row on the right side has a slope as small as its curvature and needs none.
CURVATURE_FLOOR = 1e-6


def _flat(y, z):
    """Return (y and z as contiguous arrays of one dimension, their common shape)."""
    y, z = np.broadcast_arrays(y, z)
    flat = [np.ascontiguousarray(a, dtype=float).reshape(-1) for a in (y, z)]
    return *flat, z.shape


@dataclass(frozen=True)
class Logistic:
    """l(y, z) = log(1 + exp z) - y z."""

    quadratic = False
    curvature = 0.25
    exponential = True
    identity = False

    def value(self, y, z):
        """Return the loss."""
        y, z, shape = _flat(y, z)
        out = np.empty_like(z)
        _kernels.logistic_value(y, z, out)
        return out.reshape(shape)

    def derivatives(self, y, z):
        """Return the first and second derivative with respect to z."""
        y, z, shape = _flat(y, z)
        slope, bend = np.empty_like(z), np.empty_like(z)
        _kernels.logistic_slopes(y, z, slope, bend)
        return slope.reshape(shape), bend.reshape(shape)

    def model_bend(self, y, z):
        """Return the second derivative, raised where the loss is nearly straight."""
        slope, bend = self.derivatives(y, z)
        floor = CURVATURE_FLOOR * np.maximum(np.abs(slope), 1e-9)
        return np.maximum(bend, floor * self.curvature)

    def conjugate(self, y, u):
        """Return sup over z of u z - l(y, z); infinite unless 0 <= u + y <= 1."""
        p = u + y
        inside = (p >= 0) & (p <= 1)
        q = np.clip(p, 0.0, 1.0)
        return np.where(inside, xlogy(q, q) + xlogy(1 - q, 1 - q), np.inf)

    def fenchel_gap(self, y, z, rho):
        """Return l(z) + l*(v) - v z >= 0 at v = rho l'(z): a relative entropy."""
        y, z, shape = _flat(y, z)
        out = np.empty_like(z)
        _kernels.logistic_gap(y, z, float(rho), out)
        return out.reshape(shape)

    def link(self, mean):
        """Return the constant z that fits labels of this mean best."""
        return logit(mean)

    def mean(self, z):
        """Return the mean response, a probability."""
        return expit(z)

    def saturated(self, y):
        """Return the smallest possible loss of each label."""
        return -xlogy(y, y) - xlogy(1 - y, 1 - y)
