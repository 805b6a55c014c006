"""The Poisson loss for counts and rates."""

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from skmtl.losses.entropy import excess
from skmtl.losses.scalar import ScalarLoss, squares

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


def _raised(y, mu):
    """Return the second derivative mu, raised where the loss is nearly straight."""
    return np.maximum(np.maximum(mu, CURVATURE_FLOOR * (y - mu)), 1e-100)


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

    def weighted_terms(self, y, w, z, slope, bend, model):
        """Write w times the derivatives; return (value, squares, known)."""
        value, first, mu = self.terms(y, z)
        np.multiply(w, first, out=slope)
        np.multiply(w, mu, out=bend)
        np.multiply(w, _raised(y, mu), out=model)
        known = mu if max(z.max(), -z.min()) <= LARGEST_Z else None
        return float(np.vdot(w, value)), squares(slope, model), known

    def derivatives(self, y, z):
        """Return the first and second derivative with respect to z."""
        mu = _exp(z)
        return mu - y, mu

    def model_bend(self, y, z):
        """Return the second derivative, raised where the loss is nearly straight."""
        return _raised(y, _exp(z))

    def conjugate(self, y, u):
        """Return sup over z of u z - l(y, z); infinite unless u + y >= 0."""
        q = np.maximum(u + y, 0.0)
        return np.where(u + y >= 0, xlogy(q, q) - q, np.inf)

    def fenchel_gap(self, y, z, rho):
        """Return l(z) + l*(v) - v z >= 0 at v = rho l'(z): a relative entropy."""
        return self._entropy(y, _exp(z), np.minimum(z, LARGEST_Z), rho)

    def known_gap(self, y, w, known, rho):
        """Return the sum of w times the same, given what `weighted_terms` returns."""
        return float(np.vdot(w, self._entropy(y, known, None, rho)))

    def _entropy(self, y, mu, log_mu, rho):
        """Return the relative entropy of y + rho (mu - y) to mu."""
        # Of mu and q = mu (1 + d); by its definition where mu is far below q.
        d = (1.0 - rho) * (y - mu) / np.maximum(mu, 1e-300)
        far = d > FAR
        if not far.any():
            return mu * excess(d)
        log_mu = np.log(mu) if log_mu is None else log_mu
        q = y + rho * (mu - y)
        near = mu * excess(np.where(far, 0.0, d))
        return np.where(
            far, xlogy(q, np.where(far, q, 1.0)) - q * log_mu - q + mu, near
        )

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
