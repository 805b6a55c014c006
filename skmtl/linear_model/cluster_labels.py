"""Which tasks belong together, from points that stand for them."""

from operator import itemgetter

import numpy as np
from sklearn.utils import check_random_state

SEED = 0  # of what is not a start of the fit itself
LLOYD_STEPS = 300


def group_by_affinity(M, n_clusters):
    """Return a label per task from an affinity M (T, T) of about n_clusters blocks."""
    values, vectors = np.linalg.eigh(M)
    leading = np.sqrt(np.maximum(values[-n_clusters:], 0.0))
    return group_points(vectors[:, -n_clusters:] * leading, n_clusters, SEED)


def group_points(points, n_clusters, random_state, *, centers=None, n_init=10):
    """Return labels 0, 1, ... of the points (T, q) by k-means, as they come up.

    Lloyd's steps start from the centers where these are given. The points are few, for
    which the overhead of a general k-means would be more than a fit takes.
    """
    size = np.abs(points).max(initial=0.0)
    distinct = np.unique(np.round(points / (size if size > 0 else 1.0), 12), axis=0)
    n_clusters = min(n_clusters, len(distinct))
    if n_clusters < 2:
        return np.zeros(len(points), dtype=int)
    rng = check_random_state(random_state)
    if centers is None or len(centers) != n_clusters:
        starts = [_spread_out(points, n_clusters, rng) for _ in range(n_init)]
    else:
        starts = [centers]
    runs = [_lloyd(points, start) for start in starts]
    return in_order(min(runs, key=itemgetter(0))[1])


def _squared_distances(points, centers):
    """Return those of all points to all centers, (T, k)."""
    return ((points[:, None, :] - centers) ** 2).sum(axis=2)


def _spread_out(points, n_clusters, rng):
    """Return points to start from, each by chance in proportion to its distance."""
    chosen = [int(rng.randint(len(points)))]
    for _ in range(n_clusters - 1):
        near = _squared_distances(points, points[chosen]).min(axis=1)
        chosen.append(int(rng.choice(len(points), p=near / near.sum())))
    return points[chosen]


def _lloyd(points, centers):
    """Return (sum of squared distances to the means, labels), Lloyd's steps done."""
    labels, n_clusters = None, len(centers)
    for _ in range(LLOYD_STEPS):
        distance = _squared_distances(points, centers)
        found, near = distance.argmin(axis=1), distance.min(axis=1)
        for k in np.setdiff1d(np.arange(n_clusters), found):  # an empty group
            sizes = np.bincount(found, minlength=n_clusters)
            furthest = np.where(sizes[found] > 1, near, -1.0).argmax()
            found[furthest], near[furthest] = k, 0.0
        if labels is not None and np.array_equal(found, labels):
            break
        labels = found
        centers = group_means(labels, points, np.ones(len(points)))
    return float(((points - centers[labels]) ** 2).sum()), labels


def in_order(labels):
    """Return the same groups, numbered in the order in which they come up."""
    _, first, index = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[index]


def group_means(labels, values, weight):
    """Return the weighted mean of the rows of values of each group."""
    n_groups = labels.max(initial=-1) + 1
    members = (labels == np.arange(n_groups)[:, None]) * weight
    return members @ values / members.sum(axis=1, keepdims=True)
