"""Norms of flattened blocks, one per row of F (B, q), together with an l1 norm.

Each norm N gives, row by row with strengths a2, a1 (B,) of N and of the l1 norm:
`value`, `prox` (of a2 N, after the l1 part has been shrunk), `beyond` (the norm of that
prox: what is left outside of the dual ball), `dual` (the least a such that
a tau ||.||_1 + a gamma N has the block at 0 under a pull of magnitudes A), and
`face_distance` (of the pull R to the subdifferential at F != 0).
"""

import numpy as np


def row_norms(F):
    """Return the l2 norm of each row."""
    return np.sqrt(np.einsum("bq,bq->b", F, F))


def soft(V, threshold):
    """Shrink every entry towards 0 by `threshold`."""
    return np.sign(V) * np.maximum(np.abs(V) - threshold, 0.0)


def _sorted_sums(A):
    """Return (magnitudes in decreasing order, their running sums, their counts)."""
    g = -np.sort(-A, axis=1)
    return g, np.cumsum(g, axis=1), np.arange(1, A.shape[1] + 1)


def _first_fit(a, g, threshold):
    """Return a at the first k for which the entries after it are below a threshold."""
    following = np.column_stack([g[:, 1:], np.zeros(len(g))])
    first = np.argmax(following <= threshold * (1 + 1e-12), axis=1)
    return a[np.arange(len(g)), first]


class L2:
    """The Euclidean norm: a block is used as a whole or not at all."""

    code = 0

    @staticmethod
    def value(F):
        """Return the norm of each row."""
        return row_norms(F)

    @staticmethod
    def prox(S, a2):
        """Return the prox of a2 times the norm, row by row."""
        norms = row_norms(S)
        shrunk = norms - a2
        factor = np.where(shrunk > 0, shrunk / np.where(norms > 0, norms, 1.0), 0.0)
        return S * factor[:, None]

    @staticmethod
    def beyond(S, a2):
        """Return the distance of S to the dual ball of radius a2, row by row."""
        return np.maximum(row_norms(S) - a2, 0.0)

    @staticmethod
    def dual(A, tau, gamma):
        """Return the smallest a with ||soft(A, a tau)|| <= a gamma, row by row."""
        if tau == 0.0:
            return row_norms(A) / gamma
        if np.all(gamma == 0.0):
            return A.max(axis=1, initial=0.0) / tau
        # With the k largest entries above the threshold this is a quadratic in a,
        # (k tau^2 - gamma^2) a^2 - 2 tau total a + squares = 0, written for 1 / a. Its
        # discriminant holds k squares - total^2 as a variance, which does not cancel.
        g, total, k = _sorted_sums(A)
        squares, gamma = np.cumsum(g**2, axis=1), gamma[:, None]
        mean_before = np.column_stack([g[:, :1], (total / k)[:, :-1]])
        around_mean = np.cumsum((g - mean_before) ** 2 * ((k - 1) / k), axis=1)
        root = np.sqrt(np.maximum(gamma**2 * squares - tau**2 * k * around_mean, 0.0))
        a = squares / np.maximum(tau * total + root, np.finfo(float).tiny)
        return _first_fit(a, g, a * tau)

    @staticmethod
    def face_distance(R, F, a2, a1, shrink):
        """Return the distance of R to the subdifferential at F != 0, row by row."""
        rest = R - (a2 / row_norms(F))[:, None] * F
        on = F != 0
        rest = np.where(on, rest - a1[:, None] * np.sign(F), shrink(rest, a1[:, None]))
        return row_norms(rest)


class Linf:
    """The largest magnitude: where one task uses a block, the others do for free."""

    code = 1

    @staticmethod
    def value(F):
        """Return the largest magnitude of each row."""
        return np.abs(F).max(axis=1, initial=0.0)

    @staticmethod
    def prox(S, a2):
        """Return the prox of a2 times the norm: magnitudes are cut at one level."""
        A = np.abs(S)
        level = np.where(A.sum(axis=1) > a2, _simplex_threshold(A, a2), 0.0)
        return np.sign(S) * np.minimum(A, level[:, None])

    @staticmethod
    def beyond(S, a2):
        """Return the distance of S to the dual ball of radius a2, row by row."""
        return row_norms(Linf.prox(S, a2))

    @staticmethod
    def dual(A, tau, gamma):
        """Return the smallest a with sum of (A - a tau)_+ <= a gamma, row by row."""
        g, total, k = _sorted_sums(A)
        a = total / (gamma[:, None] + k * tau)
        return _first_fit(a, g, a * tau)

    @staticmethod
    def face_distance(R, F, a2, a1, shrink):
        """Return the distance of R to the subdifferential at F != 0, row by row."""
        A = np.abs(F)
        top = A.max(axis=1, keepdims=True) * (1 - 1e-10) <= A
        rest = np.where(F != 0, R - a1[:, None] * np.sign(F), shrink(R, a1[:, None]))
        # On the entries of largest magnitude: a2 times a convex combination of signs.
        pull = np.where(top, rest * np.sign(F), -1e200)
        cut = _simplex_threshold(pull, a2)[:, None]
        rest = np.where(top, pull - np.maximum(pull - cut, 0.0), rest)
        return row_norms(rest)


def _simplex_threshold(A, total):
    """Return the level c with sum of (A - c)_+ = total, row by row."""
    g, sums, k = _sorted_sums(A)
    with np.errstate(invalid="ignore"):
        levels = (sums - total[:, None]) / k
        last = np.maximum((g > levels).sum(axis=1) - 1, 0)
    return levels[np.arange(len(A)), last]


NORMS = {"l2": L2, "linf": Linf}
