"""Confusion matrices of each task."""

import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

from skmtl.plotting import _outcomes as outcomes
from skmtl.plotting._panels import left_out, outer_labels, panels, with_room
from skmtl.plotting._style import LETTER, SEQUENTIAL, import_pandas, shortened

NORMALIZE = (None, "true", "pred", "all")


class TaskConfusionMatrixDisplay:
    """Confusion matrix of each task of classes, true classes in rows.

    Every task has a panel, drawn by `sklearn.metrics.ConfusionMatrixDisplay`. Of more
    than twelve tasks those with the most labels are shown, unless `tasks` names others;
    `frame_` has all. Tasks of numbers are left out.

    Parameters
    ----------
    outcomes : list of Outcome
        True and predicted classes of each task.
    normalize : {"true", "pred", "all"}, default=None
        Shares of what to show: of the true class (rows sum to 1), of the predicted one,
        or of all labels. None shows counts.

    Attributes
    ----------
    confusion_matrices_ : dict of task -> ndarray of shape (n_classes, n_classes)
        The matrices, of all tasks.
    displays_ : list of ConfusionMatrixDisplay
        Those drawn, as scikit-learn draws them.
    frame_ : DataFrame
        A row per task, true and predicted class, with "value". Needs pandas.
    ax_ : ndarray of Axes
        The axes, one per task drawn.
    figure_ : Figure
        The figure.

    See Also
    --------
    TaskRocCurveDisplay : All thresholds of binary tasks.
    sklearn.metrics.ConfusionMatrixDisplay : The same for one task.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skmtl import TaskConfusionMatrixDisplay
    >>> y, task = ["ill", "well", "ill", "well"], ["A", "A", "B", "B"]
    >>> found = ["ill", "well", "well", "well"]
    >>> display = TaskConfusionMatrixDisplay.from_predictions(y, found, task=task)
    >>> display.confusion_matrices_["B"]
    array([[0, 1],
           [0, 1]])
    >>> plt.close(display.figure_)
    """

    def __init__(self, outcomes, normalize=None):
        if normalize not in NORMALIZE:
            raise ValueError(f"normalize must be in {NORMALIZE}, got {normalize!r}.")
        if not outcomes:
            raise ValueError("There is no task of classes to draw.")
        self.outcomes = outcomes
        self.normalize = normalize
        self._classes = {o.task: _classes(o) for o in outcomes}
        self.confusion_matrices_ = {
            o.task: _matrix(o, self._classes[o.task], normalize) for o in outcomes
        }

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        task=None,
        sample_weight=None,
        normalize=None,
        tasks=None,
        ax=None,
    ):
        """Draw the matrices of a fitted model on data.

        Parameters
        ----------
        estimator : fitted estimator
            A classifier over tasks, or a regressor of which tasks with labels 0 and 1
            are taken (a response above 0.5 is a 1).
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features, of rows that the model was not fitted to.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True labels; in the wide layout NaN where not observed.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row, where neither X nor y says it.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels.
        normalize : {"true", "pred", "all"}, default=None
            Shares of what to show; None shows counts.
        tasks : sequence of task labels, default=None
            Which tasks to draw, in this order.
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw; see `plot`.

        Returns
        -------
        TaskConfusionMatrixDisplay
            The display, drawn.
        """
        found = outcomes.of_estimator(
            estimator, X, y, task, sample_weight, outcomes.predicted
        )
        return cls(found, normalize).plot(tasks=tasks, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_pred,
        *,
        task=None,
        sample_weight=None,
        normalize=None,
        tasks=None,
        ax=None,
    ):
        """Draw the matrices of classes that were predicted before.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True labels; in the wide layout NaN where not observed.
        y_pred : array-like of the shape of y_true
            Predicted classes.
        task : array-like of shape (n_samples,), default=None
            The task of each row, where y_true has one label per row.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels.
        normalize : {"true", "pred", "all"}, default=None
            Shares of what to show; None shows counts.
        tasks : sequence of task labels, default=None
            Which tasks to draw, in this order.
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw; see `plot`.

        Returns
        -------
        TaskConfusionMatrixDisplay
            The display, drawn.
        """
        found = outcomes.of_predictions(y_true, y_pred, task, sample_weight)
        return cls(found, normalize).plot(tasks=tasks, ax=ax)

    @classmethod
    def from_report(cls, report, *, model=None, normalize=None, tasks=None, ax=None):
        """Draw the matrices of the out-of-fold predictions of a comparison.

        The predicted class is the most probable one. Labels that were predicted in
        several repeats count as often.

        Parameters
        ----------
        report : ComparisonReport
            What `compare` returned.
        model : str, default=None
            Which model to draw; None takes the first.
        normalize : {"true", "pred", "all"}, default=None
            Shares of what to show; None shows counts.
        tasks : sequence of task labels, default=None
            Which tasks to draw, in this order.
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw; see `plot`.

        Returns
        -------
        TaskConfusionMatrixDisplay
            The display, drawn.
        """
        (name, *_) = outcomes.models_of(report, model)
        found = [
            outcomes.with_most_probable(o) for o in outcomes.of_report(report, name)
        ]
        return cls(found, normalize).plot(tasks=tasks, ax=ax)

    @property
    def frame_(self):
        """A row per task, true and predicted class."""
        pandas, parts = import_pandas(), []
        for task, matrix in self.confusion_matrices_.items():
            classes = self._classes[task]
            columns = {
                "task": [task] * matrix.size,
                "true": np.repeat(classes, len(classes)),
                "predicted": np.tile(classes, len(classes)),
                "value": matrix.ravel(),
            }
            parts.append(pandas.DataFrame(columns))
        return pandas.concat(parts, ignore_index=True)

    def plot(self, tasks=None, ax=None):
        """Draw the matrices.

        Parameters
        ----------
        tasks : sequence of task labels, default=None
            Which tasks to draw, in this order; None takes all, of more than twelve
            those with the most labels.
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw: a single one frames the panels of the tasks, a sequence has
            one for each. None makes a figure.

        Returns
        -------
        self : object
            The display, with `ax_` and `figure_`.
        """
        by_task = {o.task: o for o in self.outcomes}
        drawn = list(by_task if tasks is None else tasks)
        unknown = [task for task in drawn if task not in by_task]
        if unknown:
            raise ValueError(f"tasks has {unknown[0]!r}, which has no labels here.")
        if not drawn:
            raise ValueError("tasks names no task. Leave it out to draw all of them.")
        n_tasks = len(drawn)
        if tasks is None:
            drawn = with_room({task: len(o.truth) for task, o in by_task.items()})
        names = [name for task in drawn for name in self._names(task)]
        side = 2.2 + LETTER * max(map(len, names))
        axes = panels(len(drawn), ax, (side, side))
        self.ax_, self.figure_ = axes, axes[0].figure
        self.displays_ = []
        for each, task in zip(axes, drawn, strict=True):
            self._draw(each, task)
        outer_labels(axes, "predicted", "true")
        if len(drawn) < n_tasks and ax is None:
            self.figure_.suptitle(left_out(len(drawn), n_tasks), fontsize=10)
        return self

    def _names(self, task):
        """Return the classes of a task as text to draw."""
        classes = self._classes[task].tolist()
        return [f"{c:g}" if type(c) is float else shortened(c, 14) for c in classes]

    def _draw(self, ax, task):
        """Draw the matrix of a task."""
        matrix, names = self.confusion_matrices_[task], self._names(task)
        whole = np.array_equal(matrix, np.round(matrix)) and self.normalize is None
        shown = ConfusionMatrixDisplay(matrix, display_labels=names).plot(
            ax=ax,
            cmap=SEQUENTIAL,
            colorbar=False,
            im_kw={"vmin": 0, "vmax": 1 if self.normalize else None},
            values_format=".0f" if whole else ".2f",
            xticks_rotation="vertical" if max(map(len, names)) > 6 else "horizontal",
        )
        ax.set(xlabel="", ylabel="")
        ax.tick_params(length=0, labelsize=9)
        ax.set_title(shortened(task, 18), fontsize=9)
        self.displays_.append(shown)


def _classes(outcome):
    """Return the classes of a task, with any others that were predicted."""
    return np.union1d(outcome.classes, outcome.answer)


def _matrix(outcome, classes, normalize):
    """Return the confusion matrix; in whole numbers where the weights are 1."""
    weight = None if np.all(outcome.weight == 1) else outcome.weight
    if len(classes) == 1:  # scikit-learn warns, as if it did not know the classes
        total = len(outcome.truth) if weight is None else weight.sum()
        return np.array([[total if normalize is None else 1.0]])
    return confusion_matrix(
        outcome.truth,
        outcome.answer,
        labels=classes,
        sample_weight=weight,
        normalize=normalize,
    )
