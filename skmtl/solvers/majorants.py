"""Penalties that a convex one touches from above: one such problem after the other.

Each round replaces the penalty by its majorant at the current W, so the objective never
rises. Successive rounds close in slowly where the majorant bends much more than the
penalty; extrapolated points are taken where the objective is smaller there.
"""

from skmtl.solvers.alternating import Round
from skmtl.solvers.anderson import Anderson
from skmtl.solvers.stopping import Monitor

FIRST_TOL = 1e-4  # relative gap of the first convex problem, which is only a start
LEAST_TOL = 1e-12
SHARE = 0.01  # of what the last round gained: the gap that the next may leave
STEPS = 1000  # of a solver, at most, in one round


def majorant_rounds(objective, penalty, convex_solver, W0):
    """Yield a `Round` for each convex problem, without end.

    They are `penalty.majorant(W)`, at W0 first or, if that is 0, at the answer to
    `penalty.convex`.
    `convex_solver(objective, penalty, W, monitor)` returns a `Point`.
    """

    def solved(convex, W, tol):
        monitor = Monitor(objective, convex, max(tol, LEAST_TOL), STEPS)
        return convex_solver(objective, convex, W, monitor)

    def value_at(point):
        return point.value + penalty.value(point.W)

    def in_round(point, value):
        G = objective.gradient(point)
        distance = penalty.subdiff_distance(point.W, G).max(initial=0.0)
        return Round(point, value, float(distance) / penalty.alpha)

    point = objective.at(W0) if W0.any() else solved(penalty.convex, W0, FIRST_TOL)
    value, gain, anderson = value_at(point), objective.null, Anderson()
    while True:
        yield in_round(point, value)
        majorant, tol = penalty.majorant(point.W), FIRST_TOL
        if objective.null > 0:
            tol = min(SHARE * gain / objective.null, FIRST_TOL)
        while True:
            new = solved(majorant, point.W, tol)
            found = value_at(new)
            if found < value or tol <= LEAST_TOL:
                break
            tol *= SHARE  # where it started was good enough, or nearly
        anderson.push(new.W, new.Z)
        if anderson.ready and (ahead := anderson.extrapolate()) is not None:
            beyond = objective.at(*ahead, near=new)
            if (further := value_at(beyond)) < found:
                new, found = beyond, further
        if found < value:
            gain, point, value = value - found, new, found
