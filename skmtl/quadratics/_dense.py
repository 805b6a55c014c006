"""Quadratics by the residuals of dense rows."""

from dataclasses import dataclass

import numpy as np

from skmtl import _kernels
from skmtl.complements import MatrixComplement, RowComplement
from skmtl.quadratics._columns import (
    column_moments,
    columns_of,
    row_ranges,
    task_major,
)
from skmtl.quadratics._quadratic import Quadratic

# What the multiplications of a Newton step take in those of a sweep.
ROWS_PRICE = 0.05


@dataclass
class DenseRows(Quadratic):
    """Kept by its weighted residuals h r, from dense columns: a sweep costs n an entry.

    `level` is h where it is the same in all rows of a task, else 0.
    """

    X: np.ndarray  # (n, k), F-ordered
    x_start: np.ndarray
    r_start: np.ndarray
    n_rows: np.ndarray
    h: np.ndarray
    level: np.ndarray
    mean: np.ndarray
    curvature: np.ndarray
    W: np.ndarray
    state: np.ndarray
    exact: bool = True

    @classmethod
    def build(cls, data, features, W, h, residual, centre):
        """Take the columns out of the data, centre and measure them."""
        columns, blocks = columns_of(data, features)
        X = np.asfortranarray(columns)
        starts, counts = row_ranges(data)
        mean, curvature = column_moments(data, blocks, h, centre)
        low, high = data.per_task_range(h)
        level = np.where(low == high, low, 0.0)
        h, residual = task_major(h), task_major(residual)
        x_start = np.zeros_like(starts) if data.shared else data.by_task.offsets[:-1]
        x_start = x_start[data.column_task].astype(np.int64)
        state = h * residual
        return cls(X, x_start, starts, counts, h, level, mean, curvature, W, state)

    def __post_init__(self):
        self._start = self.state.copy()

    def bends(self):
        """Return the curvature of each task along the step from where it was made."""
        step = self.state - self._start
        bent = np.divide(step**2, self.h, out=np.zeros_like(step), where=self.h > 0)
        return np.add.reduceat(bent, self.r_start)

    def again(self, ratio, u, slope):
        """Touch f at W instead, as `Gram.again` does."""
        self.h = self.h * np.repeat(ratio, self.n_rows)
        self.level, self.curvature = self.level * ratio, self.curvature * ratio[:, None]
        self.state = -task_major(u)
        self.__post_init__()

    def move_to(self, W):
        """Name the point that the model was made at anew, for other coordinates."""
        self.W = W

    def along(self, rows):
        """Return (curvatures along some rows, which each task has, their factors)."""
        tasks = [0] if self._uniform() else np.arange(len(self.W))
        A = []
        for t in tasks:
            n, x0, r0 = self.n_rows[t], self.x_start[t], self.r_start[t]
            X = self.X[x0 : x0 + n, rows] - self.mean[t, rows]
            A.append((X.T * self.h[r0 : r0 + n]) @ X)
        index = np.zeros(len(self.W), int) if len(A) == 1 else tasks
        return np.stack(A), index, np.ones(len(self.W))

    def sweep(self, arguments, bounds, n_sweeps):
        """Minimise over one block after the other, n_sweeps times."""
        if self._shared:
            parts = (len(self.W), -1)
            _kernels.bcd_shared(
                self.X.T, self.h.reshape(parts), self.level, self.mean, bounds,
                *arguments, n_sweeps, self.W, self.state.reshape(parts),
            )  # fmt: skip
            return
        _kernels.bcd_dense(
            self.X.T, self.x_start, self.r_start, self.n_rows, self.h, self.level,
            self.mean, bounds, *arguments, n_sweeps, self.W, self.state,
        )  # fmt: skip

    def gradient(self):
        """Return the gradient at W, (T, k)."""
        if self._shared:  # one product
            parts = self.state.reshape(len(self.W), -1)
            return self.mean * parts.sum(axis=1)[:, None] - parts @ self.X
        g = np.empty_like(self.W)
        for t in range(len(g)):
            n, x0, r0 = self.n_rows[t], self.x_start[t], self.r_start[t]
            part = self.state[r0 : r0 + n]
            g[t] = self.mean[t] * part.sum() - part @ self.X[x0 : x0 + n]
        return g

    @property
    def _shared(self):
        """Whether all tasks have the same rows of X."""
        return not self.x_start.any()

    def _uniform(self):
        """Tell whether all tasks share the rows and one weight."""
        return self._shared and bool(np.all(self.h == self.h[0]))

    def moved(self, rows, step):
        """Return the state after W[:, rows] += step, (T, k)."""
        columns, mean = self.X.T[rows], self.mean[:, rows]
        back = (mean * step).sum(axis=1)
        if self._shared:
            down = step @ columns
            down -= back[:, None]
            down = down.ravel()
            down *= self.h
            return np.subtract(self.state, down, out=down)
        state = self.state.copy()
        for t in range(len(self.W)):
            n, x0, r0 = self.n_rows[t], self.x_start[t], self.r_start[t]
            h = self.h[r0 : r0 + n]
            state[r0 : r0 + n] -= h * (step[t] @ columns[:, x0 : x0 + n] - back[t])
        return state

    def price(self, m):
        """Return how many sweeps the complement of m rows costs."""
        n = self.n_rows[0]
        return ROWS_PRICE * n * min(n, m) * m / (self.state.size * self.W.shape[1])

    def complement(self, rows, unit):
        """Return A (I + A)^-1 of the curvature A along W[:, rows] in these units."""
        if not self._uniform():
            return None
        columns = self.X.T[rows]
        columns -= self.mean[0, rows][:, None]
        columns *= (unit * np.sqrt(self.h[0]))[:, None]
        if len(rows) > columns.shape[1]:
            return RowComplement.of(columns)
        index = np.zeros(len(self.W), dtype=int)
        return MatrixComplement.of((columns @ columns.T)[None], index)

    def value(self):
        """Return q(W)."""
        if np.all(self.level > 0):
            squares = np.add.reduceat(self.state**2, self.r_start)
            return 0.5 * float((squares / self.level).sum())
        seen = self.h > 0
        return 0.5 * float((self.state[seen] ** 2 / self.h[seen]).sum())
