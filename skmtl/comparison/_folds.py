"""The folds of a comparison: the same for every model, and checked."""

from inspect import signature
from numbers import Integral

import numpy as np

from skmtl.splits import task_folds

N_SPLITS = 5
N_REPEATS = 2


def make_folds(table, cv, groups, rng):
    """Return (list of (train, test) rows, words that describe them).

    `cv` is None or an integer (folds per repeat), a splitter, or an iterable of pairs.
    """
    if cv is None or isinstance(cv, Integral):
        n_splits = N_SPLITS if cv is None else int(cv)
        if n_splits < 2:
            raise ValueError(f"cv must be at least 2 folds, got cv={cv}.")
        pairs = _repeated(table, n_splits, groups, rng)
        words = f"{n_splits} folds x {N_REPEATS} repeats"
    else:
        pairs = _split(table, cv, groups) if hasattr(cv, "split") else cv
        pairs, words = list(pairs), ""
    folds = [_check(table, j, *pair) for j, pair in enumerate(pairs)]
    if not folds:
        raise ValueError("cv yields no folds; at least one is needed.")
    return folds, words or f"{len(folds)} folds"


def _repeated(table, n_splits, groups, rng):
    """Yield the folds of each repeat, every task spread over them."""
    for _ in range(N_REPEATS):
        fold_of = task_folds(table.labels, n_splits, groups=groups, random_state=rng)
        for fold in range(n_splits):
            yield np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)


def _split(table, cv, groups):
    """Let a splitter split; one that knows tasks gets them."""
    metadata = {"groups": groups}
    if "task" in signature(cv.split).parameters and table.labels.layout == "long":
        codes = table.labels.codes
        metadata["task"] = table.labels.tasks[np.maximum(codes, 0)]
    return cv.split(table.X, table.y, **metadata)


def _check(table, fold, train, test):
    """Return the rows of a fold as positions, or raise."""
    parts = []
    for name, rows in (("training", train), ("test", test)):
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype.kind == "b" else rows
        if not len(rows) or rows.min() < 0 or rows.max() >= table.n_rows:
            raise ValueError(
                f"The {name} part of fold {fold} must be positions from 0 to "
                f"{table.n_rows - 1}, at least one, got {rows!r}."
            )
        parts.append(rows)
    train, test = parts
    common = np.intersect1d(train, test)
    if len(common):
        raise ValueError(
            f"{len(common)} rows of fold {fold} are in its training and in its test "
            f"part (row {common[0]}, say), so its scores would not be honest."
        )
    if table.groups is not None:
        groups = np.intersect1d(table.groups[train], table.groups[test])
        if len(groups):
            raise ValueError(
                f"{len(groups)} groups are in the training and in the test part of "
                f"fold {fold}. Use a splitter that keeps groups together, such as "
                "TaskKFold or sklearn.model_selection.GroupKFold, or leave cv out."
            )
    return train, np.unique(test)
