"""Both solvers, on rows and on statistics: the same optimum, an honest gap."""

import warnings

import numpy as np
import pytest
from _problems import NAMES, make_problem
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skmtl import GroupLassoClassifier, GroupLassoRegressor, TaskStatistics
from skmtl import objective as objective_on_data
from skmtl.data import TaskData
from skmtl.layouts import numeric_labels, read_labels
from skmtl.losses import Logistic, Squared
from skmtl.objectives import DataObjective, StatisticsObjective
from skmtl.penalties import SparseGroup, WithRidge
from skmtl.solvers import duality_gap, solve

PENALTIES = {
    "rows": SparseGroup(0.1),
    "sparse_rows": SparseGroup(0.1, 0.4),
    "l1_ridge": WithRidge(SparseGroup(0.1, 1.0), 0.2),
}
CLASS_NAMES = [n for n in NAMES if n not in {"constant_y", "scales"}]


def pack(problem):
    labels = numeric_labels(read_labels(problem.y, **problem.extra))
    X = problem.X if sparse.issparse(problem.X) else np.asarray(problem.X, float)
    return TaskData.pack(X, labels)


def objectives(name, fit_intercept=True):
    """Return the squared objective of a problem on rows, statistics, and both."""
    data = pack(make_problem(name))
    c = np.ones(data.n_tasks)
    known = StatisticsObjective(TaskStatistics.from_data(data), c, fit_intercept)
    return {
        "rows": DataObjective(data, Squared(), c, fit_intercept),
        "statistics": known,
        "refined": DataObjective(data, Squared(), c, fit_intercept, known),
    }


def logistic(name):
    data = pack(make_problem(name).classes())
    return DataObjective(data, Logistic(), np.ones(data.n_tasks))


def run(objective, penalty, solver, tol=1e-9, max_iter=200_000, **options):
    return solve(
        objective, penalty, solver=solver, tol=tol, max_iter=max_iter, **options
    )


# ------------------------------------------------------------------ one optimum
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_all_roads_lead_to_one_value(name, fit_intercept, penalty):
    found = {
        (road, solver): run(objective, PENALTIES[penalty], solver)
        for road, objective in objectives(name, fit_intercept).items()
        for solver in ("bcd", "fista")
    }
    for which, result in found.items():
        assert result.converged, which
        assert 0 <= result.gap <= result.target
    values = [r.objective for r in found.values()]
    assert max(values) - min(values) <= max(r.target for r in found.values())
    targets = [r.target for r in found.values()]
    np.testing.assert_allclose(targets, targets[0], rtol=1e-9)


@pytest.mark.parametrize("name", CLASS_NAMES)
def test_one_value_for_classes(name):
    penalty = SparseGroup(0.03, 0.2)
    results = [run(logistic(name), penalty, solver) for solver in ("bcd", "fista")]
    assert all(r.converged and r.gap <= r.target for r in results)
    assert abs(results[0].objective - results[1].objective) <= results[0].target


@pytest.mark.parametrize("name", ["ragged", "wide_nan", "sparse"])
@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-8, 1e-12])
@pytest.mark.parametrize("solver", ["bcd", "fista"])
def test_the_gap_asked_for(name, tol, solver):
    for objective in (*objectives(name).values(), logistic(name)):
        result = run(objective, SparseGroup(0.05), solver, tol)
        assert result.converged
        assert result.gap <= tol * objective.null


# ------------------------------------------------------------------ the gap is honest
def best_value(objective, penalty):
    return run(objective, penalty, "bcd", 1e-12).objective


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize(
    "name", ["ragged", "wide_nan", "weighted", "n_below_p", "sparse"]
)
def test_weak_duality_anywhere(name, penalty):
    penalty, rng = PENALTIES[penalty], np.random.default_rng(0)
    every = {**objectives(name), "logistic": logistic(name)}
    for which, f in every.items():
        best = best_value(f, penalty)
        for size in (0.0, 1e-9, 1e-3, 1.0, 100.0):
            W = size * rng.normal(size=(f.n_features, f.n_tasks))
            point = f.at(W * (rng.random(W.shape) < 0.7))
            gap = duality_gap(f, penalty, point)
            value = point.value + penalty.value(point.W)
            slack = 1e-11 * f.null + 1e-13 * value + f.resolution(point)
            assert gap >= 0, which
            assert gap >= value - best - slack, (which, size)


@pytest.mark.parametrize("name", ["ragged", "wide_nan", "n_below_p"])
def test_weak_duality_near_the_optimum(name):
    """Where a wrong scaling of the dual point would show."""
    penalty, rng = SparseGroup(0.05, 0.3), np.random.default_rng(0)
    for f in (*objectives(name).values(), logistic(name)):
        best = run(f, penalty, "bcd", 1e-13)
        for size in 10.0 ** np.arange(-7.0, -1):
            noise = size * rng.normal(size=best.W.shape)
            for W in (best.W + noise, best.W * (1 + noise)):
                point = f.at(W)
                more = point.value + penalty.value(W) - best.objective
                gap = duality_gap(f, penalty, point)
                assert gap >= more - 1e-12 * f.null
                assert gap <= 100 * size * f.null  # and it is no empty promise


@pytest.mark.parametrize("name", ["ragged", "wide_weighted", "sparse_wide_nan"])
def test_gradients_and_values_agree(name):
    rng = np.random.default_rng(0)
    every = {**objectives(name), "logistic": logistic(name)}
    for which, f in every.items():
        W, D = rng.normal(size=(2, f.n_features, f.n_tasks))
        step = 1e-5
        slope = (f.at(W + step * D).value - f.at(W - step * D).value) / (2 * step)
        point = f.at(W)
        assert np.vdot(f.gradient(point), D) == pytest.approx(slope, rel=1e-6), which
    values = [f.at(W).value for f in objectives(name).values()]
    np.testing.assert_allclose(values, values[0], rtol=1e-12)


@pytest.mark.parametrize("name", ["ragged", "wide_weighted"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_intercepts_are_the_best(name, fit_intercept):
    problem = make_problem(name)
    for f in objectives(name, fit_intercept).values():
        W = np.random.default_rng(0).normal(size=(f.n_features, f.n_tasks))
        b = f.intercepts(f.at(W))
        data = pack(problem)
        r = data.weight * (data.y - data.matvec(W) - data.spread(b))
        if fit_intercept:
            np.testing.assert_allclose(data.per_task_sum(r), 0, atol=1e-10)
        else:
            assert not b.any()


def test_curvatures_bound_the_curvature():
    rng = np.random.default_rng(0)
    for f in (*objectives("ragged").values(), logistic("ragged")):
        bound = f.curvatures()
        for j in range(f.n_features):
            for size in (1e-3, 1.0):
                D = np.zeros((f.n_features, f.n_tasks))
                D[j] = size * rng.normal(size=f.n_tasks)
                W = 0.1 * rng.normal(size=D.shape)
                bend = f.bend(f.at(W + D), f.at(W))
                assert bend <= bound[j] * np.vdot(D, D) * (1 + 1e-9)


# ------------------------------------------------------------------ starts and stops
@pytest.mark.parametrize("solver", ["bcd", "fista"])
@pytest.mark.parametrize("name", ["ragged", "wide_nan", "n_below_p", "sparse"])
def test_start_at_the_solution(name, solver):
    for f in (*objectives(name).values(), logistic(name)):
        first = run(f, SparseGroup(0.05), solver, 1e-9)
        again = run(f, SparseGroup(0.05), solver, 1e-9, W0=first.W)
        assert first.n_iter > 0
        assert again.n_iter == 0
        np.testing.assert_array_equal(again.W, first.W)


@pytest.mark.parametrize("solver", ["bcd", "fista"])
@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
@pytest.mark.parametrize("name", ["ragged", "n_below_p"])
def test_too_few_iterations(kind, name, solver):
    problem = make_problem(name)
    problem = problem if kind is GroupLassoRegressor else problem.classes()
    model = kind(1e-3, solver=solver, max_iter=1, tol=1e-10)
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(problem.X, problem.y, **problem.extra)
    assert len(caught) == 1
    text = str(caught[0].message)
    assert text.startswith(
        f"{kind.__name__} did not converge: duality gap {model.dual_gap_:.2e}"
    )
    assert "after 1 iterations. Increase max_iter" in text
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.intercept_).all()
    assert model.n_iter_ == 1
    assert not model.converged_
    assert model.objective_ == pytest.approx(
        objective_on_data(model, problem.X, problem.y, **problem.extra), rel=1e-9
    )


@pytest.mark.parametrize("solver", ["bcd", "fista"])
@pytest.mark.parametrize("max_iter", [1, 7, 25])
@pytest.mark.parametrize("name", ["ragged", "n_below_p"])
def test_never_more_iterations_than_allowed(name, max_iter, solver):
    for f in (*objectives(name).values(), logistic(name)):
        result = run(f, SparseGroup(1e-4), solver, 0.0, max_iter)
        assert result.n_iter <= max_iter
        assert not result.converged


@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
@pytest.mark.parametrize("solver", ["bcd", "fista"])
def test_history_ends_at_the_objective(kind, solver):
    problem = make_problem("ragged")
    problem = problem if kind is GroupLassoRegressor else problem.classes()
    for tol in (1e-1, 1e-3, 1e-6):
        model = kind(0.02, solver=solver, tol=tol)
        model.fit(problem.X, problem.y, **problem.extra)
        value = objective_on_data(model, problem.X, problem.y, **problem.extra)
        assert model.objective_ == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "name", ["ragged", "wide_nan", "n_below_p", "sparse_n_below_p"]
)
def test_descent(name):
    """Each round of block coordinate descent lowers the objective."""
    for f in (*objectives(name).values(), logistic(name)):
        steps, values, W = [1] * 30, [], None
        for max_iter in steps:
            result = run(f, SparseGroup(0.01), "bcd", 0.0, max_iter, W0=W)
            values.append(result.objective)
            W = result.W
        assert (np.diff(values) <= 1e-12 * f.null).all()
        assert values[-1] < values[0]


def test_history_is_monotone_and_complete():
    result = run(logistic("ragged"), SparseGroup(1e-3), "bcd", 1e-10)
    iterations, values, gaps = map(np.array, zip(*result.history, strict=True))
    assert iterations[0] == 0
    assert iterations[-1] == result.n_iter
    assert (np.diff(iterations) > 0).all()
    assert (np.diff(values) <= 1e-12).all()
    assert values[-1] == result.objective
    assert gaps[-1] == result.gap


@pytest.mark.parametrize("solver", ["bcd", "fista"])
@pytest.mark.parametrize("road", ["rows", "statistics", "logistic"])
def test_callbacks_stop(solver, road):
    f = logistic("ragged") if road == "logistic" else objectives("ragged")[road]
    seen = []

    def stop_at_third(current_point):
        seen.append(current_point().value)
        return len(seen) == 3

    result = run(f, SparseGroup(1e-5), solver, 0.0, callback=stop_at_third)
    assert len(seen) == 3
    assert not result.converged
    assert "callback" in result.message
    assert result.n_iter < 1000


# ------------------------------------------------------------------ ends of the range
@pytest.mark.parametrize("solver", ["bcd", "fista"])
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_constant_labels(solver, layout):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3)) + 1e3
    y = np.tile([3.0, -1.0], (20, 1)) if layout == "wide" else np.full(20, 0.1)
    extra = {} if layout == "wide" else {"task": np.repeat([0, 1], 10)}
    model = GroupLassoRegressor(0.01, solver=solver, tol=1e-8).fit(X, y, **extra)
    assert not model.coef_.any()
    assert model.converged_
    assert model.dual_gap_ == 0
    assert model.n_iter_ == 0
    expected = [3.0, -1.0] if layout == "wide" else [0.1, 0.1]
    np.testing.assert_allclose(model.intercept_, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
@pytest.mark.parametrize("name", ["ragged", "wide_nan", "n_below_p", "sparse"])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
def test_alpha_max_is_exact(kind, name, l1_ratio):
    problem = make_problem(name)
    f = objectives(name)["rows"]
    if kind is GroupLassoClassifier:
        problem, f = problem.classes(), logistic(name)
    start = f.at(np.zeros((f.n_features, f.n_tasks)))
    alpha_max = SparseGroup(1.0, l1_ratio).alpha_max(f.gradient(start))
    options = {"l1_ratio": l1_ratio, "tol": 1e-12}
    above = kind(alpha_max * (1 + 1e-9), **options)
    above.fit(problem.X, problem.y, **problem.extra)
    assert len(above.selected_features_) == 0
    assert above.n_iter_ == 0
    below = kind(alpha_max * (1 - 1e-4), **options)
    below.fit(problem.X, problem.y, **problem.extra)
    assert len(below.selected_features_) >= 1


@pytest.mark.parametrize("size", [1e-100, 1e-12, 1e12, 1e100])
@pytest.mark.parametrize("solver", ["bcd", "fista"])
def test_scale_of_the_labels(size, solver):
    problem = make_problem("ragged")
    model = GroupLassoRegressor(0.1, solver=solver, tol=1e-8)
    expected = model.fit(problem.X, problem.y, **problem.extra).coef_.copy()
    model = GroupLassoRegressor(0.1 * size, solver=solver, tol=1e-8)
    model.fit(problem.X, size * problem.y, **problem.extra)
    assert model.converged_
    np.testing.assert_allclose(model.coef_ / size, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("far", [1e3, 1e6])
@pytest.mark.parametrize("solver", ["bcd", "fista"])
@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
@pytest.mark.parametrize("per_task", [False, True])
def test_huge_means(kind, solver, far, per_task):
    """Means of 1e6 standard deviations, the same for all tasks or not."""
    problem = make_problem("ragged")
    problem = problem if kind is GroupLassoRegressor else problem.classes()
    task = problem.extra["task"]
    moved = problem.X + far * (
        np.array([1.0, -1.0, 2.0, 0.0])[task][:, None] if per_task else 1
    )
    expected = kind(0.02, tol=1e-9).fit(problem.X, problem.y, task=task)
    found = kind(0.02, tol=1e-7, solver=solver).fit(moved, problem.y, task=task)
    assert found.converged_
    assert found.objective_ == pytest.approx(expected.objective_, rel=1e-6)


@pytest.mark.parametrize("alpha", [1e-3, 1e-6, 1e-9])
def test_separable_classes(alpha):
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(100, 4)), np.arange(100) % 3
    model = GroupLassoClassifier(alpha, tol=1e-6).fit(X, X[:, 0] > 0, task=task)
    assert model.converged_
    assert np.isfinite(model.coef_).all()
    assert model.score(X, X[:, 0] > 0, task=task) > 0.97


@pytest.mark.parametrize("solver", ["bcd", "fista"])
def test_rare_classes(solver):
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(2000, 4)), np.arange(2000) % 2
    y = np.isin(np.arange(2000), [0, 1])  # one positive in each task
    model = GroupLassoClassifier(1e-4, tol=1e-7, solver=solver).fit(X, y, task=task)
    assert model.converged_
    proba = model.predict_proba(X, task=task)[:, 1]
    for t in (0, 1):  # the intercept is not penalised: mean probability = share
        assert proba[task == t].mean() == pytest.approx(1e-3, rel=1e-6)


def test_saturated_outlier():
    """One number of 9999 saturates its row; the others must not wait for it."""
    problem = make_problem("ragged").classes()
    X = problem.X.copy()
    X[3, 2] = 9999.0
    model = GroupLassoClassifier(1e-3, tol=1e-8).fit(X, problem.y, **problem.extra)
    assert model.converged_
    assert model.n_iter_ < 2000


@pytest.mark.parametrize("alpha", [1e-300, 1e-160])
def test_vanishing_alpha(alpha):
    """Nothing can be certified then, but least squares is found."""
    problem = make_problem("ragged")
    model = GroupLassoRegressor(alpha, tol=1e-8, max_iter=1000)
    with pytest.warns(ConvergenceWarning):
        model.fit(problem.X, problem.y, **problem.extra)
    for t in range(4):
        rows = problem.extra["task"] == t
        A = np.column_stack([problem.X[rows], np.ones(rows.sum())])
        best = A @ np.linalg.lstsq(A, problem.y[rows], rcond=None)[0]
        found = model.predict(problem.X[rows], task=t)
        np.testing.assert_allclose(found, best, atol=1e-6)


def test_many_tasks_and_tasks_of_two_rows():
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(300), 2)
    X = rng.normal(size=(600, 5))
    y = X[:, 0] + 0.1 * rng.normal(size=600)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GroupLassoRegressor(0.5, tol=1e-8).fit(X, y, task=task)
        classes = GroupLassoClassifier(0.05, tol=1e-8)
        classes.fit(X, np.tile([0, 1], 300), task=task)
    assert model.coef_.shape == classes.coef_.shape == (300, 5)
    assert model.converged_
    assert classes.converged_


def test_weights_may_be_of_any_size():
    problem = make_problem("ragged")
    expected = GroupLassoRegressor(0.1, tol=1e-10)
    expected.fit(problem.X, problem.y, **problem.extra)
    for size in (1e-300, 1e300):
        weight = np.full(len(problem.y), size)
        found = GroupLassoRegressor(0.1, tol=1e-10)
        found.fit(problem.X, problem.y, sample_weight=weight, **problem.extra)
        np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-7)
