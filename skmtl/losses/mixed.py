"""Tasks with different losses."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mixed:
    """One loss per task.

    Attributes
    ----------
    losses : tuple of losses
        The distinct ones.
    index : tuple of int
        Which of them each task has.
    """

    losses: tuple
    index: tuple

    @property
    def quadratic(self):
        """Whether the losses of all tasks are quadratic."""
        return all(loss.quadratic for loss, _ in self.parts())

    def parts(self):
        """Return [(loss, positions of its tasks)]."""
        index = np.array(self.index)
        parts = [(x, np.flatnonzero(index == k)) for k, x in enumerate(self.losses)]
        return [(loss, tasks) for loss, tasks in parts if len(tasks)]

    def of_task(self, t):
        """Return the loss of the task at position t."""
        return self.losses[self.index[t]]


def loss_parts(loss, n_tasks):
    """Return [(loss, positions of its tasks)] of one loss or of a mixture."""
    if isinstance(loss, Mixed):
        return loss.parts()
    return [(loss, np.arange(n_tasks))]
