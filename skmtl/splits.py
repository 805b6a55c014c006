"""Folds in which every task is present: the index sets of all cross-validation here.

Rows are sorted by stratum and dealt to the folds like cards. Neighbours never share a
fold, so each stratum, each task and the whole differ by at most one row between folds.
Where strata overlap (groups, wide labels) groups or rows are placed one by one.
"""

import numpy as np

from skmtl._compat import check_random_state
from skmtl.task_labels import missing_mask

# Whole numbers of more values than this are measurements, not classes.
MAX_CLASSES = 20
# Wide labels up to this size are placed row by row (about 0.25 s for a million).
MAX_CELLS = 5_000_000


def assign_folds(strata, n_splits, *, groups=None, random_state=None):
    """Spread the rows of each stratum over folds as evenly as possible.

    Parameters
    ----------
    strata : array-like of shape (n,) or (n, m)
        Stratum of each row. With several columns, rows are spread by the first, within
        it by the second, and so on.
    n_splits : int
        Number of folds, at least 2.
    groups : array-like of shape (n,), default=None
        Rows of one group (a patient) stay in one fold, however uneven that leaves the
        strata.
    random_state : int, RandomState instance or None, default=None
        None deals the rows in their order; otherwise they are shuffled within strata.

    Returns
    -------
    ndarray of shape (n,)
        The fold of each row, 0 to n_splits - 1; none is empty.

    Raises
    ------
    ValueError
        If there are fewer rows, or groups, than folds.
    """
    strata = _as_columns(strata)
    n_rows = len(strata)
    rng = None if random_state is None else check_random_state(random_state)
    if groups is None:
        _check_enough(n_rows, "rows", n_splits)
        return _deal(strata, n_splits, rng)
    group = group_codes(groups, n_rows)
    _check_enough(group.max(initial=-1) + 1, "groups", n_splits)
    return _place_groups(strata, group, n_splits, rng)[group]


def task_folds(labels, n_splits, *, by_class="auto", groups=None, random_state=None):
    """Assign folds such that every training part holds every task, where possible.

    A task with two rows (of two groups, if `groups` is given) is never all in one fold,
    unless the tasks overlap so much that no assignment does it.

    Parameters
    ----------
    labels : TaskLabels
        Rows, tasks and labels in any layout.
    n_splits : int
        Number of folds, at least 2.
    by_class : "auto" or bool, default="auto"
        Whether to spread the classes of each task as well; see `class_codes`.
    groups : array-like of shape (n,), default=None
        Rows of one group stay in one fold.
    random_state : int, RandomState instance or None, default=None
        None deals the rows in their order; otherwise they are shuffled.

    Returns
    -------
    ndarray of shape (n,)
        The fold of each row.
    """
    strata = task_strata(labels, by_class=by_class)
    units = groups
    overlapping = labels.layout == "wide" and labels.n_tasks > 1
    if groups is None and overlapping and strata.size <= MAX_CELLS:
        # Dealing is no help where the patterns of missing labels are all different.
        _check_enough(len(strata), "rows", n_splits)
        units = np.arange(len(strata))
    folds = assign_folds(strata, n_splits, groups=units, random_state=random_state)
    if labels.layout == "wide" or groups is not None:
        _part_tasks(folds, labels, groups, n_splits)
    return folds


def task_strata(labels, *, by_class="auto"):
    """Return strata (n, m) of `TaskLabels`: task, then class; or the pattern observed.

    In the wide layout there is a column per task, 0 where no label is observed; the
    task with the rarest class comes first, because the first columns are spread best.
    """
    if labels.layout != "wide":
        classes = class_codes(labels.y, by_class)
        task = labels.codes.astype(int)
        # The pair, not the class: groups are balanced on classes within tasks.
        pair = (task + 1) * (classes.max(initial=0) + 1) + classes
        return np.column_stack([task, pair])
    columns, rarest = [], []
    for t in range(labels.n_tasks):
        rows, y, _ = labels.of_task(t)
        codes = np.zeros(len(labels.y), dtype=int)
        codes[rows] = 1 + class_codes(y, by_class)
        columns.append(codes)
        counts = np.bincount(codes)[1:]
        rarest.append(counts[counts > 0].min(initial=len(codes)))
    return np.column_stack([columns[t] for t in np.argsort(rarest, kind="stable")])


def class_codes(y, by_class="auto"):
    """Return the class of each label as 0, 1, ...; all 0 where labels are no classes.

    With "auto", strings and truth values are classes, and whole numbers of at most
    `MAX_CLASSES` different values.
    """
    values = np.asarray(y)
    if values.dtype.kind == "O":
        values = np.array(values.tolist())
    if by_class is False or not len(values):
        return np.zeros(len(values), dtype=int)
    found, codes = np.unique(values, return_inverse=True)
    measured = found.dtype.kind in "iuf" and (
        len(found) > MAX_CLASSES or not np.array_equal(found, np.round(found))
    )
    if by_class == "auto" and measured:
        return np.zeros(len(values), dtype=int)
    return codes.reshape(-1)


def group_codes(groups, n_rows):
    """Return groups as integer codes (n,), or raise."""
    values = np.asarray(groups)
    if values.shape != (n_rows,):
        raise ValueError(
            f"groups must hold one label per row: there are {n_rows} rows, groups has "
            f"shape {values.shape}."
        )
    missing = missing_mask(values)
    if missing.any():
        raise ValueError(
            f"groups has {int(missing.sum())} missing labels; every row needs one."
        )
    return np.unique(values, return_inverse=True)[1].reshape(-1)


def tasks_in_one_fold(folds, labels):
    """Return the tasks that are all in one fold, so that a training part lacks them."""
    alone = [len(np.unique(folds[labels.rows(t)])) == 1 for t in range(labels.n_tasks)]
    return labels.tasks[np.array(alone, dtype=bool)]


def _as_columns(strata):
    """Return strata as an integer array (n, m)."""
    values = np.asarray(strata)
    if values.ndim not in (1, 2):
        raise ValueError(
            f"strata must have one or two dimensions, got shape {values.shape}."
        )
    codes = np.zeros((len(values), values.size // max(len(values), 1)), dtype=int)
    for j, column in enumerate(values.reshape(codes.shape).T):
        codes[:, j] = np.unique(column, return_inverse=True)[1].reshape(-1)
    return codes


def _check_enough(found, what, n_splits):
    """Raise unless there is something for every fold."""
    if found < n_splits:
        raise ValueError(
            f"Cannot make n_splits={n_splits} folds of {found} {what}: each fold needs "
            f"at least one. Use at most n_splits={found}."
        )


def _deal(strata, n_splits, rng):
    """Deal rows sorted by stratum to the folds in turn."""
    n_rows = len(strata)
    rows = np.arange(n_rows) if rng is None else rng.permutation(n_rows)
    rows = rows[np.lexsort(strata[rows].T[::-1])]
    folds = np.empty(n_rows, dtype=int)
    folds[rows] = np.arange(n_rows) % n_splits
    return folds


def _place_groups(strata, group, n_splits, rng):
    """Return a fold per group: large groups first, each where its strata are scarcest.

    Lowers sum over strata s of sum over folds k (count_ks)^2 / n_s at each step; the
    whole counts as one more stratum, which keeps the folds of one size and none empty.
    """
    n_rows, n_groups = len(group), group.max() + 1
    columns = np.column_stack([np.zeros(n_rows, dtype=int), strata])
    sizes = columns.max(axis=0) + 1
    cells = columns + np.concatenate([[0], np.cumsum(sizes)[:-1]])
    totals = np.bincount(cells.ravel(), minlength=sizes.sum())
    pairs = np.repeat(group, cells.shape[1]) * len(totals) + cells.ravel()
    pairs, counts = np.unique(pairs, return_counts=True)
    owner, cell = np.divmod(pairs, len(totals))
    starts = np.searchsorted(owner, np.arange(n_groups + 1))
    order = np.arange(n_groups) if rng is None else rng.permutation(n_groups)
    order = order[np.argsort(-np.bincount(group)[order], kind="stable")]
    filled = np.zeros((n_splits, len(totals)))
    fold_of = np.empty(n_groups, dtype=int)
    share = counts / totals[cell]
    for g in order:
        part = slice(starts[g], starts[g + 1])
        fold = np.argmin(filled[:, cell[part]] @ share[part])
        filled[fold, cell[part]] += counts[part]
        fold_of[g] = fold
    return fold_of


def _part_tasks(folds, labels, groups, n_splits):
    """Move single units (rows or groups) so that no task sits in one fold, in place.

    A move is made only if it breaks no other task, so the loop ends.
    """
    n_rows = len(folds)
    unit = np.arange(n_rows) if groups is None else group_codes(groups, n_rows)
    fold_of = np.empty(unit.max() + 1, dtype=int)
    fold_of[unit] = folds
    members = [np.unique(unit[labels.rows(t)]) for t in range(labels.n_tasks)]
    sizes = np.bincount(folds, minlength=n_splits)
    weight = np.bincount(unit)

    def alone(units):
        return len(units) > 1 and len(np.unique(fold_of[units])) == 1

    moved = True
    while moved:
        moved = False
        for units in filter(alone, members):
            if _move_one(units, members, fold_of, sizes, weight):
                moved = True
    folds[:] = fold_of[unit]


def _move_one(units, members, fold_of, sizes, weight):
    """Move one of `units`, all in one fold, to the smallest fold that allows it."""
    home = fold_of[units[0]]
    for u in units[np.argsort(weight[units], kind="stable")]:
        others = [m[m != u] for m in members if len(m) > 1 and u in m]
        for fold in np.argsort(sizes, kind="stable"):
            if fold == home or any(np.all(fold_of[rest] == fold) for rest in others):
                continue
            fold_of[u] = fold
            sizes[home] -= weight[u]
            sizes[fold] += weight[u]
            return True
    return False
