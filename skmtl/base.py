"""What every estimator shares: layouts in and out, requests, labels, unseen tasks, score.

A family implements `_fit(X, labels, progress) -> attributes` and one of `_predict_task`
(regressors), `_proba_task` or `_score_task` (classifiers), each for rows of ONE task; the
classes here read the layouts, find the rows of each task and put the answers together.
"""

import warnings
from contextlib import contextmanager

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _num_samples, check_is_fitted, validate_data

from skmtl._compat import (
    CallbackSupportMixin,
    FitProgress,
    StrOptions,
    fit_context,
    name_request_owner,
    safe_indexing,
)
from skmtl.layouts import TaskIndex, check_weights, numeric_labels, read_labels

SHARED = -1  # stands for "a task never seen": the family's shared part answers


@contextmanager
def keep_previous_fit(estimator):
    """Put the estimator back as it was if the block raises or is interrupted."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        state = vars(estimator)
        running = (
            "_skl_",
            "_callback",
            "_parent_callback",
        )  # scikit-learn tears these down
        kept = {name: v for name, v in state.items() if name.startswith(running)}
        state.clear()
        state.update(before | kept)
        raise


class TaskRequestMixin:
    """Asks metadata routing for ``task`` in fit; subclasses add their other methods."""

    __metadata_request__fit = {"task": True}

    def _get_metadata_request(self):
        request = super()._get_metadata_request()
        return name_request_owner(request, type(self).__name__)


class TaskRowsMixin:
    """Finds the task of each row that a fitted estimator is asked about."""

    def _locate(self, X, task):
        """Check X and task for prediction; return (X, codes or None for all tasks)."""
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        if task is None:
            if self._layout == "long":
                raise ValueError(
                    f"This {type(self).__name__} was fitted with task labels; pass task= "
                    "as well (one label per row, or one for all). Known tasks: "
                    f"{_some(self.tasks_)}."
                )
            return X, (
                None if self._layout == "wide" else np.zeros(_num_samples(X), int)
            )
        if self._layout == "single":
            raise ValueError(
                f"This {type(self).__name__} was fitted without task labels, so task= has "
                "no meaning here. Fit with task=, or leave it out."
            )
        codes = TaskIndex(self.tasks_).codes(task, _num_samples(X))
        self._check_unseen(task, codes)
        return X, codes

    def _check_unseen(self, task, codes):
        """Raise or warn when a task was never seen in fit, as `unseen` says."""
        unseen = codes == SHARED
        if not unseen.any():
            return
        labels = np.broadcast_to(np.asarray(task).reshape(-1), codes.shape)[unseen]
        found = f"{_some(np.unique(labels))} in {int(unseen.sum())} rows"
        if self.unseen == "raise":
            raise ValueError(
                f"Task labels never seen in fit: {found}. Known tasks: "
                f"{_some(self.tasks_)}. Pass unseen='shared' to predict new tasks with "
                "the part that the tasks share."
            )
        warnings.warn(
            f"Task labels never seen in fit: {found}; predicted with the shared part.",
            UserWarning,
            stacklevel=4,
        )

    def _assemble(self, X, codes, answer, out):
        """Fill `out` row by row with `answer(X rows, task position)`."""
        present = np.unique(codes)
        if len(present) == 1:
            out[...] = answer(X, present[0])
            return out
        for t in present:
            rows = np.flatnonzero(codes == t)
            out[rows] = answer(safe_indexing(X, rows), t)
        return out


class BaseTaskEstimator(
    TaskRequestMixin, TaskRowsMixin, CallbackSupportMixin, BaseEstimator
):
    """Fit and predict over tasks in any layout; see the module's docstring."""

    __metadata_request__predict = {"task": True}
    __metadata_request__score = {"task": True}

    _parameter_constraints: dict = {"unseen": [StrOptions({"raise", "shared"})]}

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, *, task=None, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            One label per row, or one column per task with NaN where not observed.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row, where y has one label per row. None: one task.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights; 0 leaves a label out. None: every label counts the same.

        Returns
        -------
        self : object
            The fitted estimator. A fit that raises leaves the previous one in place.
        """
        with keep_previous_fit(self):
            labels = self._check_labels(X, y, task, sample_weight)
            values = self._check_X(X, reset=True)
            metadata = {"task": task, "sample_weight": sample_weight}
            given = {name: v for name, v in metadata.items() if v is not None}
            progress = FitProgress(self, X, y, given)
            attributes = self._fit(values, labels, progress)
            attributes = {**self._label_attributes(labels), **attributes}
            vars(self).update(attributes)
            progress.finish(lambda: attributes)
        return self

    def _check_X(self, X, *, reset):
        """Return X as a finite float64 array or csr/csc matrix, or raise."""
        return validate_data(
            self,
            X,
            reset=reset,
            accept_sparse=("csr", "csc"),
            dtype=np.float64,
        )

    def _check_labels(self, X, y, task, sample_weight):
        """Read y and task in whatever layout they come."""
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the "
                "target y is None."
            )
        labels = read_labels(y, task, sample_weight)
        n_rows, n_labels = _num_samples(X), len(labels.y)
        if n_rows != n_labels:
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: X has "
                f"{n_rows} rows, y has {n_labels}."
            )
        return labels

    def _label_attributes(self, labels):
        """Return the attributes that say which tasks were fitted, and how."""
        return {"tasks_": labels.tasks, "_layout": labels.layout}

    def predict(self, X, *, task=None):
        """Predict the mean response (regressors) or the most probable class.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row; needed where the model was fitted with `task`. After a
            wide fit it picks one task per row.

        Returns
        -------
        ndarray of shape (n_samples,) or, after a wide fit without `task`, \
(n_samples, n_tasks)
            The predictions.
        """
        X, codes = self._locate(X, task)
        if codes is None:
            return self._predict_all(X)
        out = np.empty(len(codes), self._label_dtype())
        return self._assemble(X, codes, self._predict_task, out)

    def _predict_all(self, X):
        """Return the predictions of every task for every row, (n, T)."""
        out = np.empty((_num_samples(X), len(self.tasks_)), self._label_dtype())
        for t in range(len(self.tasks_)):
            out[:, t] = self._predict_task(X, t)
        return out

    def _labels_to_score(self, X, y, task, sample_weight):
        """Return wide true labels (n, T) and weights, checked against the fitted tasks."""
        labels = read_labels(y, None, sample_weight, empty_tasks=True)
        if labels.layout != "wide" or labels.n_tasks != len(self.tasks_):
            raise ValueError(
                f"y must have one column for each of the {len(self.tasks_)} fitted tasks, "
                f"got shape {np.shape(y)}."
            )
        if hasattr(y, "columns") and labels.tasks.tolist() != self.tasks_.tolist():
            raise ValueError(
                f"The columns of y ({_some(labels.tasks)}) are not the fitted tasks "
                f"({_some(self.tasks_)}) in their order."
            )
        return labels

    def _score(self, metric, X, y, task, sample_weight):
        """Return the metric over all rows, or its mean over the tasks of wide labels."""
        predicted = self.predict(X) if task is None else self.predict(X, task=task)
        if np.ndim(predicted) == 1:
            if sample_weight is not None:
                sample_weight = check_weights(sample_weight, np.shape(predicted))
            return metric(y, predicted, sample_weight=sample_weight)
        labels = self._labels_to_score(X, y, task, sample_weight)
        scores = []
        for t in range(labels.n_tasks):
            rows, truth, weight = labels.of_task(t)
            if len(rows):
                truth = np.array(truth.tolist())  # out of a column of objects
                scores.append(metric(truth, predicted[rows, t], sample_weight=weight))
        return float(np.mean(scores)) if scores else float("nan")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags


def _some(values, limit=5):
    """List the first values, and how many more there are."""
    shown = ", ".join(repr(v) for v in np.asarray(values).tolist()[:limit])
    more = len(values) - limit
    return f"{shown}, ... ({more} more)" if more > 0 else shown


class BaseTaskRegressor(RegressorMixin, BaseTaskEstimator):
    """Regressors: `_predict_task(X, t)` gives the predictions of task t, shape (n,)."""

    def _check_labels(self, X, y, task, sample_weight):
        return numeric_labels(super()._check_labels(X, y, task, sample_weight))

    def _label_dtype(self):
        return np.float64

    def score(self, X, y, *, task=None, sample_weight=None):
        """Return R^2: over all rows, or the mean over tasks after a wide fit.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True labels; wide ones may be NaN where not observed.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels.

        Returns
        -------
        float
            The coefficient of determination.
        """
        return self._score(r2_score, X, y, task, sample_weight)


def encode_classes(labels):
    """Return (list of the classes of each task, labels with y as class positions).

    Positions are floats, NaN where no label is observed.
    """
    codes = np.full(labels.y.shape, np.nan)
    classes = []
    for t in range(labels.n_tasks):
        rows, y, _ = labels.of_task(t)
        y = np.array(y.tolist()) if y.dtype.kind == "O" else y
        check_classification_targets(y)
        found, positions = np.unique(y, return_inverse=True)
        codes[(rows, t) if labels.layout == "wide" else rows] = positions.reshape(-1)
        classes.append(found)
    return classes, labels.with_y(codes)


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
        """Put the (n, K_t) answers of tasks into the columns of the union of classes."""
        union = _union(list(self.task_classes_.values()))
        position = {c: k for k, c in enumerate(union.tolist())}

        def spread(rows, t):
            out = np.full((_num_samples(rows), len(union)), foreign)
            out[:, [position[c] for c in self._classes_of(t).tolist()]] = answer(rows, t)
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


class BinaryScoreMixin:
    """Probabilities and decisions from one score per row: `_score_task(X, t)`, (n,).

    The score is the log-odds of the positive class, the last of the task's sorted two. A
    task with one class in the training data always predicts that class.
    """

    __metadata_request__decision_function = {"task": True}

    def _proba_task(self, X, t):
        """Return the probabilities of the classes of task t, (n, K_t)."""
        if len(self._classes_of(t)) == 1:
            return np.ones((_num_samples(X), 1))
        from scipy.special import expit

        score = self._score_task(X, t)
        return np.column_stack([expit(-score), expit(score)])

    def decision_function(self, X, *, task=None):
        """Return the log-odds of the positive class, the last of each task's classes.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row; needed where the model was fitted with `task`.

        Returns
        -------
        ndarray of shape (n_samples,) or, after a wide fit without `task`, \
(n_samples, n_tasks)
            Positive where the positive class is the more probable one.
        """
        X, codes = self._locate(X, task)
        if codes is not None:
            return self._assemble(X, codes, self._score_task, np.empty(len(codes)))
        return np.column_stack(
            [self._score_task(X, t) for t in range(len(self.tasks_))]
        )
