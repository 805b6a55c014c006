"""Limited-memory BFGS for smooth penalties, on top of one ridge regression per task.

Such a penalty has a gradient and, at each W, a quadratic that touches it from above,
with the same matrix for every task (`curvature`). Minimising that in the place of the
penalty is one linear system per task. BFGS learns from a few differences of gradients
what the quadratic does not know: that the penalty follows W.
"""

from collections import deque

import numpy as np

from skmtl.moments import grams_times
from skmtl.objectives import gram_model
from skmtl.solvers.fista import accelerated_proximal_gradient

ITERATIONS_PER_CHECK = 3
MEMORY = 10  # differences of gradients
ITERATIONS_PER_SYSTEM = 6
SYSTEM_BYTES = 2**30
ROUNDING = 1e-14  # relative differences of objective values that mean nothing


def preconditioned_lbfgs(objective, penalty, W0, monitor):
    """Minimise objective + penalty from W0; return the last `Point`.

    Where the systems would be too large proximal gradient steps take over.
    """
    run = _Run(objective, penalty, objective.at(W0))
    systems, age = _Systems(objective, penalty), ITERATIONS_PER_SYSTEM
    while not monitor.check(run.point):
        if age >= ITERATIONS_PER_SYSTEM or monitor.n_iter == ITERATIONS_PER_CHECK:
            systems.update(run.point)
            age = 0
        for _ in range(min(ITERATIONS_PER_CHECK, monitor.remaining)):
            if not (systems.found and run.step(systems)):
                return accelerated_proximal_gradient(
                    objective, penalty, run.point.W, monitor
                )
            monitor.n_iter += 1
            age += 1
    return run.point


class _Systems:
    """The inverse of the curvature of loss and penalty, task by task."""

    def __init__(self, objective, penalty):
        self.objective, self.penalty = objective, penalty
        self.found, self._grams, self._age, self._until = False, None, 0, 1

    def update(self, point):
        """Make the systems at a point; `found` tells whether there are any."""
        stale = not self.objective.quadratic and self._age >= self._until
        if self._grams is None or stale:  # curved losses: more and more seldom
            self._until *= 2 if stale else 1
            self._age = 0
            self._grams = self._loss_grams(point)
        self._age += 1
        if self._grams is not None:
            self._inverse = np.linalg.inv(self._grams + self.penalty.curvature(point.W))
            self.found = True

    def _loss_grams(self, point):
        """Return the distinct curvatures of the loss, (G, p, p), or None."""
        p, model = self.objective.n_features, gram_model(self.objective, point)
        if model is None:
            return None
        keys = np.column_stack([model.index, model.scale])
        distinct, index = np.unique(keys, axis=0, return_inverse=True)
        self._index = index.ravel()
        if 8 * p * p * len(distinct) > SYSTEM_BYTES:
            return None
        which, scale = distinct[:, 0].astype(int), distinct[:, 1]
        if len(distinct) == self.objective.n_tasks:  # one each, in order
            which, scale = model.index, model.scale
            self._index = np.arange(len(which))
        return model.A[which] * scale[:, None, None]

    def solve(self, R):
        """Return the inverse times R, (p, T)."""
        return grams_times(self._inverse, self._index, R)


class _Run:
    """Where the iteration is, and the differences it remembers."""

    def __init__(self, objective, penalty, point):
        self.objective, self.penalty = objective, penalty
        self._pairs = deque(maxlen=MEMORY)
        self._arrive(point, point.value + penalty.value(point.W))

    def _arrive(self, point, value):
        self.point, self.value = point, value
        self.slope = self.objective.gradient(point) + self.penalty.gradient(point.W)

    def step(self, systems):
        """Move downhill; tell whether that was possible."""
        before, old = self.point, self.slope
        if not self._search(self._direction(systems)):
            self._pairs.clear()
            if not self._search(systems.solve(-old)):
                return False
        moved, turned = self.point.W - before.W, self.slope - old
        bend = float(np.vdot(moved, turned))
        if bend > 1e-14 * float(np.vdot(turned, turned)):
            self._pairs.append((moved, turned, bend))
        return True

    def _direction(self, systems):
        """Return the direction of BFGS: two loops over the pairs."""
        R, shares = -self.slope, []
        for moved, turned, bend in reversed(self._pairs):
            shares.append(float(np.vdot(moved, R)) / bend)
            R = R - shares[-1] * turned
        D = systems.solve(R)
        for moved, turned, bend in self._pairs:
            D = D + (shares.pop() - float(np.vdot(turned, D)) / bend) * moved
        return D

    def _search(self, D):
        """Go as far along D as the objective decreases enough, if it does at all."""
        descent, W, Z = float(np.vdot(self.slope, D)), self.point.W, self.point.Z
        if not descent < 0:
            return False
        image, tau = self.objective.image(D), 1.0
        slack = ROUNDING * max(abs(self.value), self.objective.null)
        for _ in range(40):
            V = W + tau * D
            new = self.objective.at(V, Z + tau * image, near=self.point)
            value = new.value + self.penalty.value(V)
            if value <= self.value + 1e-4 * tau * descent + slack:
                self._arrive(new, value)
                return True
            tau *= 0.5
        return False
