"""The data that models are compared on, read once, in any layout."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from skmtl._compat import safe_indexing
from skmtl.base import encode_classes
from skmtl.layouts import TaskLabels, numeric_labels, read_labels
from skmtl.splits import group_codes


@dataclass(frozen=True)
class Table:
    """X, y and what goes with them, and the list of the m labels that are observed.

    Attributes
    ----------
    X, y, task, sample_weight :
        As models get them; `task` is None where it is in a column of X, or nowhere.
    groups : ndarray of shape (n,) or None
        Integer codes.
    labels : TaskLabels
        Rows, tasks and labels; the y of classifiers are positions of classes.
    classes : list of ndarray or None
        The classes of each task.
    row, task_of, truth, weight : ndarray of shape (m,)
        Row, position of the task, label and weight of each observed label.
    """

    X: object
    y: object
    task: object
    sample_weight: np.ndarray | None
    groups: np.ndarray | None
    labels: TaskLabels
    classes: list | None
    row: np.ndarray
    task_of: np.ndarray
    truth: np.ndarray
    weight: np.ndarray

    @property
    def n_rows(self):
        """Number of rows of X."""
        return self.X.shape[0]

    @property
    def n_tasks(self):
        """Number of tasks."""
        return self.labels.n_tasks

    @property
    def wide(self):
        """Whether y has a column per task."""
        return self.labels.layout == "wide"

    @property
    def several_classes(self):
        """The largest number of classes of a task; 0 in regression."""
        return max(map(len, self.classes), default=0) if self.classes else 0

    def take(self, rows):
        """Return (X, y, metadata) of some rows, as a model gets them."""
        metadata = {"task": self.task, "sample_weight": self.sample_weight}
        metadata = {
            name: safe_indexing(value, rows)
            for name, value in metadata.items()
            if value is not None
        }
        return safe_indexing(self.X, rows), safe_indexing(self.y, rows), metadata

    def observed_in(self, rows):
        """Return positions of the labels of some rows, in the list and in `rows`."""
        place = np.full(self.n_rows, -1)
        place[rows] = np.arange(len(rows))
        found = np.flatnonzero(place[self.row] >= 0)
        return found, place[self.row[found]]

    def count(self, rows):
        """Count the labels of each task in some rows; their groups if there are any."""
        found, _ = self.observed_in(rows)
        tasks = self.task_of[found]
        if self.groups is not None:
            n_groups = self.groups.max() + 1
            pairs = np.unique(tasks * n_groups + self.groups[self.row[found]])
            tasks = pairs // n_groups
        return np.bincount(tasks, minlength=self.n_tasks)


def read_table(X, y, task, groups, sample_weight, *, in_column, classify):
    """Read the data of a comparison.

    `in_column` holds the labels that models read from a column of X, or is None.
    """
    X = _indexable(X)
    y = y if hasattr(y, "shape") else np.asarray(y)
    if X.shape[0] != y.shape[0]:
        raise ValueError(f"X has {X.shape[0]} rows but y has {y.shape[0]} labels.")
    if task is not None and np.ndim(task) == 0:
        task = np.full(X.shape[0], task)
    elif task is not None and not hasattr(task, "shape"):
        task = np.asarray(task)
    labels = read_labels(y, in_column if task is None else task, sample_weight)
    if labels.layout == "long" and in_column is not None and task is not None:
        same = read_labels(y, in_column, sample_weight)
        names = [np.append(one.tasks, None)[one.codes] for one in (labels, same)]
        if not np.array_equal(*names):
            raise ValueError(
                "task= differs from the task in the column of X that models read. "
                "Leave task= out, or correct one of the two."
            )
    if labels.layout != "wide" and len(y.shape) == 2:
        y = labels.y
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight, dtype=float)
        if sample_weight.ndim == 0:
            sample_weight = np.broadcast_to(sample_weight, (X.shape[0],))
    classes = None
    if classify:
        classes, coded = encode_classes(labels)
    else:
        coded = numeric_labels(labels)
    row, task_of = _observed(coded)
    where = (row, task_of) if coded.layout == "wide" else row
    truth = coded.y[where].astype(int if classify else float)
    groups = None if groups is None else group_codes(groups, X.shape[0])
    return Table(
        X=X,
        y=y,
        task=task,
        sample_weight=sample_weight,
        groups=groups,
        labels=coded,
        classes=classes,
        row=row,
        task_of=task_of,
        truth=truth,
        weight=coded.weight[where],
    )


def _indexable(X):
    """Return X as something whose rows can be picked."""
    if sparse.issparse(X):
        return X.tocsr()
    return X if hasattr(X, "shape") else np.asarray(X)


def _observed(labels):
    """Return (row, position of the task) of each observed label."""
    if labels.layout == "wide":
        return np.nonzero(labels.weight > 0)
    rows = np.flatnonzero(labels.codes >= 0)
    return rows, labels.codes[rows]
