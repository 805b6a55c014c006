"""What the baselines share: any scikit-learn estimator behind the API of tasks."""

import numpy as np
from sklearn import clone, config_context
from sklearn.base import MetaEstimatorMixin, is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import has_fit_parameter, validate_data

from skmtl._compat import HasMethods
from skmtl.base import (
    SHARED,
    BaseTaskEstimator,
    TaskClassesMixin,
    encode_classes,
    warn_of_single_classes,
)
from skmtl.layouts import numeric_labels


def _inner_has(method):
    """Make a method available where all inner estimators have it."""
    return available_if(
        lambda self: all(hasattr(inner, method) for inner in self._inners())
    )


class TaskMetaEstimator(MetaEstimatorMixin, TaskClassesMixin, BaseTaskEstimator):
    """A regressor or a classifier over tasks, whichever its inner estimator is.

    A baseline implements `_fit_inner(X, labels, weighted) -> attributes` and
    `_inner(X, t) -> (fitted inner estimator, its X)` for rows of the task t.
    """

    _parameter_constraints: dict = {
        **BaseTaskEstimator._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict"])],
    }
    __metadata_request__decision_function = {"task": True}

    def _inners(self):
        """Return the estimators that answer, not fitted."""
        return (self.estimator,)

    @property
    def _classifies(self):
        return is_classifier(self.estimator)

    def _check_X(self, X, *, reset):
        """Return tables as they are, other X as an array or csr/csc matrix.

        Its values are left to the inner estimator: only that knows whether strings or
        NaN are welcome.
        """
        if hasattr(X, "columns"):
            return validate_data(self, X, reset=reset, skip_check_array=True)
        return validate_data(
            self,
            X,
            reset=reset,
            accept_sparse=("csr", "csc") if get_tags(self).input_tags.sparse else False,
            dtype=None,
            ensure_all_finite=False,
        )

    def _check_labels(self, X, y, task, sample_weight):
        labels = super()._check_labels(X, y, task, sample_weight)
        return labels if self._classifies else numeric_labels(labels)

    def _fit(self, X, labels, progress):
        weighted = bool(np.any(labels.weight[labels.weight > 0] != 1))
        if weighted and not has_fit_parameter(self.estimator, "sample_weight"):
            raise ValueError(
                f"sample_weight was passed, but {type(self.estimator).__name__}.fit "
                "takes none. Leave it out (weights of 0 and 1 alone are always "
                "possible), or use an estimator that takes weights."
            )
        attributes = {}
        if self._classifies:
            classes, _ = encode_classes(labels)
            attributes = self._class_attributes(labels, classes)
            warn_of_single_classes(labels.tasks, classes)
        return {**attributes, **self._fit_inner(X, labels, weighted)}

    def _label_dtype(self):
        return super()._label_dtype() if self._classifies else np.float64

    def _predict_task(self, X, t):
        if not self._classifies:
            return self._mean_response(X, t)
        classes = self._classes_of(t)
        if len(classes) == 1:
            return np.full(X.shape[0], classes[0])
        if t != SHARED:
            model, Z = self._inner(X, t)
            if np.array_equal(model.classes_, classes):
                return model.predict(Z)
        methods = ("predict_proba", "decision_function", "predict")
        method = next(name for name in methods if hasattr(self.estimator, name))
        return classes[self._class_values(method, X, t).argmax(axis=1)]

    def _mean_response(self, X, t):
        """Return the predictions of an inner regressor, (n,)."""
        model, Z = self._inner(X, t)
        return np.asarray(model.predict(Z), dtype=float).reshape(-1)

    def _class_values(self, method, X, t):
        """Return probabilities, decisions or votes for each class of task t."""
        classes = self._classes_of(t)
        if len(classes) == 1:
            return np.ones((X.shape[0], 1))
        model, Z = self._inner(X, t)
        values = getattr(model, method)(Z)
        if method == "predict":
            values = (values[:, None] == model.classes_).astype(float)
        elif values.ndim == 1:
            values = np.column_stack([-values, values])
        if len(classes) == len(model.classes_):
            return values
        values = values[:, np.searchsorted(model.classes_, classes)]
        if method != "predict_proba":
            return values
        total = values.sum(axis=1, keepdims=True)
        even = np.full_like(values, 1 / len(classes))
        return np.divide(values, total, out=even, where=total > 0)

    def _proba_task(self, X, t):
        return self._class_values("predict_proba", X, t)

    def _decide_task(self, X, t):
        """Return decisions for the classes of task t, (n, K_t)."""
        return self._class_values("decision_function", X, t)

    @_inner_has("predict_proba")
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
            After a wide fit without `task`, a list with an array per task. With a
            scalar `task` the columns are the classes of that task; otherwise those of
            `classes_`, 0 where a class does not belong to the task of a row.
        """
        return super().predict_proba(X, task=task)

    @_inner_has("predict_proba")
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
        return super().predict_log_proba(X, task=task)

    @_inner_has("decision_function")
    def decision_function(self, X, *, task=None):
        """Return the decision values of the inner estimator.

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
            without `task`, per row and task), positive for the last class. Otherwise
            one value per class, shaped as `predict_proba`, minus infinity for classes
            foreign to the task of a row.
        """
        X, codes = self._locate(X, task)
        binary = max(map(len, self.task_classes_.values())) <= 2
        if codes is None:
            values = [self._decide_task(X, t) for t in range(len(self.tasks_))]
            return np.column_stack([v[:, -1] for v in values]) if binary else values
        if binary:
            out = np.empty(len(codes))
            return self._assemble(
                X, codes, lambda rows, t: self._decide_task(rows, t)[:, -1], out
            )
        if task is not None and np.ndim(task) == 0:
            return self._decide_task(X, codes[0])
        return self._by_class(X, codes, self._decide_task, -np.inf)

    def score(self, X, y, *, task=None, sample_weight=None):
        """Return R^2 or the accuracy: over all rows, or the mean over tasks if wide.

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
            The accuracy of a classifier, R^2 of a regressor.
        """
        metric = accuracy_score if self._classifies else r2_score
        return self._score(metric, X, y, task, sample_weight)

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.non_deterministic = inner.non_deterministic
        tags.target_tags.positive_only = inner.target_tags.positive_only
        for name in ("sparse", "allow_nan", "string", "categorical", "positive_only"):
            setattr(tags.input_tags, name, getattr(inner.input_tags, name))
        return tags


def fit_clone(estimator, X, y, weight, context=""):
    """Fit and return a clone; `context` says in an error which task it was for."""
    metadata = {} if weight is None else {"sample_weight": weight}
    # Weights are passed on here, not routed. And the outer fit has switched off the
    # checks of parameters, which the user's own estimator still needs.
    with config_context(enable_metadata_routing=False, skip_parameter_validation=False):
        try:
            return clone(estimator).fit(X, y, **metadata)
        except ValueError as error:
            if not context:
                raise
            raise ValueError(f"{context}: {error}") from error


def plain_labels(y):
    """Return labels out of a column of objects in a dtype of their own."""
    return np.array(y.tolist()) if y.dtype.kind == "O" else y
