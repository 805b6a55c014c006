"""W = P + Q: solvers, certificates and the estimators of two parts."""

import cvxpy as cp
import numpy as np
import pytest
from _oracles import tasks_of
from _problems import make_problem
from sklearn.base import clone

from skmtl import (
    GroupLassoRegressor,
    SharedSpecificClassifier,
    SharedSpecificRegressor,
    duality_gap,
    kkt_residual,
    mtl_path,
    objective,
)
from skmtl.data import TaskData
from skmtl.layouts import numeric_labels, read_labels
from skmtl.losses import Logistic, Squared
from skmtl.objectives import DataObjective, StatisticsObjective, SumObjective
from skmtl.penalties import ByTask, SparseGroup, Stacked, TraceNorm
from skmtl.solvers import solve
from skmtl.statistics import TaskStatistics

ALPHA, BETA = 0.2, 0.15
SHARED = {
    "rows": (SparseGroup(ALPHA), lambda P: cp.sum(cp.norm(P, 2, axis=1))),
    "rows_linf": (
        SparseGroup(ALPHA, norm="linf"),
        lambda P: cp.sum(cp.norm(P, "inf", axis=1)),
    ),
    "low_rank": (TraceNorm(ALPHA), lambda P: cp.normNuc(P)),
}
SPECIFIC = {
    "elements": (SparseGroup(BETA, 1.0), lambda Q: cp.sum(cp.abs(Q))),
    "tasks": (ByTask(BETA), lambda Q: cp.sum(cp.norm(Q, 2, axis=0))),
}


def expected_value(problem, loss, shared, specific, factor=1.0):
    """Return the optimum by CVXPY."""
    parts = tasks_of(problem)
    p, T = parts[0][0].shape[1], len(parts)
    P, Q, b = cp.Variable((p, T)), cp.Variable((p, T)), cp.Variable(T)
    value = factor * (ALPHA * SHARED[shared][1](P) + BETA * SPECIFIC[specific][1](Q))
    for t, (X, y, s) in enumerate(parts):
        z = X @ (P[:, t] + Q[:, t]) + b[t]
        if loss == "squared":
            part = cp.sum_squares(cp.multiply(np.sqrt(s), y - z)) / 2
        else:
            part = cp.sum(cp.multiply(s, cp.logistic(z) - cp.multiply(y, z)))
        value += part / s.sum()
    return cp.Problem(cp.Minimize(value)).solve(solver="CLARABEL")


def penalty_of(shared, specific, p, factor=1.0):
    first, second = SHARED[shared][0], SPECIFIC[specific][0]
    if factor != 1.0:
        from dataclasses import replace

        first = replace(first, alpha=factor * first.alpha)
        second = replace(second, alpha=factor * second.alpha)
    return Stacked(first, second, p)


def rows_of(problem):
    labels = read_labels(problem.y, **problem.extra)
    return TaskData.pack(problem.X, numeric_labels(labels))


@pytest.mark.parametrize("specific", SPECIFIC)
@pytest.mark.parametrize("shared", SHARED)
@pytest.mark.parametrize("name", ["ragged", "wide_nan", "n_below_p"])
@pytest.mark.parametrize("kind", ["rows", "statistics", "logistic"])
def test_optimum_of_two_parts(kind, name, shared, specific):
    problem, factor = make_problem(name), 1.0
    if kind == "logistic":
        problem, factor = problem.classes(), 0.2
    loss = "logistic" if kind == "logistic" else "squared"
    data = rows_of(problem)
    c = np.ones(data.n_tasks)
    if kind == "statistics":
        f = StatisticsObjective(TaskStatistics.from_data(data), c)
    else:
        f = DataObjective(data, Logistic() if loss == "logistic" else Squared(), c)
    f = SumObjective(f)
    penalty = penalty_of(shared, specific, data.n_features, factor)
    expected = expected_value(problem, loss, shared, specific, factor)
    for solver in penalty.solvers:
        result = solve(f, penalty, solver=solver, tol=1e-7, max_iter=50_000)
        assert result.converged
        assert result.gap <= 1e-7 * f.null
        assert result.objective == pytest.approx(expected, abs=1e-6 * f.null)


@pytest.mark.parametrize("penalty", [ByTask(0.7), TraceNorm(0.7)])
@pytest.mark.parametrize("seed", range(6))
def test_spectral_and_column_proxes(penalty, seed):
    V = 2 * np.random.default_rng(seed).normal(size=(5, 3))
    P = penalty.prox(V, 1.0)
    B = cp.Variable(V.shape)
    norm = (
        cp.normNuc(B)
        if isinstance(penalty, TraceNorm)
        else cp.sum(cp.norm(B, 2, axis=0))
    )
    value = cp.sum_squares(B - V) / 2 + penalty.alpha * norm
    cp.Problem(cp.Minimize(value)).solve(solver="CLARABEL")
    np.testing.assert_allclose(P, B.value, atol=2e-4)
    np.testing.assert_allclose(penalty.subdiff_distance(P, P - V), 0, atol=1e-9)
    assert penalty.subdiff_distance(P, P - 9 * V - 1).max() > 0.1
    assert np.vdot(V - P, P) == pytest.approx(penalty.value(P))  # Euler
    ((rho, conjugate),) = penalty.dual_points(V)
    assert conjugate == 0
    assert not penalty.prox(-rho * V * (1 - 1e-9), 1.0).any()


# ------------------------------------------------------------------ estimators
KINDS = [(a, b) for a in SHARED for b in SPECIFIC]


@pytest.mark.parametrize(("shared", "specific"), KINDS)
@pytest.mark.parametrize("name", ["ragged", "wide_nan", "sparse", "n_below_p"])
def test_regressor_has_its_certificate(name, shared, specific):
    problem = make_problem(name)
    model = SharedSpecificRegressor(
        ALPHA, beta=BETA, shared=shared, specific=specific, tol=1e-7, max_iter=50_000
    )
    model.fit(problem.X, problem.y, **problem.extra)
    expected = expected_value(problem, "squared", shared, specific)
    assert model.objective_ == pytest.approx(expected, rel=1e-5)
    args = (model, problem.X, problem.y)
    assert objective(*args, **problem.extra) == pytest.approx(model.objective_)
    assert duality_gap(*args, **problem.extra) <= 2 * model.dual_gap_ + 1e-12
    residual = kkt_residual(*args, **problem.extra)
    assert residual.shape == (problem.X.shape[1],)
    assert residual.max() < 0.05
    np.testing.assert_allclose(
        model.coef_, model.coef_shared_ + model.coef_specific_, atol=1e-12
    )


@pytest.fixture
def planted():
    """Return X, Y of five tasks with shared features; the last task is an outlier."""
    rng = np.random.default_rng(0)
    X, coef = rng.normal(size=(150, 8)), np.zeros((5, 8))
    coef[:4, :3] = rng.uniform(0.8, 1.2, size=(4, 3))
    coef[4] = 2 * rng.normal(size=8)
    return X, X @ coef.T + 0.3 * rng.normal(size=(150, 5))


def test_large_beta_is_the_group_lasso(planted):
    X, Y = planted
    parts = SharedSpecificRegressor(0.2, beta=0.21, tol=1e-12).fit(X, Y)
    rows = GroupLassoRegressor(0.2, tol=1e-12).fit(X, Y)
    assert not parts.coef_specific_.any()
    assert parts.outlier_tasks_.size == 0
    np.testing.assert_allclose(parts.coef_, rows.coef_, atol=1e-9)


def test_large_alpha_is_the_lasso(planted):
    X, Y = planted
    alpha = 1.01 * np.sqrt(5) * 0.1
    parts = SharedSpecificRegressor(alpha, beta=0.1, tol=1e-12).fit(X, Y)
    lasso = GroupLassoRegressor(0.1, l1_ratio=1.0, tol=1e-12).fit(X, Y)
    assert not parts.coef_shared_.any()
    np.testing.assert_allclose(parts.coef_, lasso.coef_, atol=1e-9)


@pytest.mark.parametrize(
    ("shared", "alpha", "beta"), [("rows", 0.3, 0.5), ("low_rank", 1.0, 0.8)]
)
def test_outlier_tasks_are_found(planted, shared, alpha, beta):
    X, Y = planted
    model = SharedSpecificRegressor(alpha, beta=beta, shared=shared, specific="tasks")
    assert model.fit(X, Y).outlier_tasks_.tolist() == [4]


def test_a_new_task_gets_the_shared_part(planted):
    X, Y = planted
    task = np.repeat(["a", "b", "c", "d", "e"], 150)
    model = SharedSpecificRegressor(0.2, beta=0.3, specific="tasks", unseen="shared")
    model.fit(np.tile(X, (5, 1)), Y.T.ravel(), task=task)
    with pytest.warns(UserWarning, match="never seen"):
        found = model.predict(X, task="z")
    shared = X @ model.coef_shared_.mean(axis=0) + model.intercept_.mean()
    np.testing.assert_allclose(found, shared)


def test_warm_start_scaling_and_statistics(planted):
    X, Y = planted
    model = SharedSpecificRegressor(
        0.2, beta=0.1, scale_y=True, warm_start=True, tol=1e-9
    ).fit(X, Y * [1, 10, 1, 1, 100])
    first = model.coef_.copy()
    assert model.fit(X, Y * [1, 10, 1, 1, 100]).n_iter_ <= 20
    np.testing.assert_allclose(model.coef_, first, rtol=1e-6, atol=1e-8)
    stream = SharedSpecificRegressor(0.2, beta=0.1, scale_y=True, tol=1e-9)
    for rows in (slice(0, 70), slice(70, 150)):
        stream.partial_fit(X[rows], (Y * [1, 10, 1, 1, 100])[rows])
    np.testing.assert_allclose(stream.coef_, first, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("shared", "specific"), KINDS)
def test_classifier(planted, shared, specific):
    X, Y = planted
    Y = (Y > 0).astype(int)
    model = SharedSpecificClassifier(
        0.05, beta=0.04, shared=shared, specific=specific, tol=1e-6
    ).fit(X, Y)
    assert model.converged_
    assert model.score(X, Y) > 0.8
    one_class = Y.copy()
    one_class[:, 1] = 1
    with pytest.warns(UserWarning, match="one class only"):
        model.fit(X, one_class)
    assert not model.coef_shared_[1].any()
    assert (model.predict(X)[:, 1] == 1).all()
    assert duality_gap(model, X, one_class) <= 2 * model.dual_gap_ + 1e-12


@pytest.mark.parametrize(("shared", "specific"), KINDS)
def test_path(planted, shared, specific):
    X, Y = planted
    model = SharedSpecificRegressor(
        beta=0.3, shared=shared, specific=specific, tol=1e-8
    )
    path = mtl_path(model, X, Y, alphas=[1.0, 0.3])
    for alpha, coef in zip(path.alphas, path.coefs, strict=True):
        single = clone(model).set_params(alpha=alpha).fit(X, Y)
        np.testing.assert_allclose(coef, single.coef_, atol=1e-4)


def test_block_descent_needs_rows_and_elements(planted):
    X, Y = planted
    model = SharedSpecificRegressor(0.2, shared="low_rank", solver="bcd")
    with pytest.raises(ValueError, match="solver='bcd' cannot take"):
        model.fit(X, Y)
    for bad in ({"alpha": 0.0}, {"beta": -1}, {"shared": "cols"}, {"specific": 3}):
        with pytest.raises(ValueError, match=f"The '{next(iter(bad))}' parameter"):
            SharedSpecificRegressor(**bad).fit(X, Y)
