"""Objectives of Huber, Poisson and mixed losses: one optimum, an honest gap."""

import numpy as np
import pytest
from _problems import make_problem
from scipy import sparse

from skmtl.data import TaskData
from skmtl.layouts import numeric_labels, read_labels
from skmtl.losses import Huber, Logistic, Mixed, Poisson, Squared
from skmtl.objectives import DataObjective
from skmtl.penalties import SparseGroup, WithRidge
from skmtl.solvers import duality_gap, solve

LAYOUTS = ["wide_nan", "wide_weighted", "ragged", "weighted", "n_below_p", "sparse"]
KINDS = [Squared(), Logistic(), Poisson(), Huber()]
PENALTY = SparseGroup(0.03, 0.2)


def pack(name):
    problem = make_problem(name)
    labels = numeric_labels(read_labels(problem.y, **problem.extra))
    X = problem.X if sparse.issparse(problem.X) else np.asarray(problem.X, float)
    return TaskData.pack(X, labels)


def for_loss(y, loss):
    """Return labels the loss takes."""
    if isinstance(loss, Logistic):
        return (y > np.median(y)) * 1.0
    if isinstance(loss, Poisson):
        return np.floor(np.exp(np.clip(0.7 * y, -9, 4))) + (np.arange(len(y)) % 3 == 0)
    return 3.0 * y if isinstance(loss, Huber) else y


def objective(name, loss, fit_intercept=True):
    """Return the objective of a problem; loss "mixed": tasks take turns."""
    data = pack(name)
    kinds = KINDS if loss == "mixed" else [loss]
    index = np.arange(data.n_tasks) % len(kinds)
    y = data.y.copy()
    for t in range(data.n_tasks):
        cells = (slice(None), t)
        if not data.shared:
            cells = slice(data.offsets[t], data.offsets[t + 1])
        y[cells] = for_loss(y[cells], kinds[index[t]])
    loss = Mixed(tuple(kinds), tuple(index)) if loss == "mixed" else loss
    return DataObjective(data.with_y(y), loss, np.ones(data.n_tasks), fit_intercept)


def run(f, penalty, solver="bcd", tol=1e-8, W0=None):
    return solve(f, penalty, solver=solver, tol=tol, max_iter=100_000, W0=W0)


LOSSES = [Huber(), Huber(0.2), Poisson(), "mixed"]
NAMES = ["huber", "huber_narrow", "poisson", "mixed"]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=NAMES)


@every_loss
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", LAYOUTS)
def test_both_solvers_find_one_value(name, fit_intercept, loss):
    f = objective(name, loss, fit_intercept)
    results = [run(f, PENALTY, solver, 1e-6) for solver in ("bcd", "fista")]
    assert all(r.converged and 0 <= r.gap <= r.target for r in results)
    assert abs(results[0].objective - results[1].objective) <= results[0].target


@every_loss
@pytest.mark.parametrize("penalty", [PENALTY, WithRidge(SparseGroup(0.05), 0.3)])
@pytest.mark.parametrize("name", LAYOUTS)
def test_weak_duality_anywhere(name, penalty, loss):
    f, rng = objective(name, loss), np.random.default_rng(0)
    best = run(f, penalty, tol=1e-10)
    assert best.converged
    for size in (0.0, 1e-9, 1e-3, 1.0, 10.0):
        W = size * rng.normal(size=(f.n_features, f.n_tasks))
        for centre in (0.0, best.W):
            point = f.at(centre + W * (rng.random(W.shape) < 0.7))
            gap = duality_gap(f, penalty, point)
            value = point.value + penalty.value(point.W)
            assert gap >= value - best.objective - 1e-11 * (f.null + abs(value))
            assert gap >= 0


@every_loss
@pytest.mark.parametrize("name", ["ragged", "wide_nan"])
def test_gradient_and_intercepts(name, loss):
    f, rng = objective(name, loss), np.random.default_rng(0)
    W, step = 0.1 * rng.normal(size=(f.n_features, f.n_tasks)), 1e-6
    point, found = f.at(W), np.empty(W.shape)
    for j, t in np.ndindex(W.shape):
        D = np.zeros(W.shape)
        D[j, t] = step
        found[j, t] = (f.at(W + D).value - f.at(W - D).value) / (2 * step)
    np.testing.assert_allclose(f.gradient(point), found, atol=1e-7)
    total = f.data.per_task_sum(point.u)
    np.testing.assert_allclose(total, 0, atol=1e-13)
    for off in (-1e-3, 1e-3):  # no other intercept is better
        assert f.rows.rise(point.Z, point.intercept, np.full(f.n_tasks, off)) > 0


@every_loss
@pytest.mark.parametrize("solver", ["bcd", "fista"])
def test_start_far_off_and_at_the_solution(solver, loss):
    """Exponentials of 100 neither warn nor break."""
    f, rng = objective("ragged", loss), np.random.default_rng(0)
    first = run(f, PENALTY, solver)
    W0 = (3.0 if solver == "fista" else 30.0) * rng.normal(size=first.W.shape)
    far = run(f, PENALTY, solver, W0=W0)
    assert far.converged
    assert far.objective == pytest.approx(first.objective, abs=2e-8 * f.null)
    assert run(f, PENALTY, solver, W0=first.W).n_iter == 0


@pytest.mark.parametrize("name", ["ragged", "wide_nan", "sparse"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_mixture_of_one_loss_is_that_loss(name, kind):
    f = objective(name, kind)
    mixed = Mixed((Poisson(), kind), (1,) * f.n_tasks)
    g = DataObjective(f.data.with_y(f.rows.y), mixed, f.c)
    W = 0.1 * np.random.default_rng(0).normal(size=(f.n_features, f.n_tasks))
    np.testing.assert_allclose(g.at(W).value, f.at(W).value, rtol=1e-14)
    np.testing.assert_allclose(g.at(W).u, f.at(W).u, atol=1e-15)
    assert g.null == f.null


def test_a_wide_huber_is_squared():
    wide, squared = objective("ragged", Huber(1e9)), pack("ragged")
    squared = DataObjective(squared.with_y(3 * squared.y), Squared(), wide.c)
    assert wide.null == pytest.approx(squared.null, rel=1e-12)
    found, expected = run(wide, PENALTY), run(squared, PENALTY)
    assert found.objective == pytest.approx(expected.objective, rel=1e-9)


def test_the_median_like_constant_of_huber():
    """Nothing but the intercept is left under a strong penalty."""
    y = np.array([0.0, 0.1, 0.2, 50.0, 1e6])
    data = TaskData(np.zeros((5, 1)), y, np.ones(5), np.array([0]), np.array([0, 5]))
    b = DataObjective(data, Huber(1.0), np.ones(1)).at(np.zeros((1, 1))).intercept[0]
    slope = np.clip(b - y, -1, 1).sum()
    assert slope == pytest.approx(0.0, abs=1e-9)
    assert b == pytest.approx((0.3 + 2.0) / 3)
