"""Weights that make the gradients of tasks equally long."""

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator

from skmtl._compat import Interval
from skmtl.neural_network.weighting._state import Weights

SMALLEST_WEIGHT = 1e-3


class GradNorm(BaseEstimator):
    """Balance the lengths of the tasks' gradients, in favour of those that lag [1]_.

    With G_t the length of the weighted gradient of task t at the last shared layer and
    r_t its loss relative to its first one, divided by the mean of that over tasks, the
    weights follow the gradient of ``sum_t |G_t - mean(G) r_t^strength|``, in which the
    second term is held constant; after each step they are scaled to sum to T.

    Parameters
    ----------
    strength : float, default=1.5
        Exponent of r_t. At 0 all gradients are made equally long; larger values give
        more weight to tasks that learn slowly.
    learning_rate : float, default=0.025
        Step size of the weights.

    References
    ----------
    .. [1] Z. Chen et al., GradNorm: Gradient Normalization for Adaptive Loss Balancing
       in Deep Multitask Networks, ICML 2018. https://arxiv.org/abs/1711.02257

    Examples
    --------
    >>> from skmtl import MultiTaskMLPRegressor
    >>> from skmtl.neural_network import GradNorm
    >>> model = MultiTaskMLPRegressor(loss_weighting=GradNorm(strength=0.5))
    """

    _parameter_constraints: dict = {
        "strength": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, strength=1.5, learning_rate=0.025):
        self.strength = strength
        self.learning_rate = learning_rate

    def start(self, tasks, learning_rate):
        """Return the state of a training."""
        self._validate_params()
        return _GradNorm(len(tasks), self.strength, self.learning_rate)


class _GradNorm(Weights):
    """Weights and first losses."""

    needs_norms = True

    def __init__(self, n_tasks, strength, learning_rate):
        super().__init__(n_tasks)
        self.strength, self.learning_rate = strength, learning_rate
        self.first = np.full(n_tasks, np.nan)

    def after_step(self, losses, seen, norms, rate):
        """Take a step towards the lengths that are wanted."""
        new = seen & np.isnan(self.first)
        self.first[new] = np.maximum(losses[new], 1e-12)
        seen = seen & (norms > 0)
        if seen.sum() < 2:
            return
        progress = losses[seen] / self.first[seen]
        lag = progress / max(progress.mean(), 1e-12)
        wanted = norms[seen].mean() * lag**self.strength
        slope = np.sign(norms[seen] - wanted) * norms[seen] / self.weights[seen]
        # Relative lengths, so that the step size means the same in all units.
        slope /= norms[seen].mean()
        weights = self.weights.copy()
        weights[seen] -= self.learning_rate * rate * slope
        np.maximum(weights, SMALLEST_WEIGHT, out=weights)
        self.weights = weights * (len(weights) / weights.sum())
