"""Problems in two blocks of unknowns, each convex given the other, from several starts.

A method is a generator of rounds: each yields a `Round` that is no worse than the one
before. Where to stop, which start to follow and what to report is the same for all, and
is here.
"""

import warnings
from dataclasses import dataclass

from sklearn.exceptions import ConvergenceWarning

from skmtl.solvers.stopping import SolverResult

FIRST_ROUNDS = 3  # of every start, before only the best goes on
ROUNDING = 1e-14  # relative differences of objective values that mean nothing
STALLED_ROUNDS = 3


@dataclass(frozen=True)
class Round:
    """Where a method is after a round.

    Attributes
    ----------
    point : Point
        In the coordinates of the solver's objective.
    value : float
        The objective there.
    stationarity : float
        How far it is from a stationary point, without a unit.
    parts : object
        What the next run needs to go on from here, beside the point.
    """

    point: object
    value: float
    stationarity: float
    parts: object = None


@dataclass(frozen=True)
class AlternatingResult(SolverResult):
    """A `SolverResult` without a gap; `parts` are those of the last round."""

    parts: object = None

    def warn(self, name):
        """Give the one `ConvergenceWarning`, if there is something to warn of."""
        if not self.converged:
            warnings.warn(
                f"{name} did not converge: stationarity {self.stationarity:.2e} > tol ="
                f" {self.target:.2e} after {self.n_iter} rounds. {self.message}",
                ConvergenceWarning,
                stacklevel=2,
            )


class _Run:
    """One start, followed round by round."""

    def __init__(self, rounds):
        self.rounds, self.last, self.history = rounds, None, []
        self.message, self._stalled, self._best = "", 0, float("inf")

    def follow(self, n_rounds, tol, report):
        """Take so many rounds, fewer where there is nothing more to do."""
        while len(self.history) < n_rounds and not self.message:
            self.last = last = next(self.rounds)
            self.history.append((len(self.history) + 1, last.value, last.stationarity))
            better = last.value < self._best - ROUNDING * abs(self._best)
            self._best = min(self._best, last.value)
            self._stalled = 0 if better else self._stalled + 1
            if last.stationarity <= tol:
                self.message = "It converged."
            elif self._stalled >= STALLED_ROUNDS:
                self.message = "Rounding allows no further descent; raise tol."
            elif report is not None and report(lambda point=last.point: point):
                self.message = "A callback stopped it."
        return self


def solve_alternating(objective, starts, *, tol, max_iter, callback=None):
    """Follow the best of several starts; return an `AlternatingResult`.

    Parameters
    ----------
    objective : as in `skmtl.objectives`
    starts : iterable of generators of `Round`
    tol : float
        The stationarity to reach.
    max_iter : int
        Most rounds of a start.
    callback : callable or None
        Called with a function that returns the current `Point`; True stops the solver.
    """
    best = None
    for rounds in starts:
        run = _Run(rounds).follow(min(FIRST_ROUNDS, max_iter), tol, callback)
        if best is None or run.last.value < best.last.value:
            best = run
        if run.message.startswith("A callback"):
            best.message = run.message
            break
    last = best.follow(max_iter, tol, callback).last
    return AlternatingResult(
        W=last.point.W,
        intercept=objective.intercepts(last.point),
        objective=last.value,
        gap=float("nan"),
        target=tol,
        n_iter=len(best.history),
        converged=last.stationarity <= tol,
        history=best.history,
        message=best.message or "Increase max_iter or raise tol.",
        stationarity=last.stationarity,
        parts=last.parts,
    )
