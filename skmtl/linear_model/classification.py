"""What all linear classifiers share: class codes, class weights, constant tasks."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from skmtl._compat import StrOptions
from skmtl.base import (
    SHARED,
    BaseTaskClassifier,
    ClassScoreMixin,
    encode_classes,
    warn_of_single_classes,
    with_class_weight,
)
from skmtl.data import TaskData
from skmtl.linear_model.base import LinearTaskModel, with_left_out
from skmtl.losses import Logistic
from skmtl.objectives import ClassObjective, Columns

# Log-odds of a task whose training labels are all of one class: certain to rounding.
CERTAIN = -float(np.log(np.finfo(float).eps))

# Attributes of families with an entry per task, however many classes it has.
PER_TASK = ("cluster_labels_", "task_affinity_")


class LinearTaskClassifier(ClassScoreMixin, LinearTaskModel, BaseTaskClassifier):
    """Linear classifiers: log-loss, a row of coef_ per class of a task, one for two.

    `_columns` says which task and class each column of W belongs to, from when the data
    are packed on, so that penalties can tell.
    """

    _parameter_constraints: dict = {
        **LinearTaskModel._parameter_constraints,
        "class_weight": [None, StrOptions({"balanced"}), Mapping],
    }

    def _loss(self, tasks):
        return Logistic()

    def _rows_objective(self, data, known=None):
        if Columns(data.tasks, data.classes).single:
            return super()._rows_objective(data, known)
        c = self._task_weights(data)
        return self._smooth(ClassObjective(data, c, self.fit_intercept))

    def _encode(self, labels):
        """Return (classes per task, coded labels of the tasks with two, positions)."""
        classes, coded = encode_classes(labels)
        coded = with_class_weight(coded, labels, self.class_weight)
        kept = np.flatnonzero([len(found) > 1 for found in classes])
        return classes, coded.keep_tasks(kept), kept

    def _packed(self, X, coded, classes, kept):
        """Return the packed data of the tasks with several classes."""
        own = tuple(classes[t] for t in kept)
        self._columns = Columns(coded.tasks, own)
        return replace(TaskData.pack(X, coded), classes=own)

    def _pack(self, X, labels):
        """Return (packed data of the tasks with several classes, units of 1)."""
        classes, coded, kept = self._encode(labels)
        return self._packed(X, coded, classes, kept), np.ones(1)

    def _problem(self, X, labels):
        classes, coded, kept = self._encode(labels)
        warn_of_single_classes(labels.tasks, classes)
        every = Columns(labels.tasks, tuple(classes))
        head = {
            **self._label_attributes(labels),
            **self._class_attributes(labels, classes),
            "coef_rows_": every.pairs,
        }
        constant = np.full(len(every.task), CERTAIN)
        rows = np.flatnonzero(np.isin(every.task, kept))

        def complete(found):
            # Some attributes have an entry per task, the others one per row of coef_.
            of_tasks = {"_task_share", *PER_TASK} & found.keys()
            tasks = {name: found[name] for name in of_tasks}
            of_rows = {name: v for name, v in found.items() if name not in of_tasks}
            tasks["intercept_"] = np.zeros(len(kept))  # stands for the number of tasks
            tasks |= with_left_out(tasks, kept, np.zeros(labels.n_tasks))
            del tasks["intercept_"]
            return {
                **head,
                **of_rows,
                **with_left_out(of_rows, rows, constant),
                **tasks,
            }

        data = self._packed(X, coded, classes, kept) if len(kept) else None
        return data, np.ones(1), complete  # classes have no units

    # ------------------------------------------------------------ rows of coef_
    @property
    def _row_task(self):
        classes = tuple(self.task_classes_.values())
        return Columns(self.tasks_, classes).task

    def _rows_of(self, data):
        rows = super()._rows_of(data)
        if self._fitted_pairs(rows) != self._columns.pairs:
            raise ValueError(
                "The data hold other classes than the ones this "
                f"{type(self).__name__} was fitted to; pass those data."
            )
        return rows

    def _fitted_pairs(self, rows):
        """Return the task and class of some rows of coef_."""
        return [pair for pair, own in zip(self.coef_rows_, rows, strict=True) if own]

    def _start_of(self, data, y_scale):
        if not self.warm_start or not hasattr(self, "coef_rows_"):
            return None
        rows = super()._rows_of(data)
        if self._fitted_pairs(rows) != self._columns.pairs:
            return None  # other tasks or classes take part
        if self.coef_.shape[1] != data.n_features:
            return None
        return self._coordinates(rows, y_scale)

    def _mean_over_tasks(self, values):
        if len(values) == len(self._task_share):
            return super()._mean_over_tasks(values)
        # `_classes_of` has seen to it that tasks of the joint fit have equal classes.
        joint = np.flatnonzero(self._task_share > 0)
        rows = np.isin(self._row_task, joint)
        parts = values[rows].reshape(len(joint), -1, *values.shape[1:])
        return np.tensordot(self._task_share[joint], parts, axes=1)

    def _linear(self, X, t):
        if t == SHARED:
            self._classes_of(t)  # raises where they differ between tasks
            return super()._linear(X, t)
        rows = np.flatnonzero(self._row_task == t)
        if len(rows) == 1:
            return X @ self.coef_[rows[0]] + self.intercept_[rows[0]]
        return X @ self.coef_[rows].T + self.intercept_[rows]

    def _score_task(self, X, t):
        return self._linear(X, t)
