"""What the regressor and the classifier share: parameters, the fit, the scores."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from skmtl._compat import Interval, StrOptions
from skmtl.base import BaseTaskEstimator
from skmtl.layouts import TaskLabels
from skmtl.neural_network._batches import BalancedBatches, rarest_task
from skmtl.neural_network._entries import Columns, Entries
from skmtl.neural_network._layers import ACTIVATIONS, CHUNK_ROWS, represent
from skmtl.neural_network._losses import ColumnLosses
from skmtl.neural_network._objective import Objective
from skmtl.neural_network._optimizers import Adam
from skmtl.neural_network._sharing import HardSharing
from skmtl.neural_network._training import Patience, Trainer, Validation
from skmtl.neural_network._validation import hold_out, weights_within
from skmtl.objectives import task_weights


@dataclass(frozen=True)
class Problem:
    """What a network is trained on.

    Attributes
    ----------
    labels : TaskLabels
        Numeric targets of the tasks that take part.
    kept : ndarray of shape (T,)
        Positions of these tasks among the fitted ones.
    columns : Columns
    loss : pointwise loss of `skmtl.losses`
    by_class : bool
        Whether the validation part is stratified by class too.
    bias : ndarray of shape (C,)
        Where the heads' intercepts start: the best constant.
    head_rows : list of length C
        What each head is for; `warm_start` needs it unchanged.
    """

    labels: TaskLabels
    kept: np.ndarray
    columns: Columns
    loss: object
    by_class: bool
    bias: np.ndarray
    head_rows: list


class BaseMultiTaskMLP(BaseTaskEstimator):
    """A trunk of hidden layers for all tasks and a linear head for each."""

    _parameter_constraints: dict = {
        **BaseTaskEstimator._parameter_constraints,
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "task_weight": [StrOptions({"n_samples"}), Mapping, None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
    }

    def _fit_network(self, X, labels, problem, known, progress):
        """Train on `problem` and return the fitted attributes, `known` ones included.

        `known` holds all that says how heads and answers correspond, so that a callback
        can predict with the network as it is after any epoch.
        """
        n_tasks = labels.n_tasks
        known = {
            **self._label_attributes(labels),
            **known,
            "head_rows_": problem.head_rows,
            "_activation": self.activation,
        }
        if not len(problem.kept):
            return {**known, **_no_network(n_tasks)}
        X = sparse.csr_array(X) if sparse.issparse(X) else X
        rng = check_random_state(self.random_state)
        held = np.zeros(len(problem.labels.y), dtype=bool)
        if self.early_stopping:
            held = hold_out(
                problem.labels, self.validation_fraction, problem.by_class, rng
            )
        sums = [problem.labels.of_task(t)[2].sum() for t in range(len(problem.kept))]
        task_weight = task_weights(
            problem.labels.tasks, np.array(sums), self.task_weight
        )
        weight = weights_within(problem.labels, held, task_weight)
        entries = Entries.build(problem.labels, problem.columns, weight)
        trainer = self._trainer(X, entries, held, problem, task_weight, known, rng)

        def attributes():
            return {**known, **_describe(trainer, problem.kept, n_tasks)}

        trainer.run(X, entries, self.max_iter, rng, lambda: progress.step(attributes))
        if len(trainer.history.train) == self.max_iter and not trainer.converged:
            self._warn_not_converged(trainer)
        return attributes()

    def _trainer(self, X, entries, held, problem, task_weight, known, rng):
        """Put the parts of the training loop together."""
        columns = problem.columns
        stratum = rarest_task(entries, columns, len(held))
        rows = np.flatnonzero(~held & (stratum >= 0))
        size = 200 if self.batch_size == "auto" else self.batch_size
        batches = BalancedBatches(rows, stratum[rows], min(size, len(rows)))
        sizes = [X.shape[1], *self._hidden_sizes()]
        sharing = HardSharing(sizes, len(columns), self.activation)
        theta = self._start(sharing, problem, known, rng)
        losses = ColumnLosses(problem.loss, columns)
        objective = Objective(sharing, losses, columns, task_weight, self.alpha)
        optimizer = Adam(
            len(theta), self.learning_rate_init, self.beta_1, self.beta_2, self.epsilon
        )
        validation = None
        if self.early_stopping:
            held_rows = np.flatnonzero(held)
            validation = Validation(X, entries, held_rows, columns, CHUNK_ROWS)
        # The objective is a sum over tasks, and so is what may be too little progress.
        patience = Patience(self.tol * task_weight.sum(), self.n_iter_no_change)
        return Trainer(objective, theta, optimizer, batches, validation, patience)

    def _hidden_sizes(self):
        """Return hidden_layer_sizes as a list of positive integers, or raise."""
        sizes = self.hidden_layer_sizes
        sizes = [sizes] if isinstance(sizes, Integral) else list(sizes)
        if any(
            not isinstance(s, Integral) or isinstance(s, bool) or s < 1 for s in sizes
        ):
            raise ValueError(
                "hidden_layer_sizes must hold positive integers, one per hidden layer, "
                f"got {self.hidden_layer_sizes!r}."
            )
        return [int(s) for s in sizes]

    def _start(self, sharing, problem, known, rng):
        """Return the parameters to start from: drawn, or those of the previous fit."""
        columns = problem.columns
        if not (self.warm_start and hasattr(self, "head_coef_")):
            return sharing.draw(problem.bias, columns.width[columns.task], rng)
        shapes = [np.shape(W) for W in [*self.coefs_, self.head_coef_]]
        if self.head_rows_ != problem.head_rows or shapes != sharing.weight_shapes:
            raise ValueError(
                "warm_start=True needs the tasks, classes, features and "
                "hidden_layer_sizes of the previous fit. It had weights of shapes "
                f"{shapes} for {self.head_rows_[:5]}...; needed are shapes "
                f"{sharing.weight_shapes} for {problem.head_rows[:5]}.... Pass "
                "warm_start=False."
            )
        head, bias = self._previous_heads(known)
        weights, biases = [*self.coefs_, head], [*self.intercepts_, bias]
        return sharing.flatten(weights, biases)

    def _warn_not_converged(self, trainer):
        """Say that the stopping rule never held."""
        watched = "validation" if self.early_stopping else "training"
        warnings.warn(
            f"{type(self).__name__} ran all max_iter={self.max_iter} epochs while its "
            f"{watched} loss still improved (best {trainer.patience.best:.4g} in epoch "
            f"{trainer.patience.best_epoch}). Increase max_iter, tol or "
            "learning_rate_init.",
            ConvergenceWarning,
            stacklevel=6,
        )

    def _outputs(self, X, head_coef, head_intercept):
        """Return the outputs (n, C) of some heads."""
        X = sparse.csr_array(X) if sparse.issparse(X) else X
        Z = np.empty((X.shape[0], len(head_coef)))
        layers = (self.coefs_, self.intercepts_, self._activation)
        for rows, H in represent(X, *layers):
            Z[rows] = H @ head_coef.T
        return Z + head_intercept


def _describe(trainer, kept, n_tasks):
    """Return the fitted attributes as they are after the last epoch."""
    theta = trainer.theta.copy()
    (*coefs, head), (*intercepts, bias) = trainer.objective.sharing.views(theta)
    history, patience = trainer.history, trainer.patience
    task_weight = np.zeros(n_tasks)
    task_weight[kept] = trainer.objective.task_weight
    return {
        "coefs_": coefs,
        "intercepts_": intercepts,
        "head_coef_": head,
        "head_intercept_": bias,
        "task_weight_": task_weight,
        "n_iter_": len(history.train),
        "best_epoch_": patience.best_epoch,
        "best_loss_": float(patience.best),
        "loss_": history.objective[-1],
        "loss_curve_": list(history.objective),
        "validation_loss_curve_": list(history.validation_objective) or None,
        "history_": {
            "train_loss": _by_task(history.train, kept, n_tasks),
            "validation_loss": _by_task(history.validation, kept, n_tasks),
        },
        "converged_": trainer.converged,
    }


def _by_task(losses, kept, n_tasks):
    """Return losses as (n_epochs, T), NaN for tasks that took no part."""
    table = np.full((len(losses), n_tasks), np.nan)
    if losses:
        table[:, kept] = losses
    return table


def _no_network(n_tasks):
    """Return the fitted attributes where no task is left to train on."""
    return {
        "coefs_": [],
        "intercepts_": [],
        "head_coef_": np.zeros((0, 0)),
        "head_intercept_": np.zeros(0),
        "task_weight_": np.zeros(n_tasks),
        "n_iter_": 0,
        "best_epoch_": 0,
        "best_loss_": np.nan,
        "loss_": np.nan,
        "loss_curve_": [],
        "validation_loss_curve_": None,
        "history_": {
            "train_loss": np.zeros((0, n_tasks)),
            "validation_loss": np.zeros((0, n_tasks)),
        },
        "converged_": True,
    }
