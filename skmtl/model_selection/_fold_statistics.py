"""Statistics of the training and the test part of each fold, in one pass if possible.

Where each row is in one test part at most and in the training part of all other folds,
the rows of each test part are read once, and training parts are sums of the others. No
part is ever subtracted: a row much larger than the others would leave its rounding.
"""

from dataclasses import replace

import numpy as np

from skmtl.data import TaskData
from skmtl.statistics import TaskStatistics


def take(X, labels, rows):
    """Return (X, labels) of some rows, with the tasks that have labels there."""
    part = labels.at(rows)
    if labels.layout == "wide":
        present = np.flatnonzero((part.weight > 0).any(axis=0))
    else:
        present = np.unique(part.codes[part.codes >= 0])
    return X[rows], part.keep_tasks(present)


def fold_statistics(X, labels, folds):
    """Return (statistics of all rows, [(training statistics, test statistics)])."""

    def collect(rows):
        part, those = take(X, labels, rows)
        if not those.n_tasks:
            return None
        return TaskStatistics.from_data(TaskData.pack(part, those), those.layout)

    n_rows = len(labels.y)
    if _complementary(folds, n_rows):
        tests = [collect(test) for _, test in folds]
        tested = np.concatenate([test for _, test in folds])
        rest = np.setdiff1d(np.arange(n_rows), tested)
        trains, total = sums_without([*tests, collect(rest) if len(rest) else None])
    else:
        tests = [collect(test) for _, test in folds]
        trains = [collect(train) for train, _ in folds]
        total = collect(np.arange(n_rows))
    pairs = zip(trains, tests, strict=False)
    return _in_order(total, labels.tasks), [
        (_in_order(train, labels.tasks), test) for train, test in pairs
    ]


def sums_without(parts):
    """Return (for each part the sum of all others, the sum of all), by additions."""
    before, after = [None], [None]
    for part in parts:
        before.append(_plus(before[-1], part))
    for part in reversed(parts):
        after.append(_plus(after[-1], part))
    after.reverse()
    others = [_plus(before[j], after[j + 1]) for j in range(len(parts))]
    return others, before[-1]


def _plus(a, b):
    """Return the sum of statistics, None being those of no rows."""
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _complementary(folds, n_rows):
    """Tell whether test parts do not overlap and training parts are all other rows."""
    tested = np.concatenate([test for _, test in folds])
    if len(np.unique(tested)) < len(tested):
        return False
    return all(
        len(train) + len(test) == n_rows and len(np.unique(train)) == len(train)
        for train, test in folds
    )


def _in_order(statistics, tasks):
    """Return statistics with their tasks in the order of `tasks`."""
    if statistics is None:
        return None
    position = {v: t for t, v in enumerate(statistics.tasks.tolist())}
    order = [position[v] for v in tasks.tolist() if v in position]
    if order == list(range(len(order))):
        return statistics
    names = ("tasks", "n", "weight", "x_mean", "y_mean", "gram_index", "xy", "yy")
    return replace(statistics, **{k: getattr(statistics, k)[order] for k in names})
