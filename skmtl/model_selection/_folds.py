"""The folds that a splitter or a list gives, checked."""

from inspect import signature

import numpy as np


def given_folds(cv, X, y, *, task=None, groups=None):
    """Return [(training rows, test rows)] of a splitter or an iterable of pairs."""
    n_rows, group_of = len(y), None if groups is None else np.asarray(groups)
    pairs = split(cv, X, y, task, groups) if hasattr(cv, "split") else cv
    return [check_fold(j, *pair, n_rows, group_of) for j, pair in enumerate(pairs)]


def split(cv, X, y, task, groups):
    """Let a splitter split; one that knows tasks gets them."""
    metadata = {"groups": groups}
    if "task" in signature(cv.split).parameters and task is not None:
        metadata["task"] = task
    return cv.split(X, y, **metadata)


def check_fold(fold, train, test, n_rows, groups=None):
    """Return the rows of a fold as positions, or raise."""
    parts = []
    for name, rows in (("training", train), ("test", test)):
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype.kind == "b" else rows
        whole = rows.dtype.kind in "iu" and len(rows)
        if not whole or rows.min() < 0 or rows.max() >= n_rows:
            raise ValueError(
                f"The {name} part of fold {fold} must be positions from 0 to "
                f"{n_rows - 1}, at least one, got {rows!r}."
            )
        parts.append(rows)
    train, test = parts
    common = np.intersect1d(train, test)
    if len(common):
        raise ValueError(
            f"{len(common)} rows of fold {fold} are in its training and in its test "
            f"part (row {common[0]}, say), so its scores would not be honest."
        )
    if groups is not None:
        common = np.intersect1d(groups[train], groups[test])
        if len(common):
            raise ValueError(
                f"{len(common)} groups are in the training and in the test part of "
                f"fold {fold}. Use a splitter that keeps groups together, such as "
                "TaskKFold or sklearn.model_selection.GroupKFold, or leave cv out."
            )
    return train, np.unique(test)
