"""Clustered tasks by k-means: coefficients given the groups, groups given those."""

from dataclasses import replace

import numpy as np
from sklearn.utils import check_random_state

from skmtl.linear_model.cluster_labels import (
    group_by_affinity,
    group_means,
    group_points,
)
from skmtl.penalties.norms import row_norms
from skmtl.solvers import SOLVERS, Monitor
from skmtl.solvers.alternating import Round, solve_alternating

FIRST_TOL = 1e-4  # relative gap of a stage while the groups still change
LAST_TOL = 1e-14
STEPS = 10_000  # of the solver, in one stage


def solve_k_means(
    objective, relaxation, groups, k, *, solver, n_init, random_state, W0, **options
):
    """Minimise over W and k groups of its columns; return an `AlternatingResult`.

    Parameters
    ----------
    objective : as in `skmtl.objectives`
    relaxation : penalty
        Convex, with an `affinity`: the first groups are read from its answer.
    groups : ClusterMeans
        Its strengths; its labels are where to start from, None: several starts.
    k : int
    solver : str
        Of the stages with given groups.
    n_init : int
        Number of starts: from the relaxation, then from k-means on its answer.
    random_state : int, RandomState or None
    W0 : ndarray of shape (p, T) or None
    **options : dict
        tol, max_iter and callback of `solve_alternating`.
    """

    def solved(penalty, W, tol):
        monitor = Monitor(objective, penalty, tol, STEPS)
        point = SOLVERS[solver](objective, penalty, W, monitor)
        return point, monitor.gap / (objective.null or 1.0)

    def starts():
        if groups.labels is not None:
            yield _rounds(solved, objective, groups, k, W0)
            return
        nothing = np.zeros((objective.n_features, objective.n_tasks))
        W = nothing if W0 is None else W0
        if W0 is not None:
            first = group_points(groups.points(W), k, rng)
            yield _rounds(solved, objective, replace(groups, labels=first), k, W)
        W = solved(relaxation, W, FIRST_TOL)[0].W
        first = group_by_affinity(relaxation.affinity(W), k)
        yield _rounds(solved, objective, replace(groups, labels=first), k, W)
        for _ in range(n_init - 1):
            first = group_points(groups.points(W), k, rng, n_init=1)
            yield _rounds(solved, objective, replace(groups, labels=first), k, W)

    rng = check_random_state(random_state)
    return solve_alternating(objective, starts(), **options)


def _rounds(solved, objective, penalty, k, W):
    """Yield rounds from a penalty with labels and coefficients (p, T).

    Groups are those of k-means on the coefficients, by Lloyd's steps from the means of
    the groups before, so that neither half of a round raises the objective.
    """
    nothing = objective.at(np.zeros_like(W))
    unit = float(row_norms(objective.gradient(nothing)).max(initial=0.0))
    tol = FIRST_TOL
    while True:
        point, gap = solved(penalty, W, tol)
        W = point.W
        found = _regroup(penalty.points(W), penalty.labels, k)
        if np.array_equal(found, penalty.labels):
            tol = max(0.01 * min(tol, gap), LAST_TOL)  # more than there is
        penalty = replace(penalty, labels=found)
        distance = penalty.subdiff_distance(W, objective.gradient(point)).max()
        value = point.value + penalty.value(W)
        yield Round(point, value, float(distance) / unit if unit > 0 else 0.0, found)


def _regroup(points, labels, k):
    """Return the groups that Lloyd's steps reach from these, if they are better."""
    centers = group_means(labels, points, np.ones(len(points)))
    found = group_points(points, k, 0, centers=centers)
    better = _within(points, found) < _within(points, labels) * (1.0 - 1e-12)
    return found if better else labels


def _within(points, labels):
    """Return the sum of squared distances to the means of the groups."""
    means = group_means(labels, points, np.ones(len(points)))
    return float(((points - means[labels]) ** 2).sum())
