"""Weights from the noise of each task, learned with the network."""

import numpy as np
from sklearn.base import BaseEstimator

from skmtl.neural_network._optimizers import Adam
from skmtl.neural_network.weighting._state import Weights

# The smallest loss that is told from none: weights stay below 1 / (2 * this).
SMALLEST_LOSS = 1e-3


class UncertaintyWeights(BaseEstimator):
    """Weigh each task by its noise, which is learned [1]_.

    Minimises ``sum_t c_t (exp(-s_t) L_t + s_t / 2)`` over s as well, by Adam; s_t
    starts at 0. For squared loss exp(s_t) is the variance of the noise. At the optimum
    the weight exp(-s_t) is 1 / (2 L_t), so that every weighted loss is 1/2; no weight
    exceeds 500.

    References
    ----------
    .. [1] A. Kendall, Y. Gal and R. Cipolla, Multi-Task Learning Using Uncertainty to
       Weigh Losses for Scene Geometry and Semantics, CVPR 2018.
       https://arxiv.org/abs/1705.07115

    Examples
    --------
    >>> from skmtl import MultiTaskMLPRegressor
    >>> model = MultiTaskMLPRegressor(loss_weighting="uncertainty")
    """

    def start(self, tasks, learning_rate):
        """Return the state of a training."""
        return _Uncertainty(len(tasks), learning_rate)


class _Uncertainty(Weights):
    """Log-variances and their optimiser."""

    def __init__(self, n_tasks, learning_rate):
        super().__init__(n_tasks)
        self.log_variance = np.zeros(n_tasks)
        self.learning_rate = learning_rate
        self.adam = Adam(n_tasks, 0.9, 0.999, 1e-8)

    def after_step(self, losses, seen, norms, rate):
        """Take a step against the derivative 1 / 2 - exp(-s) L."""
        slope = np.where(seen, 0.5 - self.weights * losses, 0.0)
        self.adam.step(self.log_variance, slope, self.learning_rate * rate)
        np.maximum(self.log_variance, np.log(2 * SMALLEST_LOSS), out=self.log_variance)
        self.weights = np.exp(-self.log_variance)
