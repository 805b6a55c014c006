"""Solutions along a decreasing sequence of strengths, each from the one before.

Neighbours on a path have nearly the same answer, so each problem starts at the last
one: block coordinate descent then sweeps over the rows that were in use and those whose
gradient there breaks the new strength, and looks at the others once, when the gap of
the whole problem is evaluated. Everything that costs a pass over the data is in the
objective, which is made once.
"""

import numpy as np

from skmtl.solvers import settle, solve


def largest_alpha(objective, penalty):
    """Return the smallest alpha at which nothing that is penalised is used.

    Rows that are not penalised are fitted first.
    """
    nothing = objective.at(np.zeros((objective.n_features, objective.n_tasks)))
    point = settle(objective, penalty, nothing)
    return penalty.alpha_max(objective.gradient(point))


def alpha_grid(largest, n_alphas, eps):
    """Return n_alphas decreasing strengths from `largest` to eps times that.

    Where any strength gives an empty model (`largest` is 0) they start at 1.
    """
    largest = largest if largest > 0 else 1.0
    return np.geomspace(largest, largest * eps, n_alphas)


def solve_path(objective, penalties, solvers, *, tol, max_iter, W0=None):
    """Yield a `SolverResult` for each penalty, from the strongest to the weakest.

    Parameters
    ----------
    objective : as in `skmtl.objectives`
    penalties : sequence of penalties
        The same family with decreasing strengths.
    solvers : sequence of str
        A key of `skmtl.solvers.SOLVERS` for each.
    tol, max_iter : float, int
        For each problem, as in `skmtl.solvers.solve`.
    W0 : ndarray of shape (p, T) or None
        Where to start the first; None: at 0.
    """
    for penalty, solver in zip(penalties, solvers, strict=True):
        result = solve(
            objective, penalty, solver=solver, tol=tol, max_iter=max_iter, W0=W0
        )
        W0 = result.W
        yield result
