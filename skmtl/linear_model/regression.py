"""What all linear regressors share: units of the labels, statistics, streams."""

import warnings

import numpy as np

from skmtl._compat import FitProgress, fit_context
from skmtl.base import BaseTaskRegressor, keep_previous_fit
from skmtl.data import TaskData
from skmtl.linear_model.base import LinearTaskModel
from skmtl.losses import Squared
from skmtl.objectives import task_weights
from skmtl.statistics import TaskStatistics

# Below this many labels a variance says little about the units of a task.
MIN_LABELS_FOR_UNITS = 10


class LinearTaskRegressor(LinearTaskModel, BaseTaskRegressor):
    """Linear regressors: squared loss, `scale_y`, statistics and streams."""

    _parameter_constraints: dict = {
        **LinearTaskModel._parameter_constraints,
        "scale_y": ["boolean"],
    }

    def _loss(self):
        return Squared()

    def _scaled(self, data):
        """Return (data with labels in the units of the fit, those units per task)."""
        y_scale = np.ones(data.n_tasks)
        if self.scale_y:
            total = data.per_task_sum(data.weight)
            centred = data.y - data.spread(
                data.per_task_sum(data.weight * data.y) / total
            )
            y_scale = np.sqrt(data.per_task_sum(data.weight * centred**2) / total)
            y_scale[y_scale == 0] = 1.0
            data = data.with_y(data.y / data.spread(y_scale))
        return data, y_scale

    def _pack(self, X, labels):
        """Return (packed data in the units of the fit, y_scale)."""
        return self._scaled(TaskData.pack(X, labels))

    def _problem(self, X, labels):
        data, y_scale = self._pack(X, labels)
        weight = data.per_task_sum(data.weight)
        mean = data.per_task_sum(data.weight * data.y) / weight
        squares = data.weight * (data.y - data.spread(mean)) ** 2
        self._check_units(
            data.tasks, data.n_labels, data.per_task_sum(squares) / weight
        )
        head = {**self._label_attributes(labels), "y_scale_": y_scale}
        return data, y_scale, lambda found: {**head, **found}

    def _check_units(self, tasks, n_labels, variance):
        """Warn where tasks seem to be in different units, and nothing is done of it."""
        if not self.scale_y:
            _warn_of_units(tasks, n_labels, variance)

    def _predict_task(self, X, t):
        return self._linear(X, t)

    def _predict_all(self, X):
        return X @ self.coef_.T + self.intercept_

    def _statistics_problem(self, s):
        """Return (objective, c, y_scale, attributes that say what is fitted)."""
        c = task_weights(s.tasks, s.weight, self.task_weight)
        y_scale = np.ones(s.n_tasks)
        if self.scale_y:
            y_scale = np.sqrt(s.yy / s.weight)
            y_scale[y_scale == 0] = 1.0
        objective = self._statistics_objective(s, c, y_scale)
        head = {"tasks_": s.tasks, "_layout": s.layout, "y_scale_": y_scale}
        return objective, c, y_scale, head

    @fit_context(prefer_skip_nested_validation=True)
    def fit_statistics(self, statistics):
        """Fit from statistics alone, without a row of data.

        Parameters
        ----------
        statistics : TaskStatistics
            The (added up) statistics of all data.

        Returns
        -------
        self : object
            The fitted estimator. `dual_gap_` includes what rounding in the statistics
            may hide; a `tol` below that is not reached, with a `ConvergenceWarning`.
        """
        if not isinstance(statistics, TaskStatistics):
            raise TypeError(
                f"statistics must be TaskStatistics, got {type(statistics).__name__}."
            )
        with keep_previous_fit(self):
            progress = FitProgress(self, None, None)
            s = statistics
            self.n_features_in_ = s.n_features  # what feature groups are read with
            objective, c, y_scale, head = self._statistics_problem(s)
            head |= {"n_features_in_": s.n_features, "statistics_": s}

            def report(current_point):
                def attributes():
                    point = current_point()
                    b = objective.intercepts(point)
                    return {**head, **self._model_attributes(point.W, b, c, y_scale)}

                return progress.step(attributes)

            callback = None if progress.context is None else report
            W0 = self._start(s.tasks, s.n_features, y_scale)
            result = self._solve(objective, W0, callback)
            result.warn(type(self).__name__)
            attributes = {**head, **self._result_attributes(result, c, y_scale)}
            vars(self).update(attributes)
            progress.finish(lambda: attributes)
        return self

    def partial_fit(self, X, y, *, task=None, sample_weight=None):
        """Add rows to the data seen so far and fit to all of them.

        Only statistics are kept, so a call costs what its own rows cost. Any split of a
        table into calls gives the fit of the whole table.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features of the new rows.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Their labels.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        self._validate_params()
        with keep_previous_fit(self):
            seen = getattr(self, "statistics_", None)
            labels = self._check_labels(X, y, task, sample_weight)
            values = self._check_X(X, reset=seen is None)
            statistics = TaskStatistics.from_data(
                TaskData.pack(values, labels), labels.layout
            )
            self.fit_statistics(statistics if seen is None else seen + statistics)
        return self


def _warn_of_units(tasks, n_labels, variance):
    """Warn where the labels of the tasks differ much in size."""
    enough = (n_labels >= MIN_LABELS_FOR_UNITS) & (variance > 0)
    if enough.sum() < 2:
        return
    tasks, variance = tasks[enough], variance[enough]
    low, high = variance.argmin(), variance.argmax()
    if variance[high] > 100.0 * variance[low]:
        warnings.warn(
            f"The labels of task {tasks[high].item()!r} have "
            f"{variance[high] / variance[low]:.0f} times the variance of those of task "
            f"{tasks[low].item()!r}, so the shared penalty is decided by the former. "
            "Pass scale_y=True if they are in different units.",
            UserWarning,
            stacklevel=7,
        )
