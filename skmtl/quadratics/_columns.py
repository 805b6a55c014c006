"""Chosen columns of packed data, their moments, and curvatures along blocks."""

import numpy as np
from scipy import sparse


def block_bounds(curvature, starts, largest):
    """Return the curvature (T, n_blocks) along blocks, given that along rows (T, k).

    `largest(s, e)` gives it for the rows s:e, where there are several.
    """
    curvature = np.maximum(curvature, 0.0)  # less is rounding
    if len(starts) > curvature.shape[1]:  # each block is a row
        return curvature
    sizes = np.diff(starts)
    bounds = np.ascontiguousarray(curvature[:, starts[:-1]])
    for b in np.flatnonzero(sizes > 1):
        # A little more than rounding may have taken away.
        found = np.multiply(largest(starts[b], starts[b + 1]), 1 + 1e-10)
        bounds[:, b] = np.maximum(found, 0.0)
    return bounds


def task_major(values):
    """Lay values of label shape out task by task, as a new one-dimensional array."""
    return np.ascontiguousarray(values.T).reshape(-1).copy()


def row_ranges(data):
    """Return (first entry, number of entries) of each task in task-major order."""
    if data.shared:
        n = data.X.shape[0]
        return np.arange(data.n_tasks) * n, np.full(data.n_tasks, n)
    return data.offsets[:-1].astype(np.int64), np.diff(data.offsets).astype(np.int64)


def columns_of(data, features):
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


def column_moments(data, blocks, h, centre):
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
