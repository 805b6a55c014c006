"""Clustered tasks: the convex models, k-means, planted groups, School."""

import warnings
from pathlib import Path

import cvxpy as cp
import numpy as np
import pytest
from _oracles import tasks_of
from _problems import Problem, make_problem
from sklearn.metrics import adjusted_rand_score

from skmtl import (
    AlphaPathCV,
    TaskClusteringClassifier,
    TaskClusteringRegressor,
    TaskStatistics,
    duality_gap,
    kkt_residual,
    mtl_path,
    objective,
)
from skmtl.datasets import make_clustered_tasks
from skmtl.linear_model.cluster_labels import (
    group_by_affinity,
    group_means,
    group_points,
)

SCHOOL = Path(__file__).resolve().parents[2] / "shared" / "data" / "school.csv.gz"


@pytest.fixture(scope="module")
def planted():
    """Return X, y, task, coef, groups of 15 tasks in 3 groups."""
    return make_clustered_tasks(
        n_tasks=15, n_clusters=3, n_samples=30, n_features=12, deviation=0.3, noise=2.0,
        return_labels=True, random_state=0,
    )  # fmt: skip


def ragged_tasks(kind="squared"):
    """Return (problem, losses) of 8 tasks of unequal size with 12 features."""
    X, y, task, _ = make_clustered_tasks(
        n_tasks=8, n_samples=(6, 25, 14, 30, 9, 18, 40, 11), n_features=12,
        random_state=1,
    )  # fmt: skip
    names = dict.fromkeys(range(8), kind)
    if kind == "mixed":
        names = {t: ["squared", "logistic"][t % 2] for t in range(8)}
    for t, name in names.items():
        rows = task == t
        if name == "logistic":
            y[rows] = y[rows] > np.median(y[rows])
    return Problem(X + 1.0, y, {"task": task}), names


def centred_optimum(problem, names, alpha, beta, k):
    """Return the optimum of Jacob's model by CVXPY: M of trace k with M 1 = 1."""
    parts = tasks_of(problem)
    p, T = parts[0][0].shape[1], len(parts)
    W, b, M = cp.Variable((p, T)), cp.Variable(T), cp.Variable((T, T), PSD=True)
    value = beta * (alpha + beta) * cp.matrix_frac(W.T, beta * np.eye(T) + alpha * M)
    for t, (X, y, s) in enumerate(parts):
        z = X @ W[:, t] + b[t]
        if names[t] == "squared":
            part = cp.sum_squares(cp.multiply(np.sqrt(s), y - z)) / 2
        else:
            part = cp.sum(cp.multiply(s, cp.logistic(z) - cp.multiply(y, z)))
        value += part / s.sum()
    rules = [np.eye(T) - M >> 0, cp.trace(M) == k, M @ np.ones(T) == np.ones(T)]
    with warnings.catch_warnings():  # compared from both sides, so it would show
        warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
        return cp.Problem(cp.Minimize(value), rules).solve(solver="CLARABEL")


# ------------------------------------------------------------------ the convex model
@pytest.mark.parametrize("kind", ["squared", "logistic", "mixed"])
def test_centred_optimum_is_that_of_cvxpy(kind):
    problem, names = ragged_tasks(kind)
    options = {"alpha": 0.3, "beta": 0.02, "centred": True, "loss": names}
    model = TaskClusteringRegressor(3, tol=1e-9, **options)
    model.fit(problem.X, problem.y, **problem.extra)
    expected = centred_optimum(problem, names, 0.3, 0.02, 3)
    assert model.objective_ == pytest.approx(expected, rel=1e-6)
    args = (model, problem.X, problem.y)
    assert duality_gap(*args, **problem.extra) <= 2 * model.dual_gap_ + 1e-9
    assert objective(*args, **problem.extra) == pytest.approx(model.objective_)
    for solver in ("fista", "cvxpy"):
        other = TaskClusteringRegressor(3, tol=1e-8, solver=solver, **options)
        other.fit(problem.X, problem.y, **problem.extra)
        assert other.objective_ == pytest.approx(model.objective_, rel=1e-6)


def test_centred_is_the_tighter_relaxation(planted):
    X, y, task, *_ = planted
    values = [
        TaskClusteringRegressor(
            3, alpha=0.5, beta=0.05, tol=1e-8, random_state=0, **kind
        )
        .fit(X, y, task=task)
        .objective_
        for kind in ({}, {"centred": True}, {"method": "kmeans"})
    ]
    assert values[0] < values[1] < values[2]


def test_one_centred_cluster_draws_to_the_mean(planted):
    """alpha sum_t ||w_t - mean||^2 + beta ||W||^2, solved as one linear system."""
    X, y, task, *_ = planted
    alpha, beta = 0.4, 0.1
    model = TaskClusteringRegressor(1, alpha=alpha, beta=beta, centred=True, tol=1e-13)
    model.fit(X, y, task=task)
    T, p = 15, 12
    tie = 2 * (alpha + beta) * np.eye(T) - 2 * alpha / T
    system, rhs = np.kron(tie, np.eye(p)), np.zeros((T, p))
    for t in range(T):
        Xc = X[task == t] - X[task == t].mean(axis=0)
        system[t * p : (t + 1) * p, t * p : (t + 1) * p] += Xc.T @ Xc / len(Xc)
        rhs[t] = Xc.T @ y[task == t] / len(Xc)
    expected = np.linalg.solve(system, rhs.ravel()).reshape(T, p)
    np.testing.assert_allclose(model.coef_, expected, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"centred": True}, {"method": "kmeans"}])
@pytest.mark.parametrize("seed", range(3))
def test_planted_groups_are_found(options, seed):
    X, y, task, coef, groups = make_clustered_tasks(
        n_tasks=16, n_clusters=4, n_samples=40, n_features=25, deviation=0.3, noise=3.0,
        return_labels=True, random_state=seed,
    )  # fmt: skip
    model = TaskClusteringRegressor(4, alpha=1.0, beta=0.1, random_state=0, **options)
    model.fit(X, y, task=task)
    assert adjusted_rand_score(groups, model.cluster_labels_) == 1.0
    assert model.cluster_labels_[0] == 0  # numbered as they come up
    assert model.cluster_centers_.shape == (4, 25)
    same = groups[:, None] == groups
    M = model.task_affinity_
    assert np.trace(M) == pytest.approx(4)
    assert M[same].mean() > 5 * np.abs(M[~same]).mean()
    alone = TaskClusteringRegressor(16, alpha=1.0, beta=0.1).fit(X, y, task=task)
    error, error_alone = (np.mean((m.coef_ - coef) ** 2) for m in (model, alone))
    assert error < 0.8 * error_alone


def test_centers_are_weighted_means(planted):
    X, y, task, *_ = planted
    weight = {t: 1.0 + t for t in range(15)}
    model = TaskClusteringRegressor(3, alpha=0.5, beta=0.05, task_weight=weight)
    model.fit(X, y, task=task)
    c = np.arange(15) + 1.0
    for k, center in enumerate(model.cluster_centers_):
        rows = model.cluster_labels_ == k
        np.testing.assert_allclose(center, c[rows] @ model.coef_[rows] / c[rows].sum())


# ------------------------------------------------------------------ k-means
def test_k_means_is_stationary_and_says_so(planted):
    X, y, task, *_ = planted
    model = TaskClusteringRegressor(
        3, alpha=0.5, beta=0.05, method="kmeans", random_state=0, tol=1e-8
    ).fit(X, y, task=task)
    assert not hasattr(model, "dual_gap_")
    assert model.converged_
    assert model.stationarity_ <= 1e-8
    assert objective(model, X, y, task=task) == pytest.approx(model.objective_)
    assert kkt_residual(model, X, y, task=task).max() < 1e-6
    with pytest.raises(TypeError, match="not convex"):
        duality_gap(model, X, y, task=task)
    # Written out: loss, distance to the means of the groups, ridge.
    means = group_means(model.cluster_labels_, model.coef_, np.ones(15))
    apart = model.coef_ - means[model.cluster_labels_]
    residual = y - model.predict(X, task=task)
    value = sum((residual[task == t] ** 2).mean() / 2 for t in range(15))
    value += 0.5 * (apart**2).sum() + 0.05 * (model.coef_**2).sum()
    assert value == pytest.approx(model.objective_)
    # No task is nearer to the mean of another group, as Lloyd's steps end.
    distance = ((model.coef_[:, None] - means) ** 2).sum(axis=2)
    np.testing.assert_array_equal(distance.argmin(axis=1), model.cluster_labels_)


def test_rounds_of_k_means_never_rise():
    from skmtl.linear_model.k_means import solve_k_means
    from skmtl.objectives import StatisticsObjective
    from skmtl.penalties import ClusterMeans, SpectralBox

    X, y, task, _ = make_clustered_tasks(
        n_tasks=30, n_clusters=5, n_samples=15, n_features=10, deviation=0.8, noise=3.0,
        random_state=3,
    )  # fmt: skip
    f = StatisticsObjective(TaskStatistics.from_rows(X, y, task=task), np.ones(30))
    rng, rounds = np.random.default_rng(0), 0
    for _ in range(5):
        first = rng.integers(0, 5, 30)
        first[:5] = np.arange(5)
        result = solve_k_means(
            f, SpectralBox(0.3, 0.05, 5), ClusterMeans(0.3, 0.05, first), 5,
            solver="lbfgs", n_init=1, random_state=0, W0=np.zeros((10, 30)), tol=1e-6,
            max_iter=500,
        )  # fmt: skip
        values = np.array([value for _, value, _ in result.history])
        assert (np.diff(values) <= 1e-10 * f.null).all()
        assert result.converged
        rounds = max(rounds, len(values))
    assert rounds > 2


def test_more_starts_are_no_worse():
    X, y, task, _ = make_clustered_tasks(
        n_tasks=30, n_clusters=6, n_samples=15, n_features=10, deviation=1.0, noise=3.0,
        random_state=3,
    )  # fmt: skip
    values = [
        TaskClusteringRegressor(
            6, alpha=0.5, beta=0.05, method="kmeans", n_init=n, random_state=0
        )
        .fit(X, y, task=task)
        .objective_
        for n in (1, 8)
    ]
    assert values[1] <= values[0] + 1e-9


def test_k_means_has_no_reference(planted):
    X, y, task, *_ = planted
    model = TaskClusteringRegressor(3, method="kmeans", solver="cvxpy")
    with pytest.raises(ValueError, match="method='kmeans' is none"):
        model.fit(X, y, task=task)


# ------------------------------------------------------------------ readings
def test_grouping_of_points():
    points = np.array([[0.0], [5.0], [0.1], [5.1], [9.0]])
    assert group_points(points, 3, 0).tolist() == [0, 1, 0, 1, 2]
    assert group_points(np.zeros((4, 2)), 3, 0).tolist() == [0, 0, 0, 0]
    assert group_points(np.eye(2)[[0, 1, 0]], 3, 0).tolist() == [0, 1, 0]
    M = np.kron(np.diag([1.0, 1.0]), np.full((3, 3), 1 / 3))
    assert group_by_affinity(M, 2).tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("method", ["convex", "kmeans"])
@pytest.mark.parametrize(
    "name",
    [
        "ragged", "wide", "wide_nan", "wide_weighted", "one_task", "sparse",
        "sparse_wide_nan", "n_below_p", "zero_column", "constant_y",
    ],
)  # fmt: skip
def test_layouts(name, method):
    problem = make_problem(name)
    options = {"method": method, "random_state": 0}
    model = TaskClusteringRegressor(2, alpha=0.2, beta=0.05, **options)
    model.fit(problem.X, problem.y, **problem.extra)
    T = len(model.tasks_)
    assert model.converged_
    assert model.cluster_labels_.shape == (T,)
    assert model.task_affinity_.shape == (T, T)
    task = {"task": problem.extra["task"]} if "task" in problem.extra else {}
    assert model.predict(problem.X, **task).shape == problem.y.shape
    if name != "constant_y":
        problem = problem.classes()
        model = TaskClusteringClassifier(2, **options)
        assert model.fit(problem.X, problem.y, **problem.extra).converged_


@pytest.mark.parametrize("method", ["convex", "kmeans"])
def test_a_task_that_takes_no_part_has_no_group(method):
    problem = make_problem("wide").classes()
    problem.y[:, 1] = 1
    model = TaskClusteringClassifier(2, method=method, random_state=0)
    with pytest.warns(UserWarning, match="one class only"):
        model.fit(problem.X, problem.y)
    assert model.cluster_labels_[1] == -1
    assert model.cluster_labels_[[0, 2]].min() == 0
    assert not model.task_affinity_[1].any()
    assert not model.task_affinity_[:, 1].any()
    assert objective(model, problem.X, problem.y) == pytest.approx(model.objective_)


@pytest.mark.parametrize("method", ["convex", "kmeans"])
def test_order_does_not_matter(planted, method):
    X, y, task, *_ = planted
    model = TaskClusteringRegressor(
        3, alpha=0.5, beta=0.05, method=method, random_state=0, tol=1e-7
    )
    model.fit(X, y, task=task)
    coef, labels = model.coef_.copy(), model.cluster_labels_.copy()
    rng = np.random.default_rng(1)
    rows, features, names = (rng.permutation(n) for n in (len(y), 12, 15))
    other = model.fit(X[rows][:, features], y[rows], task=names[task[rows]])
    np.testing.assert_allclose(
        other.coef_[names][:, np.argsort(features)], coef, atol=1e-4
    )
    assert adjusted_rand_score(other.cluster_labels_[names], labels) == 1.0


@pytest.mark.parametrize("loss", ["huber", "poisson"])
@pytest.mark.parametrize("method", ["convex", "kmeans"])
def test_other_losses(planted, loss, method):
    X, y, task, *_ = planted
    y = np.floor(np.abs(y)) + 1 if loss == "poisson" else y
    model = TaskClusteringRegressor(
        3, alpha=0.5, beta=0.1, loss=loss, method=method, random_state=0
    )
    assert model.fit(X, y, task=task).converged_


@pytest.mark.parametrize("method", ["convex", "kmeans"])
def test_streams_scaling_and_warm_start(planted, method):
    X, y, task, *_ = planted
    y = y * 10.0 ** (task % 3)
    options = {"alpha": 0.2, "beta": 0.05, "scale_y": True, "random_state": 0}
    options |= {"method": method, "tol": 1e-7}
    batch = TaskClusteringRegressor(3, **options).fit(X, y, task=task)
    stream = TaskClusteringRegressor(3, **options)
    order = np.random.default_rng(0).permutation(len(y))
    for rows in np.array_split(order, 2):
        stream.partial_fit(X[rows], y[rows], task=task[rows])
    np.testing.assert_allclose(stream.coef_, batch.coef_, rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(stream.cluster_labels_, batch.cluster_labels_)
    assert batch.set_params(warm_start=True).fit(X, y, task=task).n_iter_ <= 12


@pytest.mark.parametrize("method", ["convex", "kmeans"])
def test_path_and_search(planted, method):
    X, y, task, *_ = planted
    model = TaskClusteringRegressor(3, beta=0.05, method=method, random_state=0)
    path = mtl_path(model, X, y, task=task, alphas=[1.0, 0.1])
    assert np.isnan(path.dual_gaps).all() == (method == "kmeans")
    assert path.coefs.shape == (2, 15, 12)
    alphas = 6 if method == "convex" else [1.0, 0.3, 0.1]
    search = AlphaPathCV(model, alphas=alphas, cv=3).fit(X, y, task=task)
    assert search.best_estimator_.cluster_labels_.shape == (15,)


@pytest.mark.parametrize(
    "bad",
    [
        {"n_clusters": 0},
        {"alpha": -1.0},
        {"beta": 0.0},
        {"method": "em"},
        {"n_init": 0},
    ],
)
def test_errors(planted, bad):
    X, y, task, *_ = planted
    with pytest.raises(ValueError, match=f"The '{next(iter(bad))}' parameter"):
        TaskClusteringRegressor(**bad).fit(X, y, task=task)


def test_k_means_not_converged_says_so():
    X, y, task, _ = make_clustered_tasks(
        n_tasks=30, n_clusters=6, n_samples=15, n_features=10, deviation=1.0, noise=3.0,
        random_state=3,
    )  # fmt: skip
    model = TaskClusteringRegressor(
        6, alpha=0.5, beta=0.05, method="kmeans", random_state=0, max_iter=1, tol=1e-12
    )
    with pytest.warns(UserWarning, match="stationarity .* > tol"):
        model.fit(X, y, task=task)
    assert not model.converged_


# ------------------------------------------------------------------ School
@pytest.mark.skipif(not SCHOOL.exists(), reason="School is not at ../shared/data")
def test_school_to_nine_digits():
    """Few iterations: seconds depend on the machine."""
    import pandas as pd

    frame = pd.read_csv(SCHOOL)
    task, y = frame.pop("school").to_numpy(), frame.pop("score").to_numpy(float)
    X = frame.to_numpy(float)
    within = X - frame.groupby(task).transform("mean").to_numpy()
    spread = np.sqrt((within**2).mean(axis=0))
    X = X / np.where(spread > 0, spread, 1.0)
    statistics = TaskStatistics.from_rows(X, y, task=task)
    model = TaskClusteringRegressor(
        5, alpha=0.1, beta=0.01, task_weight="n_samples", tol=5e-10
    )
    model.fit_statistics(statistics)
    assert model.dual_gap_ <= 1e-9 * model.objective_
    assert model.n_iter_ <= 50
    assert duality_gap(model, X, y, task=task) <= 1e-9 * model.objective_
