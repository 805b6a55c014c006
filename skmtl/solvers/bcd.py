"""Block coordinate descent on working sets, for penalties that act row by row.

Each outer round takes the rows of W that matter now, replaces the smooth part by a
quadratic there (exact for the squared loss, a Newton model otherwise), sweeps over the
rows until the quadratic problem is solved well enough, and moves there, less far where
the quadratic was too optimistic. Where the loss is bent less, or more, at the end of
that step, a few sweeps follow on the same quadratic, bent likewise; and again, if that
is foretold to be all that is left to do. The duality gap of the whole problem decides.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from skmtl.solvers.anderson import Anderson, Steps
from skmtl.solvers.stopping import Monitor, fenchel_gap, settle
from skmtl.solvers.support import SupportNewton

SWEEPS_PER_CHECK = 10
FIRST_SWEEPS = 3  # before the first check, where sweeps cost more than a check
COSTLY = 5000  # entries of W in the model: such a sweep does
SMALL = 16  # so many rows are all looked at in any case
MIN_WORKING_SET = 100
FEW = 4  # times the rows that pull: they alone are looked at
CHEAP = 1_000_000  # multiplications of a sweep: that many rows at least
STRAIGHT = 0.05  # change of the curvature along a step that asks for no other one
BELIEVED = 4.0  # largest factor of such a change
SWEEPS_AGAIN = 3  # of a later step, which the next round makes up for
NEWTON_SWEEPS = 200  # one Newton model is not worth more
QUICK = 0.03  # share that is left where nothing needs to be combined
WHOLE = 1e-3  # share to aim at where all rows that pull are in the set
ALONE = 1e-4  # share of the gap that such a problem is solved to
POOR = 0.3  # share of the gap that a round with a good model does not leave
ROUNDS_COMBINED = 3  # of models that are not exact
SOON = 5  # so many sweeps take no longer than a Newton step
STALLED_CHECKS = 20  # so many without a smaller gap: rounding fills the model
ROUNDING = 1e-14  # relative differences of objective values that mean nothing
NOTHING_PULLS = (
    "No feature pulls, so that rounding is what is left of the gap. Centre or scale "
    "the labels, or raise tol."
)


def block_coordinate_descent(objective, penalty, W0, monitor):
    """Minimise objective + penalty from W0; return the last `Point`."""
    point = settle(objective, penalty, objective.at(W0))
    return (
        point if monitor.check(point) else _rounds(objective, penalty, point, monitor)
    )


def _rounds(objective, penalty, point, monitor):
    """Go on from a point that the monitor has checked; return the last one."""
    size = max(MIN_WORKING_SET, CHEAP // objective.row_cost)
    inside, poor, rounds, exact = 0.0, 0, Steps(ROUNDS_COMBINED), True
    while True:
        if not exact and monitor.contraction > POOR:
            poor = 0 if objective.sharpen(point, poor) else poor + 1
        # Where the rows outside add nothing to the gap this set is the last one.
        last = monitor.gap <= 3.0 * inside
        features, size, whole = _working_set(
            penalty, point.W, objective.gradient(point), size
        )
        if not len(features):  # 0 is the optimum, whatever the gap says
            monitor.message = NOTHING_PULLS
            return point
        part = _part(objective, features)
        if part is not None:
            point = _alone(objective, penalty, point, features, monitor, part)
        else:
            last |= len(features) == objective.n_features
            model, start = objective.sweep_model(point, features), point.W
            # No better than the last round's model turned out to be.
            share = min(max(monitor.contraction, 0.03), 0.1)
            if model.exact and (last or whole):
                share = 0.0 if last else WHOLE
            point, inside = _advance(
                objective, penalty, point, features, monitor, model, share, inside
            )
            exact = model.exact
            if not getattr(model, "own", True):
                ahead = rounds.extrapolate(start, point.W, point.Z)
                if monitor.contraction > QUICK:
                    point = _better(objective, penalty, point, ahead)
            point = settle(objective, penalty, point)
        if monitor.check(point):
            return point


def _part(objective, features):
    """Return the objective of these rows alone, if it is worth rounds of its own.

    Where the smooth part is curved, and few of the rows matter: such a round does not
    take the gradient of the others.
    """
    if objective.quadratic or FEW * len(features) > objective.n_features:
        return None
    return objective.restricted(features) if hasattr(objective, "restricted") else None


def _alone(objective, penalty, point, features, monitor, part):
    """Return a better point, by rounds on some rows of W while the others are 0."""

    def whole(found):
        W = np.zeros(point.W.shape)
        W[features] = found.W
        return replace(found, W=W, G=None)

    def report(current):
        return monitor.report(lambda: whole(current()))

    callback = None if monitor.callback is None else report
    own = penalty.restrict(features)
    inner = Monitor(part, own, 0.0, monitor.remaining, callback)
    inner.target = max(0.9 * monitor.reachable, ALONE * monitor.gap)
    inner.reachable, inner.gap = inner.target, monitor.gap
    G = objective.gradient(point)[features]
    found = _rounds(part, own, replace(point, W=point.W[features], G=G), inner)
    monitor.n_iter += max(inner.n_iter, 1)
    return whole(found)


def _better(objective, penalty, point, ahead):
    """Return the point with W and image `ahead`, if there is one and it is better."""
    if ahead is None:
        return point
    new = objective.at(*ahead, near=point)
    return new if new.objective(penalty) < point.objective(penalty) else point


def _advance(objective, penalty, point, features, monitor, model, share, before):
    """Return (a better point, the model's gap) by a model solved to a share of it.

    `before` is the gap of the last one, 0 if there was none.
    """
    target, budget = monitor.reachable, monitor.remaining
    if before > 0 and not model.exact:  # that much was not good enough
        target = min(target, before)
    target = max(target, share * monitor.gap)
    if not model.exact:
        budget = min(budget, NEWTON_SWEEPS)

    def current():
        return objective.at(_scatter(model.W, features, point.W.shape), near=point)

    sweeps, inside, _ = solve_quadratic(
        model,
        penalty.restrict(features),
        (monitor.gap, 0.3 * target),
        budget,
        lambda: monitor.report(current),
    )
    monitor.n_iter += max(sweeps, 1)
    end = current()
    new = _line_search(objective, penalty, point, end)
    if new is end and not (model.exact or objective.quadratic):
        new = _again(objective, penalty, point, new, features, monitor, model)
    return new, inside


def _again(objective, penalty, old, new, features, monitor, model):
    """Return the point after more steps on a model, at what it is bent to at new.

    A quadratic of a curved loss is wrong mostly in that the loss grows straighter, or
    less straight, along the step: known from the rows, at no more than their cost. A
    third step is made where it is foretold to be the last: steps leave, about, the
    square of that change of the gap.
    """
    arguments = penalty.restrict(features).kernel_arguments(len(features))
    off = 0.0
    for third in (False, True):
        if third:
            gap = monitor.gap_of(new)
            if not off**2 * gap <= monitor.reachable < gap:
                break
        bends, own = objective.bends_along(new, old), model.bends()
        ratio = np.divide(bends, own, out=np.ones_like(own), where=own > 0)
        sweeps, off = min(monitor.remaining, SWEEPS_AGAIN), np.abs(ratio - 1.0).max()
        if sweeps == 0 or off <= STRAIGHT:
            break
        ratio = ratio.clip(1.0 / BELIEVED, BELIEVED)
        model.again(ratio, new.u, lambda at=new: objective.gradient(at)[features].T)
        model.sweep(arguments, model.bounds(arguments[0]), sweeps)
        monitor.n_iter += sweeps
        ahead = objective.at(_scatter(model.W, features, old.W.shape), near=new)
        if ahead.objective(penalty) >= new.objective(penalty):
            break
        old, new = new, ahead
    return new


def solve_quadratic(model, penalty, gaps, max_sweeps, report):
    """Sweep over a quadratic model until its gap is at most a target.

    `gaps` holds what it is at most at the start, and the target. Returns (sweeps, gap,
    whether `report` asked to stop).
    """
    arguments = penalty.kernel_arguments(model.W.shape[1])
    bounds, newton = model.bounds(arguments[0]), SupportNewton(arguments)
    (found, target), sweeps, best, stalled = gaps, 0, np.inf, 0
    plan = _Plan(found, target, costly=model.W.size >= COSTLY and not model.exact)
    while sweeps < max_sweeps and stalled < STALLED_CHECKS:
        planned = min(plan.sweeps, max_sweeps - sweeps)
        sweeps += planned
        if plan.near:
            model.sweep(arguments, bounds, planned)
            if model.exact and not len(penalty.free):
                return sweeps, target, False  # the gap of the whole tells, at one look
        else:
            _sweeps_combined(model, penalty, arguments, bounds, planned, plan.anderson)
        found, g = _model_gap(model, penalty, target)
        if found <= target:
            break
        best, stalled = min(best, found), stalled + 1 if found >= best else 0
        plan.after(planned, found)
        if not plan.near and newton.due(model, sweeps):
            value = partial(_model_value, model, penalty)
            if newton.step(model, value, found, g):
                plan.after_a_step()
        if report():
            return sweeps, found, True
    return sweeps, found, False


class _Plan:
    """How many sweeps are made before the gap is looked at, and what combines them.

    Attributes
    ----------
    sweeps : int
    near : bool
        Whether these are foretold to be the last.
    anderson : Anderson
        Of sweeps that follow each other.
    """

    def __init__(self, gap, target, costly):
        self.near, self.anderson = False, Anderson()
        self.sweeps = FIRST_SWEEPS - costly  # such a model is not solved far
        self._gap, self._target = gap, target
        self._rate, self._stepped = 0.0, False

    def after(self, sweeps, gap):
        """Plan on after so many sweeps and the gap that they lead to."""
        self.sweeps = min(2 * self.sweeps, SWEEPS_PER_CHECK)
        if gap < self._gap and not self._stepped:  # what a sweep does
            self._rate = np.log(self._gap / gap) / sweeps
        self._gap, self._stepped, target = gap, False, self._target
        self.near = target > 0 and np.log(gap / target) <= SOON * self._rate
        if self.near:
            self.sweeps = int(np.ceil(np.log(gap / target) / self._rate))
            self.anderson = Anderson()

    def after_a_step(self):
        """Plan on after a step that is no sweep: one of those repairs what it left."""
        self.sweeps, self.anderson, self._stepped = 1, Anderson(), True


def _model_value(model, penalty):
    """Return the objective of a model, with the penalty."""
    return model.value() + penalty.value(model.W.T)


def _model_gap(model, penalty, target):
    """Return (the gap of a model, its gradient (T, k)).

    Where it seems to be at the target, rows without a penalty settle before: multiples
    of the gradient are no dual points while theirs does not vanish, and what they give
    means little.
    """

    def gap():
        g, value = model.gradient(), penalty.value(model.W.T)
        loss = model.value()
        return fenchel_gap(
            lambda rho: (1.0 - rho) ** 2 * loss, penalty, value, model.W.T, g.T
        ), g

    found = gap()
    if found[0] <= target and len(penalty.free):
        model.settle(penalty.free)
        found = gap()
    return found


def _sweeps_combined(model, penalty, arguments, bounds, sweeps, anderson):
    """Make so many sweeps, and take what is extrapolated from them if it is better."""
    for _ in range(sweeps):
        model.sweep(arguments, bounds, 1)
        anderson.push(model.W, model.state)
        if anderson.ready:
            _accelerate(model, penalty, anderson)


def _accelerate(model, penalty, anderson):
    """Move the model to the extrapolated point if the objective is smaller there.

    By more than rounding: values are flat near the optimum, where a step that only
    seems to descend would undo the work of many sweeps.
    """
    found = anderson.extrapolate()
    if found is None:
        return
    W, state = model.W, model.state
    before = _model_value(model, penalty)
    model.W, model.state = found
    gain = before - _model_value(model, penalty)
    if not gain > ROUNDING * abs(before):
        model.W, model.state = W, state


def _working_set(penalty, W, G, size):
    """Return (whole blocks of rows, size of the next set, whether no others pull)."""
    p = len(W)
    if p <= SMALL:
        return penalty.complete(np.arange(p)), size, True
    used = np.flatnonzero(W.any(axis=1))
    crowded = 2 * len(used) > size
    size = max(size, (4 if crowded else 2) * len(used))
    urgency = penalty.subdiff_distance(W, G)
    urgency[used] = urgency[penalty.free] = np.inf
    if size < p:
        chosen = np.argpartition(-urgency, size - 1)[:size]
        chosen = chosen[urgency[chosen] > 0]
        return penalty.complete(chosen), size, len(chosen) < size
    chosen = np.flatnonzero(urgency)
    few = FEW * len(chosen) <= p
    return penalty.complete(chosen if few else np.arange(p)), size, True


def _scatter(W, features, shape):
    """Return W (T, k) of some rows as a full (p, T) array."""
    full = np.zeros(shape)
    full[features] = W.T
    return full


def _line_search(objective, penalty, old, new):
    """Return the first of new, halfway, ... that decreases the objective enough."""
    kept, sought = old.penalised(penalty), new.penalised(penalty)
    start, value = old.value + kept, new.value + sought
    step = new.W - old.W
    slope = float(np.vdot(objective.gradient(old), step)) + sought - kept
    # Losses are sums of larger terms, so D0 tells better than a small sum of them.
    slack = ROUNDING * max(abs(start), objective.null)
    tau, image = 1.0, None
    for _ in range(40):
        if value <= start + 1e-4 * tau * slope + slack:
            return new
        if image is None:
            image = new.Z - old.Z
        tau *= 0.5
        new = objective.at(old.W + tau * step, old.Z + tau * image, near=new)
        value = new.value + penalty.value(new.W)
    return old
