"""Weights from how fast the losses of tasks fall."""

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator

from skmtl._compat import Interval
from skmtl.neural_network.weighting._state import Weights


class DynamicWeights(BaseEstimator):
    """Dynamic weight average: more weight for tasks whose loss falls slowly [1]_.

    In epoch e the weights are ``T exp(r_t / temperature) / sum_s exp(r_s /
    temperature)``, r_t being the loss of epoch e - 1 over that of e - 2; they are 1 in
    the first two epochs.

    Parameters
    ----------
    temperature : float, default=2.0
        Larger values make the weights more equal.

    References
    ----------
    .. [1] S. Liu, E. Johns and A. J. Davison, End-to-End Multi-Task Learning with
       Attention, CVPR 2019. https://arxiv.org/abs/1803.10704

    Examples
    --------
    >>> from skmtl import MultiTaskMLPRegressor
    >>> from skmtl.neural_network import DynamicWeights
    >>> model = MultiTaskMLPRegressor(loss_weighting=DynamicWeights(temperature=1.0))
    """

    _parameter_constraints: dict = {
        "temperature": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, temperature=2.0):
        self.temperature = temperature

    def start(self, tasks, learning_rate):
        """Return the state of a training."""
        self._validate_params()
        return _Dynamic(len(tasks), self.temperature)


class _Dynamic(Weights):
    """The losses of the previous epoch."""

    def __init__(self, n_tasks, temperature):
        super().__init__(n_tasks)
        self.temperature, self.before = temperature, None

    def after_epoch(self, losses):
        """Set the weights of the next epoch; a loss of 0 is that of a task not seen."""
        seen = losses > 0
        if self.before is None:
            self.before = losses.copy()
            return
        known = seen & (self.before > 0)
        ratio = np.where(known, losses / np.where(known, self.before, 1.0), 1.0)
        score = ratio / self.temperature
        share = np.exp(score - score.max())
        self.weights = len(losses) * share / share.sum()
        self.before = np.where(seen, losses, self.before)
