"""The one container the solvers see.

An array "of label shape" is (n,) where every task has rows of its own, in packed order,
and (n, T) where all tasks share X.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import sparse

from skmtl import _kernels
from skmtl.layouts import LARGEST, check_squares, per_column

# A dense X up to this size is copied into task order when its rows come interleaved;
# a larger one stays as it is and its rows are gathered in chunks.
PACK_BYTES = 256 * 2**20
FEW = 3  # times the features that are used: a gather of them pays
CHUNK_BYTES = 16 * 2**20
# A product with so few numbers takes less time than to ask for it.
SMALL_BLOCK = 20_000
# Rows that stay in the cache while their columns are copied, one after the other.
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class TaskData:
    """Rows packed task by task, or one X shared by all tasks.

    Attributes
    ----------
    X : ndarray or csr matrix/array of shape (n, p)
    y, weight : ndarray of label shape
        y is 0 where weight is 0.
    tasks : ndarray of shape (T,)
    offsets : ndarray of shape (T + 1,) or None
        Packed rows of task t are offsets[t]:offsets[t + 1]; None when X is shared.
    order : ndarray of shape (n,) or None
        Row of X behind each packed row, where X itself is not in packed order.
    classes : tuple of ndarray, or None
        The classes of each task, whose positions y holds; None for numbers.
    """

    X: object
    y: np.ndarray
    weight: np.ndarray
    tasks: np.ndarray
    offsets: np.ndarray | None
    order: np.ndarray | None = None
    classes: tuple | None = None

    @classmethod
    def pack(cls, X, labels):
        """Pack numeric X (n, p) and numeric `TaskLabels`."""
        if sparse.issparse(X):
            X = X.tocsr()
        y = np.require(labels.y, requirements="CW")  # as compiled code wants it
        if labels.layout == "wide":
            seen = labels.weight > 0
            y = y if seen.all() else np.where(seen, y, 0.0)
            data = cls(X, y, labels.weight, labels.tasks, None)
            # One look at a dense table serves this and what is known of its columns.
            if sparse.issparse(X) or not data.squares.sum() <= LARGEST**2:
                check_squares("X", X.data if sparse.issparse(X) else X)
            return data
        check_squares("X", X.data if sparse.issparse(X) else X)
        offsets, weight, order = labels.offsets, labels.weight, None
        if offsets is None:
            order = np.argsort(labels.codes, kind="stable")
            order = order[np.count_nonzero(labels.codes < 0) :]
            y, weight = y[order], weight[order]
            offsets = np.concatenate([[0], np.cumsum(labels.n_labels)])
        if order is not None and (sparse.issparse(X) or X.nbytes <= PACK_BYTES):
            X, order = X[order], None
        data = cls(X, y, weight, labels.tasks, offsets, order)
        as_given = order is not None or sparse.issparse(X) or X.nbytes > PACK_BYTES
        if as_given or data.small_blocks:
            return data
        # The rows of a task are one piece of memory.
        return replace(data, X=np.ascontiguousarray(X))

    @cached_property
    def squares(self):
        """The sum of squares of each column of a dense X, (p,)."""
        return np.einsum("ij,ij->j", self.X, self.X)

    @property
    def shared(self):
        """Whether all tasks share one X."""
        return self.offsets is None

    @property
    def n_tasks(self):
        """Number of tasks."""
        return len(self.tasks)

    @property
    def n_features(self):
        """Number of features."""
        return self.X.shape[1]

    @cached_property
    def n_labels(self):
        """Observed labels of each task, shape (T,)."""
        if self.shared:
            return per_column(self.weight > 0)
        return np.diff(self.offsets)

    @cached_property
    def total_weight(self):
        """Sum of the weights of each task, shape (T,)."""
        return self.per_task_sum(self.weight)

    @cached_property
    def mean_label(self):
        """Weighted mean of the labels of each task, shape (T,)."""
        return self.per_task_sum(self.weight * self.y) / self.total_weight

    @cached_property
    def label_squares(self):
        """Weighted sum of squared deviations of the labels from their mean, (T,)."""
        off = self.y - self.spread(self.mean_label)
        off *= off
        off *= self.weight
        return self.per_task_sum(off)

    @property
    def by_task(self):
        """The rows with one column per task: these; see `skmtl.objectives.Columns`."""
        return self

    @property
    def column_task(self):
        """Position of the task whose rows each column has, shape (T,)."""
        return np.arange(self.n_tasks)

    def with_y(self, y):
        """Return the same rows with other labels (of label shape)."""
        return replace(self, y=np.where(self.weight > 0, y, 0.0))

    def per_task_sum(self, values):
        """Sum values of label shape over the rows of each task, shape (T,)."""
        if self.shared:
            return np.ones(len(values)) @ values  # the fastest sum
        return np.add.reduceat(values, self.offsets[:-1])

    def per_task_range(self, values):
        """Return the least and the largest value of each task, shape (2, T)."""
        if self.shared:
            return np.stack([values.min(axis=0), values.max(axis=0)])
        ends = self.offsets[:-1]
        return np.stack([f.reduceat(values, ends) for f in (np.minimum, np.maximum)])

    def spread(self, per_task):
        """Repeat one value per task over its rows, in label shape."""
        if self.shared:
            return np.broadcast_to(per_task, self.y.shape)
        return np.repeat(per_task, self.n_labels)

    def blocks(self, chunk_bytes=None):
        """Yield (task or None, packed rows, X block); task None: rows of all tasks.

        With `chunk_bytes` no block is larger than that; without it, whole tasks are
        yielded where they are views. Gathered blocks are always chunked.
        """
        if self.order is not None:
            chunk_bytes = chunk_bytes or CHUNK_BYTES
        limit = max(1, chunk_bytes // self._row_bytes) if chunk_bytes else None
        bounds = [(None, 0, self.X.shape[0])]
        if not self.shared:
            ends = self.offsets.tolist()
            bounds = zip(range(self.n_tasks), ends, ends[1:], strict=False)
        for t, start, stop in bounds:
            step = limit or max(stop - start, 1)
            for a in range(start, stop, step):
                b = min(a + step, stop)
                yield t, slice(a, b), self._rows(a, b)

    @property
    def _row_bytes(self):
        """Memory of one row of X: of a sparse one, what is stored."""
        if sparse.issparse(self.X):
            return 8 + 12 * self.X.nnz // max(self.X.shape[0], 1)
        return 8 * max(self.n_features, 1)

    def _rows(self, a, b):
        """Return packed rows a:b of X, as a view where possible."""
        if self.order is not None:
            return self.X[self.order[a:b]]
        if a == 0 and b == self.X.shape[0]:
            return self.X
        if sparse.issparse(self.X):  # slicing a csr matrix would copy its data
            X, (start, stop) = self.X, (self.X.indptr[a], self.X.indptr[b])
            ends = X.indptr[a : b + 1] - start
            parts = X.data[start:stop], X.indices[start:stop], ends
            return type(X)(parts, shape=(b - a, X.shape[1]), copy=False)
        return self.X[a:b]

    @cached_property
    def small_blocks(self):
        """Whether the tasks are so small that one compiled loop over all is best."""
        if self.n_tasks == 1 or self.shared:
            return False
        if self.order is not None or sparse.issparse(self.X):
            return False
        small = self.X.size <= SMALL_BLOCK * self.n_tasks
        return small and self.X.dtype == np.float64

    @cached_property
    def columns(self):
        """X', each feature in one piece, for those loops."""
        if self.X.flags.f_contiguous:
            return self.X.T
        columns = np.empty(self.X.T.shape)
        for a in range(0, len(self.X), ROWS_AT_ONCE):
            columns[:, a : a + ROWS_AT_ONCE] = self.X[a : a + ROWS_AT_ONCE].T
        return columns

    def matvec(self, W):
        """Return the predictions X W, in label shape, for W of shape (p, T)."""
        if self.shared:
            used = np.flatnonzero(W.any(axis=1))
            if FEW * len(used) <= len(W):  # a product with them alone is cheaper
                return np.asarray(self.X[:, used] @ W[used])
            return np.asarray(self.X @ W)
        z = np.empty(len(self.y))
        columns = np.ascontiguousarray(W.T)
        if self.small_blocks:
            _kernels.columns_matvec(self.columns, self.offsets, columns, z)
            return z
        for t, rows, block in self.blocks():
            z[rows] = block @ columns[t]
        return z

    def rmatvec(self, U):
        """Return X'U per task, shape (p, T), for U of label shape."""
        if self.shared:
            return np.asarray(self.X.T @ U)
        G = np.zeros((self.n_tasks, self.n_features))
        if self.small_blocks:
            U = np.ascontiguousarray(U)
            _kernels.columns_rmatvec(self.columns, self.offsets, U, G)
            return np.ascontiguousarray(G.T)
        for t, rows, block in self.blocks():
            G[t] += block.T @ U[rows]
        return np.ascontiguousarray(G.T)

    def weighted_squares(self, h):
        """Return the sums of h x^2 over the rows of each task, (p, T)."""
        squares = np.zeros((self.n_features, self.n_tasks))
        for t, rows, X in self.blocks(CHUNK_BYTES):
            X2 = X.multiply(X) if sparse.issparse(X) else X * X
            squares[:, slice(None) if t is None else t] += X2.T @ h[rows]
        return squares

    def take(self, features):
        """Return the data with some columns of X, each in one piece where dense."""
        X = self.X[:, features]
        return replace(self, X=X if sparse.issparse(X) else np.asfortranarray(X))

    def centred(self, weight):
        """Return (weighted means of the features per task, (p, T); the data less them).

        Of packed dense rows.
        """
        data = self if self.order is None else replace(self, X=self.X[self.order])
        mean = np.empty((self.n_tasks, self.n_features))
        small = data.small_blocks
        X = np.empty((self.offsets[-1], self.n_features), order="F" if small else "C")
        if small:
            _kernels.columns_centre(data.X.T, data.offsets, weight, mean, X.T)
        else:
            for t, (first, last) in enumerate(pairwise(self.offsets.tolist())):
                rows = data.X[first:last]
                mean[t] = column_means(rows, weight[first:last])
                np.subtract(rows, mean[t], out=X[first:last])
        return np.ascontiguousarray(mean.T), replace(self, X=X, order=None)


def column_means(X, weight):
    """Return the weighted means of the columns of a dense X.

    That of a column which holds one number is that number: what rounding would leave of
    it after centring, nothing could tell from a feature.
    """
    means = weight @ X / weight.sum()
    step, alike = max(len(X) - 1, 1), np.arange(X.shape[1])
    while step and len(alike):  # few columns are looked at to the end
        alike = alike[(X[::step, alike] == X[0, alike]).all(axis=0)]
        step = 0 if step == 1 else max(step // 8, 1)
    means[alike] = X[0, alike]
    return means
