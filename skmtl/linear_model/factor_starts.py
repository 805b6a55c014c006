"""Where to start a factorisation from: the coefficients of single-task models."""

import numpy as np
from sklearn.utils import check_random_state

from skmtl.linear_model.cluster_labels import group_means, group_points
from skmtl.penalties import SquaredNorm
from skmtl.solvers import SOLVERS, Monitor

RIDGE = 0.01  # of the single-task models, relative to the curvature of the loss
TOL = 1e-4
STEPS = 1000


def factor_starts(inner, k, n_init, random_state):
    """Yield V = [L; S'] of shape (p + T, k), n_init of them.

    Directions towards groups of similar single-task coefficients, the singular vectors
    of these, then the latter turned by chance: sparse codes depend on the axes.
    """
    rng = check_random_state(random_state)
    W = _single_tasks(inner)
    L, S = _singular_factors(W, k, rng)
    for n in range(n_init):
        if n == 0:
            yield _grouped_factors(W, k, rng)
            continue
        turn = np.eye(k)
        if n > 1:
            turn = np.linalg.qr(rng.standard_normal((k, k)))[0]
        yield np.concatenate([L @ turn, (turn.T @ S).T])


def _single_tasks(inner):
    """Return the coefficients (p, T) of a weak ridge regression of each task."""
    curvature = inner.curvatures().mean()
    penalty = SquaredNorm(RIDGE * curvature if curvature > 0 else 1.0)
    monitor = Monitor(inner, penalty, TOL, STEPS)
    nothing = np.zeros((inner.n_features, inner.n_tasks))
    return SOLVERS["lbfgs"](inner, penalty, nothing, monitor).W


def _singular_factors(W, k, rng):
    """Return (L (p, k), S (k, T)); directions beyond the rank of W are by chance."""
    U, s, Z = np.linalg.svd(W, full_matrices=False)
    U, s, Z = U[:, :k], s[:k], Z[:k]
    L, S = U * np.sqrt(s), np.sqrt(s)[:, None] * Z
    if L.shape[1] < k:
        more = k - L.shape[1]
        size = np.sqrt(s.mean() / len(W)) if s.any() else 1.0
        L = np.column_stack([L, size * rng.standard_normal((len(W), more))])
        S = np.concatenate([S, np.zeros((more, W.shape[1]))])
    return L, S


def _grouped_factors(W, k, rng):
    """Return V with the mean coefficients of k groups of tasks as directions."""
    sizes = np.sqrt((W**2).sum(axis=0))
    shapes = (W / np.where(sizes > 0, sizes, 1.0)).T
    labels = group_points(np.ascontiguousarray(shapes), k, rng)
    L = np.zeros((len(W), k))
    means = group_means(labels, shapes, np.ones(len(shapes)))
    L[:, : len(means)] = means.T
    return np.concatenate([L, np.eye(k)[labels] * sizes[:, None]])
