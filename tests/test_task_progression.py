"""Ordered tasks: exact proxes along a chain, certificates, limits, planted changes."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from _eight_tasks import KINDS, eight_tasks, optimum
from _mutants import CAUGHT
from _problems import make_problem
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks
from test_estimators import expected_failures

from skmtl import (
    AlphaPathCV,
    GroupLassoClassifier,
    GroupLassoRegressor,
    TaskProgressionClassifier,
    TaskProgressionRegressor,
    TaskStatistics,
    duality_gap,
    kkt_residual,
    mtl_path,
    objective,
)
from skmtl.objectives import CoupledObjective, StatisticsObjective
from skmtl.penalties import Graph, Progression, WithRidge
from skmtl.penalties.norms import L2, soft
from skmtl.penalties.progression import chain_prox

ORDER = np.array([2, 0, 3, 1])


# ------------------------------------------------------------------ along a chain
@pytest.mark.parametrize("seed", range(200))
def test_total_variation_satisfies_its_conditions(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    v = rng.normal(size=n) * 10.0 ** rng.integers(-3, 4) + rng.choice([0, 1e3])
    if seed % 3 == 0:
        v = np.round(v)  # ties
    size = np.abs(v - v.mean()).mean() * rng.choice([0, 0.1, 1, 1e6])
    lam = size * rng.exponential(size=n - 1)
    x = chain_prox(v[None], lam)[0]
    pull, eps = np.cumsum(v - x), 1e-12 * max(np.abs(v).max(), 1e-300)
    assert abs(pull[-1]) <= eps
    step = np.sign(x[:-1] - x[1:])
    np.testing.assert_allclose(pull[:-1][step != 0], (lam * step)[step != 0], atol=eps)
    assert (np.abs(pull[:-1]) <= lam + eps).all()


def test_total_variation_of_any_strength():
    v = np.array([[3.0, 1.0, 2.0, 8.0]])
    np.testing.assert_array_equal(chain_prox(v, 0.0), v)
    np.testing.assert_allclose(chain_prox(v, 1e300), 3.5)
    np.testing.assert_allclose(chain_prox(v, [1, 1, 0.0]), [[2, 2, 2, 8]])
    assert chain_prox(v[:, :1], 5.0).tolist() == [[3.0]]
    assert np.unique(chain_prox(v, 0.9)).size == 2  # ties are exact


# ------------------------------------------------------------------ the prox
class L1First(Progression):
    """Wrong: the l1 norm before total variation."""

    def _row_prox(self, V, step):
        P = chain_prox(soft(V, step * self.alpha), step * self.beta)
        return L2.prox(P, np.broadcast_to(step * self.gamma, (len(V), 1))[:, 0])


class GroupFirst(Progression):
    """Wrong: the norm of the row before its elements."""

    def _row_prox(self, V, step):
        P = L2.prox(V, np.broadcast_to(step * self.gamma, (len(V), 1))[:, 0])
        return soft(chain_prox(P, step * self.beta), step * self.alpha)


class ForgetsTheOrder(Progression):
    """Wrong: a chain of the tasks as they come."""

    def prox(self, V, step):
        return self._row_prox(V, step)


class ForgetsTheStep(Progression):
    """Wrong: a step of 1 along the chain."""

    def _row_prox(self, V, step):
        P = soft(chain_prox(V, self.beta), step * self.alpha)
        return L2.prox(P, np.broadcast_to(step * self.gamma, (len(V), 1))[:, 0])


class WrongWayBack(Progression):
    """Wrong: puts the tasks back by the order and not by its inverse."""

    def _back(self, V):
        return V[:, self.order]


GAUGES = {
    "all": Progression(0.3, 0.5, 0.4),
    "ordered": Progression(0.3, 0.5, 0.4, ORDER),
    "no_l1": Progression(0.0, 0.5, 0.4),
    "no_group": Progression(0.3, 0.5, 0.0, ORDER),
    "no_chain": Progression(0.3, 0.0, 0.4),
    "chain": Progression(0.0, 0.5, 0.0),
}
RIGHT = [pytest.param(g, id=name) for name, g in GAUGES.items()]
RIGHT += [pytest.param(WithRidge(GAUGES["ordered"], 0.3), id="ridge")]
WRONG = [
    pytest.param(
        kind(0.3, 0.5, 0.4, ORDER), id=kind.__name__,
        marks=CAUGHT,
    )
    for kind in (L1First, GroupFirst, ForgetsTheOrder, ForgetsTheStep, WrongWayBack)
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
        constant = D.mean(axis=1, keepdims=True)
        for Q in (found + D, found + constant, found * (1 + size * rng.normal())):
            other = 0.5 * np.sum((Q - V) ** 2) + step * penalty.value(Q)
            assert other >= value - 1e-11


@pytest.mark.parametrize("penalty", [*RIGHT, *WRONG])
def test_prox_is_what_cvxpy_finds(penalty):
    rng = np.random.default_rng(0)
    gauge = getattr(penalty, "gauge", penalty)
    chain = np.arange(4) if gauge.order is None else gauge.order
    for step in (0.2, 0.8):
        V = rng.normal(size=(6, 4)) + rng.normal(size=(6, 1))
        B = cp.Variable(V.shape)
        value = gauge.alpha * cp.sum(cp.abs(B))
        value += gauge.beta * cp.sum(cp.abs(B[:, chain[1:]] - B[:, chain[:-1]]))
        value += gauge.gamma * cp.sum(cp.norm(B, 2, axis=1))
        value += getattr(penalty, "ridge", 0.0) / 2 * cp.sum_squares(B)
        program = cp.Problem(cp.Minimize(cp.sum_squares(B - V) / 2 + step * value))
        program.solve(solver="CLARABEL")
        np.testing.assert_allclose(penalty.prox(V, step), B.value, atol=2e-4)


@every
@given(V=MATRIX, Z=MATRIX, step=STEP)
def test_prox_is_firmly_non_expansive(penalty, V, Z, step):
    A, B = penalty.prox(V, step), penalty.prox(Z, step)
    assert np.sum((A - B) ** 2) <= np.sum((A - B) * (V - Z)) + 1e-10


@pytest.mark.parametrize("name", GAUGES)
@given(V=MATRIX, factor=st.floats(-10, 10), step=STEP)
def test_homogeneity_and_euler(name, V, factor, step):
    gauge = GAUGES[name]
    assert gauge.value(factor * V) == pytest.approx(abs(factor) * gauge.value(V))
    A = gauge.prox(V, step)
    assert np.sum((V - A) * A) == pytest.approx(step * gauge.value(A), abs=1e-9)


@every
def test_prox_with_a_step_per_row(penalty):
    V, steps = np.random.default_rng(0).normal(size=(3, 4)), np.array([0.1, 0.5, 2])
    found = penalty.prox(V, steps[:, None])
    for j in range(3):
        np.testing.assert_allclose(found[[j]], penalty.prox(V[[j]], steps[j]))


# ------------------------------------------------------------------ certificates
@pytest.mark.parametrize("name", [n for n in GAUGES if n != "chain"])
@pytest.mark.parametrize("seed", range(15))
def test_dual_points_are_feasible_and_no_smaller_than_need_be(name, seed):
    gauge, rng = GAUGES[name], np.random.default_rng(seed)
    G = rng.normal(size=(5, 4)) * 10.0 ** rng.integers(-1, 4)
    if seed % 3 == 0:
        G = np.round(G)
    ((rho, conjugate),) = gauge.dual_points(G)
    assert conjugate == 0
    assert not gauge.prox(-rho * (1 - 1e-12) * G, 1.0).any()
    if rho < 1:
        assert gauge.prox(-rho * (1 + 1e-9) * G, 1.0).any()


def test_what_nothing_penalises_has_no_dual_point_but_zero():
    gauge = GAUGES["chain"]
    assert gauge.dual_points(np.ones((2, 4))) == [(0.0, 0.0)]
    tied = np.array([[1.0, -1.0, 0.5, -0.5]])
    ((rho, _),) = gauge.dual_points(tied)
    assert rho == pytest.approx(0.5)
    points = WithRidge(gauge, 2.0).dual_points(np.ones((2, 4)))
    assert points[1] == (1.0, pytest.approx(8 / 4))


@pytest.mark.parametrize("beta", [0.0, 0.2, 5.0])
@pytest.mark.parametrize("gamma", [0.0, 0.3, 50.0])
@pytest.mark.parametrize("seed", range(4))
def test_alpha_max_from_both_sides(beta, gamma, seed):
    rng = np.random.default_rng(seed)
    G = rng.normal(size=(6, 5))
    G = np.round(G) if seed == 3 else G
    gauge = Progression(1.0, beta, gamma, rng.permutation(5))
    alpha = gauge.alpha_max(G)
    assert not replace(gauge, alpha=alpha * (1 + 1e-9) + 1e-12).prox(-G, 1.0).any()
    if alpha > 0:
        assert replace(gauge, alpha=alpha * (1 - 1e-9)).prox(-G, 1.0).any()
    else:
        assert not replace(gauge, alpha=0.0).prox(-G, 1.0).any()


@every
@given(V=MATRIX, step=STEP)
def test_no_distance_at_a_prox(penalty, V, step):
    found = penalty.prox(V, step)
    distance = penalty.subdiff_distance(found, (found - V) / step)
    assert distance.max() <= 1e-8 * (1 + np.abs(V).max() / step)


def test_distance_is_the_distance():
    """Against a projection onto the subdifferential, found by CVXPY."""
    gauge, rng = GAUGES["all"], np.random.default_rng(1)
    W, G = np.round(rng.normal(size=(8, 4))), rng.normal(size=(8, 4))
    W[0] = 0.0
    found = gauge.subdiff_distance(W, G)
    for j in range(8):
        S, Z, B = cp.Variable(4), cp.Variable(3), cp.Variable(4)
        steps = W[j, :-1] - W[j, 1:]
        rules = [cp.abs(S) <= 1, cp.abs(Z) <= 1, cp.norm(B) <= 1]
        rules += [S[t] == np.sign(W[j, t]) for t in range(4) if W[j, t]]
        rules += [Z[t] == np.sign(steps[t]) for t in range(3) if steps[t]]
        if W[j].any():
            rules.append(W[j] / np.linalg.norm(W[j]) == B)
        D = np.eye(3, 4) - np.eye(3, 4, 1)
        V = gauge.alpha * S + gauge.beta * (D.T @ Z) + gauge.gamma * B
        program = cp.Problem(cp.Minimize(cp.norm(-G[j] - V)), rules)
        assert found[j] == pytest.approx(program.solve(solver="CLARABEL"), abs=1e-5)


def test_tied_objective_is_what_it_says():
    X, y, task, s, _ = eight_tasks(weights=True)
    statistics = TaskStatistics.from_rows(X, y, task=task, sample_weight=s)
    inner = StatisticsObjective(statistics, np.ones(8))
    chain, rng = np.array([3, 1, 0, 2, 7, 6, 4, 5]), np.random.default_rng(0)
    f = CoupledObjective(inner, Graph.chain(chain), 0.7)

    def tied(W):
        return 0.35 * np.sum((W[:, chain[1:]] - W[:, chain[:-1]]) ** 2)

    W, V = rng.normal(size=(2, 12, 8))
    a, b = f.at(W), f.at(V)
    assert a.value == pytest.approx(inner.at(W).value + tied(W))
    slope = (f.at(W + 1e-6 * V).value - f.at(W - 1e-6 * V).value) / 2e-6
    assert np.vdot(f.gradient(a), V) == pytest.approx(slope, rel=1e-6)
    bend = np.vdot(f.gradient(a) - f.gradient(b), W - V)
    assert f.bend(a, b) == pytest.approx(bend)
    assert bend <= 12 * np.sum(f.curvatures()[:, None] * (W - V) ** 2)
    assert f.null == inner.null
    expected = inner.loss_gap(inner.at(W), 0.9) + 0.01 * tied(W)
    assert f.loss_gap(a, 0.9) == pytest.approx(expected)
    model = f.quadratic_near(a)
    assert model.at(V).value == pytest.approx(b.value)
    np.testing.assert_allclose(model.gradient(model.at(V)), f.gradient(b), atol=1e-9)


# ------------------------------------------------------------------ the optimum
STRENGTHS = {
    "l1": {"alpha": 0.03, "beta": 0.05, "gamma": 0.04},
    "l1_ridge": {"alpha": 0.03, "beta": 0.05, "gamma": 0.04, "ridge": 0.1},
    "squared": {"alpha": 0.03, "beta": 0.4, "gamma": 0.04, "smooth": "squared"},
    "squared_ridge": {
        "alpha": 0.0, "beta": 2.0, "gamma": 0.0, "smooth": "squared", "ridge": 0.1,
    },
    "fused_ridge": {"alpha": 0.0, "beta": 0.1, "gamma": 0.0, "ridge": 0.1},
}  # fmt: skip


def omega_of(alpha, beta, gamma, smooth="l1", ridge=0.0):
    """Return the penalty as an expression of W (p, T), tasks in order."""

    def omega(W):
        steps = W[:, 1:] - W[:, :-1]
        tied = cp.sum(cp.abs(steps)) if smooth == "l1" else cp.sum_squares(steps) / 2
        value = alpha * cp.sum(cp.abs(W)) + gamma * cp.sum(cp.norm(W, 2, axis=1))
        return value + beta * tied + ridge / 2 * cp.sum_squares(W)

    return omega


@pytest.mark.parametrize("kind", [*KINDS, "mixed"])
@pytest.mark.parametrize("name", STRENGTHS)
def test_optimum_of_regressors(kind, name):
    X, y, task, s, losses = eight_tasks(kind, weights=name == "l1")
    expected, _ = optimum(X, y, task, s, losses, omega_of(**STRENGTHS[name]))
    model = TaskProgressionRegressor(**STRENGTHS[name], loss=losses, tol=1e-7)
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


@pytest.mark.parametrize("name", STRENGTHS)
def test_optimum_of_classifiers(name):
    X, y, task, s, losses = eight_tasks("logistic")
    strength = {k: v if k == "smooth" else 0.5 * v for k, v in STRENGTHS[name].items()}
    expected, _ = optimum(X, y, task, s, losses, omega_of(**strength))
    model = TaskProgressionClassifier(**strength, tol=1e-7)
    model.fit(X, np.where(y == 1, "yes", "no"), task=task)
    assert model.converged_
    assert model.objective_ == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", STRENGTHS)
@pytest.mark.parametrize(
    "problem", ["wide", "wide_nan", "sparse", "n_below_p", "zero_column"]
)
def test_layouts_agree_with_the_reference(problem, name):
    problem = make_problem(problem)
    own = TaskProgressionRegressor(**STRENGTHS[name], tol=1e-8, max_iter=50_000)
    own.fit(problem.X, problem.y, **problem.extra)
    assert own.converged_
    reference = clone(own).set_params(solver="cvxpy")
    reference.fit(problem.X, problem.y, **problem.extra)
    assert own.objective_ == pytest.approx(reference.objective_, rel=1e-6)
    assert reference.objective_ - own.objective_ <= reference.dual_gap_ + 1e-9


def test_sparse_features_are_as_dense_ones():
    X, y, task, s, _ = eight_tasks(sparse=True, weights=True)
    model = TaskProgressionRegressor(0.03, beta=0.05, gamma=0.03, tol=1e-11)
    dense = model.fit(X, y, task=task, sample_weight=s).coef_.copy()
    model.fit(sparse.csr_array(X), y, task=task, sample_weight=s)
    np.testing.assert_allclose(model.coef_, dense, atol=1e-6)


# ------------------------------------------------------------------ limits
@pytest.fixture
def table():
    """Return X, y, task with enough rows for every task."""
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(240, 6)), np.tile(np.arange(4), 60)
    coef = np.array([[2, 1, 0, 0, 0, 0]] * 2 + [[2, -1, 0, 0, 1, 0]] * 2)
    return X, np.einsum("ij,ij->i", X, coef[task]) + rng.normal(size=240), task


def coefs(model, X, y, task):
    return model.set_params(tol=1e-13, max_iter=50_000).fit(X, y, task=task).coef_


def test_without_chain_it_is_the_sparse_group_lasso(table):
    for alpha, gamma in ((0.1, 0.0), (0.0, 0.2), (0.1, 0.2)):
        model = TaskProgressionRegressor(alpha, beta=0.0, gamma=gamma)
        ratio = alpha / (alpha + gamma)
        lasso = GroupLassoRegressor(alpha + gamma, l1_ratio=ratio)
        np.testing.assert_allclose(
            coefs(model, *table), coefs(lasso, *table), atol=1e-7
        )
    X, y, task = table
    model = TaskProgressionClassifier(0.02, beta=0.0, gamma=0.0)
    lasso = GroupLassoClassifier(0.02, l1_ratio=1.0)
    found, expected = coefs(model, X, y > 0, task), coefs(lasso, X, y > 0, task)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(("smooth", "beta"), [("l1", 1e3), ("squared", 1e5)])
def test_large_beta_pools_the_slopes(table, smooth, beta):
    X, y, task = table
    model = TaskProgressionRegressor(0.05, beta=beta, gamma=0.1, smooth=smooth)
    model.set_params(tol=1e-9, max_iter=100_000).fit(X, y, task=task)
    np.testing.assert_allclose(model.coef_, np.tile(model.coef_[0], (4, 1)), atol=1e-4)
    centred = [(X[task == t] - X[task == t].mean(0)) for t in range(4)]
    labels = np.concatenate([y[task == t] - y[task == t].mean() for t in range(4)])
    w = cp.Variable(6)  # the common slopes, each penalised as four equal ones
    value = 4 * cp.sum_squares(np.concatenate(centred) @ w - labels) / (2 * 240)
    value += 4 * 0.05 * cp.sum(cp.abs(w)) + 2 * 0.1 * cp.sum(cp.abs(w))
    cp.Problem(cp.Minimize(value)).solve(solver="CLARABEL")
    np.testing.assert_allclose(model.coef_[0], w.value, atol=1e-3)


def test_one_task_is_the_lasso(table):
    X, y, _ = table
    model = TaskProgressionRegressor(0.1, beta=3.0, gamma=0.0, tol=1e-12).fit(X, y)
    lasso = GroupLassoRegressor(0.1, l1_ratio=1.0, tol=1e-12).fit(X, y)
    np.testing.assert_allclose(model.coef_, lasso.coef_, atol=1e-7)


# ------------------------------------------------------------------ structure
def test_planted_change_is_found():
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(800, 6)), np.tile(np.arange(4), 200)
    coef = np.array([[2, 1, 0, 0, 0, 0]] * 2 + [[2, -1, 0, 0, 1, 0]] * 2)
    y = np.einsum("ij,ij->i", X, coef[task]) + 0.2 * rng.normal(size=800)
    model = TaskProgressionRegressor(0.02, beta=0.1, gamma=0.05, tol=1e-8)
    coef = model.fit(X, y, task=task).coef_
    changed = np.abs(np.diff(coef, axis=0)) > 1e-12
    assert changed[1].tolist() == [False, True, False, False, True, False]
    assert not changed[[0, 2]].any()
    assert not coef[:, [2, 3, 5]].any()
    drift = model.set_params(smooth="squared").fit(X, y, task=task).coef_
    assert (np.abs(np.diff(drift, axis=0))[:, 0] > 1e-12).all()


def test_order_of_text_labels(table):
    X, y, task = table
    months = np.array(["feb", "apr", "jan", "mar"])  # tasks 0..3 are in this order
    model = TaskProgressionRegressor(0.03, beta=0.1, gamma=0.05, tol=1e-10)
    expected = clone(model).fit(X, y, task=task).coef_
    with pytest.raises(ValueError, match="text, which sorts by letters"):
        model.fit(X, y, task=months[task])
    model.set_params(order=[*months, "may"]).fit(X, y, task=months[task])
    place = [months.tolist().index(m) for m in model.tasks_]
    np.testing.assert_allclose(model.coef_, expected[place], atol=1e-6)
    # columns of a wide table are in an order of their own
    wide = TaskProgressionRegressor(0.03, beta=0.1, gamma=0.05)
    pandas = pytest.importorskip("pandas")
    Y = pandas.DataFrame(
        np.random.default_rng(0).normal(size=(30, 3)), columns=[*"cab"]
    )
    assert wide.fit(X[:30], Y).tasks_.tolist() == ["c", "a", "b"]
    np.testing.assert_array_equal(wide._chains, [[0, 1, 2]])


@pytest.mark.parametrize("smooth", ["l1", "squared"])
def test_permuted_tasks_rows_and_features(table, smooth):
    X, y, task = table
    rng = np.random.default_rng(0)
    model = TaskProgressionRegressor(
        0.03, beta=0.1, gamma=0.05, smooth=smooth, tol=1e-11
    )
    expected = model.fit(X, y, task=task).coef_.copy()
    names, features = np.array([13, 10, 12, 11]), rng.permutation(6)
    rows = rng.permutation(len(y))
    model.set_params(order=names)
    model.fit(X[rows][:, features], y[rows], task=names[task][rows])
    found = model.coef_[np.argsort(np.argsort(names))]
    np.testing.assert_allclose(found, expected[:, features], atol=1e-6)


def test_weights_are_repetitions(table):
    X, y, task = table
    model = TaskProgressionRegressor(0.03, beta=0.1, gamma=0.05, tol=1e-11)
    weight = np.tile([0, 1, 2, 1, 1], 48)
    found = model.fit(X, y, task=task, sample_weight=weight).coef_.copy()
    rows = np.repeat(np.arange(240), weight)
    model.fit(X[rows], y[rows], task=task[rows])
    np.testing.assert_allclose(found, model.coef_, atol=1e-7)


# ------------------------------------------------------------------ around it
@pytest.mark.parametrize("smooth", ["l1", "squared"])
def test_path_starts_where_the_model_is_empty(table, smooth):
    X, y, task = table
    model = TaskProgressionRegressor(beta=0.1, gamma=0.05, smooth=smooth, tol=1e-7)
    path = mtl_path(model, X, y, task=task, alphas=8, eps=1e-2)
    assert not path.coefs[0].any()
    less = model.set_params(alpha=0.999 * path.alphas[0]).fit(X, y, task=task)
    assert less.coef_.any()
    for k in (3, 7):
        single = clone(model).set_params(alpha=path.alphas[k]).fit(X, y, task=task)
        np.testing.assert_allclose(path.coefs[k], single.coef_, atol=2e-3)


@pytest.mark.parametrize("smooth", ["l1", "squared"])
@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_folds_that_lack_a_task(table, smooth, loss):
    X, y, task = table
    names = np.array(["b", "d", "a", "c"])
    model = TaskProgressionRegressor(
        beta=0.1, gamma=0.05, smooth=smooth, loss=loss, order=names, unseen="shared"
    )
    rows = np.arange(240)
    folds = [(rows[task != t], rows[task == t]) for t in range(4)]
    search = AlphaPathCV(model, alphas=[0.3, 0.03], cv=folds, n_jobs=2)
    search.fit(X, y, task=names[task])
    one = clone(search).set_params(n_jobs=1).fit(X, y, task=names[task])
    assert np.isfinite(search.cv_mean_scores_).all()
    np.testing.assert_allclose(search.cv_mean_scores_, one.cv_mean_scores_, rtol=1e-3)
    whole = clone(model).set_params(alpha=search.alpha_).fit(X, y, task=names[task])
    np.testing.assert_allclose(search.best_estimator_.coef_, whole.coef_, atol=0.02)


@pytest.mark.parametrize("smooth", ["l1", "squared"])
def test_statistics_streams_and_warm_starts(table, smooth):
    X, y, task = table
    model = TaskProgressionRegressor(
        0.03, beta=0.1, gamma=0.05, smooth=smooth, scale_y=True, tol=1e-10
    )
    batch = model.fit(X, y, task=task).coef_.copy()
    stream = clone(model)
    for rows in (slice(0, 100), slice(100, 240)):
        stream.partial_fit(X[rows], y[rows], task=task[rows])
    np.testing.assert_allclose(stream.coef_, batch, atol=1e-6)
    stats = clone(model).fit_statistics(TaskStatistics.from_rows(X, y, task=task))
    np.testing.assert_allclose(stats.coef_, batch, atol=1e-6)
    again = model.set_params(warm_start=True).fit(X, y, task=task)
    assert again.n_iter_ <= 10


def test_constant_tasks_leave_the_chain(table):
    X, y, task = table
    labels = np.where(y > 0, "yes", "no")
    labels[task == 1] = "yes"
    model = TaskProgressionClassifier(0.01, beta=1e3, gamma=0.01, max_iter=50_000)
    with pytest.warns(UserWarning, match="one class only"):
        model.fit(X, labels, task=task)
    assert not model.coef_[1].any()
    np.testing.assert_allclose(model.coef_[0], model.coef_[2], atol=1e-6)
    assert (model.predict(X[:5], task=1) == "yes").all()


def test_classes_must_be_the_same(table):
    X, y, task = table
    labels = np.where(y > 0, "yes", "no")
    labels[task == 3] = np.where(y[task == 3] > 0, "alive", "dead")
    for smooth in ("l1", "squared"):
        model = TaskProgressionClassifier(smooth=smooth)
        with pytest.raises(ValueError, match=r"equal classes .* task 0 has .* task 3"):
            model.fit(X, labels, task=task)


@pytest.mark.parametrize("smooth", ["l1", "squared"])
def test_chains_tie_equal_classes(table, smooth):
    X, y, task = table
    labels = np.array(["low", "mid", "top"])[np.digitize(y, [-1, 1])]
    model = TaskProgressionClassifier(
        0.01, beta=0.02, gamma=0.01, smooth=smooth, order=[3, 1, 0, 2], tol=1e-7
    ).fit(X, labels, task=task)
    W, b = cp.Variable((6, 12)), cp.Variable(12)  # tasks 0..3 by three classes
    value = 0.01 * cp.sum(cp.abs(W)) + 0.01 * cp.sum(cp.norm(W, 2, axis=1))
    for t in range(4):
        rows, own = task == t, slice(3 * t, 3 * t + 3)
        Z = X[rows] @ W[:, own] + np.ones((rows.sum(), 1)) @ cp.reshape(
            b[own], (1, 3), order="C"
        )
        hit = (labels[rows][:, None] == ["low", "mid", "top"]).astype(float)
        loss = cp.sum(cp.log_sum_exp(Z, axis=1)) - cp.sum(cp.multiply(hit, Z))
        value += loss / rows.sum()
    for s, t in ((3, 1), (1, 0), (0, 2)):
        D = W[:, 3 * s : 3 * s + 3] - W[:, 3 * t : 3 * t + 3]
        value += 0.02 * (cp.sum(cp.abs(D)) if smooth == "l1" else cp.sum_squares(D) / 2)
    expected = cp.Problem(cp.Minimize(value)).solve(solver="CLARABEL")
    assert model.converged_
    assert model.objective_ == pytest.approx(expected, rel=1e-6)
    assert model.coef_.shape == (12, 6)
    assert duality_gap(model, X, labels, task=task) <= 2 * model.dual_gap_ + 1e-12


def test_a_new_task_gets_the_mean(table):
    X, y, task = table
    model = TaskProgressionRegressor(0.03, beta=0.1, gamma=0.05, unseen="shared")
    model.fit(X, y, task=task)
    with pytest.warns(UserWarning, match="never seen"):
        found = model.predict(X, task=9)
    shared = X @ model.coef_.mean(axis=0) + model.intercept_.mean()
    np.testing.assert_allclose(found, shared)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": -1}, "The 'alpha' parameter"),
        ({"beta": -1}, "The 'beta' parameter"),
        ({"smooth": "l2"}, "The 'smooth' parameter"),
        ({"solver": "bcd"}, "solver='bcd' cannot take"),
        ({"alpha": 0, "gamma": 0}, "leaves what the tasks have in common"),
        ({"order": [0, 1, 2]}, "does not name task 3"),
        ({"order": [0, 1, 2, 3, 3]}, "names a task twice"),
        ({"order": ["0", "1", "2", "3"]}, "does not name task 0"),
        ({"order": [[0, 1], [2, 3]]}, "must be a list of task labels"),
    ],
)
def test_errors(table, options, message):
    X, y, task = table
    with pytest.raises(ValueError, match=message):
        TaskProgressionRegressor(**options).fit(X, y, task=task)


def test_a_failed_fit_leaves_the_previous_one(table):
    X, y, task = table
    model = TaskProgressionRegressor(0.1).fit(X, y, task=task)
    before = dict(vars(model))
    with pytest.raises(ValueError, match="text, which sorts"):
        model.fit(X, y, task=task.astype(str))
    assert vars(model) == before


@parametrize_with_checks(
    [
        TaskProgressionRegressor(0.01, beta=0.01, gamma=0.01),
        TaskProgressionRegressor(0.01, beta=0.1, gamma=0.01, smooth="squared"),
        TaskProgressionClassifier(),
        TaskProgressionClassifier(smooth="squared"),
    ],
    expected_failed_checks=expected_failures,
)
@pytest.mark.filterwarnings("ignore:.*labels of one class only:UserWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)
