"""Learned relations of tasks: optimum, limits, planted relations, sparse precision."""

import cvxpy as cp
import numpy as np
import pytest
from _problems import NAMES, Problem, make_problem
from _spectral import many_tasks, optimum
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge

from skmtl import (
    AlphaPathCV,
    TaskRelationshipClassifier,
    TaskRelationshipRegressor,
    TaskStatistics,
    TraceNormRegressor,
    duality_gap,
    kkt_residual,
    mtl_path,
    objective,
)


def squared_norm(alpha, ridge=0.0):
    return lambda W: (
        alpha / 2 * cp.square(cp.normNuc(W)) + ridge / 2 * cp.sum_squares(W)
    )


def check(model, problem, expected):
    """Assert value and certificate, the latter recomputed from the data as well."""
    args = (problem.X, problem.y)
    model.fit(*args, **problem.extra)
    assert model.converged_
    value = objective(model, *args, **problem.extra)
    assert value == pytest.approx(model.objective_, rel=1e-9)
    assert value == pytest.approx(expected, rel=1e-6)
    assert model.dual_gap_ <= 1e-5
    assert duality_gap(model, *args, **problem.extra) <= 2 * model.dual_gap_ + 1e-12
    return model


# ------------------------------------------------------------------ the optimum
@pytest.mark.filterwarnings("ignore:The labels of task:UserWarning")
@pytest.mark.parametrize("solver", ["factors", "fista"])
@pytest.mark.parametrize("kind", ["squared", "logistic", "mixed"])
@pytest.mark.parametrize(("alpha", "ridge"), [(0.05, 0.0), (0.02, 0.1)])
def test_ragged_tasks(kind, alpha, ridge, solver):
    X, y, task, kinds = many_tasks(kind)
    problem = Problem(X, y, {"task": task})
    expected = optimum(problem, squared_norm(alpha, ridge), kinds)
    model = TaskRelationshipRegressor(
        alpha, ridge=ridge, loss=kinds, solver=solver, tol=1e-8, max_iter=50_000
    )
    check(model, problem, expected)


@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("name", NAMES)
def test_every_layout(name, ridge):
    problem = make_problem(name)
    expected = optimum(problem, squared_norm(0.05, ridge))
    model = TaskRelationshipRegressor(0.05, ridge=ridge, tol=1e-8)
    if name == "scales":  # the reference is off by more than the model
        model.fit(problem.X, problem.y, **problem.extra)
        assert model.converged_
        assert model.objective_ <= expected * (1 + 1e-5)
        return
    check(model, problem, expected)
    residual = kkt_residual(model, problem.X, problem.y, **problem.extra)
    assert residual.max() < 1e-2


@pytest.mark.parametrize("name", ["ragged", "wide_nan", "weighted", "sparse"])
def test_classes(name):
    problem = make_problem(name).classes()
    kinds = dict.fromkeys(range(3 if problem.y.ndim == 2 else 4), "logistic")
    expected = optimum(problem, squared_norm(0.02), kinds)
    check(TaskRelationshipClassifier(0.02, tol=1e-8), problem, expected)


def test_objective_is_the_joint_one():
    """Over the coefficients and the covariance, which are both attributes."""
    X, y, task, _ = many_tasks("squared")
    model = TaskRelationshipRegressor(0.05, ridge=0.02, tol=1e-10)
    model.fit(X, y, task=task)
    W, C = model.coef_.T, model.task_covariance_
    assert np.trace(C) == pytest.approx(1.0)
    total = 0.05 / 2 * np.trace(W @ np.linalg.pinv(C, rcond=1e-7) @ W.T)
    total += 0.02 / 2 * np.sum(W**2)
    for t in range(8):
        rest = (y - model.predict(X, task=task))[task == t]
        total += np.mean(rest**2) / 2
    assert total == pytest.approx(model.objective_, rel=1e-5)


# ------------------------------------------------------------------ limits
@pytest.mark.parametrize("ridge", [0.0, 0.4])
def test_one_task_is_ridge(ridge):
    X, y, _, _ = many_tasks("squared")
    model = TaskRelationshipRegressor(0.3, ridge=ridge, tol=1e-13).fit(X, y)
    other = Ridge((0.3 + ridge) * len(y), tol=1e-14).fit(X, y)
    np.testing.assert_allclose(model.coef_[0], other.coef_, atol=1e-7)
    np.testing.assert_allclose(model.task_correlation_, [[1.0]])


def test_little_alpha_is_independent_ridge():
    X, y, task, _ = many_tasks("squared")
    model = TaskRelationshipRegressor(1e-9, ridge=0.3, tol=1e-13).fit(X, y, task=task)
    none = TaskRelationshipRegressor(0, ridge=0.3, tol=1e-13).fit(X, y, task=task)
    for t in range(8):
        rows = task == t
        alone = Ridge(0.3 * rows.sum(), tol=1e-14).fit(X[rows], y[rows])
        np.testing.assert_allclose(model.coef_[t], alone.coef_, atol=1e-6)
        np.testing.assert_allclose(none.coef_[t], alone.coef_, atol=1e-6)


def test_it_is_the_trace_norm_of_another_strength():
    """With alpha times the norm that came out."""
    X, y, task, _ = many_tasks("squared")
    model = TaskRelationshipRegressor(0.05, tol=1e-12).fit(X, y, task=task)
    size = np.linalg.svd(model.coef_, compute_uv=False).sum()
    other = TraceNormRegressor(0.05 * size, tol=1e-12).fit(X, y, task=task)
    np.testing.assert_allclose(model.coef_, other.coef_, atol=1e-5)


def test_permutations():
    X, y, task, _ = many_tasks("squared")
    model = TaskRelationshipRegressor(0.05, tol=1e-12).fit(X, y, task=task)
    rng = np.random.default_rng(0)
    rows, columns, labels = (rng.permutation(n) for n in (len(y), 12, 8))
    other = TaskRelationshipRegressor(0.05, tol=1e-12)
    other.fit(X[rows][:, columns], y[rows], task=labels[task[rows]])
    np.testing.assert_allclose(other.coef_[labels], model.coef_[:, columns], atol=1e-6)
    np.testing.assert_allclose(
        other.task_correlation_[np.ix_(labels, labels)],
        model.task_correlation_,
        atol=1e-5,
    )


# ------------------------------------------------------------------ relations
def planted(n=80, noise=1.0, seed=0):
    """Return X, Y of two groups of tasks, one task against the first, one outlier."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.normal(size=(20, 3)))
    a, b, c = 4 * basis.T
    coef = np.array([a, a, -a, b, b, c])
    X = rng.normal(size=(n, 20))
    return X, X @ coef.T + noise * rng.normal(size=(n, 6)), coef


SIGNS = np.array([
    [1, 1, -1, 0, 0, 0],
    [1, 1, -1, 0, 0, 0],
    [-1, -1, 1, 0, 0, 0],
    [0, 0, 0, 1, 1, 0],
    [0, 0, 0, 1, 1, 0],
    [0, 0, 0, 0, 0, 1],
])  # fmt: skip


@pytest.mark.parametrize("relationship", ["covariance", "precision"])
def test_planted_relations_are_found(relationship):
    X, Y, _ = planted()
    model = TaskRelationshipRegressor(0.05, relationship=relationship).fit(X, Y)
    assert model.converged_
    found = model.task_correlation_
    np.testing.assert_allclose(found, SIGNS, atol=0.2)
    np.testing.assert_array_equal(np.diag(found), 1.0)
    np.testing.assert_array_equal(found, found.T)
    apart = np.abs(found - np.eye(6)).max(axis=1)
    assert apart.argmin() == 5  # the outlier
    assert apart[5] < 0.2


def test_precision_is_exactly_zero_between_strangers():
    X, Y, _ = planted()
    model = TaskRelationshipRegressor(0.05, relationship="precision", sparsity=10.0)
    K = model.fit(X, Y).task_precision_
    assert np.linalg.eigvalsh(K)[0] > 0
    assert (K[SIGNS == 0] == 0).all()
    assert (K[np.ix_([0, 1, 2], [0, 1, 2])] != 0).all()
    assert K[3, 4] < 0
    inverse = np.linalg.inv(K)
    np.testing.assert_allclose(model.task_covariance_, inverse / np.trace(inverse))


def test_classes_have_relations_too():
    X, Y, _ = planted(n=400)
    model = TaskRelationshipClassifier(0.001).fit(X, (Y > 0).astype(int))
    np.testing.assert_allclose(model.task_correlation_, SIGNS, atol=0.25)


def test_related_tasks_gain():
    X, Y, coef = planted(n=25, noise=2.0)
    alphas = np.logspace(-3, 1, 15)
    model = AlphaPathCV(TaskRelationshipRegressor(), alphas=alphas).fit(X, Y)
    alone = [
        AlphaPathCV(TaskRelationshipRegressor(), alphas=alphas).fit(X, Y[:, t])
        for t in range(6)
    ]
    alone = np.vstack([m.best_estimator_.coef_ for m in alone])
    error = np.linalg.norm(model.best_estimator_.coef_ - coef)
    assert error < 0.9 * np.linalg.norm(alone - coef)


def test_a_task_without_coefficients_has_no_relations():
    X, Y, _ = planted()
    labels = (Y > 0).astype(int)
    labels[:, 1] = 0
    with pytest.warns(UserWarning, match="one class only"):
        model = TaskRelationshipClassifier(0.001).fit(X, labels)
    found = model.task_correlation_
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[1], np.eye(6)[1])
    assert found[0, 2] < -0.4
    assert model.task_covariance_.shape == (6, 6)


@pytest.mark.parametrize("relationship", ["covariance", "precision"])
def test_constant_labels(relationship):
    X = np.random.default_rng(0).normal(size=(30, 4))
    Y = np.ones((30, 3))
    model = TaskRelationshipRegressor(0.1, relationship=relationship).fit(X, Y)
    np.testing.assert_allclose(model.coef_, 0.0, atol=1e-12)
    np.testing.assert_allclose(model.task_correlation_, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(model.task_covariance_, np.eye(3) / 3, atol=1e-12)


# ------------------------------------------------------------------ sparse precision
PRECISION = {"relationship": "precision"}


@pytest.mark.parametrize("name", ["ragged", "wide_nan", "n_below_p", "sparse"])
@pytest.mark.parametrize("solver", ["auto", "fista"])
def test_precision_is_stationary(name, solver):
    problem = make_problem(name)
    options = {**PRECISION, "eps": 0.1, "solver": solver}
    model = TaskRelationshipRegressor(0.3, ridge=0.05, **options)
    model.fit(problem.X, problem.y, **problem.extra)
    args = (model, problem.X, problem.y)
    assert model.converged_
    assert model.stationarity_ <= 1e-4
    assert not hasattr(model, "dual_gap_")
    assert objective(*args, **problem.extra) == pytest.approx(model.objective_)
    assert kkt_residual(*args, **problem.extra).max() <= 0.3 * 1.5e-4
    with pytest.raises(TypeError, match="not convex"):
        duality_gap(*args, **problem.extra)


def test_precision_never_rises():
    from skmtl.data import TaskData
    from skmtl.layouts import numeric_labels, read_labels
    from skmtl.losses import Logistic
    from skmtl.objectives import DataObjective
    from skmtl.penalties import LearnedPrecision
    from skmtl.solvers import SOLVERS
    from skmtl.solvers.majorants import majorant_rounds

    X, y, task, _ = many_tasks("logistic")
    data = TaskData.pack(X, numeric_labels(read_labels(y, task=task)))
    f = DataObjective(data, Logistic(), np.ones(8))
    penalty = LearnedPrecision(0.3, 0.05, 0.5)
    rounds = majorant_rounds(f, penalty, SOLVERS["fista"], np.zeros((12, 8)))
    values = [next(rounds).value for _ in range(20)]
    assert values[-1] < values[0]
    assert (np.diff(values) <= 0).all()
    # No small step descends from where it ends.
    for _ in range(200):
        last = next(rounds)
    rng = np.random.default_rng(0)
    for _ in range(20):
        V = last.point.W + 1e-4 * rng.normal(size=(12, 8))
        assert f.at(V).value + penalty.value(V) >= last.value - 1e-8


def test_much_eps_is_ridge():
    """Relations shape the penalty from coefficients of that size on."""
    X, y, task, _ = many_tasks("squared")
    model = TaskRelationshipRegressor(0.3, eps=1e9, tol=1e-8, **PRECISION)
    model.fit(X, y, task=task)
    ridge = TaskRelationshipRegressor(0, ridge=0.3, tol=1e-12).fit(X, y, task=task)
    np.testing.assert_allclose(model.coef_, ridge.coef_, atol=1e-5)
    np.testing.assert_allclose(model.task_precision_, np.eye(8), atol=1e-6)


def test_much_sparsity_relates_nobody():
    X, y, task, _ = many_tasks("squared")
    model = TaskRelationshipRegressor(0.3, sparsity=1e6, **PRECISION)
    K = model.fit(X, y, task=task).task_precision_
    assert np.count_nonzero(K) == 8
    assert (np.diag(K) < 1).all()


def test_precision_few_rounds_are_reported():
    X, y, task, _ = many_tasks("logistic")
    model = TaskRelationshipClassifier(1e-3, max_iter=1, **PRECISION)
    with pytest.warns(ConvergenceWarning, match="stationarity .* > tol"):
        model.fit(X, y.astype(int), task=task)
    assert not model.converged_


def test_precision_streams_paths_and_units():
    X, Y, _ = planted()
    units = np.array([1, 10, 1, 100, 1, 0.1])
    options = {"scale_y": True, "tol": 1e-5, **PRECISION}
    batch = TaskRelationshipRegressor(0.05, **options).fit(X, Y * units)
    stream = TaskRelationshipRegressor(0.05, **options)
    for rows in (slice(0, 30), slice(30, 80)):
        stream.partial_fit(X[rows], (Y * units)[rows])
    np.testing.assert_allclose(
        stream.coef_ / units[:, None], batch.coef_ / units[:, None], atol=1e-4
    )
    path = mtl_path(TaskRelationshipRegressor(**PRECISION), X, Y, alphas=[1.0, 0.1])
    assert np.isnan(path.dual_gaps).all()


# ------------------------------------------------------------------ paths
def test_path_with_strengths_given():
    X, y, task, _ = many_tasks("squared")
    alphas = [1.0, 0.1, 0.01]
    path = mtl_path(TaskRelationshipRegressor(tol=1e-9), X, y, task=task, alphas=alphas)
    for alpha, coef in zip(alphas, path.coefs, strict=True):
        single = TaskRelationshipRegressor(alpha, tol=1e-9).fit(X, y, task=task)
        np.testing.assert_allclose(coef, single.coef_, atol=1e-4)


@pytest.mark.parametrize("relationship", ["covariance", "precision"])
def test_path_starts_near_the_empty_model(relationship):
    X, Y, _ = planted()
    model = TaskRelationshipRegressor(relationship=relationship)
    path = mtl_path(model, X, Y, alphas=6)
    sizes = [np.linalg.norm(coef) for coef in path.coefs]
    assert sizes[0] < 0.05 * sizes[-1]
    assert (np.diff(sizes) > 0).all()


def test_search_and_statistics():
    X, Y, _ = planted()
    search = AlphaPathCV(TaskRelationshipRegressor(), alphas=10).fit(X, Y)
    assert search.best_estimator_.task_correlation_[0, 2] < -0.8
    model = TaskRelationshipRegressor(0.05, tol=1e-8)
    model.fit_statistics(TaskStatistics.from_rows(X, Y))
    rows = TaskRelationshipRegressor(0.05, tol=1e-8).fit(X, Y)
    np.testing.assert_allclose(model.coef_, rows.coef_, atol=1e-5)


def test_errors():
    X, y, task, _ = many_tasks("squared")
    cases = [
        ({"alpha": 0}, "has no penalty left"),
        ({"alpha": 0, "ridge": 1, **PRECISION}, "alpha=0 relates no tasks"),
        ({"solver": "bcd"}, "solver='bcd' cannot take"),
        ({"solver": "cvxpy", **PRECISION}, "not convex: solver='cvxpy'"),
        ({"relationship": "graph"}, "The 'relationship' parameter"),
        ({"eps": 0}, "The 'eps' parameter"),
        ({"sparsity": -1}, "The 'sparsity' parameter"),
    ]
    for options, message in cases:
        with pytest.raises(ValueError, match=message):
            TaskRelationshipRegressor(**options).fit(X, y, task=task)
    model = TaskRelationshipRegressor(0.1).fit(X, y, task=task)
    assert not hasattr(model, "task_precision_")
    assert not hasattr(TaskRelationshipRegressor(), "task_correlation_")
