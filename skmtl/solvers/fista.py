"""Accelerated proximal gradient with restart and backtracking."""

import numpy as np

from skmtl.solvers.stopping import settle

ITERATIONS_PER_CHECK = 10


def accelerated_proximal_gradient(objective, penalty, W0, monitor):
    """Minimise objective + penalty from W0; return the last `Point`.

    Where the penalty acts row by row the metric is scaled by the curvature of each row,
    so that the scales of the features do not matter.
    """
    d = objective.curvatures()
    d = np.where(d > 0, d, 1.0)
    d = penalty.even(d)[:, None] if penalty.row_separable else d.max()
    # The curvature in this metric is at most p: no trace exceeds it.
    L, L_max = 1.0, float(objective.n_features) if objective.bounded else np.inf
    old, momentum = objective.at(W0), 1.0
    ahead = old
    while not monitor.check(settled := settle(objective, penalty, old)):
        for _ in range(min(ITERATIONS_PER_CHECK, monitor.remaining)):
            new, L = _step(objective, penalty, ahead, d, L, L_max)
            monitor.n_iter += 1
            if np.vdot(d * (ahead.W - new.W), new.W - old.W) > 0:  # uphill: restart
                momentum, ahead = 1.0, new
            else:
                following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
                beta, momentum = (momentum - 1.0) / following, following
                ahead = objective.at(
                    new.W + beta * (new.W - old.W),
                    new.Z + beta * (new.Z - old.Z),
                    near=new,
                )
            old = new
    return settled


def _step(objective, penalty, point, d, L, L_max):
    """Return (the proximal gradient step from the point, the L that was enough)."""
    G = objective.gradient(point)
    while True:
        new = objective.at(
            penalty.prox(point.W - G / (L * d), 1.0 / (L * d)), near=point
        )
        moved = float((d * (new.W - point.W) ** 2).sum())
        if L_max <= L or objective.bend(new, point) <= L * moved:
            return new, L
        L = min(2.0 * L, L_max)
