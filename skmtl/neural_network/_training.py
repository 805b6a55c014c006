"""The training loop: epochs, what is recorded of them, and when to stop."""

from dataclasses import dataclass, field

import numpy as np

from skmtl.neural_network._conflict import ConflictMonitor
from skmtl.neural_network._direction import Direction
from skmtl.neural_network._layers import take_rows
from skmtl.neural_network._objective import Objective
from skmtl.neural_network._optimizers import Schedule


@dataclass
class History:
    """What happened in each epoch.

    Attributes
    ----------
    train, validation : list of ndarray of shape (T,)
        Mean loss of each task; the first over the steps of the epoch, the second after
        it, NaN where a task has no label held out.
    weights : list of ndarray of shape (T,)
        Weights of the tasks' losses, on top of c_t, at the end of the epoch.
    objective, validation_objective : list of float
        Value of the objective, and its losses alone on the validation part.
    task_cosine, sample_cosine : list of ndarray of shape (T, T) and (T,)
        Of gradients after the epoch, where they are monitored.
    """

    train: list = field(default_factory=list)
    validation: list = field(default_factory=list)
    weights: list = field(default_factory=list)
    objective: list = field(default_factory=list)
    validation_objective: list = field(default_factory=list)
    task_cosine: list = field(default_factory=list)
    sample_cosine: list = field(default_factory=list)


class Patience:
    """Stops when the watched loss has not fallen by more than `tol` for some epochs."""

    def __init__(self, tol, n_iter_no_change):
        self.tol, self.n_iter_no_change = tol, n_iter_no_change
        self.best, self.best_epoch, self.waited = np.inf, 0, 0

    def update(self, loss, epoch):
        """Take the loss of an epoch; return whether it is the best so far."""
        self.waited = 0 if loss < self.best - self.tol else self.waited + 1
        improved = loss < self.best
        if improved:
            self.best, self.best_epoch = loss, epoch
        return improved

    @property
    def exhausted(self):
        """Whether it is time to stop."""
        return self.waited >= self.n_iter_no_change


class Validation:
    """The validation part, gathered once and in chunks of bounded size.

    Parameters
    ----------
    X, entries :
        All data.
    rows : ndarray
        The rows held out.
    columns : Columns
    weight : ndarray of shape (T,)
        How much each task counts; 0 for auxiliary ones.
    chunk : int
        Rows of a chunk.
    """

    def __init__(self, X, entries, rows, columns, weight, chunk):
        parts = [rows[i : i + chunk] for i in range(0, len(rows), chunk)]
        self.chunks = [(X[part], entries.of_rows(part)) for part in parts]
        self.weight = weight
        self.seen = np.zeros(columns.n_tasks, dtype=bool)
        for _, batch in self.chunks:
            self.seen[columns.task[batch.column]] = True

    def losses(self, objective, parts):
        """Return the mean loss of each task, NaN where nothing is held out."""
        total = sum(objective.task_losses(parts, X, batch) for X, batch in self.chunks)
        return np.where(self.seen, total, np.nan)

    def total(self, losses):
        """Return a sum over tasks like the objective, without those not held out."""
        return float(self.weight[self.seen] @ losses[self.seen])


@dataclass
class Trainer:
    """Runs epochs over one problem.

    Attributes
    ----------
    objective : Objective
    theta : ndarray
        Parameters, changed in place.
    direction : Direction
    optimizer : object with `step(theta, gradient, rate)`
    schedule : Schedule
    batches : BalancedBatches
    patience : Patience
    validation : Validation or None
        None watches the training objective instead.
    monitor : ConflictMonitor or None
    """

    objective: Objective
    theta: np.ndarray
    direction: Direction
    optimizer: object
    schedule: Schedule
    batches: object
    patience: Patience
    validation: Validation | None = None
    monitor: ConflictMonitor | None = None
    history: History = field(default_factory=History)
    converged: bool = False

    def run(self, X, entries, max_iter, rng, report):
        """Train until patience ends, `report()` is true or `max_iter` epochs are done.

        With a validation part, theta ends at its best epoch.
        """
        best_theta = self.theta.copy()
        for epoch in range(1, max_iter + 1):
            # Divergence is reported below, in the user's words.
            with np.errstate(over="ignore", invalid="ignore"):
                self.epoch(X, entries, rng, epoch - 1)
                watched = self.record()
            self.check(watched, epoch)
            if self.patience.update(watched, epoch) and self.validation is not None:
                np.copyto(best_theta, self.theta)
            self.converged = self.patience.exhausted
            if self.converged or report():
                break
        if self.validation is not None:
            np.copyto(self.theta, best_theta)

    def check(self, watched, epoch):
        """Raise where the loss is not finite any more."""
        if not np.isfinite(watched):
            raise ValueError(
                f"The loss of epoch {epoch} is not finite: training diverged. "
                "Standardise the features or lower learning_rate_init."
            )

    def epoch(self, X, entries, rng, done):
        """Take the steps of one epoch, after `done` others, and record the losses."""
        total = np.zeros(self.objective.columns.n_tasks)
        n_steps, schedule = self.batches.n_steps, self.schedule
        for k, (rows, scale) in enumerate(self.batches.epoch(rng)):
            batch = entries.of_rows(rows)
            batch.scale_rows(scale)
            factor = schedule.factor(done + (k + 1) / n_steps)
            total += self.direction(take_rows(X, rows), batch, factor)
            self.optimizer.step(
                self.theta, self.direction.gradient, factor * schedule.initial
            )
        self.history.train.append(total / n_steps)

    def record(self):
        """Record the epoch; return the loss that decides when to stop."""
        objective, history = self.objective, self.history
        weighting, parts = self.direction.weighting, self.direction.parts
        value = float(objective.task_weight @ history.train[-1])
        history.objective.append(value + objective.penalty(self.theta))
        history.weights.append(weighting.weights.copy())
        weighting.after_epoch(history.train[-1])
        if self.monitor is not None:
            found = self.monitor.measure(parts, self.theta.dtype)
            history.task_cosine.append(found[0])
            history.sample_cosine.append(found[1])
        if self.validation is None:
            return history.objective[-1]
        losses = self.validation.losses(objective, parts)
        history.validation.append(losses)
        history.validation_objective.append(self.validation.total(losses))
        return history.validation_objective[-1]
