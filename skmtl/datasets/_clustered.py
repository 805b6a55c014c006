"""Tasks that fall into groups of similar tasks."""

import numpy as np
from sklearn.utils import check_random_state

from ._simulate import TaskSampler, check_count, check_size


def make_clustered_tasks(
    *,
    n_tasks=12,
    n_clusters=3,
    n_samples=50,
    n_features=20,
    center_scale=1.0,
    deviation=0.1,
    noise=1.0,
    missing=0.0,
    task_type="regression",
    layout="long",
    return_labels=False,
    random_state=None,
):
    """Simulate tasks whose coefficients gather around a few centres.

    Task t of cluster k has the coefficients ``centre_k + d_t``: centres are drawn
    from N(0, center_scale^2) and deviations d_t from N(0, deviation^2), for each
    feature on its own. Clusters have equal numbers of tasks, give or take one, in
    random order. This is the structure that clustered multi-task learning assumes.
    Features are independent N(0, 1) and there are no intercepts.

    Parameters
    ----------
    n_tasks : int, default=12
        Number of tasks.
    n_clusters : int, default=3
        Number of clusters, 1 to ``n_tasks``; with 1, all tasks are variations of
        one model.
    n_samples : int or sequence of int, default=50
        Rows of each task. A sequence gives each task its own number of rows (long
        layout only). In the wide layout, the rows that all tasks share.
    n_features : int, default=20
        Number of features.
    center_scale : float, default=1.0
        Standard deviation of the centres; larger values set clusters apart.
    deviation : float, default=0.1
        Standard deviation of a task about its centre. 0 makes the tasks of a
        cluster equal; values far above ``center_scale`` hide the clusters.
    noise : float, default=1.0
        Standard deviation of the errors of y. In classification, the factor of the
        standard logistic errors: 1 makes ``coef`` the true log odds ratios, larger
        values shrink these to ``coef / noise``, 0 gives separable classes.
    missing : float, default=0.0
        Fraction of labels hidden in each task, in [0, 1); wide layout only. They
        are drawn at random and at least one label a task stays.
    task_type : {"regression", "classification"}, default="regression"
        Real labels, or labels 0 and 1.
    layout : {"long", "wide"}, default="long"
        Stacked rows with a task label each, or one Y with a column for each task.
    return_labels : bool, default=False
        True returns the cluster of each task too.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same draw on every call. The coefficients depend
        neither on the layout nor on the number of rows.

    Returns
    -------
    X : ndarray of shape (n, n_features)
        Long: n is the sum of the rows of the tasks, which follow one another.
    y : ndarray of shape (n,) or (n, n_tasks)
        Long: real, or int 0 and 1. Wide: float, NaN where hidden.
    task : ndarray of int of shape (n,)
        The task of each row, 0 to n_tasks - 1. Not returned in the wide layout.
    coef : ndarray of shape (n_tasks, n_features)
        The true coefficients.
    labels : ndarray of int of shape (n_tasks,)
        The cluster of each task, 0 to n_clusters - 1, if ``return_labels``.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range, or ``missing`` or ``n_samples`` do not
        fit the layout.

    See Also
    --------
    make_group_sparse_tasks : Tasks that need the same few features.
    make_related_tasks : Tasks with a given covariance.

    Examples
    --------
    >>> from skmtl.datasets import make_clustered_tasks
    >>> X, y, task, coef, labels = make_clustered_tasks(
    ...     n_tasks=6, n_clusters=2, return_labels=True, random_state=0
    ... )
    >>> X.shape, coef.shape
    ((300, 20), (6, 20))
    >>> sorted(labels.tolist())
    [0, 0, 0, 1, 1, 1]
    """
    n_tasks = check_count("n_tasks", n_tasks)
    n_clusters = check_count("n_clusters", n_clusters, high=n_tasks)
    n_features = check_count("n_features", n_features)
    center_scale = check_size("center_scale", center_scale)
    deviation = check_size("deviation", deviation)
    sampler = TaskSampler(
        n_tasks,
        n_samples,
        noise=noise,
        missing=missing,
        task_type=task_type,
        layout=layout,
    )
    rng = check_random_state(random_state)
    labels = rng.permutation(np.arange(n_tasks) % n_clusters)
    centers = center_scale * rng.standard_normal((n_clusters, n_features))
    coef = centers[labels] + deviation * rng.standard_normal((n_tasks, n_features))
    drawn = sampler.draw(coef, rng)
    return (*drawn, labels) if return_labels else drawn
