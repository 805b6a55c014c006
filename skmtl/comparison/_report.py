"""What came out of a comparison, as tables, text and pictures."""

from pathlib import Path

import numpy as np

from skmtl.comparison._columns import PARTS
from skmtl.comparison._html import as_fragment, as_page
from skmtl.comparison._text import as_text, counted


class ComparisonReport:
    """Scores, gains and verdicts of models on the same folds, per task.

    `compare` and `MTLPipeline.compare` make it. In a notebook it shows itself;
    print its `summary`, `plot` it, take the numbers with `to_frame`, or write a page to
    be shown with `to_html`.

    Parameters
    ----------
    runs : dict of str -> list
        What each model did in each fold.
    reference : str
        The model that the others are compared with.
    folds : list of (train, test)
        Rows of the folds.
    losses : ndarray of shape (n_models, n_tasks, n_folds)
        Mean loss of each model per task and fold.
    scores : dict of str -> ndarray of shape (n_models, n_tasks, n_folds)
        Scores; the first is the main one.
    gains : Gains
        Gains over the reference, with their statistics.
    counts : dict of str -> ndarray of shape (n_tasks, n_folds)
        ``n_train`` and ``n_test``, of labelled rows, or of their groups.
    table : dict of str -> sequence
        What describes the tasks.
    observations : dict of str -> ndarray of shape (n_predicted,)
        Which labels were predicted.
    predictions : dict of str -> ndarray of shape (n_predicted,) or \
(n_predicted, n_classes)
        What each model predicted.
    outcomes : Outcomes
        The binary ones among the labels.
    about : dict
        What else is to be said of the data, the folds and the models.

    Attributes
    ----------
    models_ : list of str
        Names of the models.
    reference_ : str
        The model that the others are compared with.
    tasks_ : ndarray of shape (n_tasks,)
        The tasks.
    metric_ : str
        Name of the main score.
    verdicts_ : dict of str -> dict
        Model -> task -> "helps", "no evidence" or "hurts"; "reference" for that model.
    losses_ : ndarray of shape (n_models, n_tasks, n_folds)
        Mean loss per task and fold; NaN without a label. ``to_frame("data")`` says
        which loss each task has.
    scores_ : dict of str -> ndarray of shape (n_models, n_tasks, n_folds)
        All scores; NaN where they are not defined.
    folds_ : list of (train, test)
        The rows of every fold.
    params_ : dict of str -> list of dict
        What each model tuned in each fold; {} where nothing was tuned.
    observations_ : dict of str -> ndarray of shape (n_predicted,)
        ``fold``, ``row``, ``task``, ``y`` and ``weight`` of each predicted label.
    predictions_ : dict of str -> ndarray of shape (n_predicted,) or \
(n_predicted, n_classes)
        Out-of-fold predictions, in the order of `observations_`: the response, or the
        probabilities of the classes of the label's task, in sorted order.

    See Also
    --------
    compare : Make a report.
    TransferDisplay : The picture.
    TaskCalibrationDisplay, DecisionCurveDisplay : Predicted risks of binary tasks.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from skmtl import IndependentTasks, PooledTasks, compare
    >>> from skmtl import make_group_sparse_tasks
    >>> X, y, task, _ = make_group_sparse_tasks(n_tasks=2, random_state=0)
    >>> report = compare(
    ...     {"alone": IndependentTasks(Ridge()), "pooled": PooledTasks(Ridge())},
    ...     X,
    ...     y,
    ...     task=task,
    ...     random_state=0,
    ... )
    >>> report.to_frame()[["model", "task", "verdict"]]
        model  task      verdict
    0   alone     0    reference
    1   alone     1    reference
    2  pooled     0  no evidence
    3  pooled     1  no evidence
    """

    def __init__(
        self,
        *,
        runs,
        reference,
        folds,
        losses,
        scores,
        gains,
        counts,
        table,
        observations,
        predictions,
        outcomes,
        about,
    ):
        self.models_ = list(runs)
        self.reference_ = reference
        self.tasks_ = table["task"]
        self.metric_ = next(iter(scores))
        self.losses_ = losses
        self.scores_ = scores
        self.folds_ = folds
        self.observations_ = observations
        self.predictions_ = predictions
        self.params_ = {
            name: [one.chosen for one in found] for name, found in runs.items()
        }
        tasks = self.tasks_.tolist()
        self.verdicts_ = {
            name: dict(zip(tasks, row, strict=True))
            for name, row in zip(self.models_, gains.verdict.tolist(), strict=True)
        }
        self._outcomes = outcomes
        self._about = about
        self._gains = gains
        self._counts = counts
        self._table = table
        self._fit_time, self._predict_time, self._empty = (
            np.array([[getattr(one, key) for one in found] for found in runs.values()])
            for key in ("fit_time", "predict_time", "empty")
        )

    def to_frame(self, part="tasks"):
        """Return the numbers as a tidy table.

        Parameters
        ----------
        part : {"tasks", "models", "data", "folds", "params", "predictions", "risk", \
"decisions"}, default="tasks"
            "tasks": a row per model and task, with scores, gain, interval and verdict.
            "models": a row per model, with mean scores, the gain over all tasks, times
            and whether parameters were tuned. "data": a row per task, with its labels
            and the name of its loss. "folds": a row per model, task and fold. "params":
            a row per model, fold and tuned parameter. "predictions": a row per
            predicted label, with a column per model (classifiers: the probability of
            the second class; with more than two classes, a column for each, by
            position). "risk": a row per model and task with two classes, or with
            labels 0 and 1: Brier score and calibration. "decisions": a row per model,
            such task and threshold of risk: net benefits.

        Returns
        -------
        pandas.DataFrame
            ``gain`` is in units of the loss (of the score, if `scoring` was given),
            positive where the model is better than the reference; ``relative_gain``
            divides it by the loss of the reference, and so does the ``gain`` of part
            "models", the mean over tasks. Times are seconds per fold.

            Of the risks, ``brier`` is the mean squared error and ``brier_skill`` what
            part of that of the prevalence it saves. ``slope`` and ``intercept`` are
            those of the true log-odds on the predicted ones: 1 and 0 if risks are
            calibrated, a slope below 1 if they are too extreme (its interval is for
            the given predictions, by rows or `groups`). ``in_the_large`` is the shift
            of log-odds that makes the mean risk the prevalence. ``net_benefit`` is the
            share of true positives less threshold / (1 - threshold) times that of
            false positives, if those at or above the threshold are treated;
            ``treat_all`` that of treating everybody.

        Raises
        ------
        ImportError
            If pandas is not installed; ``pip install "skmtl[data]"`` brings it.
        """
        if part not in PARTS:
            raise ValueError(f"part must be one of {tuple(PARTS)}, got {part!r}.")
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                'to_frame needs pandas; pip install "skmtl[data]" brings it.'
            ) from error
        return pandas.DataFrame(PARTS[part](self))

    def summary(self):
        """Return the result as a short text.

        Returns
        -------
        str
            A table task x model (up to 20 tasks), a line per model, and what the
            numbers mean.
        """
        return as_text(self)

    def plot(self, ax=None):
        """Draw scores and gains.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of two, default=None
            Where to draw: scores on the first and gains on the second; on a single one
            the gains. None makes a figure.

        Returns
        -------
        TransferDisplay
            With `figure_` and `ax_`.

        Raises
        ------
        ImportError
            If matplotlib or pandas is not installed; ``pip install "skmtl[plot,data]"``
            brings both.
        """
        from skmtl.plotting import TransferDisplay

        return TransferDisplay.from_report(self, ax=ax)

    def to_html(self, path):
        """Write the report as a page that can be sent and shown.

        The page is one file with tables, pictures and how to read them. It needs no
        script and no network, and can be read on a telephone. Pictures need matplotlib
        and pandas; without them the page has none and says so.

        Parameters
        ----------
        path : str or path-like
            The file to write.

        Returns
        -------
        pathlib.Path
            The file.
        """
        path = Path(path)
        path.write_text(as_page(self), encoding="utf-8")
        return path

    def __repr__(self):
        return (
            f"ComparisonReport({counted(len(self.models_), 'model')}, "
            f"{counted(len(self.tasks_), 'task')}, {self._about['folds']}, "
            f"reference {self.reference_!r})"
        )

    def _repr_html_(self):
        return as_fragment(self)
