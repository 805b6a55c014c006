"""What the regressor and the classifier share: parameters, the fit, the scores."""

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skmtl.base import BaseTaskEstimator
from skmtl.neural_network import _parameters
from skmtl.neural_network._auxiliary import AuxiliaryTasksMixin
from skmtl.neural_network._batches import BalancedBatches
from skmtl.neural_network._conflict import ConflictMonitor
from skmtl.neural_network._direction import Direction
from skmtl.neural_network._entries import Entries
from skmtl.neural_network._fitted import describe, no_network, parts_of
from skmtl.neural_network._full_entries import FullEntries
from skmtl.neural_network._layers import CHUNK_ROWS, Dropout
from skmtl.neural_network._losses import ColumnLosses
from skmtl.neural_network._objective import Objective
from skmtl.neural_network._training import Patience, Trainer, Validation
from skmtl.neural_network._validation import hold_out, weight_sums, weights_within
from skmtl.neural_network._warnings import warn_user
from skmtl.objectives import task_weights


class BaseMultiTaskMLP(AuxiliaryTasksMixin, BaseTaskEstimator):
    """A network for all tasks; subclasses say what its heads are for.

    They give ``_problem(labels, n_main)``, which returns the `Problem` and the fitted
    attributes that say how heads and answers correspond.
    """

    _parameter_constraints: dict = {
        **BaseTaskEstimator._parameter_constraints,
        **_parameters.CONSTRAINTS,
    }

    def _check_X(self, X, *, reset):
        """Return X as a finite float64 or float32 array or csr/csc matrix, or raise."""
        return validate_data(
            self,
            X,
            reset=reset,
            accept_sparse=("csr", "csc"),
            dtype=(np.float64, np.float32),
        )

    def _fit(self, X, labels, progress):
        given = labels
        labels, n_main = self._main_first(labels)
        problem, known = self._problem(labels, n_main)
        # All that says how heads and answers correspond, so that a callback can predict
        # with the network as it is after any epoch.
        known = {
            **self._task_attributes(labels, n_main, given),
            **known,
            "head_rows_": problem.head_rows,
        }
        n_tasks = labels.n_tasks
        if not len(problem.kept):
            return {**known, **no_network(n_tasks)}
        rng = check_random_state(self.random_state)
        X = rows_first(X)
        held = np.zeros(len(problem.labels.y), dtype=bool)
        if self.early_stopping:
            held = hold_out(
                problem.labels, self.validation_fraction, problem.by_class, rng
            )
        network, theta = self._start(X, problem, known, rng)
        is_main = problem.kept < n_main
        trainer, entries = self._trainer(X, problem, held, is_main, network, theta, rng)

        def attributes():
            return {**known, **describe(trainer, problem.kept, n_tasks)}

        trainer.run(X, entries, self.max_iter, rng, lambda: progress.step(attributes))
        if len(trainer.history.train) == self.max_iter and not trainer.converged:
            self._warn_not_converged(trainer)
        return attributes()

    def _trainer(self, X, problem, held, is_main, network, theta, rng):
        """Put the parts of the training loop together; return it and the entries."""
        columns, tasks = problem.columns, problem.labels.tasks
        sums = weight_sums(problem.labels)
        task_weight = task_weights(tasks, sums, self.task_weight)
        weight = weights_within(problem.labels, held, task_weight)
        entries = FullEntries.build(
            problem.labels, columns, weight, held, theta.dtype
        ) or Entries.build(problem.labels, columns, weight, theta.dtype)
        stratum = entries.strata(columns)
        rows = np.flatnonzero(~held & (stratum >= 0))
        size = 200 if self.batch_size == "auto" else self.batch_size
        losses = ColumnLosses(problem.loss, columns)
        objective = Objective(network, losses, columns, task_weight, self.alpha)
        validation = None
        if held.any():
            watched = np.where(is_main, task_weight, 0.0)
            validation = Validation(
                X, entries, np.flatnonzero(held), columns, watched, CHUNK_ROWS
            )
        weighting = _parameters.weighting_of(self)
        direction = Direction(
            objective,
            theta,
            weighting.start(tasks.tolist(), self.learning_rate_init),
            _parameters.combiner_of(self),
            Dropout(self.dropout, rng) if self.dropout else None,
            self.max_grad_norm,
            rng,
        )
        monitor = None
        if self.monitor_conflict:
            monitor = ConflictMonitor(
                objective, X, entries, rows, np.random.RandomState(0)
            )
        trainer = Trainer(
            objective=objective,
            theta=theta,
            direction=direction,
            optimizer=_parameters.optimizer_of(self, theta),
            schedule=_parameters.schedule_of(self),
            batches=BalancedBatches(rows, stratum[rows], min(size, len(rows))),
            # The objective is a sum over tasks, and so is what may be too little.
            patience=Patience(self.tol * task_weight.sum(), self.n_iter_no_change),
            validation=validation,
            monitor=monitor,
        )
        return trainer, entries

    def _start(self, X, problem, known, rng):
        """Return a network and where it starts: drawn, or at the previous fit."""
        sizes = [X.shape[1], *_parameters.hidden_sizes(self)]
        sharing = _parameters.sharing_of(self)
        network = sharing.build(sizes, problem.columns, self.activation)
        if not (self.warm_start and getattr(self, "_network", None) is not None):
            return network, network.draw(problem.bias, rng).astype(X.dtype)
        shapes = self._network.shapes
        if self.head_rows_ != problem.head_rows or shapes != network.shapes:
            raise ValueError(
                "warm_start=True needs the tasks, classes, features, sharing and "
                "hidden_layer_sizes of the previous fit. It had weights of shapes "
                f"{shapes} for {self.head_rows_[:5]}...; needed are shapes "
                f"{network.shapes} for {problem.head_rows[:5]}.... Pass "
                "warm_start=False."
            )
        head, bias = self._previous_heads(known)
        parts = parts_of(self)._replace(head=head, head_bias=bias)
        return network, network.flatten(parts).astype(X.dtype)

    def _warn_not_converged(self, trainer):
        """Say that the stopping rule never held."""
        watched = "validation" if self.early_stopping else "training"
        warn_user(
            f"{type(self).__name__} ran all max_iter={self.max_iter} epochs while its "
            f"{watched} loss still improved (best {trainer.patience.best:.4g} in epoch "
            f"{trainer.patience.best_epoch}). Increase max_iter, tol or "
            "learning_rate_init.",
            ConvergenceWarning,
        )

    def _outputs(self, X, columns):
        """Return the scores (n, C) of a slice of the heads."""
        X = rows_first(X).astype(self.head_coef_.dtype, copy=False)
        return self._network.outputs(parts_of(self), X, columns).astype(float)

    def score(self, X, y, *, task=None, sample_weight=None):
        """Return R^2 or explained deviance (regressors), or accuracy (classifiers).

        Regressors: with squared loss R^2 over all rows, or its mean over tasks after a
        wide fit; otherwise the mean over tasks of the explained deviance
        D^2 = 1 - deviance / null deviance, which is R^2 for a task with squared loss.
        Classifiers: accuracy over all rows, or its mean over tasks after a wide fit.
        Auxiliary tasks are left out.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True labels; wide ones may be missing where not observed, and may have
            columns for auxiliary tasks.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels.

        Returns
        -------
        float
            1 for perfect predictions.
        """
        check_is_fitted(self)
        X, y, task, weight = self._to_score(X, y, task, sample_weight)
        return super().score(X, y, task=task, sample_weight=weight)


def rows_first(X):
    """Return X such that rows can be taken from it fast."""
    return sparse.csr_array(X) if sparse.issparse(X) else X
