"""Complete labels: a matrix of targets, whose rows all weigh the same.

The common case, in which nothing but the targets has to be gathered for a batch. It
answers as `Entries` and `Batch` do.
"""

from functools import cached_property

import numpy as np


class FullBatch:
    """The entries of some rows that all have every label.

    Parameters
    ----------
    y : ndarray of shape (b, C)
        Targets.
    weight : ndarray of shape (C,) or (b, C)
        Weights of each row's entries.
    """

    def __init__(self, y, weight):
        self.n_rows, self._n_columns = y.shape
        self.y, self._weight = y.ravel(), weight

    def __len__(self):
        return len(self.y)

    @cached_property
    def column(self):
        """Output column of each entry."""
        return np.tile(np.arange(self._n_columns), self.n_rows)

    @cached_property
    def start(self):
        """Entries of the i-th row are start[i]:start[i + 1]."""
        return np.arange(0, len(self.y) + 1, self._n_columns)

    @property
    def weight(self):
        """Weight of each entry."""
        shape = (self.n_rows, self._n_columns)
        return np.broadcast_to(self._weight, shape).ravel()

    def row(self):
        """Return the position in the batch of each entry's row."""
        return np.repeat(np.arange(self.n_rows), self._n_columns)

    def scale_rows(self, scale):
        """Multiply the weights of each row's entries by its scale."""
        dtype = self._weight.dtype
        if np.all(scale == scale[0]):
            self._weight = self._weight * dtype.type(scale[0])
        else:
            self._weight = self._weight * scale.astype(dtype)[:, None]

    def weigh(self, values):
        """Multiply values of the entries by their weights, in place."""
        matrix = values.reshape(self.n_rows, self._n_columns)
        np.multiply(matrix, self._weight, out=matrix)

    def complete(self, n_columns):
        """Tell that every row has an entry in every column."""
        return True

    def column_sums(self, values, n_columns):
        """Sum values of the entries over each column, shape (n_columns,)."""
        return values.reshape(self.n_rows, n_columns).sum(axis=0)


class FullEntries:
    """Targets of all rows, where each part of the rows has one weight per column.

    Parameters
    ----------
    y : ndarray of shape (n, C)
    weights : ndarray of shape (n_parts, C)
    part : ndarray of shape (n,)
        The part that a row belongs to.
    """

    def __init__(self, y, weights, part):
        self.y, self.weights, self.part = y, weights, part

    @property
    def column(self):
        """Output column of each entry."""
        return np.tile(np.arange(self.y.shape[1]), len(self.y))

    @property
    def start(self):
        """Entries of the i-th row are start[i]:start[i + 1]."""
        return np.arange(0, self.y.size + 1, self.y.shape[1])

    @classmethod
    def build(cls, labels, columns, weight, held, dtype):
        """Return the entries of `TaskLabels`, or None where labels or weights vary."""
        if labels.layout != "wide" or len(columns) != columns.n_tasks:
            return None
        rows = []
        for part in (~held, held):
            inside = weight[part] if held.any() else weight
            if part.any():
                if not (np.all(inside[0] > 0) and np.all(inside == inside[0])):
                    return None
                rows.append(inside[0])
        y = np.ascontiguousarray(labels.y, dtype=dtype)
        part = held.astype(np.intp) if len(rows) == 2 else np.zeros(len(held), np.intp)
        return cls(y, np.array(rows, dtype=dtype), part)

    def strata(self, columns):
        """Return the stratum of each row: they all have the same labels."""
        return np.zeros(len(self.y), dtype=int)

    def of_rows(self, rows):
        """Return the entries of `rows`, which may repeat."""
        parts = self.part.take(rows)
        one = parts[0] if len(parts) else 0
        weight = self.weights[one if np.all(parts == one) else parts]
        return FullBatch(self.y.take(rows, axis=0), weight)
