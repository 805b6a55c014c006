"""Which tasks belong together, from points that stand for them."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

SEED = 0  # of what is not a start of the fit itself


def group_by_affinity(M, n_clusters):
    """Return a label per task from an affinity M (T, T) of about n_clusters blocks."""
    values, vectors = np.linalg.eigh(M)
    leading = np.sqrt(np.maximum(values[-n_clusters:], 0.0))
    return group_points(vectors[:, -n_clusters:] * leading, n_clusters, SEED)


def group_points(points, n_clusters, random_state, *, centers=None, n_init=10):
    """Return labels 0, 1, ... of the points (T, q) by k-means, as they come up.

    Lloyd's steps start from the centers where these are given.
    """
    from sklearn.cluster import KMeans

    size = np.abs(points).max(initial=0.0)
    scaled = np.round(points / (size if size > 0 else 1.0), 12)
    n_clusters = min(n_clusters, len(np.unique(scaled, axis=0)))
    if n_clusters < 2:
        return np.zeros(len(points), dtype=int)
    if centers is None or len(centers) != n_clusters:
        start = {"n_init": n_init, "init": "k-means++"}
    else:
        start = {"n_init": 1, "init": centers}
    model = KMeans(
        n_clusters, random_state=check_random_state(random_state), tol=0.0, **start
    )
    with warnings.catch_warnings():  # points that nearly coincide
        warnings.simplefilter("ignore", ConvergenceWarning)
        return in_order(model.fit(points).labels_)


def in_order(labels):
    """Return the same groups, numbered in the order in which they come up."""
    _, first, index = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[index]


def group_means(labels, values, weight):
    """Return the weighted mean of the rows of values of each group."""
    n_groups = labels.max(initial=-1) + 1
    members = (labels == np.arange(n_groups)[:, None]) * weight
    return members @ values / members.sum(axis=1, keepdims=True)
