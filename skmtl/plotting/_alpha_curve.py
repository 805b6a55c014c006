"""The held-out loss of each task along a path of alphas."""

import numpy as np

from skmtl.model_selection._one_task import learned
from skmtl.plotting._lines import LinesDisplay
from skmtl.plotting._style import (
    COLOURS,
    GREY,
    alpha_axis,
    import_pandas,
    shortened,
)
from skmtl.summaries import nanmean


class AlphaCurveDisplay(LinesDisplay):
    """Held-out loss of each task against alpha, as `AlphaPathCV` found it.

    Losses are relative to those of the largest alpha, so that tasks in different units
    compare: 1 is as good as that model, 0.8 has a fifth less. The black line is what
    alpha was chosen by, the mean over tasks, with one standard error over folds on both
    sides. Up to six tasks have colours and names; more are thin grey lines.

    Parameters
    ----------
    alphas : ndarray of shape (n_alphas,)
        Strengths, decreasing.
    losses : ndarray of shape (n_alphas, n_folds, n_tasks)
        Held-out losses; NaN where there was no label.
    mean : ndarray of shape (n_alphas, n_folds)
        Their mean over tasks.
    tasks : array-like of shape (n_tasks,)
        Names of the tasks.
    alpha : float, default=None
        The alpha that was chosen.

    Attributes
    ----------
    frame_ : DataFrame
        A row per alpha and task: "loss", its mean over folds, and "relative_loss". The
        mean over tasks has no task (missing). Needs pandas.
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.

    See Also
    --------
    AlphaPathCV : The search that is drawn.
    PathDisplay : The coefficients along the same path.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skmtl import AlphaCurveDisplay, AlphaPathCV, GroupLassoRegressor
    >>> from skmtl import make_group_sparse_tasks
    >>> X, y, task, _ = make_group_sparse_tasks(n_tasks=3, random_state=0)
    >>> search = AlphaPathCV(GroupLassoRegressor(), alphas=20).fit(X, y, task=task)
    >>> display = AlphaCurveDisplay.from_estimator(search)
    >>> len(display.frame_) == 20 * (3 + 1)
    True
    >>> plt.close(display.figure_)
    """

    def __init__(self, alphas, losses, mean, tasks, alpha=None):
        self.alphas = alphas
        self.losses = losses
        self.mean = mean
        self.tasks = tasks
        self.alpha = alpha

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the losses that a search found.

        Parameters
        ----------
        estimator : fitted AlphaPathCV
            The search, or a pipeline that ends in it.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        AlphaCurveDisplay
            The display, drawn.
        """
        names = ("alphas_", "cv_scores_", "cv_mean_scores_", "tasks_", "alpha_")
        found = [learned(estimator, name) for name in names]
        if any(value is None for value in found):
            raise TypeError(
                "AlphaCurveDisplay draws a fitted AlphaPathCV, or a pipeline that ends "
                f"in one, got {estimator!r}."
            )
        return cls(*found).plot(ax=ax)

    @property
    def _curves(self):
        """Losses (n_alphas, n_tasks), and their mean over tasks with its error."""
        by_task = nanmean(self.losses, axis=1)
        folds = self.mean[:, ~np.isnan(self.mean).any(axis=0)]
        average = folds.mean(axis=1)
        error = np.zeros(len(average))
        if folds.shape[1] > 1:
            error = folds.std(axis=1, ddof=1) / np.sqrt(folds.shape[1])
        return by_task, average, error

    @property
    def frame_(self):
        """What is drawn, a row per alpha and task."""
        by_task, average, _ = self._curves
        tasks = np.append(np.asarray(self.tasks, dtype=object), None)
        loss = np.column_stack([by_task, average])
        columns = {
            "alpha": np.repeat(self.alphas, len(tasks)),
            "task": np.tile(tasks, len(self.alphas)),
            "loss": loss.ravel(),
            "relative_loss": _relative(loss).ravel(),
        }
        return import_pandas().DataFrame(columns)

    def _draw(self, ax):
        """Draw the losses."""
        by_task, average, error = self._curves
        curves, n_tasks = _relative(by_task), by_task.shape[1]
        named = n_tasks <= len(COLOURS)
        for t, task in enumerate(self.tasks):
            look = {"color": GREY, "linewidth": 0.7}
            if named:
                look = {"color": COLOURS[t], "label": shortened(task)}
            elif t == 0:
                look["label"] = f"each of {n_tasks} tasks"
            ax.plot(self.alphas, curves[:, t], **look)
        if n_tasks > 1:
            middle, error = average / average[0], error / average[0]
            ax.fill_between(
                self.alphas, middle - error, middle + error, color="0.5", alpha=0.3,
                linewidth=0,
            )  # fmt: skip
            ax.plot(self.alphas, middle, color="black", linewidth=2, label="all tasks")
        alpha_axis(ax, self.alpha)
        ax.set_ylabel("held-out loss, relative to\nthat of the largest alpha")


def _relative(losses):
    """Return losses over those of the first alpha."""
    first = np.where(losses[0] > 0, losses[0], 1.0)
    return losses / first
