"""Folds in which every task is trained on."""

import numpy as np
import polars as pl
import pytest
from _rows_of_tasks import (
    FRAME,
    PATIENT,
    TASK,
    YC,
    N,
    X,
    Y,
    Z,
    y,
)
from scipy import sparse

from skmtl import (
    TaskKFold,
)


def folds_of(cv, *args, **kwargs):
    """Return the fold of each row."""
    folds = np.full(N, -1)
    for fold, (train, test) in enumerate(cv.split(*args, **kwargs)):
        assert (folds[test] == -1).all()
        assert np.array_equal(np.sort(np.r_[train, test]), np.arange(N))
        folds[test] = fold
    assert (folds >= 0).all()
    return folds


# ---------------------------------------------------------------- TaskKFold
def test_tasks_and_classes_are_spread():
    folds = folds_of(TaskKFold(4), X, Z, task=TASK)
    for label in "abc":
        assert np.ptp(np.bincount(folds[label == TASK], minlength=4)) <= 1
        positive = (label == TASK) & (Z == 1)
        assert np.ptp(np.bincount(folds[positive], minlength=4)) <= 1


@pytest.mark.parametrize(
    ("table", "task_col"),
    [
        (FRAME, "hospital"),
        (FRAME, -1),
        (FRAME, 3),
        (pl.DataFrame(FRAME.to_dict("list")), "hospital"),
        (FRAME.to_numpy(), 3),
        (FRAME, lambda X: X["hospital"]),
        (FRAME.set_index("hospital", append=True), "hospital"),
    ],
)
def test_the_task_column_is_as_good_as_the_argument(table, task_col):
    found = folds_of(TaskKFold(4, task_col=task_col), table, Z)
    assert np.array_equal(found, folds_of(TaskKFold(4), X, Z, task=TASK))


@pytest.mark.parametrize("make", [sparse.csr_array, np.asarray])
def test_whole_numbers_in_a_column(make):
    codes = np.searchsorted(["a", "b", "c"], TASK)
    table = make(np.column_stack([codes, X]))
    found = folds_of(TaskKFold(4, task_col=0), table, Z)
    assert np.array_equal(found, folds_of(TaskKFold(4), X, Z, task=TASK))


def test_the_argument_comes_before_the_column():
    cv = TaskKFold(4, task_col="hospital")
    other = np.roll(TASK, 1)
    found = folds_of(cv, FRAME, Z, task=other)
    assert np.array_equal(found, folds_of(TaskKFold(4), X, Z, task=other))


def test_patients_are_not_split():
    folds = folds_of(TaskKFold(4), X, Z, PATIENT, task=TASK)
    for patient in np.unique(PATIENT):
        assert len(np.unique(folds[patient == PATIENT])) == 1
    for label in "abc":
        assert len(np.unique(folds[label == TASK])) > 1


def test_wide_labels_are_spread():
    folds = folds_of(TaskKFold(4), X, YC)
    for t in range(3):
        assert np.ptp(np.bincount(folds[np.isfinite(YC[:, t])])) <= 4
        assert np.ptp(np.bincount(folds[YC[:, t] == 1])) <= 4


def test_one_task_without_any_labels_of_tasks():
    folds = folds_of(TaskKFold(4), X, Z)
    assert np.ptp(np.bincount(folds[Z == 1])) <= 1
    assert np.array_equal(folds_of(TaskKFold(4), X), np.arange(N) % 4)


def test_stratify_false_spreads_tasks_only():
    blocks = np.sort(Z)
    folds = folds_of(TaskKFold(4, stratify=False), X, blocks)
    assert np.array_equal(folds, np.arange(N) % 4)


def test_shuffling():
    assert np.array_equal(
        folds_of(TaskKFold(4, shuffle=True, random_state=3), X, Z, task=TASK),
        folds_of(TaskKFold(4, shuffle=True, random_state=3), X, Z, task=TASK),
    )
    cv = TaskKFold(4, shuffle=True)
    first, second = (folds_of(cv, X, Z, task=TASK) for _ in range(2))
    assert not np.array_equal(first, second)


def test_number_of_folds_and_repr():
    cv = TaskKFold(3, task_col="hospital")
    assert cv.get_n_splits(X, y, PATIENT, task=TASK) == cv.get_n_splits() == 3
    assert repr(cv).startswith("TaskKFold(n_splits=3")
    assert "task_col='hospital'" in repr(cv).replace("\n", "")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_splits": 1}, ValueError, "at least 2, got 1"),
        ({"n_splits": 2.5}, ValueError, r"at least 2, got 2\.5"),
        ({"shuffle": "yes"}, TypeError, "shuffle must be True or False"),
        ({"random_state": 0}, ValueError, "no effect without shuffling"),
        ({"stratify": "classes"}, ValueError, "stratify must be"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        TaskKFold(**arguments)


@pytest.mark.parametrize(
    ("cv", "call", "message"),
    [
        (TaskKFold(200), {"X": X, "y": y}, "n_splits=200 folds of 120 rows"),
        (TaskKFold(), {"X": X, "y": y, "groups": Z}, "n_splits=5 folds of 2 groups"),
        (TaskKFold(task_col="town"), {"X": FRAME, "y": y}, "no column 'town'"),
        (TaskKFold(task_col="town"), {"X": X, "y": y}, "has no names"),
        (TaskKFold(task_col=9), {"X": X, "y": y}, "task_col=9 is not a position"),
        (TaskKFold(), {"X": X, "y": y, "task": TASK[1:]}, "one label per row"),
        (TaskKFold(), {"X": X[1:], "y": y}, "X has 119 rows but y has 120"),
        (TaskKFold(), {"X": X, "y": Y, "task": TASK}, "wide_to_long"),
        (TaskKFold(), {"X": X, "y": Y[:, 0]}, "NaN"),
        (TaskKFold(), {"X": X, "y": y, "groups": PATIENT[1:]}, "groups must hold"),
    ],
)
def test_bad_calls(cv, call, message):
    with pytest.raises(ValueError, match=message):
        next(cv.split(**call))


def test_tasks_that_a_training_part_must_lack_are_named():
    task = TASK.astype(object)
    task[5] = "tiny"
    with pytest.warns(UserWarning, match=r"1 task\(s\) .*: 'tiny'"):
        list(TaskKFold(4).split(X, y, task=task))
    one = np.full((N, 2), 1.5)
    one[1:, 1] = np.nan
    with pytest.warns(UserWarning, match=r"1 task\(s\) .*: 1"):
        list(TaskKFold(4).split(X, one))
