"""Observed labels as a sparse table: one entry for each output that a label trains.

A task has one output column (a value, or the log-odds of its second class), or K
columns where it has K > 2 classes. Wide and long labels become the same thing here:
entries (row, column), sorted by row and then by column.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Columns:
    """The output columns of all tasks.

    Attributes
    ----------
    first, width : ndarray of shape (T,)
        First column and number of columns of each task.
    task : ndarray of shape (C,)
        The task of each column.
    """

    first: np.ndarray
    width: np.ndarray
    task: np.ndarray

    @classmethod
    def of_widths(cls, width):
        """Lay out tasks with these numbers of columns one after the other."""
        width = np.asarray(width, dtype=int)
        return cls(
            np.cumsum(width) - width, width, np.repeat(np.arange(len(width)), width)
        )

    @property
    def n_tasks(self):
        """Number of tasks."""
        return len(self.first)

    def __len__(self):
        return len(self.task)


@dataclass(frozen=True)
class Batch:
    """The entries of some rows.

    Attributes
    ----------
    n_rows : int
    start : ndarray of shape (n_rows + 1,)
        Entries of the i-th row are start[i]:start[i + 1].
    row, column, y, weight : ndarray of shape (m,)
        Position of the row in the batch, output column, target and weight.
    """

    n_rows: int
    start: np.ndarray
    row: np.ndarray
    column: np.ndarray
    y: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Entries:
    """All entries of the training data, in the order of the rows.

    Attributes
    ----------
    start : ndarray of shape (n + 1,)
    column, y, weight : ndarray of shape (m,)
        Weights of a task sum to 1 over the rows of one part (training, validation).
    """

    start: np.ndarray
    column: np.ndarray
    y: np.ndarray
    weight: np.ndarray

    @classmethod
    def build(cls, labels, columns, weight):
        """Make entries of `TaskLabels` with numeric y and weights (of label shape)."""
        if labels.layout == "wide":
            row, task = np.nonzero(labels.weight > 0)
            y, weight = labels.y[row, task], weight[row, task]
        else:
            row = np.flatnonzero(labels.codes >= 0)
            task, y, weight = labels.codes[row], labels.y[row], weight[row]
        width = columns.width[task]
        if np.any(width > 1):  # one entry per class, 1 for the observed one
            last = np.cumsum(width)
            place = np.arange(last[-1]) - np.repeat(last - width, width)
            row, task = np.repeat(row, width), np.repeat(task, width)
            y, weight = np.repeat(y, width), np.repeat(weight, width)
            y = np.where(columns.width[task] > 1, place == y, y).astype(float)
            column = columns.first[task] + place
        else:
            column = columns.first[task]
        counts = np.bincount(row, minlength=len(labels.y))
        start = np.concatenate([[0], np.cumsum(counts)])
        return cls(start, column.astype(np.int32), y, weight)

    def of_rows(self, rows):
        """Return the entries of `rows`, which may repeat."""
        begin = self.start[rows]
        counts = self.start[rows + 1] - begin
        start = np.zeros(len(rows) + 1, dtype=int)
        np.cumsum(counts, out=start[1:])
        index = np.arange(start[-1]) + np.repeat(begin - start[:-1], counts)
        row = np.repeat(np.arange(len(rows)), counts)
        return Batch(
            len(rows), start, row, self.column[index], self.y[index], self.weight[index]
        )
