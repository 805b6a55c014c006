"""Gradient surgery: conflicting gradients lose what conflicts."""

import numpy as np
from sklearn.base import BaseEstimator


class PCGrad(BaseEstimator):
    """Project each task's gradient off those that it conflicts with, then add up [1]_.

    The gradient of task t meets those of the others in random order. Where it has a
    negative inner product with one, it loses its component along that one.

    References
    ----------
    .. [1] T. Yu et al., Gradient Surgery for Multi-Task Learning, NeurIPS 2020.
       https://arxiv.org/abs/2001.06782

    Examples
    --------
    Of (1, 0) and (-1, 1), which conflict, (1/2, 1/2) and (0, 1) are left:

    >>> import numpy as np
    >>> from skmtl.neural_network import PCGrad
    >>> gradients = np.array([[1.0, 0.0], [-1.0, 1.0]])
    >>> weights = PCGrad().weights(gradients @ gradients.T, np.random.RandomState(0))
    >>> weights @ gradients
    array([0.5, 1.5])
    """

    plain = False

    def weights(self, gramian, rng):
        """Return the weights of the gradients in the sum of the projected ones."""
        n_tasks = len(gramian)
        order = rng.uniform(size=(n_tasks, n_tasks)).argsort(axis=1)
        # Row t holds the projected gradient of task t as a combination of all.
        projected, rows = np.eye(n_tasks), np.arange(n_tasks)
        length = np.diag(gramian)
        for met in order.T:
            inner = np.einsum("ij,ij->i", projected, gramian[met])
            conflict = (inner < 0) & (met != rows) & (length[met] > 0)
            amount = inner[conflict] / length[met[conflict]]
            projected[rows[conflict], met[conflict]] -= amount
        return projected.sum(axis=0)
