"""One model per task."""

from collections.abc import Mapping
from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.utils.parallel import Parallel, delayed

from skmtl._compat import safe_indexing
from skmtl.base import SHARED
from skmtl.baselines._meta import TaskMetaEstimator, fit_clone, plain_labels


class IndependentTasks(TaskMetaEstimator):
    """Fit one clone of any scikit-learn estimator to each task, and share nothing.

    The reference that joint learning has to beat: a task with many rows of its own
    often needs nothing else. It takes any layout, and is a regressor or a classifier as
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
        **TaskMetaEstimator._parameter_constraints,
        "n_jobs": [None, Integral],
    }

    def __init__(self, estimator, *, unseen="raise", n_jobs=None):
        self.estimator = estimator
        self.unseen = unseen
        self.n_jobs = n_jobs

    def _fit_inner(self, X, labels, weighted):
        def jobs():
            for t, name in enumerate(labels.tasks.tolist()):
                rows, y, weight = labels.of_task(t)
                y = plain_labels(y)
                single = self._classifies and len(np.unique(y)) == 1
                context = ""
                if labels.layout != "single":
                    context = f"Task {name!r} ({len(rows)} rows) could not be fitted"
                yield delayed(fit_clone)(
                    DummyClassifier() if single else _for_task(self.estimator, name),
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


def _for_task(estimator, task):
    """Return the estimator with the loss of one task, where it has one for each."""
    if not hasattr(estimator, "get_params"):
        return estimator
    parameters = estimator.get_params().items()
    own = {
        name: value[task]
        for name, value in parameters
        if name.split("__")[-1] == "loss" and isinstance(value, Mapping)
        if task in value
    }
    return clone(estimator).set_params(**own) if own else estimator
