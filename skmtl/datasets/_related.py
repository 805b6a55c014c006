"""Tasks with a planted covariance: alike, opposed, or nothing to do with each other."""

from numbers import Real

import numpy as np
from sklearn.utils import check_random_state

from ._simulate import TaskSampler, check_count


def _mixed_relation(n_tasks, rho):
    """Covariance of three runs of tasks: alike, opposed to the first, unrelated."""
    alike, opposed, _ = np.array_split(np.arange(n_tasks), 3)
    sign = np.zeros(n_tasks)
    sign[alike], sign[opposed] = 1.0, -1.0
    # rho s s' + a non-negative diagonal: a covariance for every rho in [0, 1].
    covariance = rho * np.outer(sign, sign) + 0.0  # + 0.0: no negative zeros
    np.fill_diagonal(covariance, 1.0)
    return covariance


def _check_covariance(relation, n_tasks):
    """Return relation as a symmetric positive semi-definite float array."""
    try:
        covariance = np.array(relation, dtype=float)
    except (TypeError, ValueError) as error:
        raise TypeError(
            "relation must be a number or an array of numbers of shape (n_tasks, "
            f"n_tasks). Got {relation!r}."
        ) from error
    if covariance.shape != (n_tasks, n_tasks):
        raise ValueError(
            f"relation must be a number or a covariance of shape ({n_tasks}, "
            f"{n_tasks}), one row a task. Got shape {covariance.shape}."
        )
    if not np.isfinite(covariance).all():
        raise ValueError("relation must be finite. Got NaN or infinity.")
    if not np.allclose(covariance, covariance.T):
        raise ValueError(
            "relation must be symmetric. Pass (relation + relation.T) / 2."
        )
    eigenvalues = np.linalg.eigvalsh(covariance)
    if eigenvalues[0] < -1e-8 * max(eigenvalues[-1], 0.0):
        raise ValueError(
            "relation must be positive semi-definite to be a covariance. Got "
            f"the smallest eigenvalue {eigenvalues[0]:.3g}. Enlarge its diagonal."
        )
    return covariance


def _covariance(relation, n_tasks):
    """Return the covariance that relation, a number or an array, stands for."""
    if not isinstance(relation, Real):
        return _check_covariance(relation, n_tasks)
    if not 0 <= relation <= 1:
        raise ValueError(
            "relation, as a number, is the strength of correlation and must be in "
            f"[0, 1]. Got {relation}. Pass a (n_tasks, n_tasks) array for any other."
        )
    return _mixed_relation(n_tasks, float(relation))


def make_related_tasks(
    *,
    n_tasks=6,
    relation=0.8,
    n_samples=50,
    n_features=20,
    noise=1.0,
    missing=0.0,
    task_type="regression",
    layout="long",
    return_relation=False,
    random_state=None,
):
    """Simulate tasks whose coefficients have a planted covariance.

    For each feature on its own, its coefficients in the tasks are one draw from
    N(0, R), where R (n_tasks, n_tasks) is the relation: ``coef = R^(1/2) Z`` with Z
    standard normal. So ``coef @ coef.T / n_features`` has mean R and comes close
    to it when features are many. This is the structure that task relationship
    learning assumes. Features are independent N(0, 1) and there are no intercepts.

    Parameters
    ----------
    n_tasks : int, default=6
        Number of tasks.
    relation : float or array-like of shape (n_tasks, n_tasks), default=0.8
        An array is R itself (symmetric, positive semi-definite). A number rho in
        [0, 1] plants all three kinds of relation: with the tasks in three runs of
        about equal length, correlation is +rho within the first and within the
        second run, -rho between these two, and 0 with and within the third.
        Larger values tie tasks closer; 0 makes all tasks unrelated. Variances
        are 1. With 2 tasks the pair is opposed.
    n_samples : int or sequence of int, default=50
        Rows of each task. A sequence gives each task its own number of rows (long
        layout only). In the wide layout, the rows that all tasks share.
    n_features : int, default=20
        Number of features.
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
    return_relation : bool, default=False
        True returns R too.
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
    relation : ndarray of shape (n_tasks, n_tasks)
        The planted covariance R, if ``return_relation``.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range, ``relation`` is not a covariance of
        the tasks, or ``missing`` or ``n_samples`` do not fit the layout.

    See Also
    --------
    make_clustered_tasks : Tasks that fall into groups.
    make_group_sparse_tasks : Tasks that need the same few features.

    Examples
    --------
    >>> from skmtl.datasets import make_related_tasks
    >>> X, Y, coef, relation = make_related_tasks(
    ...     n_tasks=3, layout="wide", return_relation=True, random_state=0
    ... )
    >>> X.shape, Y.shape, coef.shape
    ((50, 20), (50, 3), (3, 20))
    >>> relation.tolist()
    [[1.0, -0.8, 0.0], [-0.8, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    n_tasks = check_count("n_tasks", n_tasks)
    n_features = check_count("n_features", n_features)
    covariance = _covariance(relation, n_tasks)
    sampler = TaskSampler(
        n_tasks,
        n_samples,
        noise=noise,
        missing=missing,
        task_type=task_type,
        layout=layout,
    )
    rng = check_random_state(random_state)
    # The symmetric root exists for singular R too, where Cholesky fails.
    eigenvalues, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(eigenvalues, 0.0))) @ vectors.T
    coef = root @ rng.standard_normal((n_tasks, n_features))
    drawn = sampler.draw(coef, rng)
    return (*drawn, covariance) if return_relation else drawn
