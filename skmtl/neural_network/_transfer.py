"""A new task for a fitted network: transfer."""

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skmtl.base import keep_previous_fit
from skmtl.neural_network._entries import Columns
from skmtl.neural_network._fitted import (
    describe_parts,
    describe_training,
    parts_of,
)
from skmtl.neural_network._layers import rows_first
from skmtl.task_labels import TaskIndex


class NewTaskMixin:
    """Adds a head to the trunk, or a tower to the towers.

    Subclasses give ``_with_task(known, tasks)``: the attributes that say what heads
    mean, with those of a new task behind the others in `tasks`.
    """

    def fit_new_task(self, X, y, *, task, sample_weight=None, trunk="frozen"):
        """Learn one more task from the hidden layers that the others have shaped.

        With hard sharing the new task gets a head on them. With soft sharing it gets
        layers of its own, which start at the mean of the others' and are pulled to it.
        Cross-stitch and sluice networks get one more network, which starts at the mean
        too and learns how much to take from each of the others after every layer.

        The new task comes last in `tasks_`; `history_`, `loss_curve_`, `n_iter_` and
        the like are then those of this training.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,)
            The labels.
        task : str or int
            Label of the new task, of the kind of the others.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights; 0 leaves a label out.
        trunk : {"frozen", "fine-tuned"}, default="frozen"
            Whether what the other tasks have learned stays as it is, and so their
            predictions. Fine-tuning trains it further on the new task alone, which
            changes the predictions of all others: do it to a copy (`copy.deepcopy`) if
            these are still needed. It has no meaning with soft sharing, where nothing
            of the others is used but their mean, and raises.

        Returns
        -------
        self : object
            The estimator, which knows one more task.
        """
        check_is_fitted(self)
        self._validate_params()
        if trunk not in ("frozen", "fine-tuned"):
            raise ValueError(f"trunk must be 'frozen' or 'fine-tuned', got {trunk!r}.")
        with keep_previous_fit(self):
            self._check_new_task(task)
            labels = self._check_labels(X, y, task, sample_weight)
            X = self._check_X(X, reset=False)
            problem, known = self._problem(labels, 1)
            at = len(self.tasks_)
            weight, table = 0.0, {}
            if len(problem.kept):
                weight, table = self._train_head(X, problem, trunk, at)
            tasks = np.append(self.tasks_, labels.tasks)
            vars(self).update(self._with_task(known, tasks))
            self.tasks_ = tasks
            self._kept = _with_position(self._kept, at, len(problem.kept))
            self.task_weight_ = np.insert(self.task_weight_, at, weight)
            last = len(self.task_weight_) - 1
            self._main_columns = np.append(self._main_columns, last)
            vars(self).update(table)
        return self

    def _check_new_task(self, task):
        """Raise where the model cannot take another task, or knows this one."""
        if self._layout == "single":
            raise ValueError(
                "fit_new_task needs a model whose tasks have labels: fit with task=, "
                "or with one column of y per task."
            )
        if self._network is None:
            raise ValueError(
                "fit_new_task needs a trained network, but every task of this model "
                "had labels of one kind only and took no part. Fit it anew."
            )
        tasks = np.concatenate([self.tasks_, self.auxiliary_tasks_])
        if TaskIndex(tasks).codes(task, 1)[0] >= 0:
            raise ValueError(
                f"The model knows task {task!r} already. To train it further, use "
                "partial_fit or warm_start=True."
            )

    def _train_head(self, X, problem, trunk, at):
        """Train and insert a head; return (its weight c_t, attributes to be set)."""
        rng = check_random_state(self.random_state)
        old, parts = self._network, parts_of(self)
        X = rows_first(X).astype(parts.head.dtype, copy=False)
        columns, widths = problem.columns, old.columns.width
        X, network, start = old.newcomer(parts, X, columns, problem.bias, trunk)
        theta = network.flatten(start).astype(X.dtype)
        held = self._held_out(problem, rng)
        main = np.ones(1, dtype=bool)
        trainer = self._train(X, problem, held, main, network, theta, rng, None)
        learned = network.parts(theta.copy())
        tower = int(np.sum(self._kept < at))
        place = int(np.sum(widths[:tower]))
        merged = old.joined(parts, learned, tower, place)
        widths = np.insert(widths, tower, columns.width)
        new = old.with_columns(Columns.of_widths(widths))
        self.head_rows_ = [
            *self.head_rows_[:place],
            *problem.head_rows,
            *self.head_rows_[place:],
        ]
        return trainer.objective.task_weight[0], {
            **describe_parts(new, merged),
            **describe_training(trainer, np.array([at]), len(self.task_weight_) + 1),
        }


def _with_position(kept, at, trained):
    """Return the positions of trained tasks after one was put in at `at`."""
    moved = np.where(kept >= at, kept + 1, kept)
    return np.sort(np.append(moved, at)) if trained else moved
