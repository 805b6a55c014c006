"""What curved losses take a short way to: intercepts, Gram matrices, few rows alone."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from skmtl import GroupLassoClassifier, GroupLassoRegressor, duality_gap
from skmtl.data import TaskData
from skmtl.layouts import read_labels
from skmtl.losses import Logistic, Poisson, Squared
from skmtl.objectives import ClassObjective, DataObjective, RowLoss, _weighted_grams
from skmtl.penalties import SparseGroup
from skmtl.quadratics import Gram
from skmtl.solvers import solve

SIZES = np.array([7, 2, 40])


def rows(layout, loss, p=3):
    """Return data of three tasks with labels that suit the loss, some of weight 0."""
    rng = np.random.default_rng(0)
    n = 25 if layout == "wide" else SIZES.sum()
    y = np.arange(n) % 2.0 if isinstance(loss, Logistic) else rng.poisson(2.0, n) + 1.0
    weight, task = rng.uniform(0.1, 3.0, n), np.repeat(np.arange(3), SIZES)
    weight[::9] = 0.0
    if layout == "wide":
        y, weight, task = np.stack([y, y[::-1], y], axis=1), weight[:, None], None
        weight = weight * [1.0, 2.0, 0.5]
    X = rng.normal(size=(n, p))
    return TaskData.pack(X, read_labels(y, task, weight))


@pytest.mark.parametrize("layout", ["wide", "long"])
@pytest.mark.parametrize("loss", [Logistic(), Poisson()], ids=["logistic", "poisson"])
@pytest.mark.parametrize("size", [0.0, 1.0, 30.0, 250.0, 1000.0])
def test_best_intercepts(loss, layout, size):
    """Wherever the predictions and the first guess are, the slopes sum to 0."""
    data, rng = rows(layout, loss), np.random.default_rng(1)
    c = np.array([1.0, 2.0, 0.5])
    row_loss = RowLoss(data, loss, c, True)
    Z = size * rng.normal(size=data.y.shape)
    for near in (None, np.array([1e3, -1e3, 0.3])):
        b, value, u, feasible = row_loss.at(Z, near)
        assert feasible
        assert (np.abs(data.per_task_sum(u)) <= 1e-15 * c * len(Z)).all()
        assert row_loss.gap(Z, b, 1.0) <= 1e-9 * max(value, 1.0)
        low, high = -3e4 * np.ones((2, 3)) * [[1], [-1]]
        reference = row_loss._search(Z, b, low, high)
        np.testing.assert_allclose(b, reference, atol=1e-9 * (1.0 + size), rtol=1e-9)


@pytest.mark.parametrize("size", [1.0, 250.0, 1000.0])
def test_intercepts_are_left_to_a_search_far_out(size):
    z, w = size * np.array([-1.0, 0.5, 1.0, -0.2]), np.ones(4)
    arguments = (z, w, np.array([0, 4]), np.ones(1), (-2 * abs(z[:1]), 2 * abs(z[:1])))
    assert (Logistic().intercepts(*arguments, np.zeros(1)) is None) == (size > 280)
    low = np.array([-1e3])  # a total that takes the exponential to its straight line
    arguments = (z, w, np.array([0, 4]), np.array([1e200]), (low, -low))
    assert Poisson().intercepts(*arguments, np.zeros(1)) is None


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("k", [1, 4])
def test_grams_by_pairs(k, centre, monkeypatch):
    data, rng = rows("wide", Logistic(), 6), np.random.default_rng(1)
    h, features = data.weight * rng.random(data.y.shape), np.arange(1, 1 + k)
    mean, found = np.zeros((k, 3)), []
    for few, at_once in ((0, 1), (k, 7), (k, 1024)):
        monkeypatch.setattr(_weighted_grams, "FEW_COLUMNS", few)
        monkeypatch.setattr(_weighted_grams, "ROWS_OF_PAIRS", at_once)
        found.append(_weighted_grams.weighted_grams(data, features, h, mean, centre))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(found[2], found[0], rtol=1e-11, atol=1e-13)


def planted(p):
    """Return X (60, p) and binary Y (60, 3) of which two features know something."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, p))
    Z = X[:, :2] @ rng.normal(size=(2, 3)) * 2 + rng.normal(size=(60, 3))
    return X, (Z > 0).astype(float)


def test_few_rows_alone_give_the_same_fit(monkeypatch):
    """Rounds on few rows of W end where those on all do, also with free features."""
    from skmtl.solvers import bcd

    X, Y = planted(80)
    weights = np.ones(80)
    weights[[5, 70]] = 0.0
    runs, alone = [], bcd._alone
    monkeypatch.setattr(bcd, "_alone", lambda *a: runs.append(1) or alone(*a))
    for options in ({}, {"penalty_weights": weights}, {"positive": True}):
        fits = []
        for pays in (True, False):
            if not pays:
                monkeypatch.setattr(bcd, "_part", lambda *_: None)
            model = GroupLassoRegressor(0.1, loss="logistic", tol=1e-9, **options)
            fits.append(model.fit(X, Y))
        monkeypatch.undo()
        monkeypatch.setattr(bcd, "_alone", lambda *a: runs.append(1) or alone(*a))
        a, b = fits
        assert a.converged_
        assert 0 < len(a.selected_features_) < 20
        np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-5)
        np.testing.assert_allclose(a.objective_, b.objective_, rtol=1e-8)
        gap = duality_gap(a, X, Y)
        assert gap == pytest.approx(a.dual_gap_, rel=1e-3, abs=1e-12)
    assert len(runs) >= 3


def test_callback_stops_the_rounds_on_few_rows():
    X, Y = planted(80)
    data = TaskData.pack(X, read_labels(Y))
    f = DataObjective(data, Logistic(), np.ones(3))
    seen = []

    def stop(point):
        seen.append(point)
        assert point.W.shape == (80, 3)
        return len(seen) > 2

    def callback(current):
        return stop(current() if callable(current) else current)

    result = solve(
        f, SparseGroup(0.05), solver="bcd", tol=1e-12, max_iter=1000, callback=callback
    )
    assert len(seen) == 3
    assert not result.converged
    assert "callback" in result.message


def test_several_classes_on_few_rows_alone():
    X, _ = planted(80)
    y = (X[:, 0] > 0.5).astype(int) + (X[:, 0] > -0.5) * (X[:, 1] > 0)
    task = np.arange(60) % 3
    model = GroupLassoClassifier(0.15, tol=1e-8).fit(X, y, task=task)
    assert model.converged_
    assert 0 < len(model.selected_features_) < 20
    slow = GroupLassoClassifier(0.15, tol=1e-8, solver="fista").fit(X, y, task=task)
    assert model.objective_ == pytest.approx(slow.objective_, rel=1e-7)


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.95, 1 - 1e-9, 1.0])
@pytest.mark.parametrize("size", [0.1, 3.0, 60.0, 400.0])
@pytest.mark.parametrize("loss", [Logistic(), Poisson()], ids=["logistic", "poisson"])
def test_gap_from_what_is_known(loss, size, rho):
    """The gap of predictions seen last is the one of predictions never seen."""
    data, rng = rows("long", loss), np.random.default_rng(2)
    row_loss = RowLoss(data, loss, np.ones(3), True)
    Z = size * rng.normal(size=data.y.shape)
    b = row_loss.at(Z)[0]
    found, exact = row_loss.gap(Z, b, rho), row_loss.gap(Z.copy(), b, rho)
    assert found == pytest.approx(exact, rel=1e-6, abs=1e-15 * (1 + size))
    if isinstance(loss, Logistic):  # the approximation is on the safe side
        assert found >= exact * (1.0 - 1e-10) - 1e-15 * (1 + size)


def test_known_is_left_out_where_it_says_too_little():
    """Labels between 0 and 1, and labels whose probability is as good as 0."""
    w, out = np.ones(2), np.empty((3, 2))
    for y, z in (([0.5, 1.0], [1.0, 1.0]), ([0.0, 1.0], [600.0, 1.0])):
        y, z = np.array(y), np.array(z)
        value, square, known = Logistic().weighted_terms(y, w, z, *out)
        assert known is None
        assert value == pytest.approx(Logistic().value(y, z).sum(), rel=1e-14)
        np.testing.assert_allclose(out[:2], Logistic().derivatives(y, z), rtol=1e-14)
        np.testing.assert_allclose(out[2], Logistic().model_bend(y, z), rtol=1e-14)
        assert square == pytest.approx((out[0] ** 2 / out[2]).sum(), rel=1e-12)


def curved(kind):
    """Return an objective whose models are of one kind, or of classes."""
    if kind == "classes":
        y, task = np.arange(45) % 3.0, np.repeat(np.arange(3), 15)
        X = np.random.default_rng(0).normal(size=(45, 3))
        data, classes = TaskData.pack(X, read_labels(y, task)), (np.arange(3),) * 3
        return ClassObjective(replace(data, classes=classes), np.ones(3))
    p = 60 if kind == "DenseRows" else 3
    data = rows("wide" if kind == "DenseRows" else "long", Logistic(), p)
    if kind == "SparseRows":
        data = replace(data, X=sparse.csr_array(data.X))
    return DataObjective(data, Logistic(), np.ones(3))


@pytest.mark.parametrize("kind", ["Gram", "DenseRows", "SparseRows", "classes"])
def test_second_step_on_a_model(kind):
    """Its curvature is that of the first times a ratio, its gradient that of f."""
    f, rng = curved(kind), np.random.default_rng(3)
    features = np.arange(f.n_features)
    old = f.at(0.1 * rng.normal(size=(f.n_features, f.n_tasks)))
    model = f.model(old, features)
    penalty = SparseGroup(0.02)
    arguments = penalty.kernel_arguments(f.n_features)
    bounds = model.bounds(arguments[0])
    model.sweep(arguments, bounds, 2)
    new = f.at(model.W.T.copy())
    # Along a short step the curvature of f at one end is that of its slopes.
    step = 1e-4 * (new.W - old.W)
    near = f.at(old.W + step)
    bent = per_task(f, step * (f.gradient(near) - f.gradient(old)))
    np.testing.assert_allclose(f.bends_along(near, old), bent, rtol=1e-2)
    np.testing.assert_allclose(model.bends(), 1e8 * bent, rtol=1e-2)
    ratio, before = np.repeat([0.5, 0.8, 1.5], f.n_tasks // 3), model.W.copy()
    model.again(ratio, new.u, lambda: f.gradient(new).T)
    np.testing.assert_allclose(model.gradient(), f.gradient(new).T, atol=1e-12)
    model.sweep(arguments, model.bounds(arguments[0]), 1)
    near = f.at(old.W + 1e-4 * (model.W - before).T)
    bent = 1e8 * f.bends_along(old, near)
    np.testing.assert_allclose(model.bends(), ratio * bent, rtol=1e-2)


def per_task(f, values):
    """Sum values (p, C) over the rows and the columns of each task, for each column."""
    total, K = values.sum(axis=0), f.n_tasks // 3
    return np.repeat(total.reshape(3, K).sum(axis=1), K)


@pytest.mark.parametrize(("tol", "steps"), [(0.5, 1), (0.1, 2), (1e-4, 1)])
def test_a_third_step_on_a_model_comes_where_it_is_the_last(tol, steps, monkeypatch):
    """Not where the second was enough, nor where it leaves more than a third does."""
    calls, again = [], Gram.again

    def spy(model, *arguments):
        calls.append(model)
        return again(model, *arguments)

    monkeypatch.setattr(Gram, "again", spy)
    f = curved("Gram")
    found = solve(f, SparseGroup(0.02), solver="bcd", tol=tol, max_iter=1000)
    assert found.converged
    assert max(sum(a is b for a in calls) for b in calls) == steps
    assert len(found.history) == (2 if tol > 0.01 else 4)  # checks of the gap


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("far", [0.0, 1.0, 1e3, 1e9])
def test_squares_of_labels_far_from_zero(far, fit_intercept):
    """Residuals sum to 0 in each task, and D0 is what varies; one look or two."""
    rng = np.random.default_rng(0)
    Y = rng.normal(size=(400, 3)) + far * np.array([1.0, -1.0, 0.5])
    weight = rng.uniform(0.5, 2.0, size=Y.shape)
    data = TaskData.pack(np.ones((400, 1)), read_labels(Y, sample_weight=weight))
    c = np.array([1.0, 2.0, 3.0])
    loss = RowLoss(data, Squared(), c, fit_intercept)
    mean = (weight * Y).sum(axis=0) / weight.sum(axis=0) if fit_intercept else 0.0
    share = weight * c / weight.sum(axis=0)
    expected = 0.5 * (share * (Y - mean) ** 2).sum(axis=0)
    np.testing.assert_allclose(loss.task_null, expected, rtol=1e-12 * (1 + far))
    Z = rng.normal(size=Y.shape)
    b, value, u, feasible = loss.at(Z)
    assert feasible
    rest = share * (Z - Y)
    if fit_intercept:
        best = -rest.sum(axis=0) / c
        np.testing.assert_allclose(b, best, rtol=1e-12)
        rest = share * (Z - (Y - best))
        assert np.all(np.abs(u.sum(axis=0)) <= 1e-13 * c * (1 + 1e-3 * far))
    np.testing.assert_allclose(u, rest, atol=1e-15 * (1 + far))
    assert value == pytest.approx(
        0.5 * (rest**2 / share).sum(), rel=1e-12 + 1e-16 * far
    )
