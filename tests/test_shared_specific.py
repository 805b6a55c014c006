"""W = P + Q: solvers, certificates and the estimators of two parts."""

import cvxpy as cp
import numpy as np
import pytest
from _oracles import tasks_of
from _problems import make_problem

from skmtl.data import TaskData
from skmtl.layouts import numeric_labels, read_labels
from skmtl.losses import Logistic, Squared
from skmtl.objectives import DataObjective, StatisticsObjective, SumObjective
from skmtl.penalties import ByTask, SparseGroup, Stacked, TraceNorm
from skmtl.solvers import solve
from skmtl.statistics import TaskStatistics

ALPHA, BETA = 0.2, 0.15
SHARED = {
    "rows": (SparseGroup(ALPHA), lambda P: cp.sum(cp.norm(P, 2, axis=1))),
    "rows_linf": (
        SparseGroup(ALPHA, norm="linf"),
        lambda P: cp.sum(cp.norm(P, "inf", axis=1)),
    ),
    "low_rank": (TraceNorm(ALPHA), lambda P: cp.normNuc(P)),
}
SPECIFIC = {
    "elements": (SparseGroup(BETA, 1.0), lambda Q: cp.sum(cp.abs(Q))),
    "tasks": (ByTask(BETA), lambda Q: cp.sum(cp.norm(Q, 2, axis=0))),
}


def expected_value(problem, loss, shared, specific, factor=1.0):
    """Return the optimum by CVXPY."""
    parts = tasks_of(problem)
    p, T = parts[0][0].shape[1], len(parts)
    P, Q, b = cp.Variable((p, T)), cp.Variable((p, T)), cp.Variable(T)
    value = factor * (ALPHA * SHARED[shared][1](P) + BETA * SPECIFIC[specific][1](Q))
    for t, (X, y, s) in enumerate(parts):
        z = X @ (P[:, t] + Q[:, t]) + b[t]
        if loss == "squared":
            part = cp.sum_squares(cp.multiply(np.sqrt(s), y - z)) / 2
        else:
            part = cp.sum(cp.multiply(s, cp.logistic(z) - cp.multiply(y, z)))
        value += part / s.sum()
    return cp.Problem(cp.Minimize(value)).solve(solver="CLARABEL")


def penalty_of(shared, specific, p, factor=1.0):
    first, second = SHARED[shared][0], SPECIFIC[specific][0]
    if factor != 1.0:
        from dataclasses import replace

        first = replace(first, alpha=factor * first.alpha)
        second = replace(second, alpha=factor * second.alpha)
    return Stacked(first, second, p)


def rows_of(problem):
    labels = read_labels(problem.y, **problem.extra)
    return TaskData.pack(problem.X, numeric_labels(labels))


@pytest.mark.parametrize("specific", SPECIFIC)
@pytest.mark.parametrize("shared", SHARED)
@pytest.mark.parametrize("name", ["ragged", "wide_nan", "n_below_p"])
@pytest.mark.parametrize("kind", ["rows", "statistics", "logistic"])
def test_optimum_of_two_parts(kind, name, shared, specific):
    problem, factor = make_problem(name), 1.0
    if kind == "logistic":
        problem, factor = problem.classes(), 0.2
    loss = "logistic" if kind == "logistic" else "squared"
    data = rows_of(problem)
    c = np.ones(data.n_tasks)
    if kind == "statistics":
        f = StatisticsObjective(TaskStatistics.from_data(data), c)
    else:
        f = DataObjective(data, Logistic() if loss == "logistic" else Squared(), c)
    f = SumObjective(f)
    penalty = penalty_of(shared, specific, data.n_features, factor)
    expected = expected_value(problem, loss, shared, specific, factor)
    for solver in ["fista"] + ["bcd"] * penalty.row_separable:
        result = solve(f, penalty, solver=solver, tol=1e-7, max_iter=50_000)
        assert result.converged
        assert result.gap <= 1e-7 * f.null
        assert result.objective == pytest.approx(expected, abs=1e-6 * f.null)


@pytest.mark.parametrize("penalty", [ByTask(0.7), TraceNorm(0.7)])
@pytest.mark.parametrize("seed", range(6))
def test_spectral_and_column_proxes(penalty, seed):
    V = 2 * np.random.default_rng(seed).normal(size=(5, 3))
    P = penalty.prox(V, 1.0)
    B = cp.Variable(V.shape)
    norm = (
        cp.normNuc(B)
        if isinstance(penalty, TraceNorm)
        else cp.sum(cp.norm(B, 2, axis=0))
    )
    value = cp.sum_squares(B - V) / 2 + penalty.alpha * norm
    cp.Problem(cp.Minimize(value)).solve(solver="CLARABEL")
    np.testing.assert_allclose(P, B.value, atol=2e-4)
    np.testing.assert_allclose(penalty.subdiff_distance(P, P - V), 0, atol=1e-9)
    assert penalty.subdiff_distance(P, P - 9 * V - 1).max() > 0.1
    assert np.vdot(V - P, P) == pytest.approx(penalty.value(P))  # Euler
    ((rho, conjugate),) = penalty.dual_points(V)
    assert conjugate == 0
    assert not penalty.prox(-rho * V * (1 - 1e-9), 1.0).any()
