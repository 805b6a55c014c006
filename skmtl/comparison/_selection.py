"""Which tasks to learn together."""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from skmtl.base import some
from skmtl.comparison._company import Company
from skmtl.comparison._grouping import helpers, partition
from skmtl.layouts import TaskIndex


@dataclass(frozen=True)
class TaskSelection:
    """What `select_tasks` chose, and why.

    Parameters
    ----------
    groups : list of list
        Labels of the tasks to be learned together; a task in a group of its own is to
        be learned alone. With a target, one group: the target and its helpers.
    tasks : ndarray of shape (n_tasks,)
        All tasks in `groups`, in the order of the data.
    gains : ndarray of shape (n_tasks,)
        Gain of each of them in its group, as a share of its held-out loss alone; 0 for
        those alone. With a target those of its helpers are how much they gain.
    errors : ndarray of shape (n_tasks,)
        Their corrected standard errors.
    steps : list of dict
        What the search tried, in order: the group (labels), whether groups "join" or a
        task would "leave", gain, error, and whether it was accepted.

    See Also
    --------
    select_tasks : Makes them.

    Examples
    --------
    >>> from skmtl import make_related_tasks, select_tasks
    >>> X, y, task, _ = make_related_tasks(n_tasks=3, relation=0.0, random_state=0)
    >>> select_tasks(X, y, task=task, random_state=0).groups
    [[0], [1], [2]]
    """

    groups: list
    tasks: np.ndarray
    gains: np.ndarray
    errors: np.ndarray
    steps: list

    def to_frame(self, kind="tasks"):
        """Return the evidence as a DataFrame; needs pandas.

        Parameters
        ----------
        kind : {"tasks", "steps"}, default="tasks"
            "tasks": a row per task, with columns task, group (position in `groups`),
            gain, error. "steps": a row for all that the search tried.

        Returns
        -------
        DataFrame
            The evidence.
        """
        import pandas

        if kind == "steps":
            columns = ["group", "what", "gain", "error", "accepted"]
            return pandas.DataFrame(self.steps, columns=columns)
        if kind != "tasks":
            raise ValueError(f"kind must be 'tasks' or 'steps', got {kind!r}.")
        place = {label: k for k, group in enumerate(self.groups) for label in group}
        return pandas.DataFrame(
            {
                "task": self.tasks,
                "group": [place[label] for label in self.tasks.tolist()],
                "gain": self.gains,
                "error": self.errors,
            }
        )


def select_tasks(
    X,
    y,
    *,
    task=None,
    target=None,
    estimator=None,
    n_se=1.0,
    groups=None,
    sample_weight=None,
    cv=None,
    n_jobs=None,
    random_state=None,
):
    """Find groups of tasks that gain by being learned together.

    A greedy search on the held-out losses of cross-validation, the same folds for all:
    groups that gain most by each other in pairs are joined first, where the gain, on
    average over their tasks, exceeds its corrected standard error; in the end a task
    stays in its group only if its own gain over learning alone does. A task that gains
    by no company is left alone, and all tasks may be.

    Parameters
    ----------
    X : DataFrame, array-like or sparse matrix of shape (n_samples, n_features)
        The features.
    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        One label per row, or one column per task with NaN where not observed.
    task : array-like of shape (n_samples,), default=None
        The task of each row, where y has one label per row.
    target : str or int, default=None
        The one task that matters. The search then adds helpers to it one by one, where
        its own gain over the company so far exceeds its corrected standard error; the
        helpers need not gain. None: a partition of all tasks.
    estimator : estimator, default=None
        What learns tasks together, and alone: a multi-task model that takes any subset
        of the tasks. It is cloned. None: as in `task_affinity`, one ridge or logistic
        regression with an intercept for each task.
    n_se : float, default=1.0
        By how many standard errors gains must exceed zero. Larger values leave more
        tasks alone.
    groups : array-like of shape (n_samples,), default=None
        Rows of one group (a patient's, say) stay in one fold.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
        Weights of the labels.
    cv : int, splitter or iterable of (train, test), default=None
        The folds, as in `compare`.
    n_jobs : int, default=None
        Number of fits at a time; -1 for as many as there are cores.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds and of the models, as in `compare`.

    Returns
    -------
    TaskSelection
        Groups, gains with standard errors, the steps of the search, and `to_frame`.

    Raises
    ------
    ValueError, TypeError or RuntimeError
        If there are fewer than two tasks, `target` is none of them, or data, folds and
        estimator do not go together.

    See Also
    --------
    task_affinity : The gains in pairs that the search starts from.
    TransferGuard : Chooses between two given models for each task.

    Notes
    -----
    T tasks and J folds cost J T (T + 1) / 2 fits for all pairs, and J for every larger
    group that is tried, T at most as a rule; with a target 2 J T fits in all. The gains
    of what was chosen are too good by a little, since it was chosen by them: to know
    what a selection is worth, make it inside the training parts of a comparison.

    Examples
    --------
    >>> from skmtl import make_clustered_tasks, select_tasks
    >>> X, y, task, _, cluster = make_clustered_tasks(
    ...     n_tasks=5, n_clusters=2, n_samples=30, n_features=30,
    ...     return_labels=True, random_state=0
    ... )
    >>> cluster
    array([0, 0, 1, 1, 0])
    >>> found = select_tasks(X, y, task=task, random_state=0)
    >>> found.groups
    [[0, 1, 4], [2, 3]]
    >>> bool((found.gains > found.errors).all())
    True
    >>> select_tasks(X, y, task=task, target=3, random_state=0).groups
    [[2, 3]]
    """
    if not isinstance(n_se, Real) or not n_se >= 0:
        raise ValueError(f"n_se must be a number of at least 0, got {n_se!r}.")
    company = Company(
        estimator, X, y, task, groups, sample_weight, cv, n_jobs, random_state
    )
    if target is None:
        found, steps = partition(company, n_se)
    else:
        group, steps = helpers(company, _position(company.tasks, target), n_se)
        found = [group]
    labels = company.tasks.tolist()
    own = {t: group for group in found for t in group}
    evidence = [company.gain([(t, own[t], (t,))]) for t in sorted(own)]
    gains, errors = np.array(evidence).T
    return TaskSelection(
        groups=[[labels[t] for t in group] for group in found],
        tasks=company.tasks[sorted(own)],
        gains=gains,
        errors=errors,
        steps=[
            {
                "group": [labels[t] for t in step.group],
                "what": step.what,
                "gain": step.gain,
                "error": step.error,
                "accepted": step.accepted,
            }
            for step in steps
        ],
    )


def _position(tasks, target):
    """Return the position of the target among the tasks, or raise."""
    t = int(TaskIndex(tasks).codes(target, 1)[0])
    if t < 0:
        raise ValueError(f"target={target!r} is none of the tasks: {some(tasks)}.")
    return t
