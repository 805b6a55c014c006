"""What joint learning has to beat: one model per task, and one model for all."""

import numpy as np
from scipy import sparse
from sklearn import clone, config_context
from sklearn.base import MetaEstimatorMixin, is_classifier
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import has_fit_parameter, validate_data

from skmtl._compat import HasMethods, StrOptions, safe_indexing
from skmtl.base import SHARED, BaseTaskEstimator, TaskClassesMixin, encode_classes
from skmtl.layouts import numeric_labels


def _inner_has(method):
    """Make a method available where the inner estimator has it."""
    return available_if(lambda self: hasattr(self.estimator, method))


class _TaskMetaEstimator(MetaEstimatorMixin, TaskClassesMixin, BaseTaskEstimator):
    """A regressor or a classifier over tasks, whichever its inner estimator is.

    A baseline implements `_fit_inner(X, labels, weighted) -> attributes` and
    `_inner(X, t) -> (fitted inner estimator, its X)` for rows of the task t.
    """

    _parameter_constraints: dict = {
        **BaseTaskEstimator._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict"])],
    }
    __metadata_request__decision_function = {"task": True}

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
                "takes none. Leave it out (weights of only 0 and 1 are always possible), "
                "or use an estimator that takes weights."
            )
        attributes = {}
        if self._classifies:
            attributes = self._class_attributes(labels, encode_classes(labels)[0])
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
        """Return probabilities, decisions or votes for the classes of task t, (n, K_t)."""
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
            After a wide fit without `task`, a list with an array per task. With a scalar
            `task` the columns are the classes of that task; otherwise those of
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


def _fit_clone(estimator, X, y, weight, context=""):
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


def _plain(y):
    """Return labels out of a column of objects in a dtype of their own."""
    return np.array(y.tolist()) if y.dtype.kind == "O" else y


class IndependentTasks(_TaskMetaEstimator):
    """Fit one clone of any scikit-learn estimator to each task, and share nothing.

    The reference that joint learning has to beat: a task with many rows of its own often
    needs nothing else. It takes any layout, and is a regressor or a classifier as
    `estimator` is.

    Parameters
    ----------
    estimator : estimator
        Regressor or classifier to be cloned. Tables are passed on to it as they are.
    unseen : {"raise", "shared"}, default="raise"
        What to do with rows of a task never seen in fit: raise, or average the
        predictions (the probabilities) of all tasks, with a warning.
    n_jobs : int, default=None
        Number of tasks fitted at the same time; -1 uses all cores.

    Attributes
    ----------
    estimators_ : dict
        Task label -> fitted estimator. A task with one class in the training data has a
        `sklearn.dummy.DummyClassifier`, which predicts that class.
    tasks_ : ndarray of shape (n_tasks,)
        The tasks.
    classes_ : ndarray, or list of ndarray after a wide fit
        Classes, the sorted union over tasks; a wide fit keeps those of each task.
    task_classes_ : dict
        Task label -> its classes. Classifiers only.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has names.

    See Also
    --------
    PooledTasks : One model for all tasks.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmtl import IndependentTasks
    >>> X = np.array([[0.0], [1.0], [0.0], [1.0]])
    >>> y, task = [0.0, 1.0, 0.0, -1.0], ["A", "A", "B", "B"]
    >>> model = IndependentTasks(LinearRegression()).fit(X, y, task=task)
    >>> model.predict([[2.0], [2.0]], task=["A", "B"]).round(6)
    array([ 2., -2.])
    """

    _parameter_constraints: dict = {
        **_TaskMetaEstimator._parameter_constraints,
        "n_jobs": [None, int],
    }

    def __init__(self, estimator, *, unseen="raise", n_jobs=None):
        self.estimator = estimator
        self.unseen = unseen
        self.n_jobs = n_jobs

    def _fit_inner(self, X, labels, weighted):
        def jobs():
            for t, name in enumerate(labels.tasks.tolist()):
                rows, y, weight = labels.of_task(t)
                y = _plain(y)
                single = self._classifies and len(np.unique(y)) == 1
                context = ""
                if labels.layout != "single":
                    context = f"Task {name!r} ({len(rows)} rows) could not be fitted"
                yield delayed(_fit_clone)(
                    DummyClassifier() if single else self.estimator,
                    X if len(rows) == X.shape[0] else safe_indexing(X, rows),
                    y,
                    weight if weighted else None,
                    context,
                )

        models = Parallel(n_jobs=self.n_jobs)(jobs())
        return {"estimators_": dict(zip(labels.tasks.tolist(), models, strict=True))}

    def _inner(self, X, t):
        return self.estimators_[self.tasks_[t].item()], X

    def _mean_response(self, X, t):
        if t != SHARED:
            return super()._mean_response(X, t)
        tasks = range(len(self.tasks_))
        return np.mean([self._mean_response(X, s) for s in tasks], axis=0)

    def _class_values(self, method, X, t):
        if t != SHARED:
            return super()._class_values(method, X, t)
        classes = self._classes_of(SHARED)
        total = np.zeros((X.shape[0], len(classes)))
        for s in range(len(self.tasks_)):
            columns = np.searchsorted(classes, self._classes_of(s))
            total[:, columns] += self._class_values(method, X, s)
        return total / len(self.tasks_)


class PooledTasks(_TaskMetaEstimator):
    """Fit one clone of any scikit-learn estimator to the rows of all tasks together.

    The other reference for joint learning: what is gained if tasks do not differ, but
    perhaps in their level. It takes any layout, and is a regressor or a classifier as
    `estimator` is. Wide labels are stacked task by task, a row per observed label; a
    regressor then gets each task's labels standardised (weighted mean 0, deviation 1),
    for they are outcomes in units of their own, and predicts in the user's units.

    Parameters
    ----------
    estimator : estimator
        Regressor or classifier to be cloned.
    task_features : {"onehot"} or None, default="onehot"
        "onehot" appends a column per task (1 on its rows), so that a linear model has a
        level for each task; None lets the model not know the tasks at all. With one
        task there is nothing to append.
    unseen : {"raise", "shared"}, default="raise"
        What to do with rows of a task never seen in fit: raise, or predict them with
        each task's column at its share of the training weight, with a warning.

    Attributes
    ----------
    estimator_ : estimator
        The fitted clone.
    y_mean_, y_scale_ : ndarray of shape (n_tasks,)
        What was subtracted from each task's labels, and then divided by; 0 and 1 where
        nothing was done. Regressors only.
    tasks_ : ndarray of shape (n_tasks,)
        The tasks.
    classes_ : ndarray, or list of ndarray after a wide fit
        Classes, the sorted union over tasks; a wide fit keeps those of each task.
    task_classes_ : dict
        Task label -> its classes in the training data, the only ones predicted for it.
        Classifiers only.
    n_features_in_ : int
        Number of features, task columns not counted.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has names.

    See Also
    --------
    IndependentTasks : One model per task.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmtl import PooledTasks
    >>> X = np.array([[0.0], [1.0], [0.0], [1.0]])
    >>> y, task = [0.0, 1.0, 10.0, 11.0], ["A", "A", "B", "B"]
    >>> model = PooledTasks(LinearRegression()).fit(X, y, task=task)
    >>> model.predict([[2.0], [2.0]], task=["A", "B"]).round(6)
    array([ 2., 12.])
    """

    _parameter_constraints: dict = {
        **_TaskMetaEstimator._parameter_constraints,
        "task_features": [StrOptions({"onehot"}), None],
    }

    def __init__(self, estimator, *, task_features="onehot", unseen="raise"):
        self.estimator = estimator
        self.task_features = task_features
        self.unseen = unseen

    def _fit_inner(self, X, labels, weighted):
        n_tasks = labels.n_tasks
        parts = [labels.of_task(t) for t in range(n_tasks)]
        shares = np.array([weight.sum() for _, _, weight in parts])
        attributes = {"_indicator": None}
        if self.task_features == "onehot" and n_tasks > 1:
            indicator = np.vstack([np.eye(n_tasks), shares / shares.sum()])
            attributes["_indicator"] = indicator
        if not self._classifies:
            scales = np.array([[0.0, 1.0]] * n_tasks)
            if labels.layout == "wide":
                scales = np.array([_mean_and_scale(y, w) for _, y, w in parts])
            mean, scale = scales.T
            parts = [
                (rows, (y - mean[t]) / scale[t], weight)
                for t, (rows, y, weight) in enumerate(parts)
            ]
            attributes.update(y_mean_=mean, y_scale_=scale)
        rows, y, weight = map(np.concatenate, zip(*parts, strict=True))
        codes = np.repeat(np.arange(n_tasks), [len(part[0]) for part in parts])
        if labels.layout != "wide":  # each row once: keep them in their order
            order = np.argsort(rows)
            rows, y, weight, codes = rows[order], y[order], weight[order], codes[order]
        if not np.array_equal(rows, np.arange(X.shape[0])):
            X = safe_indexing(X, rows)
        if attributes["_indicator"] is not None:
            X = _append_columns(X, attributes["_indicator"][codes], labels.tasks)
        y = _plain(y)
        single = self._classifies and len(np.unique(y)) == 1
        attributes["estimator_"] = _fit_clone(
            DummyClassifier() if single else self.estimator,
            X,
            y,
            weight if weighted else None,
        )
        return attributes

    def _inner(self, X, t):
        if self._indicator is None:
            return self.estimator_, X
        columns = np.broadcast_to(self._indicator[t], (X.shape[0], len(self.tasks_)))
        return self.estimator_, _append_columns(X, columns, self.tasks_)

    def _mean_response(self, X, t):
        response = super()._mean_response(X, t)
        if t == SHARED:
            return response * self.y_scale_.mean() + self.y_mean_.mean()
        return response * self.y_scale_[t] + self.y_mean_[t]


def _mean_and_scale(y, weight):
    """Return the weighted mean and deviation of labels; the latter 1 if constant."""
    mean = np.average(y, weights=weight)
    scale = np.sqrt(np.average((y - mean) ** 2, weights=weight))
    constant = scale <= 10 * np.finfo(float).eps * np.abs(y).max()
    return mean, 1.0 if constant else scale


def _append_columns(X, columns, tasks):
    """Append one column per task to X, of whatever type it is."""
    if sparse.issparse(X):
        return sparse.hstack([X, columns], format="csr")
    if not hasattr(X, "columns"):
        dtype = X.dtype if X.dtype.kind in "fO" else np.float64
        if X.dtype.kind in "US":
            X, dtype = X.astype(object), object
        return np.hstack([X, columns.astype(dtype)])
    taken, names = {str(c) for c in X.columns}, [f"task_{label}" for label in tasks]
    while taken & set(names):
        names = ["_" + name for name in names]
    if type(X).__module__.split(".")[0] == "polars":
        import polars

        return X.hstack(polars.from_numpy(columns, schema=names))
    import pandas

    X = X.set_axis([str(c) for c in X.columns], axis=1)  # names must all be strings
    return pandas.concat([X, pandas.DataFrame(columns, X.index, names)], axis=1)
