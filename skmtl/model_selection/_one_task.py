"""A stand-in for one task of a fitted model, which scikit-learn's scorers can score.

The model answers once for all rows; scorers then see an ordinary estimator of one task
whose X are row numbers. So every scorer works, with its own choice of response, and
none has to be taken apart.
"""

from dataclasses import replace
from functools import cache

import numpy as np
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import ClassifierTags, RegressorTags
from sklearn.utils.metaestimators import available_if

from skmtl._compat import num_samples
from skmtl.base._rows import some
from skmtl.layouts import read_labels


class UndefinedScoreError(Exception):
    """Asks for the probabilities of a task with one class."""


def without_search(estimator):
    """Return what answers in the place of a fitted search."""
    while hasattr(estimator, "best_estimator_"):
        estimator = estimator.best_estimator_
    return estimator


def learned(model, name):
    """Return a fitted attribute of a model, or of what it ends in, or None."""
    while model is not None:
        if hasattr(model, name):
            return getattr(model, name)
        steps = getattr(model, "steps", None)
        if hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif steps:
            model = steps[-1][1]
        else:
            model = getattr(model, "estimator_", None)
    return None


def read_task(model, X):
    """Return the task of each row as the model reads it from X; None if it does not."""
    for reader in (model, getattr(model, "estimator", None)):
        if hasattr(reader, "get_task"):
            return reader.get_task(X)
    return None


def read_truth(model, y, task, sample_weight):
    """Read y; in the wide layout its columns must be the tasks of the model."""
    labels = read_labels(y, task, sample_weight, empty_tasks=True)
    fitted = learned(model, "tasks_")
    if labels.layout == "long":
        return labels
    if labels.layout == "single":
        if fitted is None or len(fitted) > 1:
            raise ValueError(
                "X and y cannot tell which task each row belongs to. Pass task=, or "
                "wrap the model in MTLPipeline with task_col=, or pass y with a column "
                "per task."
            )
        return labels
    if fitted is not None:
        named = hasattr(y, "columns")
        if len(fitted) != labels.n_tasks or (named and any(fitted != labels.tasks)):
            raise ValueError(
                f"The columns of y ({some(labels.tasks)}) are not the fitted tasks "
                f"({some(fitted)}) in their order."
            )
        labels = replace(labels, tasks=fitted)
    return labels


class Answers:
    """What a model answers for all rows, asked once for each method.

    Parameters
    ----------
    model : fitted estimator
    X : array-like of shape (n, p)
    task : array-like of shape (n,), scalar or None
        Passed on to the model unless None.
    """

    def __init__(self, model, X, task=None):
        if task is not None and np.ndim(task) == 0:
            # For a scalar, probabilities would come in the columns of that task alone.
            task = np.full(num_samples(X), task)
        metadata = {} if task is None else {"task": task}
        self.model = model
        self.classifies = is_classifier(model)
        routing = get_config()["enable_metadata_routing"]

        @cache
        def ask(method):
            with config_context(
                enable_metadata_routing=routing
            ):  # as the caller has it
                return getattr(model, method)(X, **metadata)

        self.ask = ask

    def of_task(self, t, label, truth, binary):
        """Return the stand-in for a task: its label, and position in the wide layout.

        With `binary`, a regressor's predictions are taken for probabilities of 1.
        """
        if self.classifies:
            own = self._classes(t, label)
            return OneTask(self, t, own, np.union1d(own, truth))
        return OneTask(self, t, None, np.array([0, 1]) if binary else None)

    def _classes(self, t, label):
        """Return the classes that the model knows of a task."""
        classes = learned(self.model, "classes_")
        if isinstance(classes, list):
            return classes[t]
        by_task = learned(self.model, "task_classes_") or {}
        return by_task.get(label, classes)

    def columns(self, method, t, own):
        """Return an answer for a task: (n,), or (n, K_t) in the order of `own`."""
        answer = self.ask(method)
        if isinstance(answer, list):
            return answer[t]
        if answer.ndim == 1:
            return answer
        classes = learned(self.model, "classes_")
        if own is None or method == "predict" or isinstance(classes, list):
            return answer[:, t]
        return answer[:, np.isin(classes, own)]


def _asked(method):
    """Offer a method where the model has it, or a regressor stands in for it."""

    def check(self):
        if self.classes_ is None:
            return False
        if self.own is None:
            return method == "predict_proba"
        return hasattr(self.answers.model, method)

    return available_if(check)


class OneTask(BaseEstimator):
    """A fitted estimator of one task, for rows given by number.

    Parameters
    ----------
    answers : Answers
    t : int
        Position of the task, in the wide layout.
    own : ndarray or None
        The classes that the model knows; None for a regressor.
    classes : ndarray or None
        Those and any others to be scored; they get probability 0.
    """

    def __init__(self, answers, t, own, classes):
        self.answers = answers
        self.t = t
        self.own = own
        self.classes_ = classes

    def _rows(self, method, rows):
        return np.asarray(self.answers.columns(method, self.t, self.own))[rows]

    def predict(self, rows):
        """Return the predictions, or the more probable of 0 and 1."""
        values = np.array(self._rows("predict", rows).tolist())  # no column of objects
        if self.own is None and self.classes_ is not None:
            return self.classes_[(values > 0.5).astype(int)]
        return values

    @_asked("predict_proba")
    def predict_proba(self, rows):
        """Return the probabilities of `classes_`."""
        if len(self.classes_) == 1:
            raise UndefinedScoreError
        if self.own is None:
            positive = np.clip(self._rows("predict", rows), 0, 1)
            return np.column_stack([1 - positive, positive])
        out = np.zeros((len(rows), len(self.classes_)))
        out[:, np.isin(self.classes_, self.own)] = self._rows("predict_proba", rows)
        return out

    @_asked("decision_function")
    def decision_function(self, rows):
        """Return one value per row, or per class where there are more than two."""
        values = self._rows("decision_function", rows)
        return values[:, -1] if values.ndim == 2 and len(self.own) <= 2 else values

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if self.classes_ is None:
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        else:
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        return tags
