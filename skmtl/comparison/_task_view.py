"""One task of a fitted model, which then answers as an ordinary estimator does."""

import warnings
from inspect import signature

from skmtl.base import SHARED


class TaskView:
    """Asks a fitted model about rows of one task.

    Parameters
    ----------
    model : fitted estimator
        One that takes `task`, or one of scikit-learn with an answer per column of y.
    t : int
        Position of the task in a wide y, or `SHARED`.
    task : str, int or None
        What to pass as `task` to a model that takes it; None where there is one task.
    classes : ndarray or None
        The classes of the task.
    """

    def __init__(self, model, t, task, classes=None):
        self.model = model
        self.t = t
        self.task = task
        self.classes_ = classes

    def _ask(self, method, X):
        function = getattr(self.model, method)
        if self.task is None:
            return function(X)
        if "task" in signature(function).parameters:
            with warnings.catch_warnings():
                if self.t == SHARED:  # of which the one who asks has warned already
                    warnings.filterwarnings("ignore", "Task labels never seen in fit")
                return function(X, task=self.task)
        if self.t == SHARED:
            raise ValueError(
                f"{type(self.model).__name__} cannot predict a task never seen in fit."
            )
        answer = function(X)
        return answer[self.t] if isinstance(answer, list) else answer[:, self.t]

    def predict(self, X):
        """Return the predictions, (n,)."""
        return self._ask("predict", X)

    def predict_proba(self, X):
        """Return the probabilities of the classes of the task, (n, K_t)."""
        return self._ask("predict_proba", X)

    def decision_function(self, X):
        """Return one value per row, or per class where there are more than two."""
        return self._ask("decision_function", X)
