"""Regressors with other losses than the squared one, and with a loss per task."""

import warnings

import cvxpy as cp
import numpy as np
import pytest
from _losses_of_tasks import LAYOUTS, problem_for
from _oracles import tasks_of
from _problems import make_problem
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import d2_tweedie_score, mean_poisson_deviance, r2_score

from skmtl import (
    GroupLassoClassifier,
    GroupLassoRegressor,
    SharedSpecificRegressor,
    TaskStatistics,
    duality_gap,
    wide_to_long,
)
from skmtl import objective as objective_on_data
from skmtl.data import TaskData
from skmtl.layouts import numeric_labels, read_labels


def oracle(problem, kinds, alpha, fit_intercept=True, delta=1.35, ridge=0.0):
    """Return the optimal value by CVXPY."""
    parts = tasks_of(problem)
    p, T = parts[0][0].shape[1], len(parts)
    W, b, terms = cp.Variable((p, T)), cp.Variable(T), []
    for t, (X, y, s) in enumerate(parts):
        z = X @ W[:, t] + (b[t] if fit_intercept else 0.0)
        loss = {
            "squared": lambda z, y: cp.square(y - z) / 2,
            "huber": lambda z, y: cp.huber(y - z, delta) / 2,
            "poisson": lambda z, y: cp.exp(z) - cp.multiply(y, z),
            "logistic": lambda z, y: cp.logistic(z) - cp.multiply(y, z),
        }[kinds[t]](z, y)
        terms.append(s @ loss / s.sum())
    penalty = alpha * cp.sum(cp.norm(W, 2, axis=1)) + ridge / 2 * cp.sum_squares(W)
    program = cp.Problem(cp.Minimize(sum(terms) + penalty))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program.solve(solver="CLARABEL", tol_gap_abs=1e-9, tol_gap_rel=1e-9)
    return program.value


# ------------------------------------------------------------------ the optimum
@pytest.mark.parametrize("solver", ["bcd", "fista"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("kind", ["huber", "poisson", "logistic", "mixed"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_against_cvxpy(name, kind, fit_intercept, solver):
    problem, kinds = problem_for(name, kind)
    loss = kinds if kind == "mixed" else kind
    model = GroupLassoRegressor(
        0.05, loss=loss, fit_intercept=fit_intercept, solver=solver, tol=1e-7,
        max_iter=100_000,
    )  # fmt: skip
    model.fit(problem.X, problem.y, **problem.extra)
    expected = oracle(problem, kinds, 0.05, fit_intercept)
    value = objective_on_data(model, problem.X, problem.y, **problem.extra)
    assert model.converged_
    assert value == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert model.objective_ == pytest.approx(value, rel=1e-9, abs=1e-12)
    gap = duality_gap(model, problem.X, problem.y, **problem.extra)
    assert gap <= 2 * max(model.dual_gap_, 1e-12)


def test_huber_delta_against_cvxpy():
    problem, kinds = problem_for("ragged", "huber")
    model = GroupLassoRegressor(0.05, loss="huber", huber_delta=0.4, tol=1e-8)
    model.fit(problem.X, problem.y, **problem.extra)
    expected = oracle(problem, kinds, 0.05, delta=0.4)
    assert model.objective_ == pytest.approx(expected, rel=1e-6)


def test_parts_of_mixed_tasks():
    problem, kinds = problem_for("wide_nan", "mixed")
    model = SharedSpecificRegressor(0.1, beta=0.08, loss=kinds, tol=1e-6)
    model.fit(problem.X, problem.y)
    assert model.converged_
    np.testing.assert_allclose(model.coef_shared_ + model.coef_specific_, model.coef_)
    single = GroupLassoRegressor(0.1, loss=kinds, tol=1e-6).fit(problem.X, problem.y)
    assert model.objective_ <= single.objective_ + 2e-6


# ------------------------------------------------------------------ reductions
@pytest.mark.parametrize("rates", [True, False])
def test_poisson_regressor(rates):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4))
    exposure = rng.uniform(0.5, 4.0, size=80) if rates else np.ones(80)
    y = rng.poisson(exposure * np.exp(0.5 * X[:, 0] + 0.2)) / exposure
    theirs = PoissonRegressor(alpha=0.1, tol=1e-12, max_iter=10_000)
    theirs.fit(X, y, sample_weight=exposure)
    ours = GroupLassoRegressor(0, ridge=0.1, loss="poisson", tol=1e-14)
    ours.fit(X, y, sample_weight=exposure)
    np.testing.assert_allclose(ours.coef_[0], theirs.coef_, atol=1e-7)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6)
    expected = theirs.score(X, y, sample_weight=exposure)
    assert ours.score(X, y, sample_weight=exposure) == pytest.approx(expected, rel=1e-6)


def test_logistic_is_the_classifier():
    problem = make_problem("ragged").classes()
    classes = GroupLassoClassifier(0.02, tol=1e-10)
    classes.fit(problem.X, problem.y, **problem.extra)
    values = GroupLassoRegressor(0.02, loss="logistic", tol=1e-10)
    values.fit(problem.X, problem.y, **problem.extra)
    np.testing.assert_array_equal(values.coef_, classes.coef_)
    task = problem.extra["task"]
    proba = classes.predict_proba(problem.X, task=task)[:, 1]
    np.testing.assert_allclose(values.predict(problem.X, task=task), proba, rtol=1e-12)


def test_one_loss_by_name_or_by_task():
    problem, kinds = problem_for("wide_nan", "poisson")
    expected = GroupLassoRegressor(0.05, loss="poisson").fit(problem.X, problem.y)
    found = GroupLassoRegressor(0.05, loss={**kinds, "another": "huber"})
    found.fit(problem.X, problem.y)
    np.testing.assert_array_equal(found.coef_, expected.coef_)


def test_mixed_wide_is_mixed_long():
    problem, kinds = problem_for("wide_nan", "mixed")
    wide = GroupLassoRegressor(0.05, loss=kinds, tol=1e-9).fit(problem.X, problem.y)
    X, y, task, _ = wide_to_long(problem.X, problem.y)
    long = GroupLassoRegressor(0.05, loss=kinds, tol=1e-9).fit(X, y, task=task)
    assert wide.objective_ == pytest.approx(long.objective_, abs=1e-8)
    for t in range(3):
        found = long.predict(problem.X, task=t)
        np.testing.assert_allclose(wide.predict(problem.X)[:, t], found, rtol=1e-3)
    np.testing.assert_allclose(
        wide.score(problem.X, problem.y), long.score(X, y, task=task), atol=1e-4
    )


def test_huber_withstands_outliers():
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(300, 5)), np.arange(300) % 3
    y = 2.0 * X[:, 0] + 0.3 * rng.normal(size=300)
    y[::10] += 100.0
    coef = {}
    for loss in ("squared", "huber"):
        coef[loss] = GroupLassoRegressor(0.05, loss=loss).fit(X, y, task=task).coef_
    assert np.abs(coef["huber"][:, 0] - 2).max() < 0.2
    assert np.abs(coef["squared"][:, 0] - 2).max() > 0.5


# ------------------------------------------------------------------ units, answers
def test_scale_y_touches_squared_and_huber_only():
    problem, kinds = problem_for("ragged", "mixed")
    model = GroupLassoRegressor(0.05, loss=kinds, scale_y=True)
    model.fit(problem.X, problem.y, **problem.extra)
    unit = np.array([model.y_scale_[t] != 1.0 for t in range(4)])
    assert unit.tolist() == [kinds[t] in ("squared", "huber") for t in range(4)]
    factor = np.where(unit, 1000.0, 1.0)[problem.extra["task"]]
    again = GroupLassoRegressor(0.05, loss=kinds, scale_y=True)
    again.fit(problem.X, factor * problem.y, **problem.extra)
    np.testing.assert_allclose(
        again.predict(problem.X, **problem.extra),
        factor * model.predict(problem.X, **problem.extra),
        rtol=1e-6,
    )


def test_predictions_are_mean_responses():
    problem, kinds = problem_for("wide_nan", "mixed")
    model = GroupLassoRegressor(0.05, loss=kinds).fit(problem.X, problem.y)
    Z = problem.X @ model.coef_.T + model.intercept_
    for t, kind in kinds.items():
        expected = {
            "squared": Z[:, t],
            "huber": Z[:, t],
            "poisson": np.exp(Z[:, t]),
            "logistic": 1 / (1 + np.exp(-Z[:, t])),
        }[kind]
        np.testing.assert_allclose(model.predict(problem.X)[:, t], expected)
        np.testing.assert_allclose(model.predict(problem.X, task=t), expected)


def test_score_is_explained_deviance():
    problem, kinds = problem_for("ragged", "mixed")
    kinds = {t: "squared" if k == "huber" else k for t, k in kinds.items()}
    task, weight = problem.extra["task"], np.linspace(0.1, 2, len(problem.y))
    model = GroupLassoRegressor(0.05, loss=kinds).fit(problem.X, problem.y, task=task)
    found = model.predict(problem.X, task=task)
    expected = []
    for t, kind in kinds.items():
        y, mu, w = (v[task == t] for v in (problem.y, found, weight))
        if kind == "squared":
            expected.append(r2_score(y, mu, sample_weight=w))
        elif kind == "poisson":
            expected.append(d2_tweedie_score(y, mu, sample_weight=w, power=1))
        else:
            log_loss = -w @ np.where(y == 1, np.log(mu), np.log(1 - mu)) / w.sum()
            q = w @ y / w.sum()
            null = -q * np.log(q) - (1 - q) * np.log(1 - q)
            expected.append(1 - log_loss / null)
    score = model.score(problem.X, problem.y, task=task, sample_weight=weight)
    assert score == pytest.approx(np.mean(expected))


def test_score_of_squared_loss_stays_r2():
    problem = make_problem("ragged")
    task = problem.extra["task"]
    model = GroupLassoRegressor(0.05, loss=dict.fromkeys(range(4), "squared"))
    model.fit(problem.X, problem.y, task=task)
    expected = r2_score(problem.y, model.predict(problem.X, task=task))
    assert model.score(problem.X, problem.y, task=task) == pytest.approx(expected)
    with pytest.raises(NotFittedError):
        GroupLassoRegressor(loss="huber").score(problem.X, problem.y)


def test_score_with_labels_all_equal():
    X, y = np.arange(6.0)[:, None], np.array([0, 1, 1, 3, 4, 9])
    model = GroupLassoRegressor(0.01, loss="poisson").fit(X, y)
    assert model.score(X, np.full(6, 3)) == 0.0
    assert model.score(X, y) > 0.5
    with pytest.raises(ValueError, match="needs labels of at least 0"):
        model.score(X, -y)


# ------------------------------------------------------------------ tasks left out
def test_all_zero_counts_and_single_classes():
    problem, kinds = problem_for("ragged", "poisson")
    kinds[3] = "logistic"
    task = problem.extra["task"]
    y = np.where((task == 1) | (task == 3), 0.0, problem.y)
    y[task == 3] = 1.0
    model = GroupLassoRegressor(0.05, loss=kinds, tol=1e-8)
    with pytest.warns(UserWarning, match=r"2 task\(s\) have counts of 0") as caught:
        model.fit(problem.X, y, task=task)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert (model.predict(problem.X, task=1) == 0).all()
    assert (model.predict(problem.X, task=3) == 1).all()
    assert not model.coef_[[1, 3]].any()
    rest = np.isin(task, [0, 2])
    alone = GroupLassoRegressor(0.05, loss="poisson", tol=1e-8)
    alone.fit(problem.X[rest], y[rest], task=task[rest])
    np.testing.assert_array_equal(model.coef_[[0, 2]], alone.coef_)
    assert duality_gap(model, problem.X, y, task=task) <= 2 * model.dual_gap_
    assert np.isfinite(model.score(problem.X, y, task=task))


def test_nothing_but_zeros():
    X = np.eye(4)
    with pytest.warns(UserWarning, match="counts of 0"):
        model = GroupLassoRegressor(0.05, loss="poisson").fit(X, np.zeros(4))
    assert not model.predict(X).any()
    assert model.objective_ == 0


def test_unseen_tasks():
    problem, kinds = problem_for("ragged", "mixed")
    mixed = GroupLassoRegressor(0.05, loss=kinds, unseen="shared")
    mixed.fit(problem.X, problem.y, **problem.extra)
    with (
        pytest.warns(UserWarning, match="never seen"),
        pytest.raises(ValueError, match="different losses, so there is no shared"),
    ):
        mixed.predict(problem.X, task=77)
    problem, _ = problem_for("ragged", "poisson")
    rates = GroupLassoRegressor(0.05, loss="poisson", unseen="shared")
    rates.fit(problem.X, problem.y, **problem.extra)
    with pytest.warns(UserWarning, match="never seen"):
        found = rates.predict(problem.X, task=77)
    expected = np.exp(problem.X @ rates.coef_.mean(axis=0) + rates.intercept_.mean())
    np.testing.assert_allclose(found, expected)
    with pytest.warns(UserWarning, match="never seen"):
        score = rates.score(problem.X, problem.y, task=77)
    null = mean_poisson_deviance(problem.y, np.full(len(found), problem.y.mean()))
    deviance = mean_poisson_deviance(problem.y, found)
    assert score == pytest.approx(1 - deviance / null)


# ------------------------------------------------------------------ errors, warnings
@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ({0: "squared", 1: "huber"}, "loss has no entry for task 2"),
        ({0: "squared", 1: "huber", 2: "cubic"}, "loss of task 2 must be one of"),
        ("poisson", "loss='poisson' needs labels of at least 0; task 0 has a label"),
        ({0: "huber", 1: "huber", 2: "logistic"}, "loss='logistic' needs .* task 2"),
        ("cubic", "The 'loss' parameter"),
    ],
)
def test_bad_losses(loss, message):
    problem = make_problem("wide_nan")
    with pytest.raises(ValueError, match=message):
        GroupLassoRegressor(loss=loss).fit(problem.X, problem.y)


@pytest.mark.parametrize("delta", [0.0, -1.0, np.nan, "1"])
def test_bad_huber_delta(delta):
    with pytest.raises(ValueError, match="huber_delta"):
        GroupLassoRegressor(loss="huber", huber_delta=delta).fit(np.eye(3), np.ones(3))


def test_statistics_are_for_squared_loss():
    problem = make_problem("ragged")
    model = GroupLassoRegressor(loss="huber")
    with pytest.raises(ValueError, match="all that the squared loss needs"):
        model.partial_fit(problem.X, problem.y, **problem.extra)
    labels = numeric_labels(read_labels(problem.y, **problem.extra))
    statistics = TaskStatistics.from_data(TaskData.pack(problem.X, labels))
    with pytest.raises(ValueError, match="use fit"):
        model.fit_statistics(statistics)


def test_units_of_mixed_tasks():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    Y = np.column_stack([100 * X[:, 0], X[:, 1] > 0]).astype(float)
    loss = {0: "squared", 1: "logistic"}
    with pytest.warns(UserWarning, match="null deviance of task 1.*scale_y") as caught:
        GroupLassoRegressor(0.1, loss=loss).fit(X, Y)
    assert caught[0].filename == __file__
    GroupLassoRegressor(0.1, loss=loss, scale_y=True).fit(X, Y)
    Y[:, 0] = rng.poisson(3000 * np.exp(X[:, 0]))
    loss[0] = "poisson"
    with pytest.warns(UserWarning, match="null deviance of task 1.*task_weight"):
        GroupLassoRegressor(0.1, loss=loss, scale_y=True).fit(X, Y)


def test_large_counts_and_far_predictions():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = rng.poisson(np.exp(14 + X[:, 0]))
    model = GroupLassoRegressor(10.0, loss="poisson", tol=1e-8).fit(X, y)
    assert model.converged_
    assert model.coef_[0] == pytest.approx([1.0, 0.0, 0.0], abs=0.01)
    assert np.isfinite(model.predict(1e6 * X)).all()


@pytest.mark.parametrize("loss", ["huber", "poisson"])
def test_labels_too_far_from_zero_to_be_certified(loss):
    """Nothing pulls at 0, and rounding in the intercepts leaves no dual point."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(60, 40)), 1e11 + rng.normal(size=(60, 3))
    with pytest.warns(ConvergenceWarning, match="No feature pulls"):
        model = GroupLassoRegressor(10.0, loss=loss, tol=1e-6).fit(X, Y)
    assert not model.coef_.any()
    assert not model.converged_
    np.testing.assert_allclose(model.predict(X), np.median(Y), rtol=1e-10)
