"""Auxiliary tasks: trained on, never predicted or scored."""

import numpy as np

from skmtl._compat import safe_indexing
from skmtl.base import some
from skmtl.task_labels import TaskIndex, as_task_labels


class AuxiliaryTasksMixin:
    """Puts auxiliary tasks behind the others, and leaves them out of answers."""

    def _main_first(self, labels):
        """Return (labels with auxiliary tasks last, number of the others)."""
        if self.auxiliary_tasks is None or not len(self.auxiliary_tasks):
            return labels, labels.n_tasks
        given = as_task_labels(list(self.auxiliary_tasks))
        codes = TaskIndex(labels.tasks).codes(given, len(given))
        if np.any(codes < 0):
            raise ValueError(
                f"auxiliary_tasks names {some(given[codes < 0])}, which the training "
                f"data does not have. Its tasks: {some(labels.tasks)}."
            )
        auxiliary = np.unique(codes)
        main = np.setdiff1d(np.arange(labels.n_tasks), auxiliary)
        if not len(main):
            raise ValueError(
                "auxiliary_tasks names all tasks, so there is none to predict."
            )
        return labels.keep_tasks(np.append(main, auxiliary)), len(main)

    def _task_attributes(self, labels, n_main, original):
        """Return the attributes that say which tasks are predicted."""
        main = labels.keep_tasks(np.arange(n_main))
        position = {task: k for k, task in enumerate(original.tasks.tolist())}
        places = [position[task] for task in main.tasks.tolist()]
        return {
            **self._label_attributes(main),
            "auxiliary_tasks_": labels.tasks[n_main:],
            "_main_columns": np.array(places, dtype=int),
        }

    def _check_unseen(self, task, codes):
        """Refuse auxiliary tasks; of others never seen, do as `unseen` says."""
        given = np.broadcast_to(np.asarray(task).reshape(-1), codes.shape)
        named = np.isin(given, self.auxiliary_tasks_) & (codes < 0)
        if named.any():
            raise ValueError(
                f"Task {given[named][0].item()!r} is auxiliary: it is trained on and "
                "never predicted. Leave its rows out, or take it out of "
                "auxiliary_tasks."
            )
        super()._check_unseen(task, codes)

    def _to_score(self, X, y, task, sample_weight):
        """Return the arguments of `score` without auxiliary tasks."""
        if not len(self.auxiliary_tasks_):
            return X, y, task, sample_weight
        if task is None:
            n_all = len(self.tasks_) + len(self.auxiliary_tasks_)
            if np.ndim(y) == 2 and np.shape(y)[1] == n_all:
                y = safe_indexing(y, self._main_columns, axis=1)
                if np.ndim(sample_weight) == 2:
                    sample_weight = np.asarray(sample_weight)[:, self._main_columns]
            return X, y, task, sample_weight
        labels = np.broadcast_to(np.asarray(task).reshape(-1), np.shape(y)[:1])
        rows = np.flatnonzero(~np.isin(labels, self.auxiliary_tasks_))
        X, y = safe_indexing(X, rows), safe_indexing(y, rows)
        if np.ndim(sample_weight):
            sample_weight = np.asarray(sample_weight)[rows]
        return X, y, labels[rows], sample_weight
