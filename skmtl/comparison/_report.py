"""What came out of a comparison, as tables, text and pictures."""

import numpy as np

from skmtl.comparison._statistics import nanmean
from skmtl.comparison._text import as_html, as_text, counted

PARTS = ("tasks", "models", "data", "folds", "predictions")


class ComparisonReport:
    """Scores, gains and verdicts of models on the same folds, per task.

    `compare` and `MTLPipeline.compare` make it. In a notebook it shows itself;
    print its `summary`, `plot` it, or take the numbers with `to_frame`.

    Parameters
    ----------
    runs : dict of str -> list
        What each model did in each fold.
    reference : str
        The model that the others are compared with.
    folds : list of (train, test)
        Rows of the folds.
    words : str
        What to call the folds in text.
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
        Squared error, or log-loss, per task and fold; NaN without a label.
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
        words,
        losses,
        scores,
        gains,
        counts,
        table,
        observations,
    ):
        self.models_ = list(runs)
        self.reference_ = reference
        self.tasks_ = table["task"]
        self.metric_ = next(iter(scores))
        self.losses_ = losses
        self.scores_ = scores
        self.folds_ = folds
        self.observations_ = observations
        self.predictions_ = {
            name: np.concatenate([one.predicted for one in found])
            for name, found in runs.items()
        }
        self.params_ = {
            name: [one.chosen for one in found] for name, found in runs.items()
        }
        tasks = self.tasks_.tolist()
        self.verdicts_ = {
            name: dict(zip(tasks, row, strict=True))
            for name, row in zip(self.models_, gains.verdict.tolist(), strict=True)
        }
        self._words = words
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
        part : {"tasks", "models", "data", "folds", "predictions"}, default="tasks"
            "tasks": a row per model and task, with scores, gain, interval and verdict.
            "models": a row per model, with the gain over all tasks, times and whether
            parameters were tuned. "data": a row per task, with its labels. "folds": a
            row per model, task and fold. "predictions": a row per predicted label, with
            a column per model (classifiers: the probability of the second
            class; with more than two classes, a column for each, by position).

        Returns
        -------
        pandas.DataFrame
            ``gain`` is in units of the loss (of the score, if `scoring` was given),
            positive where the model is better than the reference; ``relative_gain``
            divides it by the loss of the reference, and so does the ``gain`` of part
            "models", the mean over tasks. Times are seconds per fold.

        Raises
        ------
        ImportError
            If pandas is not installed; ``pip install "skmtl[data]"`` brings it.
        """
        if part not in PARTS:
            raise ValueError(f"part must be one of {PARTS}, got {part!r}.")
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                'to_frame needs pandas; pip install "skmtl[data]" brings it.'
            ) from error
        return pandas.DataFrame(getattr(self, f"_{part}_columns")())

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

    def __repr__(self):
        return (
            f"ComparisonReport({counted(len(self.models_), 'model')}, "
            f"{counted(len(self.tasks_), 'task')}, {self._words}, "
            f"reference {self.reference_!r})"
        )

    def _repr_html_(self):
        return as_html(self)

    # ------------------------------------------------------------ columns of tables
    def _settings(self):
        """Say of each model whether it was tuned, and in how many folds it is empty."""
        words = []
        for name, empty in zip(self.models_, self._empty.sum(axis=1), strict=True):
            tuned = "tuned" if any(self.params_[name]) else "fixed"
            where = f", empty in {empty} of {len(self.folds_)} folds" if empty else ""
            words.append(tuned + where)
        return np.array(words)

    def _tasks_columns(self):
        gains, paired = self._gains, self._gains.by_task
        shape = gains.verdict.shape
        scale = gains.scale if gains.relative else np.nan
        columns = {
            "model": np.array(self.models_)[:, None],
            "task": self.tasks_[None],
            "metric": np.array(self.metric_),
            "score": nanmean(self.scores_[self.metric_], axis=-1),
            "score_sd": _deviation(self.scores_[self.metric_]),
        }
        for key, values in self.scores_.items():
            if key != self.metric_:
                columns[key] = nanmean(values, axis=-1)
        columns |= {
            "loss": nanmean(self.losses_, axis=-1),
            "gain": paired.mean,
            "gain_low": paired.low,
            "gain_high": paired.high,
            "relative_gain": paired.mean / scale,
            "relative_low": paired.low / scale,
            "relative_high": paired.high / scale,
            "p": paired.p,
            "p_holm": gains.p_holm,
            "verdict": gains.verdict,
            "n_labels": self._table["n_labels"][None],
            "n_missing": self._table["n_missing"][None],
            **{key: n.mean(axis=1)[None] for key, n in self._counts.items()},
            "fit_time": self._fit_time.mean(axis=1)[:, None],
            "predict_time": self._predict_time.mean(axis=1)[:, None],
            "settings": self._settings()[:, None],
        }
        return {key: np.broadcast_to(v, shape).ravel() for key, v in columns.items()}

    def _models_columns(self):
        overall, verdict = self._gains.overall, self._gains.verdict
        return {
            "model": self.models_,
            "metric": [self.metric_] * len(self.models_),
            "score": nanmean(nanmean(self.scores_[self.metric_], axis=-1), axis=-1),
            "gain": overall.mean,
            "gain_low": overall.low,
            "gain_high": overall.high,
            "helps": (verdict == "helps").sum(axis=1),
            "no_evidence": (verdict == "no evidence").sum(axis=1),
            "hurts": (verdict == "hurts").sum(axis=1),
            "fit_time": self._fit_time.mean(axis=1),
            "predict_time": self._predict_time.mean(axis=1),
            "settings": self._settings(),
        }

    def _data_columns(self):
        return dict(self._table)

    def _folds_columns(self):
        shape = self.losses_.shape
        n_models, _, n_folds = shape
        params = np.empty((n_models, 1, n_folds), dtype=object)
        for m, name in enumerate(self.models_):
            params[m, 0, :] = self.params_[name]
        columns = {
            "model": np.array(self.models_)[:, None, None],
            "task": self.tasks_[None, :, None],
            "fold": np.arange(n_folds)[None, None],
            **self.scores_,
            "loss": self.losses_,
            **{key: n[None] for key, n in self._counts.items()},
            "fit_time": self._fit_time[:, None],
            "predict_time": self._predict_time[:, None],
            "empty": self._empty[:, None],
            "params": params,
        }
        return {key: np.broadcast_to(v, shape).ravel() for key, v in columns.items()}

    def _predictions_columns(self):
        columns = dict(self.observations_)
        for name, values in self.predictions_.items():
            if values.ndim == 1:
                columns[name] = values
            elif values.shape[1] == 2:
                columns[name] = values[:, 1]
            else:
                for k in range(values.shape[1]):
                    columns[f"{name}[{k}]"] = values[:, k]
        return columns


def _deviation(values):
    """Return the standard deviation over folds of what is not NaN."""
    n = np.isfinite(values).sum(axis=-1)
    centred = values - nanmean(values, axis=-1)[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(np.nansum(centred**2, axis=-1) / np.where(n > 1, n - 1, np.nan))
