"""Compiled products over many small tasks, and the tables that labels are read with."""

import numpy as np
import pytest

from skmtl.data import TaskData
from skmtl.layouts import read_labels
from skmtl.losses import Logistic
from skmtl.objectives import DataObjective
from skmtl.objectives._small_tasks import FEW_COLUMNS, small_grams
from skmtl.task_labels import positions

SIZES = np.array([5, 2, 17, 40])


def packed(p):
    """Return ragged tasks whose second feature is constant."""
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(SIZES.sum(), p)), np.repeat(np.arange(4), SIZES)
    X[:, 1] = 0.1
    y = np.arange(len(X)) % 2.0
    return TaskData.pack(X, read_labels(y, task))


@pytest.mark.parametrize("features", [[0, 3, 4], [0, 1, 2, 0, 1, 2], [*range(6)] * 2])
def test_products_are_those_of_each_task(features):
    data, rng = packed(6), np.random.default_rng(1)
    W = rng.normal(size=(6, 4))
    W[2] = 0.0
    u, h = rng.normal(size=(2, len(data.y)))
    features = np.array(features)  # of two summands, some may come twice
    z, G = data.matvec(W), data.rmatvec(u)
    plain = small_grams(data, features, h**2, centre=False)
    centred = small_grams(data, features, h**2, centre=True)
    for t, rows, X in data.blocks():
        np.testing.assert_allclose(z[rows], X @ W[:, t], rtol=1e-12)
        np.testing.assert_allclose(G[:, t], X.T @ u[rows], rtol=1e-11, atol=1e-14)
        X, w = X[:, features], h[rows] ** 2
        np.testing.assert_allclose(plain[t], (X.T * w) @ X, rtol=1e-12)
        X = X - w @ X / w.sum()
        np.testing.assert_allclose(centred[t], (X.T * w) @ X, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("p", [6, FEW_COLUMNS, FEW_COLUMNS + 1])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_model_is_that_of_larger_tasks(fit_intercept, p, monkeypatch):
    """The quadratic at a point does not depend on who multiplies."""
    W, found, calls = np.full((p, 4), 0.1), [], []

    def spy(*arguments):
        calls.append(arguments)
        return small_grams(*arguments)

    monkeypatch.setattr("skmtl.objectives._rows.small_grams", spy)
    for small in (True, False):
        monkeypatch.setattr(TaskData, "small_blocks", small)
        f = DataObjective(packed(p), Logistic(), np.ones(4), fit_intercept)
        point = f.at(W)
        model = f.grams(point)
        assert len(calls) == (p <= FEW_COLUMNS)
        found.append((point.value, f.gradient(point), model.A, model.squares))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(
    "labels",
    [
        [3, 1, 3, -7],
        [10**12, 5, 5],
        [-4, -4, 0, 10**12],
        [2, 2],
        [],
        ["b", "a", "b"],
        ["a", "a", "b", "bb"],
        [True, False, True],
    ],
    ids=str,
)
def test_positions(labels):
    labels = np.array(labels)
    distinct, position = positions(labels)
    np.testing.assert_array_equal(distinct, np.unique(labels))
    np.testing.assert_array_equal(distinct[position], labels)


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_labels_of_each_task_are_counted(order):
    """Whether or not the rows of a task are successive, and where a task has none."""
    task = np.repeat([2, 5, 7], [3, 4, 2])[order]
    y = np.array([1.0, 0, 0, 1, 1, 0, 1, 0, 0])[order]
    labels = read_labels(y, task)
    np.testing.assert_array_equal(labels.n_labels, [3, 4, 2])
    np.testing.assert_array_equal(labels.count(y != 0), [1, 3, 0])
    for gone, counts in ((2, [0, 4, 2]), (5, [3, 0, 2]), (7, [3, 4, 0])):
        some = labels.at(np.flatnonzero(task != gone))
        np.testing.assert_array_equal(some.n_labels, counts)
        ones = some.count(some.y != 0)
        np.testing.assert_array_equal(ones, np.where(counts, [1, 3, 0], 0))
        data = TaskData.pack(np.ones((len(some.y), 1)), some)
        np.testing.assert_array_equal(np.diff(data.offsets), counts)


@pytest.mark.parametrize("kept", [[*range(9)], [0, 1, 7, 8], [3, 4, 5, 6], []])
@pytest.mark.parametrize("sort", [True, False])
def test_counts_of_tasks_some_of_which_have_no_row(kept, sort):
    codes, chosen = np.repeat(np.arange(4), [2, 1, 4, 2]), np.arange(9) % 2 == 0
    if not sort:
        codes, chosen = codes[::-1], chosen[::-1]
    labels = read_labels(np.zeros(9), codes).at(np.array(kept, dtype=int))
    chosen = chosen[np.array(kept, dtype=int)]
    expected = [np.sum(chosen[labels.codes == t]) for t in range(4)]
    np.testing.assert_array_equal(labels.count(chosen), expected)
