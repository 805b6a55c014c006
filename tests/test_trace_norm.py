"""Coefficients of low rank: optimum, limits, planted rank, the solver on factors."""

from pathlib import Path

import cvxpy as cp
import numpy as np
import pytest
from _problems import NAMES, Problem, make_problem
from _spectral import many_tasks, optimum
from sklearn.linear_model import Ridge

from skmtl import (
    AlphaPathCV,
    GroupLassoRegressor,
    TaskStatistics,
    TraceNormClassifier,
    TraceNormRegressor,
    duality_gap,
    kkt_residual,
    mtl_path,
    objective,
)
from skmtl.data import TaskData
from skmtl.layouts import numeric_labels, read_labels
from skmtl.losses import Logistic, Poisson, Squared
from skmtl.objectives import DataObjective, StatisticsObjective
from skmtl.penalties import SquaredTraceNorm, TraceNorm, WithRidge
from skmtl.solvers import solve


def norm(alpha, ridge=0.0):
    return lambda W: alpha * cp.normNuc(W) + ridge / 2 * cp.sum_squares(W)


def check(model, problem, expected, tol=1e-7):
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
@pytest.mark.parametrize(("alpha", "ridge"), [(0.2, 0.0), (0.05, 0.1)])
def test_ragged_tasks(kind, alpha, ridge, solver):
    X, y, task, kinds = many_tasks(kind)
    problem = Problem(X, y, {"task": task})
    expected = optimum(problem, norm(alpha, ridge), kinds)
    model = TraceNormRegressor(
        alpha, ridge=ridge, loss=kinds, solver=solver, tol=1e-8, max_iter=50_000
    )
    check(model, problem, expected)
    assert 0 < model.rank_ <= 8


@pytest.mark.parametrize("ridge", [0.0, 0.2])
@pytest.mark.parametrize("name", NAMES)
def test_every_layout(name, ridge):
    problem = make_problem(name)
    expected = optimum(problem, norm(0.15, ridge))
    model = TraceNormRegressor(0.15, ridge=ridge, tol=1e-8)
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
    T = 3 if problem.y.ndim == 2 else 4
    expected = optimum(problem, norm(0.03), dict.fromkeys(range(T), "logistic"))
    check(TraceNormClassifier(0.03, tol=1e-8), problem, expected)


# ------------------------------------------------------------------ the solver
@pytest.mark.parametrize("loss", [Squared(), Logistic(), Poisson()])
@pytest.mark.parametrize("penalty", [TraceNorm, SquaredTraceNorm])
@pytest.mark.parametrize("strength", [0.3, 0.01])
@pytest.mark.parametrize("ridge", [0.0, 0.05])
def test_factors_agree_with_proximal_steps(loss, penalty, strength, ridge):
    kind = type(loss).__name__.lower()
    X, y, task, _ = many_tasks(kind, seed=1)
    data = TaskData.pack(X, numeric_labels(read_labels(y, task=task)))
    f = DataObjective(data, loss, np.ones(8))
    if penalty is TraceNorm:
        penalty = TraceNorm(strength)
        penalty = WithRidge(penalty, ridge) if ridge else penalty
    else:
        penalty = SquaredTraceNorm(strength, ridge)
    found = {
        solver: solve(f, penalty, solver=solver, tol=1e-10, max_iter=100_000)
        for solver in ("factors", "fista")
    }
    fast, slow = found.values()
    assert fast.converged
    assert fast.gap <= 1e-10 * f.null
    assert abs(fast.objective - slow.objective) <= 1e-8 * f.null
    np.testing.assert_allclose(fast.W, slow.W, atol=2e-3)


def test_factors_start_anywhere():
    X, y, task, _ = many_tasks("squared")
    data = TaskData.pack(X, numeric_labels(read_labels(y, task=task)))
    f, penalty = DataObjective(data, Squared(), np.ones(8)), TraceNorm(0.1)
    first = solve(f, penalty, solver="factors", tol=1e-10, max_iter=1000)
    rng = np.random.default_rng(0)
    rank_one = np.outer(rng.normal(size=12), rng.normal(size=8))
    for W0 in (first.W, 100 * rng.normal(size=(12, 8)), rank_one):
        found = solve(f, penalty, solver="factors", tol=1e-10, max_iter=2000, W0=W0)
        assert found.converged
        assert found.objective == pytest.approx(first.objective, rel=1e-9)
    again = solve(f, penalty, solver="factors", tol=1e-9, max_iter=1000, W0=first.W)
    assert again.n_iter == 0


def test_few_steps_are_reported():
    X, y, task, _ = many_tasks("squared")
    with pytest.warns(UserWarning, match="did not converge"):
        model = TraceNormRegressor(0.01, tol=1e-12, max_iter=3).fit(X, y, task=task)
    assert not model.converged_
    assert model.n_iter_ <= 3
    assert np.isfinite(model.dual_gap_)


SCHOOL = Path(__file__).resolve().parents[2] / "shared" / "data" / "school.csv.gz"


@pytest.mark.skipif(
    not SCHOOL.exists(), reason="the School data are not at ../shared/data"
)
@pytest.mark.parametrize(("share", "most"), [(10, 100), (100, 130), (1000, 300)])
def test_school_takes_few_steps(share, most):
    """Seconds depend on the machine; gradients and products do not."""
    import pandas as pd

    frame = pd.read_csv(SCHOOL)
    task, y = frame.pop("school").to_numpy(), frame.pop("score").to_numpy(float)
    X = frame.to_numpy(float)
    for t in np.unique(task):
        X[task == t] -= X[task == t].mean(axis=0)
    X = X[:, X.std(axis=0) > 1e-9]  # what is known of schools alone is gone
    statistics = TaskStatistics.from_rows(X / X.std(axis=0), y, task=task)
    f = StatisticsObjective(statistics, np.ones(139))
    G = f.gradient(f.at(np.zeros((f.n_features, 139))))
    penalty = TraceNorm(np.linalg.norm(G, 2) / share)
    found = solve(f, penalty, solver="factors", tol=1e-9, max_iter=10_000)
    assert found.converged
    assert found.gap <= 1e-9 * f.null
    assert found.n_iter <= most
    exact = solve(f, penalty, solver="factors", tol=1e-12, max_iter=10_000)
    assert found.objective - exact.objective <= 1e-9 * exact.objective
    rank = np.linalg.matrix_rank(exact.W, tol=1e-8)
    assert rank == {10: 11, 100: 15, 1000: 16}[share]


# ------------------------------------------------------------------ limits
def test_no_alpha_is_ridge():
    X, y, task, _ = many_tasks("squared")
    model = TraceNormRegressor(0, ridge=0.3, tol=1e-13).fit(X, y, task=task)
    for t in range(8):
        rows = task == t
        alone = Ridge(0.3 * rows.sum(), tol=1e-14).fit(X[rows], y[rows])
        np.testing.assert_allclose(model.coef_[t], alone.coef_, atol=1e-6)
    close = TraceNormRegressor(1e-7, ridge=0.3, tol=1e-13).fit(X, y, task=task)
    np.testing.assert_allclose(close.coef_, model.coef_, atol=1e-5)


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_one_task_is_one_group(ridge):
    X, y, _, _ = many_tasks("squared")
    model = TraceNormRegressor(0.3, ridge=ridge, tol=1e-13).fit(X, y)
    # A group of p features weighs sqrt(p).
    group = GroupLassoRegressor(
        0.3 / np.sqrt(12), groups=np.zeros(12), ridge=ridge, tol=1e-13
    )
    np.testing.assert_allclose(model.coef_, group.fit(X, y).coef_, atol=1e-6)
    assert model.rank_ == 1


def test_alpha_max_empties_the_model():
    X, y, task, _ = many_tasks("squared")
    path = mtl_path(TraceNormRegressor(), X, y, task=task, alphas=5)
    largest = path.alphas[0]
    assert not TraceNormRegressor(largest * 1.001).fit(X, y, task=task).coef_.any()
    below = TraceNormRegressor(largest * 0.999, tol=1e-9).fit(X, y, task=task)
    assert below.rank_ == 1


def test_tasks_that_are_copies_have_rank_one():
    X, y, _, _ = many_tasks("squared")
    model = TraceNormRegressor(0.5, tol=1e-12).fit(X, np.tile(y[:, None], 4))
    assert model.rank_ == 1
    np.testing.assert_allclose(model.coef_, np.tile(model.coef_[0], (4, 1)), atol=1e-7)
    # T copies of one column have sqrt(T) times its norm.
    one = TraceNormRegressor(0.5 / 2, tol=1e-12).fit(X, y)
    np.testing.assert_allclose(model.coef_[0], one.coef_[0], atol=1e-6)


# ------------------------------------------------------------------ symmetries
def test_permutations_and_rotations():
    X, y, task, _ = many_tasks("squared")
    options = {"alpha": 0.2, "tol": 1e-12}
    model = TraceNormRegressor(**options).fit(X, y, task=task)
    rng = np.random.default_rng(0)
    rows, columns, labels = (rng.permutation(n) for n in (len(y), 12, 8))
    other = TraceNormRegressor(**options)
    other.fit(X[rows][:, columns], y[rows], task=labels[task[rows]])
    np.testing.assert_allclose(other.coef_[labels], model.coef_[:, columns], atol=1e-6)
    # The penalty knows directions, not features: a rotation of X rotates the answer.
    Q, _ = np.linalg.qr(rng.normal(size=(12, 12)))
    other = TraceNormRegressor(**options).fit(X @ Q, y, task=task)
    np.testing.assert_allclose(other.coef_, model.coef_ @ Q, atol=1e-6)
    assert other.rank_ == model.rank_


def test_weights_are_copies_of_rows():
    X, y, task, _ = many_tasks("squared")
    weight = np.random.default_rng(0).integers(0, 3, size=len(y))
    options = {"alpha": 0.2, "tol": 1e-12}
    model = TraceNormRegressor(**options)
    model.fit(X, y, task=task, sample_weight=weight.astype(float))
    rows = np.repeat(np.arange(len(y)), weight)
    copied = TraceNormRegressor(**options).fit(X[rows], y[rows], task=task[rows])
    np.testing.assert_allclose(model.coef_, copied.coef_, atol=1e-7)


# ------------------------------------------------------------------ what is learned
def planted(n=300, T=12, p=15, rank=2, seed=0):
    rng = np.random.default_rng(seed)
    directions, _ = np.linalg.qr(rng.normal(size=(p, rank)))
    coef = rng.normal(size=(T, rank)) * 2 @ directions.T
    X = rng.normal(size=(n, p))
    return X, X @ coef.T + rng.normal(size=(n, T)), coef, directions


def test_planted_directions_are_found():
    X, Y, _, directions = planted()
    model = TraceNormRegressor(0.5, tol=1e-8).fit(X, Y)
    assert model.rank_ == 2
    assert model.components_.shape == (2, 15)
    np.testing.assert_allclose(
        model.components_ @ model.components_.T, np.eye(2), atol=1e-12
    )
    # Principal angles between what was found and what was planted.
    cosines = np.linalg.svd(model.components_ @ directions, compute_uv=False)
    assert cosines.min() > 0.98
    codes = model.coef_ @ model.components_.T
    np.testing.assert_allclose(codes @ model.components_, model.coef_, atol=1e-10)
    assert (
        np.abs(model.components_).max(axis=1) == model.components_.max(axis=1)
    ).all()


def test_few_rows_gain_from_few_directions():
    X, Y, coef, _ = planted(n=25)
    model = AlphaPathCV(TraceNormRegressor(), alphas=15).fit(X, Y).best_estimator_
    alone = AlphaPathCV(GroupLassoRegressor(l1_ratio=1.0), alphas=15).fit(X, Y)
    error = np.linalg.norm(model.coef_ - coef)
    assert error < 0.9 * np.linalg.norm(alone.best_estimator_.coef_ - coef)


def test_path_and_search():
    X, Y, _, _ = planted(n=60)
    path = mtl_path(TraceNormRegressor(tol=1e-9), X, Y, alphas=8)
    ranks = [np.linalg.matrix_rank(coef, tol=1e-9) for coef in path.coefs]
    assert ranks[0] == 0
    assert ranks[-1] > 2
    single = TraceNormRegressor(path.alphas[4], tol=1e-9).fit(X, Y)
    np.testing.assert_allclose(path.coefs[4], single.coef_, atol=1e-4)
    search = AlphaPathCV(TraceNormRegressor(), alphas=10).fit(X, Y)
    assert 2 <= search.best_estimator_.rank_ <= 8


# ------------------------------------------------------------------ as an estimator
def test_units_streams_and_warm_starts():
    X, Y, _, _ = planted(n=100, T=4)
    units = np.array([1.0, 1e3, 1e-3, 30.0])
    model = TraceNormRegressor(0.3, scale_y=True, tol=1e-10, warm_start=True)
    first = model.fit(X, Y * units).coef_.copy()
    assert model.rank_ == 2
    assert model.fit(X, Y * units).n_iter_ == 0
    stream = TraceNormRegressor(0.3, scale_y=True, tol=1e-10)
    for rows in (slice(0, 40), slice(40, 100)):
        stream.partial_fit(X[rows], (Y * units)[rows])
    np.testing.assert_allclose(
        stream.coef_ / units[:, None], first / units[:, None], atol=1e-5
    )


def test_new_tasks_get_the_mean():
    X, y, task, _ = many_tasks("squared")
    model = TraceNormRegressor(0.2, unseen="shared").fit(X, y, task=task)
    with pytest.warns(UserWarning, match="never seen"):
        found = model.predict(X, task=99)
    mean = X @ model.coef_.mean(axis=0) + model.intercept_.mean()
    np.testing.assert_allclose(found, mean)


def test_a_task_of_one_class_is_left_out():
    X, Y, _, _ = planted(n=80, T=4)
    labels = (Y > 0).astype(int)
    labels[:, 2] = 1
    with pytest.warns(UserWarning, match="one class only"):
        model = TraceNormClassifier(0.02).fit(X, labels)
    assert not model.coef_[2].any()
    assert model.components_.shape == (model.rank_, 15)
    assert (model.predict(X)[:, 2] == 1).all()


def test_empty_model_has_no_components():
    X, y, task, _ = many_tasks("squared")
    model = TraceNormRegressor(1e6).fit(X, y, task=task)
    assert model.rank_ == 0
    assert model.components_.shape == (0, 12)
    assert not hasattr(TraceNormRegressor(), "rank_")


def test_errors():
    X, y, task, _ = many_tasks("squared")
    with pytest.raises(ValueError, match="no penalty left"):
        TraceNormRegressor(0).fit(X, y, task=task)
    for bad in ({"alpha": -1}, {"ridge": -1}, {"solver": "nonsense"}):
        with pytest.raises(ValueError, match=f"The '{next(iter(bad))}' parameter"):
            TraceNormRegressor(**bad).fit(X, y, task=task)
    with pytest.raises(ValueError, match="solver='bcd' cannot take"):
        TraceNormRegressor(solver="bcd").fit(X, y, task=task)
