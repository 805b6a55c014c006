"""Tasks tied by a graph: optimum, certificate, limits, and what is learned."""

import pickle
import warnings

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
from _oracles import null_deviance_half, tasks_of
from _problems import Problem, make_problem
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmtl import (
    AlphaPathCV,
    TaskGraphClassifier,
    TaskGraphRegressor,
    TaskKFold,
    TaskStatistics,
    duality_gap,
    kkt_residual,
    mtl_path,
    objective,
)
from skmtl.linear_model.graph_of_tasks import nearest_neighbours

T, P = 8, 12
RING = [(t, (t + 1) % T, 0.5 + 0.25 * t) for t in range(T)] + [(0, 4)]
GRAPHS = {
    "mean": ("mean", [(s, t, 1 / T) for s in range(T) for t in range(s)]),
    "chain": ("chain", [(t, t + 1, 1.0) for t in range(T - 1)]),
    "ring": (RING, [(*e, 1.0)[:3] for e in RING]),
    "islands": (
        [(0, 1, 2.0), (1, 2), (0, 2), (3, 4), (5, 6, 0.0), (6, 7)],
        [(0, 1, 2.0), (1, 2, 1.0), (0, 2, 1.0), (3, 4, 1.0), (6, 7, 1.0)],
    ),
}
NORMS = ("squared", "l2", "l1")
LOSSES = {t: ("squared", "logistic", "huber", "poisson")[t % 4] for t in range(T)}
DELTA = 1.35


def ragged(loss="squared", n_min=20):
    """Return eight tasks of 20 to 41 rows with labels for the loss."""
    rng = np.random.default_rng(3)
    sizes = n_min + 3 * np.arange(T)
    task = rng.permutation(np.repeat(np.arange(T), sizes))
    coef = 0.4 * rng.normal(size=(2, P))[np.arange(T) % 2]
    X = rng.normal(size=(len(task), P)) + rng.normal(size=P)
    z = np.einsum("ij,ij->i", X - X.mean(axis=0), coef[task])
    noise = rng.logistic(size=len(z))
    kinds = np.array(list(LOSSES.values()))[task] if loss == "mixed" else loss
    y = np.where(kinds == "logistic", z + noise > 0, z + noise)
    y = np.where(kinds == "poisson", rng.poisson(np.exp(np.clip(z, -2, 2))), y)
    return Problem(X, y.astype(float), {"task": task})


def loss_term(kind, y, z, s):
    """Return sum_i s_i l(y_i, z_i) for CVXPY."""
    if kind == "squared":
        return cp.sum_squares(cp.multiply(np.sqrt(s), y - z)) / 2
    if kind == "logistic":
        return s @ cp.logistic(z) - (s * y) @ z
    if kind == "huber":
        return s @ cp.huber(z - y, DELTA) / 2
    return s @ cp.exp(z) - (s * y) @ z


def optimum(problem, edges, *, loss="squared", alpha=1.0, ridge=0.0, norm="squared"):
    """Return the value found by CVXPY, from the definition."""
    parts = tasks_of(problem)
    n_tasks = len(parts)
    W, b = cp.Variable((parts[0][0].shape[1], n_tasks)), cp.Variable(n_tasks)
    value = ridge / 2 * cp.sum_squares(W)
    for t, (X, y, s) in enumerate(parts):
        kind = loss[t] if isinstance(loss, dict) else loss
        value += loss_term(kind, y, X @ W[:, t] + b[t], s) / s.sum()
    for s, t, a in edges:
        d = W[:, s] - W[:, t]
        size = cp.sum_squares(d) / 2 if norm == "squared" else cp.norm(d, int(norm[1]))
        value += alpha * a * size
    program = cp.Problem(cp.Minimize(value))
    with warnings.catch_warnings():  # values are compared from both sides
        warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
        program.solve(solver="CLARABEL")
    return program.value


def check(model, problem, expected, D0, tol):
    """Assert the optimum, and a certificate that holds when it is made anew."""
    model.fit(problem.X, problem.y, **problem.extra)
    args, extra = (model, problem.X, problem.y), problem.extra
    value = objective(*args, **extra)
    slack = 1e-6 * max(abs(expected), D0)
    assert expected - slack <= value <= expected + slack
    assert model.objective_ == pytest.approx(value, rel=1e-9)
    assert model.converged_
    assert 0 <= model.dual_gap_ <= tol * D0 * (1 + 1e-9)
    gap = duality_gap(*args, **extra)
    assert value - expected <= gap + 1e-7 * D0
    assert gap <= 3 * tol * D0
    return model


# ------------------------------------------------------------------ the optimum
@pytest.mark.parametrize("ridge", [0.0, 0.05])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("loss", ["squared", "logistic", "mixed"])
def test_optimum(loss, graph, norm, ridge):
    problem = ragged(loss)
    given, edges = GRAPHS[graph]
    kinds = LOSSES if loss == "mixed" else loss
    strength = {"alpha": 0.1, "ridge": ridge, "norm": norm}
    expected = optimum(problem, edges, loss=kinds, **strength)
    D0 = 1.0
    if loss != "mixed":
        D0 = null_deviance_half(problem, loss=loss)
    kind = TaskGraphRegressor
    options = {"loss": kinds}
    if loss == "logistic":
        kind, options = TaskGraphClassifier, {}
    model = kind(**strength, graph=given, tol=1e-7, **options)
    if loss == "mixed":  # D0 is near 5 here
        model.fit(problem.X, problem.y, **problem.extra)
        assert model.converged_
        assert model.objective_ == pytest.approx(expected, abs=1e-6)
        assert duality_gap(model, problem.X, problem.y, **problem.extra) < 5e-6
        return
    check(model, problem, expected, D0, 1e-7)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ["wide", "wide_nan", "wide_weighted", "weighted",
    "sparse", "sparse_wide_nan", "zero_column", "duplicate_column", "constant_y",
    "n_below_p", "wide_n_below_p", "one_task"])  # fmt: skip
@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_optimum_in_every_layout(name, norm, ridge):
    problem = make_problem(name)
    if "below" in name and ridge == 0:
        pytest.skip("nothing bounds the common part")
    n_tasks = len(tasks_of(problem))
    edges = [(t, t + 1, 1.0) for t in range(n_tasks - 1)]
    strength = {"alpha": 0.2, "norm": norm, "ridge": ridge}
    expected = optimum(problem, edges, **strength)
    model = TaskGraphRegressor(**strength, graph="chain", tol=1e-7)
    check(model, problem, expected, null_deviance_half(problem), 1e-7)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("graph", GRAPHS)
def test_the_reference_solver_agrees(graph, norm):
    problem = ragged()
    X, y, extra = problem.X, problem.y, problem.extra
    options = {"alpha": 0.3, "norm": norm, "graph": GRAPHS[graph][0], "ridge": 0.02}
    own = TaskGraphRegressor(**options, tol=1e-8).fit(X, y, **extra)
    other = TaskGraphRegressor(**options, solver="cvxpy").fit(X, y, **extra)
    assert other.objective_ == pytest.approx(own.objective_, rel=1e-6)
    assert other.dual_gap_ <= 1e-4 * own.objective_


@pytest.mark.parametrize(
    ("graph", "norm"),
    [("mean", "squared"), ("chain", "squared"), ("ring", "squared"),
     ("mean", "l1"), ("chain", "l1")],
)  # fmt: skip
@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_proximal_gradient_agrees(graph, norm, ridge):
    problem = ragged("logistic")
    options = {"alpha": 0.05, "norm": norm, "graph": GRAPHS[graph][0], "ridge": ridge}
    values = []
    for solver in ("auto", "fista", "admm" if norm == "l1" else "quadratic"):
        model = TaskGraphClassifier(**options, solver=solver, tol=1e-8)
        model.fit(problem.X, problem.y, **problem.extra)
        assert model.converged_
        values.append(model.objective_)
    np.testing.assert_allclose(values, values[0], atol=1e-7)
    with pytest.raises(ValueError, match="solver='bcd' cannot take"):
        clone(model).set_params(solver="bcd").fit(problem.X, problem.y, **problem.extra)


@pytest.mark.parametrize("norm", NORMS)
def test_kkt_residual_vanishes_at_the_optimum_only(norm):
    problem = ragged()
    model = TaskGraphRegressor(0.5, norm=norm, graph=RING, tol=1e-11)
    args = (model, problem.X, problem.y)
    model.fit(*args[1:], **problem.extra)
    assert kkt_residual(*args, **problem.extra).max() < 1e-4
    model.coef_ = model.coef_ + 0.1 * np.arange(T)[:, None]
    assert kkt_residual(*args, **problem.extra).min() > 1e-3


# ------------------------------------------------------------------ the limits
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("graph", GRAPHS)
def test_without_strength_tasks_are_independent(graph, norm):
    problem = ragged()
    options = {"norm": norm, "graph": GRAPHS[graph][0], "tol": 1e-12}
    for ridge in (0.0, 0.3):
        model = TaskGraphRegressor(0.0, ridge=ridge, **options)
        model.fit(problem.X, problem.y, **problem.extra)
        for t, (X, y, _) in enumerate(tasks_of(problem)):
            one = Ridge(ridge * len(y)) if ridge else LinearRegression()
            np.testing.assert_allclose(model.coef_[t], one.fit(X, y).coef_, atol=1e-6)
            assert model.intercept_[t] == pytest.approx(one.intercept_, abs=1e-5)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("graph", GRAPHS)
def test_with_all_strength_components_are_pooled(graph, norm):
    problem = ragged()
    model = TaskGraphRegressor(1e8, norm=norm, graph=GRAPHS[graph][0], tol=1e-10)
    model.fit(problem.X, problem.y, **problem.extra)
    parts = tasks_of(problem)
    islands = [[0, 1, 2], [3, 4], [5], [6, 7]] if graph == "islands" else [range(T)]
    for tasks in islands:
        X = np.concatenate([(X - X.mean(0)) for X, _, _ in (parts[t] for t in tasks)])
        y = np.concatenate([(y - y.mean()) for _, y, _ in (parts[t] for t in tasks)])
        w = np.concatenate(
            [np.full(len(parts[t][1]), 1 / len(parts[t][1])) for t in tasks]
        )
        pooled = LinearRegression(fit_intercept=False).fit(X, y, w).coef_
        np.testing.assert_allclose(
            model.coef_[list(tasks)], pooled[None].repeat(len(tasks), 0), atol=1e-5
        )
    if norm != "squared":
        labels = np.empty(T, dtype=int)
        for k, tasks in enumerate(islands):
            labels[list(tasks)] = k
        np.testing.assert_array_equal(model.cluster_labels_, labels)


def test_the_mean_graph_is_mean_regularised_learning():
    problem = ragged()
    model = TaskGraphRegressor(0.7, ridge=0.1).fit(
        problem.X, problem.y, **problem.extra
    )
    W = model.coef_
    np.testing.assert_allclose(model.coef_shared_, W.mean(axis=0))
    loss = sum(
        np.mean((y - X @ w - b) ** 2) / 2
        for (X, y, _), w, b in zip(tasks_of(problem), W, model.intercept_, strict=True)
    )
    spread = 0.35 * np.sum((W - W.mean(axis=0)) ** 2) + 0.05 * np.sum(W**2)
    assert model.objective_ == pytest.approx(loss + spread)


# ------------------------------------------------------------------ recovery
def planted(labels, seed=0, n=60):
    """Return long data of tasks in clusters with equal coefficients."""
    rng = np.random.default_rng(seed)
    centers = 2 * rng.normal(size=(max(labels) + 1, 5))
    task = np.repeat(np.arange(len(labels)), n)
    X = rng.normal(size=(len(task), 5))
    y = np.einsum("ij,ij->i", X, centers[np.array(labels)[task]])
    return X, y + 0.5 * rng.normal(size=len(y)), task


def test_planted_runs_along_a_chain():
    labels = [0, 0, 0, 1, 1, 1, 1, 2, 2, 2]
    X, y, task = planted(labels)
    for norm in ("l2", "l1"):
        model = TaskGraphRegressor(0.5, graph="chain", norm=norm, tol=1e-6)
        assert model.fit(X, y, task=task).cluster_labels_.tolist() == labels
        assert np.unique(model.coef_, axis=0).shape == (3, 5)  # exactly equal


def test_planted_clusters_are_found_by_neighbours():
    labels = [0, 1, 2] * 5
    X, y, task = planted(labels)
    model = TaskGraphRegressor(0.3, graph="knn", n_neighbors=4, norm="l2", tol=1e-6)
    model.fit(X, y, task=task)
    np.testing.assert_array_equal(model.cluster_labels_, labels)
    tied = model.graph_.toarray() > 0
    assert not tied[np.not_equal.outer(labels, labels)].any()
    model.set_params(graph="mean", alpha=2.0).fit(X, y, task=task)
    np.testing.assert_array_equal(model.cluster_labels_, labels)


def test_descriptors_say_who_is_near():
    X, y, task = planted([0, 0, 1, 1])
    where = pd.DataFrame({"lat": [0.0, 0.1, 9.0, 9.2]}, index=[0, 1, 2, 3])
    options = {"graph": "knn", "n_neighbors": 1, "norm": "l2"}
    model = TaskGraphRegressor(1.0, **options, task_features=where.iloc[::-1])
    pairs = model.fit(X, y, task=task).graph_.toarray() > 0
    expected = np.kron(np.eye(2), [[0, 1], [1, 0]]) > 0
    np.testing.assert_array_equal(pairs, expected)
    for same in (where.to_numpy(), {t: [v] for t, v in where["lat"].items()}):
        other = clone(model).set_params(task_features=same).fit(X, y, task=task)
        np.testing.assert_array_equal(other.coef_, model.coef_)
    assert model.cluster_labels_.tolist() == [0, 0, 1, 1]


def test_weights_of_neighbours():
    values = np.array([[0.0], [1.0], [3.0], [30.0]])
    graph = nearest_neighbours(values, 1)
    pairs = list(zip(graph.first, graph.second, strict=True))
    assert pairs == [(0, 1), (1, 2), (2, 3)]
    np.testing.assert_allclose(graph.weight, np.exp(-0.5))  # farthest of their ends
    assert nearest_neighbours(values, 2).weight[0] == pytest.approx(np.exp(-1 / 18))
    assert len(nearest_neighbours(values[:1], 5).weight) == 0
    assert np.all(nearest_neighbours(np.zeros((4, 2)), 2).weight == 1.0)


# ------------------------------------------------------------------ invariances
@pytest.mark.parametrize("norm", NORMS)
def test_permutations_and_weights(norm):
    problem = ragged()
    X, y, task = problem.X, problem.y, problem.extra["task"]
    options = {"alpha": 0.3, "norm": norm, "tol": 1e-10, "ridge": 0.01}
    model = TaskGraphRegressor(graph=RING, **options).fit(X, y, task=task)
    order, back = np.random.default_rng(0).permutation(T), np.empty(T, dtype=int)
    back[order] = np.arange(T)
    ring = [(int(back[e[0]]), int(back[e[1]]), *e[2:]) for e in reversed(RING)]
    other = TaskGraphRegressor(graph=ring, **options)
    rows, columns = np.random.default_rng(1).permutation(len(y)), np.arange(P)[::-1]
    other.fit(X[rows][:, columns], y[rows], task=back[task[rows]])
    np.testing.assert_allclose(other.coef_[back][:, columns], model.coef_, atol=1e-4)
    twice = np.concatenate([np.arange(len(y)), np.flatnonzero(task == 3)[:7]])
    weight = np.ones(len(y))
    weight[np.flatnonzero(task == 3)[:7]] = 2.0
    extra = np.concatenate([task, [3]]), np.concatenate([weight, [0.0]])
    a = clone(model).fit(X[twice], y[twice], task=task[twice])
    b = clone(model).fit(
        np.vstack([X, X[:1] + 9]), np.append(y, 99.0), task=extra[0],
        sample_weight=extra[1],
    )  # fmt: skip
    np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_layouts_statistics_and_streams_agree(norm):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4))
    Y = X @ rng.normal(size=(4, 3)) + rng.normal(size=(80, 3))
    Y[rng.random(Y.shape) < 0.3] = np.nan
    options = {"alpha": 0.2, "norm": norm, "graph": "chain", "scale_y": True}
    wide = TaskGraphRegressor(**options, tol=1e-10).fit(X, Y)
    rows, task = np.nonzero(~np.isnan(Y))
    long = clone(wide).fit(X[rows], Y[rows, task], task=task)
    thin = clone(wide).fit(sparse.csr_array(X), Y)
    stream = clone(wide)
    for part in (slice(0, 30), slice(30, 80)):
        stream.partial_fit(X[part], Y[part])
    again = clone(wide).fit_statistics(TaskStatistics.from_rows(X, Y))
    for other in (long, thin, stream, again):
        np.testing.assert_allclose(other.coef_, wide.coef_, atol=1e-4)
        assert other.objective_ == pytest.approx(wide.objective_, rel=1e-8)
    warm = clone(wide).set_params(warm_start=True).fit(X, Y)
    first = warm.n_iter_
    assert warm.fit(X, Y).n_iter_ <= first
    assert pickle.loads(pickle.dumps(wide)).graph_.nnz == 4


def test_a_new_task_gets_the_mean():
    X, y, task = planted([0, 0, 1])
    model = TaskGraphRegressor(0.5, unseen="shared").fit(X, y, task=task)
    with pytest.warns(UserWarning, match="never seen"):
        found = model.predict(X, task=9)
    expected = X @ model.coef_.mean(axis=0) + model.intercept_.mean()
    np.testing.assert_allclose(found, expected)


# ------------------------------------------------------------------ classes
def test_tasks_of_one_class_are_left_out_of_the_graph():
    problem = ragged("logistic")
    y = np.where(problem.extra["task"] == 2, 0.0, problem.y)
    model = TaskGraphClassifier(0.2, ridge=0.01, norm="l2", graph="chain", tol=1e-6)
    with pytest.warns(UserWarning, match="one class only"):
        model.fit(problem.X, y, **problem.extra)
    assert model.graph_.shape == (T, T)
    assert model.graph_[[1], [3]] == 1.0  # neighbours now
    assert not model.graph_[[2]].nnz
    assert model.cluster_labels_[2] == -1
    assert not model.coef_[2].any()
    kept = np.delete(model.coef_, 2, axis=0)
    np.testing.assert_allclose(model.coef_shared_, kept.mean(axis=0))
    gap = duality_gap(model, problem.X, y, **problem.extra)
    assert gap <= 3 * model.dual_gap_ + 1e-9
    nothing = TaskGraphClassifier(norm="l1")
    with pytest.warns(UserWarning, match="one class only"):
        nothing.fit(problem.X, np.zeros(len(y)), **problem.extra)
    assert nothing.cluster_labels_.tolist() == [-1] * T
    assert not nothing.coef_shared_.any()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("graph", ["mean", "chain", "knn"])
def test_equal_classes_are_tied(norm, graph):
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(200, 4)), np.repeat(np.arange(4), 50)
    y = (X[:, :3] + 0.7 * rng.normal(size=(200, 3))).argmax(axis=1)
    options = {"norm": norm, "graph": graph, "ridge": 0.02, "tol": 1e-7}
    model = TaskGraphClassifier(0.02, **options).fit(X, y, task=task)
    assert model.coef_.shape == (12, 4)
    assert model.coef_shared_.shape == (3, 4)
    assert duality_gap(model, X, y, task=task) <= 3 * model.dual_gap_ + 1e-9
    reference = TaskGraphClassifier(0.02, solver="cvxpy", **options)
    reference.fit(X, y, task=task)
    assert reference.objective_ == pytest.approx(model.objective_, abs=1e-6)
    pooled = TaskGraphClassifier(1e6, **options).fit(X, y, task=task)
    for k in range(3):
        np.testing.assert_allclose(pooled.coef_[k::3].std(axis=0), 0, atol=1e-4)
    other = np.where((task == 1) & (y == 2), 0, y)
    with pytest.raises(ValueError, match="all tasks need the same"):
        model.fit(X, other, task=task)


# ------------------------------------------------------------------ graphs
def fit_graph(graph, **options):
    problem = ragged()
    model = TaskGraphRegressor(0.3, graph=graph, **options)
    return model.fit(problem.X, problem.y, **problem.extra)


def test_all_ways_to_give_a_graph_agree():
    weights = np.zeros((T, T))
    for s, t, a in GRAPHS["ring"][1]:
        weights[s, t] = weights[t, s] = a
    labels = list(range(T))
    shuffled = labels[::-1]
    frame = pd.DataFrame(weights, index=labels, columns=labels)
    ways = [
        weights,
        sparse.csr_array(weights),
        sparse.csr_matrix(weights),
        frame.loc[shuffled, shuffled],
        {(s, t): a for s, t, a in GRAPHS["ring"][1]},
        tuple(RING),
        [*RING, (0, 99, 3.0), (99, 100)],  # of tasks that the data lack
    ]
    model = fit_graph(RING)
    np.testing.assert_allclose(model.graph_.toarray(), weights)
    for way in ways:
        other = fit_graph(way)
        np.testing.assert_allclose(other.graph_.toarray(), weights)
        np.testing.assert_allclose(other.coef_, model.coef_, atol=1e-6)


NOT_SYMMETRIC = np.triu(np.ones((T, T)), 1)
WITH_LOOP = np.eye(T)
BAD_GRAPHS = {
    "name": ("ring", ValueError, "must be one of 'mean', 'chain', 'knn'"),
    "shape": (np.zeros((3, 3)), ValueError, r"shape \(3, 3\), but 8 tasks"),
    "symmetry": (NOT_SYMMETRIC, ValueError, "symmetric; its weights from 0 to"),
    "loop": (WITH_LOOP, ValueError, "ties task 0 to itself; its diagonal"),
    "negative": (-np.ones((T, T)), ValueError, "finite and at least 0, got -1"),
    "nan": (np.full((T, T), np.nan), ValueError, "finite and at least 0, got nan"),
    "text": (np.full((T, T), "a"), ValueError, "must hold numbers"),
    "unnamed": ([(0, 1)], ValueError, "does not name task 2"),
    "other labels": ([("0", "1")], ValueError, "does not name task 0"),
    "twice": ([(0, 1), (1, 0)], ValueError, "between 1 and 0 twice"),
    "self": ([(0, 0)], ValueError, "ties task 0 to itself"),
    "edge": ([(0, 1, 2, 3)], ValueError, r"An edge of graph is \(task, task\)"),
    "weight": ([*RING[1:], (0, 1, "x")], ValueError, "must be numbers"),
    "minus": ([*RING[1:], (0, 1, -2)], ValueError, "finite and at least 0, got -2"),
    "frame": (pd.DataFrame(np.zeros((2, 2))), ValueError, "no row for task 2"),
    "number": (3, ValueError, "The 'graph' parameter"),
}


@pytest.mark.parametrize("case", BAD_GRAPHS)
def test_bad_graphs(case):
    graph, error, words = BAD_GRAPHS[case]
    with pytest.raises(error, match=words):
        fit_graph(graph)


def test_bad_options():
    with pytest.raises(ValueError, match="order belongs to graph='chain'"):
        fit_graph("mean", order=list(range(T)))
    with pytest.raises(ValueError, match="task_features belongs to graph='knn'"):
        fit_graph("chain", task_features=np.zeros((T, 2)))
    with pytest.raises(ValueError, match="does not name task 7"):
        fit_graph("chain", order=list(range(T - 1)))
    for bad, words in (
        (np.zeros((3, 2)), "has 3 rows, but 8 tasks"),
        (np.zeros(T), "must hold numbers"),
        (np.full((T, 1), np.inf), "must be finite"),
        ({0: [1.0]}, "task_features does not describe task 1"),
        ({0: [1.0], 1: [1.0, 2.0]}, "as many numbers"),
    ):
        with pytest.raises(ValueError, match=words):
            fit_graph("knn", task_features=bad)
    for name, bad in {"alpha": -1, "ridge": -1, "norm": "l3", "n_neighbors": 0}.items():
        with pytest.raises(ValueError, match=f"The '{name}' parameter"):
            clone(TaskGraphRegressor()).set_params(**{name: bad}).fit(
                np.eye(4), np.arange(4.0)
            )
    with pytest.raises(AttributeError, match="squared differences never vanish"):
        _ = fit_graph("mean").cluster_labels_


def test_a_chain_of_text_needs_an_order():
    X, y, task = planted([0, 0, 1])
    months = np.array(["Jan", "Feb", "Mar"])
    with pytest.raises(ValueError, match="sorts by letters"):
        TaskGraphRegressor(graph="chain").fit(X, y, task=months[task])
    model = TaskGraphRegressor(0.3, graph="chain", order=["Jan", "Feb", "Mar", "Apr"])
    model.fit(X, y, task=months[task])
    numbers = TaskGraphRegressor(0.3, graph="chain").fit(X, y, task=task)
    place = [model.tasks_.tolist().index(m) for m in months]
    np.testing.assert_allclose(model.coef_[place], numbers.coef_)
    Y = pd.DataFrame(np.random.default_rng(0).normal(size=(9, 2)), columns=["b", "a"])
    wide = TaskGraphRegressor(graph="chain").fit(X[:9, :2], Y)  # columns as they stand
    assert wide.graph_.nnz == 2


def test_folds_that_lack_a_task():
    X, y, task = planted([0, 0, 1, 1])
    frame = pd.DataFrame(1.0 - np.eye(4))
    folds = [(np.flatnonzero(task != t), np.flatnonzero(task == t)) for t in (0, 3)]
    for graph in ("mean", "chain", "knn", frame, [(0, 1), (1, 2), (2, 3)]):
        model = TaskGraphRegressor(0.3, graph=graph, unseen="shared")
        search = AlphaPathCV(model, alphas=[0.1, 1.0], cv=folds).fit(X, y, task=task)
        assert search.cv_scores_.shape == (2, 2, 4)
        train, test = folds[0]
        one = model.set_params(alpha=1.0).fit(X[train], y[train], task=task[train])
        assert one.graph_.shape == (3, 3)
        error = y[test] - X[test] @ one.coef_shared_ - one.intercept_.mean()
        expected = np.mean(error**2)
        assert search.cv_scores_[0, 0, 0] == pytest.approx(expected, rel=1e-3)
    model = TaskGraphRegressor(graph=frame.to_numpy())
    with pytest.raises(ValueError, match="Pass a DataFrame labelled by task"):
        model.fit(X[train], y[train], task=task[train])


# ------------------------------------------------------------------ paths
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("graph", ["mean", "chain", "knn"])
def test_a_path_starts_near_the_pooled_model(graph, norm):
    problem = ragged()
    X, y, task = problem.X, problem.y, problem.extra["task"]
    model = TaskGraphRegressor(graph=graph, norm=norm, tol=1e-8)
    path = mtl_path(model, X, y, task=task, alphas=4, eps=0.03)
    pooled = clone(model).set_params(alpha=1e8).fit(X, y, task=task).coef_

    def distance(coef):
        moved = [np.var(X[task == t] @ d) for t, d in enumerate(coef - pooled)]
        return np.sqrt(np.sum(moved) / np.sum([np.var(y[task == t]) for t in range(T)]))

    assert distance(path.coefs[0]) <= 0.0101
    below = clone(model).set_params(alpha=0.5 * path.alphas[0]).fit(X, y, task=task)
    assert distance(below.coef_) > 0.01
    for alpha, coef in zip(path.alphas, path.coefs, strict=True):
        one = clone(model).set_params(alpha=alpha).fit(X, y, task=task)
        np.testing.assert_allclose(coef, one.coef_, atol=2e-3)


@pytest.mark.parametrize("norm", NORMS)
def test_search_along_the_path_of_a_classifier(norm):
    problem = ragged("logistic")
    X, y, task = problem.X, problem.y, problem.extra["task"]
    model = TaskGraphClassifier(norm=norm, ridge=0.01, graph="knn")
    path = AlphaPathCV(model, alphas=5, cv=TaskKFold(3)).fit(X, y, task=task)
    assert path.alpha_ in path.alphas_
    assert path.best_estimator_.graph_.shape == (T, T)
    assert np.all(path.cv_mean_scores_[0] < path.cv_mean_scores_[-1])  # better pooled


# ------------------------------------------------------------------ scikit-learn
@parametrize_with_checks(
    [
        TaskGraphRegressor(),
        TaskGraphRegressor(0.1, norm="l2", graph="knn", ridge=0.01),
        TaskGraphRegressor(0.1, norm="l1", graph="chain", ridge=0.01),
        TaskGraphClassifier(),
        TaskGraphClassifier(norm="l2", ridge=0.01),
    ],
    expected_failed_checks=lambda estimator: (
        {"check_classifier_multioutput": "classes_ is a list with an array per task"}
        if hasattr(estimator, "class_weight")
        else {}
    ),
)
@pytest.mark.filterwarnings("ignore:.*labels of one class only:UserWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)
