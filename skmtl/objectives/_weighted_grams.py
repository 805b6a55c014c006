"""Gram matrices of the rows of each task, weighted and centred."""

from functools import lru_cache

import numpy as np
from scipy import sparse

from skmtl.data import CHUNK_BYTES

# So many columns, at most, are multiplied pair by pair, once for all tasks.
FEW_COLUMNS = 32
ROWS_OF_PAIRS = 1024  # at once, so that the products stay in the cache
PAIR_BYTES = 2**26  # of products that are kept


def weighted_grams(data, features, h, mean, centre, dtype=float, left=None):
    """Return (X - mean)' diag(h_t) (X - mean) of some columns, (T, k, k).

    Parameters
    ----------
    data : TaskData
    features : ndarray of shape (k,)
    h : ndarray of label shape
        Or of shape (n, 1), where tasks share X: one matrix for all of them, then.
    mean : ndarray of shape (k, T)
        Known means of the columns, about, or 0. What h makes of them is taken out as
        well. Tasks that share X need those of one of them.
    centre : bool
        Whether to centre at all.
    dtype : dtype
        Of the products that are summed up.
    left : ndarray of shape (k, 1) or None
        What h, of one column, makes of the means of the data less `mean`, where that is
        known.
    """
    k, T = len(features), h.shape[1] if data.shared else data.n_tasks
    full = np.array_equal(features, np.arange(data.n_features))
    gram, first = np.zeros((T, k, k)), np.zeros((T, k))
    # Dense columns are centred before they are multiplied: it keeps digits.
    ahead = centre and not sparse.issparse(data.X)
    for t, rows, X in data.blocks(CHUNK_BYTES):
        columns, about = X if full else X[:, features], mean[:, t or 0]
        if ahead and about.any():
            columns = columns - about
        if t is not None:
            gram[t] += _gram(columns, h[rows], dtype)
            if centre:
                first[t] += columns.T @ h[rows]
            continue
        weights = h[rows]
        if len(gram) > 1 and k <= FEW_COLUMNS and not sparse.issparse(columns):
            for some in _slices(len(columns)):
                gram += Pairs(columns[some]).grams(weights[some], centre=False)
        else:
            for s in range(len(gram)):
                gram[s] += _gram(columns, weights[:, s], dtype)
        if centre and left is None:
            first += (columns.T @ weights).T
    if not centre:
        return gram
    total = data.per_task_sum(h)
    return _centred(gram, first if left is None else left.T * total, total)


class CrossGram:
    """Columns of (X - mean)' diag(h) (X - mean) for dense X, formed once used.

    No more numbers are kept than X holds, or than one call asks for.

    Parameters
    ----------
    X : ndarray of shape (n, p)
    h : ndarray of shape (n, 1)
    mean : ndarray of shape (p, 1)
        That by h, or 0.
    """

    def __init__(self, X, h, mean):
        self.X, self.h, self.mean = X, h, mean
        self._forget()

    def _forget(self):
        p = self.X.shape[1]
        self._place, self._columns = np.full(p, -1), np.empty((p, 0))

    def columns(self, used):
        """Return those of the features `used`, (p, k)."""
        new = used[self._place[used] < 0]
        if self._columns.shape[1] + len(new) > len(self.X):
            self._forget()
            new = used
        if len(new):
            formed = self._form(new)
            self._place[new] = self._columns.shape[1] + np.arange(len(new))
            self._columns = np.concatenate([self._columns, formed], axis=1)
        return self._columns[:, self._place[used]]

    def _form(self, used):
        columns = self.X[:, used]
        columns *= self.h
        cross = self.X.T @ columns
        cross -= self.mean * (self.h.sum() * self.mean[used].T)
        return cross


def _centred(gram, first, total):
    """Take the means out of Gram matrices, given weighted sums of columns, in place."""
    if gram.shape[1] <= FEW_COLUMNS:  # all of them at once
        gram -= (first / total[:, None])[:, :, None] * first[:, None, :]
        return gram
    for s in range(len(gram)):
        gram[s] -= np.outer(first[s] / total[s], first[s])
    return gram


def _slices(n):
    """Yield slices of n rows whose products stay in the cache."""
    for start in range(0, n, ROWS_OF_PAIRS):
        yield slice(start, start + ROWS_OF_PAIRS)


def _gram(X, weights, dtype):
    """Return X' diag(weights) X as a dense array, from products in a dtype."""
    if sparse.issparse(X):
        return np.asarray((X.T @ X.multiply(weights[:, None]).tocsr()).todense())
    if weights.max() == weights.min():  # which takes no copy
        columns = X.astype(dtype, copy=False)
        return weights[0] * (columns.T @ columns)
    scaled = (X * np.sqrt(weights)[:, None]).astype(dtype, copy=False)
    return scaled.T @ scaled


@lru_cache(maxsize=FEW_COLUMNS)
def _ends_of_pairs(k):
    """Return the rows and columns of the lower triangle of a (k, k) matrix."""
    return np.tril_indices(k)


class Pairs:
    """The products of each pair of the columns of rows that all tasks share.

    They are formed once; then the Gram matrices of all tasks are one product.

    Parameters
    ----------
    X : ndarray of shape (n, k)
    """

    def __init__(self, X):
        self.columns = columns = np.ascontiguousarray(X.T)
        self._ends = _ends_of_pairs(len(columns))
        self._products, i = np.empty((len(self._ends[0]), len(X))), 0
        for j in range(len(columns)):
            np.multiply(columns[: j + 1], columns[j], self._products[i : i + j + 1])
            i += j + 1

    @staticmethod
    def fit(n, k):
        """Tell whether the products of k columns of n rows are few enough to keep."""
        return k <= FEW_COLUMNS and 4 * n * k * (k + 1) <= PAIR_BYTES

    def grams(self, h, centre):
        """Return X' diag(h_t) X for every column of h (n, T), as (T, k, k)."""
        k = len(self.columns)
        gram, (a, b) = np.empty((h.shape[1], k, k)), self._ends
        gram[:, a, b] = gram[:, b, a] = (self._products @ h).T
        if centre:
            gram = _centred(gram, (self.columns @ h).T, np.ones(len(h)) @ h)
        return gram
