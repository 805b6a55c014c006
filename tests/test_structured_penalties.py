"""Blocks of features, weights, the largest-magnitude norm and positivity."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from skmtl import GroupLassoClassifier, GroupLassoRegressor, duality_gap, kkt_residual
from skmtl.penalties import Blocks, SparseGroup, WithRidge

LABELS = np.array([1, 0, 2, 1, 0, 3])
KINDS = {
    "linf": SparseGroup(0.6, norm="linf"),
    "linf_l1": SparseGroup(0.6, 0.4, norm="linf"),
    "positive": SparseGroup(0.6, 0.2, positive=True),
    "positive_linf": SparseGroup(0.6, 0.2, norm="linf", positive=True),
    "blocks": SparseGroup(0.6, 0.3, blocks=Blocks(LABELS)),
    "blocks_linf": SparseGroup(0.6, 0.3, norm="linf", blocks=Blocks(LABELS)),
    "weights": SparseGroup(0.6, 0.3, weight=np.array([1, 0, 2, np.inf, 0.5, 1])),
    "all": SparseGroup(
        0.6, 0.3, "linf", False, np.array([1.0, 0.0, 2.0, np.inf]), Blocks(LABELS)
    ),
}
every = pytest.mark.parametrize("penalty", KINDS.values(), ids=KINDS)


def draw(seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(6, 3)) * rng.choice([0.3, 1.0, 3.0], size=(6, 1))


def by_cvxpy(penalty, V, step):
    """Return the prox, from the definition."""
    P = cp.Variable(V.shape)
    labels = np.arange(6) if penalty.blocks is None else penalty.blocks.labels
    count = labels.max() + 1
    weight = np.ones(count) if penalty.weight is None else penalty.weight
    terms, rules = [], [P >= 0] if penalty.positive else []
    for g in range(count):
        rows = np.flatnonzero(labels == g)
        block = cp.vec(P[rows, :], order="C")
        if np.isinf(weight[g]):
            rules.append(block == 0)
            continue
        size = cp.norm(block, 2 if penalty.norm == "l2" else "inf")
        size = (1 - penalty.l1_ratio) * np.sqrt(len(rows)) * size
        terms.append(weight[g] * (size + penalty.l1_ratio * cp.norm1(block)))
    value = cp.sum_squares(P - V) / 2 + step * penalty.alpha * sum(terms)
    cp.Problem(cp.Minimize(value), rules).solve(solver="CLARABEL")
    return P.value


@every
@pytest.mark.parametrize("seed", range(4))
def test_prox_is_what_cvxpy_finds(penalty, seed):
    V = draw(seed)
    for step in (0.2, 1.5):
        found = penalty.prox(V, step)
        np.testing.assert_allclose(found, by_cvxpy(penalty, V, step), atol=2e-4)


@every
@pytest.mark.parametrize("seed", range(10))
def test_prox_is_stationary_and_the_distance_sees_more(penalty, seed):
    V = draw(seed)
    P = penalty.prox(V, 1.0)
    np.testing.assert_allclose(penalty.subdiff_distance(P, P - V), 0.0, atol=1e-9)
    off = np.random.default_rng(seed).normal(size=V.shape)
    shifted = penalty.subdiff_distance(P, P - V + 10 * off)
    assert (shifted[np.isfinite(shifted)] >= 0).all()
    assert shifted.max() > 1.0


@every
@pytest.mark.parametrize("seed", range(10))
def test_dual_norm_is_where_the_prox_vanishes(penalty, seed):
    G = draw(seed)
    norm = penalty.dual_norm(G)
    penalised = np.setdiff1d(np.arange(6), penalty.free)
    assert norm > 0
    above, below = (replace(penalty, alpha=norm * f) for f in (1 + 1e-9, 1 - 1e-9))
    assert not above.prox(-G, 1.0)[penalised].any()
    assert below.prox(-G, 1.0)[penalised].any()


@every
def test_restriction_is_the_penalty_of_those_rows(penalty):
    W, rows = np.abs(draw(3)), penalty.complete(np.array([4, 0]))
    part, V = penalty.restrict(rows), np.zeros_like(W)
    never = penalty.prox(1e9 * W, 1e-9) == 0
    V[rows] = W[rows]
    V[never] = 0.0
    assert part.value(V[rows]) == pytest.approx(penalty.value(V))
    np.testing.assert_allclose(part.prox(W[rows], 0.7), penalty.prox(W, 0.7)[rows])
    assert sorted(rows[part.free]) == sorted(set(rows) & set(penalty.free))


def test_ridge_leaves_free_rows_alone():
    weight = np.array([1.0, 0.0, 1.0])
    penalty = WithRidge(SparseGroup(0.1, weight=weight), 2.0)
    W = np.ones((3, 2))
    assert penalty.value(W) == pytest.approx(0.1 * 2 * np.sqrt(2) + 2.0 / 2 * 4)
    np.testing.assert_array_equal(penalty.prox(W, 1.0)[1], 1.0)
    assert penalty.kernel_arguments(3)[3].tolist() == [2.0, 0.0, 2.0]


# ------------------------------------------------------------------ estimators
@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(120, 6)), np.repeat(["a", "b"], 60)
    y = X[:, 0] + 0.3 * X[:, 1] + X[:, 4] * (task == "a") + 0.1 * rng.normal(size=120)
    return X, y, task


def test_a_group_is_selected_as_a_whole(table):
    X, y, task = table
    model = GroupLassoRegressor(0.3, groups=list("uuvvww")).fit(X, y, task=task)
    assert model.selected_features_.tolist() == [0, 1, 4, 5]


def test_groups_from_names_and_weights_by_name(table):
    pandas = pytest.importorskip("pandas")
    X, y, task = table
    names = ["sex_f", "sex_m", "site_1", "site_2", "age", "bmi"]
    frame = pandas.DataFrame(X, columns=names)
    by_name = GroupLassoRegressor(
        0.2,
        groups=lambda name: name.split("_")[0],
        penalty_weights={"age": 0.0, "site": np.inf},
        tol=1e-9,
    ).fit(frame, y, task=task)
    by_position = GroupLassoRegressor(
        0.2,
        groups=[2, 2, 3, 3, 0, 1],
        penalty_weights=[0.0, 1.0, 1.0, np.inf],
        tol=1e-9,
    ).fit(X, y, task=task)
    np.testing.assert_allclose(by_name.coef_, by_position.coef_)
    assert not by_name.coef_[:, 2:4].any()
    assert by_name.coef_[:, 4].all()


def test_a_feature_of_weight_0_is_fitted_without_shrinkage(table):
    X, y, task = table
    weights = [np.inf, np.inf, np.inf, np.inf, 0.0, np.inf]
    model = GroupLassoRegressor(1.0, penalty_weights=weights, ridge=5.0, tol=1e-10)
    model.fit(X, y, task=task)
    for t, label in enumerate(model.tasks_):
        x, target = X[task == label, 4], y[task == label]
        slope = np.polyfit(x, target, 1)
        np.testing.assert_allclose([model.coef_[t, 4], model.intercept_[t]], slope)
    assert duality_gap(model, X, y, task=task) < 1e-9


@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
@pytest.mark.parametrize("solver", ["bcd", "fista"])
def test_free_features_have_a_certificate(table, kind, solver):
    X, y, task = table
    y = y if kind is GroupLassoRegressor else (y > 0).astype(int)
    X = X * np.array([1, 1, 1, 1, 100.0, 1]) + np.array([0, 0, 0, 0, 1e4, 0])
    model = kind(0.05, penalty_weights=[1, 1, 1, 1, 0, 1], solver=solver, tol=1e-8)
    model.fit(X, y, task=task)
    assert model.converged_
    assert kkt_residual(model, X, y, task=task).max() < 1e-3


def test_positive_coefficients(table):
    X, y, task = table
    model = GroupLassoRegressor(0.01, positive=True).fit(-X, y, task=task)
    assert (model.coef_ >= 0).all()
    assert not model.coef_[:, 0].any()


def test_linf_with_one_task_is_the_lasso(table):
    X, y, _ = table
    lasso = GroupLassoRegressor(0.1, l1_ratio=1.0, tol=1e-12).fit(X, y)
    linf = GroupLassoRegressor(0.1, norm="linf", tol=1e-12).fit(X, y)
    np.testing.assert_allclose(linf.coef_, lasso.coef_, atol=1e-9)


def test_groups_of_one_are_no_groups(table):
    X, y, task = table
    plain = GroupLassoRegressor(0.1, tol=1e-12).fit(X, y, task=task)
    grouped = GroupLassoRegressor(0.1, groups=list("fbdaec"), tol=1e-12)
    np.testing.assert_allclose(
        grouped.fit(X, y, task=task).coef_, plain.coef_, atol=1e-9
    )


def test_statistics_know_groups(table):
    X, y, task = table
    model = GroupLassoRegressor(0.2, groups=list("uuvvww"), tol=1e-10)
    batch = model.fit(X, y, task=task).coef_.copy()
    stream = GroupLassoRegressor(0.2, groups=list("uuvvww"), tol=1e-10)
    for rows in (slice(0, 40), slice(40, 120)):
        stream.partial_fit(X[rows], y[rows], task=task[rows])
    np.testing.assert_allclose(stream.coef_, batch, atol=1e-7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": [0, 1]}, "groups must hold one label per feature: X has 6"),
        ({"groups": [0, 0, 1, 1, 2, None]}, "no label for feature 'x5'"),
        ({"groups": [0, 0, np.nan, 1, 2, 2]}, "no label for feature 'x2'"),
        ({"groups": ["a", "a", 1, 1, 2, 2]}, "all text or all numbers, got 'a' and 1"),
        ({"penalty_weights": [1.0]}, "one weight per feature .* there are 6"),
        ({"penalty_weights": [1, 1, -1, 1, 1, 1]}, "penalty_weights of 'x2' is -1"),
        (
            {"penalty_weights": [1, np.nan, 1, 1, 1, 1]},
            "penalty_weights of 'x1' is nan",
        ),
        ({"penalty_weights": {"age": 0}}, "names 'age', which is no feature"),
        ({"penalty_weights": [0, 1, 1, 1, 1, 1], "positive": True}, "positive=True"),
        ({"norm": "l3"}, "The 'norm' parameter"),
    ],
)
def test_errors(table, options, message):
    X, y, task = table
    with pytest.raises(ValueError, match=message):
        GroupLassoRegressor(0.1, **options).fit(X, y, task=task)


def test_more_free_features_than_rows():
    X, y = np.eye(4), np.arange(4.0)
    with pytest.raises(
        ValueError, match="4 features have penalty weight 0, but task 0"
    ):
        GroupLassoRegressor(0.1, penalty_weights=[0] * 4).fit(X, y)
