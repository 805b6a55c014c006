"""The losses of all output columns at once."""

import numpy as np


class ColumnLosses:
    """A pointwise loss for tasks of one column, the multinomial one for wider tasks.

    Parameters
    ----------
    pointwise : loss of `skmtl.losses`
    columns : Columns
    """

    def __init__(self, pointwise, columns):
        self.pointwise = pointwise
        self.wide = columns.width[columns.task] > 1
        self.leads = np.zeros(len(columns), dtype=bool)
        self.leads[columns.first] = True

    def __call__(self, y, z, column):
        """Return (loss, derivative with respect to z) of each entry.

        The multinomial loss of a label is the sum over the entries of its classes.
        """
        if not self.wide.any():
            return self.pointwise.value(y, z), self.pointwise.derivatives(y, z)[0]
        value, slope = np.empty_like(z), np.empty_like(z)
        wide = self.wide[column]
        value[~wide] = self.pointwise.value(y[~wide], z[~wide])
        slope[~wide] = self.pointwise.derivatives(y[~wide], z[~wide])[0]
        if wide.any():
            log_p = _log_softmax(z[wide], np.flatnonzero(self.leads[column[wide]]))
            value[wide] = -y[wide] * log_p
            slope[wide] = np.exp(log_p) - y[wide]
        return value, slope


def _log_softmax(z, starts):
    """Return z minus log sum exp z within the runs that begin at `starts`."""
    sizes = np.diff(np.append(starts, len(z)))
    z = z - np.repeat(np.maximum.reduceat(z, starts), sizes)
    return z - np.repeat(np.log(np.add.reduceat(np.exp(z), starts)), sizes)
