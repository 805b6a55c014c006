"""Several columns of W for a task with several classes, over the same rows.

A task with K > 2 classes has a column for each of them, any other task one. Arrays "of
label shape" then have an entry per row and column: (n, C) where all tasks share X, else
(N,), the rows of each task once per column, column after column.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from skmtl.data import TaskData


@dataclass(frozen=True, eq=False)
class Columns:
    """Which task and class each column of W belongs to.

    Attributes
    ----------
    tasks : ndarray of shape (T,)
    classes : tuple of ndarray, or None
        The classes of each task; None where labels are numbers.
    """

    tasks: np.ndarray
    classes: tuple | None = None

    def __eq__(self, other):
        """Tell whether tasks and classes are the same."""
        return isinstance(other, Columns) and self._labels() == other._labels()

    __hash__ = None

    def _labels(self):
        found = None if self.classes is None else [c.tolist() for c in self.classes]
        return self.tasks.tolist(), found

    @property
    def widths(self):
        """Number of columns of each task, (T,)."""
        if self.classes is None:
            return np.ones(len(self.tasks), dtype=int)
        return np.array([width(c) for c in self.classes], dtype=int)

    @property
    def single(self):
        """Whether every task has one column."""
        return bool((self.widths == 1).all())

    @property
    def task(self):
        """Position of the task of each column, (C,)."""
        return np.repeat(np.arange(len(self.tasks)), self.widths)

    @property
    def pairs(self):
        """[(task, class)] of each column; the positive class where there are two."""
        found = []
        for task, classes in zip(self.tasks.tolist(), self.classes, strict=True):
            values = classes.tolist()
            found += [(task, v) for v in values[-width(classes) :]]
        return found

    def by_class(self):
        """Return the columns of each class, (1 or K, T), where all tasks have the same.

        For penalties between tasks, which couple equal classes; raises ValueError where
        the classes of the tasks differ.
        """
        first = None if self.classes is None else self.classes[0].tolist()
        for task, c in zip(self.tasks.tolist(), self.classes or (), strict=False):
            if c.tolist() != first:
                raise ValueError(
                    "This penalty ties the coefficients of equal classes together, so "
                    f"all tasks need the same ones: task {self.tasks[0].item()!r} has "
                    f"the classes {first}, task {task!r} has {c.tolist()}. Drop the "
                    "rows of classes that are not in all tasks, or use a model that "
                    "ties features, such as GroupLassoClassifier."
                )
        return np.arange(self.widths.sum()).reshape(len(self.tasks), -1).T


def width(classes):
    """Return the number of columns of a task with these classes."""
    return len(classes) if len(classes) > 2 else 1


@dataclass(frozen=True, eq=False)
class ColumnData(TaskData):
    """`TaskData` whose tasks may have several columns, each counted as a task.

    No row of X is repeated, and the columns of a task share each product. Labels and
    weights stay with `rows`, the data task by task.
    """

    rows: TaskData | None = None
    columns: Columns | None = None

    @classmethod
    def of(cls, data):
        """Spread `TaskData` with classes over columns."""
        columns = Columns(data.tasks, data.classes)
        task = columns.task
        if data.shared:
            offsets, shape = None, (data.X.shape[0], len(task))
        else:
            offsets = np.concatenate([[0], np.cumsum(np.diff(data.offsets)[task])])
            shape = (offsets[-1],)
        empty = np.broadcast_to(0.0, shape)
        return cls(
            data.X, empty, empty, data.tasks[task], offsets, data.order, None, data,
            columns,
        )  # fmt: skip

    small_blocks = False  # the columns of a task share its rows

    @property
    def by_task(self):
        """The rows with one column per task."""
        return self.rows

    @property
    def column_task(self):
        """Position of the task whose rows each column has, shape (C,)."""
        return self.columns.task

    @property
    def n_labels(self):
        """Observed labels of each column, shape (C,)."""
        return self.rows.n_labels[self.column_task]

    @property
    def spans(self):
        """Return (first column, one past the last) of each task."""
        ends = np.concatenate([[0], np.cumsum(self.columns.widths)])
        return list(pairwise(ends.tolist()))

    def table(self, values, t):
        """Return values of label shape of one task as a view (n_t, columns)."""
        first, last = self.spans[t]
        if self.shared:
            return values[:, first:last]
        own = values[self.offsets[first] : self.offsets[last]]
        return own.reshape(last - first, -1).T

    def blocks(self, chunk_bytes=None):
        """Yield (column or None, its entries, X block), as for tasks."""
        spans = self.spans
        for t, rows, X in self.rows.blocks(chunk_bytes):
            if t is None:
                yield None, rows, X
                continue
            for c in range(*spans[t]):
                shift = self.offsets[c] - self.rows.offsets[t]
                yield c, slice(rows.start + shift, rows.stop + shift), X

    def take(self, features):
        """Return the data with some columns of X."""
        rows = self.rows.take(features)
        return replace(self, X=rows.X, rows=rows)

    def matvec(self, W):
        """Return the predictions X W, in label shape, for W of shape (p, C)."""
        if self.shared:
            return np.asarray(self.X @ W)
        z, spans = np.empty(self.y.shape), self.spans
        for t, rows, X in self.rows.blocks():
            start = self.rows.offsets[t]
            own = slice(rows.start - start, rows.stop - start)
            columns = np.ascontiguousarray(W[:, slice(*spans[t])])
            self.table(z, t)[own] = X @ columns
        return z

    def rmatvec(self, U):
        """Return X'U per column, shape (p, C), for U of label shape."""
        if self.shared:
            return np.asarray(self.X.T @ U)
        G, spans = np.zeros((self.n_features, self.n_tasks)), self.spans
        for t, rows, X in self.rows.blocks():
            start = self.rows.offsets[t]
            own = slice(rows.start - start, rows.stop - start)
            G[:, slice(*spans[t])] += X.T @ self.table(U, t)[own]
        return G
