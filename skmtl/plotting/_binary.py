"""What displays of tasks with two classes share: where labels and scores are from."""

from dataclasses import replace

import numpy as np

from skmtl.plotting import _outcomes as outcomes
from skmtl.plotting._style import COLOURS, REFERENCE_COLOUR, shortened


class BinaryTasksDisplay:
    """Labels of tasks with two classes, and scores of the second class, by models.

    Parameters
    ----------
    outcomes : list of Outcome
        Truth and scores of each model and task; those without two classes are left out.
    """

    _reference = None  # the model that is drawn in grey, as in a TransferDisplay

    def __init__(self, outcomes):
        for o in outcomes:
            if o.answer.dtype.kind == "f" and not np.isfinite(o.answer).all():
                raise ValueError(
                    f"The scores of {o.model!r} for task {o.task!r} have NaN or "
                    "infinity; every true label needs a score. Where there is none, "
                    "leave the label out (wide: NaN)."
                )
        self.outcomes = [o for o in outcomes if _has_both(o)]
        if not self.outcomes:
            raise ValueError(
                "There is no task to draw: it takes a task of two classes with "
                "labels of both."
            )

    @classmethod
    def from_estimator(cls, estimator, X, y, *, task=None, sample_weight=None, ax=None):
        """Draw the curves of fitted models on data.

        Parameters
        ----------
        estimator : fitted estimator or dict of str -> fitted estimator
            A classifier over tasks, or a regressor of which tasks with labels 0 and 1
            are taken; or several by name.
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features, of rows that the model was not fitted to.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True labels; in the wide layout NaN where not observed.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row, where neither X nor y says it.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels.
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw; see `plot`.

        Returns
        -------
        display
            The display, drawn.
        """
        models = estimator if isinstance(estimator, dict) else {"model": estimator}
        found = []
        for name, model in models.items():
            found += outcomes.of_estimator(
                model, X, y, task, sample_weight, cls._respond, name
            )
        return cls(found).plot(ax=ax)

    @classmethod
    def from_predictions(
        cls, y_true, y_score, *, task=None, sample_weight=None, ax=None
    ):
        """Draw the curves of scores that were computed before.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True labels; in the wide layout NaN where not observed.
        y_score : array-like of the shape of y_true, or dict of str -> array-like
            Scores or probabilities of the second of the two sorted classes; or those of
            several models by name.
        task : array-like of shape (n_samples,), default=None
            The task of each row, where y_true has one label per row.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels.
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw; see `plot`.

        Returns
        -------
        display
            The display, drawn.
        """
        scores = y_score if isinstance(y_score, dict) else {"model": y_score}
        found = []
        for name, one in scores.items():
            found += outcomes.of_predictions(y_true, one, task, sample_weight, name)
        return cls(found).plot(ax=ax)

    @classmethod
    def from_report(cls, report, *, models=None, tasks=None, ax=None):
        """Draw the curves of the out-of-fold predictions of a comparison.

        Predictions of all folds (and repeats) are pooled, so areas under curves may
        differ a little from those of the report, which are means over folds.

        Parameters
        ----------
        report : ComparisonReport
            What `compare` returned.
        models : str or list of str, default=None
            Which models to draw; None draws all.
        tasks : list of tasks, default=None
            Which of the tasks with two classes to draw; None draws all.
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw; see `plot`.

        Returns
        -------
        display
            The display, drawn.
        """
        tasks = outcomes.tasks_of(report, tasks)
        found = []
        for name in outcomes.models_of(report, models):
            found += [
                replace(o, answer=o.answer[:, 1])
                for o in outcomes.of_report(report, name)
                if o.answer.shape[1] == 2 and o.task in tasks
            ]
        display = cls(found)
        display._reference = report.reference_
        return display.plot(ax=ax)

    @staticmethod
    def _respond(model, rows):
        """Return the scores of the second of two classes, or None."""
        if len(model.classes_) != 2:
            return None
        if hasattr(model, "predict_proba"):
            return model.predict_proba(rows)[:, 1]
        return model.decision_function(rows)

    def _tasks_and_models(self):
        """Return the tasks and the models, in order, the reference first."""
        tasks = list(dict.fromkeys(o.task for o in self.outcomes))
        models = list(dict.fromkeys(o.model for o in self.outcomes))
        return tasks, sorted(models, key=lambda name: name != self._reference)

    def _colours(self, models):
        """Return the colour of each model."""
        others = [name for name in models if name != self._reference]
        if not others:
            others = models
        colours = {m: COLOURS[k % len(COLOURS)] for k, m in enumerate(others)}
        return dict.fromkeys(models, REFERENCE_COLOUR) | colours

    @staticmethod
    def _handles(colours):
        """Return what stands for each model in a legend."""
        from matplotlib.lines import Line2D

        return [
            Line2D([], [], color=colour, label=shortened(name))
            for name, colour in colours.items()
        ]


def _has_both(outcome):
    """Tell whether a task has two classes and labels of both."""
    return len(outcome.classes) == 2 and len(np.unique(outcome.truth)) == 2
