"""Tasks that need the same few features."""

import numpy as np
from sklearn.utils import check_random_state

from ._simulate import TaskSampler, check_count


def make_group_sparse_tasks(
    *,
    n_tasks=5,
    n_samples=100,
    n_features=20,
    n_informative=5,
    noise=1.0,
    missing=0.0,
    task_type="regression",
    layout="long",
    random_state=None,
):
    """Simulate tasks that share their relevant features and nothing else.

    ``n_informative`` features, drawn at random, have coefficients from N(0, 1),
    independently for each task; all other features have coefficient 0 in every
    task. This is the structure that `GroupLassoRegressor` assumes. Features are
    independent N(0, 1) and there are no intercepts.

    Parameters
    ----------
    n_tasks : int, default=5
        Number of tasks.
    n_samples : int or sequence of int, default=100
        Rows of each task. A sequence gives each task its own number of rows (long
        layout only). In the wide layout, the rows that all tasks share.
    n_features : int, default=20
        Number of features.
    n_informative : int, default=5
        Number of features that matter, 0 to ``n_features``; 0 gives pure noise.
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

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range, or ``missing`` or ``n_samples`` do not
        fit the layout.

    See Also
    --------
    make_clustered_tasks : Tasks that fall into groups.
    make_related_tasks : Tasks with a given covariance.

    Examples
    --------
    >>> from skmtl.datasets import make_group_sparse_tasks
    >>> X, y, task, coef = make_group_sparse_tasks(
    ...     n_tasks=3, n_samples=[30, 40, 50], n_informative=4, random_state=0
    ... )
    >>> X.shape, y.shape, task.shape, coef.shape
    ((120, 20), (120,), (120,), (3, 20))
    >>> int((coef != 0).any(axis=0).sum())
    4
    """
    n_tasks = check_count("n_tasks", n_tasks)
    n_features = check_count("n_features", n_features)
    n_informative = check_count("n_informative", n_informative, low=0, high=n_features)
    sampler = TaskSampler(
        n_tasks,
        n_samples,
        noise=noise,
        missing=missing,
        task_type=task_type,
        layout=layout,
    )
    rng = check_random_state(random_state)
    informative = rng.permutation(n_features)[:n_informative]
    coef = np.zeros((n_tasks, n_features))
    coef[:, informative] = rng.standard_normal((n_tasks, n_informative))
    return sampler.draw(coef, rng)
