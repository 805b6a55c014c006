"""Products with the rows of many small tasks, by one compiled loop over all of them."""

import numpy as np

from skmtl import _kernels

# So many columns, at most, are multiplied with each other by a loop.
FEW_COLUMNS = 40


class SmallTasks:
    """The rows of tasks that are so small that asking for a product takes the time.

    Parameters
    ----------
    data : TaskData
        With `small_blocks`.
    """

    def __init__(self, data):
        self.data, self.offsets = data, data.offsets
        self.columns = data.columns

    def matvec(self, W):
        """Return X W of label shape, for W (p, T)."""
        z, W = np.empty(self.columns.shape[1]), np.ascontiguousarray(W.T)
        _kernels.columns_matvec(self.columns, self.offsets, W, z)
        return z

    def rmatvec(self, u):
        """Return X'u per task, (p, T)."""
        return np.ascontiguousarray(self._products(self.columns, u).T)

    def _products(self, columns, u):
        """Return the products of the columns with u per task, (T, k)."""
        out = np.empty((len(self.offsets) - 1, len(columns)))
        _kernels.columns_rmatvec(columns, self.offsets, u, out)
        return out

    def grams(self, features, h, centre):
        """Return X' diag(h) X of some columns per task, (T, k, k); None for too many.

        With `centre` the columns are less their means by h.
        """
        k = len(features)
        if k > FEW_COLUMNS:
            return None
        columns = self.columns if k == len(self.columns) else self.columns[features]
        gram = np.empty((len(self.offsets) - 1, k, k))
        _kernels.columns_grams(columns, self.offsets, h, gram)
        if centre:
            first = self._products(columns, h)
            mean = first / self.data.per_task_sum(h)[:, None]
            gram -= mean[:, :, None] * first[:, None, :]
        return gram
