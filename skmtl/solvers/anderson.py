"""Extrapolation of a linearly converging sequence."""

from collections import deque

import numpy as np


class Anderson:
    """Anderson extrapolation of the last iterates of a fixed-point method.

    Parameters
    ----------
    size : int
        Number of differences that are combined.
    """

    def __init__(self, size=5):
        self.size = size
        self._iterates = []

    def push(self, *arrays):
        """Store one iterate, given as arrays that depend on it linearly."""
        self._iterates.append([a.copy() for a in arrays])

    @property
    def ready(self):
        """Whether enough iterates are stored."""
        return len(self._iterates) > self.size

    def extrapolate(self):
        """Return the combined arrays and forget the iterates; None if ill-defined.

        The weights minimise the norm of the combined differences of the first array.
        """
        iterates, self._iterates = self._iterates, []
        weights = _weights(np.diff([arrays[0].ravel() for arrays in iterates], axis=0))
        return None if weights is None else _combine(weights, iterates[1:])


class Steps:
    """The same where every step starts from what the last ones extrapolated to.

    Parameters
    ----------
    size : int
        Number of steps that are combined.
    """

    def __init__(self, size):
        self._steps, self._ends = deque(maxlen=size), deque(maxlen=size)

    def extrapolate(self, start, *ends):
        """Return the arrays of the last steps combined; None if ill-defined.

        `ends` are arrays that depend linearly on the first one, to which the step went
        from `start`.
        """
        self._steps.append((ends[0] - start).ravel())
        self._ends.append(ends)
        if len(self._steps) < 2:
            return None
        weights = _weights(np.stack(self._steps))
        return None if weights is None else _combine(weights, self._ends)


def _weights(steps):
    """Return the weights, of sum 1, that make the sum of the steps smallest."""
    products = steps @ steps.T
    size = products.trace()
    if not size > 0:
        return None
    products.flat[:: len(products) + 1] += 1e-14 * size
    try:
        weights = np.linalg.solve(products, np.ones(len(products)))
    except np.linalg.LinAlgError:
        return None
    total = weights.sum()
    return weights / total if np.isfinite(total) and total != 0 else None


def _combine(weights, iterates):
    """Return the weighted sums of arrays."""
    return [
        (weights @ np.reshape(arrays, (len(weights), -1))).reshape(arrays[0].shape)
        for arrays in zip(*iterates, strict=True)
    ]
