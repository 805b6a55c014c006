"""Solvers of f(W) + Omega(W), all stopping on the duality gap."""

import numpy as np

from skmtl.solvers.admm import alternating_directions
from skmtl.solvers.alternating import solve_alternating
from skmtl.solvers.bcd import block_coordinate_descent
from skmtl.solvers.factors import newton_on_factors
from skmtl.solvers.fista import accelerated_proximal_gradient
from skmtl.solvers.lbfgs import preconditioned_lbfgs
from skmtl.solvers.newton import proximal_newton
from skmtl.solvers.quadratic import newton_on_graph
from skmtl.solvers.reference import interior_point
from skmtl.solvers.reweighting import solve_reweighted
from skmtl.solvers.sparse_codes import sparse_code_rounds
from skmtl.solvers.stopping import Monitor, SolverResult, duality_gap, settle

SOLVERS = {
    "admm": alternating_directions,
    "bcd": block_coordinate_descent,
    "factors": newton_on_factors,
    "fista": accelerated_proximal_gradient,
    "lbfgs": preconditioned_lbfgs,
    "quadratic": newton_on_graph,
    "newton": proximal_newton,
    "cvxpy": interior_point,
}


def solve(objective, penalty, *, solver, tol, max_iter, W0=None, callback=None):
    """Minimise f + Omega and return a `SolverResult`.

    Parameters
    ----------
    objective, penalty : as in `skmtl.objectives`, `skmtl.penalties`
    solver : str
        A key of `SOLVERS`.
    tol : float
        The duality gap to reach, relative to D0.
    max_iter : int
    W0 : ndarray of shape (p, T) or None
        Where to start; None: at 0.
    callback : callable or None
        Called with a function that returns the current `Point`; True stops the solver.
    """
    if W0 is None:
        W0 = np.zeros((objective.n_features, objective.n_tasks))
    monitor = Monitor(objective, penalty, tol, max_iter, callback)
    point = SOLVERS[solver](objective, penalty, W0, monitor)
    return monitor.result(point)


__all__ = [
    "SOLVERS",
    "Monitor",
    "SolverResult",
    "duality_gap",
    "settle",
    "solve",
    "solve_alternating",
    "solve_reweighted",
    "sparse_code_rounds",
]
