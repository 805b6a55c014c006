"""Weights that stay as they are."""

import numpy as np
from sklearn.base import BaseEstimator

from skmtl.neural_network.weighting._state import Weights


class FixedWeights(BaseEstimator):
    """Every task's loss counts the same, or by a given weight.

    Parameters
    ----------
    weights : mapping from task label to positive number, default=None
        None: 1 for every task.

    Examples
    --------
    >>> from skmtl import MultiTaskMLPRegressor
    >>> from skmtl.neural_network import FixedWeights
    >>> model = MultiTaskMLPRegressor(loss_weighting=FixedWeights({"A": 1, "B": 5}))
    """

    def __init__(self, weights=None):
        self.weights = weights

    def start(self, tasks, learning_rate):
        """Return the state of a training."""
        state = Weights(len(tasks))
        state.constant = self.weights is None
        for t, task in enumerate(tasks if self.weights is not None else []):
            weight = self.weights.get(task)
            if weight is None or not (np.isfinite(weight) and weight > 0):
                raise ValueError(
                    f"loss_weighting must have a positive weight for task {task!r}, "
                    f"got {weight!r}; a mapping must cover every task."
                )
            state.weights[t] = weight
        return state
