"""Gram matrices of many small tasks, by one compiled loop over all of them."""

import numpy as np

from skmtl import _kernels

# So many columns, at most, are multiplied with each other by a loop.
FEW_COLUMNS = 40


def small_grams(data, features, h, centre):
    """Return X' diag(h) X of some columns per task, (T, k, k).

    Of `TaskData` with `small_blocks`. With `centre` the columns are less their means
    by h.
    """
    k, offsets, columns = len(features), data.offsets, data.columns
    if not np.array_equal(features, np.arange(len(columns))):  # they may come twice
        columns = columns[features]
    gram = np.empty((data.n_tasks, k, k))
    _kernels.columns_grams(columns, offsets, h, gram)
    if centre:
        first = np.empty((data.n_tasks, k))
        _kernels.columns_rmatvec(columns, offsets, h, first)
        mean = first / data.per_task_sum(h)[:, None]
        gram -= mean[:, :, None] * first[:, None, :]
    return gram
