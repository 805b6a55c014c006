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
        return self._evaluated(y, z)[3]

    def terms(self, y, z):
        """Return the loss, its first and its second derivative with respect to z."""
        return self._evaluated(y, z)[:3]

    def _evaluated(self, y, z):
        """Return `terms` and `model_bend`, elementwise."""
        (y, z), shape = _flat(y, z)
        found, one = np.empty((4, len(z))), np.ones_like(z)
        small = np.exp(-np.abs(z))
        found[0] = np.maximum(z, 0.0) - y * z + np.log1p(small)
        self._terms(y, one, z, small, *found)
        return [a.reshape(shape) for a in found]

    def _terms(self, *arrays):
        floor = CURVATURE_FLOOR * self.curvature
        return _kernels.logistic_terms(*arrays, floor)

    def weighted_terms(self, y, w, z, *out):
        """Write w times the derivatives; return (value, squares, known)."""
        (y, w, z), _ = _flat(y, w, z)
        small = np.abs(z)
        np.exp(np.negative(small, out=small), out=small)
        made = [a if a.flags.c_contiguous else np.empty(a.shape) for a in out]
        flat = [a.reshape(-1) for a in made]
        value, squares, sure = self._terms(y, w, z, small, np.log1p(small), *flat)
        for a, found in zip(out, made, strict=True):
            if a is not found:
                a[...] = found
        return value, squares, small if sure else None

    def conjugate(self, y, u):
        """Return sup over z of u z - l(y, z); infinite unless 0 <= u + y <= 1."""
        p = u + y
        inside = (p >= 0) & (p <= 1)
        q = np.clip(p, 0.0, 1.0)
        return np.where(inside, xlogy(q, q) + xlogy(1 - q, 1 - q), np.inf)

    def fenchel_gap(self, y, z, rho):
        """Return l(z) + l*(v) - v z >= 0 at v = rho l'(z): a relative entropy."""
        y, off = np.asarray(y), 1.0 - rho
        if not np.all((y == 0) | (y == 1)):
            return self._gap_of_shares(y, z, rho)
        odds = (1.0 - 2.0 * y) * z  # against the label, as logarithms
        beyond = np.maximum(odds - FAR, 0.0)  # a straight line from there
        odds = np.exp(np.minimum(odds, FAR))
        right = 1.0 / (1.0 + odds)
        wrong = odds * right
        log_rho = np.log(rho) if rho > 0 else 0.0
        more = np.log1p(off * odds) + (off > 0) * beyond
        return rho * wrong * log_rho + (1.0 - rho * wrong) * more

    def known_gap(self, y, w, known, rho):
        """Return the sum of w times the same, given what `weighted_terms` returns."""
        log_rho = np.log(rho) if rho > 0 else 0.0
        w = np.ascontiguousarray(w).reshape(-1)
        return _kernels.logistic_gap(known, w, float(rho), log_rho)

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
