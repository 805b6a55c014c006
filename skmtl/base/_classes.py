"""Classes and probabilities over tasks that may have different classes."""

import warnings

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from skmtl._compat import num_samples
from skmtl.base._estimator import BaseTaskEstimator
from skmtl.base._rows import SHARED, some


def encode_classes(labels):
    """Return (list of the classes of each task, labels with y as class positions).

    Positions are floats, NaN where no label is observed.
    """
    codes = np.full(labels.y.shape, np.nan)
    classes = []
    for t in range(labels.n_tasks):
        rows, y, _ = labels.of_task(t)
        y = np.array(y.tolist()) if y.dtype.kind == "O" else y
        if y.dtype.kind == "f" and np.isinf(y).any():
            raise ValueError("Input y contains infinity; classes must be finite.")
        check_classification_targets(y)
        found, positions = np.unique(y, return_inverse=True)
        codes[(rows, t) if labels.layout == "wide" else rows] = positions.reshape(-1)
        classes.append(found)
    return classes, labels.with_y(codes)


def with_class_weight(coded, labels, class_weight):
    """Return coded labels with weights multiplied by those of their classes."""
    if class_weight is None:
        return coded
    weight = coded.weight.copy()
    for t in range(labels.n_tasks):
        rows, y, own = labels.of_task(t)
        if not len(y):
            continue
        y = np.array(y.tolist())
        where = (rows, t) if labels.layout == "wide" else rows
        if class_weight == "balanced":  # in weight: a row twice is weight 2
            _, place = np.unique(y, return_inverse=True)
            total = np.bincount(place, own)
            factor = (total.mean() / total)[place]
        else:
            factor = compute_sample_weight(class_weight, y)
        bad = y[~((factor > 0) & np.isfinite(factor))]
        if len(bad):
            raise ValueError(
                f"class_weight of class {bad[0].item()!r} must be positive and "
                "finite. To leave a class out, drop its rows."
            )
        weight[where] *= factor
    return coded.with_weight(weight)


def warn_of_single_classes(tasks, classes):
    """Warn of tasks that can only ever predict the one class they were fitted with."""
    single = [t for t, c in zip(tasks.tolist(), classes, strict=True) if len(c) == 1]
    if single:
        warnings.warn(
            f"{len(single)} task(s) have labels of one class only ({some(single)}) in "
            "the training data; they will always predict that class.",
            UserWarning,
            stacklevel=5,
        )


class TaskClassesMixin:
    """Classes and probabilities: `_proba_task(X, t)` gives (n, K_t) for task t."""

    __metadata_request__predict_proba = {"task": True}
    __metadata_request__predict_log_proba = {"task": True}

    def _class_attributes(self, labels, classes):
        """Return classes_ and task_classes_ for the fitted tasks."""
        by_task = dict(zip(labels.tasks.tolist(), classes, strict=True))
        if labels.layout == "wide":
            return {"classes_": classes, "task_classes_": by_task}
        return {"classes_": _union(classes), "task_classes_": by_task}

    def _classes_of(self, t):
        """Return the classes of the task at position t; of all for a new task."""
        classes = list(self.task_classes_.values())
        if t != SHARED:
            return classes[t]
        shared = max(classes, key=len)
        for c in classes:  # a task where one class never occurred is no obstacle
            if not np.isin(c, shared).all() or 1 < len(c) < len(shared):
                raise ValueError(
                    "The tasks have different classes, so there is no shared part to "
                    "predict a new task with. Pass unseen='raise', or fit tasks of "
                    "equal classes."
                )
        return shared

    def _label_dtype(self):
        return _union(list(self.task_classes_.values())).dtype

    def _predict_task(self, X, t):
        """Return the predicted classes of task t, shape (n,)."""
        return self._classes_of(t)[self._proba_task(X, t).argmax(axis=1)]

    def predict_proba(self, X, *, task=None):
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row; needed where the model was fitted with `task`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or a list of them
            After a wide fit without `task`, a list with an array per task, as
            `sklearn.multioutput.MultiOutputClassifier` gives. With a scalar `task` the
            columns are the classes of that task; otherwise those of `classes_` (their
            sorted union), 0 where a class does not belong to the task of a row.
        """
        X, codes = self._locate(X, task)
        if codes is None:
            return [self._proba_task(X, t) for t in range(len(self.tasks_))]
        if task is not None and np.ndim(task) == 0:
            return self._proba_task(X, codes[0] if len(codes) else 0)
        return self._by_class(X, codes, self._proba_task, 0.0)

    def _by_class(self, X, codes, answer, foreign):
        """Put the (n, K_t) answers of tasks into columns for all classes."""
        union = _union(list(self.task_classes_.values()))
        position = {c: k for k, c in enumerate(union.tolist())}

        def spread(rows, t):
            out = np.full((num_samples(rows), len(union)), foreign)
            out[:, [position[c] for c in self._classes_of(t).tolist()]] = answer(
                rows, t
            )
            return out

        return self._assemble(X, codes, spread, np.empty((len(codes), len(union))))

    def predict_log_proba(self, X, *, task=None):
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row; needed where the model was fitted with `task`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or a list of them
            As `predict_proba`; minus infinity where a probability is 0.
        """
        proba = (
            self.predict_proba(X) if task is None else self.predict_proba(X, task=task)
        )
        with np.errstate(divide="ignore"):
            return (
                [np.log(p) for p in proba] if isinstance(proba, list) else np.log(proba)
            )


class BaseTaskClassifier(TaskClassesMixin, ClassifierMixin, BaseTaskEstimator):
    """Classifiers: `_proba_task(X, t)` gives (n, K_t) for the classes of task t."""

    def score(self, X, y, *, task=None, sample_weight=None):
        """Return the accuracy: over all rows, or its mean over tasks after a wide fit.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True labels; wide ones may be missing where not observed.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels.

        Returns
        -------
        float
            The share of labels predicted right.
        """
        return self._score(accuracy_score, X, y, task, sample_weight)


def _union(classes):
    """Return the sorted union of the classes of all tasks, numbers before strings."""
    kinds = {"number" if c.dtype.kind in "biuf" else c.dtype.kind for c in classes}
    if len(kinds) > 1:
        found = {v for c in classes for v in c.tolist()}
        found = sorted(found, key=lambda v: (isinstance(v, str), v))
        return np.array(found, dtype=object)
    return np.unique(np.concatenate(classes))


class ClassScoreMixin:
    """Probabilities and decisions from scores: `_score_task(X, t)`.

    The scores of a task with two classes are (n,), the log-odds of the positive class,
    the last of the sorted two; with K > 2 classes they are (n, K), log-probabilities up
    to a constant per row. A task with one class in the training data always predicts
    that class.
    """

    __metadata_request__decision_function = {"task": True}

    def _proba_task(self, X, t):
        """Return the probabilities of the classes of task t, (n, K_t)."""
        n_classes = len(self._classes_of(t))
        if n_classes == 1:
            return np.ones((num_samples(X), 1))
        from scipy.special import expit, softmax

        score = self._score_task(X, t)
        if n_classes > 2:
            return softmax(score, axis=1)
        return np.column_stack([expit(-score), expit(score)])

    def _decide_task(self, X, t):
        """Return decisions for the classes of task t, (n, K_t)."""
        n_classes, score = len(self._classes_of(t)), self._score_task(X, t)
        if n_classes == 1:
            return score[:, None]
        return score if n_classes > 2 else np.column_stack([-score, score])

    def decision_function(self, X, *, task=None):
        """Return the log-odds of the positive class, or a score for each class.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row; needed where the model was fitted with `task`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_tasks), or as `predict_proba`
            Where no task has more than two classes, one value per row (after a wide fit
            without `task`, per row and task), positive where the positive class, the
            last of the task's, is the more probable one. Otherwise one value per class,
            shaped as `predict_proba`, minus infinity for classes foreign to the task of
            a row; the largest is that of the most probable class.
        """
        X, codes = self._locate(X, task)
        binary = max(map(len, self.task_classes_.values())) <= 2
        if codes is None:
            answer = self._score_task if binary else self._decide_task
            values = [answer(X, t) for t in range(len(self.tasks_))]
            return np.column_stack(values) if binary else values
        if binary:
            return self._assemble(X, codes, self._score_task, np.empty(len(codes)))
        if task is not None and np.ndim(task) == 0:
            return self._decide_task(X, codes[0] if len(codes) else 0)
        return self._by_class(X, codes, self._decide_task, -np.inf)
