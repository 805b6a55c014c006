"""Classifiers with more than two classes per task: optimum, answers, layouts."""

import warnings
from itertools import pairwise, permutations

import cvxpy as cp
import numpy as np
import pytest
from _problems import Problem, make_problem
from scipy import sparse
from scipy.special import logsumexp, softmax
from sklearn.datasets import load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.preprocessing import StandardScaler

from skmtl import (
    AlphaPathCV,
    GroupLassoClassifier,
    IndependentTasks,
    ReweightedGroupLassoClassifier,
    SharedSpecificClassifier,
    SharedSubspaceClassifier,
    TaskClusteringClassifier,
    TaskGraphClassifier,
    TaskProgressionClassifier,
    TaskRelationshipClassifier,
    TaskScorer,
    TaskTreeClassifier,
    TraceNormClassifier,
    attach_task,
    compare,
    duality_gap,
    kkt_residual,
    make_mtl_pipeline,
    mtl_path,
    objective,
)
from skmtl.losses import Multinomial
from skmtl.objectives import Columns
from skmtl.objectives._columns import ColumnData
from skmtl.objectives._softmax import SoftmaxLoss

LAYOUTS = (
    "wide",
    "wide_nan",
    "wide_weighted",
    "one_task",
    "ragged",
    "weighted",
    "n_below_p",
    "wide_n_below_p",
    "zero_column",
    "sparse",
    "sparse_csc",
    "sparse_n_below_p",
    "sparse_wide_nan",
)
NUMBERS = (3, 2, 4, 3)  # of classes, task by task


def with_classes(problem, numbers=NUMBERS):
    """Return a problem of numbers with classes, the first ones rare, in each task."""

    def cut(y, K):
        shares = np.cumsum(np.arange(1, K)) / np.arange(1, K + 1).sum()
        return np.searchsorted(np.quantile(y, shares), y, side="right")

    y = problem.y
    labels = np.full(y.shape, np.nan)
    if y.ndim == 2:
        parts = [(np.flatnonzero(~np.isnan(y[:, t])), t) for t in range(y.shape[1])]
    else:
        task = problem.extra.get("task", np.zeros(len(y), dtype=int))
        parts = [(np.flatnonzero(task == t), None) for t in np.unique(task)]
    for (rows, column), K in zip(parts, numbers, strict=False):
        cells = rows if column is None else (rows, column)
        labels[cells] = cut(y[cells], K)
    return Problem(problem.X, labels, problem.extra)


def tasks_of(problem):
    """Return [(X_t, class positions, weights)], by hand."""
    X = problem.X.toarray() if sparse.issparse(problem.X) else problem.X
    y, weight = problem.y, problem.extra.get("sample_weight", np.ones(problem.y.shape))
    if y.ndim == 2:
        seen = ~np.isnan(y)
        parts = [(seen[:, t], y[:, t], weight[:, t]) for t in range(y.shape[1])]
    else:
        task = problem.extra.get("task", np.zeros(len(y), dtype=int))
        parts = [(task == t, y, weight) for t in np.unique(task)]
    found = []
    for rows, values, w in parts:
        codes = np.unique(values[rows], return_inverse=True)[1].reshape(-1)
        found.append((X[rows], codes, w[rows]))
    return found


def solve(problem, *, penalty, fit_intercept=True, task_weight=None, rules=()):
    """Return (optimal value, D0) from the definitions, by CVXPY.

    `penalty` takes an expression (p, C) and the task of each column.
    """
    parts = tasks_of(problem)
    total = np.array([s.sum() for _, _, s in parts])
    c = np.ones(len(parts)) if task_weight is None else total / total.mean()
    columns, terms, D0, task = [], [], 0.0, []
    for t, (X, y, s) in enumerate(parts):
        K = y.max() + 1
        own, share = np.eye(K)[y], np.bincount(y, s) / s.sum()
        D0 -= c[t] * (s @ np.log(share[y] if fit_intercept else 1 / K)) / s.sum() \
            if fit_intercept else -c[t] * np.log(K)  # fmt: skip
        width = K if K > 2 else 1
        W, b = cp.Variable((X.shape[1], width)), cp.Variable((1, width))
        Z = X @ W + (np.ones((len(X), 1)) @ b if fit_intercept else 0.0)
        if width == 1:
            loss = s @ cp.logistic(Z[:, 0]) - (s * y) @ Z[:, 0]
        else:
            loss = s @ cp.log_sum_exp(Z, axis=1)
            loss -= cp.sum(cp.multiply(s[:, None] * own, Z))
        terms.append(c[t] * loss / s.sum())
        columns.append(W)
        task += [t] * width
    value = sum(terms) + penalty(cp.hstack(columns), np.array(task))
    program = cp.Problem(cp.Minimize(value), list(rules))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
        program.solve(solver="CLARABEL")
    return program.value, D0


def rows(W):
    return cp.sum(cp.norm(W, 2, axis=1))


PENALTIES = {
    "rows": ({"alpha": 0.03}, lambda W, task: 0.03 * rows(W)),
    "sparse_rows": (
        {"alpha": 0.03, "l1_ratio": 0.4},
        lambda W, task: 0.018 * rows(W) + 0.012 * cp.sum(cp.abs(W)),
    ),
    "l1": ({"alpha": 0.02, "l1_ratio": 1.0}, lambda W, task: 0.02 * cp.sum(cp.abs(W))),
    "linf": (
        {"alpha": 0.05, "norm": "linf"},
        lambda W, task: 0.05 * cp.sum(cp.max(cp.abs(W), axis=1)),
    ),
    "rows_ridge": (
        {"alpha": 0.02, "ridge": 0.1},
        lambda W, task: 0.02 * rows(W) + 0.05 * cp.sum_squares(W),
    ),
}


def check(model, problem, expected, D0, tol):
    """Assert the value and both certificates."""
    model.fit(problem.X, problem.y, **problem.extra)
    value = objective(model, problem.X, problem.y, **problem.extra)
    slack = 1e-6 * max(abs(expected), D0)
    assert expected - slack <= value <= expected + slack
    assert model.objective_ == pytest.approx(value, rel=1e-9)
    assert model.converged_
    assert model.dual_gap_ <= tol * D0 * (1 + 1e-9)
    gap = duality_gap(model, problem.X, problem.y, **problem.extra)
    assert gap <= 2 * tol * D0
    assert value - expected <= gap + 1e-7 * max(abs(expected), D0)


# ---------------------------------------------------------------- the optimum
EVERY = [(name, penalty, "bcd") for name in LAYOUTS for penalty in PENALTIES]
SOME = [
    (name, penalty, "fista")
    for name in ("ragged", "wide_nan", "sparse_n_below_p")
    for penalty in ("rows", "sparse_rows", "rows_ridge")
]


@pytest.mark.parametrize(("name", "penalty", "solver"), EVERY + SOME)
def test_optimum(name, penalty, solver):
    problem, (options, expression) = (
        with_classes(make_problem(name)),
        PENALTIES[penalty],
    )
    expected, D0 = solve(problem, penalty=expression)
    model = GroupLassoClassifier(**options, solver=solver, tol=1e-7, max_iter=100_000)
    check(model, problem, expected, D0, 1e-7)


@pytest.mark.parametrize("name", ["ragged", "wide_nan"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("task_weight", [None, "n_samples"])
def test_intercepts_and_task_weights(name, fit_intercept, task_weight):
    problem = with_classes(make_problem(name))
    options = {"fit_intercept": fit_intercept, "task_weight": task_weight}
    expected, D0 = solve(problem, penalty=PENALTIES["rows"][1], **options)
    check(GroupLassoClassifier(0.03, tol=1e-7, **options), problem, expected, D0, 1e-7)


def test_features_that_are_never_penalised():
    problem = with_classes(make_problem("ragged"), (3, 3, 2, 3))
    free, rest = [0, 5], [1, 2, 3, 4, 6, 7]
    expected, D0 = solve(problem, penalty=lambda W, task: 0.05 * rows(W[rest, :]))
    weights = np.ones(8)
    weights[free] = 0.0
    model = GroupLassoClassifier(0.05, penalty_weights=weights, tol=1e-7)
    check(model, problem, expected, D0, 1e-7)
    one = np.array([pair[0] == 0 for pair in model.coef_rows_])
    # Nothing else would say where they are.
    np.testing.assert_allclose(model.coef_[one][:, free].sum(axis=0), 0, atol=1e-9)


def test_groups_of_features():
    problem, labels = with_classes(make_problem("weighted")), np.arange(8) // 3

    def blocks(W, task):
        parts = [W[labels == g, :] for g in range(3)]
        return sum(
            0.03 * np.sqrt(part.shape[0]) * cp.norm(part, "fro") for part in parts
        )

    expected, D0 = solve(problem, penalty=blocks)
    model = GroupLassoClassifier(0.03, groups=labels, tol=1e-7)
    check(model, problem, expected, D0, 1e-7)


@pytest.mark.parametrize("name", ["ragged", "wide_nan"])
@pytest.mark.parametrize("shared", ["rows", "low_rank"])
@pytest.mark.parametrize("specific", ["elements", "tasks"])
def test_two_parts(name, shared, specific):
    """A specific part is that of a task, with all its classes."""
    problem = with_classes(make_problem(name))

    def both(W, task):
        Q = cp.Variable(W.shape)
        P = W - Q
        first = rows(P) if shared == "rows" else cp.normNuc(P)
        if specific == "elements":
            return 0.04 * first + 0.025 * cp.sum(cp.abs(Q))
        own = [cp.norm(Q[:, task == t], "fro") for t in np.unique(task)]
        return 0.04 * first + 0.05 * sum(own)

    expected, D0 = solve(problem, penalty=both)
    beta = 0.025 if specific == "elements" else 0.05
    model = SharedSpecificClassifier(
        0.04, beta=beta, shared=shared, specific=specific, tol=1e-5, max_iter=100_000
    )
    check(model, problem, expected, D0, 1e-5)
    own = model.coef_specific_.any(axis=1)
    of_task = {t for (t, _), used in zip(model.coef_rows_, own, strict=True) if used}
    assert model.outlier_tasks_.tolist() == sorted(of_task)


def same_classes():
    """Return a problem of four tasks, three classes each."""
    return with_classes(make_problem("ragged"), (3, 3, 3, 3))


@pytest.mark.parametrize("centred", [False, True])
def test_clusters_of_tasks(centred):
    """Tasks are near each other where their coefficients of all classes are."""
    problem, alpha, beta, k = same_classes(), 0.1, 0.02, 2

    def box(V, k):  # V (K p, T), a task in each column
        M = cp.Variable((4, 4), PSD=True)
        extra.extend([np.eye(4) - M >> 0, cp.trace(M) == k])
        inner = beta * np.eye(4) + alpha * M
        return beta * (alpha + beta) * cp.matrix_frac(V.T, inner)

    def penalty(W, task):
        V = cp.vstack([W[:, class_::3] for class_ in range(3)])
        if not centred:
            return box(V, k)
        mean = V @ np.full((4, 1), 0.25)
        return box(V - mean @ np.ones((1, 4)), k - 1) + 4 * beta * cp.sum_squares(mean)

    extra = []
    expected, D0 = solve(problem, penalty=penalty, rules=extra)
    model = TaskClusteringClassifier(
        n_clusters=k, alpha=alpha, beta=beta, centred=centred, tol=1e-7
    )
    check(model, problem, expected, D0, 1e-7)
    assert model.cluster_labels_.shape == (4,)
    assert model.task_affinity_.shape == (4, 4)
    assert model.cluster_centers_.shape == (2, 3, 8)


def test_clusters_by_k_means():
    """A task of three classes is a point; the groups found are a fixed point."""
    X, y = drawn(600, 6, 3)
    task = np.arange(600) % 4
    y = np.where(task < 2, y, (y + 1) % 3)  # two tasks have other names for them
    model = TaskClusteringClassifier(
        n_clusters=2, alpha=0.1, beta=0.01, method="kmeans", random_state=0, tol=1e-6
    ).fit(X, y, task=task)
    assert model.converged_
    assert model.cluster_labels_.tolist() == [0, 0, 1, 1]
    assert model.cluster_centers_.shape == (2, 3, 6)
    coef = model.coef_.reshape(4, 3, 6)
    means = np.stack([coef[:2].mean(axis=0), coef[2:].mean(axis=0)])
    np.testing.assert_allclose(model.cluster_centers_, means)
    off = ((coef - means[[0, 0, 1, 1]]) ** 2).sum()
    proba = model.predict_proba(X, task=task)
    loss = sum(log_loss(y[task == t], proba[task == t]) for t in range(4))
    expected = loss + 0.1 * off + 0.01 * (coef**2).sum()
    assert model.objective_ == pytest.approx(expected, rel=1e-9)


BETWEEN_TASKS = [TaskClusteringClassifier, TaskGraphClassifier]
BETWEEN_TASKS += [TaskProgressionClassifier]
ANY = [SharedSubspaceClassifier, TaskRelationshipClassifier, TaskTreeClassifier]
ANY += [TraceNormClassifier]


@pytest.mark.parametrize("family", BETWEEN_TASKS + ANY)
def test_other_families(family):
    """All solve their problem; those between tasks need equal classes."""
    problem = same_classes()
    model = family(tol=1e-5).fit(problem.X, problem.y, **problem.extra)
    assert model.coef_.shape == (12, 8)
    assert model.converged_
    gap = duality_gap(model, problem.X, problem.y, **problem.extra)
    assert gap <= 1.5e-5 * solve(problem, penalty=PENALTIES["rows"][1])[1]
    proba = model.predict_proba(problem.X, task=problem.extra["task"])
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    differ = with_classes(make_problem("ragged"))
    if family in ANY:
        model.fit(differ.X, differ.y, **differ.extra)
        assert model.coef_.shape == (11, 8)
    else:
        with pytest.raises(ValueError, match="ties the coefficients of equal classes"):
            model.fit(differ.X, differ.y, **differ.extra)
        assert model.coef_.shape == (12, 8)


@pytest.mark.parametrize("model", [GroupLassoClassifier, SharedSpecificClassifier])
def test_the_reference_solver(model):
    problem = with_classes(make_problem("wide_nan"))
    ours = model(0.03, tol=1e-7).fit(problem.X, problem.y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # how exact it is, is its own matter
        theirs = model(0.03, solver="cvxpy").fit(problem.X, problem.y)
    assert ours.objective_ == pytest.approx(theirs.objective_, rel=1e-6)


def drawn(n, p, n_classes, seed=0):
    """Return (X, classes drawn from the probabilities of a sparse linear model)."""
    rng = np.random.default_rng(seed)
    X, coef = rng.normal(size=(n, p)) + 2, np.zeros((p, n_classes))
    coef[:3] = rng.normal(size=(3, n_classes))
    X -= 2
    return X + 2, (X @ coef + rng.gumbel(size=(n, n_classes))).argmax(axis=1)


def test_reweighting():
    X, y = drawn(400, 8, 3)
    task = np.arange(400) % 2
    model = ReweightedGroupLassoClassifier(0.12, tol=1e-6).fit(X, y, task=task)
    assert model.converged_
    assert kkt_residual(model, X, y, task=task).max() <= 2e-6 * 0.12
    assert set(range(3)) <= set(model.selected_features_.tolist())
    assert len(model.selected_features_) < 6


def test_reweighting_where_nothing_bounds_the_coefficients():
    """Classes that can be told apart, and no shrinkage: it stops, whatever it found."""
    problem = with_classes(make_problem("ragged"))
    model = ReweightedGroupLassoClassifier(0.05, max_iter=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(problem.X, problem.y, **problem.extra)
    assert np.isfinite(model.coef_).all()
    assert model.score(problem.X, problem.y, **problem.extra) == 1.0


@pytest.mark.parametrize("n", [30, 90])
def test_more_features_than_a_model_couples(n, monkeypatch):
    """Where coupled matrices are too large, residuals are kept, class by class."""
    from skmtl.objectives import _classes

    (X, y), task = drawn(n, 25, 3), np.arange(n) % 3
    fits = []
    for table in (X, sparse.csr_array(X)):
        for limit in (_classes.COUPLED_BYTES, 0):
            monkeypatch.setattr(_classes, "COUPLED_BYTES", limit)
            model = GroupLassoClassifier(0.01, tol=1e-9).fit(table, y, task=task)
            assert model.converged_
            fits.append(model.coef_)
    for coef in fits[1:]:
        np.testing.assert_allclose(coef, fits[0], atol=1e-4)


# ---------------------------------------------------------------- loss, intercepts
LOSS = Multinomial()
SIZES = [1e-3, 1.0, 30.0, 800.0]


def predictions(size, n=40, K=4):
    rng = np.random.default_rng(0)
    return rng.integers(0, K, n).astype(float), size * rng.normal(size=(K, n))


@pytest.mark.parametrize("size", SIZES)
def test_loss_by_definition(size):
    y, z = predictions(size)
    own = np.eye(4)[:, y.astype(int)]
    value = logsumexp(z, axis=0) - (own * z).sum(axis=0)
    np.testing.assert_allclose(LOSS.value(y, z), value, atol=1e-13 * (1 + size))
    slope, p = LOSS.derivatives(y, z)
    np.testing.assert_allclose(p, softmax(z, axis=0), atol=1e-14)
    np.testing.assert_allclose(slope, p - own, atol=1e-14)


def test_derivatives_by_differences():
    y, z = predictions(1.0)
    step = np.random.default_rng(1).normal(size=z.shape) * 1e-5
    slope, p = LOSS.derivatives(y, z)
    found = (LOSS.value(y, z + step) - LOSS.value(y, z - step)) / 2
    np.testing.assert_allclose((slope * step).sum(axis=0), found, rtol=1e-5, atol=1e-12)
    bend = p * step - p * (p * step).sum(axis=0)
    found = (LOSS.derivatives(y, z + step)[0] - LOSS.derivatives(y, z - step)[0]) / 2
    np.testing.assert_allclose(bend, found, rtol=1e-5, atol=1e-12)
    largest = np.linalg.eigvalsh(np.diag([0.5, 0.5]) - 0.25)[-1]
    assert largest == LOSS.curvature


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rho", [0.0, 0.3, 1 - 1e-6, 1.0])
def test_fenchel_young(size, rho):
    y, z = predictions(size)
    v = rho * LOSS.derivatives(y, z)[0]
    gap = LOSS.value(y, z) + LOSS.conjugate(y, v) - (v * z).sum(axis=0)
    found = LOSS.fenchel_gap(y, z, rho)
    assert (found >= 0).all()
    np.testing.assert_allclose(found, gap, atol=1e-13 * (1 + size))
    if rho == 1:
        assert (found == 0).all()
    assert np.isinf(LOSS.conjugate(y, v + 1e-3)).all()  # not of sum 0
    assert np.isinf(LOSS.conjugate(y, 1.4 * LOSS.derivatives(y, 0 * z)[0])).all()


def test_the_gap_keeps_its_digits():
    y, z = predictions(3.0)
    near = LOSS.fenchel_gap(y, z, 1 - 1e-9)
    nearer = LOSS.fenchel_gap(y, z, 1 - 1e-10)
    np.testing.assert_allclose(near / nearer, 100, rtol=1e-2)


@pytest.mark.parametrize("size", [1e-3, 1.0, 100.0, 1e4, 1e7])
@pytest.mark.parametrize("certain", [0.0, 20.0])
@pytest.mark.parametrize("shared", [False, True])
def test_best_intercepts(size, certain, shared):
    """However large predictions are, and however well they separate the classes."""
    rng, K, T = np.random.default_rng(0), 4, 3
    offsets = None if shared else np.array([0, 60, 110, 120])
    shape = (120, T) if shared else (120,)
    y = np.minimum(rng.geometric(0.5, size=shape) - 1, K - 1).astype(float)
    omega, Z = rng.uniform(0.1, 1.0, size=shape), size * rng.normal(size=(K, *shape))
    Z += certain * size * (np.arange(K).reshape(-1, *[1] * y.ndim) == y)
    parts = [np.s_[:, t] for t in range(T)] if shared else [
        slice(*ends) for ends in pairwise(offsets)
    ]  # fmt: skip
    for cells in parts:
        y[cells][:K] = np.arange(K)
    c = np.array([omega[cells].sum() for cells in parts])
    loss = SoftmaxLoss(y, omega, offsets, K, c, True)
    b, value, u, feasible = loss.at(Z)
    assert feasible
    np.testing.assert_allclose(b.sum(axis=0), 0, atol=1e-12 * size * 100)
    rest = u.sum(axis=1) if shared else np.add.reduceat(u, offsets[:-1], axis=1)
    assert np.abs(rest / c).max() <= 1e-9
    for scale in (1e-4, 1e-2, 1.0, size):
        off = scale * rng.normal(size=b.shape)
        off -= off.mean(axis=0)
        assert loss.rise(Z, b, off) >= -1e-13 * (1 + value + size)


def test_columns_share_the_rows():
    """No row of X is copied for a class."""
    problem = with_classes(make_problem("ragged"))
    order = np.argsort(problem.extra["task"], kind="stable")
    task = problem.extra["task"][order]
    model = GroupLassoClassifier(0.02)
    labels = model._check_labels(problem.X, problem.y[order], task, None)
    data, _ = model._pack(np.ascontiguousarray(problem.X[order]), labels)
    columns = ColumnData.of(data)
    assert columns.X is data.X
    assert columns.n_tasks == 11
    assert all(np.shares_memory(X, data.X) for _, _, X in columns.blocks())
    rng = np.random.default_rng(0)
    W, U = rng.normal(size=(8, 11)), rng.normal(size=columns.y.shape)
    assert np.vdot(columns.matvec(W), U) == pytest.approx(
        np.vdot(W, columns.rmatvec(U))
    )
    for c, t in enumerate(columns.column_task):
        z = columns.matvec(W)[columns.offsets[c] : columns.offsets[c + 1]]
        np.testing.assert_allclose(z, data.X[task == t] @ W[:, c])


def test_equal_classes_of_tasks():
    """What penalties between tasks ask: which columns belong together."""
    tasks, three = np.array(["A", "B"]), np.array([1, 2, 5])
    same = Columns(tasks, (three, three))
    assert same.by_class().tolist() == [[0, 3], [1, 4], [2, 5]]
    assert same.pairs[3:] == [("B", 1), ("B", 2), ("B", 5)]
    assert Columns(tasks).by_class().tolist() == [[0, 1]]
    two = np.array([0, 1])
    assert Columns(tasks, (two, two)).by_class().tolist() == [[0, 1]]
    with pytest.raises(ValueError, match="task 'B' has \\[1, 2\\]"):
        Columns(tasks, (three, three[:2])).by_class()


# ---------------------------------------------------------------- scikit-learn's
@pytest.mark.parametrize("n_classes", [3, 5])
def test_ridge_is_logistic_regression(n_classes):
    X, y = load_digits(return_X_y=True)
    X, y = X[y < n_classes][:300] / 16, y[y < n_classes][:300]
    ours = GroupLassoClassifier(alpha=0, ridge=0.1, tol=1e-13).fit(X, y)
    theirs = LogisticRegression(C=1 / (0.1 * len(y)), tol=1e-10, max_iter=10_000)
    theirs.fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    gauge = theirs.intercept_ - theirs.intercept_.mean()
    np.testing.assert_allclose(ours.intercept_, gauge, atol=1e-5)
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5
    )
    np.testing.assert_allclose(
        ours.predict_log_proba(X), theirs.predict_log_proba(X), atol=1e-5
    )
    assert ours.coef_rows_ == [(0, k) for k in range(n_classes)]


def test_l1_is_logistic_regression():
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    ours = GroupLassoClassifier(alpha=0.03, l1_ratio=1.0, tol=1e-9).fit(X, y)
    plain = (
        {"penalty": "l1"} if LogisticRegression().penalty == "l2" else {"l1_ratio": 1.0}
    )
    theirs = LogisticRegression(
        C=1 / (0.03 * len(y)), solver="saga", tol=1e-8, max_iter=50_000, **plain
    ).fit(X, y)
    loss = log_loss(y, theirs.predict_proba(X)) + 0.03 * np.abs(theirs.coef_).sum()
    assert ours.objective_ == pytest.approx(loss, rel=1e-6)
    assert ours.objective_ <= loss * (1 + 1e-9)
    np.testing.assert_array_equal(ours.coef_ != 0, np.abs(theirs.coef_) > 1e-6)


def test_tasks_without_anything_in_common_are_separate():
    problem = with_classes(make_problem("ragged"))
    task = problem.extra["task"]
    model = GroupLassoClassifier(0.02, l1_ratio=1.0, ridge=0.05, tol=1e-12)
    together = model.fit(problem.X, problem.y, task=task)
    alone = IndependentTasks(model).fit(problem.X, problem.y, task=task)
    coef = np.concatenate([alone.estimators_[t].coef_ for t in range(4)])
    np.testing.assert_allclose(together.coef_, coef, atol=1e-5)
    np.testing.assert_allclose(
        together.predict_proba(problem.X, task=task),
        alone.predict_proba(problem.X, task=task),
        atol=1e-5,
    )


# ---------------------------------------------------------------- symmetries
@pytest.fixture
def ragged():
    problem = with_classes(make_problem("weighted"))
    return problem.X, problem.y.astype(int), problem.extra


def fit(X, y, extra, **options):
    return GroupLassoClassifier(0.02, ridge=0.02, tol=1e-13, **options).fit(
        X, y, **extra
    )


def test_names_of_classes_do_not_matter(ragged):
    X, y, extra = ragged
    before = fit(X, y, extra)
    for order in list(permutations("abcd"))[1::7]:
        names = np.array(order)
        after = fit(X, names[y], extra)
        where = {pair: k for k, pair in enumerate(after.coef_rows_)}
        for row, (t, k) in enumerate(before.coef_rows_):
            if t == 1:  # two classes: a single row, of the positive class
                sign = 1.0 if names[1] > names[0] else -1.0
                coef = sign * after.coef_[where[t, max(names[:2])]]
            else:
                coef = after.coef_[where[t, names[k]]]
            np.testing.assert_allclose(coef, before.coef_[row], atol=1e-6)


def test_order_of_rows_and_tasks_does_not_matter(ragged):
    X, y, extra = ragged
    task, weight = extra["task"], extra["sample_weight"]
    before, order = fit(X, y, extra), np.random.default_rng(0).permutation(len(y))
    named = np.array([3, 1, 0, 2])[task]
    after = fit(
        X[order], y[order], {"task": named[order], "sample_weight": weight[order]}
    )
    new = {0: 3, 1: 1, 2: 0, 3: 2}
    place = {pair: k for k, pair in enumerate(after.coef_rows_)}
    rows = [place[new[t], k] for t, k in before.coef_rows_]
    np.testing.assert_allclose(after.coef_[rows], before.coef_, atol=1e-6)
    np.testing.assert_allclose(after.intercept_[rows], before.intercept_, atol=1e-6)


def test_order_of_features_does_not_matter(ragged):
    X, y, extra = ragged
    order = np.random.default_rng(0).permutation(X.shape[1])
    after = fit(X[:, order], y, extra)
    np.testing.assert_allclose(after.coef_, fit(X, y, extra).coef_[:, order], atol=1e-6)


@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_weights_count_rows(ragged, class_weight):
    X, y, extra = ragged
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    weighted = fit(
        X, y, {"task": extra["task"], "sample_weight": weight},
        class_weight=class_weight,
    )  # fmt: skip
    often = np.repeat(np.arange(len(y)), weight)
    repeated = fit(
        X[often], y[often], {"task": extra["task"][often]}, class_weight=class_weight
    )
    assert weighted.coef_rows_ == repeated.coef_rows_
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-6)


def test_class_weights_are_sample_weights(ragged):
    X, y, extra = ragged
    of_class = {0: 2.0, 1: 0.5, 2: 1.0, 3: 3.0}
    factor = np.array([of_class[k] for k in y])
    after = fit(X, y, extra, class_weight=of_class)
    by_hand = fit(X, y, {**extra, "sample_weight": extra["sample_weight"] * factor})
    np.testing.assert_allclose(after.coef_, by_hand.coef_, atol=1e-8)


def test_long_is_wide():
    problem = with_classes(make_problem("wide_nan"))
    wide = fit(problem.X, problem.y, {})
    at, task = np.nonzero(~np.isnan(problem.y))
    long = fit(problem.X[at], problem.y[at, task], {"task": task})
    assert wide.coef_rows_ == long.coef_rows_
    np.testing.assert_allclose(wide.coef_, long.coef_, atol=1e-6)
    np.testing.assert_allclose(wide.intercept_, long.intercept_, atol=1e-6)


# ---------------------------------------------------------------- answers
@pytest.fixture(scope="module")
def wine():
    """Three sites; the second has no wine of the last class."""
    X, y = load_wine(return_X_y=True)
    X, names = (
        StandardScaler().fit_transform(X),
        np.array(["barolo", "dolcetto", "nero"]),
    )
    site = np.array(["north", "east", "south"])[np.arange(len(y)) % 3]
    kept = (site != "east") | (y < 2)
    return X[kept], names[y[kept]], site[kept]


def test_long_answers(wine):
    X, y, site = wine
    model = GroupLassoClassifier(0.02).fit(X, y, task=site)
    assert model.coef_.shape == (7, 13)
    assert model.coef_rows_[:2] == [("east", "dolcetto"), ("north", "barolo")]
    assert model.classes_.tolist() == ["barolo", "dolcetto", "nero"]
    assert model.task_classes_["east"].tolist() == ["barolo", "dolcetto"]
    for first, last in ((1, 4), (4, 7)):
        assert abs(model.intercept_[first:last].sum()) < 1e-12
    proba = model.predict_proba(X, task=site)
    assert proba.shape == (len(y), 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert (proba[site == "east", 2] == 0).all()
    scores = model.decision_function(X, task=site)
    assert np.isneginf(scores[site == "east", 2]).all()
    predicted = model.predict(X, task=site)
    assert (predicted == model.classes_[scores.argmax(axis=1)]).all()
    assert (predicted == model.classes_[proba.argmax(axis=1)]).all()
    assert model.score(X, y, task=site) == np.mean(predicted == y) > 0.95
    one = model.predict_proba(X, task="east")
    assert one.shape == (len(y), 2)
    rows = site == "north"
    by_hand = softmax(X[rows] @ model.coef_[1:4].T + model.intercept_[1:4], axis=1)
    np.testing.assert_allclose(proba[rows], by_hand)
    np.testing.assert_allclose(
        model.decision_function(X[rows], task="north"), np.log(by_hand) + np.mean(
            model.decision_function(X[rows], task="north") - np.log(by_hand),
            axis=1, keepdims=True,
        ), atol=1e-9,
    )  # fmt: skip
    with np.errstate(divide="ignore"):
        expected = np.log(proba)
    np.testing.assert_array_equal(model.predict_log_proba(X, task=site), expected)


def test_wide_answers(wine):
    X, y, _ = wine
    heavy = np.where(X[:, 0] > 0, "heavy", "light").astype(object)
    heavy[:30] = np.nan
    Y = np.column_stack([y.astype(object), heavy])
    model = GroupLassoClassifier(0.02).fit(X, Y)
    assert model.coef_rows_ == [(0, k) for k in np.unique(y)] + [(1, "light")]
    proba = model.predict_proba(X)
    assert [p.shape[1] for p in proba] == [3, 2]
    assert [s.shape[1] for s in model.decision_function(X)] == [3, 2]
    assert [c.tolist() for c in model.classes_] == [
        np.unique(y).tolist(),
        ["heavy", "light"],
    ]
    predicted = model.predict(X)
    assert predicted.shape == Y.shape
    seen = np.arange(len(y)) >= 30
    scores = [accuracy_score(y, predicted[:, 0].tolist())]
    scores.append(accuracy_score(heavy[seen].tolist(), predicted[seen, 1].tolist()))
    assert model.score(X, Y) == pytest.approx(np.mean(scores))
    np.testing.assert_allclose(model.predict_proba(X, task=1), proba[1])


def test_one_task_answers(wine):
    X, y, _ = wine
    model = GroupLassoClassifier(0.02).fit(X, y)
    assert (
        model.predict_proba(X).shape == model.decision_function(X).shape == (len(y), 3)
    )
    assert model.coef_.shape == (3, 13)


def test_two_classes_are_as_ever(wine):
    X, y, site = wine
    model = GroupLassoClassifier(0.02).fit(
        X, y != "nero", task=np.where(site == "east", "north", site)
    )
    assert model.coef_.shape == (2, 13)
    assert model.coef_rows_ == [("north", True), ("south", True)]
    assert model.decision_function(X, task="north").shape == (len(y),)


def test_tasks_of_one_class_beside_others(wine):
    X, y, site = wine
    y = np.where(site == "east", "nero", y)
    with pytest.warns(UserWarning, match="labels of one class only"):
        model = GroupLassoClassifier(0.02).fit(X, y, task=site)
    assert model.coef_rows_[0] == ("east", "nero")
    assert model.coef_.shape == (7, 13)
    assert not model.coef_[0].any()
    assert (model.predict(X, task="east") == "nero").all()
    rest = site != "east"
    others = GroupLassoClassifier(0.02).fit(X[rest], y[rest], task=site[rest])
    np.testing.assert_allclose(model.coef_[1:], others.coef_)
    gap = duality_gap(model, X, y, task=site)
    assert gap == pytest.approx(model.dual_gap_, abs=1e-12)


def test_new_tasks(wine):
    X, y, site = wine
    site = np.where(site == "east", "north", site)
    model = GroupLassoClassifier(
        0.02, unseen="shared", task_weight={"north": 1, "south": 3}
    )
    model.fit(X, y, task=site)
    with pytest.warns(UserWarning, match="never seen"):
        proba = model.predict_proba(X, task="west")
    coef = np.tensordot([0.25, 0.75], model.coef_.reshape(2, 3, 13), axes=1)
    b = np.array([0.25, 0.75]) @ model.intercept_.reshape(2, 3)
    np.testing.assert_allclose(proba, softmax(X @ coef.T + b, axis=1))
    X, y, site = wine
    model.set_params(task_weight=None).fit(X, y, task=site)
    with (
        pytest.warns(UserWarning, match="never seen"),
        pytest.raises(ValueError, match="tasks have different classes"),
    ):
        model.predict(X, task="west")


def test_warm_start(wine):
    X, y, site = wine
    model = GroupLassoClassifier(0.02, warm_start=True, tol=1e-8).fit(X, y, task=site)
    assert model.n_iter_ > 0
    assert model.fit(X, y, task=site).n_iter_ == 0
    fewer = y != "nero"  # other rows of coef_: from the beginning
    model.fit(X[fewer], y[fewer], task=site[fewer])
    fresh = GroupLassoClassifier(0.02, tol=1e-8).fit(
        X[fewer], y[fewer], task=site[fewer]
    )
    np.testing.assert_array_equal(model.coef_, fresh.coef_)


def test_other_classes_in_diagnostics(wine):
    X, y, site = wine
    model = GroupLassoClassifier(0.02).fit(X, y, task=site)
    fewer = (y != "nero") | (site != "north")
    with pytest.raises(ValueError, match="hold other classes"):
        duality_gap(model, X[fewer], y[fewer], task=site[fewer])


# ---------------------------------------------------------------- around the models
def test_paths(wine):
    X, y, site = wine
    model = GroupLassoClassifier(tol=1e-8)
    path = mtl_path(model, X, y, task=site, alphas=6)
    assert path.coefs.shape == (6, 7, 13)
    assert not path.coefs[0].any()
    assert path.coefs[-1].any()
    own = model.set_params(alpha=path.alphas[3]).fit(X, y, task=site)
    np.testing.assert_allclose(path.coefs[3], own.coef_, atol=1e-3)
    frame = path.to_frame()
    assert frame.columns.tolist() == ["alpha", "task", "class", "feature", "coef"]
    at = frame[(frame.alpha == path.alphas[3]) & (frame.task == "south")]
    at = at[at["class"] == "nero"]
    np.testing.assert_array_equal(
        at.coef, path.coefs[3, path.coef_rows.index(("south", "nero"))]
    )
    display = path.plot()
    assert len(display.frame_) == 6 * 13
    import matplotlib.pyplot as plt

    plt.close(display.figure_)


def test_alpha_by_cross_validation(wine):
    """A class that a training part lacks is given no probability, and no crash."""
    X, y, site = wine
    rare = np.flatnonzero((site == "north") & (y == "nero"))[1:]
    X, y, site = (np.delete(v, rare, axis=0) for v in (X, y, site))
    search = AlphaPathCV(GroupLassoClassifier(), alphas=8, cv=3).fit(X, y, task=site)
    assert search.cv_scores_.shape == (8, 3, 3)
    assert np.isfinite(search.cv_scores_).all()
    assert search.score(X, y, task=site) > 0.9
    assert search.coef_rows_ == search.best_estimator_.coef_rows_
    test = np.arange(len(y)) % 2 == 0
    one = AlphaPathCV(GroupLassoClassifier(), alphas=[0.02], cv=[(~test, test)])
    one.fit(X, y, task=site)
    part = GroupLassoClassifier(0.02).fit(X[~test], y[~test], task=site[~test])
    own = test & (site == "south")
    expected = log_loss(
        y[own],
        part.predict_proba(X[own], task="south"),
        labels=part.task_classes_["south"],
    )
    assert one.cv_scores_[0, 0, 2] == pytest.approx(expected, rel=1e-9)


def test_scores_and_comparison(wine):
    X, y, site = wine
    table = attach_task(X, site, "site")
    model = make_mtl_pipeline(
        StandardScaler(), GroupLassoClassifier(0.02), task_col="site"
    ).fit(table, y)
    for scoring in ("accuracy", "neg_log_loss", "roc_auc_ovr"):
        found = TaskScorer(scoring, aggregate=None)(model, table, y)
        assert np.isfinite(list(found.values())).all()
    rows = site == "east"
    truth, proba = y[rows], model.predict_proba(table[rows])[:, :2]
    found = TaskScorer("neg_log_loss", aggregate=None)(model, table, y)
    assert found["task_east"] == pytest.approx(-log_loss(truth, proba))
    models = {"joint": GroupLassoClassifier(0.02)}
    models["alone"] = IndependentTasks(GroupLassoClassifier(0.02))
    report = compare(models, X, y, task=site, cv=3, reference="alone", random_state=0)
    frame = report.to_frame("tasks")
    assert np.isfinite(frame["score"]).all()


def test_digits_of_eight_writers():
    """What the digits look like is common to writers: few pixels do for all."""
    X, y = load_digits(return_X_y=True)
    X = X / 16
    writer = np.arange(len(y)) * 8 // len(y)  # they follow one another in the file
    train = np.arange(len(y)) % 2 == 0
    model = GroupLassoClassifier(0.01, ridge=0.003)
    together = model.fit(X[train], y[train], task=writer[train])
    assert together.converged_
    assert together.coef_.shape == (80, 64)
    assert len(together.selected_features_) < 60
    assert together.score(X[~train], y[~train], task=writer[~train]) > 0.9
