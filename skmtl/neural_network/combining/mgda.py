"""The multiple-gradient descent algorithm: a step that helps every task."""

import numpy as np
from scipy.optimize import nnls
from sklearn.base import BaseEstimator


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
        scale = np.trace(gramian) / n_tasks
        if not scale > 0:
            return np.ones(n_tasks)
        values, vectors = np.linalg.eigh(gramian / scale)
        root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
        # The shortest a with sum 1 is, up to scale, the a >= 0 that minimises
        # ||root a||^2 + (sum a - 1)^2: for any sum, the same shape is the best.
        target = np.append(np.zeros(n_tasks), 1.0)
        found, _ = nnls(np.vstack([root, np.ones(n_tasks)]), target)
        return n_tasks * found / found.sum()
