"""The log-loss of tasks of which some have more than two classes."""

import numpy as np

from skmtl.objectives._class_gram import ClassGram, class_grams
from skmtl.objectives._class_rows import ClassRows
from skmtl.objectives._columns import ColumnData
from skmtl.objectives._rows import DataObjective

# Matrices that couple the columns of tasks may take this much memory; and with more
# features than rows, and than this, they are slower than residuals.
COUPLED_BYTES = 2**28
SMALL = 200


class ClassObjective(DataObjective):
    """The log-loss of tasks with any numbers of classes.

    W has a column per class for a task with more than two, and one for the others;
    `n_tasks` counts columns, as far as solvers and penalties are concerned.

    Parameters
    ----------
    data : TaskData
        With `classes`; labels are their positions.
    c : ndarray of shape (T,)
        Task weights.
    fit_intercept : bool
    """

    quadratic = False
    bounded = True  # the curvature
    known = None

    def __init__(self, data, c, fit_intercept=True):
        self.fit_intercept, self.c = fit_intercept, c
        columns = ColumnData.of(data)
        self.columns = columns.columns
        self.rows = ClassRows(columns, c, fit_intercept)
        self.omega, self.task_null = self.rows.omega, self.rows.task_null
        self.data = data
        data = self._centre()
        self.data = self.rows.data = ColumnData.of(data)
        self.n_features, self.n_tasks = data.n_features, self.data.n_tasks
        task = self.columns.task
        self.task_mean, self.mean = self.mean, self.mean[:, task]
        if self.shift.shape[1] > 1:
            self.shift = self.shift[:, task]
        if not data.shared:
            self._far = self._far[:, task]

    def restricted(self, features):
        """Return f of the rows `features` of W alone, where the others are 0."""
        part = super().restricted(features)
        if part is not None:
            part.task_mean = self.task_mean[features]
        return part

    def sharpen(self, point, poor_rounds):
        """Do nothing: the curvature of each model is that of its point."""
        return False

    def sweep_model(self, point, features):
        """Return `model`."""
        return self.model(point, features)

    def model(self, point, features):
        """Return a quadratic of the rows `features` of W that touches f at the point.

        The columns of a task are coupled in it, as in f, unless that takes too much.
        """
        k = len(features)
        size = 8 * k**2 * int((self.columns.widths**2).sum())
        small = k <= max(self.data.by_task.n_labels.max(), SMALL)
        if not small or size > COUPLED_BYTES:
            return super().model(point, features)
        prob, squares = self.rows.model_point(point.Z, point.intercept, point.u)
        A = class_grams(
            self.data, prob, self.omega, features, self.task_mean[features],
            self.fit_intercept,
        )  # fmt: skip
        W = np.ascontiguousarray(point.W[features].T)
        g = np.ascontiguousarray(self.gradient(point)[features].T)
        first = np.cumsum(self.columns.widths) - self.columns.widths
        return ClassGram(A, first, W, g, squares)

    def intercepts(self, point):
        """Return b for X as the user gave it, (C,), summing to 0 over classes."""
        b = super().intercepts(point)
        for first, last in self.data.spans:
            if last - first > 1:
                b[first:last] -= b[first:last].mean()
        return b
