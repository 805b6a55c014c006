"""From validated data to a fitted linear model: what all families share.

A family says its parameters and its penalty (`_penalty`); everything else is here. The
data become an objective (`rows_problem`), a solver minimises it, and the answer is put
back into the user's units.
"""

import warnings
from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from skmtl._compat import FitProgress, Interval, StrOptions, fit_context
from skmtl.base import (
    SHARED,
    BaseTaskClassifier,
    BaseTaskEstimator,
    BaseTaskRegressor,
    BinaryScoreMixin,
    encode_classes,
    keep_previous_fit,
)
from skmtl.data import TaskData
from skmtl.losses import Logistic, Squared
from skmtl.objectives import DataObjective, StatisticsObjective, task_weights
from skmtl.solvers import solve
from skmtl.statistics import TaskStatistics

# Log-odds of a task whose training labels are all of one class: certain to rounding.
CERTAIN = -float(np.log(np.finfo(float).eps))
# The distinct Gram matrices of a fit may take this much memory.
GRAM_BYTES = 2**30
# Below this many labels a variance says little about the units of a task.
MIN_LABELS_FOR_UNITS = 10


class LinearTaskModel(BaseTaskEstimator):
    """Fits coef_ and intercept_ of a family; see the module's docstring."""

    _parameter_constraints: dict = {
        **BaseTaskEstimator._parameter_constraints,
        "fit_intercept": ["boolean"],
        "task_weight": [None, StrOptions({"n_samples"}), Mapping],
        "solver": [StrOptions({"auto", "bcd", "fista"})],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
    }

    def _task_weights(self, data):
        """Return c_t for packed data."""
        return task_weights(
            data.tasks, data.per_task_sum(data.weight), self.task_weight
        )

    def _rows_objective(self, data):
        """Return the smooth part of the objective on packed rows."""
        loss = self._loss()
        return DataObjective(data, loss, self._task_weights(data), self.fit_intercept)

    def _check_rows(self, data):
        """Raise where a task has too few labels."""
        few = np.flatnonzero(data.n_labels < 2)
        if self.fit_intercept and len(few):
            raise ValueError(
                f"Task {data.tasks[few[0]]!r} has 1 row (1 sample); at least 2 are needed "
                "to fit an intercept. Drop it or pass fit_intercept=False."
            )

    def _solve(self, objective, W0, callback, **options):
        """Run the solver that suits the penalty, or the one asked for."""
        penalty = self._penalty()
        solver = self.solver
        if solver == "auto":
            solver = "bcd" if penalty.row_separable else "fista"
        if solver == "bcd" and not penalty.row_separable:
            raise ValueError("solver='bcd' needs a penalty that acts row by row.")
        if solver != "bcd":
            options = {}
        return solve(
            objective,
            penalty,
            solver=solver,
            tol=self.tol,
            W0=W0,
            callback=callback,
            **{"max_iter": self.max_iter, **options},
        )

    def _solve_rows(self, data, W0, callback):
        """Solve on packed rows; from statistics first where that is cheaper."""
        if not (self._loss().quadratic and _statistics_pay(data)):
            return self._solve(self._rows_objective(data), W0, callback)
        statistics = TaskStatistics.from_data(data)
        c = self._task_weights(data)
        objective = StatisticsObjective(statistics, c, self.fit_intercept)
        first = self._solve(objective, W0, callback)
        # The certificate comes from the rows; what the statistics could not resolve is
        # made up for on the residuals.
        rest = max(self.max_iter - first.n_iter, 0)
        objective = self._rows_objective(data)
        result = self._solve(
            objective, first.W, callback, max_iter=rest, exact_rows=True
        )
        return result.after(first)

    def _start(self, tasks, n_features, y_scale):
        """Return the coefficients of the previous fit, if they are to be used and fit."""
        if not self.warm_start or not hasattr(self, "coef_"):
            return None
        same = np.array_equal(self.tasks_, tasks) and self.coef_.shape[1] == n_features
        return (self.coef_ / y_scale[:, None]).T.copy() if same else None

    def _model_attributes(self, W, intercept, c, y_scale):
        """Return the attributes a model needs to predict."""
        return {
            "coef_": np.ascontiguousarray(W.T * y_scale[:, None]),
            "intercept_": intercept * y_scale,
            "_task_share": c / c.sum(),
        }

    def _result_attributes(self, result, c, y_scale):
        """Return all attributes of a finished fit."""
        result.warn(type(self).__name__)
        return {
            **self._model_attributes(result.W, result.intercept, c, y_scale),
            "n_iter_": result.n_iter,
            "objective_": float(result.objective),
            "dual_gap_": float(result.gap),
            "converged_": result.converged,
        }

    def _fit_packed(self, data, progress, y_scale, complete=dict):
        """Fit packed data; `complete` turns model attributes into what users see."""
        self._check_rows(data)
        c = self._task_weights(data)

        def report(current_point):
            def attributes():
                point = current_point()
                b = self._rows_objective(data)
                b = b.intercepts(b.at(point.W))
                return complete(self._model_attributes(point.W, b, c, y_scale))

            return progress.step(attributes)

        callback = None if progress.context is None else report
        W0 = self._start(data.tasks, data.n_features, y_scale)
        result = self._solve_rows(data, W0, callback)
        return complete(self._result_attributes(result, c, y_scale))

    def _linear(self, X, t):
        """Return the linear predictor of task t, of the shared part for a new task."""
        if t == SHARED:
            return (
                X @ (self._task_share @ self.coef_) + self._task_share @ self.intercept_
            )
        return X @ self.coef_[t] + self.intercept_[t]


def _statistics_pay(data):
    """Tell whether Gram matrices are smaller than the rows they come from."""
    grams = data.n_tasks
    if data.shared:
        grams = len({data.weight[:, t].tobytes() for t in range(grams)})
    n_rows = data.n_labels.sum() if not data.shared else grams * data.X.shape[0]
    size = grams * data.n_features
    return size <= n_rows and 8 * size * data.n_features <= GRAM_BYTES


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

    def _fit(self, X, labels, progress):
        data, y_scale = self._pack(X, labels)
        if not self.scale_y:
            _warn_of_units(data)
        head = self._label_attributes(labels)
        scale = {"y_scale_": y_scale}
        return self._fit_packed(
            data, progress, y_scale, lambda found: {**head, **scale, **found}
        )

    def _predict_task(self, X, t):
        return self._linear(X, t)

    def _predict_all(self, X):
        return X @ self.coef_.T + self.intercept_

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
            The fitted estimator. `dual_gap_` includes what rounding in the statistics may
            hide; a `tol` below that is not reached, with a `ConvergenceWarning`.
        """
        if not isinstance(statistics, TaskStatistics):
            raise TypeError(
                f"statistics must be TaskStatistics, got {type(statistics).__name__}."
            )
        with keep_previous_fit(self):
            progress = FitProgress(self, None, None)
            s = statistics
            c = task_weights(s.tasks, s.weight, self.task_weight)
            y_scale = np.ones(s.n_tasks)
            if self.scale_y:
                y_scale = np.sqrt(s.yy / s.weight)
                y_scale[y_scale == 0] = 1.0
            objective = StatisticsObjective(s, c, self.fit_intercept, y_scale)
            head = {
                "tasks_": s.tasks,
                "_layout": s.layout,
                "n_features_in_": s.n_features,
                "y_scale_": y_scale,
                "statistics_": s,
            }

            def report(current_point):
                def attributes():
                    point = current_point()
                    b = objective.intercepts(point)
                    return {**head, **self._model_attributes(point.W, b, c, y_scale)}

                return progress.step(attributes)

            callback = None if progress.context is None else report
            W0 = self._start(s.tasks, s.n_features, y_scale)
            result = self._solve(objective, W0, callback)
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


def _warn_of_units(data):
    """Warn where the labels of the tasks differ much in size."""
    weight = data.per_task_sum(data.weight)
    mean = data.per_task_sum(data.weight * data.y) / weight
    variance = (
        data.per_task_sum(data.weight * (data.y - data.spread(mean)) ** 2) / weight
    )
    enough = (data.n_labels >= MIN_LABELS_FOR_UNITS) & (variance > 0)
    if enough.sum() < 2:
        return
    tasks, variance = data.tasks[enough], variance[enough]
    low, high = variance.argmin(), variance.argmax()
    if variance[high] > 100.0 * variance[low]:
        warnings.warn(
            f"The labels of task {tasks[high]!r} have {variance[high] / variance[low]:.0f} "
            f"times the variance of those of task {tasks[low]!r}, so the shared penalty is "
            "decided by the former. Pass scale_y=True if they are in different units.",
            UserWarning,
            stacklevel=5,
        )


class LinearTaskClassifier(BinaryScoreMixin, LinearTaskModel, BaseTaskClassifier):
    """Linear classifiers: log-loss, two classes per task."""

    _parameter_constraints: dict = {
        **LinearTaskModel._parameter_constraints,
        "class_weight": [None, StrOptions({"balanced"}), Mapping],
    }

    def _loss(self):
        return Logistic()

    def _encode(self, labels):
        """Return (classes per task, 0/1 labels of the tasks with two classes, positions)."""
        classes, coded = encode_classes(labels)
        for task, found in zip(labels.tasks.tolist(), classes, strict=True):
            if len(found) > 2:
                raise ValueError(
                    f"Only binary classification is supported: task {task!r} has "
                    f"{len(found)} classes, {type(self).__name__} fits two per task."
                )
        coded = self._with_class_weight(coded, labels)
        kept = np.flatnonzero([len(found) == 2 for found in classes])
        return classes, coded.keep_tasks(kept), kept

    def _with_class_weight(self, coded, labels):
        """Return the labels with weights multiplied by those of their classes."""
        if self.class_weight is None:
            return coded
        weight = coded.weight.copy()
        for t in range(labels.n_tasks):
            rows, y, _ = labels.of_task(t)
            y = np.array(y.tolist())
            where = (rows, t) if labels.layout == "wide" else rows
            weight[where] *= compute_sample_weight(self.class_weight, y)
        return coded.with_weight(weight)

    def _pack(self, X, labels):
        """Return (packed 0/1 data of the tasks with two classes, units of 1)."""
        _, coded, kept = self._encode(labels)
        return TaskData.pack(X, coded), np.ones(len(kept))

    def _fit(self, X, labels, progress):
        classes, coded, kept = self._encode(labels)
        constant = [t for t, found in enumerate(classes) if len(found) < 2]
        if constant:
            names = ", ".join(repr(v) for v in labels.tasks[constant].tolist()[:5])
            warnings.warn(
                f"{len(constant)} task(s) have labels of one class only ({names}); they "
                "take no part in the joint fit and always predict that class.",
                UserWarning,
                stacklevel=4,
            )
        head = {
            **self._label_attributes(labels),
            **self._class_attributes(labels, classes),
        }
        T, p = labels.n_tasks, X.shape[1]

        def complete(found):
            """Give the tasks that were left out their constant."""
            coef, intercept, share = np.zeros((T, p)), np.full(T, CERTAIN), np.zeros(T)
            coef[kept], intercept[kept] = found["coef_"], found["intercept_"]
            share[kept] = found["_task_share"]
            whole = {"coef_": coef, "intercept_": intercept, "_task_share": share}
            return {**head, **found, **whole}

        if not len(kept):
            nothing = {
                "coef_": np.zeros((0, p)),
                "intercept_": np.zeros(0),
                "_task_share": np.zeros(0),
                "n_iter_": 0,
                "objective_": 0.0,
                "dual_gap_": 0.0,
                "converged_": True,
            }
            return complete(nothing)
        data = TaskData.pack(X, coded)
        return self._fit_packed(data, progress, np.ones(len(kept)), complete)

    def _start(self, tasks, n_features, y_scale):
        if not hasattr(self, "coef_") or not np.array_equal(self.tasks_, tasks):
            return None  # tasks were left out, now or then
        return super()._start(tasks, n_features, y_scale)

    def _score_task(self, X, t):
        return self._linear(X, t)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
