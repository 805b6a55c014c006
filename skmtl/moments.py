"""Weighted first and second moments of rows, merged by the pairwise update."""

from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

import numpy as np
from scipy import sparse

from skmtl.data import CHUNK_BYTES, column_means


@dataclass(frozen=True)
class Moments:
    """Weighted moments of some rows; y and xy hold one column per label column."""

    weight: float
    x_mean: np.ndarray  # (p,)
    y_mean: np.ndarray  # (k,)
    gram: np.ndarray  # (p, p)
    xy: np.ndarray  # (p, k)
    yy: np.ndarray  # (k,)

    def plus(self, other, gram=None):
        """Return the moments of the rows of both (the pairwise update)."""
        if self.weight == 0:
            return other if gram is None else replace(other, gram=gram)
        weight = self.weight + other.weight
        share = other.weight / weight
        dx, dy = other.x_mean - self.x_mean, other.y_mean - self.y_mean
        cross = self.weight * share
        if gram is None:
            gram = self.gram + other.gram + np.outer(cross * dx, dx)
        return Moments(
            weight,
            self.x_mean + share * dx,
            self.y_mean + share * dy,
            gram,
            self.xy + other.xy + np.outer(cross * dx, dy),
            self.yy + other.yy + cross * dy * dy,
        )

    def minus(self, other, name):
        """Return the moments of the rows of self without those of other."""
        weight = self.weight - other.weight
        if weight <= 1e-8 * self.weight:
            raise ValueError(f"Task {name!r}: no weight is left after the subtraction.")
        x_mean = self.x_mean + (self.x_mean - other.x_mean) * (other.weight / weight)
        y_mean = self.y_mean + (self.y_mean - other.y_mean) * (other.weight / weight)
        dx, dy = x_mean - other.x_mean, y_mean - other.y_mean
        cross = weight * other.weight / self.weight
        gram = self.gram - other.gram - np.outer(cross * dx, dx)
        yy = self.yy - other.yy - cross * dy * dy
        before = np.concatenate([np.diag(self.gram), self.yy])
        after = np.concatenate([np.diag(gram), yy])
        if (after < 1e-8 * before).any():
            raise ValueError(
                f"Task {name!r}: a variance keeps less than 1e-8 of its size after the "
                "subtraction, so only rounding errors would be left of it. Add up the "
                "statistics of the rows that remain instead."
            )
        xy = self.xy - other.xy - np.outer(cross * dx, dy)
        return Moments(weight, x_mean, y_mean, gram, xy, yy)


def equal_columns(weight):
    """Group the columns with equal weights; return (member lists, group of each)."""
    first, index, groups = {}, np.empty(weight.shape[1], dtype=int), []
    for t in range(weight.shape[1]):
        key = weight[:, t].tobytes()
        if key not in first:
            first[key] = len(groups)
            groups.append([])
        index[t] = first[key]
        groups[index[t]].append(t)
    return groups, index


def _block_moments(X, y, s):
    """Return the moments of one block of rows: X (m, p), y (m, k), weights s (m,)."""
    weight = s.sum()
    y_mean = s @ y / weight
    Yc = y - y_mean
    if sparse.issparse(X):
        x_mean = X.T @ s / weight
        scaled = X.multiply(s[:, None]).tocsr()
        gram = (X.T @ scaled).toarray()
        gram -= np.outer(weight * x_mean, x_mean)
        xy = np.asarray(scaled.T @ Yc)  # Yc has mean 0, so X need not be centred
        _centre_first(X, Yc, s, x_mean, weight, gram, xy)
    else:
        x_mean = column_means(X, s)
        Xc = X - x_mean
        if np.all(s == s[0]):
            gram = s[0] * (Xc.T @ Xc)
            xy = s[0] * (Xc.T @ Yc)
        else:
            xy = Xc.T @ (s[:, None] * Yc)
            Xc *= np.sqrt(s)[:, None]
            gram = Xc.T @ Xc
    return Moments(weight, x_mean, y_mean, gram, xy, (s @ Yc**2))


def _centre_first(X, Yc, s, x_mean, weight, gram, xy):
    """Put right, in place, the columns of sparse X whose variance was cancelled.

    Those of means far larger than their spread: few, since they cannot be sparse.
    """
    lost = np.flatnonzero(np.diag(gram) < 1e-4 * weight * x_mean**2)
    if not len(lost):
        return
    Xc = X.tocsc()[:, lost].toarray() - x_mean[lost]
    scaled = s[:, None] * Xc
    cross = np.asarray(X.T @ scaled)
    gram[:, lost], gram[lost] = cross, cross.T
    gram[np.ix_(lost, lost)] = Xc.T @ scaled
    xy[lost] = scaled.T @ Yc


def _merge_blocks(blocks, p, k):
    """Add up the moments of (X, y, s) blocks, leaving out rows of weight 0."""
    zero = Moments(
        0.0, np.zeros(p), np.zeros(k), np.zeros((p, p)), np.zeros((p, k)), np.zeros(k)
    )
    for X, y, s in blocks:
        seen = s > 0
        if not seen.all():
            X, y, s = X[seen], y[seen], s[seen]
        if len(s):
            zero = zero.plus(_block_moments(X, y, s))
    return zero


def shared_moments(data, members):
    """Return the moments of tasks that share X and their weights."""
    s = data.weight[:, members[0]]
    y = data.y[:, members]
    blocks = ((X, y[rows], s[rows]) for _, rows, X in data.blocks(CHUNK_BYTES))
    return _merge_blocks(blocks, data.n_features, len(members))


def packed_moments(data):
    """Yield the moments of each task of packed data, in order."""
    by_task = groupby(data.blocks(CHUNK_BYTES), key=itemgetter(0))
    for _, blocks in by_task:
        rows_of_task = ((X, data.y[r, None], data.weight[r]) for _, r, X in blocks)
        yield _merge_blocks(rows_of_task, data.n_features, 1)


def grams_times(gram, index, W):
    """Return gram[index[t]] @ W[:, t] for every task, (p, T).

    Costs what the rows of W that are not 0 cost.
    """
    used = np.flatnonzero(W.any(axis=1))
    if 3 * len(used) > len(W):
        used = slice(None)
    elif not len(used):
        return np.zeros_like(W)
    rows = gram[:, used]  # of symmetric matrices: as good as columns
    W = W[used]
    if len(gram) == 1:
        return rows[0].T @ W
    if len(gram) == W.shape[1]:  # one each, in order
        return np.ascontiguousarray(np.matmul(W.T[:, None, :], rows)[:, 0].T)
    out = np.empty((gram.shape[1], W.shape[1]))
    for g in range(len(gram)):
        members = np.flatnonzero(index == g)
        out[:, members] = rows[g].T @ W[:, members]
    return out
