"""A partition of the rows of W into blocks that are penalised as one."""

from functools import cached_property

import numpy as np


class Blocks:
    """Blocks of rows, by a label per row.

    Parameters
    ----------
    labels : ndarray of shape (p,)
        Block of each row, numbered from 0 without gaps.

    Attributes
    ----------
    order : ndarray of shape (p,)
        The rows, block after block.
    starts : ndarray of shape (n_blocks + 1,)
        Where in `order` each block begins.
    """

    def __init__(self, labels):
        self.labels = labels
        self.order = np.argsort(labels, kind="stable")
        sizes = np.bincount(labels)
        self.starts = np.concatenate([[0], np.cumsum(sizes)])

    @cached_property
    def classes(self):
        """Blocks of equal size together: [(block numbers (B,), rows (B, m))]."""
        sizes = np.diff(self.starts)
        found = []
        for m in np.unique(sizes):
            ids = np.flatnonzero(sizes == m)
            rows = self.order[self.starts[ids][:, None] + np.arange(m)]
            found.append((ids, rows))
        return found

    def complete(self, rows):
        """Return all rows of the blocks that hold any of `rows`, block after block."""
        wanted = np.zeros(len(self.starts) - 1, dtype=bool)
        wanted[self.labels[rows]] = True
        return self.order[wanted[self.labels[self.order]]]

    def restrict(self, rows):
        """Return (the blocks of complete(rows) alone, their former numbers)."""
        ids, labels = np.unique(self.labels[rows], return_inverse=True)
        return Blocks(labels), ids

    def largest(self, values):
        """Return, for each row, the largest of the values (p,) in its block."""
        top = np.maximum.reduceat(values[self.order], self.starts[:-1])
        return top[self.labels]
