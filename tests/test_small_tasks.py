"""Compiled products over many small tasks, and the tables that labels are read with."""

import numpy as np
import pytest

from skmtl.data import TaskData
from skmtl.layouts import read_labels
from skmtl.losses import Logistic
from skmtl.objectives import DataObjective
from skmtl.objectives._small_tasks import FEW_COLUMNS, SmallTasks
from skmtl.task_labels import positions

SIZES = np.array([5, 2, 17, 40])


def packed(p):
    """Return ragged tasks whose second feature is constant."""
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(SIZES.sum(), p)), np.repeat(np.arange(4), SIZES)
    X[:, 1] = 0.1
    y = np.arange(len(X)) % 2.0
    return TaskData.pack(X, read_labels(y, task))


def test_products_are_those_of_each_task():
    data, rng = packed(6), np.random.default_rng(1)
    small, W = SmallTasks(data), rng.normal(size=(6, 4))
    W[2] = 0.0
    u, h = rng.normal(size=(2, len(data.y)))
    features = np.array([0, 3, 4])
    z, G = small.matvec(W), small.rmatvec(u)
    plain = small.grams(features, h**2, centre=False)
    centred = small.grams(features, h**2, centre=True)
    for t, rows, X in data.blocks():
        np.testing.assert_allclose(z[rows], X @ W[:, t], rtol=1e-12)
        np.testing.assert_allclose(G[:, t], X.T @ u[rows], rtol=1e-11, atol=1e-14)
        X, w = X[:, features], h[rows] ** 2
        np.testing.assert_allclose(plain[t], (X.T * w) @ X, rtol=1e-12)
        X = X - w @ X / w.sum()
        np.testing.assert_allclose(centred[t], (X.T * w) @ X, rtol=1e-9, atol=1e-13)


def test_many_columns_are_left_to_others():
    small = SmallTasks(packed(FEW_COLUMNS + 1))
    h = np.ones(SIZES.sum())
    assert small.grams(np.arange(FEW_COLUMNS + 1), h, centre=True) is None
    assert small.grams(np.arange(FEW_COLUMNS), h, centre=True).shape[0] == len(SIZES)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_model_is_that_of_larger_tasks(fit_intercept, monkeypatch):
    """The quadratic at a point does not depend on who multiplies."""
    data, W = packed(6), np.full((6, 4), 0.1)
    found = []
    for small in (True, False):
        monkeypatch.setattr(TaskData, "small_blocks", small)
        f = DataObjective(data, Logistic(), np.ones(4), fit_intercept)
        assert isinstance(f._products, SmallTasks) == small
        point = f.at(W)
        model = f.model(point, np.arange(6))
        found.append((point.value, f.gradient(point), model.A, model.squares))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(
    "labels",
    [[3, 1, 3, -7], [10**12, 5, 5], [2, 2], [], ["b", "a", "b"], [True, False, True]],
    ids=str,
)
def test_positions(labels):
    labels = np.array(labels)
    distinct, position = positions(labels)
    np.testing.assert_array_equal(distinct, np.unique(labels))
    np.testing.assert_array_equal(distinct[position], labels)
