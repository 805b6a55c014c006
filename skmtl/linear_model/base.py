"""From validated data to a fitted linear model: what all families share.

A family says its parameters and its penalty (`_penalty`), and whether it regresses or
classifies: `_problem(X, labels)` returns the packed data that take part in the joint
fit (None if no task does), the units of their labels, and a function that turns the
attributes of that fit into what users see. Everything else is here: the data become an
objective, a solver minimises it, and the answer is put back into the user's units.
"""

from collections.abc import Mapping
from copy import copy
from numbers import Integral, Real

import numpy as np
from scipy import sparse

from skmtl._compat import Interval, StrOptions
from skmtl.base import SHARED, BaseTaskEstimator
from skmtl.objectives import (
    DataObjective,
    SharedGram,
    StatisticsObjective,
    task_weights,
)
from skmtl.quadratics import SPARSE_COST
from skmtl.solvers import SOLVERS, SolverResult, solve
from skmtl.statistics import TaskStatistics

# The distinct Gram matrices of a fit may take this much memory.
GRAM_BYTES = 2**30
# From this tolerance on, products in single precision give all the digits there are.
SINGLE_TOL = 1e-5
# Times the features that pull at W = 0: their Gram matrices alone are less work.
FEW = 4
# So many features have Gram matrices that cost no more than to look which ones pull.
SMALL = 64


class LinearTaskModel(BaseTaskEstimator):
    """Fits coef_ and intercept_ of a family; see the module's docstring."""

    _parameter_constraints: dict = {
        **BaseTaskEstimator._parameter_constraints,
        "fit_intercept": ["boolean"],
        "task_weight": [None, StrOptions({"n_samples"}), Mapping],
        "solver": [StrOptions({"auto", *SOLVERS})],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
    }

    _columns = None  # `skmtl.objectives.Columns` of packed data with classes

    def _task_weights(self, data):
        """Return c_t for packed data."""
        return task_weights(data.tasks, data.total_weight, self.task_weight)

    def _rows_objective(self, data, known=None):
        """Return the smooth part of the objective on packed rows."""
        c = self._task_weights(data)
        known = getattr(known, "inner", known)
        return self._smooth(
            DataObjective(data, self._loss(data.tasks), c, self.fit_intercept, known)
        )

    def _statistics_objective(self, statistics, c, y_scale=1.0):
        """Return the smooth part of the objective on statistics."""
        return self._smooth(
            StatisticsObjective(statistics, c, self.fit_intercept, y_scale)
        )

    def _smooth(self, objective):
        """Return the objective in the coordinates of the family's penalty: W itself."""
        return objective

    def _check_rows(self, tasks, n_labels):
        """Raise where a task has too few labels."""
        few = np.flatnonzero(n_labels < 2)
        if self.fit_intercept and len(few):
            raise ValueError(
                f"Task {tasks[few[0]].item()!r} has 1 row (1 sample); at least 2 "
                "are needed to fit an intercept. Drop it or pass fit_intercept=False."
            )

    def _at_alpha(self, alpha):
        """Return a copy with another alpha; whatever was learned is shared with it."""
        model = copy(self)
        model.alpha = alpha
        return model

    def _solver_for(self, penalty):
        """Return the solver that suits the penalty, or the one asked for."""
        if self.solver == "auto":
            return penalty.solvers[0]
        known = (*penalty.solvers, "cvxpy")
        if self.solver not in known:
            raise ValueError(
                f"solver={self.solver!r} cannot take the penalty of this "
                f"{type(self).__name__}; it must be one of 'auto', "
                f"{', '.join(map(repr, known))}."
            )
        return self.solver

    def _solve(self, objective, W0, callback, max_iter=None):
        """Minimise the objective plus the penalty."""
        penalty = self._penalty()
        return solve(
            objective,
            penalty,
            solver=self._solver_for(penalty),
            tol=self.tol,
            max_iter=self.max_iter if max_iter is None else max_iter,
            W0=W0,
            callback=callback,
        )

    def _solve_rows(self, data, W0, callback):
        """Solve on packed rows; from Gram matrices first where that is cheaper."""
        objective = self._rows_objective(data)
        rows = getattr(objective, "inner", objective)
        sweeps = self._sweeps
        shared = sweeps and rows.nearly_one_gram
        grams = shared or self._takes_statistics(data)
        if not grams or (sweeps and self._rows_pay(objective, W0)):
            return self._solve(objective, W0, callback)
        if shared:
            # Rank is nothing for single precision to decide.
            single = self.tol >= SINGLE_TOL and not len(self._penalty().free)
            known = self._smooth(SharedGram(rows, single))
            return self._continue(objective, self._solve(known, W0, callback), callback)
        statistics = TaskStatistics.from_data(rows.data)
        known = self._statistics_objective(statistics, self._task_weights(data))
        rows.known = getattr(known, "inner", known)
        first = self._solve(known, W0, callback)
        # The certificate comes from the rows, which also make up for what rounding in
        # the statistics left undone.
        return self._continue(objective, first, callback)

    @property
    def _sweeps(self):
        """Whether the solver sweeps over rows of W, and can do with few of them."""
        penalty = self._penalty()
        solver = penalty.solvers[0] if self.solver == "auto" else self.solver
        return solver == "bcd" and hasattr(penalty, "kernel_arguments")

    def _rows_pay(self, objective, W0):
        """Tell whether one fit needs too little of the statistics to collect them all.

        Because few features matter, or each task has a Gram matrix of its own where one
        could nearly serve for all of them.
        """
        rows = getattr(objective, "inner", objective)
        if rows.shares_grams and not rows.nearly_one_gram:
            return True
        if W0 is not None or objective.n_features <= SMALL:
            return False
        nothing = objective.at(np.zeros((objective.n_features, objective.n_tasks)))
        penalty = self._penalty()
        urgency = penalty.subdiff_distance(nothing.W, objective.gradient(nothing))
        return FEW * np.count_nonzero(urgency) <= len(urgency)

    def _takes_statistics(self, data):
        """Tell whether statistics can be fitted, and are smaller than the rows."""
        if self.solver == "cvxpy":  # a reference starts from the rows
            return False
        return self._loss(data.tasks).quadratic and _statistics_pay(data)

    def _continue(self, objective, first, callback=None):
        """Take up a run on another form of its objective."""
        rest = max(self.max_iter - first.n_iter, 0)
        return self._solve(objective, first.W, callback, rest).after(first)

    def _start_of(self, data, y_scale):
        """Return where to start a fit of packed rows."""
        return self._start(data.tasks, data.n_features, y_scale)

    def _start(self, tasks, n_features, y_scale):
        """Return the previous coefficients where they are wanted and fit."""
        if not self.warm_start or not hasattr(self, "coef_"):
            return None
        same = np.array_equal(self.tasks_, tasks) and self.coef_.shape[1] == n_features
        return self._coordinates(slice(None), y_scale) if same else None

    @property
    def _row_task(self):
        """Position of the task that each row of coef_ belongs to."""
        return np.arange(len(self.tasks_))

    def _rows_of(self, data):
        """Tell which rows of coef_ belong to the tasks of packed data."""
        return np.isin(self.tasks_, data.tasks)[self._row_task]

    def _mean_over_tasks(self, values):
        """Return the task-weighted mean of rows as coef_ has them."""
        return self._task_share @ values

    def _coordinates(self, kept, y_scale):
        """Return the fitted coefficients of some rows as the solver has them."""
        return np.ascontiguousarray((self.coef_[kept] / y_scale[:, None]).T)

    @property
    def _shared_coef(self):
        """The coefficients of a task never seen, (p,)."""
        return self._mean_over_tasks(self.coef_)

    def _model_attributes(self, W, intercept, c, y_scale):
        """Return the attributes a model needs to predict."""
        return {
            "coef_": np.ascontiguousarray(W.T * y_scale[:, None]),
            "intercept_": intercept * y_scale,
            "_task_share": c / c.sum(),
        }

    def _result_attributes(self, result, c, y_scale):
        """Return all attributes of a finished fit."""
        return {
            **self._model_attributes(result.W, result.intercept, c, y_scale),
            "n_iter_": result.n_iter,
            "objective_": float(result.objective),
            "dual_gap_": float(result.gap),
            "converged_": result.converged,
            "_history": np.array(result.history, dtype=float).reshape(-1, 3),
            "_target": float(result.target),
        }

    def _fit(self, X, labels, progress):
        data, y_scale, complete = self._problem(X, labels)
        if data is None:
            nothing = SolverResult.of_no_task(X.shape[1])
            return complete(self._result_attributes(nothing, np.zeros(0), y_scale))
        self._check_rows(data.tasks, data.n_labels)
        c = self._task_weights(data)

        def report(current_point):
            def attributes():
                point = current_point()
                b = self._rows_objective(data)
                b = b.intercepts(b.at(point.W))
                return complete(self._model_attributes(point.W, b, c, y_scale))

            return progress.step(attributes)

        callback = None if progress.context is None else report
        W0 = self._start_of(data, y_scale)
        result = self._solve_rows(data, W0, callback)
        result.warn(type(self).__name__)
        return complete(self._result_attributes(result, c, y_scale))

    def _linear(self, X, t):
        """Return the linear predictor of task t, of the shared part for a new task."""
        if t == SHARED:
            return X @ self._shared_coef.T + self._mean_over_tasks(self.intercept_)
        return X @ self.coef_[t] + self.intercept_[t]


# Attributes with one entry per task, along so many axes, and what a task that was left
# out of the fit has there; every `coef_...` has a row of zeros.
TASK_AXES = {
    "intercept_": 1,
    "_task_share": 1,
    "codes_": 1,
    "cluster_labels_": 1,
    "task_affinity_": 2,
}
LEFT_OUT = {"cluster_labels_": -1}


def with_left_out(found, kept, constant):
    """Return the attributes of a joint fit with entries for the tasks left out of it.

    Those have no coefficients, and `constant` (T,) for intercepts.
    """
    T, whole = len(constant), {}
    if len(kept) == T:
        return whole
    for name, values in found.items():
        axes = 1 if name[:5] == "coef_" else TASK_AXES.get(name, 0)
        if axes:
            shape = (T,) * axes + values.shape[axes:]
            full = np.full(shape, LEFT_OUT.get(name, 0), dtype=values.dtype)
            full[np.ix_(*[kept] * axes)] = values
            whole[name] = full
    whole["intercept_"] = constant.copy()
    whole["intercept_"][kept] = found["intercept_"]
    return whole


def _statistics_pay(data):
    """Tell whether Gram matrices are smaller than the rows they come from."""
    rows, grams = (
        (data.X.shape[0], 1) if data.shared else (data.n_labels.sum(), data.n_tasks)
    )
    if data.n_features * grams > rows:
        return False
    if data.shared:
        grams = len({data.weight[:, t].tobytes() for t in range(data.n_tasks)})
    if sparse.issparse(data.X):
        # A sweep over Gram matrices costs all of them, one over rows the entries of X.
        entries = data.X.nnz * (data.n_tasks if data.shared else 1)
        if data.n_tasks * data.n_features**2 > SPARSE_COST * entries:
            return False
    return 8 * grams * data.n_features**2 <= GRAM_BYTES
