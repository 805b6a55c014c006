"""How much tasks help each other, or resemble each other."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from skmtl.comparison._coefficients import coefficient_similarity
from skmtl.comparison._company import Company


@dataclass(frozen=True)
class TaskAffinity:
    """What `task_affinity` found between T tasks.

    Parameters
    ----------
    tasks : ndarray of shape (T,)
        Task labels, in the order of rows and columns.
    affinity : ndarray of shape (T, T)
        With ``method="transfer"`` the gain of the task of the row by learning together
        with that of the column, as a share of its loss when learned alone; 0 on the
        diagonal. Not symmetric. With ``method="coefficients"`` a similarity from -1 to
        1, which is.
    error : ndarray of shape (T, T) or None
        Corrected standard errors of gains; None for similarities.
    method : {"transfer", "coefficients"}
        What was asked for.

    See Also
    --------
    task_affinity : Makes them.

    Examples
    --------
    >>> from skmtl import make_clustered_tasks, task_affinity
    >>> X, y, task, _ = make_clustered_tasks(n_tasks=3, n_clusters=1, random_state=0)
    >>> found = task_affinity(X, y, task=task, random_state=0)
    >>> bool((found.affinity.sum(axis=1) > 0).all())
    True
    """

    tasks: np.ndarray
    affinity: np.ndarray
    error: np.ndarray | None
    method: str

    def to_frame(self, kind="matrix"):
        """Return the numbers as a DataFrame; needs pandas.

        Parameters
        ----------
        kind : {"matrix", "pairs"}, default="matrix"
            "matrix": a row per task that is helped, a column per task that helps.
            "pairs": a row per ordered pair, with columns task, other, affinity, error.

        Returns
        -------
        DataFrame
            The affinities.
        """
        import pandas

        if kind not in ("matrix", "pairs"):
            raise ValueError(f"kind must be 'matrix' or 'pairs', got {kind!r}.")
        names = self.tasks.tolist()
        if kind == "matrix":
            return pandas.DataFrame(self.affinity, index=names, columns=names)
        rows, columns = np.nonzero(~np.eye(len(names), dtype=bool))
        found = {
            "task": self.tasks[rows],
            "other": self.tasks[columns],
            "affinity": self.affinity[rows, columns],
        }
        if self.error is not None:
            found["error"] = self.error[rows, columns]
        return pandas.DataFrame(found)

    def plot(self, ax=None):
        """Draw the matrix with a dendrogram; needs matplotlib.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        TaskSimilarityDisplay
            Of gains the mean of both directions is drawn, for a tree has no direction.
        """
        from skmtl.plotting import TaskSimilarityDisplay

        name = "gain by each other, mean of both"
        if self.method == "coefficients":
            name = "cosine of coefficients"
        matrix = (self.affinity + self.affinity.T) / 2
        return TaskSimilarityDisplay.from_matrix(matrix, self.tasks, name=name, ax=ax)


def task_affinity(
    X,
    y,
    *,
    task=None,
    estimator=None,
    method="transfer",
    groups=None,
    sample_weight=None,
    cv=None,
    n_jobs=None,
    random_state=None,
):
    """Measure how much each task gains by each other, or how alike they are.

    ``method="transfer"`` learns every pair of tasks together and every task alone, in
    the same cross-validation folds, and takes the gain in held-out loss as a share of
    the loss alone. ``method="coefficients"`` fits each task once and compares the
    coefficients, which is cheap, and says less: what is alike need not help.

    Parameters
    ----------
    X : DataFrame, array-like or sparse matrix of shape (n_samples, n_features)
        The features.
    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        One label per row, or one column per task with NaN where not observed.
    task : array-like of shape (n_samples,), default=None
        The task of each row, where y has one label per row.
    estimator : estimator, default=None
        For "transfer" what learns tasks together, and alone: a multi-task model that
        takes any subset of the tasks. It is cloned. None: `PooledTasks` of ridge
        regression with its strength chosen inside, or of logistic regression where
        labels are text or truth values; a gain then says that two tasks may share all
        coefficients but the intercept. For "coefficients" any linear model with
        ``coef_``, fitted to each task; None: the same ridge or logistic regression.
    method : {"transfer", "coefficients"}, default="transfer"
        What to measure.
    groups : array-like of shape (n_samples,), default=None
        Rows of one group (a patient's, say) stay in one fold. "transfer" only.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
        Weights of the labels.
    cv : int, splitter or iterable of (train, test), default=None
        The folds, as in `compare`. "transfer" only.
    n_jobs : int, default=None
        Number of fits at a time; -1 for as many as there are cores.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds and of the models, as in `compare`.

    Returns
    -------
    TaskAffinity
        The matrix, its standard errors, `to_frame` and `plot`.

    Raises
    ------
    ValueError, TypeError or RuntimeError
        If there are fewer than two tasks, or data, folds and estimator do not go
        together. An estimator that fails is named, with the fold.

    See Also
    --------
    select_tasks : Groups of tasks to learn together.
    TaskRelationshipRegressor : Learns the covariance of tasks in one fit.

    Notes
    -----
    T tasks and J folds cost J T (T + 1) / 2 fits for "transfer", and T for
    "coefficients". Linear regressors of this package with squared loss are fitted to
    the statistics of the folds, which are collected once, so that these fits cost
    nothing in the number of rows; a search over them reads the rows of each pair.
    Similarities are cosines of the angle between coefficients, per standard deviation
    of each feature (of a pipeline, as its last step sees it). Noise pulls them towards
    0, the more the fewer rows there are; an `estimator` that shrinks, as the default
    does, pulls less.

    Examples
    --------
    >>> from skmtl import make_clustered_tasks, task_affinity
    >>> X, y, task, _, cluster = make_clustered_tasks(
    ...     n_tasks=4, n_clusters=2, return_labels=True, random_state=0
    ... )
    >>> cluster
    array([0, 1, 1, 0])
    >>> found = task_affinity(X, y, task=task, random_state=0)
    >>> (found.affinity > 0).astype(int)
    array([[0, 0, 0, 1],
           [0, 0, 1, 0],
           [0, 1, 0, 0],
           [1, 0, 0, 0]])
    >>> alike = task_affinity(X, y, task=task, method="coefficients")
    >>> alike.affinity.round(1)
    array([[1. , 0.3, 0.3, 1. ],
           [0.3, 1. , 0.9, 0.2],
           [0.3, 0.9, 1. , 0.3],
           [1. , 0.2, 0.3, 1. ]])
    """
    if method == "coefficients":
        tasks, similarity = coefficient_similarity(
            estimator, X, y, task, sample_weight, n_jobs
        )
        return TaskAffinity(tasks, similarity, None, method)
    if method != "transfer":
        raise ValueError(
            f"method must be 'transfer' or 'coefficients', got {method!r}."
        )
    company = Company(
        estimator, X, y, task, groups, sample_weight, cv, n_jobs, random_state
    )
    gain, error = pairwise_gains(company)
    return TaskAffinity(company.tasks, gain, error, method)


def pairwise_gains(company, target=None):
    """Return the gains (T, T) of tasks by each other, and their errors.

    With the position of a `target`, only in its row and its column.
    """
    T = len(company.tasks)
    pairs = [
        pair for pair in combinations(range(T), 2) if target is None or target in pair
    ]
    company.learn([(t,) for t in range(T)] + pairs)
    gain, error = np.zeros((T, T)), np.zeros((T, T))
    for pair in pairs:
        for t, s in (pair, pair[::-1]):
            gain[t, s], error[t, s] = company.gain([(t, pair, (t,))])
    return gain, error
