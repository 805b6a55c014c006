"""One place for the duality gap, when to stop, the history and the result."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skmtl.solvers.common import settle_common

NEWTON_STEPS = 30


def fenchel_gap(loss_gap, penalty, value, W, G):
    """Return the duality gap at W (p, T) with gradient G, the best over dual points.

    `value` is the penalty of W. `loss_gap` gives the Fenchel-Young term of the loss for
    a multiple rho of the dual variables; see `skmtl.objectives`.
    """
    product = float(np.vdot(W, G))
    gap = min(
        max(loss_gap(rho), 0.0) + max(value + conjugate + rho * product, 0.0)
        for rho, conjugate in penalty.dual_points(G)
    )
    return gap if gap < np.inf else loss_gap(0.0) + value  # 0 is always feasible


def duality_gap(objective, penalty, point):
    """Return an upper bound of how far the point is from the optimum."""
    return fenchel_gap(
        lambda rho: objective.loss_gap(point, rho),
        penalty,
        point.penalised(penalty),
        point.W,
        objective.gradient(point),
    )


def settle(objective, penalty, point):
    """Return the point with the rows that are never penalised minimised out.

    No multiple of a dual point is feasible before: their gradient has to vanish. One
    linear system per task for the squared loss, Newton steps otherwise. The same holds
    for what tied tasks have in common, where a penalty leaves that free (`common`).
    """
    labels = getattr(penalty, "common", None)
    if labels is not None:
        return settle_common(objective, labels, point)
    free = penalty.free
    for _ in range(NEWTON_STEPS if len(free) else 0):
        model = objective.model(point, free)
        step = model.newton_step(slice(None))
        decrement = -float(np.vdot(model.gradient(), step))
        if decrement <= 1e-15 * objective.null:
            break
        tau = 1.0
        for _ in range(40):
            W = point.W.copy()
            W[free] += tau * step.T
            new = objective.at(W, near=point)
            if new.value <= point.value - 0.25 * tau * decrement + 1e-15 * point.value:
                break
            tau *= 0.5
        point = new
    return point


@dataclass(frozen=True)
class SolverResult:
    """What a solver found.

    Attributes
    ----------
    W : ndarray of shape (p, T)
    intercept : ndarray of shape (T,)
    objective, gap, target : float
        Value, its distance to the optimum at most, and what was asked for.
    n_iter : int
    converged : bool
    history : list of (n_iter, objective, gap)
        At each check; the stationarity in the place of the gap where there is none.
    message : str
        Why the solver stopped, where it did not converge.
    stationarity : float or None
        Of a penalty that is not convex: the largest distance of a row to stationarity,
        which `target` then refers to; there is no gap.
    """

    W: np.ndarray
    intercept: np.ndarray
    objective: float
    gap: float
    target: float
    n_iter: int
    converged: bool
    history: list
    message: str
    stationarity: float | None = None

    @classmethod
    def of_no_task(cls, n_features):
        """Return the result where no task takes part: nothing, exactly."""
        W = np.zeros((n_features, 0))
        return cls(W, np.zeros(0), 0.0, 0.0, 0.0, 0, True, [], "")

    def after(self, first):
        """Return this result as the continuation of an earlier run."""
        later = [(first.n_iter + n, *rest) for n, *rest in self.history]
        return replace(
            self, n_iter=first.n_iter + self.n_iter, history=[*first.history, *later]
        )

    def warn(self, name):
        """Give the one `ConvergenceWarning`, if there is something to warn of."""
        if not self.converged:
            measure, limit, found = "duality gap", "D0", self.gap
            if self.stationarity is not None:
                measure, limit, found = "stationarity", "alpha", self.stationarity
            warnings.warn(
                f"{name} did not converge: {measure} {found:.2e} > tol * {limit} = "
                f"{self.target:.2e} after {self.n_iter} iterations. {self.message}",
                ConvergenceWarning,
                stacklevel=2,
            )


class Monitor:
    """Watches one run: evaluates the gap, keeps the history, decides when to stop.

    Attributes
    ----------
    target : float
        The absolute gap to reach.
    reachable : float
        The same, but no less than what the arithmetic of the objective can tell.
    gap : float
        The gap at the last check.
    contraction : float
        Its ratio to that at the check before.
    n_iter : int
        Iterations so far; solvers count them up.
    """

    def __init__(self, objective, penalty, tol, max_iter, callback=None):
        self.objective, self.penalty = objective, penalty
        self.target = self.reachable = tol * objective.null
        self.max_iter, self.callback = max_iter, callback
        self.n_iter, self.gap, self.history = 0, np.inf, []
        self.contraction = 1.0
        self.message, self.converged = "", False
        self._known = None, None, np.inf  # the last point and penalty, and the gap

    def gap_of(self, point):
        """Return the duality gap at a point, which may be asked for again."""
        at, penalty, gap = self._known
        if at is not point or penalty is not self.penalty:
            gap = duality_gap(self.objective, self.penalty, point)
            self._known = point, self.penalty, gap
        return gap

    def check(self, point):
        """Take note of a point; True means that the solver has to stop."""
        resolution = self.objective.resolution(point)
        raw, before = self.gap_of(point), self.gap
        if self.objective.null == 0.0 and not point.W.any():
            raw = resolution = 0.0  # nothing is left to explain: 0 is exact
        self.reachable = max(self.target, resolution)
        self.gap = raw + resolution
        self.contraction = self.gap / before if 0 < before < np.inf else 1.0
        value = point.objective(self.penalty)
        self.history.append((self.n_iter, value, self.gap))
        if self.gap <= self.target:
            self.converged = True
            return True
        if raw <= resolution:
            self.message = (
                "This is what rounding in the statistics allows. Fit from the rows, "
                "scale X, or raise tol."
            )
            return True
        if self.n_iter >= self.max_iter:
            self.message = "Increase max_iter, raise tol, or scale X."
            return True
        return bool(self.message) or self.report(lambda: point)

    def report(self, current_point):
        """Tell the callback where the run is; True means that it asks to stop."""
        if self.callback is not None and self.callback(current_point):
            self.message = "A callback stopped it."
            return True
        return False

    @property
    def remaining(self):
        """Iterations that are left."""
        return max(self.max_iter - self.n_iter, 0)

    def result(self, point):
        """Return the `SolverResult` at the last checked point."""
        return SolverResult(
            W=point.W,
            intercept=self.objective.intercepts(point),
            objective=self.history[-1][1],
            gap=self.gap,
            target=self.target,
            n_iter=self.n_iter,
            converged=self.converged,
            history=self.history,
            message=self.message,
        )
