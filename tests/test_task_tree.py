"""Trees of tasks: weights, nested proxes, certificates, limits, planted trees."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from _eight_tasks import KINDS, T, eight_tasks, optimum
from _mutants import CAUGHT
from _problems import make_problem
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from scipy.cluster.hierarchy import dendrogram, is_valid_linkage, linkage
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks
from test_estimators import expected_failures, since_callbacks

from skmtl import (
    AlphaPathCV,
    GroupLassoRegressor,
    TaskStatistics,
    TaskTreeClassifier,
    TaskTreeRegressor,
    duality_gap,
    kkt_residual,
    mtl_path,
    objective,
)
from skmtl.linear_model.tree_of_tasks import keep_leaves, read_tree, tree_nodes
from skmtl.penalties import TaskTree


def a_linkage(n, seed=0):
    """Return a linkage of n leaves with heights up to 1."""
    points = np.random.default_rng(seed).normal(size=(n, 2))
    tree = linkage(points, method="average")
    tree[:, 2] /= tree[-1, 2]
    return tree


def groups_of(parent, weight, n_leaves):
    """Return [(leaves, weight)] of all nodes."""
    below = [[t] if t < n_leaves else [] for t in range(len(parent))]
    for v, u in enumerate(parent):
        if u >= 0:
            below[u] += below[v]
    return list(zip(below, weight, strict=True))


def by_the_paper(tree, n_leaves):
    """Return [(leaves, weight)] by the recursion of Kim and Xing, from the root."""
    groups = []

    def visit(v, factor):
        if v < n_leaves:
            groups.append(([v], factor))
            return [v]
        left, right, h, _ = tree[v - n_leaves]
        below = visit(int(left), factor * h) + visit(int(right), factor * h)
        groups.append((below, factor * (1 - h)))  # g = 1 - s, s = h
        return below

    visit(2 * n_leaves - 2, 1.0)
    return groups


def value_of(groups, W):
    """Return sum of weight * row norms over the groups."""
    return sum(w * np.linalg.norm(W[:, g], axis=1).sum() for g, w in groups)


def path_sums(parent, weight, n_leaves):
    """Return the sum of the weights from each leaf to its root."""
    total = []
    for v in range(n_leaves):
        size = weight[v]
        while parent[v] >= 0:
            v = parent[v]
            size += weight[v]
        total.append(size)
    return total


# ------------------------------------------------------------------ weights
@pytest.mark.parametrize("n", [2, 3, 5, 9, 20])
def test_weights_are_those_of_the_paper(n):
    tree = a_linkage(n, seed=n)
    parent, weight = tree_nodes(tree)
    W = np.random.default_rng(0).normal(size=(6, n))
    expected = value_of(by_the_paper(tree, n), W)
    assert TaskTree(1.0, parent, weight).value(W) == pytest.approx(expected)
    np.testing.assert_allclose(path_sums(parent, weight, n), 1.0)
    doubled = tree * [1, 1, 7.0, 1]  # heights above 1 are shares of the root's
    np.testing.assert_allclose(tree_nodes(doubled)[1], weight)


def test_ties_are_one_node():
    tree, labels = read_tree([["a", "b", "c"], "d"], None, "X")
    assert labels.tolist() == ["a", "b", "c", "d"]
    np.testing.assert_allclose(tree[:, 2], np.array([1, 1, 2]) / 3)
    found = [g for g in groups_of(*tree_nodes(tree), 4) if g[1] > 0]
    expected = {(0,): 2 / 9, (3,): 2 / 3, (0, 1, 2): 4 / 9, (0, 1, 2, 3): 1 / 3}
    assert {tuple(sorted(g)) for g, _ in found} == {(1,), (2,), *expected}
    for group, weight in found:
        key = (0,) if group in ([1], [2]) else tuple(sorted(group))
        assert weight == pytest.approx(expected[key])


@pytest.mark.parametrize("seed", range(20))
def test_cut_leaves_are_coefficients_of_zero(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    parent, weight = tree_nodes(a_linkage(n, seed))
    kept = rng.permutation(n)[: rng.integers(1, n + 1)]
    cut = keep_leaves(parent, weight, kept)
    W, full = rng.normal(size=(3, len(kept))), np.zeros((3, n))
    full[:, kept] = W
    whole = TaskTree(1.3, parent, weight)
    assert TaskTree(1.3, *cut).value(W) == pytest.approx(whole.value(full))
    np.testing.assert_allclose(path_sums(*cut, len(kept)), 1.0)
    assert (cut[0] > np.arange(len(cut[0])))[cut[0] >= 0].all()  # children first
    assert (cut[1][len(kept) :] > 0).all()


# ------------------------------------------------------------------ the prox
class RootFirst(TaskTree):
    """Wrong: from the root to the leaves."""

    def prox(self, V, step):
        below = groups_of(self.parent, self.weight, V.shape[1])
        out = V.copy()
        for group, weight in below[::-1]:
            size = np.linalg.norm(out[:, group], axis=1, keepdims=True)
            left = np.maximum(size - step * self.alpha * weight, 0)
            out[:, group] *= left / np.where(size > 0, size, 1)
        return out


class LeavesForgotten(TaskTree):
    """Wrong: without the l1 norm of the leaves."""

    def prox(self, V, step):
        T = V.shape[1]
        weight = np.where(np.arange(len(self.weight)) < T, 0.0, self.weight)
        return self._row_prox(V, step * self.alpha * weight)


class AllAtOnce(TaskTree):
    """Wrong: every node by the norm of what it held at first."""

    def prox(self, V, step):
        out = V.copy()
        for group, weight in groups_of(self.parent, self.weight, V.shape[1]):
            size = np.linalg.norm(V[:, group], axis=1, keepdims=True)
            left = np.maximum(size - step * self.alpha * weight, 0)
            out[:, group] *= left / np.where(size > 0, size, 1)
        return out


class ForgetsTheStep(TaskTree):
    """Wrong: a step of 1."""

    def prox(self, V, step):
        return super().prox(V, 1.0)


NODES = tree_nodes(a_linkage(4, seed=2))
MIXED = read_tree([[0, 1, 2], 3], None, "X")[0]
GAUGES = {
    "binary": TaskTree(0.7, *NODES),
    "several": TaskTree(0.7, *tree_nodes(MIXED)),
    "forest": TaskTree(0.7, *keep_leaves(*NODES, [2, 0, 1, 3])),
    "leaves": TaskTree(0.7, np.full(4, -1), np.ones(4)),
}
RIGHT = [pytest.param(g, id=name) for name, g in GAUGES.items()]
WRONG = [
    pytest.param(
        kind(0.7, *tree_nodes(MIXED)), id=kind.__name__,
        marks=CAUGHT,
    )
    for kind in (RootFirst, LeavesForgotten, AllAtOnce, ForgetsTheStep)
]  # fmt: skip
every = pytest.mark.parametrize("penalty", RIGHT)
MATRIX = arrays(np.float64, (3, 4), elements=st.floats(-5, 5))
STEP = st.floats(0.05, 2)


@pytest.mark.parametrize("penalty", [*RIGHT, *WRONG])
@given(V=MATRIX, step=STEP, seed=st.integers(0, 2**32 - 1))
def test_prox_is_the_minimum_nearby(penalty, V, step, seed):
    found = penalty.prox(V, step)
    value = 0.5 * np.sum((found - V) ** 2) + step * penalty.value(found)
    rng = np.random.default_rng(seed)
    for size in (1.0, 0.1, 0.01):
        D = size * rng.normal(size=V.shape) * (rng.random(V.shape) < 0.5)
        for Q in (found + D, found * (1 + size * rng.normal()), found * (1 + D)):
            other = 0.5 * np.sum((Q - V) ** 2) + step * penalty.value(Q)
            assert other >= value - 1e-11


@pytest.mark.parametrize("penalty", [*RIGHT, *WRONG])
def test_prox_is_what_cvxpy_finds(penalty):
    rng = np.random.default_rng(0)
    for step in (0.4, 1.5):
        V = rng.normal(size=(6, 4)) * np.array([0.3, 1, 1, 2, 4, 0])[:, None]
        B = cp.Variable(V.shape)
        value = sum(
            w * cp.sum(cp.norm(B[:, g], 2, axis=1))
            for g, w in groups_of(penalty.parent, penalty.weight, 4)
        )
        value = cp.sum_squares(B - V) / 2 + step * penalty.alpha * value
        cp.Problem(cp.Minimize(value)).solve(solver="CLARABEL")
        np.testing.assert_allclose(penalty.prox(V, step), B.value, atol=2e-4)


@every
@given(V=MATRIX, Z=MATRIX, step=STEP)
def test_prox_is_firmly_non_expansive(penalty, V, Z, step):
    A, B = penalty.prox(V, step), penalty.prox(Z, step)
    assert np.sum((A - B) ** 2) <= np.sum((A - B) * (V - Z)) + 1e-10


@every
@given(V=MATRIX, factor=st.floats(-10, 10), step=STEP)
def test_homogeneity_and_euler(penalty, V, factor, step):
    assert penalty.value(factor * V) == pytest.approx(abs(factor) * penalty.value(V))
    A = penalty.prox(V, step)
    assert np.sum((V - A) * A) == pytest.approx(step * penalty.value(A), abs=1e-9)


@every
def test_prox_with_a_step_per_row(penalty):
    V, steps = np.random.default_rng(0).normal(size=(3, 4)), np.array([0.1, 0.5, 2])
    found = penalty.prox(V, steps[:, None])
    for j in range(3):
        np.testing.assert_allclose(found[[j]], penalty.prox(V[[j]], steps[j]))


@every
@pytest.mark.parametrize("size", [0.0, 1e-150, 1e150])
def test_finite_at_the_ends(penalty, size):
    V = size * np.array([[1.0, -2.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    with np.errstate(divide="raise", invalid="raise"):
        P = penalty.prox(V, 0.5)
        assert np.isfinite(P).all()
        assert np.isfinite(penalty.value(V))
        assert np.isfinite(penalty.subdiff_distance(P, V)).all()
        for rho, _ in penalty.dual_points(V):
            assert 0 <= rho <= 1


# ------------------------------------------------------------------ certificates
@every
@pytest.mark.parametrize("seed", range(15))
def test_alpha_max_and_dual_points_are_exact(penalty, seed):
    rng = np.random.default_rng(seed)
    G = rng.normal(size=(5, 4))
    if seed % 3 == 0:
        G = np.round(2 * G)
        G[:, 1] = G[:, 0]
    G *= 10.0 ** rng.integers(-3, 4)
    alpha = penalty.alpha_max(G)
    assert alpha > 0
    assert not replace(penalty, alpha=alpha * (1 + 1e-9)).prox(-G, 1.0).any()
    assert replace(penalty, alpha=alpha * (1 - 1e-9)).prox(-G, 1.0).any()
    ((rho, conjugate),) = penalty.dual_points(G)
    assert conjugate == 0
    assert rho == pytest.approx(min(1.0, penalty.alpha / alpha), rel=1e-9)
    W = rng.normal(size=G.shape)
    assert abs(np.vdot(G, W)) <= alpha * penalty.value(W) / penalty.alpha + 1e-9 * alpha


@every
@given(V=MATRIX, step=STEP)
def test_no_distance_at_a_prox(penalty, V, step):
    found = penalty.prox(V, step)
    distance = penalty.subdiff_distance(found, (found - V) / step)
    assert distance.max() <= 1e-8 * (1 + np.abs(V).max() / step)


@every
def test_distance_is_the_distance(penalty):
    """Against a projection onto the subdifferential, found by CVXPY."""
    rng = np.random.default_rng(1)
    W, G = rng.normal(size=(6, 4)), rng.normal(size=(6, 4))
    W[0], W[1, 1], W[2, :2], W[3, 1:], W[4, [0, 3]] = 0, 0, 0, 0, 0
    found = penalty.subdiff_distance(W, G)
    for j in range(6):
        pull, rules = 0, []
        for group, weight in groups_of(penalty.parent, penalty.weight, 4):
            if weight == 0:
                continue
            B, w = cp.Variable(4), W[j, group]
            rest = [t for t in range(4) if t not in group]
            rules += [cp.norm(B) <= 1] + ([B[rest] == 0] if rest else [])
            if w.any():
                rules.append(B[group] == w / np.linalg.norm(w))
            pull = pull + penalty.alpha * weight * B
        program = cp.Problem(cp.Minimize(cp.norm(-G[j] - pull)), rules)
        assert found[j] == pytest.approx(program.solve(solver="CLARABEL"), abs=1e-5)


# ------------------------------------------------------------------ the optimum
TREES = {
    "linkage": a_linkage(T),
    "nested": [[0, 1, 2], [[3, 4], [5, 6, 7]]],
    "labelled": (a_linkage(T + 1, seed=1), [8, 3, 1, 0, 2, 4, 5, 6, 7]),
}


def omega_of(tree, alpha, tasks):
    """Return the penalty as an expression, by the weights of the paper."""
    if isinstance(tree, list):
        tree, labels = read_tree(tree, tasks, "X")
    elif isinstance(tree, tuple):
        tree, labels = tree
    else:
        labels = tasks
    groups = (
        by_the_paper(tree, len(labels))
        if len(np.unique(tree[:, 2])) == len(tree)
        else groups_of(*tree_nodes(tree), len(labels))
    )
    column = {label: k for k, label in enumerate(np.asarray(tasks).tolist())}

    def omega(W):
        value = 0
        for group, weight in groups:
            here = [column[labels[v]] for v in group if labels[v] in column]
            if here and weight > 0:
                value += weight * cp.sum(cp.norm(W[:, here], 2, axis=1))
        return alpha * value

    return omega


@pytest.mark.parametrize("kind", [*KINDS, "mixed"])
@pytest.mark.parametrize("name", TREES)
def test_optimum_of_regressors(kind, name):
    X, y, task, s, losses = eight_tasks(kind, weights=name == "nested")
    omega = omega_of(TREES[name], 0.05, np.arange(T))
    expected, _ = optimum(X, y, task, s, losses, omega)
    model = TaskTreeRegressor(0.05, tree=TREES[name], loss=losses, tol=1e-7)
    model.fit(X, y, task=task, sample_weight=s)
    assert model.converged_
    assert model.objective_ == pytest.approx(expected, rel=1e-6, abs=1e-6)
    steps = clone(model).set_params(solver="fista", max_iter=50_000)
    steps.fit(X, y, task=task, sample_weight=s)
    assert steps.objective_ == pytest.approx(expected, rel=1e-6, abs=1e-6)
    data = {"task": task, "sample_weight": s}
    assert objective(model, X, y, **data) == pytest.approx(model.objective_, rel=1e-9)
    assert duality_gap(model, X, y, **data) <= 2 * model.dual_gap_ + 1e-12
    assert kkt_residual(model, X, y, **data).max() < 0.02


@pytest.mark.parametrize("name", [*TREES, "auto"])
def test_optimum_of_classifiers(name):
    X, y, task, s, losses = eight_tasks("logistic")
    model = TaskTreeClassifier(0.03, tree=TREES.get(name, "auto"), tol=1e-7)
    model.fit(X, np.where(y == 1, "yes", "no"), task=task)
    tree = (model.tree_, model.tree_tasks_.tolist())
    omega = omega_of(tree, 0.03, np.arange(T))
    expected, _ = optimum(X, y, task, s, losses, omega)
    assert model.converged_
    assert model.objective_ == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("tree", ["auto", "given"])
@pytest.mark.parametrize(
    "problem",
    ["wide", "wide_nan", "sparse", "n_below_p", "one_task", "zero_column", "scales"],
)
def test_layouts_agree_with_the_reference(problem, tree):
    problem = make_problem(problem)
    own = TaskTreeRegressor(0.1, tol=1e-8, max_iter=50_000)
    own.fit(problem.X, problem.y, **problem.extra)
    assert own.converged_
    if tree == "given":
        own.set_params(tree=(own.tree_, own.tree_tasks_))
        own.fit(problem.X, problem.y, **problem.extra)
    reference = clone(own).set_params(solver="cvxpy")
    reference.fit(problem.X, problem.y, **problem.extra)
    assert own.objective_ == pytest.approx(reference.objective_, rel=1e-5)
    if tree == "given":
        assert own.objective_ == pytest.approx(reference.objective_, rel=1e-6)
        assert reference.objective_ - own.objective_ <= reference.dual_gap_ + 1e-9


def test_sparse_features_are_as_dense_ones():
    X, y, task, s, _ = eight_tasks(sparse=True, weights=True)
    model = TaskTreeRegressor(0.05, tree=TREES["nested"], tol=1e-11)
    dense = model.fit(X, y, task=task, sample_weight=s).coef_.copy()
    model.fit(sparse.csc_array(X), y, task=task, sample_weight=s)
    np.testing.assert_allclose(model.coef_, dense, atol=1e-6)


# ------------------------------------------------------------------ limits
@pytest.fixture
def planted():
    """Return X, Y of six tasks in two groups of different features."""
    rng = np.random.default_rng(0)
    X, coef = rng.normal(size=(120, 8)), np.zeros((6, 8))
    coef[[0, 2, 5], :2] = rng.uniform(1, 2, size=(3, 2))
    coef[[1, 3, 4], 4:6] = rng.uniform(1, 2, size=(3, 2))
    coef[5] *= -1  # what a feature does may differ in sign
    return X, X @ coef.T + rng.normal(size=(120, 6))


def heights(value):
    tree = a_linkage(6)
    tree[:, 2] = value
    return tree


def test_leaves_alone_are_the_lasso_and_a_root_alone_the_group_lasso(planted):
    for height, ratio in ((1.0, 1.0), (0.0, 0.0), (0.3, 0.3)):
        tree = TaskTreeRegressor(0.2, tree=heights(height), tol=1e-12).fit(*planted)
        lasso = GroupLassoRegressor(0.2, l1_ratio=ratio, tol=1e-12).fit(*planted)
        np.testing.assert_allclose(tree.coef_, lasso.coef_, atol=1e-7)


def test_planted_tree_is_grown_and_used(planted):
    model = TaskTreeRegressor(0.35, tol=1e-8).fit(*planted)
    assert is_valid_linkage(model.tree_)
    two = dendrogram(model.tree_, no_plot=True, color_threshold=0.8)
    sides = "".join(map(str, two["leaves"]))
    assert {"".join(sorted(sides[:3])), "".join(sorted(sides[3:]))} == {"025", "134"}
    used = model.coef_ != 0
    assert used[[0, 2, 5]][:, :2].all()
    assert used[[1, 3, 4]][:, 4:6].all()
    assert used.sum() == 12
    again = clone(model).fit(*planted)
    np.testing.assert_array_equal(again.tree_, model.tree_)


def test_units_of_features_and_labels_do_not_move_the_tree(planted):
    X, Y = planted
    tree = TaskTreeRegressor(0.3).fit(X, Y).tree_
    other = TaskTreeRegressor(0.3).fit(X * 10.0 ** np.arange(-3, 5), Y).tree_
    with pytest.warns(UserWarning, match="variance"):
        units = TaskTreeRegressor(0.3).fit(X, Y * [1, 100, 1, 0.01, 1, 1]).tree_
    np.testing.assert_allclose(units, tree, atol=1e-2)
    np.testing.assert_allclose(other, tree, atol=1e-2)


# ------------------------------------------------------------------ around it
def test_permuted_tasks_rows_and_features(planted):
    X, Y = planted
    rng = np.random.default_rng(0)
    p, q, rows = rng.permutation(6), rng.permutation(8), rng.permutation(120)
    nested = [[0, 2, 5], [1, [3, 4]]]
    place = np.argsort(p)
    moved = [
        [int(place[t]) for t in (0, 2, 5)],
        [int(place[1]), [int(place[3]), int(place[4])]],
    ]
    for tree, other in (("auto", "auto"), (nested, moved)):
        model = TaskTreeRegressor(0.2, tree=tree, tol=1e-11).fit(X, Y)
        found = TaskTreeRegressor(0.2, tree=other, tol=1e-11)
        found.fit(X[rows][:, q], Y[rows][:, p])
        np.testing.assert_allclose(found.coef_, model.coef_[p][:, q], atol=1e-6)


def test_path_starts_where_the_model_is_empty(planted):
    model = TaskTreeRegressor(tree=[[0, 2, 5], [1, 3, 4]], tol=1e-8)
    path = mtl_path(model, *planted, alphas=8, eps=1e-2)
    assert not path.coefs[0].any()
    assert model.set_params(alpha=0.9999 * path.alphas[0]).fit(*planted).coef_.any()
    for k in (3, 7):
        single = clone(model).set_params(alpha=path.alphas[k]).fit(*planted)
        np.testing.assert_allclose(path.coefs[k], single.coef_, atol=1e-3)


@pytest.mark.parametrize("loss", ["squared", "huber"])
@pytest.mark.parametrize("kind", ["auto", "labelled"])
def test_folds_that_lack_a_task(planted, kind, loss):
    X, Y = planted
    labels = np.array(list("abcdef"))
    task, y = labels[np.arange(120) % 6], Y[np.arange(120), np.arange(120) % 6]
    tree = "auto" if kind == "auto" else [["a", "c", "f"], ["b", "d", "e"]]
    model = TaskTreeRegressor(tree=tree, loss=loss, unseen="shared")
    folds = [(np.flatnonzero(task != t), np.flatnonzero(task == t)) for t in labels]
    search = AlphaPathCV(model, alphas=[0.5, 0.05], cv=folds, n_jobs=2)
    search.fit(X, y, task=task)
    one = clone(search).set_params(n_jobs=1).fit(X, y, task=task)
    assert np.isfinite(search.cv_mean_scores_).all()
    np.testing.assert_allclose(search.cv_mean_scores_, one.cv_mean_scores_, rtol=1e-6)
    assert search.best_estimator_.tree_tasks_.tolist() == (
        list("abcdef") if kind == "auto" else list("acfbde")
    )


def test_a_task_that_is_left_out_is_cut(planted):
    X, Y = planted
    labels = (Y > 0).astype(int)
    labels[:, 2] = 1
    for tree in ("auto", heights(0.5)):
        model = TaskTreeClassifier(0.02, tree=tree)
        with pytest.warns(UserWarning, match="one class only"):
            model.fit(X, labels)
        assert model.coef_.any(axis=1).tolist() == [True, True, False] + [True] * 3
        assert len(model.tree_tasks_) == (5 if isinstance(tree, str) else 6)
    one = np.ones_like(labels)
    with pytest.warns(UserWarning, match="one class only"):
        model = TaskTreeClassifier(0.02).fit(X, one)
    assert len(model.tree_) == len(model.tree_tasks_) == 0


def test_statistics_streams_and_warm_starts(planted):
    X, Y = planted
    model = TaskTreeRegressor(0.2, scale_y=True, tol=1e-10)
    batch = model.fit(X, Y).coef_.copy()
    stream = clone(model)
    for rows in (slice(0, 50), slice(50, 120)):
        stream.partial_fit(X[rows], Y[rows])
    np.testing.assert_allclose(stream.coef_, batch, atol=1e-5)
    stats = clone(model).fit_statistics(TaskStatistics.from_rows(X, Y))
    np.testing.assert_allclose(stats.coef_, batch, atol=1e-5)
    assert model.set_params(warm_start=True).fit(X, Y).n_iter_ <= 10


def test_classes_may_differ_between_tasks(planted):
    X, Y = planted
    labels = np.where(Y > 0, "yes", "no").astype(object)
    labels[:, 1] = np.where(Y[:, 1] > 0, "dead", "alive")
    model = TaskTreeClassifier(0.02).fit(X, labels)
    assert model.task_classes_[1].tolist() == ["alive", "dead"]


@pytest.mark.parametrize("tree", ["auto", [[0, 2, 5], [1, 3, 4]]])
def test_leaves_hold_all_classes_of_their_task(planted, tree):
    X, Y = planted
    labels = np.digitize(Y, [-1, 1]).astype(object)
    labels[:, 1] = np.where(Y[:, 1] > 0, "dead", "alive")  # two classes: one column
    model = TaskTreeClassifier(0.03, tree=tree, tol=1e-7).fit(X, labels)
    first = np.array([0, 3, 4, 7, 10, 13, 16])
    W, b, value = cp.Variable((8, 16)), cp.Variable(16), 0
    place = {t: k for k, t in enumerate(model.tree_tasks_.tolist())}
    groups = groups_of(*tree_nodes(model.tree_), 6)
    for group, weight in groups:
        tasks = [t for t, k in place.items() if k in group]
        columns = np.concatenate([np.arange(first[t], first[t + 1]) for t in tasks])
        value += 0.03 * weight * cp.sum(cp.norm(W[:, columns], 2, axis=1))
    for t in range(6):
        own = slice(first[t], first[t + 1])
        if t == 1:
            z, y = X @ W[:, 3] + b[3], (labels[:, 1] == "dead").astype(float)
            value += cp.sum(cp.logistic(z) - cp.multiply(y, z)) / 120
            continue
        Z = X @ W[:, own] + np.ones((120, 1)) @ cp.reshape(b[own], (1, 3), order="C")
        hit = (labels[:, [t]] == np.arange(3)).astype(float)
        loss = cp.sum(cp.log_sum_exp(Z, axis=1)) - cp.sum(cp.multiply(hit, Z))
        value += loss / 120
    expected = cp.Problem(cp.Minimize(value)).solve(solver="CLARABEL")
    assert model.converged_
    assert model.objective_ == pytest.approx(expected, rel=1e-6)
    assert model.coef_.shape == (16, 8)


def test_a_new_task_gets_the_mean(planted):
    X, Y = planted
    task = np.arange(120) % 6
    model = TaskTreeRegressor(0.1, unseen="shared").fit(X, Y[:, 0], task=task)
    with pytest.warns(UserWarning, match="never seen"):
        found = model.predict(X, task=9)
    shared = X @ model.coef_.mean(axis=0) + model.intercept_.mean()
    np.testing.assert_allclose(found, shared)


@since_callbacks
@pytest.mark.parametrize("kind", [TaskTreeRegressor, TaskTreeClassifier])
def test_scores_along_the_way(planted, kind):
    from sklearn.callback import ScoringMonitor

    X, Y = planted
    regressor = kind is TaskTreeRegressor
    scoring = "r2" if regressor else "accuracy"
    monitor = ScoringMonitor(scoring=scoring)
    y = Y[:, 0] if regressor else Y[:, 0] > 0
    model = kind(0.001, tol=1e-10).set_callbacks(monitor).fit(X, y)
    scores = [row[scoring] for row in monitor.get_logs().data]
    assert len(scores) > 1
    assert np.isfinite(scores).all()
    assert model.converged_


TREE = a_linkage(6)
DOWN = TREE * [1, 1, -1, 1] + [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0.0}, "The 'alpha' parameter"),
        ({"tree": "ward"}, "The 'tree' parameter"),
        ({"tree": 3}, "The 'tree' parameter"),
        ({"solver": "bcd"}, "solver='bcd' cannot take"),
        ({"tree": TREE[:, :3]}, "tree of .* must be 'auto', a linkage"),
        ({"tree": a_linkage(5)}, "a linkage of 5 leaves, and the data hold 6"),
        ({"tree": DOWN}, "no node may be lower"),
        ({"tree": (TREE, [0, 1, 2])}, "3 labels for a linkage of 6"),
        ({"tree": (TREE, [0, 1, 2, 3, 4, 4])}, "each of them once"),
        ({"tree": [[0, 1], [2, 3, 4]]}, "no leaf for task 5"),
        ({"tree": [[0, 1, []], [2, 3, 4, 5]]}, "holds an empty list"),
        ({"tree": [["0", "1"], ["2", "3", "4", "5"]]}, "no leaf for task 0"),
    ],
)
def test_errors(planted, options, message):
    with pytest.raises(ValueError, match=message):
        TaskTreeRegressor(**options).fit(*planted)


@parametrize_with_checks(
    [
        TaskTreeRegressor(0.01),
        TaskTreeRegressor(0.01, scale_y=True),
        TaskTreeClassifier(),
    ],
    expected_failed_checks=expected_failures,
)
@pytest.mark.filterwarnings("ignore:.*labels of one class only:UserWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)
