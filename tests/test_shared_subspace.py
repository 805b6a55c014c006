"""The squared spectral box norm and the shared subspace, against CVXPY."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from _mutants import CAUGHT
from _oracles import tasks_of
from _problems import make_problem
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skmtl import (
    AlphaPathCV,
    SharedSubspaceClassifier,
    SharedSubspaceRegressor,
    TaskClusteringRegressor,
    duality_gap,
    kkt_residual,
    mtl_path,
    objective,
)
from skmtl.data import TaskData
from skmtl.layouts import numeric_labels, read_labels
from skmtl.losses import Logistic, Squared
from skmtl.objectives import DataObjective
from skmtl.penalties import Centred, ClusterMeans, SpectralBox, SquaredNorm
from skmtl.solvers import solve

ALPHA, BETA = 0.7, 0.2
BOXES = [SpectralBox(ALPHA, BETA, k) for k in (1, 2, 3)]
ALL = [
    *BOXES,
    SpectralBox(2.0, 1e-3, 2),
    SpectralBox(0.0, 0.3, 1),
    Centred(SpectralBox(ALPHA, BETA, 0), BETA),
    Centred(SpectralBox(ALPHA, BETA, 1), BETA),
    ClusterMeans(ALPHA, BETA, np.array([0, 1, 0])),
    SquaredNorm(0.4),
]


class StepInSquares(SpectralBox):
    """Wrong: forgets that the gradient of a square is twice its argument."""

    def prox(self, V, step):
        return super().prox(V, 0.5 * step)


class ThetaOfTheArgument(SpectralBox):
    """Wrong: takes theta at V, not at the prox."""

    def prox(self, V, step):
        return self._times(V, 0.0, lambda theta: theta / (theta + 2.0 * step))


class HardRank(SpectralBox):
    """Wrong: the k largest directions are cheap, whatever the others are."""

    def prox(self, V, step):
        U, s, Z = np.linalg.svd(V, full_matrices=False)
        theta = np.where(np.arange(len(s)) < self.k, self._high, self._low)
        return (U * (s * theta / (theta + 2.0 * step))) @ Z


class TooLong(SpectralBox):
    """Wrong: does not shrink enough."""

    def prox(self, V, step):
        return 1.2 * super().prox(V, step)


class NoUpperBound(SpectralBox):
    """Wrong: theta may exceed 1 / beta."""

    @property
    def _high(self):
        return 2.0 / self.beta


class SumOfAll(SpectralBox):
    """Wrong: the trace of M counts one direction too many."""

    def _thetas(self, s, shift=0.0):
        return SpectralBox._thetas(replace(self, k=self.k + 1), s, shift)

    def value(self, W):
        return SpectralBox(self.alpha, self.beta, self.k).value(W)


class UncentredProx(Centred):
    """Wrong: shrinks the mean like the rest."""

    def prox(self, V, step):
        return self.inner.prox(V, step)


MUTANTS = [
    StepInSquares(ALPHA, BETA, 1),
    ThetaOfTheArgument(ALPHA, BETA, 1),
    HardRank(ALPHA, BETA, 1),
    SumOfAll(ALPHA, BETA, 1),
    UncentredProx(SpectralBox(ALPHA, BETA, 1), BETA),
]
MATRIX = arrays(np.float64, (4, 3), elements=st.floats(-5, 5))
STEP = st.floats(0.05, 2)


def name_of(penalty):
    """Return a readable name of a case."""
    inner = getattr(penalty, "inner", penalty)
    return f"{type(penalty).__name__}-{getattr(inner, 'k', '')}"


def with_mutants(penalties, mutants=MUTANTS):
    """Return parameters, the wrong ones expected to fail."""
    return [
        *(pytest.param(p, id=name_of(p)) for p in penalties),
        *(pytest.param(m, id=name_of(m), marks=CAUGHT) for m in mutants),
    ]


every = pytest.mark.parametrize("penalty", with_mutants(ALL, []))


# ------------------------------------------------------------------ the penalty
@pytest.mark.parametrize("penalty", with_mutants(ALL))
@given(V=MATRIX, step=STEP, seed=st.integers(0, 2**32 - 1))
def test_prox_is_the_minimum_nearby(penalty, V, step, seed):
    P = penalty.prox(V, step)
    value = 0.5 * np.sum((P - V) ** 2) + step * penalty.value(P)
    rng = np.random.default_rng(seed)
    for size in (1.0, 0.1, 0.01):
        D = size * rng.normal(size=V.shape)
        for Q in (P + D, P * (1 + size * rng.normal()), P + D.mean(1, keepdims=True)):
            other = 0.5 * np.sum((Q - V) ** 2) + step * penalty.value(Q)
            assert other >= value - 1e-11


@pytest.mark.parametrize("penalty", with_mutants(ALL, [TooLong(ALPHA, BETA, 1)]))
@given(V=MATRIX, Z=MATRIX, step=STEP)
def test_prox_is_firmly_non_expansive(penalty, V, Z, step):
    P, Q = penalty.prox(V, step), penalty.prox(Z, step)
    assert np.sum((P - Q) ** 2) <= np.sum((P - Q) * (V - Z)) + 1e-9


@every
@given(V=MATRIX, factor=st.floats(-50, 50))
def test_value_is_homogeneous_of_degree_two(penalty, V, factor):
    expected = factor**2 * penalty.value(V)
    assert penalty.value(factor * V) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@every
@given(V=MATRIX, step=STEP)
def test_prox_and_gradient_agree(penalty, V, step):
    P = penalty.prox(V, step)
    residual = P + step * penalty.gradient(P) - V
    np.testing.assert_allclose(residual, 0, atol=1e-9)
    assert penalty.subdiff_distance(P, (P - V) / step).max() <= 1e-8


@every
@given(V=MATRIX, Z=MATRIX)
def test_gradient_is_lipschitz_and_convex(penalty, V, Z):
    turned = penalty.gradient(V) - penalty.gradient(Z)
    bend = np.vdot(turned, V - Z)
    assert bend >= -1e-9
    largest = max(2.0 * (ALPHA + BETA), 2.0 * (2.0 + 1e-3))
    assert np.vdot(turned, turned) <= largest * bend + 1e-8
    ahead = penalty.value(Z) + np.vdot(penalty.gradient(Z), V - Z)
    assert penalty.value(V) >= ahead - 1e-9


@pytest.mark.parametrize("penalty", with_mutants(ALL, [NoUpperBound(ALPHA, BETA, 1)]))
def test_quadratic_touches_from_above(penalty):
    """And the value is that of the definition, which the mutants are below."""
    rng = np.random.default_rng(0)
    for shape in ((4, 3), (3, 3), (3, 6)):
        T = shape[1]
        if isinstance(penalty, ClusterMeans):
            penalty = replace(penalty, labels=np.arange(T) % 2)
        for rank in (0, 1, min(shape)):
            W = rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, T))
            C, slope = penalty.curvature(W), penalty.gradient(W)
            for size in (1e-3, 0.1, 10.0):
                D = size * rng.normal(size=shape)
                above = penalty.value(W) + np.vdot(slope, D) + np.vdot(D, C @ D) / 2
                assert penalty.value(W + D) <= above + 1e-10 * (1 + above)
            if isinstance(penalty, SpectralBox):
                assert penalty.value(W) == pytest.approx(
                    box_value(penalty, W), rel=1e-5
                )


def box_value(penalty, W):
    """Return beta (alpha + beta) min tr(W' (beta I + alpha M)^-1 W) by CVXPY."""
    M = cp.Variable((len(W), len(W)), PSD=True)
    inner = penalty.beta * np.eye(len(W)) + penalty.alpha * M
    value = cp.matrix_frac(W, inner)
    rules = [np.eye(len(W)) - M >> 0, cp.trace(M) == min(penalty.k, len(W))]
    found = cp.Problem(cp.Minimize(value), rules).solve(solver="CLARABEL")
    return penalty.beta * (penalty.alpha + penalty.beta) * found


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("shape", [(4, 3), (3, 5)])
def test_value_with_either_matrix_is_that_of_cvxpy(shape, k):
    W = np.random.default_rng(k).normal(size=shape)
    penalty = SpectralBox(0.6, 0.1, k)
    assert penalty.value(W) == pytest.approx(box_value(penalty, W), rel=1e-6)
    assert penalty.value(W) == pytest.approx(box_value(penalty, W.T), rel=1e-6)
    M = penalty.affinity(W)
    inner = 0.1 * np.eye(len(M)) + 0.6 * M
    attained = 0.1 * 0.7 * np.trace(W @ np.linalg.inv(inner) @ W.T)
    assert attained == pytest.approx(penalty.value(W), rel=1e-10)
    assert np.trace(M) == pytest.approx(k)
    values = np.linalg.eigvalsh(M)
    assert values.min() >= -1e-12
    assert values.max() <= 1 + 1e-12


@every
def test_conjugate_is_an_upper_bound_and_attained(penalty):
    rng = np.random.default_rng(0)
    for size in (1e-6, 1.0, 1e6):
        G = size * rng.normal(size=(4, 3))
        ((rho, conjugate),) = penalty.dual_points(G)
        assert rho == 1.0
        best = -np.inf
        # The maximum of <-G, W> - Omega(W) by steps of the prox of ever larger size.
        W = np.zeros_like(G)
        for _ in range(60):
            W = penalty.prox(W - 1e3 * G, 1e3)
            best = max(best, np.vdot(-G, W) - penalty.value(W))
        assert conjugate >= best - 1e-9 * abs(best)
        assert conjugate == pytest.approx(best, rel=1e-6)


@every
@pytest.mark.parametrize("size", [0.0, 1e-150, 1e100])
def test_finite_at_the_ends(penalty, size):
    V = size * np.array([[1.0, -2.0, 0.0], [0.0, 0.0, 0.0], [3.0, 0.5, 1e-9]])
    with np.errstate(divide="raise", invalid="raise"):
        for W in (V, V.T):
            assert np.isfinite(penalty.prox(W, 0.5)).all()
            assert np.isfinite(penalty.gradient(W)).all()
            assert np.isfinite(penalty.curvature(W)).all()
            assert np.isfinite(penalty.value(W))
            assert np.isfinite(penalty.dual_points(W)[0][1])


def test_small_singular_values_keep_their_digits():
    rng = np.random.default_rng(0)
    U, _ = np.linalg.qr(rng.normal(size=(6, 4)))
    Z, _ = np.linalg.qr(rng.normal(size=(5, 4)))
    s = np.array([1.0, 1e-3, 1e-9, 1e-12])
    penalty = SpectralBox(1.0, 0.1, 3)
    theta = penalty._thetas(s, 0.6)
    expected = (U * (s * theta / (theta + 0.6))) @ Z.T
    found = penalty.prox((U * s) @ Z.T, 0.3)
    np.testing.assert_allclose(found, expected, atol=1e-15)
    kept, wanted = np.diag(U.T @ found @ Z), np.diag(U.T @ expected @ Z)
    np.testing.assert_allclose(kept, wanted, rtol=1e-3, atol=1e-16)


def test_a_large_alpha_is_a_squared_norm_of_the_spectrum():
    """Of one direction: the squared trace norm, that is a learned covariance."""
    W = np.random.default_rng(0).normal(size=(5, 4))
    s = np.linalg.svd(W, compute_uv=False)
    assert SpectralBox(1e9, 0.3, 1).value(W) == pytest.approx(0.3 * s.sum() ** 2)
    assert SpectralBox(1e9, 0.3, 4).value(W) == pytest.approx(0.3 * (s @ s))


# ------------------------------------------------------------------ the solvers
def optimum(problem, loss, alpha, beta, k, side):
    """Return the optimum by CVXPY, with M between features or between tasks."""
    parts = tasks_of(problem)
    p, T = parts[0][0].shape[1], len(parts)
    W, b = cp.Variable((p, T)), cp.Variable(T)
    d, V = (p, W) if side == "features" else (T, W.T)
    M = cp.Variable((d, d), PSD=True)
    inner = beta * np.eye(d) + alpha * M
    value = beta * (alpha + beta) * cp.matrix_frac(V, inner)
    for t, (X, y, s) in enumerate(parts):
        z, kind = X @ W[:, t] + b[t], loss if isinstance(loss, str) else loss[t]
        if kind == "squared":
            part = cp.sum_squares(cp.multiply(np.sqrt(s), y - z)) / 2
        else:
            part = cp.sum(cp.multiply(s, cp.logistic(z) - cp.multiply(y, z)))
        value += part / s.sum()
    rules = [np.eye(d) - M >> 0, cp.trace(M) == k]
    return cp.Problem(cp.Minimize(value), rules).solve(solver="CLARABEL")


@pytest.mark.parametrize("name", ["ragged", "wide_nan", "weighted", "n_below_p"])
@pytest.mark.parametrize("kind", ["squared", "logistic"])
def test_optimum_of_every_solver(name, kind):
    problem, alpha, beta = make_problem(name), 0.5, 0.05
    if kind == "logistic":
        problem, alpha, beta = problem.classes(), 0.05, 0.005
    data = TaskData.pack(
        problem.X, numeric_labels(read_labels(problem.y, **problem.extra))
    )
    loss = Logistic() if kind == "logistic" else Squared()
    f = DataObjective(data, loss, np.ones(data.n_tasks))
    expected = optimum(problem, kind, alpha, beta, 2, "tasks")
    for solver in ("lbfgs", "fista", "cvxpy"):
        run = solve(
            f, SpectralBox(alpha, beta, 2), solver=solver, tol=1e-8, max_iter=20_000
        )
        assert run.objective <= expected + 1e-6 * max(abs(expected), f.null)
        assert run.objective >= expected - 1e-6 * max(abs(expected), f.null)
        if solver != "cvxpy":
            assert run.converged
            assert run.gap <= 1e-8 * f.null


def ragged_tasks():
    """Return X, y, task of 8 tasks of unequal size with 12 features."""
    rng = np.random.default_rng(0)
    sizes = [6, 25, 14, 30, 9, 18, 40, 11]
    task = np.repeat(np.arange(8), sizes)
    X = rng.normal(size=(len(task), 12)) + 1.0
    coef = rng.normal(size=(3, 12))[np.arange(8) % 3] + 0.3 * rng.normal(size=(8, 12))
    y = (X * coef[task]).sum(axis=1) + 0.5 * rng.normal(size=len(task))
    return X, y, task


@pytest.mark.parametrize("kind", ["squared", "logistic", "mixed"])
def test_both_readings_have_the_optimum_of_cvxpy(kind):
    """M between features and M between tasks: one value, one W."""
    from _problems import Problem

    X, y, task = ragged_tasks()
    names = {
        t: kind if kind != "mixed" else ["squared", "logistic"][t % 2] for t in range(8)
    }
    for t, name in names.items():
        rows = task == t
        if name == "logistic":
            y[rows] = y[rows] > np.median(y[rows])
    options = {"alpha": 0.3, "beta": 0.02, "loss": names, "tol": 1e-9}
    subspace = SharedSubspaceRegressor(3, **options).fit(X, y, task=task)
    clusters = TaskClusteringRegressor(3, **options).fit(X, y, task=task)
    problem = Problem(X, y, {"task": task})
    for side in ("features", "tasks"):
        expected = optimum(problem, names, 0.3, 0.02, 3, side)
        assert subspace.objective_ == pytest.approx(expected, rel=1e-6)
    assert clusters.objective_ == pytest.approx(subspace.objective_, rel=1e-12)
    np.testing.assert_allclose(clusters.coef_, subspace.coef_, atol=1e-10)
    reference = SharedSubspaceRegressor(3, **options).set_params(solver="cvxpy")
    reference.fit(X, y, task=task)
    assert reference.objective_ == pytest.approx(subspace.objective_, rel=1e-6)
    assert subspace.dual_gap_ <= 1e-8 * subspace.objective_
    assert duality_gap(subspace, X, y, task=task) <= 2 * subspace.dual_gap_ + 1e-9
    assert objective(subspace, X, y, task=task) == pytest.approx(subspace.objective_)
    assert kkt_residual(subspace, X, y, task=task).max() < 1e-3


# ------------------------------------------------------------------ the estimators
@pytest.fixture(scope="module")
def planted():
    """Return X, Y, directions (2, 10) of 12 tasks in a plane of coefficients."""
    rng = np.random.default_rng(0)
    X, directions = (
        rng.normal(size=(60, 10)),
        np.linalg.qr(rng.normal(size=(10, 2)))[0].T,
    )
    coef = 2 * rng.normal(size=(12, 2)) @ directions
    return X, X @ coef.T + rng.normal(size=(60, 12)), directions, coef


def test_subspace_is_recovered(planted):
    X, Y, directions, coef = planted
    model = SharedSubspaceRegressor(2, alpha=1.0, beta=0.02).fit(X, Y)
    assert model.subspace_.shape == (2, 10)
    np.testing.assert_allclose(
        model.subspace_ @ model.subspace_.T, np.eye(2), atol=1e-12
    )
    cosines = np.linalg.svd(model.subspace_ @ directions.T, compute_uv=False)
    assert cosines.min() > 0.99
    alone = SharedSubspaceRegressor(12, alpha=1.0, beta=0.02).fit(X, Y)
    assert ((model.coef_ - coef) ** 2).sum() < 0.6 * ((alone.coef_ - coef) ** 2).sum()


@pytest.mark.parametrize(
    "options", [{"alpha": 0.0}, {"n_components": 10}, {"n_components": 99}]
)
def test_limits_are_ridge_regressions_of_each_task(planted, options):
    from sklearn.linear_model import Ridge

    X, Y, *_ = planted
    model = SharedSubspaceRegressor(
        **{"alpha": 0.8, "beta": 0.3, "tol": 1e-13, **options}
    )
    ridge = Ridge(2 * 0.3 * len(X)).fit(X, Y)  # beta w^2 against (1 / 2n) residual^2
    np.testing.assert_allclose(model.fit(X, Y).coef_, ridge.coef_, atol=1e-6)
    np.testing.assert_allclose(model.intercept_, ridge.intercept_, atol=1e-6)


def test_large_alpha_of_one_direction_is_a_squared_trace_norm(planted):
    X, Y, *_ = planted
    model = SharedSubspaceRegressor(1, alpha=1e6, beta=0.05, tol=1e-9).fit(X, Y)
    nuclear = np.linalg.svd(model.coef_, compute_uv=False).sum()
    loss = 0.5 * ((Y - model.predict(X)) ** 2).mean(axis=0).sum()
    assert model.objective_ == pytest.approx(loss + 0.05 * nuclear**2, rel=1e-5)


@pytest.mark.parametrize("kind", [SharedSubspaceRegressor, TaskClusteringRegressor])
def test_order_does_not_matter(kind):
    X, y, task = ragged_tasks()
    model = kind(3, alpha=0.3, beta=0.02, tol=1e-11)
    found = model.fit(X, y, task=task).coef_.copy()
    rng = np.random.default_rng(1)
    rows, features, names = (
        rng.permutation(len(y)),
        rng.permutation(12),
        rng.permutation(8),
    )
    other = model.fit(X[rows][:, features], y[rows], task=names[task[rows]])
    np.testing.assert_allclose(
        other.coef_[names][:, np.argsort(features)], found, atol=1e-5
    )


def test_weight_two_is_the_row_twice():
    X, y, task = ragged_tasks()
    weight = np.where(
        np.arange(len(y)) % 3 == 0, 2, np.where(np.arange(len(y)) % 7 == 0, 0, 1)
    )
    model = SharedSubspaceRegressor(2, alpha=0.3, beta=0.02, tol=1e-11)
    weighted = model.fit(X, y, task=task, sample_weight=weight).coef_.copy()
    rows = np.repeat(np.arange(len(y)), weight)
    np.testing.assert_allclose(
        model.fit(X[rows], y[rows], task=task[rows]).coef_, weighted, atol=1e-5
    )


@pytest.mark.parametrize(
    "name",
    [
        "ragged",
        "wide_nan",
        "wide_weighted",
        "one_task",
        "sparse",
        "sparse_wide_nan",
        "zero_column",
        "constant_y",
        "wide_n_below_p",
    ],
)
def test_layouts(name):
    problem = make_problem(name)
    model = SharedSubspaceRegressor(2, alpha=0.2, beta=0.05, tol=1e-6)
    model.fit(problem.X, problem.y, **problem.extra)
    assert model.converged_
    task = {"task": problem.extra["task"]} if "task" in problem.extra else {}
    assert model.predict(problem.X, **task).shape == problem.y.shape
    problem = problem.classes()
    model = SharedSubspaceClassifier(2, alpha=0.02, beta=0.005, tol=1e-6)
    if name == "constant_y":
        problem.y[task["task"] == 1] = 0
        with pytest.warns(UserWarning, match="one class only"):
            model.fit(problem.X, problem.y, **problem.extra)
    else:
        model.fit(problem.X, problem.y, **problem.extra)
    assert model.converged_


@pytest.mark.parametrize("loss", ["huber", "poisson", "logistic"])
def test_other_losses(loss):
    X, y, task = ragged_tasks()
    if loss == "poisson":
        y = np.floor(np.abs(y)) + 1
    elif loss == "logistic":
        y = (y > np.median(y)).astype(int)
    model = SharedSubspaceRegressor(2, alpha=0.2, beta=0.05, loss=loss, tol=1e-8)
    assert model.fit(X, y, task=task).converged_
    assert duality_gap(model, X, y, task=task) <= 2 * model.dual_gap_ + 1e-10
    slow = SharedSubspaceRegressor(
        2, alpha=0.2, beta=0.05, loss=loss, tol=1e-8, solver="fista"
    )
    np.testing.assert_allclose(slow.fit(X, y, task=task).coef_, model.coef_, atol=1e-3)


def test_a_new_task_gets_the_mean_of_the_coefficients(planted):
    X, Y, *_ = planted
    task = np.repeat(list("abcdefghijkl"), 60)
    model = SharedSubspaceRegressor(2, alpha=1.0, beta=0.01, unseen="shared")
    model.fit(np.tile(X, (12, 1)), Y.T.ravel(), task=task)
    with pytest.warns(UserWarning, match="never seen"):
        found = model.predict(X, task="z")
    mean = X @ model.coef_.mean(axis=0) + model.intercept_.mean()
    np.testing.assert_allclose(found, mean)


def test_streams_scaling_and_warm_start(planted):
    X, Y, *_ = planted
    Y = Y * np.logspace(0, 3, 12)
    options = {"alpha": 0.5, "beta": 0.01, "scale_y": True, "tol": 1e-10}
    batch = SharedSubspaceRegressor(2, **options).fit(X, Y)
    stream = SharedSubspaceRegressor(2, **options)
    for rows in (slice(0, 25), slice(25, 60)):
        stream.partial_fit(X[rows], Y[rows])
    np.testing.assert_allclose(stream.coef_, batch.coef_, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(stream.subspace_, batch.subspace_, atol=1e-5)
    assert batch.set_params(warm_start=True).fit(X, Y).n_iter_ <= 6


def test_path_and_search(planted):
    X, Y, *_ = planted
    model = SharedSubspaceRegressor(2, beta=0.01, tol=1e-8)
    path = mtl_path(model, X, Y, alphas=[1.0, 0.1])
    for alpha, coef in zip(path.alphas, path.coefs, strict=True):
        single = SharedSubspaceRegressor(2, alpha=alpha, beta=0.01, tol=1e-8).fit(X, Y)
        np.testing.assert_allclose(coef, single.coef_, atol=1e-3)
    search = AlphaPathCV(model, alphas=8, cv=3).fit(X, Y)
    assert search.best_estimator_.subspace_.shape == (2, 10)
    assert search.alpha_ > search.alphas_.min()


@pytest.mark.parametrize(
    "bad", [{"n_components": 0}, {"alpha": -1.0}, {"beta": 0.0}, {"solver": "bcd"}]
)
def test_errors(planted, bad):
    X, Y, *_ = planted
    with pytest.raises(ValueError, match=next(iter(bad))):
        SharedSubspaceRegressor(**bad).fit(X, Y)


def test_not_converged_says_so(planted):
    X, Y, *_ = planted
    model = SharedSubspaceRegressor(2, alpha=1.0, beta=1e-4, max_iter=2, tol=1e-12)
    with pytest.warns(UserWarning, match="duality gap"):
        model.fit(X, Y)
    assert not model.converged_
