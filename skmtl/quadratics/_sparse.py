"""Quadratics by the residuals of sparse rows."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from skmtl import _kernels
from skmtl.quadratics._columns import (
    column_moments,
    columns_of,
    row_ranges,
    task_major,
)
from skmtl.quadratics._quadratic import Quadratic

# Multiplications of dense numbers that take as long as one of an entry of sparse X.
SPARSE_COST = 4


@dataclass
class SparseRows(Quadratic):
    """Kept by its residuals, from sparse columns: a sweep costs their entries."""

    columns: list  # one csc matrix per distinct set of rows
    parts: tuple
    r_start: np.ndarray
    n_rows: np.ndarray
    h: np.ndarray
    mean: np.ndarray
    curvature: np.ndarray
    W: np.ndarray
    state: np.ndarray
    exact: bool = True

    @classmethod
    def build(cls, data, features, W, h, residual, centre):
        """Take the columns out of the data, task by task, and measure them."""
        _, blocks = columns_of(data, features)
        columns = [sparse.csc_array(block) for block in blocks]
        ends = np.cumsum([0] + [c.nnz for c in columns])
        index = np.zeros(data.n_tasks, int) if data.shared else data.column_task
        parts = (
            np.concatenate([c.data for c in columns]),
            np.concatenate([c.indices for c in columns]).astype(np.int64),
            np.stack(
                [c.indptr + e for c, e in zip(columns, ends, strict=False)]
            ).astype(np.int64),
            index.astype(np.int64),
        )
        starts, counts = row_ranges(data)
        mean, curvature = column_moments(data, blocks, h, centre)
        h, residual = task_major(h), task_major(residual)
        return cls(columns, parts, starts, counts, h, mean, curvature, W, residual)

    def __post_init__(self):
        self._start = self.state.copy()

    def bends(self):
        """Return the curvature of each task along the step from where it was made."""
        return np.add.reduceat(self.h * (self.state - self._start) ** 2, self.r_start)

    def again(self, ratio, u, slope):
        """Touch f at W instead, as `Gram.again` does."""
        self.h, u = self.h * np.repeat(ratio, self.n_rows), task_major(u)
        self.curvature = self.curvature * ratio[:, None]
        self.state = np.divide(-u, self.h, out=np.zeros_like(u), where=self.h > 0)
        self.__post_init__()

    def move_to(self, W):
        """Name the point that the model was made at anew, for other coordinates."""
        self.W = W

    def along(self, rows):
        """Return (curvatures along some rows, which each task has, their factors)."""
        A = []
        for t in range(len(self.W)):
            h = self.h[self.r_start[t] : self.r_start[t] + self.n_rows[t]]
            X, mean = self.columns[self.parts[3][t]][:, rows], self.mean[t, rows]
            gram = (X.T @ X.multiply(h[:, None])).toarray()
            A.append(gram - h.sum() * np.outer(mean, mean))
        return np.stack(A), np.arange(len(self.W)), np.ones(len(self.W))

    def moved(self, rows, step):
        """Return the state after W[:, rows] += step, (n rows of all tasks,)."""
        state = self.state.copy()
        back = (self.mean[:, rows] * step).sum(axis=1)
        for t in range(len(self.W)):
            own = slice(self.r_start[t], self.r_start[t] + self.n_rows[t])
            X = self.columns[self.parts[3][t]][:, rows]
            state[own] -= X @ step[t] - back[t]
        return state

    def sweep(self, arguments, bounds, n_sweeps):
        """Minimise over one block after the other, n_sweeps times."""
        _kernels.bcd_csc(
            *self.parts, self.r_start, self.n_rows, self.h, self.mean, bounds,
            *arguments, n_sweeps, self.W, self.state,
        )  # fmt: skip

    def gradient(self):
        """Return the gradient at W, (T, k)."""
        g = np.empty_like(self.W)
        hr = self.h * self.state
        for t in range(len(g)):
            part = hr[self.r_start[t] : self.r_start[t] + self.n_rows[t]]
            X = self.columns[self.parts[3][t]]
            g[t] = self.mean[t] * part.sum() - X.T @ part
        return g

    def value(self):
        """Return q(W)."""
        return 0.5 * float(np.dot(self.h * self.state, self.state))
