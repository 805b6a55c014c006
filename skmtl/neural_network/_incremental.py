"""Training on one chunk of rows after the other."""

import copy
from dataclasses import dataclass, replace

import numpy as np
from sklearn.utils import check_random_state

from skmtl.base import keep_previous_fit, some
from skmtl.neural_network._assembly import assemble
from skmtl.neural_network._fitted import describe_parts, parts_of, tables
from skmtl.neural_network._layers import rows_first
from skmtl.task_labels import TaskIndex


@dataclass
class Stream:
    """What goes on from one call to the next, beside the network."""

    optimizer: object
    weighting: object
    rng: object


class PartialFitMixin:
    """One epoch per call, over the rows of the call.

    Subclasses give ``_more_of_the_problem(labels)``, the Problem of more labels of the
    fitted tasks, beside what a fit needs.
    """

    def _partial_fit(self, X, y, task, sample_weight, classes=None):
        """Train for an epoch on these rows; the first call draws the network."""
        self._validate_params()
        with keep_previous_fit(self):
            first = getattr(self, "_network", None) is None
            labels = self._check_labels(
                X, y, task, sample_weight, empty_tasks=not first
            )
            X = self._check_X(X, reset=first)
            rng = check_random_state(self.random_state)
            if first:
                problem, network, theta = self._first_chunk(X, labels, classes, rng)
            else:
                tasks = np.concatenate([self.tasks_, self.auxiliary_tasks_])
                labels = _on_known_tasks(labels, tasks, self._layout)
                problem = self._more_of_the_problem(labels)
                network = self._network
                theta = network.flatten(parts_of(self))
            X = rows_first(X).astype(theta.dtype, copy=False)
            self._one_epoch(X, problem, network, theta, rng)
        return self

    def _first_chunk(self, X, labels, classes, rng):
        """Return (Problem, network, where it starts) and know the tasks."""
        problem, known = self._understood(labels, classes)
        if not len(problem.kept):
            raise ValueError(
                "The first call of partial_fit has no task with labels of two classes "
                "or counts above 0, so there is nothing to train. Pass more rows, or "
                "classes= to a classifier."
            )
        network, theta = self._start(X.shape[1], X.dtype, problem, known, rng)
        vars(self).update(known)
        self.task_weight_ = np.zeros(labels.n_tasks)
        self.task_weight_[problem.kept] = self._weights_of(problem)
        self.loss_curve_, self.history_, self._stream = [], {}, None
        return problem, network, theta

    def _one_epoch(self, X, problem, network, theta, rng):
        """Train for an epoch and set the attributes that change."""
        # A copy, so that a call that fails leaves the previous state as it was.
        stream = copy.deepcopy(getattr(self, "_stream", None))
        rng = rng if stream is None else stream.rng
        kept = problem.kept
        held = np.zeros(len(problem.labels.y), dtype=bool)
        if not problem.labels.weight.any():
            raise ValueError("All labels are missing or have weight 0.")
        c, main = self.task_weight_[kept], kept < len(self.tasks_)
        trainer, entries = assemble(
            self, X, problem, held, c, main, network, theta, rng
        )
        if stream is not None:
            trainer.optimizer = stream.optimizer
            trainer.direction.weighting = stream.weighting
        done = len(self.loss_curve_)
        with np.errstate(over="ignore", invalid="ignore"):
            trainer.epoch(X, entries, rng, done)
            loss = trainer.record()
        trainer.check(loss, done + 1)
        absent = np.ones(len(kept), dtype=bool)
        absent[problem.columns.task[entries.column]] = False
        trainer.history.train[-1][absent] = np.nan
        vars(self).update(describe_parts(network, network.parts(theta)))
        self.loss_curve_ = [*self.loss_curve_, loss]
        self.n_iter_, self.loss_ = done + 1, loss
        self.best_loss_ = float(min(self.loss_curve_))
        self.best_epoch_ = int(np.argmin(self.loss_curve_)) + 1
        self.validation_loss_curve_, self.converged_ = None, False
        now = tables(trainer.history, kept, len(self.task_weight_))
        self.history_ = _appended(self.history_, now)
        self._stream = Stream(trainer.optimizer, trainer.direction.weighting, rng)


def _on_known_tasks(labels, tasks, layout):
    """Return labels of some tasks as labels of all fitted ones, in their order."""
    if labels.layout != layout:
        raise ValueError(
            f"partial_fit got labels in the {labels.layout!r} layout after the "
            f"{layout!r} one; all calls must use the same."
        )
    place = TaskIndex(tasks).codes(labels.tasks, labels.n_tasks)
    if np.any(place < 0):
        raise ValueError(
            "partial_fit got tasks that the first call did not have: "
            f"{some(labels.tasks[place < 0])}. Known tasks: {some(tasks)}. Add a task "
            "with fit_new_task."
        )
    if layout == "wide":
        y = np.zeros((len(labels.y), len(tasks)), dtype=labels.y.dtype)
        weight = np.zeros(y.shape)
        y[:, place], weight[:, place] = labels.y, labels.weight
        return replace(labels, tasks=tasks, y=y, weight=weight)
    codes = np.append(place, -1)[labels.codes]
    return replace(labels, tasks=tasks, codes=codes)


def _appended(before, now):
    """Return the tables of all epochs so far."""
    return {
        name: np.concatenate([before[name], table]) if name in before else table
        for name, table in now.items()
    }
