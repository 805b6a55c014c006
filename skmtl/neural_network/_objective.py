"""The objective of the network and its gradient on a batch."""

import numpy as np


class Objective:
    """Sum over tasks of task_weight times mean loss, plus the penalties.

    These are alpha / 2 ||weights||^2 and what the kind of sharing adds.

    Parameters
    ----------
    network : Network
    losses : ColumnLosses
    columns : Columns
    task_weight : ndarray of shape (T,)
    alpha : float
    """

    def __init__(self, network, losses, columns, task_weight, alpha):
        self.network, self.losses, self.columns = network, losses, columns
        self.task_weight, self.alpha = task_weight, alpha

    def task_losses(self, parts, X, batch):
        """Return the mean loss of each task, shape (T,); weights sum to c_t over it."""
        z, _ = self.network.forward(parts, X, batch)
        value, _ = self.losses(batch, z)
        batch.weigh(value)
        return self._per_task(batch, value)

    def gradient(self, theta, parts, X, batch, out, out_parts, scale=None, drop=None):
        """Write the gradient into the flat vector `out`; return the losses (T,).

        `scale` (T,) multiplies the losses of tasks in the gradient alone; `drop` is the
        dropout.
        """
        losses, delta, cache = self._scores(parts, X, batch, scale, drop)
        self.network.backward(parts, cache, batch, delta, out_parts)
        self.add_penalty_gradient(theta, parts, out, out_parts)
        return losses

    def jacobian(self, parts, X, batch, out, scale=None, drop=None):
        """Write the gradient of each task into a row of `out`; return the losses.

        Penalties take no part.
        """
        losses, delta, cache = self._scores(parts, X, batch, scale, drop)
        self.network.jacobian(parts, cache, batch, delta, out)
        return losses

    def task_gradient(self, parts, X, batch, t, out_parts):
        """Write the gradient of the loss of task t, without penalties."""
        _, delta, cache = self._scores(parts, X, batch, None, None)
        delta[self.columns.task[batch.column] != t] = 0.0
        self.network.backward(parts, cache, batch, delta, out_parts)

    def add_penalty_gradient(self, theta, parts, out, out_parts):
        """Add the gradient of the penalties to `out`."""
        penalised = self.network.n_penalised
        if self.alpha:
            out[:penalised] += self.alpha * theta[:penalised]
        self.network.penalty(parts, out_parts)

    def penalty(self, theta):
        """Return the value of the penalties."""
        weights = theta[: self.network.n_penalised]
        own = self.network.penalty(self.network.parts(theta))
        return 0.5 * self.alpha * float(weights @ weights) + own

    def _scores(self, parts, X, batch, scale, drop):
        """Return (losses (T,), derivatives of the scores, cache) of a batch."""
        z, cache = self.network.forward(parts, X, batch, drop)
        value, delta = self.losses(batch, z)
        batch.weigh(value)
        batch.weigh(delta)
        if scale is not None:
            delta *= scale[self.columns.task[batch.column]].astype(delta.dtype)
        return self._per_task(batch, value), delta, cache

    def _per_task(self, batch, value):
        """Sum weighted losses of entries over each task."""
        sums = batch.column_sums(value, len(self.columns))
        return np.add.reduceat(sums, self.columns.first) / self.task_weight
