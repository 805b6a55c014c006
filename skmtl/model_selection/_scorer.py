"""Scores per task, in any layout."""

import warnings
from inspect import signature

import numpy as np
from sklearn import config_context, metrics
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import get_scorer, make_scorer
from sklearn.utils.metadata_routing import MetadataRequest

from skmtl.base._rows import some
from skmtl.model_selection._one_task import (
    Answers,
    UndefinedScoreError,
    learned,
    read_task,
    read_truth,
    without_search,
)

# Scorers of probabilities that must be told all classes: a test fold may lack one.
METRICS_WITH_LABELS = {
    "neg_log_loss": "log_loss",
    "d2_log_loss_score": "d2_log_loss_score",
    "neg_brier_score": "brier_score_loss",
    "d2_brier_score": "d2_brier_score",
    "roc_auc_ovr": "roc_auc_score",
    "roc_auc_ovo": "roc_auc_score",
    "roc_auc_ovr_weighted": "roc_auc_score",
    "roc_auc_ovo_weighted": "roc_auc_score",
}
# Beginnings of the names of scorers of classes and probabilities. A regressor of mixed
# outcomes answers them with the probabilities that it predicts for a 0/1 task.
CLASSIFICATION = (
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "d2_brier_score",
    "d2_log_loss_score",
    "f1",
    "jaccard",
    "matthews_corrcoef",
    "neg_brier_score",
    "neg_log_loss",
    "precision",
    "recall",
    "roc_auc",
)


class TaskScorer:
    """Score each task on its own, and average; to be passed as ``scoring=``.

    scikit-learn's own scorers score all rows together, so that tasks which differ only
    in their mean look well predicted, and they refuse missing labels. This one scores
    the rows of each task by themselves: in the wide layout those with a label, with the
    probabilities of the task's own classes only.

    Parameters
    ----------
    scoring : str, callable or mapping
        Name of a scikit-learn scorer ("r2", "roc_auc", "neg_log_loss"); a scorer made
        by `sklearn.metrics.make_scorer`; or a metric ``f(y_true, y_pred)`` that is
        larger where predictions are better. A mapping task -> one of these scores mixed
        outcomes; it must name every task, and the average is over unlike scores.
    aggregate : {"mean", "worst"} or None, default="mean"
        "mean" averages over tasks and "worst" takes the lowest score, both over the
        tasks for which the score is defined. None returns a dict with ``task_<label>``
        for each task, "mean" and "worst": `cross_validate` reports each of them.

    See Also
    --------
    TaskKFold : Folds in which every task is present.

    Notes
    -----
    The tasks of the rows are, in this order: the argument `task`, which metadata
    routing passes without any request; what ``estimator.get_task(X)`` says, as
    `MTLPipeline` does; the columns of y in the wide layout. Searches are scored by
    their best estimator. A score that is not defined, such as the area under the curve
    of a task with one class in the test part, is NaN and left out.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmtl import IndependentTasks, TaskScorer
    >>> X = np.arange(8.0)[:, None]
    >>> y, task = [0, 1, 2, 3, 0, -1, -3, -3], np.repeat(["A", "B"], 4)
    >>> model = IndependentTasks(LinearRegression()).fit(X, y, task=task)
    >>> scores = TaskScorer("r2", aggregate=None)(model, X, y, task=task)
    >>> {name: round(value, 3) for name, value in scores.items()}
    {'task_A': 1.0, 'task_B': 0.896, 'mean': 0.948, 'worst': 0.896}
    """

    def __init__(self, scoring, *, aggregate="mean"):
        if aggregate not in ("mean", "worst", None):
            raise ValueError(
                f"aggregate must be 'mean', 'worst' or None, got {aggregate!r}."
            )
        for one in scoring.values() if hasattr(scoring, "items") else [scoring]:
            _as_scorer(one)
        self.scoring = scoring
        self.aggregate = aggregate

    def __call__(self, estimator, X, y, *, task=None, sample_weight=None):
        """Score a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            The fitted model, or a search over it.
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features, as the estimator takes them.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True labels; in the wide layout NaN where not observed.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row, where neither X nor y says it.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels; 0 leaves a label out.

        Returns
        -------
        float or dict of str -> float
            The aggregate, or with ``aggregate=None`` all scores. Greater is better.

        Raises
        ------
        ValueError
            If y is one-dimensional and nothing says which task each row belongs to, or
            `scoring` lacks a task.
        """
        model = without_search(estimator)
        known = read_task(model, X) if task is None else task
        labels = read_truth(model, y, known, sample_weight)
        answers = Answers(model, X, task)
        fitted = learned(model, "tasks_")
        scores = dict.fromkeys([] if fitted is None else fitted.tolist(), float("nan"))
        for t, label in enumerate(labels.tasks.tolist()):
            rows, truth, weight = labels.of_task(t)
            if len(rows):
                metadata = {} if sample_weight is None else {"sample_weight": weight}
                truth = np.array(truth.tolist())  # out of a column of objects
                scores[label] = self._score_task(
                    answers, t, label, rows, truth, metadata
                )
        return self._aggregate(scores)

    def _aggregate(self, scores):
        """Return what `aggregate` says of {task: score}."""
        defined = [score for score in scores.values() if not np.isnan(score)]
        mean = float(np.mean(defined)) if defined else float("nan")
        worst = min(defined, default=float("nan"))
        if self.aggregate is None:
            named = {f"task_{label}": score for label, score in scores.items()}
            return {**named, "mean": mean, "worst": worst}
        return mean if self.aggregate == "mean" else worst

    def _score_task(self, answers, t, label, rows, truth, metadata):
        """Return the score of one task, NaN where it is not defined."""
        scoring = self._scoring_of(label)
        name = scoring if isinstance(scoring, str) else ""
        binary = name.startswith(CLASSIFICATION) and not answers.classifies
        if binary and not np.isin(truth, [0, 1]).all():
            raise ValueError(
                f"The model is a regressor, so scoring {name!r} needs labels 0 and 1; "
                f"task {label!r} has others. Pass a mapping task -> scoring."
            )
        truth = truth.astype(int) if binary else truth
        model = answers.of_task(t, label, truth, binary)
        if name in METRICS_WITH_LABELS and model.classes_ is not None:
            metric = getattr(metrics, METRICS_WITH_LABELS[name])
            if "labels" in signature(metric).parameters:
                metadata = {**metadata, "labels": model.classes_}
        return _score_or_nan(_as_scorer(scoring), model, rows, truth, metadata)

    def _scoring_of(self, label):
        """Return what to score a task by."""
        if not hasattr(self.scoring, "items"):
            return self.scoring
        if label not in self.scoring:
            raise ValueError(
                f"scoring has no entry for task {label!r}; it has entries for "
                f"{some(list(self.scoring))}."
            )
        return self.scoring[label]

    def get_metadata_routing(self):
        """Ask metadata routing for `task` and `sample_weight`.

        Returns
        -------
        MetadataRequest
            The requests.
        """
        request = MetadataRequest(owner=type(self).__name__)
        for name in ("task", "sample_weight"):
            request.score.add_request(param=name, alias=True)
        return request

    def _accept_sample_weight(self):
        """Tell searches to pass the weights of the test part (routing off)."""
        return True

    def __repr__(self):
        return f"{type(self).__name__}({self.scoring!r}, aggregate={self.aggregate!r})"


def _as_scorer(scoring):
    """Return a scikit-learn scorer from a name, a scorer or a metric, or raise."""
    if isinstance(scoring, str):
        return get_scorer(scoring)
    if not callable(scoring):
        raise TypeError(
            "scoring must be the name of a scorer, a scorer, a metric "
            f"f(y_true, y_pred) or a mapping of tasks to these, got {scoring!r}."
        )
    if hasattr(scoring, "get_metadata_routing"):
        return scoring
    name = getattr(scoring, "__name__", "")
    if name.endswith(("_loss", "_error", "_deviance")):
        raise ValueError(
            f"{name} is smaller where predictions are better, but scores must be "
            "larger. Pass the name of its scorer (such as 'neg_mean_squared_error'), "
            f"or make_scorer({name}, greater_is_better=False)."
        )
    return make_scorer(scoring)


def _score_or_nan(scorer, model, rows, truth, metadata):
    """Return a score; NaN, without a warning, where it is not defined."""
    # Routing is on because scorers take `labels` only then.
    with (
        warnings.catch_warnings(record=True) as caught,
        config_context(enable_metadata_routing=True),
    ):
        warnings.simplefilter("always")
        try:
            score = float(scorer(model, rows, truth, **metadata))
        except UndefinedScoreError:
            return float("nan")
    for warning in caught:
        if not (np.isnan(score) and warning.category is UndefinedMetricWarning):
            warnings.warn(warning.message, stacklevel=5)
    return score
