"""Newton steps for penalties that are quadratic themselves: one step for squared loss.

Each step is one linear system in which the penalty ties the curvatures of the tasks; it
is solved by `skmtl.solvers.task_systems`. For the squared loss later steps repair what
rounding left; for other losses the curvature is taken anew where the old one no longer
serves.
"""

import numpy as np

from skmtl.solvers.fista import accelerated_proximal_gradient
from skmtl.solvers.line_search import descend
from skmtl.solvers.stopping import settle
from skmtl.solvers.task_systems import task_system

# A step with the curvature of an earlier point has to lower the gap by this factor.
WORTHWHILE = 0.1


def newton_on_graph(objective, penalty, W0, monitor):
    """Minimise objective + penalty from W0; return the last `Point`.

    Where all curvatures together would be larger than the rows, proximal gradient
    steps are taken instead.
    """
    if not objective.grams_fit:
        return accelerated_proximal_gradient(objective, penalty, W0, monitor)
    point, system, before = objective.at(W0), None, np.inf
    while not monitor.check(point := settle(objective, penalty, point)):
        stale = monitor.gap > WORTHWHILE * before
        if system is None or (stale and not objective.quadratic):
            model = objective.grams(point)
            system = task_system(
                model, objective.spectra, penalty.tied, penalty.alpha, penalty.ridge
            )
        before = monitor.gap
        G = objective.gradient(point) + penalty.times(point.W)
        accuracy = 0.01 * max(np.sqrt(monitor.target / monitor.gap), 1e-7)
        step = system.solve(np.ascontiguousarray(G.T), accuracy).T
        new = objective.at(point.W - step, near=point)
        point = descend(objective, penalty, point, new, -float(np.vdot(G, step)))
        monitor.n_iter += 1
    monitor.n_iter = max(monitor.n_iter, 1)  # the start solves a system as well
    return point
