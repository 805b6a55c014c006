"""The squared loss of tasks that share X, by one Gram matrix and what differs from it.

Task t has the curvature X' diag(omega_t) X, centred, and omega_t is l_t r_i for row i,
or 0 where its label is missing. So its product with w is l_t G w, with G that of all
rows with weights r, and what the labels of other weights add: as large a share of two
passes over X as theirs among all labels.
"""

from functools import cached_property

import numpy as np

from skmtl import _kernels
from skmtl.moments import grams_times
from skmtl.objectives._grams import few_values, part_of_grams
from skmtl.objectives._statistics import Squares
from skmtl.quadratics import Gram

# Rows that are centred at a time, few enough to stay in the cache.
TILE_BYTES = 2**20
CHEAPER = 4  # times, about, than one on the rows is a round here
SMALLEST = 1e-30  # sums of squares that single precision holds


class SharedGram(Squares):
    """f of dense rows that all tasks share, a function of W alone; no row's loss.

    Certificates that are to hold come from the rows.

    Parameters
    ----------
    rows : DataObjective
        Of the squared loss.
    single : bool
        Whether the Gram matrix is multiplied in single precision, which takes half the
        time: its minimum is that of f to some 1e-6 of D0.
    """

    row_cost = 1  # the Gram matrix is there

    def __init__(self, rows, single=False):
        self.rows = rows
        self.n_features, self.n_tasks = rows.n_features, rows.n_tasks
        nothing = rows.nothing
        self.q = -rows.gradient(nothing)
        self.task_null, self.fewest_labels = rows.task_null, rows.fewest_labels
        self.yy = 2.0 * nothing.value
        self.gram, self.index = self._product(single), np.zeros(self.n_tasks, dtype=int)
        self.scale, self._sharpened = rows.rows.level, False
        self._starts, self._tasks, self._change = self._of_other_weights()
        # Means of the features by the weights of the rows, and of the tasks' labels.
        self._centre, self._means = np.zeros(self.n_features), rows.mean
        if rows.fit_intercept and len(self._tasks):
            weight = rows.row_weight[:, 0]
            self._centre = (weight / weight.sum()) @ rows.data.X
            self._means = rows.data.rmatvec(rows.omega) / rows.c
        self._mean = self._means - self._centre[:, None]

    def _of_other_weights(self):
        """Return (first entry of each row, tasks, changes) of labels like no others."""
        rows, weight = self.rows, self.rows.data.weight
        if rows.complete:
            return np.zeros(len(weight) + 1, int), np.zeros(0, np.int32), np.zeros(0)
        differs = weight != rows.row_weight
        starts = np.concatenate([[0], np.cumsum(np.count_nonzero(differs, 1))])
        tasks = np.nonzero(differs)[1].astype(np.int32)
        return starts, tasks, (weight - rows.row_weight)[differs] * self.scale[tasks]

    def _product(self, single):
        """Return the Gram matrix of all rows; in double where single overflows."""
        if single:
            with np.errstate(over="ignore", invalid="ignore"):
                every = np.arange(self.n_features)
                gram = self.rows.gram_over_rows(every, dtype=np.float32)
            small = np.flatnonzero(gram[0].diagonal() < SMALLEST)
            if np.isfinite(gram).all() and not self.rows.data.X[:, small].any():
                return gram
        return self.rows.common_gram

    def image(self, W):
        """Return A_t w_t for every task, (p, T)."""
        Z = grams_times(self.gram, self.index, W) * self.scale
        if not len(self._tasks) or not W.any():
            return Z
        X, columns = self.rows.data.X, np.ascontiguousarray(W.T)
        added = np.zeros(columns.shape)
        step = max(TILE_BYTES // (8 * self.n_features), 1)
        for a in range(0, len(X), step):
            part = np.subtract(X[a : a + step], self._centre, order="C")
            starts = self._starts[a : a + len(part) + 1]
            _kernels.add_products(
                part, starts, self._tasks, self._change, columns, added
            )
        Z += added.T
        if self.rows.fit_intercept:
            Z -= self._mean * (self.rows.c * (self._mean * W).sum(axis=0))
        return Z

    def model(self, point, features):
        """Return f as a quadratic of the rows `features` of W, the others fixed."""
        W = np.ascontiguousarray(point.W[features].T)
        g = np.ascontiguousarray(self.gradient(point)[features].T)
        return self.rows.gram_model(features, W, g, 2.0 * point.value, self.rows.omega)

    def sweep_model(self, point, features):
        """Return one by the Gram matrix alone, exact where all weights are those."""
        G = self.gradient(point)
        if self._sharpened:
            return self.rows.common_model(point, features)
        W, g = (np.ascontiguousarray(a[features].T) for a in (point.W, G))
        gram, exact = part_of_grams(self.gram, features), not len(self._tasks)
        scale = self.scale if exact else self._about
        squares = 2.0 * point.value
        return Gram(gram, self.index, scale, W, g, squares, exact, own=exact)

    @cached_property
    def _about(self):
        """What the Gram matrix is multiplied with to be about that of each task."""
        weight = self.rows.data.per_task_sum(self.rows.omega)
        return few_values(weight / self.rows.row_weight.sum())

    def sharpen(self, point, poor_rounds):
        """Give later models the curvature of f; return whether it did."""
        self._sharpened |= self.rows.sharpen(point, poor_rounds / CHEAPER)
        return self._sharpened

    def resolution(self, point):
        """Return how far rounding may put the value off."""
        # Both parts of the product are at most as large as that with all rows is.
        roots = np.sqrt(np.maximum(np.diagonal(self.gram[0]), 0.0))
        size = self._largest_squares(roots, np.abs(point.W))
        return self._rounding(2.0 * size, point.W)

    def intercepts(self, point):
        """Return b_t in the units of the (scaled) labels, (T,)."""
        off = ((self._means - self.rows.mean) * point.W).sum(axis=0)
        point.intercept = self.rows.nothing.intercept - off  # that is of centred rows
        return self.rows.intercepts(point)
