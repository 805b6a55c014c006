"""The losses of all output columns at once."""

from typing import NamedTuple

import numpy as np

from skmtl.losses import loss_parts


class ColumnLosses:
    """A pointwise loss for each task of one column, the multinomial for wider tasks.

    All are at least 0: the smallest possible loss of each label is taken off, so that
    losses of tasks of all kinds compare.

    Parameters
    ----------
    pointwise : loss of `skmtl.losses`, or `Mixed` with one per task
    columns : Columns
    """

    def __init__(self, pointwise, columns):
        wide = columns.width[columns.task] > 1
        self.leads = np.zeros(len(columns), dtype=bool)
        self.leads[columns.first] = True
        self.kinds, self.kind = [], np.zeros(len(columns), dtype=int)
        for loss, tasks in loss_parts(pointwise, columns.n_tasks):
            mine = np.isin(columns.task, tasks) & ~wide
            if mine.any():
                self.kind[mine] = len(self.kinds)
                self.kinds.append(_Pointwise(loss))
        if wide.any():
            self.kind[wide] = len(self.kinds)
            self.kinds.append(self._multinomial)

    def __call__(self, batch, z):
        """Return (loss, derivative with respect to z) of each entry.

        The multinomial loss of a label is the sum over the entries of its classes.
        """
        y = batch.y
        if len(self.kinds) == 1:
            return self.kinds[0](y, z, batch)
        column = batch.column
        value, slope = np.empty_like(z), np.empty_like(z)
        kind = self.kind[column]
        for k, loss in enumerate(self.kinds):
            mine = kind == k
            if mine.any():
                some = _Some(column[mine])
                value[mine], slope[mine] = loss(y[mine], z[mine], some)
        return value, slope

    def _multinomial(self, y, z, batch):
        """Return minus the log-probability of the observed class, and its slope."""
        log_p = _log_softmax(z, np.flatnonzero(self.leads[batch.column]))
        return -y * log_p, np.exp(log_p) - y


class _Some(NamedTuple):
    """Some of the entries of a batch: those of one kind of loss."""

    column: np.ndarray


class _Pointwise:
    """Value less the smallest possible one, and slope, of a loss of `skmtl.losses`."""

    def __init__(self, loss):
        self.loss = loss

    def __call__(self, y, z, batch):
        """Return (loss, derivative) of each entry."""
        if self.loss.quadratic:
            slope = z - y
            value = slope * slope
            value *= value.dtype.type(0.5)
            return value, slope
        # In double precision throughout: counts overflow exp z in single.
        y, high = y.astype(float), z.astype(float)
        value = self.loss.value(y, high) - self.loss.saturated(y)
        return (
            value.astype(z.dtype, copy=False),
            self.loss.derivatives(y, high)[0].astype(z.dtype, copy=False),
        )


def _log_softmax(z, starts):
    """Return z minus log sum exp z within the runs that begin at `starts`."""
    sizes = np.diff(np.append(starts, len(z)))
    z = z - np.repeat(np.maximum.reduceat(z, starts), sizes)
    return z - np.repeat(np.log(np.add.reduceat(np.exp(z), starts)), sizes)
