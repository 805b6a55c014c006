"""Concave penalties by a sequence of convex problems, each solved to a certificate."""

import numpy as np

from skmtl.solvers.stopping import Monitor, SolverResult

STAGE_TOL = 1e-10  # relative gap of each stage: its error must not pass for progress


def solve_reweighted(
    objective, penalty, convex_solver, *, tol, max_iter, W0, callback=None
):
    """Minimise f + penalty for a penalty with `majorant`; return a `SolverResult`.

    Each stage replaces the penalty by the weighted norm that touches it at the current
    W from above, so the objective never rises. The first stage is convex: every row
    weighs the same, whatever W0 is. Stops where no row is further than tol * alpha from
    stationarity.
    """
    weighted, W, history = penalty.convex, W0, []
    n_iter, stationarity, best = 0, np.inf, np.inf
    while True:
        rest = max(max_iter - n_iter, 0)
        monitor = Monitor(objective, weighted, STAGE_TOL, rest, callback)
        point = convex_solver(objective, weighted, W, monitor)
        value = point.value + penalty.value(point.W)
        n_iter += monitor.n_iter
        G = objective.gradient(point)
        stationarity = float(penalty.subdiff_distance(point.W, G).max(initial=0.0))
        history.append((n_iter, value, stationarity))
        W, stalled = point.W, not value < best - 1e-13 * abs(value)
        best = min(best, value)
        if stationarity <= tol * penalty.phi.alpha or stalled or monitor.message:
            break
        weighted = penalty.majorant(W, objective.fewest_labels - 1)
    target = tol * penalty.phi.alpha
    return SolverResult(
        W=W,
        intercept=objective.intercepts(point),
        objective=value,
        gap=np.nan,
        target=target,
        n_iter=n_iter,
        converged=stationarity <= target,
        history=history,
        message=monitor.message or "Increase max_iter or raise tol.",
        stationarity=stationarity,
    )
