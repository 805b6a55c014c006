"""What displays of predicted risks share: panels of tasks, with the models in them."""

from dataclasses import replace

import numpy as np

from skmtl.plotting._binary import BinaryTasksDisplay
from skmtl.plotting._panels import (
    left_out,
    legend_above,
    outer_labels,
    panels,
    with_room,
)
from skmtl.plotting._style import import_pandas, shortened, tidy


class RiskDisplay(BinaryTasksDisplay):
    """Labels of tasks with two classes, and predicted risks of the second class.

    A subclass has ``_columns(outcome)``, {name: values} of the curve of one model in
    one task; ``_draw(ax, outcome, colour)``, which returns its line and a note or "";
    ``_finish(ax, outcomes)``, which returns the lines of rules; and ``_names`` of axes.

    Parameters
    ----------
    outcomes : list of Outcome
        Truth and risks of each model and task; risks beyond 0 and 1 count as 0 and 1.
    """

    def __init__(self, outcomes):
        super().__init__(
            [replace(o, answer=np.clip(o.answer, 0.0, 1.0)) for o in outcomes]
        )

    @staticmethod
    def _respond(model, rows):
        """Return the probability of the second of two classes, or None."""
        if len(model.classes_) != 2:
            return None
        if not hasattr(model, "predict_proba"):
            raise TypeError(
                "The model has no predict_proba, so it predicts no risks. Wrap it in "
                "sklearn.calibration.CalibratedClassifierCV."
            )
        return model.predict_proba(rows)[:, 1]

    @property
    def frame_(self):
        """What is drawn, a row per model, task and point of its curve."""
        pandas = import_pandas()
        parts = [
            pandas.DataFrame({"model": o.model, "task": o.task, **self._columns(o)})
            for o in self.outcomes
        ]
        return pandas.concat(parts, ignore_index=True)

    def plot(self, ax=None):
        """Draw a panel per task, with a curve for each model.

        Of more than twelve tasks those with the most labels are drawn; `frame_` has
        all.

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
        n_tasks = len(tasks)
        tasks = with_room({o.task: len(o.truth) for o in self.outcomes})
        self.ax_ = panels(len(tasks), ax, (3.3, 3.2))
        self.figure_ = self.ax_[0].figure
        colours = self._colours(models)
        for each, task in zip(self.ax_, tasks, strict=True):
            own = [o for o in self.outcomes if o.task == task]
            own.sort(key=lambda o: models.index(o.model))
            drawn = [self._draw(each, o, colours[o.model]) for o in own]
            rules = self._finish(each, own)
            tidy(each, grid="both")
            each.set_title(shortened(task), fontsize=10)
            for o, (line, note) in zip(own, drawn, strict=True):
                named = [shortened(o.model)] if len(tasks) == 1 else []
                line.set_label(": ".join([*named, note] if note else named))
            lines = [line for line, _ in drawn if line.get_label()]
            lines += rules if len(tasks) == 1 else []
            if lines:
                each.legend(handles=lines, frameon=False, fontsize=8)
        outer_labels(self.ax_, *self._names)
        if len(tasks) > 1:
            title = left_out(len(tasks), n_tasks) or None
            legend_above(self.ax_, [*self._handles(colours), *rules], title=title)
        return self
