"""The logistic loss for labels in {0, 1}."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit, logit, xlogy

from skmtl import _kernels
from skmtl.losses.scalar import ScalarLoss

# The curvature of a row is raised in a quadratic model to this share of its slope, so
# that a row on the wrong side, which is nearly straight, does not blow the right-hand
# side up. A row on the right side has a slope as small as its curvature and needs none.
CURVATURE_FLOOR = 1e-6


# Beyond this predictor logarithms are straight lines, before exponentials overflow.
FAR = 700.0


def _flat(*arrays):
    """Return (arrays broadcast, as contiguous ones of one dimension; their shape)."""
    shape = np.shape(arrays[-1])
    if not all(_ready(a, shape) for a in arrays):
        shape = np.broadcast_shapes(*map(np.shape, arrays))
        arrays = [np.array(np.broadcast_to(a, shape), dtype=float) for a in arrays]
        arrays = [np.ascontiguousarray(a) for a in arrays]
    return [a.reshape(-1) for a in arrays], shape


def _ready(a, shape):
    """Tell whether compiled code can take an array as it is."""
    if not isinstance(a, np.ndarray) or a.shape != shape or a.dtype != np.float64:
        return False
    return a.flags.c_contiguous and a.flags.writeable


@dataclass(frozen=True)
class Logistic(ScalarLoss):
    """l(y, z) = log(1 + exp z) - y z."""

    quadratic = False
    curvature = 0.25
    exponential = True
    identity = False

    def value(self, y, z):
        """Return the loss."""
        return self.terms(y, z)[0]

    def derivatives(self, y, z):
        """Return the first and second derivative with respect to z."""
        return self.terms(y, z)[1:]

    def model_bend(self, y, z):
        """Return the second derivative, raised where the loss is nearly straight."""
        return self.weighted_terms(y, 1.0, z)[3]

    def terms(self, y, z):
        """Return the loss, its first and its second derivative with respect to z."""
        return self.weighted_terms(y, 1.0, z)[:3]

    def weighted_terms(self, y, w, z):
        """Return w times the terms, and w times the curvature of a quadratic model."""
        (y, w, z), shape = _flat(y, w, z)
        small = np.abs(z)
        np.exp(np.negative(small, out=small), out=small)
        value, (slope, bend, model) = np.log1p(small), np.empty((3, len(z)))
        floor = CURVATURE_FLOOR * self.curvature
        _kernels.logistic_terms(y, w, z, small, floor, value, slope, bend, model)
        if len(shape) == 1:
            return value, slope, bend, model
        return tuple(a.reshape(shape) for a in (value, slope, bend, model))

    def conjugate(self, y, u):
        """Return sup over z of u z - l(y, z); infinite unless 0 <= u + y <= 1."""
        p = u + y
        inside = (p >= 0) & (p <= 1)
        q = np.clip(p, 0.0, 1.0)
        return np.where(inside, xlogy(q, q) + xlogy(1 - q, 1 - q), np.inf)

    def fenchel_gap(self, y, z, rho):
        """Return l(z) + l*(v) - v z >= 0 at v = rho l'(z): a relative entropy."""
        (y, z), shape = _flat(y, z)
        odds, off = np.empty_like(z), 1.0 - rho
        if not _kernels.logistic_odds(y, z, FAR, odds):
            return self._gap_of_shares(y, z, rho).reshape(shape)
        high = odds.max(initial=0.0) >= FAR
        np.exp(odds, out=odds)
        more, out = np.multiply(odds, off), np.empty_like(z)
        np.log1p(more, out=more)
        if high:  # a straight line from there
            more += (off > 0) * np.maximum(np.abs(z) - FAR, 0.0) * (odds > 1.0)
        log_rho = np.log(rho) if rho > 0 else 0.0
        _kernels.logistic_gaps(odds, float(rho), log_rho, more, out)
        return out.reshape(shape)

    def _gap_of_shares(self, y, z, rho):
        """Return the same for labels between 0 and 1."""
        p, gap = expit(z), 0.0
        for share, label, side in ((p, y, z), (expit(-z), 1.0 - y, -z)):
            q = label + rho * (share - label)
            gap = gap + xlogy(q, q) - q * log_expit(side)
        return gap

    def intercepts(self, z, w, offsets, total, ends, b):
        """Return what is best to add to the predictors of each task, or None.

        Task by task: z and weights w (n,), from offsets[t] on; `total` the sum of w y,
        `ends` (low, high) of the answer and `b` where to look first.
        """
        if max(z.max(), -z.min()) > 0.4 * FAR:
            return None
        low, high = ends
        b = b.copy()
        _kernels.logistic_intercepts(np.exp(z), w, offsets, total, low, high, b)
        return b

    def null(self, mean, z):
        """Return the mean loss of labels of this mean, of 0 and 1, at one z for all."""
        return np.maximum(z, 0.0) - mean * z + np.log1p(np.exp(-np.abs(z)))

    def link(self, mean):
        """Return the constant z that fits labels of this mean best."""
        return logit(mean)

    def mean(self, z):
        """Return the mean response, a probability."""
        return expit(z)

    def saturated(self, y):
        """Return the smallest possible loss of each label."""
        return -xlogy(y, y) - xlogy(1 - y, 1 - y)
