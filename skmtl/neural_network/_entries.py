"""Observed labels as a sparse table: one entry for each output that a label trains.

A task has one output column (a value, or the log-odds of its second class), or K
columns where it has K > 2 classes. Wide and long labels become the same thing here:
entries (row, column), sorted by row and then by column.
"""

from dataclasses import dataclass

import numpy as np

from skmtl.neural_network._batches import rarest_task


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

    def of_task(self, t):
        """Return the slice of the columns of a task."""
        return slice(self.first[t], self.first[t] + self.width[t])


@dataclass(frozen=True)
class Batch:
    """The entries of some rows.

    Attributes
    ----------
    n_rows : int
    start : ndarray of shape (n_rows + 1,)
        Entries of the i-th row are start[i]:start[i + 1].
    column, y, weight : ndarray of shape (m,)
        Output column, target and weight.
    """

    n_rows: int
    start: np.ndarray
    column: np.ndarray
    y: np.ndarray
    weight: np.ndarray

    def __len__(self):
        return len(self.column)

    def weigh(self, values):
        """Multiply values of the entries by their weights, in place."""
        np.multiply(values, self.weight, out=values)

    def row(self):
        """Return the position in the batch of each entry's row."""
        return np.repeat(np.arange(self.n_rows), np.diff(self.start))

    def scale_rows(self, scale):
        """Multiply the weights of each row's entries by its scale, in place."""
        np.multiply(self.weight, np.repeat(scale, np.diff(self.start)), out=self.weight)

    def complete(self, n_columns):
        """Tell whether every row has an entry in every column."""
        return len(self.column) == self.n_rows * n_columns

    def column_sums(self, values, n_columns):
        """Sum values of the entries over each column, shape (n_columns,)."""
        if self.complete(n_columns):
            return values.reshape(self.n_rows, n_columns).sum(axis=0)
        return np.bincount(self.column, values, minlength=n_columns)


@dataclass(frozen=True)
class Entries:
    """All entries of the training data, in the order of the rows.

    Attributes
    ----------
    start : ndarray of shape (n + 1,)
    column, y, weight : ndarray of shape (m,)
        Weights of a task sum to c_t over the rows of one part (training, validation).
    per_row : int
        Number of entries of every row; 0 if it varies.
    """

    start: np.ndarray
    column: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    per_row: int

    @classmethod
    def build(cls, labels, columns, weight, dtype=np.float64):
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
        per_row = counts[0] if np.all(counts == counts[0]) else 0
        y, weight = y.astype(dtype, copy=False), weight.astype(dtype, copy=False)
        return cls(start, column, y, weight, int(per_row))

    def strata(self, columns):
        """Return the stratum of each row: its rarest task, -1 without labels."""
        return rarest_task(self, columns, len(self.start) - 1)

    def of_rows(self, rows):
        """Return the entries of `rows`, which may repeat."""
        arrays = (self.column, self.y, self.weight)
        if self.per_row:
            k = self.per_row
            start = np.arange(0, k * len(rows) + 1, k)
            parts = (a.reshape(-1, k)[rows].ravel() for a in arrays)
            return Batch(len(rows), start, *parts)
        begin = self.start[rows]
        counts = self.start[rows + 1] - begin
        start = np.zeros(len(rows) + 1, dtype=int)
        np.cumsum(counts, out=start[1:])
        index = np.arange(start[-1]) + np.repeat(begin - start[:-1], counts)
        return Batch(len(rows), start, *(a[index] for a in arrays))
