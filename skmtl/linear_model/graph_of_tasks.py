"""Graphs between tasks, read from what users pass."""

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from skmtl.linear_model.task_order import chain_positions
from skmtl.penalties import Graph
from skmtl.task_labels import as_task_labels

NAMES = ("mean", "chain", "knn")


def read_graph(graph, tasks, *, order, name):
    """Return the `Graph` between `tasks`, or None for the one of nearest neighbours.

    Parameters
    ----------
    graph : as users pass it
    tasks : ndarray of shape (T,)
        Labels of the tasks that take part.
    order : list of labels or None
        Of a chain.
    name : str
        Of the estimator, for errors.
    """
    if isinstance(graph, str):
        if graph not in NAMES:
            raise ValueError(
                f"graph must be one of {', '.join(map(repr, NAMES))}, an array of "
                f"weights or edges by label, got {graph!r}."
            )
        if graph == "mean":
            return Graph.all_pairs(len(tasks))
        if graph == "knn":
            return None
        return Graph.chain(chain_positions(tasks, order, name))
    if isinstance(graph, Mapping):
        return _of_edges([(*pair, w) for pair, w in graph.items()], tasks)
    if hasattr(graph, "columns") and hasattr(graph, "index"):
        return _of_frame(graph, tasks)
    if sparse.issparse(graph) or isinstance(graph, np.ndarray):
        return _of_array(graph, tasks)
    if isinstance(graph, list | tuple):
        return _of_edges(list(graph), tasks)
    raise TypeError(
        "graph must be 'mean', 'chain', 'knn', an array of weights (n_tasks, n_tasks), "
        "a DataFrame of them labelled by task, a list of edges (task, task) or (task, "
        f"task, weight), or a mapping from (task, task) to weight, got {graph!r}."
    )


def _of_array(weights, tasks):
    """Read symmetric weights in the order of the tasks."""
    T = len(tasks)
    if weights.shape != (T, T):
        raise ValueError(
            f"graph has shape {weights.shape}, but {T} tasks take part in the fit. "
            "Pass a DataFrame labelled by task, from which those present are taken."
        )
    if not sparse.issparse(weights) and weights.dtype.kind not in "fiub":
        raise ValueError(f"graph must hold numbers, got dtype {weights.dtype}.")
    weights = sparse.csr_array(weights, dtype=float)
    _check_weights(weights.data)
    if weights.diagonal().any():
        at = int(np.flatnonzero(weights.diagonal())[0])
        raise ValueError(
            f"graph ties task {tasks[at].item()!r} to itself; its diagonal must be 0."
        )
    off = np.abs(weights - weights.T)
    if off.nnz and off.max() > 1e-10 * weights.data.max():
        at = off.tocoo()
        k = int(at.data.argmax())
        s, t = tasks[at.row[k]].item(), tasks[at.col[k]].item()
        raise ValueError(
            f"graph must be symmetric; its weights from {s!r} to {t!r} and back differ."
            " (graph + graph.T) / 2 is."
        )
    half = sparse.triu(weights, 1, format="coo")
    there = half.data > 0
    first, second = (np.asarray(i[there], dtype=int) for i in (half.row, half.col))
    return Graph(T, first, second, half.data[there])


def _of_frame(frame, tasks):
    """Read symmetric weights labelled by task; those of absent tasks are left out."""
    places = []
    for labels, side in ((frame.index, "row"), (frame.columns, "column")):
        place = {label: k for k, label in enumerate(labels.tolist())}
        missing = [t for t in tasks.tolist() if t not in place]
        if missing:
            raise ValueError(
                f"graph has no {side} for task {missing[0]!r}; it must have one for "
                "every task of the data, with labels of the same kind."
            )
        places.append([place[t] for t in tasks.tolist()])
    return _of_array(frame.to_numpy()[np.ix_(*places)], tasks)


def _of_edges(edges, tasks):
    """Read edges between labels; those with tasks that the data lack are left out."""
    place = {label: k for k, label in enumerate(tasks.tolist())}
    found, named = {}, set()
    for edge in edges:
        if not isinstance(edge, list | tuple) or len(edge) not in (2, 3):
            raise ValueError(
                f"An edge of graph is (task, task) or (task, task, weight), got "
                f"{edge!r}."
            )
        s, t = as_task_labels(np.array(edge[:2], dtype=object)).tolist()
        if s == t:
            raise ValueError(f"graph ties task {s!r} to itself.")
        pair = frozenset((s, t))
        if pair in found:
            raise ValueError(f"graph has the edge between {s!r} and {t!r} twice.")
        found[pair] = edge[2] if len(edge) == 3 else 1.0
        named |= pair
    unnamed = [label for label in place if label not in named]
    if unnamed:
        raise ValueError(
            f"graph does not name task {unnamed[0]!r}; its edges must name every task "
            "of the data, by labels of the same kind. Give a task that is tied to no "
            "other an edge of weight 0."
        )
    try:
        weights = np.array(list(found.values()), dtype=float)
    except (TypeError, ValueError):
        raise ValueError("The weights of graph must be numbers.") from None
    _check_weights(weights)
    kept = [
        (place[s], place[t], w)
        for (s, t), w in zip(map(tuple, found), weights, strict=True)
        if w > 0 and s in place and t in place
    ]
    kept = sorted((min(s, t), max(s, t), w) for s, t, w in kept)
    first, second, weight = zip(*kept, strict=True) if kept else ((), (), ())
    ends = (np.array(i, dtype=int) for i in (first, second))
    return Graph(len(tasks), *ends, np.array(weight, dtype=float))


def _check_weights(weights):
    """Raise unless weights are finite and at least 0."""
    bad = ~(np.isfinite(weights) & (weights >= 0))
    if bad.any():
        raise ValueError(
            f"The weights of graph must be finite and at least 0, got "
            f"{float(weights[bad][0]):g}."
        )


def read_descriptors(descriptors, tasks):
    """Return what describes each task as a float array (T, q), standardised."""
    if isinstance(descriptors, Mapping):
        labels, rows = list(descriptors), [np.ravel(v) for v in descriptors.values()]
        if len({len(row) for row in rows}) > 1:
            raise ValueError(
                "task_features must describe all tasks by as many numbers."
            )
        values = np.array(rows)
    elif hasattr(descriptors, "index") and hasattr(descriptors, "columns"):
        labels, values = descriptors.index.tolist(), descriptors.to_numpy()
    else:
        labels, values = None, np.asarray(descriptors)
    if values.dtype.kind not in "fiub" or values.ndim != 2:
        raise ValueError(
            "task_features must hold numbers, (n_tasks, n_descriptors); got an array "
            f"of shape {values.shape} and dtype {values.dtype}."
        )
    if labels is None:
        if len(values) != len(tasks):
            raise ValueError(
                f"task_features has {len(values)} rows, but {len(tasks)} tasks take "
                "part in the fit. Pass a DataFrame with the task labels as index, from "
                "which those present are taken."
            )
    else:
        place = {label: k for k, label in enumerate(labels)}
        missing = [t for t in tasks.tolist() if t not in place]
        if missing:
            raise ValueError(
                f"task_features does not describe task {missing[0]!r}; it must have "
                "every task of the data, by labels of the same kind."
            )
        values = values[[place[t] for t in tasks.tolist()]]
    values = values.astype(float)
    if not np.isfinite(values).all():
        raise ValueError("task_features must be finite.")
    spread = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def nearest_neighbours(values, n_neighbors):
    """Tie tasks to those nearest in `values` (T, q), from either side.

    The weight of an edge of length d is exp(-d^2 / (2 h^2)), with h the larger of the
    distances from its ends to their last neighbours: between 0.6 and 1, so that no edge
    is there in name only.
    """
    T = len(values)
    k = min(n_neighbors, T - 1)
    if k == 0:
        none = np.zeros(0, dtype=int)
        return Graph(T, none, none, np.zeros(0))
    squares = np.einsum("tj,tj->t", values, values)
    distance = squares[:, None] + squares - 2.0 * values @ values.T
    distance[np.diag_indices(T)] = np.inf
    near = np.argsort(distance, axis=1, kind="stable")[:, :k]
    ends = np.sort(np.column_stack([np.repeat(np.arange(T), k), near.ravel()]), axis=1)
    first, second = np.unique(ends, axis=0).T
    length = np.sum((values[first] - values[second]) ** 2, axis=1)
    last = np.sum((values - values[near[:, -1]]) ** 2, axis=1)
    reach = np.maximum(last[first], last[second])
    share = np.divide(length, reach, out=np.zeros(len(reach)), where=reach > 0)
    return Graph(T, first, second, np.exp(-0.5 * np.minimum(share, 1.0)))
