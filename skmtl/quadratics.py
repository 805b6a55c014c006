"""Quadratics of a few rows of W that coordinate descent sweeps over.

All hold q(W) = sum_t sum_i h_i (residual of row i)^2 / 2 for W (T, k), with the
residual centred by h within each task where intercepts are fitted; they differ in
whether they keep the gradient (`Gram`) or the residuals (`DenseRows`, `SparseRows`) up
to date. Both are linear in W, which is what extrapolation needs: `state` is the array
that is kept. `arguments` of a sweep are the blocks and strengths of a penalty, as its
`kernel_arguments` gives them.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from skmtl import _kernels
from skmtl.complements import MatrixComplement, RowComplement

# Multiplications of dense numbers that take as long as one of an entry of sparse X.
SPARSE_COST = 4
# Newton steps hold this many numbers at most for the curvatures of the tasks.
LARGEST_COMPLEMENT = 20_000_000
# What their multiplications take in those of a sweep, which cannot do as many at once.
GRAM_PRICE, ROWS_PRICE = 0.15, 0.05
HANDLING = 30_000  # so much time does one system take before it is looked at


@dataclass
class Gram:
    """Kept by its gradient: one sweep costs k^2 per changed entry, whatever n is.

    Attributes
    ----------
    A : ndarray of shape (G, k, k)
    index : ndarray of shape (T,)
        Which matrix belongs to each task.
    scale : ndarray of shape (T,)
        Factor of each task's matrix.
    W : ndarray of shape (T, k)
    state : ndarray of shape (T, k)
        The gradient at W.
    squares : float
        sum h residual^2 at the W the model was made at.
    exact : bool
        Whether it is the smooth part itself, and not only touches it there.
    """

    A: np.ndarray
    index: np.ndarray
    scale: np.ndarray
    W: np.ndarray
    state: np.ndarray
    squares: float
    exact: bool = True

    def __post_init__(self):
        diagonal = np.einsum("gjj->gj", self.A)[self.index]
        self.curvature = diagonal * self.scale[:, None]
        self._W0, self._g0 = self.W.copy(), self.state.copy()

    def move_to(self, W):
        """Name the point that the model was made at anew, for other coordinates."""
        self.W, self._W0 = W, W.copy()

    def bounds(self, starts):
        """Return the curvature of each task along each block of rows, (T, n_blocks)."""

        def largest(s, e):
            bend = np.linalg.eigvalsh(self.A[:, s:e, s:e])[:, -1]
            return bend[self.index] * self.scale

        return _block_bounds(self.curvature, starts, largest)

    def sweep(self, arguments, bounds, n_sweeps):
        """Minimise over one block after the other, n_sweeps times."""
        _kernels.bcd_gram(
            self.A, self.index, self.scale, bounds, *arguments, n_sweeps,
            self.W, self.state,
        )  # fmt: skip

    def gradient(self):
        """Return the gradient at W, (T, k)."""
        return self.state

    def newton_step(self, g):
        """Return A^+ g for every task, (T, k): what leads to the minimum, backwards."""
        step = np.empty_like(g)
        for t in range(len(g)):
            A = self.A[self.index[t]] * self.scale[t]
            # The scales of the features are no rank; rounding can leave less than 0.
            unit = np.sqrt(np.maximum(np.diag(A), 0.0))
            unit[unit == 0] = 1.0
            scaled = A / unit / unit[:, None]
            step[t] = np.linalg.lstsq(scaled, g[t] / unit, rcond=None)[0] / unit
        return step

    def moved(self, rows, step):
        """Return the state after W[:, rows] += step, (T, k)."""
        if len(self.A) == 1:
            return self.state + self.scale[:, None] * (step @ self.A[0][rows])
        state = np.empty_like(self.state)
        for t, g in enumerate(self.index):
            state[t] = self.state[t] + self.scale[t] * (step[t] @ self.A[g][rows])
        return state

    def price(self, m):
        """Return how many sweeps the complement of m rows costs."""
        systems = len(_distinct(self.index, self.scale)[0])
        work = systems * (GRAM_PRICE * m**3 + HANDLING)
        return work / (self.W.size * self.W.shape[1])

    def complement(self, rows, unit):
        """Return A (I + A)^-1 of the curvature A along W[:, rows] in these units."""
        systems, index = _distinct(self.index, self.scale)
        if len(systems) * len(rows) ** 2 > LARGEST_COMPLEMENT:
            return None
        A = np.stack([
            self.A[self.index[t]][np.ix_(rows, rows)] * self.scale[t] for t in systems
        ])  # fmt: skip
        A *= unit * unit[:, None]
        return MatrixComplement.of(A, index)

    def value(self):
        """Return q(W)."""
        step = self.W - self._W0
        return 0.5 * self.squares + 0.5 * float(np.vdot(step, self.state + self._g0))


@dataclass
class DenseRows:
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
        columns, blocks = _columns(data, features)
        X = np.asfortranarray(columns)
        starts, counts = _row_ranges(data)
        mean, curvature = _column_moments(data, blocks, h, centre)
        low, high = data.per_task_range(h)
        level = np.where(low == high, low, 0.0)
        h, residual = _task_major(h), _task_major(residual)
        x_start = np.zeros_like(starts) if data.shared else data.by_task.offsets[:-1]
        x_start = x_start[data.column_task].astype(np.int64)
        state = h * residual
        return cls(X, x_start, starts, counts, h, level, mean, curvature, W, state)

    def move_to(self, W):
        """Name the point that the model was made at anew, for other coordinates."""
        self.W = W

    def bounds(self, starts):
        """Return the curvature of each task along each block of rows, (T, n_blocks)."""

        def largest(s, e):
            bends = []
            for t in range(len(self.W)):
                n, x0, r0 = self.n_rows[t], self.x_start[t], self.r_start[t]
                X = self.X[x0 : x0 + n, s:e] - self.mean[t, s:e]
                bends.append(_largest_bend((X.T * self.h[r0 : r0 + n]) @ X))
            return bends

        return _block_bounds(self.curvature, starts, largest)

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


@dataclass
class SparseRows:
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
        _, blocks = _columns(data, features)
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
        starts, counts = _row_ranges(data)
        mean, curvature = _column_moments(data, blocks, h, centre)
        h, residual = _task_major(h), _task_major(residual)
        return cls(columns, parts, starts, counts, h, mean, curvature, W, residual)

    def move_to(self, W):
        """Name the point that the model was made at anew, for other coordinates."""
        self.W = W

    def bounds(self, starts):
        """Return the curvature of each task along each block of rows, (T, n_blocks)."""

        def largest(s, e):
            bends = []
            for t in range(len(self.W)):
                h = self.h[self.r_start[t] : self.r_start[t] + self.n_rows[t]]
                X, mean = self.columns[self.parts[3][t]][:, s:e], self.mean[t, s:e]
                gram = np.asarray((X.T @ X.multiply(h[:, None])).todense())
                bends.append(_largest_bend(gram - h.sum() * np.outer(mean, mean)))
            return bends

        return _block_bounds(self.curvature, starts, largest)

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


def _distinct(index, scale):
    """Return (a task of each different curvature, which of them each task has)."""
    pairs = np.column_stack([index, scale])
    _, first, found = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    return first, found.reshape(-1)


def _largest_bend(gram):
    """Return the largest eigenvalue of a small symmetric matrix."""
    return np.linalg.eigvalsh(gram)[-1]


def _block_bounds(curvature, starts, largest):
    """Return the curvature (T, n_blocks) along blocks, given that along rows (T, k).

    `largest(s, e)` gives it for the rows s:e, where there are several.
    """
    curvature, sizes = np.maximum(curvature, 0.0), np.diff(starts)  # less is rounding
    if np.all(sizes == 1):
        return curvature
    bounds = np.ascontiguousarray(curvature[:, starts[:-1]])
    for b in np.flatnonzero(sizes > 1):
        # A little more than rounding may have taken away.
        found = np.multiply(largest(starts[b], starts[b + 1]), 1 + 1e-10)
        bounds[:, b] = np.maximum(found, 0.0)
    return bounds


def _task_major(values):
    """Lay values of label shape out task by task, as a new one-dimensional array."""
    return np.ascontiguousarray(values.T).reshape(-1).copy()


def _row_ranges(data):
    """Return (first entry, number of entries) of each task in task-major order."""
    if data.shared:
        n = data.X.shape[0]
        return np.arange(data.n_tasks) * n, np.full(data.n_tasks, n)
    return data.offsets[:-1].astype(np.int64), np.diff(data.offsets).astype(np.int64)


def _columns(data, features):
    """Return the chosen columns of all packed rows, and those of each task."""
    every = np.array_equal(features, np.arange(data.n_features))
    parts = {}
    for t, _, X in data.by_task.blocks():  # columns of one task share its rows
        parts.setdefault(t, []).append(X if every else X[:, features])
    stack = sparse.vstack if sparse.issparse(data.X) else np.concatenate
    blocks = [p[0] if len(p) == 1 else stack(p) for p in parts.values()]
    if sparse.issparse(data.X):
        return None, blocks
    return (blocks[0] if len(blocks) == 1 else np.concatenate(blocks)), blocks


def _column_moments(data, blocks, h, centre):
    """Return the h-weighted mean and centred sum of squares of each column, (T, k)."""
    k = blocks[0].shape[1]
    mean, curvature = np.zeros((data.n_tasks, k)), np.empty((data.n_tasks, k))
    alike = data.shared and bool(np.all(h == h[:, :1]))
    for t in range(1 if alike else data.n_tasks):
        X = blocks[0] if data.shared else blocks[data.column_task[t]]
        w = h[:, t] if data.shared else h[data.offsets[t] : data.offsets[t + 1]]
        total = w.sum()
        if centre and total > 0:
            mean[t] = (X.T @ w) / total
        if sparse.issparse(X):
            squares = (X.multiply(X)).T @ w
            curvature[t] = np.maximum(squares - total * mean[t] ** 2, 0.0)
        else:
            curvature[t] = w @ (X - mean[t]) ** 2
    if alike:
        mean[:], curvature[:] = mean[0], curvature[0]
    return mean, curvature
