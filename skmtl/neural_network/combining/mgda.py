"""The multiple-gradient descent algorithm: a step that helps every task."""

import numpy as np
from sklearn.base import BaseEstimator

# The step against the combination is taken to help every task when its inner product
# with each gradient is its squared length, less this share of it.
TOLERANCE = 1e-4
NEGLIGIBLE = 1e-12  # times the mean squared length of the gradients
STEPS_PER_TASK = 50


class MGDA(BaseEstimator):
    """Take the shortest vector in the convex hull of the tasks' gradients [1]_ [2]_.

    A small enough step against it lowers every task's loss, or none can. Weights are
    scaled to sum to T, so that equal gradients give their sum.

    References
    ----------
    .. [1] J.-A. Desideri, Multiple-gradient descent algorithm (MGDA) for
       multiobjective optimization, Comptes Rendus Mathematique 350, 2012.
    .. [2] O. Sener and V. Koltun, Multi-Task Learning as Multi-Objective Optimization,
       NeurIPS 2018. https://arxiv.org/abs/1810.04650

    Examples
    --------
    Two gradients at a right angle, one twice as long: weights 4/5 and 1/5, times T.

    >>> import numpy as np
    >>> from skmtl.neural_network import MGDA
    >>> MGDA().weights(np.diag([1.0, 4.0]), np.random.RandomState(0))
    array([1.6, 0.4])
    """

    plain = False

    def weights(self, gramian, rng):
        """Return the weights of the gradients, at least 0, with sum T."""
        n_tasks = len(gramian)
        share = np.full(n_tasks, 1.0 / n_tasks)
        inner = gramian @ share  # of each gradient with the combination
        floor = NEGLIGIBLE * np.trace(gramian) / n_tasks
        for _ in range(STEPS_PER_TASK * n_tasks):
            # Move weight between two gradients, as far as the length falls: exact for
            # two tasks, and sure to come near the shortest vector for any number,
            # however many of the gradients depend on each other.
            low = inner.argmin()
            high = np.where(share > 0, inner, -np.inf).argmax()
            squared = share @ inner
            if squared - inner[low] <= TOLERANCE * squared + floor:
                break
            bend = gramian[low, low] + gramian[high, high] - 2 * gramian[low, high]
            move = share[high]
            if bend > 0:
                move = min(move, (inner[high] - inner[low]) / bend)
            share[high] -= move
            share[low] += move
            inner += move * (gramian[low] - gramian[high])
        return n_tasks * share
