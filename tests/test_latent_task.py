"""Latent tasks: monotone rounds, stationarity, planted groups that overlap."""

import numpy as np
import pytest
from _problems import make_problem
from scipy.optimize import linear_sum_assignment

from skmtl import (
    AlphaPathCV,
    LatentTaskClassifier,
    LatentTaskRegressor,
    SharedSubspaceRegressor,
    duality_gap,
    kkt_residual,
    mtl_path,
    objective,
)
from skmtl.data import TaskData
from skmtl.layouts import numeric_labels, read_labels
from skmtl.linear_model.factor_starts import factor_starts
from skmtl.losses import Logistic, Squared
from skmtl.objectives import (
    CodesObjective,
    DataObjective,
    DirectionsObjective,
    FactoredObjective,
    StatisticsObjective,
)
from skmtl.penalties import FactorNorms
from skmtl.solvers import solve_alternating, sparse_code_rounds
from skmtl.statistics import TaskStatistics


def overlapping_tasks(seed=0, task_type="regression"):
    """Return X, y, task, coef, uses: 16 tasks of 3 latent ones, some use two."""
    rng = np.random.default_rng(seed)
    latent, uses = rng.normal(size=(3, 20)), np.zeros((16, 3))
    for t in range(16):
        uses[t, t % 3] = rng.uniform(0.7, 1.3)
        if t % 4 == 3:
            uses[t, (t + 1) % 3] = rng.uniform(0.7, 1.3)
    task, coef = np.repeat(np.arange(16), 40), uses @ latent
    X = rng.normal(size=(len(task), 20))
    z = (X * coef[task]).sum(axis=1)
    if task_type == "classification":
        y = (z + rng.logistic(size=len(z)) > 0).astype(int)
    else:
        y = z + 2.0 * rng.normal(size=len(z))
    return X, y, task, coef, uses


@pytest.fixture(scope="module")
def planted():
    return overlapping_tasks()


def objective_of(name, kind):
    """Return a smooth part on rows, statistics, or with log-loss."""
    problem = make_problem(name)
    problem = problem.classes() if kind == "logistic" else problem
    labels = numeric_labels(read_labels(problem.y, **problem.extra))
    data = TaskData.pack(problem.X, labels)
    c = np.ones(data.n_tasks)
    if kind == "statistics":
        return StatisticsObjective(TaskStatistics.from_data(data), c)
    return DataObjective(data, Logistic() if kind == "logistic" else Squared(), c)


KINDS = ["rows", "statistics", "logistic"]
SMALL = ["ragged", "wide_nan", "n_below_p", "sparse"]


# ------------------------------------------------------------------ the factors
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SMALL)
def test_gradients_of_the_factors(name, kind):
    inner = objective_of(name, kind)
    rng = np.random.default_rng(0)
    L, S = rng.normal(size=(inner.n_features, 2)), rng.normal(size=(2, inner.n_tasks))
    cases = [
        (FactoredObjective(inner, 2), np.concatenate([L, S.T])),
        (CodesObjective(inner, L), S),
        (DirectionsObjective(inner, S), L),
    ]
    value = inner.at(L @ S).value
    for f, V in cases:
        assert V.shape == (f.n_features, f.n_tasks)
        point = f.at(V)
        assert point.value == pytest.approx(value)
        G, D = f.gradient(point), rng.normal(size=V.shape)
        ahead, behind = (f.at(V + h * D).value for h in (1e-6, -1e-6))
        assert np.vdot(G, D) == pytest.approx((ahead - behind) / 2e-6, rel=1e-4)
        np.testing.assert_allclose(
            f.intercepts(point), inner.intercepts(inner.at(L @ S))
        )


@pytest.mark.parametrize("kind", ["rows", "statistics"])
def test_curvature_of_the_codes_is_exact(kind):
    inner = objective_of("ragged", kind)
    rng = np.random.default_rng(0)
    L, S = rng.normal(size=(inner.n_features, 3)), rng.normal(size=(3, inner.n_tasks))
    f = CodesObjective(inner, L)
    point = f.at(S)
    model = f.model(point, np.arange(3))
    D = rng.normal(size=S.shape)
    turned = f.gradient(f.at(S + D)) - f.gradient(point)
    expected = np.stack(
        [
            model.A[i] @ d * s
            for i, s, d in zip(model.index, model.scale, D.T, strict=True)
        ]
    )
    np.testing.assert_allclose(turned.T, expected, atol=1e-9)
    assert model.value() == pytest.approx(point.value)
    assert (f.curvatures() >= np.einsum("gjj->gj", model.A).max() * 0.0).all()
    bounds = (np.einsum("gjj->gj", model.A)[model.index] * model.scale[:, None]).max(
        axis=0
    )
    assert (f.curvatures() >= bounds - 1e-12).all()


def test_balance_keeps_the_product_and_lowers_the_penalty():
    rng = np.random.default_rng(0)
    V, penalty = rng.normal(size=(11, 3)), FactorNorms(0.3, 0.7, 6)
    V[6:, 2] = 0.0
    found = penalty.balanced(V)
    np.testing.assert_allclose(found[:6] @ found[6:].T, V[:6] @ V[6:].T, atol=1e-12)
    assert not found[:, 2].any()
    best = penalty.value(found)
    for c in (0.5, 0.9, 1.1, 2.0):
        other = found * np.concatenate([np.full(6, c), np.full(5, 1 / c)])[:, None]
        assert penalty.value(other) > best


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SMALL)
def test_rounds_never_rise_and_end_stationary(name, kind):
    inner = objective_of(name, kind)
    f, penalty = FactoredObjective(inner, 2), FactorNorms(0.05, 0.05, inner.n_features)
    starts = (
        sparse_code_rounds(f, penalty, V, "bcd") for V in factor_starts(inner, 2, 3, 0)
    )
    found = solve_alternating(f, starts, tol=1e-4, max_iter=3000)
    assert found.converged
    values = np.array([value for _, value, _ in found.history])
    assert (np.diff(values) <= 1e-9 * inner.null).all()
    assert found.objective == values[-1]
    # Stationary: steps of either factor do not descend.
    rng, V = np.random.default_rng(0), found.W
    for _ in range(20):
        D = 1e-4 * rng.normal(size=V.shape)
        if rng.random() < 0.5:
            D[: inner.n_features] = 0.0
        else:
            D[inner.n_features :] = 0.0
        other = f.at(V + D).value + penalty.value(V + D)
        assert other >= found.objective - 1e-7 * inner.null


def test_the_best_start_is_followed():
    inner = objective_of("ragged", "rows")
    f, penalty = FactoredObjective(inner, 2), FactorNorms(0.05, 0.05, inner.n_features)
    starts = list(factor_starts(inner, 2, 5, 0))
    runs = [
        solve_alternating(
            f, [sparse_code_rounds(f, penalty, V, "bcd")], tol=1e-5, max_iter=3000
        )
        for V in starts
    ]
    together = solve_alternating(
        f,
        (sparse_code_rounds(f, penalty, V, "bcd") for V in starts),
        tol=1e-5,
        max_iter=3000,
    )
    values = [run.objective for run in runs]
    assert min(values) - 1e-9 <= together.objective <= np.median(values) + 1e-9


# ------------------------------------------------------------------ the estimators
def test_overlapping_groups_are_recovered(planted):
    X, y, task, coef, uses = planted
    model = LatentTaskRegressor(3, alpha=0.5, beta=0.3, random_state=0)
    model.fit(X, y, task=task)
    assert model.converged_
    assert model.codes_.shape == (16, 3)
    np.testing.assert_allclose(
        model.coef_, model.codes_ @ model.components_, atol=1e-12
    )
    used = np.abs(model.codes_) > 0.15 * np.abs(model.codes_).max(axis=0)
    agree = (used.T[:, None, :] == (uses > 0).T[None]).mean(axis=2)
    rows, columns = linear_sum_assignment(-agree)
    assert agree[rows, columns].mean() > 0.9
    alone = SharedSubspaceRegressor(16, alpha=1.0, beta=0.05).fit(X, y, task=task)
    assert ((model.coef_ - coef) ** 2).mean() < 0.5 * ((alone.coef_ - coef) ** 2).mean()


def test_certificates_say_what_it_is(planted):
    X, y, task, *_ = planted
    model = LatentTaskRegressor(3, alpha=0.3, beta=0.3, random_state=0)
    model.fit(X, y, task=task)
    assert not hasattr(model, "dual_gap_")
    assert 0 <= model.stationarity_ <= 1e-4
    assert objective(model, X, y, task=task) == pytest.approx(model.objective_)
    assert kkt_residual(model, X, y, task=task).shape == (20,)
    assert kkt_residual(model, X, y, task=task).max() < 1e-3
    with pytest.raises(TypeError, match="not convex"):
        duality_gap(model, X, y, task=task)


def test_only_alpha_squared_times_beta_counts(planted):
    X, y, task, *_ = planted
    one = LatentTaskRegressor(3, alpha=0.4, beta=0.2, random_state=0, tol=1e-6)
    other = LatentTaskRegressor(3, alpha=0.2, beta=0.8, random_state=0, tol=1e-6)
    one.fit(X, y, task=task)
    other.fit(X, y, task=task)
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-4)
    assert one.objective_ == pytest.approx(other.objective_)


def test_strong_penalties_leave_nothing(planted):
    X, y, task, *_ = planted
    model = LatentTaskRegressor(2, alpha=100.0, beta=100.0, random_state=0)
    model.fit(X, y, task=task)
    assert not model.coef_.any()
    assert model.converged_


def test_one_latent_task_of_one_task_is_one_direction(planted):
    X, y, task, *_ = planted
    model = LatentTaskRegressor(1, alpha=0.1, beta=0.1, random_state=0)
    model.fit(X, y, task=task)
    assert np.linalg.matrix_rank(model.coef_, tol=1e-8) == 1
    assert model.codes_.sum() > 0


@pytest.mark.parametrize(
    "name",
    [
        "ragged",
        "wide",
        "wide_nan",
        "wide_weighted",
        "one_task",
        "sparse",
        "sparse_wide_nan",
        "n_below_p",
        "zero_column",
    ],
)
def test_layouts(name):
    problem = make_problem(name)
    model = LatentTaskRegressor(2, alpha=0.1, beta=0.1, random_state=0)
    model.fit(problem.X, problem.y, **problem.extra)
    assert model.converged_
    task = {"task": problem.extra["task"]} if "task" in problem.extra else {}
    assert model.predict(problem.X, **task).shape == problem.y.shape
    problem = problem.classes()
    model = LatentTaskClassifier(2, random_state=0)
    model.fit(problem.X, problem.y, **problem.extra)
    assert model.converged_


@pytest.mark.parametrize("loss", ["huber", "poisson", "logistic", "mixed"])
def test_losses(loss):
    X, y, task, *_ = overlapping_tasks()
    names = loss
    if loss == "mixed":
        names = {t: "logistic" if t % 2 else "squared" for t in range(16)}
        y = np.where(task % 2, y > 0, y)
    elif loss == "poisson":
        y = np.floor(np.abs(y)) + 1
    elif loss == "logistic":
        y = (y > 0).astype(int)
    model = LatentTaskRegressor(3, alpha=0.1, beta=0.1, loss=names, random_state=0)
    model.fit(X, y, task=task)
    assert model.converged_
    assert model.score(X, y, task=task) > 0.1


def test_classifier_and_a_task_of_one_class():
    X, y, task, *_ = overlapping_tasks(task_type="classification")
    model = LatentTaskClassifier(3, n_init=2, tol=1e-3, random_state=0)
    model.fit(X, y, task=task)
    assert model.score(X, y, task=task) > 0.75
    y = np.where(task == 4, 1, y)
    with pytest.warns(UserWarning, match="one class only"):
        model.fit(X, y, task=task)
    assert model.codes_.shape == (16, 3)
    assert not model.codes_[4].any()
    assert not model.coef_[4].any()


def test_a_new_task_gets_the_mean(planted):
    X, y, task, *_ = planted
    model = LatentTaskRegressor(3, alpha=0.3, beta=0.3, random_state=0, unseen="shared")
    model.fit(X, y, task=task)
    with pytest.warns(UserWarning, match="never seen"):
        found = model.predict(X[:5], task=99)
    np.testing.assert_allclose(
        found, X[:5] @ model.coef_.mean(axis=0) + model.intercept_.mean()
    )


def test_order_of_rows_features_and_tasks_does_not_matter(planted):
    X, y, task, *_ = planted
    model = LatentTaskRegressor(3, alpha=0.5, beta=0.3, random_state=0, tol=1e-6)
    found = model.fit(X, y, task=task).coef_.copy()
    rng = np.random.default_rng(1)
    rows, features, names = (
        rng.permutation(len(y)),
        rng.permutation(20),
        rng.permutation(16),
    )
    other = model.fit(X[rows][:, features], y[rows], task=names[task[rows]])
    np.testing.assert_allclose(
        other.coef_[names][:, np.argsort(features)], found, atol=1e-3
    )


def test_streams_scaling_and_warm_start(planted):
    X, y, task, *_ = planted
    y = y * 10.0 ** (task % 3)
    options = {"alpha": 0.1, "beta": 0.1, "scale_y": True, "random_state": 0}
    batch = LatentTaskRegressor(3, **options).fit(X, y, task=task)
    stream = LatentTaskRegressor(3, **options)
    order = np.random.default_rng(0).permutation(len(y))
    for rows in np.array_split(order, 2):
        stream.partial_fit(X[rows], y[rows], task=task[rows])
    assert stream.objective_ == pytest.approx(batch.objective_, rel=1e-6)
    np.testing.assert_allclose(
        batch.coef_,
        batch.codes_ @ batch.components_ * batch.y_scale_[:, None],
        atol=1e-9,
    )
    assert batch.set_params(warm_start=True).fit(X, y, task=task).n_iter_ <= 3


def test_path_and_search(planted):
    X, y, task, *_ = planted
    model = LatentTaskRegressor(3, beta=0.3, random_state=0)
    path = mtl_path(model, X, y, task=task, alphas=[1.0, 0.5])
    assert np.isnan(path.dual_gaps).all()
    assert path.coefs.shape == (2, 16, 20)
    search = AlphaPathCV(model, alphas=[1.0, 0.5, 0.2], cv=3).fit(X, y, task=task)
    assert search.best_estimator_.codes_.shape == (16, 3)


def test_directions_that_a_strong_penalty_left_out_come_back_along_a_path(planted):
    X, y, task, *_ = planted
    model = LatentTaskRegressor(3, beta=0.3, random_state=0)
    path = mtl_path(model, X, y, task=task, alphas=[20.0, 5.0, 1.0, 0.3])
    ranks = [np.linalg.matrix_rank(coef, tol=1e-8) for coef in path.coefs]
    assert ranks[0] < 3
    assert ranks[-1] == 3
    alone = model.set_params(alpha=0.3).fit(X, y, task=task)
    predicted = (X * path.coefs[-1, task]).sum(axis=1) + path.intercepts[-1, task]
    own = ((y - alone.predict(X, task=task)) ** 2).mean()
    assert ((y - predicted) ** 2).mean() == pytest.approx(own, rel=0.02)


@pytest.mark.parametrize(
    "bad",
    [
        {"n_latent": 0},
        {"alpha": 0.0},
        {"beta": 0.0},
        {"n_init": 0},
        {"solver": "cvxpy"},
    ],
)
def test_errors(planted, bad):
    X, y, task, *_ = planted
    with pytest.raises(ValueError, match=f"The '{next(iter(bad))}' parameter"):
        LatentTaskRegressor(**bad).fit(X, y, task=task)


def test_not_converged_says_so(planted):
    X, y, task, *_ = planted
    model = LatentTaskRegressor(
        3, alpha=0.1, beta=0.1, max_iter=1, tol=1e-12, random_state=0
    )
    with pytest.warns(UserWarning, match="stationarity .* > tol = .* after"):
        model.fit(X, y, task=task)
    assert not model.converged_
