"""Special cases that other estimators, or a rewriting of the problem, solve too."""

import re
from pathlib import Path

import cvxpy as cp
import numpy as np
import pytest
from scipy.linalg import block_diag
from sklearn import __version__
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LogisticRegression,
    MultiTaskElasticNet,
    MultiTaskLasso,
    Ridge,
)
from sklearn.utils.fixes import parse_version

from skmtl import (
    GroupLassoClassifier,
    GroupLassoRegressor,
    TaskStatistics,
    objective,
    wide_to_long,
)

sklearn_version = parse_version(__version__)
TIGHT = {"tol": 1e-13, "max_iter": 100_000}


def table(n=60, p=8, T=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + rng.normal(size=p)
    coef = rng.normal(size=(p, T)) * (np.arange(p) < 4)[:, None]
    return X, X @ coef + rng.normal(size=T) + 0.3 * rng.normal(size=(n, T))


def same(model, other, atol=1e-6):
    np.testing.assert_allclose(model.coef_, np.atleast_2d(other.coef_), atol=atol)
    expected = np.broadcast_to(other.intercept_, model.intercept_.shape)
    np.testing.assert_allclose(model.intercept_, expected, atol=atol)


# ------------------------------------------------------------------ scikit-learn
@pytest.mark.parametrize("solver", ["bcd", "fista"])
@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_multi_task_lasso(alpha, fit_intercept, solver):
    X, Y = table()
    options = {"fit_intercept": fit_intercept, **TIGHT}
    model = GroupLassoRegressor(alpha, solver=solver, **options).fit(X, Y)
    same(model, MultiTaskLasso(alpha, **options).fit(X, Y))


@pytest.mark.parametrize("n", [60, 12])
def test_multi_task_lasso_from_statistics_and_fewer_rows(n):
    X, Y = table(n, 8 if n == 60 else 10)
    expected = MultiTaskLasso(0.1, **TIGHT).fit(X, Y)
    same(GroupLassoRegressor(0.1, **TIGHT).fit(X, Y), expected)
    rows, y, task, _ = wide_to_long(X, Y)
    same(GroupLassoRegressor(0.1, **TIGHT).fit(rows, y, task=task), expected)
    model = GroupLassoRegressor(0.1, tol=1e-12)
    same(model.fit_statistics(TaskStatistics.from_rows(X, Y)), expected, 1e-5)


@pytest.mark.parametrize(("a", "r"), [(0.2, 0.3), (0.1, 0.9)])
def test_multi_task_elastic_net_under_its_other_names(a, r):
    X, Y = table()
    model = GroupLassoRegressor(a * r, ridge=a * (1 - r), **TIGHT).fit(X, Y)
    same(model, MultiTaskElasticNet(alpha=a, l1_ratio=r, **TIGHT).fit(X, Y))


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_one_task_is_the_lasso(l1_ratio, weighted):
    X, Y = table()
    weight = np.random.default_rng(1).uniform(0.5, 2, 60) if weighted else None
    model = GroupLassoRegressor(0.1, l1_ratio=l1_ratio, **TIGHT)
    model.fit(X, Y[:, 0], sample_weight=weight)
    same(model, Lasso(0.1, **TIGHT).fit(X, Y[:, 0], sample_weight=weight))


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_no_alpha_is_ridge(fit_intercept):
    X, Y = table()
    model = GroupLassoRegressor(0, ridge=0.3, fit_intercept=fit_intercept, **TIGHT)
    same(model.fit(X, Y), Ridge(0.3 * 60, fit_intercept=fit_intercept).fit(X, Y))


def logistic_regression(alpha, n, **options):
    """Return scikit-learn's, l1 penalty, whatever this version calls it."""
    old = sklearn_version < parse_version("1.8")
    how = {"penalty": "l1"} if old else {"l1_ratio": 1}
    return LogisticRegression(
        C=1 / (n * alpha), tol=1e-12, max_iter=100_000, random_state=0, **how, **options
    )


@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_one_task_is_the_l1_logistic_regression(alpha):
    X, Y = table()
    y = Y[:, 0] > np.median(Y[:, 0])
    # liblinear penalises the intercept, so it is compared without one; saga is slow.
    model = GroupLassoClassifier(alpha, fit_intercept=False, **TIGHT).fit(X, y)
    other = logistic_regression(alpha, 60, solver="liblinear", fit_intercept=False)
    same(model, other.fit(X, y))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    model = GroupLassoClassifier(alpha, **TIGHT).fit(X, y)
    same(model, logistic_regression(alpha, 60, solver="saga").fit(X, y))


KINDS = (Lasso, ElasticNet, Ridge, GroupLassoRegressor, GroupLassoClassifier)
NAMED = {kind.__name__: kind for kind in KINDS}


def rows_of_the_manual():
    """Return what the user guide equates: (scikit-learn's, penalty or "", ours)."""
    page = Path(__file__).resolve().parents[1] / "docs/user_guide/objective.rst"
    return re.findall(
        r"^``(\w+.*?)``(?:, (L\d) penalty, ``C``)? +``(GroupLasso.+)``$",
        page.read_text(),
        re.MULTILINE,
    )


def test_the_manual_has_five_rows():
    assert len(rows_of_the_manual()) == 5


@pytest.mark.parametrize(("theirs", "penalty", "ours"), rows_of_the_manual())
def test_one_task_is_what_the_manual_says(theirs, penalty, ours):
    X, Y = table()
    X = (X - X.mean(axis=0)) / X.std(axis=0)  # for saga
    known = {"a": 0.1, "r": 0.3, "A": 7.0, "n": len(X), "C": 0.5}
    model = eval(ours, NAMED, known).set_params(**TIGHT)
    if theirs == "LogisticRegression":
        y = Y[:, 0] > np.median(Y[:, 0])
        other = LogisticRegression(C=known["C"], tol=1e-12, max_iter=10_000)
        if penalty == "L1":
            alpha = 1 / (known["n"] * known["C"])
            other = logistic_regression(alpha, known["n"], solver="saga")
    else:
        y = Y[:, 0]
        other = eval(theirs, NAMED, known).set_params(**TIGHT)
    same(model.fit(X, y), other.fit(X, y))
    assert np.abs(model.coef_).max() > 0.1


# ------------------------------------------------------------------ of the problem
@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
@pytest.mark.parametrize("layout", ["wide", "wide_nan", "long"])
def test_l1_ratio_one_is_independent_tasks(kind, layout):
    X, Y = table()
    if kind is GroupLassoClassifier:
        Y = (np.median(Y, axis=0) < Y).astype(float)
    if layout == "wide_nan":
        Y[np.random.default_rng(1).random(Y.shape) < 0.3] = np.nan
    model = kind(0.03, l1_ratio=1, **TIGHT)
    if layout == "long":
        rows, y, task, _ = wide_to_long(X, Y)
        model.fit(rows, y, task=task)
    else:
        model.fit(X, Y)
    for t in range(3):
        seen = ~np.isnan(Y[:, t])
        alone = kind(0.03, l1_ratio=1, **TIGHT).fit(X[seen], Y[seen, t])
        np.testing.assert_allclose(model.coef_[t], alone.coef_[0], atol=1e-6)


@pytest.mark.parametrize("kind", ["squared", "logistic"])
def test_tasks_are_blocks_of_one_design(kind):
    """The tasks side by side in one block-diagonal X, with groups across the blocks."""
    X, Y = table(40)
    if kind == "logistic":
        Y = (np.median(Y, axis=0) < Y).astype(float)
    blocks = [X[:30], X[5:40], X[10:35]]
    ys = [Y[:30, 0], Y[5:40, 1], Y[10:35, 2]]
    w, b = cp.Variable(24), cp.Variable(3)
    share = np.concatenate([np.full(len(y), 1 / len(y)) for y in ys])
    stacked = block_diag(*blocks)
    which = np.repeat(np.eye(3), [len(y) for y in ys], axis=0)
    z, y = stacked @ w + which @ b, np.concatenate(ys)
    loss = (
        cp.square(y - z) / 2
        if kind == "squared"
        else cp.logistic(z) - cp.multiply(y, z)
    )
    groups = sum(cp.norm(w[j::8]) for j in range(8))
    program = cp.Problem(cp.Minimize(share @ loss + 0.05 * groups))
    program.solve(solver="CLARABEL")
    task = np.repeat(np.arange(3), [len(y) for y in ys])
    model = (GroupLassoRegressor if kind == "squared" else GroupLassoClassifier)(
        0.05, **TIGHT
    )
    model.fit(np.vstack(blocks), y, task=task)
    assert model.objective_ == pytest.approx(program.value, rel=1e-6)
    np.testing.assert_allclose(model.coef_.ravel(), w.value, atol=1e-3)


def test_tasks_with_equal_labels_are_one():
    """T copies of a task: the norm of the row is sqrt(T) times the entry."""
    X, Y = table()
    model = GroupLassoRegressor(0.1 * 3, **TIGHT).fit(X, np.tile(Y[:, :1], 3))
    one = GroupLassoRegressor(0.1 * np.sqrt(3), **TIGHT).fit(X, Y[:, 0])
    for t in range(3):
        np.testing.assert_allclose(model.coef_[t], one.coef_[0], atol=1e-6)


def test_task_weights_are_weights_of_all_rows():
    X, Y = table()
    rows, y, task, _ = wide_to_long(X, Y)
    rows, y, task = rows[:150], y[:150], task[:150]
    weights = {0: 1.0, 1: 3.0, 2: 0.5}
    model = GroupLassoRegressor(0.1, task_weight=weights, **TIGHT).fit(
        rows, y, task=task
    )
    total = sum(
        weights[t] * np.mean((y - model.predict(rows, task=task))[task == t] ** 2) / 2
        for t in range(3)
    )
    total += 0.1 * np.linalg.norm(model.coef_, axis=0).sum()
    assert model.objective_ == pytest.approx(total, rel=1e-9)
    other = GroupLassoRegressor(0.1, **TIGHT).fit(rows, y, task=task)
    assert objective(model, rows, y, task=task) == pytest.approx(total)
    assert not np.allclose(model.coef_, other.coef_, atol=1e-3)
    same(
        GroupLassoRegressor(0.1, task_weight="n_samples", **TIGHT).fit(
            rows, y, task=task
        ),
        GroupLassoRegressor(
            0.1, task_weight={t: np.sum(task == t) / 50 for t in range(3)}, **TIGHT
        ).fit(rows, y, task=task),
    )


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_scale_y_is_scaling_y(layout):
    X, Y = table()
    Y = Y * [1.0, 30.0, 0.01]
    extra = {}
    if layout == "long":
        X, Y, task, _ = wide_to_long(X, Y)
        extra = {"task": task}
        scale = np.array([Y[task == t].std() for t in range(3)])
        scaled = Y / scale[task]
    else:
        scale = Y.std(axis=0)
        scaled = Y / scale
    model = GroupLassoRegressor(0.1, scale_y=True, **TIGHT).fit(X, Y, **extra)
    plain = GroupLassoRegressor(0.1, **TIGHT).fit(X, scaled, **extra)
    np.testing.assert_allclose(model.y_scale_, scale)
    np.testing.assert_allclose(model.coef_, plain.coef_ * scale[:, None], rtol=1e-6)
    np.testing.assert_allclose(model.intercept_, plain.intercept_ * scale, rtol=1e-6)
    assert model.objective_ == pytest.approx(plain.objective_)
    assert objective(model, X, Y, **extra) == pytest.approx(plain.objective_)
