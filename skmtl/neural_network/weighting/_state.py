"""The state of a weighting that never changes; others override what they learn from."""

import numpy as np


class Weights:
    """Weights of the tasks' losses in one training.

    Attributes
    ----------
    weights : ndarray of shape (T,)
    constant : bool
        Whether they stay 1, so that nothing is to multiply.
    needs_norms : bool
        Whether `after_step` needs the norms of the tasks' gradients.
    """

    constant = False
    needs_norms = False

    def __init__(self, n_tasks):
        self.weights = np.ones(n_tasks)

    def after_step(self, losses, seen, norms, rate):
        """Learn from one step.

        Parameters
        ----------
        losses : ndarray of shape (T,)
            Mean losses before weighing.
        seen : ndarray of bool, shape (T,)
            Tasks with labels in the step.
        norms : ndarray of shape (T,) or None
            Norms of the gradients of the losses, weights included, at the last shared
            layer.
        rate : float
            Learning rate of the step relative to that of the first.
        """

    def after_epoch(self, losses):
        """Learn from the mean losses (T,) of an epoch."""
