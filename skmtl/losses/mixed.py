"""Tasks with different losses."""

import numpy as np


class Mixed:
    """One loss per task.

    Parameters
    ----------
    losses : list of losses
        The distinct ones.
    index : ndarray of shape (T,)
        Which of them each task has.
    """

    def __init__(self, losses, index):
        self.losses, self.index = losses, index
        self.quadratic = all(loss.quadratic for loss in losses)

    def parts(self):
        """Return [(loss, positions of its tasks)]."""
        every = [np.flatnonzero(self.index == k) for k in range(len(self.losses))]
        parts = zip(self.losses, every, strict=True)
        return [(loss, tasks) for loss, tasks in parts if len(tasks)]

    def of_task(self, t):
        """Return the loss of the task at position t."""
        return self.losses[self.index[t]]


def loss_parts(loss, n_tasks):
    """Return [(loss, positions of its tasks)] of one loss or of a mixture."""
    if isinstance(loss, Mixed):
        return loss.parts()
    return [(loss, np.arange(n_tasks))]
