"""Extrapolation of a linearly converging sequence."""

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
        first = np.stack([arrays[0].ravel() for arrays in iterates])
        steps = np.diff(first, axis=0)
        products = steps @ steps.T
        size = np.trace(products)
        if not size > 0:
            return None
        try:
            weights = np.linalg.solve(
                products + 1e-14 * size * np.eye(len(products)), np.ones(len(products))
            )
        except np.linalg.LinAlgError:
            return None
        total = weights.sum()
        if not np.isfinite(total) or total == 0:
            return None
        weights /= total
        return [
            sum(w * arrays[i] for w, arrays in zip(weights, iterates[1:], strict=True))
            for i in range(len(iterates[0]))
        ]
