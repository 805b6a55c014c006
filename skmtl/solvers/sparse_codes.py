"""Rounds of W = L S: sparse codes given the directions, directions given the codes.

After both, a descent in the two together, as far as the codes keep their signs.
"""

import numpy as np
from scipy.optimize import Bounds, minimize

from skmtl.objectives import CodesObjective, DirectionsObjective, gram_model
from skmtl.penalties import SparseGroup, SquaredNorm
from skmtl.solvers.alternating import Round
from skmtl.solvers.bcd import block_coordinate_descent
from skmtl.solvers.fista import accelerated_proximal_gradient
from skmtl.solvers.lbfgs import preconditioned_lbfgs
from skmtl.solvers.stopping import Monitor

STEPS = 1000  # in one half of a round
FIRST_TOL, LAST_TOL = 1e-6, 1e-14  # relative gaps of the halves
STEPS_OF_BOTH = 100  # in both factors at once
GTOL = 1e-7  # slope that ends them, relative to alpha
LAST_DIGITS = 1e-4  # share of it that slopes alone are followed to
SHARE = 0.5  # of what the last round gained, that a half may leave undone


def sparse_code_rounds(objective, penalty, V, solver):
    """Yield rounds from V = [L; S'].

    Parameters
    ----------
    objective : FactoredObjective
    penalty : FactorNorms
    V : ndarray of shape (p + T, k)
    solver : {"bcd", "fista"}
        Of the codes; without Gram matrices of the loss it is "fista".
    """
    inner, tol = objective.inner, FIRST_TOL
    codes, directions = SparseGroup(penalty.alpha, 1.0), SquaredNorm(penalty.beta)
    nothing = inner.at(np.zeros((inner.n_features, inner.n_tasks)))
    known = gram_model(inner, nothing, few_rows=True)
    for_codes = block_coordinate_descent
    if solver == "fista" or known is None:
        for_codes = accelerated_proximal_gradient
    for_directions = preconditioned_lbfgs
    if gram_model(inner, nothing) is None:
        for_directions = accelerated_proximal_gradient
    known = known if inner.quadratic else None
    point, before = None, np.inf

    def half(f, part, solve, start):
        return solve(f, part, start, Monitor(f, part, tol, STEPS)).W

    V = penalty.balanced(V)
    while True:
        L, S = objective.split(V)
        S = half(CodesObjective(inner, L, known), codes, for_codes, S)
        f = DirectionsObjective(inner, S, known)
        L = half(f, directions, for_directions, np.ascontiguousarray(L))
        V = penalty.balanced(np.concatenate([L, S.T]))
        point = objective.at(V, near=point)
        value = point.value + penalty.value(V)
        new = _both(objective, penalty, point, GTOL * penalty.alpha)
        other = new.value + penalty.value(new.W)
        if other < value:
            point, value, V = new, other, new.W
        yield Round(point, value, _stationarity(objective, penalty, point))
        # What a half leaves undone must not pass for the end of the descent.
        gained = (before - value) / inner.null if inner.null > 0 else 0.0
        tol, before = float(np.clip(SHARE * gained, LAST_TOL, tol)), value


def _both(objective, penalty, point, gtol):
    """Return the point that descent in both factors reaches, codes keeping their signs.

    There the objective is smooth, and a valley that turns in both factors is no
    obstacle, as it is to halves.
    """
    shape, p = point.W.shape, penalty.p
    signs = np.sign(point.W)
    signs[:p] = 0.0
    low, high = np.full(shape, -np.inf), np.full(shape, np.inf)
    low[p:] = np.where(signs[p:] < 0, -np.inf, 0.0)
    high[p:] = np.where(signs[p:] > 0, np.inf, 0.0)

    def value_and_slope(flat):
        V = flat.reshape(shape)
        here = objective.at(V, near=point)
        slope = objective.gradient(here) + penalty.alpha * signs
        slope[:p] += penalty.beta * V[:p]
        return here.value + penalty.value(V), slope.ravel()

    def descend(function, start, gtol):
        return minimize(
            function,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(low.ravel(), high.ravel()),
            options={"maxiter": STEPS_OF_BOTH, "gtol": gtol, "ftol": 0.0, "maxcor": 20},
        )

    found = descend(value_and_slope, point.W.ravel(), gtol)
    end, slope_there = found.x, found.jac

    def rise_and_slope(flat):
        _, slope = value_and_slope(flat)
        return 0.5 * float((slope + slope_there) @ (flat - end)), slope

    if found.nit < STEPS_OF_BOTH:
        # Values tell V to half of their digits only; slopes go on from there.
        found = descend(rise_and_slope, end, LAST_DIGITS * gtol)
    return objective.at(penalty.balanced(found.x.reshape(shape)), near=point)


def _stationarity(objective, penalty, point):
    """Return the larger of the distances of L and S, relative to the slopes there."""
    of_L, of_S = penalty.parts_distance(point.W, objective.gradient(point))
    size = penalty.beta * float(np.linalg.norm(point.W[: penalty.p]))
    first = float(np.linalg.norm(of_L)) / size if size > 0 else 0.0
    return max(first, float(of_S.max(initial=0.0)) / penalty.alpha)
