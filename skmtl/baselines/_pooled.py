"""One model for all tasks."""

import numpy as np
from scipy import sparse
from sklearn.dummy import DummyClassifier
from sklearn.utils import get_tags

from skmtl._compat import StrOptions, safe_indexing
from skmtl.base import SHARED
from skmtl.baselines._meta import TaskMetaEstimator, fit_clone, plain_labels


class PooledTasks(TaskMetaEstimator):
    """Fit one clone of any scikit-learn estimator to the rows of all tasks together.

    The other reference for joint learning: what is gained if tasks do not differ, but
    perhaps in their level. It takes any layout, and is a regressor or a classifier as
    `estimator` is. Wide labels are stacked task by task, a row per observed label; a
    regressor then gets each task's labels standardised (weighted mean 0, deviation 1;
    divided by their mean where `estimator` needs labels >= 0), for they are outcomes in
    units of their own, and predicts in the user's units.

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
        **TaskMetaEstimator._parameter_constraints,
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
            if labels.layout == "wide" and n_tasks > 1:
                counts = get_tags(self.estimator).target_tags.positive_only
                measure = _zero_and_mean if counts else _mean_and_deviation
                scales = np.array([measure(y, weight) for _, y, weight in parts])
            mean, scale = scales.T
            parts = [
                (rows, (y - mean[t]) / scale[t], weight)
                for t, (rows, y, weight) in enumerate(parts)
            ]
            attributes.update(y_mean_=mean, y_scale_=scale)
        else:
            parts = [(rows, plain_labels(y), weight) for rows, y, weight in parts]
            if len({y.dtype.kind == "U" for _, y, _ in parts}) > 1:
                raise ValueError(
                    "PooledTasks fits one classifier: the classes of all tasks must be "
                    "strings, or those of none. Convert the labels to one kind."
                )
        rows, y, weight = map(np.concatenate, zip(*parts, strict=True))
        codes = np.repeat(np.arange(n_tasks), [len(part[0]) for part in parts])
        if labels.layout != "wide":  # each row once: keep them in their order
            order = np.argsort(rows)
            rows, y, weight, codes = rows[order], y[order], weight[order], codes[order]
        if not np.array_equal(rows, np.arange(X.shape[0])):
            X = safe_indexing(X, rows)
        if attributes["_indicator"] is not None:
            X = _append_columns(X, attributes["_indicator"][codes], labels.tasks)
        single = self._classifies and len(np.unique(y)) == 1
        attributes["estimator_"] = fit_clone(
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


def _zero_and_mean(y, weight):
    """Return 0 and the weighted mean, for labels that must not become negative."""
    mean = np.average(y, weights=weight)
    return 0.0, mean if mean > 0 else 1.0


def _mean_and_deviation(y, weight):
    """Return the weighted mean and deviation of labels; the latter 1 if constant."""
    mean = np.average(y, weights=weight)
    scale = np.sqrt(np.average((y - mean) ** 2, weights=weight))
    constant = scale <= 10 * np.finfo(float).eps * np.abs(y).max()
    return mean, 1.0 if constant else scale


def _append_columns(X, columns, tasks):
    """Append one column per task to X, of whatever type it is."""
    if sparse.issparse(X):
        return sparse.hstack([X, sparse.csr_matrix(columns)], format="csr")
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
