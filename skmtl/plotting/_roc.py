"""ROC curves of each task."""

import numpy as np
from sklearn.metrics import RocCurveDisplay, auc, roc_curve

from skmtl.plotting._binary import BinaryTasksDisplay
from skmtl.plotting._panels import MOST_PANELS, legend_above, outer_labels, panels
from skmtl.plotting._style import (
    COLOURS,
    GREY,
    LETTER,
    given_or_new,
    import_pandas,
    legend_beside,
    longest_name,
    shortened,
    tidy,
)

X_NAME, Y_NAME = "false positive rate", "true positive rate"
GRID = np.linspace(0.0, 1.0, 201)


class TaskRocCurveDisplay(BinaryTasksDisplay):
    """ROC curves of each binary task, of one or several models.

    Up to six tasks of one model share a picture. Otherwise up to twelve tasks have a
    panel each, with the models beside each other; of more tasks the mean is drawn (of
    true positive rates), and each is a thin line if there is one model. The curves
    themselves are drawn by `sklearn.metrics.RocCurveDisplay`. Tasks of numbers, of more
    than two classes, or with a single class among the labels are left out.

    Parameters
    ----------
    outcomes : list of Outcome
        Truth and scores of each model and task.

    Attributes
    ----------
    roc_auc_ : dict of (model, task) -> float
        Areas under the curves.
    displays_ : list of RocCurveDisplay
        The curves as scikit-learn draws them, in the order of `roc_auc_`; none where
        only means are drawn.
    frame_ : DataFrame
        The points of all curves: model, task, fpr, tpr. Needs pandas.
    ax_ : ndarray of Axes
        The axes: one per task, or a single one.
    figure_ : Figure
        The figure.

    See Also
    --------
    TaskConfusionMatrixDisplay : Which classes are taken for which.
    sklearn.metrics.RocCurveDisplay : The same for one task.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from skmtl import TaskRocCurveDisplay
    >>> y, task = np.array([0, 0, 1, 1] * 2), np.repeat(["a", "b"], 4)
    >>> score = [0.1, 0.4, 0.3, 0.9, 0.1, 0.2, 0.8, 0.9]
    >>> display = TaskRocCurveDisplay.from_predictions(y, score, task=task)
    >>> display.roc_auc_
    {('model', 'a'): 0.75, ('model', 'b'): 1.0}
    >>> plt.close(display.figure_)
    """

    def __init__(self, outcomes):
        super().__init__(outcomes)
        self._curves = [_curve(o) for o in self.outcomes]
        pairs = [(o.model, o.task) for o in self.outcomes]
        areas = [float(auc(*curve)) for curve in self._curves]
        self.roc_auc_ = dict(zip(pairs, areas, strict=True))

    @property
    def frame_(self):
        """The points of all curves."""
        pandas = import_pandas()
        parts = [
            pandas.DataFrame({"model": o.model, "task": o.task, "fpr": x, "tpr": y})
            for o, (x, y) in zip(self.outcomes, self._curves, strict=True)
        ]
        return pandas.concat(parts, ignore_index=True)

    def plot(self, ax=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw: a single one frames the panels of the tasks where there are
            several, a sequence has one for each. None makes a figure.

        Returns
        -------
        self : object
            The display, with `ax_` and `figure_`.
        """
        tasks, models = self._tasks_and_models()
        colours = self._colours(models)
        several = np.ndim(ax) > 0 and len(np.ravel(ax)) > 1
        if len(models) == 1 and len(tasks) <= len(COLOURS) and not several:
            axes, draw = [_one(ax, tasks)], self._draw_together
        elif len(tasks) == 1:
            axes, draw = [_one(ax, models)], self._draw_panels
        elif len(tasks) <= MOST_PANELS:
            axes, draw = panels(len(tasks), ax, (2.7, 2.9)), self._draw_panels
        else:
            axes, draw = [_one(ax, models)], self._draw_means
        self.ax_ = np.array(list(axes), dtype=object)
        self.figure_ = self.ax_[0].figure
        self.displays_ = []
        for each in self.ax_:
            each.plot([0, 1], [0, 1], color="0.6", linestyle=":", linewidth=1)
        draw(tasks, models, colours)
        for each in self.ax_:
            each.set(xlabel="", ylabel="", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
            tidy(each, grid="both")
            each.set_anchor("W")  # the room at the right is the legend's
        outer_labels(self.ax_, X_NAME, Y_NAME)
        return self

    def _draw_one(self, ax, k, **look):
        """Draw curve k; return its line."""
        (x, y), o = self._curves[k], self.outcomes[k]
        area = self.roc_auc_[o.model, o.task]
        shown = RocCurveDisplay(fpr=x, tpr=y, roc_auc=area).plot(ax=ax)
        ax.get_legend().remove()  # one for all comes later
        shown.line_.set(**({"label": "_"} | look))  # "_": not in the legend
        self.displays_.append(shown)
        return shown.line_

    def _draw_together(self, tasks, models, colours):
        """Draw the tasks of one model in one picture."""
        (ax,) = self.ax_
        for k, (o, area) in enumerate(
            zip(self.outcomes, self.roc_auc_.values(), strict=True)
        ):
            label = f"{shortened(o.task)} (AUC {area:.2f})"
            self._draw_one(ax, k, color=COLOURS[tasks.index(o.task)], label=label)
        legend_beside(ax)

    def _draw_panels(self, tasks, models, colours):
        """Draw a panel per task, the models in it."""
        one = len(self.ax_) == 1
        # One model after the other, so that every legend has the same order.
        drawn = sorted(
            enumerate(self.outcomes), key=lambda one: models.index(one[1].model)
        )
        for k, o in drawn:
            ax = self.ax_[tasks.index(o.task)]
            label = f"{self.roc_auc_[o.model, o.task]:.2f}"
            label = f"{shortened(o.model)} (AUC {label})" if one else label
            self._draw_one(ax, k, color=colours[o.model], label=label)
            ax.set_title(shortened(o.task), fontsize=10)
        if one:
            legend_beside(self.ax_[0])
            return
        options = {"loc": "lower right", "frameon": False, "fontsize": 8}
        for ax in self.ax_:
            ax.legend(title="AUC", title_fontsize=8, **options)
        if len(models) > 1:
            legend_above(self.ax_, self._handles(colours))

    def _draw_means(self, tasks, models, colours):
        """Draw the mean curve of each model; of one, all tasks as thin lines too."""
        (ax,) = self.ax_
        for model in models:
            own = [k for k, o in enumerate(self.outcomes) if o.model == model]
            for k in own if len(models) == 1 else ():
                self._draw_one(ax, k, color=GREY, linewidth=0.5, alpha=0.5)
            mean = np.mean([np.interp(GRID, *self._curves[k]) for k in own], axis=0)
            mean[0] = 0.0
            area = np.mean([self.roc_auc_[model, self.outcomes[k].task] for k in own])
            name = "" if len(models) == 1 else f"{shortened(model)}: "
            ax.plot(
                GRID,
                mean,
                color="black" if len(models) == 1 else colours[model],
                linewidth=2.2,
                label=f"{name}mean of {len(own)} tasks\n(mean AUC {area:.2f})",
            )
        legend_beside(ax)


def _one(ax, names):
    """Return the single axes that were given, or new ones with room for a legend."""
    ax = ax if ax is None else np.ravel(np.asarray(ax, dtype=object))[0]
    return given_or_new(ax, (6.6 + LETTER * longest_name(names), 4.2))


def _curve(outcome):
    """Return false and true positive rates."""
    x, y, _ = roc_curve(outcome.positive, outcome.answer, sample_weight=outcome.weight)
    return x, y
