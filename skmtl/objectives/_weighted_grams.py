"""Gram matrices of the rows of each task, weighted and centred."""

import numpy as np
from scipy import sparse

from skmtl.data import CHUNK_BYTES

# So many columns, at most, are multiplied pair by pair, once for all tasks.
FEW_COLUMNS = 32
ROWS_OF_PAIRS = 1024  # whose products stay in the cache


def weighted_grams(data, features, h, mean, centre, one):
    """Return (X - mean)' diag(h_t) (X - mean) of some columns, (T or 1, k, k).

    Parameters
    ----------
    data : TaskData
    features : ndarray of shape (k,)
    h : ndarray of label shape
    mean : ndarray of shape (k, T)
        Known means of the columns, about. What h makes of them is taken out as well.
    centre : bool
        Whether to centre at all.
    one : bool
        Whether the matrix of the first task stands for all.
    """
    k, T = len(features), data.n_tasks
    full = np.array_equal(features, np.arange(data.n_features))
    gram, first = np.zeros((1 if one else T, k, k)), np.zeros((T, k))
    # Dense columns are centred before they are multiplied: it keeps digits.
    ahead = centre and not data.shared and not sparse.issparse(data.X)
    for t, rows, X in data.blocks(CHUNK_BYTES):
        columns = X if full else X[:, features]
        if ahead and mean[:, t].any():
            columns = columns - mean[:, t]
        if t is not None:
            gram[t] += _gram(columns, h[rows])
            if centre:
                first[t] += columns.T @ h[rows]
            continue
        weights = h[rows]
        if len(gram) > 1 and k <= FEW_COLUMNS and not sparse.issparse(columns):
            gram += _grams_by_pairs(columns, weights)
        else:
            for s in range(len(gram)):
                gram[s] += _gram(columns, weights[:, s])
        if centre:
            first += (columns.T @ weights).T
    if centre:
        means = first / data.per_task_sum(h)[:, None]
        for s in range(len(gram)):
            gram[s] -= np.outer(means[s], first[s])
    return gram


def _gram(X, weights):
    """Return X' diag(weights) X as a dense array."""
    if sparse.issparse(X):
        return np.asarray((X.T @ X.multiply(weights[:, None]).tocsr()).todense())
    scaled = X * np.sqrt(weights)[:, None]
    return scaled.T @ scaled


def _grams_by_pairs(X, h):
    """Return X' diag(h_t) X for every column of h (n, T), as (T, k, k).

    The product of each pair of columns is formed once, and weighted by one product.
    """
    columns = np.ascontiguousarray(X.T)
    k, n = columns.shape
    a, b = np.tril_indices(k)
    pairs, total = np.empty((len(a), min(n, ROWS_OF_PAIRS))), 0.0
    for start in range(0, n, ROWS_OF_PAIRS):
        part = columns[:, start : start + ROWS_OF_PAIRS]
        some, i = pairs[:, : part.shape[1]], 0
        for j in range(k):
            np.multiply(part[: j + 1], part[j], out=some[i : i + j + 1])
            i += j + 1
        total = total + some @ h[start : start + ROWS_OF_PAIRS]
    gram = np.empty((h.shape[1], k, k))
    gram[:, a, b] = gram[:, b, a] = total.T
    return gram
