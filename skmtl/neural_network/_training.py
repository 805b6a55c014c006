"""The training loop: epochs, what is recorded of them, and when to stop."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class History:
    """What happened in each epoch.

    Attributes
    ----------
    train, validation : list of ndarray of shape (T,)
        Mean loss of each task; the first over the steps of the epoch, the second after
        it, NaN where a task has no label held out.
    objective, validation_objective : list of float
        Value of the objective, and its losses alone on the validation part.
    """

    train: list = field(default_factory=list)
    validation: list = field(default_factory=list)
    objective: list = field(default_factory=list)
    validation_objective: list = field(default_factory=list)


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
    """The validation part, gathered once and in chunks of bounded size."""

    def __init__(self, X, entries, rows, columns, chunk):
        parts = [rows[i : i + chunk] for i in range(0, len(rows), chunk)]
        self.chunks = [(X[part], entries.of_rows(part)) for part in parts]
        self.seen = np.zeros(columns.n_tasks, dtype=bool)
        for _, batch in self.chunks:
            self.seen[columns.task[batch.column]] = True

    def losses(self, objective, views):
        """Return the mean loss of each task, NaN where nothing is held out."""
        total = sum(objective.task_losses(views, X, batch) for X, batch in self.chunks)
        return np.where(self.seen, total, np.nan)


class Trainer:
    """Runs epochs over one problem.

    Parameters
    ----------
    objective : Objective
    theta : ndarray
        Parameters, changed in place.
    optimizer : object with `step(theta, gradient)`
    batches : BalancedBatches
    validation : Validation or None
        None watches the training objective instead.
    patience : Patience
    """

    def __init__(self, objective, theta, optimizer, batches, validation, patience):
        self.objective, self.theta, self.optimizer = objective, theta, optimizer
        self.batches, self.validation, self.patience = batches, validation, patience
        self.views = objective.sharing.views(theta)
        self.gradient = np.empty_like(theta)
        self.gradient_views = objective.sharing.views(self.gradient)
        self.best_theta = theta.copy()
        self.history = History()
        self.converged = False

    def run(self, X, entries, max_iter, rng, report):
        """Train until patience ends, `report()` is true or `max_iter` epochs are done.

        With a validation part, theta ends at its best epoch.
        """
        for epoch in range(1, max_iter + 1):
            # Divergence is reported below, in the user's words.
            with np.errstate(over="ignore", invalid="ignore"):
                self._epoch(X, entries, rng)
                watched = self._record()
            if not np.isfinite(watched):
                raise ValueError(
                    f"The loss of epoch {epoch} is not finite: training diverged. "
                    "Standardise the features or lower learning_rate_init."
                )
            if self.patience.update(watched, epoch) and self.validation is not None:
                np.copyto(self.best_theta, self.theta)
            self.converged = self.patience.exhausted
            if self.converged or report():
                break
        if self.validation is not None:
            np.copyto(self.theta, self.best_theta)

    def _epoch(self, X, entries, rng):
        """Take the steps of one epoch and record the losses met on the way."""
        total = np.zeros(self.objective.columns.n_tasks)
        for rows, scale in self.batches.epoch(rng):
            batch = entries.of_rows(rows)
            batch.scale_rows(scale)
            total += self.objective.gradient(
                self.theta,
                self.views,
                X[rows],
                batch,
                self.gradient,
                self.gradient_views,
            )
            self.optimizer.step(self.theta, self.gradient)
        self.history.train.append(total / self.batches.n_steps)

    def _record(self):
        """Record the epoch; return the loss that decides when to stop."""
        objective, history = self.objective, self.history
        value = float(objective.task_weight @ history.train[-1])
        history.objective.append(value + objective.penalty(self.theta))
        if self.validation is None:
            return history.objective[-1]
        losses = self.validation.losses(objective, self.views)
        history.validation.append(losses)
        # A sum over tasks like the objective, but NaN where nothing is held out.
        seen = self.validation.seen
        history.validation_objective.append(
            float(objective.task_weight[seen] @ losses[seen])
        )
        return history.validation_objective[-1]
