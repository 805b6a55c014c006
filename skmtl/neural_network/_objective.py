"""The objective of the network and its gradient on a batch."""

import numpy as np


class Objective:
    """Sum over tasks of task_weight times mean loss, plus alpha / 2 ||weights||^2.

    Parameters
    ----------
    sharing : strategy of `_sharing`
    losses : ColumnLosses
    columns : Columns
    task_weight : ndarray of shape (T,)
    alpha : float
    """

    def __init__(self, sharing, losses, columns, task_weight, alpha):
        self.sharing, self.losses, self.columns = sharing, losses, columns
        self.task_weight, self.alpha = task_weight, alpha

    def task_losses(self, views, X, batch):
        """Return the mean loss of each task, shape (T,); weights sum to c_t over it."""
        z, _ = self.sharing.forward(views, X, batch)
        value, _ = self.losses(batch.y, z, batch.column)
        return self._per_task(batch, value)

    def gradient(self, theta, views, X, batch, out, out_views):
        """Write the gradient into the flat vector `out`; return the losses (T,)."""
        z, cache = self.sharing.forward(views, X, batch)
        value, delta = self.losses(batch.y, z, batch.column)
        delta *= batch.weight
        self.sharing.backward(views, cache, batch, delta, out_views)
        penalised = self.sharing.n_penalised
        if self.alpha:
            out[:penalised] += self.alpha * theta[:penalised]
        return self._per_task(batch, value)

    def penalty(self, theta):
        """Return the value of the penalty."""
        weights = theta[: self.sharing.n_penalised]
        return 0.5 * self.alpha * float(weights @ weights)

    def _per_task(self, batch, value):
        """Sum weighted losses of entries over each task."""
        sums = batch.column_sums(value * batch.weight, len(self.columns))
        return np.add.reduceat(sums, self.columns.first) / self.task_weight
