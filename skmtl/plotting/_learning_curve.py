"""Scores of each task against the share of the training rows that a model saw."""

import numpy as np

from skmtl.plotting._growing_parts import learning_curves
from skmtl.plotting._panels import MOST_PANELS, legend_above, outer_labels, panels
from skmtl.plotting._style import (
    COLOURS,
    MARKERS,
    given_or_new,
    import_pandas,
    legend_beside,
    metric_name,
    shortened,
    tidy,
)
from skmtl.summaries import nandeviation, nanmean

SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)


class TaskLearningCurveDisplay:
    """Test scores of each task against the share of the training rows.

    Where a multi-task model is above a single-task one at the left and they meet at the
    right, the tasks have too few rows to do without each other. Lines are means over
    folds, bands one standard deviation on both sides. Up to twelve tasks have a panel
    each; of more, the median over tasks is drawn, with the range of the middle half.

    Parameters
    ----------
    shares : ndarray of shape (n_shares,)
        Shares of the training rows, increasing.
    scores : dict of str -> ndarray of shape (n_shares, n_folds, n_tasks)
        Model -> test scores; NaN where they are not defined.
    n_train : ndarray of shape (n_shares, n_folds, n_tasks)
        Labels trained on.
    tasks : array-like of shape (n_tasks,)
        Names of the tasks.
    metric : str
        Name of the score.

    Attributes
    ----------
    frame_ : DataFrame
        A row per model, task and share: "score" and "score_sd", mean and standard
        deviation over folds, and "n_train", the mean number of labels trained on. Needs
        pandas.
    ax_ : ndarray of Axes
        The axes: one per task, or a single one.
    figure_ : Figure
        The figure.

    See Also
    --------
    compare : Whether one model is better than another, with intervals and verdicts.
    sklearn.model_selection.LearningCurveDisplay : The same for one task.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skmtl import GroupLassoRegressor, TaskLearningCurveDisplay
    >>> from skmtl import make_group_sparse_tasks
    >>> X, y, task, _ = make_group_sparse_tasks(n_tasks=3, random_state=0)
    >>> display = TaskLearningCurveDisplay.from_estimator(
    ...     GroupLassoRegressor(alpha=0.1), X, y, task=task, cv=3, random_state=0
    ... )
    >>> len(display.ax_), len(display.frame_)
    (3, 15)
    >>> plt.close(display.figure_)
    """

    def __init__(self, shares, scores, n_train, tasks, metric):
        self.shares = shares
        self.scores = scores
        self.n_train = n_train
        self.tasks = tasks
        self.metric = metric

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        task=None,
        groups=None,
        sample_weight=None,
        shares=SHARES,
        cv=5,
        scoring=None,
        n_jobs=None,
        random_state=None,
        ax=None,
    ):
        """Fit models to growing parts of the data, and draw their scores.

        All models see the same rows: folds as of `TaskKFold`, and within a training
        part the same share of every task, with the classes spread alike. A larger share
        has all rows of a smaller one. Every task keeps at least two labels and, for
        classifiers, one of each class.

        Parameters
        ----------
        estimator : estimator or dict of str -> estimator
            The model, or several by name. They are cloned, never changed.
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            One label per row, or one column per task with NaN where not observed.
        task : array-like of shape (n_samples,), default=None
            The task of each row, where y has one label per row and no column of X says
            it.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group (a patient's, say) stay together in a fold.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels, in training and in scores.
        shares : array-like of shape (n_shares,), default=(0.1, 0.2, 0.4, 0.7, 1.0)
            Shares of the training rows of each task (wide: of all rows), above 0 and at
            most 1.
        cv : int, splitter or iterable of (train, test), default=5
            The folds; a number makes them spread every task, shuffled.
        scoring : str, callable or mapping, default=None
            As in `TaskScorer`. None is R^2 for regressors, ROC AUC for classifiers
            (with more than two classes in a task, the log-loss below 0).
        n_jobs : int, default=None
            Number of fits at the same time; -1 for as many as there are cores.
        random_state : int, RandomState instance or None, default=None
            Seed of the folds and slices.
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw; see `plot`.

        Returns
        -------
        TaskLearningCurveDisplay
            The display, drawn.
        """
        models = estimator if isinstance(estimator, dict) else {"model": estimator}
        found = learning_curves(
            models,
            X,
            y,
            task,
            groups,
            sample_weight,
            shares=shares,
            cv=cv,
            scoring=scoring,
            n_jobs=n_jobs,
            seed=random_state,
        )
        metric = metric_name(found.scoring)
        display = cls(found.shares, found.scores, found.n_train, found.tasks, metric)
        return display.plot(ax=ax)

    @property
    def frame_(self):
        """What is drawn, a row per model, task and share."""
        n_tasks, n_shares = len(self.tasks), len(self.shares)
        mean_n = self.n_train.mean(axis=1)
        parts = []
        for name, scores in self.scores.items():
            mean, deviation = nanmean(scores, axis=1), nandeviation(scores, axis=1)
            columns = {
                "model": [name] * (n_tasks * n_shares),
                "task": np.repeat(np.asarray(self.tasks), n_shares),
                "share": np.tile(self.shares, n_tasks),
                "n_train": mean_n.T.ravel(),
                "score": mean.T.ravel(),
                "score_sd": deviation.T.ravel(),
            }
            parts.append(import_pandas().DataFrame(columns))
        return import_pandas().concat(parts, ignore_index=True)

    def plot(self, ax=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw: a single one frames the panels of the tasks, a sequence has
            one for each. None makes a figure.

        Returns
        -------
        self : object
            The display, with `ax_` and `figure_`.
        """
        n_tasks = len(self.tasks)
        if n_tasks > MOST_PANELS:
            ax = np.ravel(np.asarray(ax, dtype=object))[0]
            ax = given_or_new(ax, (7, 4.2))
            for k, (name, scores) in enumerate(self.scores.items()):
                middle, low, high = _spread(nanmean(scores, axis=1))
                _draw(ax, k, name, self.shares, middle, low, high)
            ax.set_xlabel("share of the training rows")
            ax.set_ylabel(f"{self.metric}: median of {n_tasks} tasks\nand middle half")
            tidy(ax)
            legend_beside(ax)
            self.ax_, self.figure_ = np.array([ax], dtype=object), ax.figure
            return self
        axes = panels(n_tasks, ax, (3.0, 2.6))
        self.ax_, self.figure_ = axes, axes[0].figure
        for t, each in enumerate(axes):
            handles = []
            for k, (name, scores) in enumerate(self.scores.items()):
                mean = nanmean(scores[:, :, t], axis=1)
                band = np.nan_to_num(nandeviation(scores[:, :, t], axis=1))
                handles.append(
                    _draw(each, k, name, self.shares, mean, mean - band, mean + band)
                )
            n = self.n_train[-1, :, t].mean()
            each.set_title(_title(self.tasks[t], n), fontsize=10)
            tidy(each)
        outer_labels(axes, "share of the training rows", self.metric)
        if len(self.scores) > 1:
            legend_above(axes, handles)
        return self


def _title(task, n_labels):
    """Return the title of a panel, in two lines where one would be too long."""
    name, labels = shortened(task), f"({n_labels:,.0f} labels)"
    return f"{name}\n{labels}" if len(name) > 12 else f"{name} {labels}"


def _draw(ax, k, name, x, middle, low, high):
    """Draw the curve of a model with its band; return the line."""
    colour = COLOURS[k % len(COLOURS)]
    ax.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    look = {"marker": MARKERS[k % len(MARKERS)], "markersize": 4, "color": colour}
    (line,) = ax.plot(x, middle, label=shortened(name), **look)
    return line


def _spread(values):
    """Return median and quartiles over the last axis, of what is not NaN."""
    found = [np.full(3, np.nan)] * len(values)
    for k, row in enumerate(values):
        row = row[np.isfinite(row)]
        if len(row):
            found[k] = np.quantile(row, [0.5, 0.25, 0.75])
    return np.array(found).T
