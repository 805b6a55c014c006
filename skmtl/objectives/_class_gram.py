"""A quadratic of a few rows of W in which the columns of one task are coupled."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import sparse

from skmtl import _kernels
from skmtl.data import CHUNK_BYTES
from skmtl.objectives._softmax import laplacian
from skmtl.quadratics import Quadratic, inverses

# Numbers in the factors of products that are made at once.
PRODUCT_SIZE = 2**20


@dataclass
class ClassGram(Quadratic):
    """One matrix for all columns of a task, kept by its gradient.

    As `skmtl.quadratics.Gram`, but for the second derivative diag(p) - p p' of the
    multinomial loss, whose parts outside the diagonal make up most of it where one
    class is likely.

    Attributes
    ----------
    matrices : list of ndarray of shape (K_t k, K_t k)
        The matrix of each task, columns one after the other.
    first : ndarray of shape (T,)
        First column of each task.
    W : ndarray of shape (C, k)
    state : ndarray of shape (C, k)
        The gradient at W.
    squares : float
        Twice the value at the W the model was made at.
    """

    matrices: list
    first: np.ndarray
    W: np.ndarray
    state: np.ndarray
    squares: float

    exact = False

    def __post_init__(self):
        self._W0, self._g0 = self.W.copy(), self.state.copy()
        sizes = [len(A) for A in self.matrices]
        self._start = np.cumsum([0] + [size**2 for size in sizes[:-1]])
        self._flat = np.concatenate([A.ravel() for A in self.matrices])
        k = self.W.shape[1]
        self._width = np.array(sizes) // max(k, 1)

    @cached_property
    def A(self):
        """A matrix (k, k) per column, of a cautious quadratic, (C, k, k).

        It has no products between columns, for solvers that know those of
        `skmtl.quadratics.Gram` alone: diag(p) - p p' is at most twice its diagonal.
        """
        k, found = self.W.shape[1], []
        for matrix, K in zip(self.matrices, self._width, strict=True):
            parts = matrix.reshape(K, k, K, k)
            found += [(1.0 + (K > 1)) * parts[a, :, a] for a in range(K)]
        return np.stack(found)

    @property
    def index(self):
        """Which matrix of A belongs to each column."""
        return np.arange(len(self.W))

    @property
    def scale(self):
        """Factor of each column's matrix."""
        return np.ones(len(self.W))

    def bends(self):
        """Return the curvature of each task along the step from where it was made.

        Repeated for each of its columns, (C,).
        """
        bends = ((self.W - self._W0) * (self.state - self._g0)).sum(axis=1)
        return np.repeat(np.add.reduceat(bends, self.first), self._width)

    def again(self, ratio, u, slope):
        """Touch f at W instead, as `Gram.again` does; `ratio` is (C,)."""
        self.state = np.ascontiguousarray(slope())
        pairs = zip(ratio[self.first], self.matrices, strict=True)
        self.matrices = [r * A for r, A in pairs]
        self.__post_init__()

    def move_to(self, W):
        """Name the point that the model was made at anew, for other coordinates."""
        self.W, self._W0 = W, W.copy()

    def bounds(self, starts):
        """Return a bound (C, n_blocks) of the curvature along each block of rows.

        The matrix of a block over the columns of a task lies below the one of these
        bounds on its diagonal: no row of norms of its parts sums to more.
        """
        k, ends = self.W.shape[1], list(pairwise(starts))
        found = np.zeros((len(self.W), len(ends)))
        for A, c in zip(self.matrices, self.first, strict=True):
            K = len(A) // max(k, 1)
            parts = A.reshape(K, k, K, k)
            single = np.einsum("ajbj->jab", parts)
            for b, (s, e) in enumerate(ends):
                if e - s == 1:
                    norms = np.abs(single[s])
                else:
                    block = parts[:, s:e, :, s:e].transpose(0, 2, 1, 3)
                    norms = np.linalg.norm(block, 2, axis=(2, 3)) * (1 + 1e-10)
                found[c : c + K, b] = norms.sum(axis=1)
        return found

    def sweep(self, arguments, bounds, n_sweeps):
        """Minimise over one block after the other, n_sweeps times."""
        _, *strengths, _, _ = arguments
        free = np.all([strength == 0 for strength in strengths], axis=0)
        if free.any():
            bounds = self._evened(bounds, free)
        _kernels.bcd_class_gram(
            self._flat, self._start, self.first, self._width, bounds, *arguments,
            n_sweeps, self.W, self.state,
        )  # fmt: skip

    def _evened(self, bounds, blocks):
        """Return bounds that are the same for all classes of a task in some blocks.

        Steps then sum to 0 over the classes, as gradients do. Where nothing penalises
        the sum, nothing else would keep it.
        """
        bounds = bounds.copy()
        for c, K in zip(self.first, self._width, strict=True):
            bounds[c : c + K, blocks] = bounds[c : c + K, blocks].max(axis=0)
        return bounds

    def gradient(self):
        """Return the gradient at W, (C, k)."""
        return self.state

    def value(self):
        """Return q(W)."""
        step = self.W - self._W0
        return 0.5 * self.squares + 0.5 * float(np.vdot(step, self.state + self._g0))

    def newton_step(self, rows):
        """Return the step (C, m) of W[:, rows] to the minimum, the others fixed."""
        k, g, steps = self.W.shape[1], self.state[:, rows], []
        for A, c, K in zip(self.matrices, self.first, self._width, strict=True):
            own = A.reshape(K, k, K, k)[:, rows][:, :, :, rows]
            slope = g[c : c + K].ravel()
            own = own.reshape(1, len(slope), len(slope))
            step = -(inverses(own)[0] @ slope).reshape(K, -1)
            if K > 1:  # adding the same to all classes changes nothing
                step -= step.mean(axis=0)
            steps.append(step)
        return np.concatenate(steps)

    def moved(self, rows, step):
        """Return the state after W[:, rows] += step, (C, k)."""
        k, parts = self.W.shape[1], []
        for A, c, K in zip(self.matrices, self.first, self._width, strict=True):
            some = A.reshape(K * k, K, k)[:, :, rows].reshape(K * k, -1)
            parts.append((some @ step[c : c + K].ravel()).reshape(K, k))
        return self.state + np.concatenate(parts)


def class_grams(data, prob, omega, features, centre, fit_intercept):
    """Return the matrix of each task, for probabilities p of label shape.

    Parameters
    ----------
    data : ColumnData
    prob : ndarray of label shape
        As `ClassRows.model_point` gives them.
    omega : ndarray
        Weights of the rows, task by task.
    features : ndarray of shape (k,)
    centre : ndarray of shape (k, T)
        What is subtracted from dense columns, task by task, before they are multiplied:
        it keeps digits.
    fit_intercept : bool
    """
    rows, k = data.by_task, len(features)
    full = np.array_equal(features, np.arange(data.n_features))
    widths = data.columns.widths
    sums = [_Sums(K, k) for K in widths]
    for t, cells, X in rows.blocks(CHUNK_BYTES):
        columns = X if full else X[:, features]
        if t is not None and not sparse.issparse(X) and centre[:, t].any():
            columns = columns - centre[:, t]
        for s in range(len(widths)) if t is None else [t]:
            start = 0 if t is None else rows.offsets[t]
            own = slice(cells.start - start, cells.stop - start)
            w = omega[cells, s] if t is None else omega[cells]
            sums[s].add(columns, w, data.table(prob, s)[own])
    return [s.matrix(fit_intercept) for s in sums]


class _Sums:
    """Sums over rows of the products of one task that its matrix is made of."""

    def __init__(self, K, k):
        self.K, self.k = K, k
        self.pairs = [(0, 0)]
        if K > 1:
            self.pairs = [(a, b) for a in range(K) for b in range(a + 1, K)]
        self.second = np.zeros((len(self.pairs), k, k))
        self.first, self.zeroth = np.zeros((len(self.pairs), k)), np.zeros((K, K))

    def add(self, X, w, p):
        """Add rows X (m, k) with weights w (m,) and probabilities p (m, K)."""
        a, b = np.array(self.pairs).T
        H = w * p.T if self.K == 1 else w * p.T[a] * p.T[b]  # (pairs, m)
        self.first += np.asarray(X.T @ H.T).T
        self.zeroth[a, b] += H.sum(axis=1)
        if sparse.issparse(X):
            for i, h in enumerate(H):
                self.second[i] += (X.T @ X.multiply(h[:, None]).tocsr()).toarray()
            return
        # As many products at once as are worth a call, but not more.
        step = max(1, PRODUCT_SIZE // max(X.size, 1))
        for i in range(0, len(H), step):
            part = H[i : i + step, :, None] * X
            self.second[i : i + step] += X.T @ part

    def matrix(self, fit_intercept):
        """Return the matrix (K k, K k), intercepts minimised out."""
        K, k = self.K, self.k
        if K == 1:
            A = self.second[0]
            if fit_intercept and self.zeroth[0, 0] > 0:
                A = A - np.outer(self.first[0], self.first[0]) / self.zeroth[0, 0]
            return A
        A, F = np.zeros((K, k, K, k)), np.zeros((K, k, K))
        for (a, b), second, first in zip(
            self.pairs, self.second, self.first, strict=True
        ):
            A[a, :, b] = A[b, :, a] = -second
            A[a, :, a] += second
            A[b, :, b] += second
            F[a, :, b] = F[b, :, a] = -first
            F[a, :, a] += first
            F[b, :, b] += first
        A, F = A.reshape(K * k, K * k), F.reshape(K * k, K)
        if fit_intercept:
            both = self.zeroth + self.zeroth.T
            values, V = np.linalg.eigh(laplacian(both[None])[0])
            used = values > 1e-13 * values[-1]
            half = (F @ V[:, used]) / np.sqrt(values[used])
            A -= half @ half.T
        return A
