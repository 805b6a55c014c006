"""The folds of a comparison: the same for every model, and checked."""

from numbers import Integral

import numpy as np

from skmtl.model_selection._folds import check_fold, split
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
    n_rows, groups = table.n_rows, table.groups
    folds = [check_fold(j, *pair, n_rows, groups) for j, pair in enumerate(pairs)]
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
    codes = table.labels.codes if table.labels.layout == "long" else None
    task = None if codes is None else table.labels.tasks[np.maximum(codes, 0)]
    return split(cv, table.X, table.y, task, groups)
