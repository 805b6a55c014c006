"""Trees of tasks: what users pass, the weights of its nodes, and a tree from fits."""

from dataclasses import dataclass

import numpy as np

from skmtl.solvers import solve
from skmtl.task_labels import as_task_labels

# Exact enough to tell which tasks are near.
FIRST_TOL, FIRST_STEPS = 1e-3, 1000


def read_tree(tree, tasks, name):
    """Return (linkage (L - 1, 4), labels of its leaves (L,)) for what a user passed."""
    if isinstance(tree, list):
        rows, labels = [], []
        _, levels, _ = _merge(tree, rows, labels, _count_leaves(tree), name)
        linkage = np.array(rows, dtype=float).reshape(-1, 4)
        linkage[:, 2] /= levels + 1  # the root ties its tasks a little as well
        return linkage, _checked_labels(labels, name)
    if isinstance(tree, tuple) and len(tree) == 2:
        linkage = _checked_linkage(tree[0], name)
        labels = _checked_labels(tree[1], name)
        if len(labels) != len(linkage) + 1:
            raise ValueError(
                f"tree of {name} holds {len(labels)} labels for a linkage of "
                f"{len(linkage) + 1} leaves."
            )
        return linkage, labels
    linkage = _checked_linkage(tree, name)
    if len(tasks) != len(linkage) + 1:
        raise ValueError(
            f"tree of {name} is a linkage of {len(linkage) + 1} leaves, and the data "
            f"hold {len(tasks)} tasks. Pass tree=(linkage, labels), which may name "
            "tasks that a part of the data lacks."
        )
    return linkage, tasks


def _checked_linkage(linkage, name):
    """Return a linkage as scipy makes it, or raise."""
    from scipy.cluster.hierarchy import is_valid_linkage

    try:
        linkage = np.array(linkage, dtype=float)
        if linkage.shape != (0, 4):  # a task by itself
            is_valid_linkage(linkage, throw=True)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"tree of {name} must be 'auto', a linkage of scipy.cluster.hierarchy over "
            "the tasks, (linkage, labels) or nested lists of task labels: "
            f"{error}"
        ) from error
    heights = np.concatenate([np.zeros(len(linkage) + 1), linkage[:, 2]])
    below = heights[linkage[:, :2].astype(int)].max(axis=1, initial=0.0)
    if not np.isfinite(heights).all() or (linkage[:, 2] < below).any():
        raise ValueError(
            f"The heights in the tree of {name} must be finite, and no node may be "
            "lower than one below it (method='average' or 'ward' see to that)."
        )
    return linkage


def _checked_labels(labels, name):
    """Return the labels of leaves as an array, or raise."""
    labels = as_task_labels(labels)
    if labels.ndim != 1 or len(np.unique(labels)) < len(labels):
        raise ValueError(
            f"The leaves in the tree of {name} must be task labels, each of them once."
        )
    return labels


def _count_leaves(tree):
    """Return the number of labels in nested lists."""
    if not isinstance(tree, list):
        return 1
    return sum(map(_count_leaves, tree))


def _merge(tree, rows, labels, n_leaves, name):
    """Append the merges of nested lists; return (cluster, levels below it, leaves)."""
    if not isinstance(tree, list):
        labels.append(tree)
        return len(labels) - 1, 0, 1
    if not tree:
        raise ValueError(f"The tree of {name} holds an empty list.")
    parts = [_merge(part, rows, labels, n_leaves, name) for part in tree]
    if len(parts) == 1:
        return parts[0]
    level = 1 + max(below for _, below, _ in parts)
    cluster, _, count = parts[0]
    for other, _, more in parts[1:]:  # several at one height are one node
        count += more
        rows.append([cluster, other, level, count])
        cluster = n_leaves + len(rows) - 1
    return cluster, level, count


def tree_nodes(linkage):
    """Return (parent, weight) of the nodes: those of Kim and Xing.

    With heights h in [0, 1] an inner node gets (1 - h) times the heights of all nodes
    above it, a leaf the heights of all nodes above it, which sums to 1 on every path
    from the root to a leaf. Heights above 1 are taken as shares of the root's.
    """
    L = len(linkage) + 1
    parent = np.full(2 * L - 1, -1)
    for k, (left, right) in enumerate(linkage[:, :2].astype(int)):
        parent[[left, right]] = L + k
    height = np.concatenate([np.zeros(L), linkage[:, 2]])
    height /= max(height[-1], 1.0)
    weight, below = np.empty(len(parent)), np.ones(len(parent))
    for v in range(len(parent) - 1, -1, -1):
        u = parent[v]
        share = below[u] if u >= 0 else 1.0
        if v < L:
            weight[v] = share
        elif u >= 0 and height[v] == height[u]:  # one node, made in several merges
            weight[v], below[v] = 0.0, share
        else:
            weight[v], below[v] = share * (1.0 - height[v]), share * height[v]
    return parent, weight


def keep_leaves(parent, weight, kept):
    """Return (parent, weight) of the nodes over the leaves at positions `kept`.

    The penalty of the whole tree where the coefficients of all other leaves are 0:
    nodes that now hold the same leaves become one, those without weight are left out.
    """
    count, leaf = np.zeros(len(parent), dtype=int), np.full(len(parent), -1)
    count[kept], leaf[kept] = 1, np.arange(len(kept))
    for v, u in enumerate(parent):
        if u >= 0:
            count[u] += count[v]
            leaf[u] = max(leaf[u], leaf[v])
    same, total = np.full(len(parent), -1), np.zeros(len(parent))
    for v in range(len(parent) - 1, -1, -1):  # the topmost node of the same leaves
        u = parent[v]
        if count[v]:
            merged = u >= 0 and count[u] == count[v]
            same[v] = same[u] if merged else v
            total[same[v]] += weight[v]
    inner = [v for v in np.flatnonzero(same == np.arange(len(parent)))
             if count[v] > 1 and total[v] > 0]  # fmt: skip
    new = {v: len(kept) + k for k, v in enumerate(inner)}
    found = np.full(len(kept) + len(inner), -1)
    sizes = np.concatenate([np.empty(len(kept)), total[inner]])
    for v in np.flatnonzero(same == np.arange(len(parent))):
        if count[v] == 1:
            new[v] = leaf[v]
            sizes[leaf[v]] = total[v]
    for v, k in new.items():
        u = parent[v]
        while u >= 0 and same[u] not in new:
            u = parent[u]
        found[k] = new[same[u]] if u >= 0 else -1
    return found, sizes


@dataclass(frozen=True, eq=False)
class _Ridge:
    """sum_j ridge_j / 2 * ||W_j||^2 for ridge (p, 1): every task by itself."""

    ridge: np.ndarray

    row_separable = True
    free = np.zeros(0, dtype=int)

    def value(self, W):
        return 0.5 * float((self.ridge * W**2).sum())

    def prox(self, V, step):
        return V / (1.0 + step * self.ridge)

    def dual_points(self, G):
        return [(1.0, 0.5 * float((G**2 / self.ridge).sum()))]

    def even(self, values):
        return values


def with_columns(parent, weight, task):
    """Return (parent, weight) where leaves have several columns, of tasks `task` (C,).

    The columns are the first nodes, without a weight of their own; the norm of a task
    is over all of its columns.
    """
    C = len(task)
    above = np.where(parent >= 0, parent + C, -1)
    return np.concatenate([task + C, above]), np.concatenate([np.zeros(C), weight])


def grow_tree(objective, task, fewest_labels):
    """Return a linkage (T - 1, 4) of tasks by what they need of the features.

    `task` (C,) holds the task of each column of W.

    Each task gets a ridge fit of its own, in units of the features. Tasks are near
    where the sizes of their coefficients, whatever their signs, are in proportion:
    average linkage of Euclidean distances between vectors of norm 1, the largest of
    which, between tasks without a common feature, counts as 1.
    """
    from scipy.cluster.hierarchy import linkage

    if task[-1] == 0:
        return np.zeros((0, 4))
    curvature = objective.curvatures()
    ridge = np.where(curvature > 0, curvature, 1.0)[:, None]
    penalty = _Ridge(ridge * min(1.0, objective.n_features / fewest_labels))
    first = solve(
        objective, penalty, solver="newton", tol=FIRST_TOL, max_iter=FIRST_STEPS
    )
    squares = np.zeros((task[-1] + 1, objective.n_features))
    np.add.at(squares, task, first.W.T**2 * curvature)
    sizes = np.sqrt(squares)
    norms = np.linalg.norm(sizes, axis=1, keepdims=True)
    sizes /= np.sqrt(2.0) * np.where(norms > 0, norms, 1.0)
    return linkage(sizes, method="average")
