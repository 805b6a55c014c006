"""Alternating directions for norms of differences between tied tasks.

With a copy Z_e of each difference w_s - w_t the problem falls apart: a linear system
ties W to the copies (`skmtl.solvers.task_systems`, factorised once), and each copy is
shrunk by itself. Copies that are 0 say which tasks are equal, and the scaled dual
variables are the flows that certify it.

The loss is replaced by its quadratic model, which is exact for the squared loss; for
others it is made anew at the best point so far once it has been minimised well enough.
"""

from dataclasses import replace

import numpy as np

from skmtl.solvers.line_search import descend
from skmtl.solvers.stopping import settle
from skmtl.solvers.task_systems import grams_rows, task_system

ITERATIONS_PER_CHECK = 20
# A model is minimised until the residuals are this share of those at its start, or so
# many checks have gone by.
INNER = 0.1
MOST_CHECKS = 10
RELAXATION = 1.7
# How often the strength of the ties is adapted, and how unequal the residuals have to
# be for it.
ADAPTATIONS = 30
# Of linear systems that are solved by iteration: each step mends what the last left.
ACCURACY = 0.1
UNEQUAL = 2.0


def alternating_directions(objective, penalty, W0, monitor):
    """Minimise objective + penalty from W0; return the last `Point`."""
    point = settle(objective, penalty, objective.at(W0))
    run = _Run(objective, penalty, point)
    monitor.penalty = replace(penalty, flows=run.flows)
    while not monitor.check(point):
        n_steps = min(ITERATIONS_PER_CHECK, monitor.remaining)
        run.advance(n_steps)
        monitor.n_iter += n_steps
        new = objective.at(run.merged(), near=point)
        if not objective.quadratic:
            new = descend(objective, penalty, point, new)
        point = settle(objective, penalty, new)
        monitor.penalty = replace(penalty, flows=run.flows)
        if objective.quadratic or not run.done:
            run.adapt()
        else:
            run.move_to(point)
    monitor.n_iter = max(monitor.n_iter, 1)  # the start solves a system as well
    return point


class _Run:
    """The iteration on one quadratic model after the other, all arrays task by task."""

    def __init__(self, objective, penalty, point):
        self.objective, self.penalty = objective, penalty
        self.graph, self.ridge = penalty.tied, penalty.ridge
        self.a = self.graph.weight[:, None]
        self.rho = _first_strength(objective, penalty, point)
        self.adaptations = 0
        self.Z = self.graph.differences(point.W)
        G = self.graph.centred(-objective.gradient(point) - self.ridge * point.W)
        self.Y = penalty.clip(self.graph.flows(G)) / (self.rho * self.a)
        self.move_to(point)

    def move_to(self, point):
        """Make the model at a point."""
        self.model = model = self.objective.grams(point)
        self.curvature = model.A, model.index, model.scale
        self.W = np.array(point.W.T, order="C")  # a copy, which will be changed
        self.start = point.W.T, self.objective.gradient(point).T
        self.first, self.checks, self.done = None, 0, False
        self._factorise()

    def _factorise(self):
        self.system = task_system(
            self.model, self.objective.spectra, self.graph, self.rho, self.ridge
        )

    def _ends(self, D):
        return D[self.graph.first] - D[self.graph.second]

    def _nodes(self, D):
        return self.graph.incidence @ (self.a * D)

    @property
    def flows(self):
        """The flow along each edge, (E, p)."""
        return self.rho * self.a * self.Y

    def merged(self):
        """Return W (p, T) with what is fused made equal."""
        return np.ascontiguousarray(self.penalty.merge(self.W, self.Z == 0).T)

    def advance(self, n_steps):
        """Take some steps, and measure the residuals of the last."""
        threshold = np.full(len(self.a), self.penalty.alpha / self.rho)
        # Anew each time: steps that systems answer for add up their rounding.
        origin, G = self.start
        self.G = G + grams_rows(*self.curvature, self.W - origin) + self.ridge * self.W
        X = self._ends(self.W)
        for _ in range(n_steps):
            R = self.G + self.rho * self._nodes(X - self.Z + self.Y)
            D = self.system.solve(-R, ACCURACY)
            step = self._ends(D)
            self.W += D
            if self.system.exact:  # the system says what the curvature does
                self.G -= R + self.rho * self._nodes(step)
            else:
                self.G += grams_rows(*self.curvature, D) + self.ridge * D
            X += step
            before = self.Z
            pull = RELAXATION * X + (1.0 - RELAXATION) * before + self.Y
            self.Z = self.penalty.shrink(pull, threshold)
            self.Y = pull - self.Z
        self.primal = np.sqrt(float((self.a * (X - self.Z) ** 2).sum()))
        self.dual = np.sqrt(float((self.a * (self.Z - before) ** 2).sum()))
        # Differences of what size there would be if nothing tied the tasks.
        size = np.sqrt(float(self.graph.degree @ (self.W**2).sum(axis=1)))
        pull = np.sqrt(float((self.a * self.Y**2).sum()))
        self.primal /= max(size, 1e-300)
        self.dual /= max(pull, 1e-300)
        self.checks += 1
        worst = max(self.primal, self.dual)
        self.first = worst if self.first is None else self.first
        self.done = worst <= INNER * self.first or self.checks >= MOST_CHECKS

    def adapt(self):
        """Strengthen the ties where the copies lag behind, weaken them otherwise."""
        if self.adaptations >= ADAPTATIONS or not max(self.primal, self.dual) > 0:
            return
        factor = np.sqrt(max(self.primal, 1e-300) / max(self.dual, 1e-300))
        factor = np.clip(factor, 0.1, 10.0)
        if 1.0 / UNEQUAL <= factor <= UNEQUAL:
            return
        self.rho *= factor
        self.Y /= factor
        self.adaptations += 1
        self._factorise()


def _first_strength(objective, penalty, point):
    """Return a strength at which copies are shrunk by about what they differ by.

    That is guessed from a step for each coefficient by itself, so that neither the
    scales of the features nor that of the labels matters.
    """
    bend = objective.curvatures()[:, None]
    steps = objective.gradient(point) / np.where(bend > 0, bend, np.inf)
    size = float(np.sqrt(2.0 * np.square(steps).sum(axis=0).mean()))
    return penalty.alpha / size if size > 0 and penalty.alpha > 0 else 1.0
