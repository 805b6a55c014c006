"""Solutions along a decreasing sequence of strengths, each from the one before.

Neighbours on a path have nearly the same answer, so each problem starts where the last
two point to: block coordinate descent then sweeps over the rows that were in use and
those whose gradient there breaks the new strength, and looks at the others once, when
the gap of the whole problem is evaluated. Everything that costs a pass over the data is
in the objective, which is made once.
"""

import numpy as np


def largest_alpha(objective, penalty, limit):
    """Return the smallest alpha with the same answer as an alpha without end.

    `limit` is that answer, (p, T): 0, but for what alpha does not penalise.
    """
    return penalty.alpha_max(objective.gradient(objective.at(limit)))


def alpha_grid(largest, n_alphas, eps):
    """Return n_alphas decreasing strengths from `largest` to eps times that.

    Where any strength gives the same model (`largest` is 0) they start at 1.
    """
    largest = largest if largest > 0 else 1.0
    return np.geomspace(largest, largest * eps, n_alphas)


def solve_path(problems, alphas):
    """Yield a `SolverResult` for each problem, from the strongest to the weakest.

    Parameters
    ----------
    problems : sequence of callables
        Each takes where to start, (p, T) or None, and returns its result.
    alphas : sequence of float
        Their strengths, decreasing.
    """
    W0, before, alphas = None, None, [*alphas, 0.0]
    for k, problem in enumerate(problems):
        result = problem(W0)
        W0 = result.W
        if before is not None:
            ahead = (alphas[k] - alphas[k + 1]) / (alphas[k - 1] - alphas[k])
            W0 = extrapolate(before, W0, ahead)
        before = result.W
        yield result


def extrapolate(before, W, ahead):
    """Return W and `ahead` times the step to it, where no sign changes.

    Between two features that enter, answers are nearly straight lines in alpha.
    """
    found = W + ahead * (W - before)
    return np.where(np.sign(found) == np.sign(W), found, W)
