"""The log-loss of several classes."""

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from skmtl.losses.entropy import excess
from skmtl.losses.logistic import CURVATURE_FLOOR

TRACE = 1e-15


def _odds(y, z):
    """Return (is it the label, exp(z - top), top, sum over other classes, its own).

    Everything is relative to the label's own prediction: top is the largest z less
    that one, and the last two are exponentials less top.
    """
    own = np.arange(len(z)).reshape(-1, *[1] * np.ndim(y)) == y
    z = z - np.where(own, z, 0.0).sum(axis=0)
    top = z.max(axis=0)
    e = np.exp(z - top)
    return own, e, top, np.where(own, 0.0, e).sum(axis=0), np.exp(-top)


@dataclass(frozen=True)
class Multinomial:
    """l(y, z) = log sum_k exp z_k - z_y for labels y in {0, ..., K - 1}.

    Predictions z have the classes along their first axis, (K, ...); labels, and what
    there is one of per row, have the other axes. Unlike the other losses it is no
    function of one number; the second derivative is diag(p) - p p', of rank K - 1.
    """

    quadratic = False
    curvature = 0.5  # largest eigenvalue of the second derivative
    exponential = True
    identity = False

    def value(self, y, z):
        """Return the loss."""
        return self.evaluate(y, z)[0]

    def derivatives(self, y, z):
        """Return (slope, p): the first derivative, and the probabilities."""
        return self.evaluate(y, z)[1:]

    def evaluate(self, y, z):
        """Return (value, slope, p)."""
        own, e, top, rest, mine = _odds(y, z)
        total = rest + mine
        # Not log(total), which has no digits left where the label is certain.
        value = np.where(top > 0, top + np.log(total), np.log1p(rest))
        p = e / total
        return value, np.where(own, -rest / total, p), p

    def conjugate(self, y, u):
        """Return sup over z of u z - l(y, z); finite for u + 1_y in the simplex."""
        q = u + (np.arange(len(u)).reshape(-1, *[1] * np.ndim(y)) == y)
        inside = (q >= 0).all(axis=0) & (np.abs(q.sum(axis=0) - 1.0) <= 1e-12)
        q = np.maximum(q, 0.0)
        return np.where(inside, xlogy(q, q).sum(axis=0), np.inf)

    def fenchel_gap(self, y, z, rho):
        """Return l(z) + l*(v) - v z >= 0 at v = rho l'(z): a relative entropy.

        Of q = 1_y + rho (p - 1_y) and p. The other classes have q = rho p, all of them.
        """
        _, _, top, rest, mine = _odds(y, z)
        total = rest + mine
        p, off = mine / total, (1.0 - rho) * rest / total
        d = off / np.maximum(p, 1e-300)
        far = d > 1.0
        near = p * excess(np.where(far, 0.0, d))
        q = np.where(far, p + off, 1.0)
        log_p = -top - np.log(total)
        straight = q * (np.log(q) - log_p) - q + p
        return np.where(far, straight, near) + rest / total * float(excess(rho - 1.0))

    def model_point(self, y, z):
        """Return (p, 1 - p, squares): where to take the second derivative of a model.

        p is raised a little at the label, so that a row on the wrong side, where the
        loss is nearly straight, does not blow the model up; and by a trace everywhere,
        so that rows without any curvature left do not leave it without a minimum.
        `squares` is twice the value of the model r'(diag(p) - p p') r / 2 that has the
        slope of the loss at z.
        """
        own = np.arange(len(z)).reshape(-1, *[1] * np.ndim(y)) == y
        _, slope, p = self.evaluate(y, z)
        raised = p + CURVATURE_FLOOR * own + TRACE
        raised /= 1.0 + CURVATURE_FLOOR + len(p) * TRACE
        others = raised.sum(axis=0) - raised
        # Of the largest p it has to be the sum of the others.
        largest = raised == raised.max(axis=0)
        tail = np.where(largest, 0.0, raised).sum(axis=0)
        others = np.where(largest & (raised > 0.5), tail, others)
        return raised, others, (slope**2 / raised).sum(axis=0)

    def link(self, mean):
        """Return the constants z, of sum 0, that fit classes of these shares best."""
        z = np.log(mean)
        return z - z.mean(axis=0)

    def mean(self, z):
        """Return the probabilities of the classes."""
        e = np.exp(z - z.max(axis=0))
        return e / e.sum(axis=0)

    def saturated(self, y):
        """Return the smallest possible loss of each label."""
        return np.zeros_like(y)
