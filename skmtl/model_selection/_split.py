"""K-fold cross-validation in which every task is in every training part."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.model_selection import BaseCrossValidator

from skmtl._compat import check_random_state, num_samples
from skmtl.base._rows import some
from skmtl.layouts import read_labels
from skmtl.splits import task_folds, tasks_in_one_fold
from skmtl.task_column import as_table, find_column, read_column


class TaskKFold(BaseCrossValidator):
    """K-fold cross-validation that spreads the rows of each task over the folds.

    Every task with at least two rows is in every training part, so a model fitted there
    knows all tasks. Within a task the classes are spread as well; in the wide layout,
    the rows with a label for a task, by their class. With `groups`, all rows of a group
    (a patient) are in one fold, which comes before all else; tasks and classes are then
    as even as the groups allow.

    To test on tasks never seen, use `sklearn.model_selection.LeaveOneGroupOut` with the
    task labels as groups.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    shuffle : bool, default=False
        Whether to shuffle the rows of each task and class. Without, they are dealt to
        the folds in turn, in their order.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffling.
    task_col : str, int or callable, default=None
        Where X holds the task: name or position of a column, or a function of X that
        returns the labels, as in `MTLPipeline`. A `task` passed to `split` comes first.
    stratify : {"auto", True, False}, default="auto"
        Whether the values of y are classes, to be spread within each task. "auto":
        strings and truth values are, and whole numbers of at most 20 different values.

    See Also
    --------
    TaskScorer : Scores per task.
    sklearn.model_selection.LeaveOneGroupOut : Splits that hold out whole tasks.

    Notes
    -----
    With metadata routing on, `task` and `groups` are routed here without any request:
    ``GridSearchCV(..., cv=TaskKFold()).fit(X, y, task=task, groups=patient)``.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import TaskKFold
    >>> task = np.array(["A", "A", "B", "B", "B", "B"])
    >>> for train, test in TaskKFold(2).split(np.zeros((6, 1)), task=task):
    ...     print(task[train], task[test])
    ['A' 'B' 'B'] ['A' 'B' 'B']
    ['A' 'B' 'B'] ['A' 'B' 'B']
    """

    __metadata_request__split = {"task": True, "groups": True}

    def __init__(
        self,
        n_splits=5,
        *,
        shuffle=False,
        random_state=None,
        task_col=None,
        stratify="auto",
    ):
        if not isinstance(n_splits, Integral) or n_splits < 2:
            raise ValueError(
                f"n_splits must be an integer of at least 2, got {n_splits!r}."
            )
        if not isinstance(shuffle, (bool, np.bool_)):
            raise TypeError(f"shuffle must be True or False, got {shuffle!r}.")
        if random_state is not None and not shuffle:
            raise ValueError(
                "random_state has no effect without shuffling. Pass shuffle=True, or "
                "leave random_state out."
            )
        if stratify not in ("auto", True, False):
            raise ValueError(
                f"stratify must be 'auto', True or False, got {stratify!r}."
            )
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state
        self.task_col = task_col
        self.stratify = stratify

    def split(self, X, y=None, groups=None, task=None):
        """Generate the rows of the training and of the test part of each fold.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features; read only for `task_col`.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            The labels; in the wide layout NaN where not observed.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are never on both sides.
        task : array-like of shape (n_samples,), default=None
            The task of each row. None: the column `task_col` of X, if given.

        Yields
        ------
        train : ndarray
            The training rows.
        test : ndarray
            The test rows; each row is in one test part.

        Raises
        ------
        ValueError
            If there are fewer rows (or groups) than folds, or the layouts do not fit.

        Warns
        -----
        UserWarning
            If tasks have a single row (or their rows a single group): one training part
            has to do without them.
        """
        n_rows = num_samples(X)
        if task is None and self.task_col is not None:
            task = _read_task(X, self.task_col)
        values = np.zeros(n_rows) if y is None else y
        labels = read_labels(values, task, empty_tasks=True)
        if len(labels.y) != n_rows:
            raise ValueError(f"X has {n_rows} rows but y has {len(labels.y)}.")
        rng = check_random_state(self.random_state) if self.shuffle else None
        folds = task_folds(
            labels,
            self.n_splits,
            by_class=self.stratify,
            groups=groups,
            random_state=rng,
        )
        lacking = tasks_in_one_fold(folds, labels)
        if len(lacking):
            warnings.warn(
                f"{len(lacking)} task(s) have all their rows in one fold, so one "
                f"training part lacks them: {some(lacking)}. They have a single row or "
                "a single group. Drop them, or let the model predict unseen tasks.",
                UserWarning,
                stacklevel=2,
            )
        for fold in range(self.n_splits):
            yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)

    def get_n_splits(self, X=None, y=None, groups=None, task=None):
        """Return the number of folds.

        Parameters
        ----------
        X : ignored
            Not used, present for API consistency.
        y : ignored
            Not used, present for API consistency.
        groups : ignored
            Not used, present for API consistency.
        task : ignored
            Not used; searches pass what `split` gets.

        Returns
        -------
        int
            `n_splits`.
        """
        return self.n_splits


def _read_task(X, task_col):
    """Return the task labels that X holds in the column `task_col`."""
    if callable(task_col):
        return task_col(X)
    X = as_table(X)
    position = find_column(X, task_col)
    if position is None:
        return X.index.get_level_values(task_col)
    return read_column(X, position)
