"""Folds: even within strata, whole groups, and every task in every training part."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skmtl.layouts import read_labels
from skmtl.splits import (
    assign_folds,
    class_codes,
    task_folds,
    task_strata,
    tasks_in_one_fold,
)


def spread(folds, codes, n_splits):
    """Return how much the rows per fold differ, at most, within a code."""
    counts = np.zeros((codes.max() + 1, n_splits), dtype=int)
    np.add.at(counts, (codes, folds), 1)
    return np.ptp(counts, axis=1).max()


@st.composite
def long_labels(draw):
    n_splits = draw(st.integers(2, 6))
    n = draw(st.integers(n_splits, 60))
    integers = st.lists(st.integers(0, 7), min_size=n, max_size=n)
    task, y = np.array(draw(integers)), np.array(draw(integers)) % 3
    return n_splits, task, y, np.array(draw(integers))


@given(long_labels(), st.sampled_from([None, 0]))
def test_rows_tasks_and_classes_differ_by_at_most_one_row(problem, seed):
    n_splits, task, y, _ = problem
    labels = read_labels(y, task)
    folds = task_folds(labels, n_splits, random_state=seed)
    assert set(folds) == set(range(n_splits))
    assert spread(folds, np.zeros_like(task), n_splits) <= 1
    assert spread(folds, task, n_splits) <= 1
    assert spread(folds, task * 3 + y, n_splits) <= 1
    several = [t for t in labels.tasks if (task == t).sum() > 1]
    assert not np.isin(tasks_in_one_fold(folds, labels), several).any()


@given(long_labels(), st.sampled_from([None, 0]))
def test_groups_are_never_split_and_folds_never_empty(problem, seed):
    n_splits, task, y, groups = problem
    n_groups = len(np.unique(groups))
    labels = read_labels(y, task)
    if n_groups < n_splits:
        with pytest.raises(ValueError, match=f"of {n_groups} groups"):
            task_folds(labels, n_splits, groups=groups)
        return
    folds = task_folds(labels, n_splits, groups=groups, random_state=seed)
    assert set(folds) == set(range(n_splits))
    for group in np.unique(groups):
        assert len(np.unique(folds[groups == group])) == 1


@given(long_labels())
def test_with_one_task_per_group_tasks_are_in_every_training_part(problem):
    n_splits, task, y, groups = problem
    groups = task * 10 + groups  # a patient has one hospital
    labels = read_labels(y, task)
    if len(np.unique(groups)) < n_splits:
        return
    folds = task_folds(labels, n_splits, groups=groups)
    several = [t for t in labels.tasks if len(np.unique(groups[task == t])) > 1]
    assert not np.isin(tasks_in_one_fold(folds, labels), several).any()


@given(st.integers(0, 200), st.integers(3, 6), st.floats(0.2, 0.95))
def test_wide_tasks_are_in_every_training_part(seed, n_splits, missing):
    rng = np.random.default_rng(seed)
    Y = rng.normal(size=(40, 6))
    Y[rng.random(Y.shape) < missing] = np.nan
    labels = read_labels(Y, empty_tasks=True)
    folds = task_folds(labels, n_splits)
    observed = np.isfinite(Y)
    several = labels.tasks[observed.sum(axis=0) > 1]
    assert not np.isin(tasks_in_one_fold(folds, labels), several).any()
    assert set(folds) == set(range(n_splits))


def test_wide_tasks_and_their_classes_are_even_whatever_is_missing(monkeypatch):
    rng = np.random.default_rng(0)
    Y = (rng.normal(size=(600, 12)) > 1).astype(float)
    Y[rng.random(Y.shape) < 0.4] = np.nan
    labels = read_labels(Y)

    def unevenness():
        folds = task_folds(labels, 5, random_state=0)
        return max(
            np.ptp(np.bincount(folds[Y[:, t] == value], minlength=5))
            for t in range(12)
            for value in (0, 1)
        )

    assert unevenness() <= 5
    monkeypatch.setattr(
        "skmtl.splits.MAX_CELLS", 0
    )  # too large to be placed one by one
    assert 5 < unevenness() <= 25


def test_a_task_whose_rows_the_deal_puts_together_is_parted(monkeypatch):
    # Rows are dealt by pattern: task 0 first (rarest), so that both rows of task 1,
    # one with task 0 and one without, can meet in a fold.
    Y = np.full((8, 3), np.nan)
    Y[[0, 1], 0] = 1.5
    Y[[0, 4], 1] = 1.5
    Y[[2, 3, 4, 5, 6, 7], 2] = 1.5
    labels = read_labels(Y)
    strata = task_strata(labels)
    together = [
        k
        for k in range(2, 7)
        if len(tasks_in_one_fold(assign_folds(strata, k), labels)) > 0
    ]
    assert together  # else this test proves nothing
    monkeypatch.setattr("skmtl.splits.MAX_CELLS", 0)
    for k in together:
        folds = task_folds(labels, k)
        assert not len(tasks_in_one_fold(folds, labels))
        assert len(np.unique(folds)) == k


def test_tasks_that_cannot_be_parted_are_left_alone():
    # Three rows, three tasks, two folds: some pair of rows must share a fold.
    Y = np.array([[1.5, np.nan, 1.5], [1.5, 1.5, np.nan], [np.nan, 1.5, 1.5]])
    labels = read_labels(Y)
    assert len(tasks_in_one_fold(task_folds(labels, 2), labels)) == 1


def test_groups_are_balanced_over_tasks_and_classes():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 3000, 12000)
    task, sick = rng.integers(0, 20, 3000)[groups], rng.random(3000) < 0.2
    y = sick[groups].astype(int)
    folds = task_folds(read_labels(y, task), 5, groups=groups)
    assert np.ptp(np.bincount(folds)) <= 12
    counts = np.zeros((20, 5))
    np.add.at(counts, (task, folds), 1)
    assert (np.ptp(counts, axis=1) <= 0.08 * counts.sum(axis=1)).all()
    assert np.ptp(np.bincount(folds[y == 1])) <= 0.03 * y.sum()


def test_rows_keep_their_order_unless_shuffled():
    assert assign_folds(np.zeros(6), 3).tolist() == [0, 1, 2, 0, 1, 2]
    seeded = assign_folds(np.zeros(60), 3, random_state=1)
    assert np.array_equal(seeded, assign_folds(np.zeros(60), 3, random_state=1))
    assert not np.array_equal(seeded, assign_folds(np.zeros(60), 3, random_state=2))


def test_tiny_strata_are_spread_over_the_folds():
    folds = assign_folds(np.repeat(np.arange(10), 1), 5)
    assert np.bincount(folds).tolist() == [2] * 5


def test_rows_of_weight_zero_are_in_some_fold():
    labels = read_labels(np.arange(6.0), list("aabbaa"), [1, 1, 0, 0, 1, 1])
    assert sorted(task_folds(labels, 3)) == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("y", "by_class", "expected"),
    [
        (["b", "a", "b"], "auto", [1, 0, 1]),
        ([True, False], "auto", [1, 0]),
        ([0.0, 1.0, 0.0], "auto", [0, 1, 0]),
        ([0.5, 1.0], "auto", [0, 0]),
        ([0.5, 1.0], True, [0, 1]),
        (["b", "a"], False, [0, 0]),
        (np.array(["x", "y"], dtype=object), "auto", [0, 1]),
        (np.arange(21), "auto", [0] * 21),
        ([], "auto", []),
    ],
)
def test_what_counts_as_a_class(y, by_class, expected):
    assert class_codes(y, by_class).tolist() == expected


def test_wide_strata_put_the_task_with_the_rarest_class_first():
    Y = np.array([[0, 0], [0, 1], [1, 0], [1, 0], [1, 0]], dtype=float)
    assert task_strata(read_labels(Y))[:, 0].tolist() == [1, 2, 1, 1, 1]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1, 2, 3], "4 rows, groups has shape"),
        ([1, 2, None, 4], "1 missing label"),
        ([1.0, 2.0, np.nan, np.nan], "2 missing labels"),
        ([1, 1, 1, 1], "of 1 groups"),
    ],
)
def test_bad_groups(groups, message):
    with pytest.raises(ValueError, match=message):
        assign_folds(np.zeros(4), 2, groups=groups)


def test_too_few_rows():
    with pytest.raises(ValueError, match="n_splits=5 folds of 3 rows"):
        assign_folds(np.zeros(3), 5)
    with pytest.raises(ValueError, match="one or two dimensions"):
        assign_folds(np.zeros((3, 1, 1)), 2)
