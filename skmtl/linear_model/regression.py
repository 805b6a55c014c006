"""What all linear regressors share: units of the labels, statistics, streams."""

import warnings
from collections.abc import Mapping
from numbers import Real

import numpy as np

from skmtl._compat import FitProgress, Interval, StrOptions, fit_context
from skmtl.base import BaseTaskRegressor, keep_previous_fit, some
from skmtl.data import TaskData
from skmtl.linear_model.base import LinearTaskModel, with_left_out
from skmtl.linear_model.responses import TaskResponseMixin
from skmtl.linear_model.task_losses import (
    NAMES,
    check_labels,
    constant_tasks,
    identity_tasks,
    null_deviances,
    read_loss,
)
from skmtl.objectives import task_weights
from skmtl.statistics import TaskStatistics

# Below this many labels a variance says little about the units of a task.
ROUNDING = 1e-18  # shares of the largest variance that constant labels can seem to have
MIN_LABELS_FOR_UNITS = 10
UNLIKE = 100.0  # times as large a deviance asks for a warning


class LinearTaskRegressor(TaskResponseMixin, LinearTaskModel, BaseTaskRegressor):
    """Linear regressors: losses, `scale_y`, statistics and streams."""

    _parameter_constraints: dict = {
        **LinearTaskModel._parameter_constraints,
        "loss": [StrOptions(set(NAMES)), Mapping],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
        "scale_y": ["boolean"],
    }

    def _loss(self, tasks):
        return read_loss(self.loss, tasks, self.huber_delta)

    def _check_labels(self, X, y, task, sample_weight, **options):
        labels = super()._check_labels(X, y, task, sample_weight, **options)
        check_labels(labels, self._loss(labels.tasks))
        return labels

    def _scaled(self, data):
        """Return (data with labels in the units of the fit, those units per task)."""
        y_scale = np.ones(data.n_tasks)
        if self.scale_y:
            y_scale = np.sqrt(data.label_squares / data.total_weight)
            unitless = ~identity_tasks(self._loss(data.tasks), data.n_tasks)
            y_scale[unitless | (y_scale == 0)] = 1.0
            data = data.with_y(data.y / data.spread(y_scale))
        return data, y_scale

    def _pack(self, X, labels, kept=None):
        """Return (packed data in the units of the fit, y_scale)."""
        if kept is None:
            kept, _ = constant_tasks(labels, self._loss(labels.tasks))
        return self._scaled(TaskData.pack(X, labels.keep_tasks(kept)))

    def _problem(self, X, labels):
        loss = self._loss(labels.tasks)
        kept, constant = constant_tasks(labels, loss)
        data, y_scale, units = None, np.ones(0), np.ones(labels.n_tasks)
        if len(kept) < labels.n_tasks:
            _warn_of_constants(labels.tasks, constant)
        if len(kept):
            data, y_scale = self._pack(X, labels, kept)
            deviance = 2.0 * null_deviances(data, self._loss(data.tasks))
            self._check_units(data.tasks, data.n_labels, deviance)
        units[kept] = y_scale
        head = {
            **self._label_attributes(labels),
            "_fitted_loss": loss,
            "y_scale_": units,
        }

        def complete(found):
            return {**head, **found, **with_left_out(found, kept, constant)}

        return data, y_scale, complete

    def _check_units(self, tasks, n_labels, deviance):
        """Warn where tasks seem to be in different units, and nothing is done of it.

        `deviance` is the null deviance of each task per label: a variance, for squares.
        """
        loss = self._loss(tasks)
        if not (self.scale_y and loss.quadratic):
            has_units = identity_tasks(loss, len(tasks)) & (not self.scale_y)
            _warn_of_units(tasks, n_labels, deviance, has_units)

    def _statistics_problem(self, s):
        """Return (objective, c, y_scale, attributes that say what is fitted)."""
        loss = self._loss(s.tasks)
        if not loss.quadratic:
            raise ValueError(
                f"Statistics are all that the squared loss needs, and no more; with "
                f"loss={self.loss!r} a model has to see the rows: use fit(X, y)."
            )
        c = task_weights(s.tasks, s.weight, self.task_weight)
        y_scale = np.ones(s.n_tasks)
        if self.scale_y:
            y_scale = np.sqrt(s.yy / s.weight)
            y_scale[y_scale == 0] = 1.0
        objective = self._statistics_objective(s, c, y_scale)
        head = {"tasks_": s.tasks, "_layout": s.layout, "y_scale_": y_scale}
        head["_fitted_loss"] = loss
        return objective, c, y_scale, head

    def fit_statistics(self, statistics):
        """Fit from statistics alone, without a row of data.

        Parameters
        ----------
        statistics : TaskStatistics
            The (added up) statistics of all data. Predictions are checked against
            their `feature_names`.

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
        self._validate_params()
        with keep_previous_fit(self):
            s = statistics
            empty = s.tasks[s.n == 0]
            if len(empty):
                raise ValueError(
                    f"Task {empty[0].item()!r} has no label in these statistics. Add "
                    "those of rows where it is observed, or drop its column."
                )
            self._know_features(s.n_features, s.feature_names)
            self._check_rows(s.tasks, s.n)
            self._fit_statistics(s)
            self.statistics_ = s
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def _fit_statistics(self, s):
        """Fit statistics of tasks that all have labels."""
        progress = FitProgress(self, None, None)
        objective, c, y_scale, head = self._statistics_problem(s)

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

    def partial_fit(self, X, y, *, task=None, sample_weight=None):
        """Add rows to the data seen so far and fit to all of them.

        Only statistics are kept, so a call costs what its own rows cost. Any split of a
        table into calls gives the fit of the whole table. Columns of a wide y without a
        label so far are left out of the fit, with a warning, until one comes.

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
            labels = self._check_labels(X, y, task, sample_weight, empty_tasks=True)
            data = TaskData.pack(self._check_X(X, reset=seen is None), labels)
            names = getattr(self, "feature_names_in_", None)
            total = TaskStatistics.from_data(data, labels.layout, names)
            total = total if seen is None else seen + total
            if not total.n.any():
                raise ValueError("No column of y has an observed label so far.")
            _warn_of_no_labels(total.tasks[total.n == 0])
            self._fit_statistics(total.labelled())
            self.statistics_ = total
        return self


def _warn_of_no_labels(tasks):
    """Warn of tasks that a stream has not met yet."""
    if len(tasks):
        warnings.warn(
            f"No label so far for task(s) {some(tasks)}; they are left out of the fit "
            "until one comes.",
            UserWarning,
            stacklevel=3,
        )


def _warn_of_constants(tasks, constant):
    """Warn of tasks that can only ever predict the one response they were fitted to."""
    left_out = tasks[constant != 0]
    warnings.warn(
        f"{len(left_out)} task(s) have counts of 0 or labels of one class only "
        f"({some(left_out)}) in the training data; they take no part in the fit and "
        "will always predict that.",
        UserWarning,
        stacklevel=6,
    )


def _warn_of_units(tasks, n_labels, deviance, has_units):
    """Warn where the null deviances of the tasks differ much."""
    if deviance.max() <= UNLIKE * deviance.min():  # the usual case, at one look
        return
    varied = deviance > ROUNDING * deviance.max()
    enough = (n_labels >= MIN_LABELS_FOR_UNITS) & varied
    if enough.sum() < 2:
        return
    tasks, deviance, has_units = tasks[enough], deviance[enough], has_units[enough]
    low, high = deviance.argmin(), deviance.argmax()
    if deviance[high] > UNLIKE * deviance[low]:
        times = f"{deviance[high] / deviance[low]:.0f} times"
        what = f"{times} the null deviance of task {tasks[low].item()!r}"
        advice = "Give them a task_weight, or fit one of them by itself."
        if has_units[low] and has_units[high]:
            what = f"{times} the variance of those of task {tasks[low].item()!r}"
        if has_units[low] or has_units[high]:
            advice = "Pass scale_y=True if they are in different units."
        warnings.warn(
            f"The labels of task {tasks[high].item()!r} have {what}, so the shared "
            f"penalty is decided by the former. {advice}",
            UserWarning,
            stacklevel=7,
        )
