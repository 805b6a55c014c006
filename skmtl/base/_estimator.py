"""Fit, predict and score over tasks in any layout."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import validate_data

from skmtl._compat import (
    CallbackSupportMixin,
    FitProgress,
    KnownParameters,
    StrOptions,
    fit_context,
    num_samples,
)
from skmtl.base._rows import (
    TaskRequestMixin,
    TaskRowsMixin,
    keep_previous_fit,
    some,
)
from skmtl.layouts import check_weights, moderate, numeric_labels, read_labels


class BaseTaskEstimator(
    TaskRequestMixin,
    TaskRowsMixin,
    CallbackSupportMixin,
    KnownParameters,
    BaseEstimator,
):
    """Fit and predict over tasks in any layout; see `skmtl.base`."""

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
        if reset and _as_wanted(X):
            self._know_features(X.shape[1])
            return X
        return validate_data(
            self,
            X,
            reset=reset,
            accept_sparse=("csr", "csc"),
            dtype=np.float64,
        )

    def _know_features(self, n_features, names=None):
        """Take note of the features; what is said of them by name is read with it."""
        self.n_features_in_ = n_features
        vars(self).pop("feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = names

    def _check_labels(self, X, y, task, sample_weight, *, empty_tasks=False):
        """Read y and task in whatever layout they come."""
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but "
                "the target y is None."
            )
        labels = read_labels(y, task, sample_weight, empty_tasks=empty_tasks)
        n_rows, n_labels = num_samples(X), len(labels.y)
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
        out = np.empty((num_samples(X), len(self.tasks_)), self._label_dtype())
        for t in range(len(self.tasks_)):
            out[:, t] = self._predict_task(X, t)
        return out

    def _labels_to_score(self, X, y, task, sample_weight):
        """Return wide true labels and weights, checked against the fitted tasks."""
        labels = read_labels(y, None, sample_weight, empty_tasks=True)
        if labels.layout != "wide" or labels.n_tasks != len(self.tasks_):
            raise ValueError(
                f"y must have one column for each of the {len(self.tasks_)} fitted "
                f"tasks, got shape {np.shape(y)}."
            )
        if hasattr(y, "columns") and labels.tasks.tolist() != self.tasks_.tolist():
            raise ValueError(
                f"The columns of y ({some(labels.tasks)}) are not the fitted tasks "
                f"({some(self.tasks_)}) in their order."
            )
        return labels

    def _parts_to_score(self, X, codes, y, sample_weight):
        """Return (position of the task, rows, true numbers, weights) of each task.

        Of those with labels among rows that `_locate` has found; `SHARED` may be one.
        """
        if codes is None:
            labels = self._labels_to_score(X, y, None, sample_weight)
            places = range(labels.n_tasks)
        else:
            labels = read_labels(np.ravel(y), codes, sample_weight)
            places = labels.tasks.tolist()
        labels = numeric_labels(labels)
        parts = [(t, *labels.of_task(k)) for k, t in enumerate(places)]
        return [part for part in parts if len(part[1])]

    def _score(self, metric, X, y, task, sample_weight):
        """Return the metric over all rows, or its mean over wide tasks."""
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
                # Out of columns of objects, where tasks have labels of several kinds.
                truth = np.array(truth.tolist())
                answers = np.array(predicted[rows, t].tolist())
                scores.append(metric(truth, answers, sample_weight=weight))
        return float(np.mean(scores)) if scores else float("nan")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags


def _as_wanted(X):
    """Tell at one look whether X is a nameless table of finite numbers.

    There is nothing to convert or to refuse then. Where squares are too large as well,
    it is left to others to tell what is wrong.
    """
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype != np.float64:
        return False
    return X.size > 0 and moderate(X)


class BaseTaskRegressor(RegressorMixin, BaseTaskEstimator):
    """Regressors: `_predict_task(X, t)` gives the predictions of task t, shape (n,)."""

    def _check_labels(self, X, y, task, sample_weight, **options):
        labels = super()._check_labels(X, y, task, sample_weight, **options)
        return numeric_labels(labels)

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
