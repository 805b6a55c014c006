"""The optimum, from outside: CVXPY on small problems of every layout."""

import warnings

import numpy as np
import pytest
from _oracles import null_deviance_half, solve
from _problems import NAMES, make_problem

from skmtl import GroupLassoClassifier, GroupLassoRegressor
from skmtl import duality_gap as gap_on_data
from skmtl import objective as objective_on_data

PENALTIES = {
    "rows": {"alpha": 0.15},
    "sparse_rows": {"alpha": 0.15, "l1_ratio": 0.4},
    "l1": {"alpha": 0.1, "l1_ratio": 1.0},
    "rows_ridge": {"alpha": 0.1, "ridge": 0.3},
    "ridge": {"alpha": 0.0, "ridge": 0.5},
}


def check(model, problem, expected, D0, tol):
    """Assert value, certificate and the recomputed certificate."""
    model.fit(problem.X, problem.y, **problem.extra)
    value = objective_on_data(model, problem.X, problem.y, **problem.extra)
    assert value <= expected + 1e-6 * max(abs(expected), D0)
    assert value >= expected - 1e-6 * max(abs(expected), D0)
    assert model.objective_ == pytest.approx(value, rel=1e-9, abs=1e-12 * D0)
    assert model.converged_
    assert model.dual_gap_ <= tol * D0 * (1 + 1e-9)
    gap = gap_on_data(model, problem.X, problem.y, **problem.extra)
    assert gap <= 2 * tol * D0 + 1e-14 * D0
    assert value - expected <= gap + 1e-7 * max(abs(expected), D0)


@pytest.mark.parametrize("solver", ["bcd", "fista"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("name", NAMES)
def test_regression(name, penalty, solver):
    problem, strength = make_problem(name), PENALTIES[penalty]
    expected, _ = solve(problem, **strength)
    D0 = null_deviance_half(problem)
    model = GroupLassoRegressor(**strength, solver=solver, tol=1e-7, max_iter=200_000)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The labels of task", UserWarning)
        check(model, problem, expected, D0, 1e-7)


THIRDS = np.arange(8) // 3  # two groups of three features and one of two
MORE_PENALTIES = {
    "linf": {"alpha": 0.2, "norm": "linf"},
    "linf_l1": {"alpha": 0.2, "norm": "linf", "l1_ratio": 0.3},
    "positive": {"alpha": 0.1, "positive": True},
    "positive_linf_ridge": {
        "alpha": 0.1, "positive": True, "norm": "linf", "ridge": 0.1,
    },
    "groups": {"alpha": 0.1, "groups": THIRDS},
    "groups_l1": {"alpha": 0.1, "groups": THIRDS, "l1_ratio": 0.3},
    "groups_linf": {"alpha": 0.1, "groups": THIRDS, "norm": "linf"},
    "groups_unordered": {"alpha": 0.1, "groups": np.array([2, 0, 1, 2, 0, 1, 2, 0])},
    "weights": {
        "alpha": 0.1, "penalty_weights": np.array([1, 0, 2, np.inf, 1, 0, 3, 1]),
    },
    "weights_groups_ridge": {
        "alpha": 0.1, "groups": THIRDS, "penalty_weights": np.array([0.5, 0.0, 2.0]),
        "ridge": 0.2,
    },
}  # fmt: skip


@pytest.mark.parametrize("solver", ["bcd", "fista"])
@pytest.mark.parametrize("penalty", MORE_PENALTIES)
@pytest.mark.parametrize("name", ["ragged", "wide_nan", "weighted", "sparse"])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_structured_penalties(name, penalty, solver, loss):
    problem, strength = make_problem(name), dict(MORE_PENALTIES[penalty])
    kind = GroupLassoRegressor
    if loss == "logistic":
        problem, kind = problem.classes(), GroupLassoClassifier
        strength["alpha"] *= 0.2
    expected, _ = solve(problem, loss=loss, **strength)
    D0 = null_deviance_half(problem, loss=loss)
    model = kind(**strength, solver=solver, tol=1e-7, max_iter=200_000)
    check(model, problem, expected, D0, 1e-7)


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("name", ["n_below_p", "sparse_n_below_p"])
def test_structured_penalties_on_few_rows(name, norm, positive):
    problem = make_problem(name)
    p = problem.X.shape[1]
    strength = {
        "alpha": 0.05, "norm": norm, "positive": positive, "groups": np.arange(p) % 7,
    }  # fmt: skip
    expected, _ = solve(problem, **strength)
    model = GroupLassoRegressor(**strength, tol=1e-7, max_iter=200_000)
    check(model, problem, expected, null_deviance_half(problem), 1e-7)


CLASS_NAMES = [n for n in NAMES if n not in {"constant_y", "scales"}]


@pytest.mark.parametrize("solver", ["bcd", "fista"])
@pytest.mark.parametrize("penalty", ["rows", "sparse_rows", "rows_ridge"])
@pytest.mark.parametrize("name", CLASS_NAMES)
def test_classification(name, penalty, solver):
    problem = make_problem(name).classes()
    strength = {
        k: v * (0.2 if k == "alpha" else 1) for k, v in PENALTIES[penalty].items()
    }
    expected, _ = solve(problem, loss="logistic", **strength)
    D0 = null_deviance_half(problem, loss="logistic")
    model = GroupLassoClassifier(**strength, solver=solver, tol=1e-7, max_iter=100_000)
    check(model, problem, expected, D0, 1e-7)


@pytest.mark.parametrize("name", ["ragged", "wide_nan", "n_below_p"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("task_weight", [None, "n_samples"])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_intercepts_and_task_weights(name, fit_intercept, task_weight, loss):
    problem = make_problem(name)
    kind = GroupLassoRegressor
    if loss == "logistic":
        problem, kind = problem.classes(), GroupLassoClassifier
    options = {"fit_intercept": fit_intercept, "task_weight": task_weight}
    expected, _ = solve(problem, loss=loss, alpha=0.03, **options)
    model = kind(0.03, tol=1e-8, **options)
    model.fit(problem.X, problem.y, **problem.extra)
    assert model.objective_ == pytest.approx(expected, rel=1e-6)
    assert np.all(model.intercept_ != 0) == fit_intercept


def test_strictly_convex_coefficients():
    problem = make_problem("ragged")
    _, W = solve(problem, alpha=0.1, ridge=0.2)
    model = GroupLassoRegressor(0.1, ridge=0.2, tol=1e-13)
    model.fit(problem.X, problem.y, **problem.extra)
    np.testing.assert_allclose(model.coef_, W.T, atol=1e-4)
