"""What the regressor and the classifier share: parameters, the fit, the scores."""

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skmtl.base import BaseTaskEstimator
from skmtl.neural_network import _parameters
from skmtl.neural_network._assembly import assemble
from skmtl.neural_network._auxiliary import AuxiliaryTasksMixin
from skmtl.neural_network._fitted import describe, no_network, parts_of
from skmtl.neural_network._incremental import PartialFitMixin
from skmtl.neural_network._layers import rows_first
from skmtl.neural_network._transfer import NewTaskMixin
from skmtl.neural_network._validation import hold_out, weight_sums
from skmtl.neural_network._warnings import warn_user
from skmtl.objectives import task_weights


class BaseMultiTaskMLP(
    AuxiliaryTasksMixin, PartialFitMixin, NewTaskMixin, BaseTaskEstimator
):
    """A network for all tasks; subclasses say what its heads are for.

    They give ``_problem(labels, n_main, classes)``, which returns the `Problem` and the
    fitted attributes that say how heads and answers correspond.
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

    def _understood(self, labels, classes=None):
        """Return (Problem, attributes that say how heads and answers correspond)."""
        given = labels
        labels, n_main = self._main_first(labels)
        problem, known = self._problem(labels, n_main, classes)
        return problem, {
            **self._task_attributes(labels, n_main, given),
            **known,
            "head_rows_": problem.head_rows,
            "_kept": problem.kept,
        }

    def _fit(self, X, labels, progress):
        problem, known = self._understood(labels)
        if not len(problem.kept):
            return {**known, **no_network(labels.n_tasks)}
        rng = check_random_state(self.random_state)
        held = self._held_out(problem, rng)
        network, theta = self._start(X.shape[1], X.dtype, problem, known, rng)

        def describe_all(trainer):
            return {**known, **describe(trainer, problem.kept, labels.n_tasks)}

        main = problem.kept < len(known["tasks_"])
        start = (network, theta, rng)
        trainer = self._train(X, problem, held, main, *start, describe_all, progress)
        return describe_all(trainer)

    def _held_out(self, problem, rng):
        """Return which rows early stopping holds out."""
        if not self.early_stopping:
            return np.zeros(len(problem.labels.y), dtype=bool)
        return hold_out(problem.labels, self.validation_fraction, problem.by_class, rng)

    def _train(
        self, X, problem, held, main, network, theta, rng, attributes, progress=None
    ):
        """Train `theta` to the end and return the trainer."""
        c = self._weights_of(problem)
        X = rows_first(X)
        trainer, entries = assemble(
            self, X, problem, held, c, main, network, theta, rng
        )

        def report():
            return progress is not None and progress.step(lambda: attributes(trainer))

        trainer.run(X, entries, self.max_iter, rng, report)
        if len(trainer.history.train) == self.max_iter and not trainer.converged:
            self._warn_not_converged(trainer)
        return trainer

    def _weights_of(self, problem):
        """Return the weights c_t of the tasks that take part."""
        sums = weight_sums(problem.labels)
        return task_weights(problem.labels.tasks, sums, self.task_weight)

    def _start(self, n_features, dtype, problem, known, rng):
        """Return a network and where it starts: drawn, or at the previous fit."""
        sizes = [n_features, *_parameters.hidden_sizes(self)]
        sharing = _parameters.sharing_of(self)
        network = sharing.build(sizes, problem.columns, self.activation)
        if not (self.warm_start and getattr(self, "_network", None) is not None):
            return network, network.draw(problem.bias, rng).astype(dtype)
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
        return network, network.flatten(parts).astype(dtype)

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
