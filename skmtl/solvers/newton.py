"""Newton models of curved losses, each minimised by accelerated proximal gradients.

A step on the rows costs their number, a step on a quadratic by Gram matrices does not.
For penalties whose prox is cheap but which block coordinate descent does not know.
"""

import numpy as np

from skmtl.objectives import quadratic_near
from skmtl.solvers.fista import accelerated_proximal_gradient
from skmtl.solvers.line_search import descend
from skmtl.solvers.stopping import Monitor, settle

STEPS_PER_MODEL = 300  # one model is not worth more
MODEL_BYTES = 2**29


def proximal_newton(objective, penalty, W0, monitor):
    """Minimise objective + penalty from W0; return the last `Point`.

    Accelerated proximal gradient steps alone where the objective is a quadratic anyway,
    or where its Gram matrices are not worth having.
    """
    size = 8 * objective.n_tasks * objective.n_features**2
    if objective.quadratic or size > MODEL_BYTES:
        return accelerated_proximal_gradient(objective, penalty, W0, monitor)
    point = settle(objective, penalty, objective.at(W0))
    while not monitor.check(point):
        model = quadratic_near(objective, point)
        if model is None:
            return accelerated_proximal_gradient(objective, penalty, point.W, monitor)
        inner = Monitor(
            model, penalty, 0.0, min(monitor.remaining, STEPS_PER_MODEL),
            _told(monitor, objective, point),
        )  # fmt: skip
        inner.target = max(0.3 * monitor.reachable, 0.03 * monitor.gap)
        found = accelerated_proximal_gradient(model, penalty, point.W, inner)
        monitor.n_iter += max(inner.n_iter, 1)
        new = objective.at(found.W, near=point)
        slope = float(np.vdot(objective.gradient(point), new.W - point.W))
        slope += penalty.value(new.W) - penalty.value(point.W)
        before, point = point, descend(objective, penalty, point, new, min(slope, 0.0))
        point = settle(objective, penalty, point)
        if point is before:  # rounding fills the model
            return accelerated_proximal_gradient(objective, penalty, point.W, monitor)
    return point


def _told(monitor, objective, point):
    """Return a callback of the inner run that tells the outer one."""
    if monitor.callback is None:
        return None

    def report(current):
        return monitor.report(lambda: objective.at(current().W, near=point))

    return report
