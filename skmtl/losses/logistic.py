"""The logistic loss for labels in {0, 1}."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, xlogy

from skmtl import _kernels
from skmtl.losses.scalar import ScalarLoss

# The curvature of a row is raised in a quadratic model to this share of its slope, so
# that a row on the wrong side, which is nearly straight, does not blow the right-hand
# side up. A row on the right side has a slope as small as its curvature and needs none.
CURVATURE_FLOOR = 1e-6


# Beyond this predictor logarithms are straight lines, before exponentials underflow.
FAR = 700.0


def _flat(y, z):
    """Return (y and z as contiguous arrays of one dimension, their common shape)."""
    y, z = np.asarray(y, dtype=float), np.asarray(z, dtype=float)
    if y.shape != z.shape:
        y, z = np.broadcast_arrays(y, z)
    return np.ascontiguousarray(y).ravel(), np.ascontiguousarray(z).ravel(), z.shape


def _decay(z):
    """Return exp(-|z|)."""
    return np.exp(-np.abs(z))


def _value(y, z, small):
    """Return the loss, given small = exp(-|z|)."""
    return np.maximum(z, 0.0) - y * z + np.log1p(small)


@dataclass(frozen=True)
class Logistic(ScalarLoss):
    """l(y, z) = log(1 + exp z) - y z."""

    quadratic = False
    curvature = 0.25
    exponential = True
    identity = False

    def value(self, y, z):
        """Return the loss."""
        y, z = np.asarray(y, dtype=float), np.asarray(z, dtype=float)
        return _value(y, z, _decay(z))

    def terms(self, y, z):
        """Return the loss, its first and its second derivative."""
        y, z, shape = _flat(y, z)
        small, (slope, bend) = _decay(z), np.empty((2, len(z)))
        _kernels.logistic_slopes(y, z, small, slope, bend)
        return [a.reshape(shape) for a in (_value(y, z, small), slope, bend)]

    def derivatives(self, y, z):
        """Return the first and second derivative with respect to z."""
        y, z, shape = _flat(y, z)
        slope, bend = np.empty((2, len(z)))
        _kernels.logistic_slopes(y, z, _decay(z), slope, bend)
        return slope.reshape(shape), bend.reshape(shape)

    def model_bend(self, y, z):
        """Return the second derivative, raised where the loss is nearly straight."""
        slope, bend = self.derivatives(y, z)
        floor = np.abs(slope, out=slope)
        np.maximum(floor, 1e-9, out=floor)
        floor *= CURVATURE_FLOOR * self.curvature
        return np.maximum(bend, floor, out=bend)

    def conjugate(self, y, u):
        """Return sup over z of u z - l(y, z); infinite unless 0 <= u + y <= 1."""
        p = u + y
        inside = (p >= 0) & (p <= 1)
        q = np.clip(p, 0.0, 1.0)
        return np.where(inside, xlogy(q, q) + xlogy(1 - q, 1 - q), np.inf)

    def fenchel_gap(self, y, z, rho):
        """Return l(z) + l*(v) - v z >= 0 at v = rho l'(z): a relative entropy."""
        y, z, shape = _flat(y, z)
        size = np.abs(z)
        far, near = size.max(initial=0.0) > FAR, z
        if far:
            near, size = np.clip(z, -FAR, FAR), np.minimum(size, FAR)
        small = np.exp(np.negative(size, out=size), out=size)
        q, q_not, more, more_not = np.empty((4, len(z)))
        _kernels.logistic_shares(y, near, small, float(rho), q, q_not, more, more_not)
        if far:  # straight lines from there
            beyond = np.abs(z - near)
            rest = beyond * np.where(z < 0, q, q_not)
        q *= np.log1p(more, out=more)
        q_not *= np.log1p(more_not, out=more_not)
        q += q_not
        if far:
            q += rest
        return q.reshape(shape)

    def null(self, mean, z):
        """Return the mean loss of labels of this mean, of 0 and 1, at one z for all."""
        return self.value(mean, z)

    def link(self, mean):
        """Return the constant z that fits labels of this mean best."""
        return logit(mean)

    def mean(self, z):
        """Return the mean response, a probability."""
        return expit(z)

    def saturated(self, y):
        """Return the smallest possible loss of each label."""
        return -xlogy(y, y) - xlogy(1 - y, 1 - y)
