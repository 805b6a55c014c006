"""Any convex problem by CVXPY: the slow reference for the other solvers."""

import warnings

import numpy as np

from skmtl.expressions import penalty_and_rules, smooth_part
from skmtl.solvers.stopping import settle

TOLERANCES = 1e-10, 1e-8  # the second where rounding does not allow the first


def interior_point(objective, penalty, W0, monitor):
    """Minimise objective + penalty by CVXPY; return the `Point` it found.

    Iterations are CVXPY's, and so is the verdict whether it converged. The gap is the
    package's certificate at that point.
    """
    cp = _import_cvxpy()
    units = _units(objective)
    V = cp.Variable(W0.shape)
    W = cp.multiply(V, units)
    size, rules = penalty_and_rules(penalty, cp, W)
    value = (smooth_part(objective, cp, W) + size) / (objective.null or 1.0)
    program = cp.Problem(cp.Minimize(value), rules)
    _run(cp, program, monitor.max_iter)
    if V.value is None:
        raise RuntimeError(
            f"CVXPY found no solution (its status is {program.status!r}). Standardise "
            "X, or use solver='auto'."
        )
    # Interior points stay a hair's breadth off a boundary such as W >= 0; a prox of no
    # strength puts them into the domain.
    W = penalty.prox(V.value * units, np.finfo(float).tiny)
    point = settle(objective, penalty, objective.at(W))
    monitor.n_iter += program.solver_stats.num_iters or 0
    monitor.check(point)
    monitor.converged |= program.status == cp.OPTIMAL
    monitor.message = f"The status of CVXPY is {program.status!r}."
    return point


def _import_cvxpy():
    """Return CVXPY, or raise with the name of the extra that brings it."""
    try:
        import cvxpy
    except ImportError as error:
        raise ImportError(
            "solver='cvxpy' needs CVXPY; pip install \"skmtl[reference]\" brings it."
        ) from error
    return cvxpy


def _units(objective):
    """Return the size of W that matters, (p, T): the variables are multiples of it."""
    curvatures = objective.curvatures()
    units = 1.0 / np.sqrt(np.where(curvatures > 0, curvatures, 1.0))
    if objective.quadratic and objective.null > 0:  # labels of any size
        units *= np.sqrt(objective.null)
    return np.repeat(units[:, None], objective.n_tasks, axis=1)


def _run(cp, program, max_iter):
    """Solve the program, as exactly as double precision allows."""
    with warnings.catch_warnings():
        # The status says so as well.
        warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
        for tolerance in TOLERANCES:
            names = ("tol_gap_abs", "tol_gap_rel", "tol_feas")
            exact = dict.fromkeys(names, tolerance)
            program.solve(solver=cp.CLARABEL, max_iter=max_iter, **exact)
            if program.status != cp.OPTIMAL_INACCURATE:
                break
