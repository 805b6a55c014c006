"""Any loss on the rows themselves."""

from copy import copy
from functools import cached_property

import numpy as np
from scipy import sparse

from skmtl.data import PACK_BYTES
from skmtl.losses import loss_parts
from skmtl.objectives._centring import without_means
from skmtl.objectives._grams import few_values, part_of_grams
from skmtl.objectives._point import Point
from skmtl.objectives._row_loss import RowLoss
from skmtl.objectives._small_tasks import FEW_COLUMNS, small_grams
from skmtl.objectives._weighted_grams import CrossGram, Pairs, weighted_grams
from skmtl.quadratics import SPARSE_COST, DenseRows, Gram, SparseRows

# Curvatures of all features in all tasks may take this much memory.
LARGEST_GRAMS = 2**31
# With up to so many they are worth it even where rows are fewer.
FEW_FEATURES = 400
# From so many rows of all of them on, tasks that share X share one.
MANY_GRAMS = 1000
# Of the labels may be missing: with more, passes over X take no longer.
LARGEST_SHARE = 0.25
# Those of all tasks may take this much memory, where one does not do.
KEPT_BYTES = 2**29
# Multiplications that take as long as looking at a label.
LOSS_COST = 7000
# With so many features at most their Gram matrices are cheap.
SMALL = 1000
# What is kept of all features, and not true of some.
FOR_ALL_FEATURES = (
    "nothing",
    "_pairs",
    "common_gram",
    "_cross_gram",
    "nearly_one_gram",
)


class DataObjective:
    """Any loss on the rows of `TaskData`.

    Parameters
    ----------
    data : TaskData
        Labels already scaled.
    loss : loss, or Mixed
    c : ndarray of shape (T,)
        Task weights.
    fit_intercept : bool
    known : StatisticsObjective or None
        The same objective from statistics, where its Gram matrices are there already.
        Gradients still come from the rows, which makes the solver refine what rounding
        in the statistics left.
    """

    def __init__(self, data, loss, c, fit_intercept=True, known=None):
        self.fit_intercept, self.known = fit_intercept, known
        self.parts = parts = loss_parts(loss, data.n_tasks)
        self.quadratic = all(part.quadratic for part, _ in parts)
        self.bounded = all(part.curvature is not None for part, _ in parts)
        self.rows = RowLoss(data, loss, c, fit_intercept)
        self.omega, self.c = self.rows.omega, c
        self.task_null = self.rows.task_null
        self.data, self._kept = data, None
        self.data = self._centre()
        self.n_features, self.n_tasks = data.n_features, data.n_tasks

    def _centre(self):
        """Take means of the features out of the data, as far as it is worth a copy."""
        data, count = self.data, self.data.n_labels
        self.fewest_labels, self.most_labels = int(count.min()), int(count.max())
        self.mean = self._far = np.zeros((data.n_features, data.n_tasks))
        self.shift = self.mean[:, :1]
        if self.fit_intercept:
            of_rows = self.row_weight[:, 0] if data.shared else data.weight
            found = without_means(data, self.omega, self.c, of_rows)
            data, self.shift, self.mean, self._far = found
        return data

    def restricted(self, features):
        """Return f of the rows `features` of W alone, where the others are 0.

        None where a copy of their columns is too large.
        """
        if self.data.X.shape[0] * len(features) * 8 > PACK_BYTES:
            return None
        part = copy(self)
        for name in FOR_ALL_FEATURES:
            vars(part).pop(name, None)
        part.data, part._kept = self.data.take(features), None
        part.mean, part.shift = self.mean[features], self.shift[features]
        part._far = self._far[features]
        part.n_features = len(features)
        return part

    @property
    def row_cost(self):
        """Multiplications that a look at one row of W costs."""
        few = self.n_features <= min(self.most_labels, SMALL)
        return 1 if few else self.omega.size  # Gram matrices of all are there anyway

    @cached_property
    def nothing(self):
        """The point at W = 0."""
        W, Z = np.zeros((self.n_features, self.n_tasks)), np.zeros(self.data.y.shape)
        b, value, u, feasible = self.rows.at_nothing(Z)
        return Point(W, Z, value, u, b, feasible)

    @cached_property
    def null(self):
        """D0: the loss at W = 0 with the best intercepts less the least possible."""
        return float(self.task_null.sum())

    @cached_property
    def _pairs(self):
        """Products of pairs of columns, where all of those are kept."""
        data = self.data
        if self.quadratic or not data.shared or sparse.issparse(data.X):
            return None
        fit = Pairs.fit(data.X.shape[0], self.n_features)
        return Pairs(data.X) if fit and self.n_tasks > 1 else None

    def image(self, W):
        """Return the predictions (X - mean) W, without intercepts, in label shape."""
        Z = self.data.matvec(W)
        if not self.fit_intercept:
            return Z
        Z -= self.data.spread((self.mean * W).sum(axis=0))
        return Z

    def at(self, W, Z=None, near=None):
        """Return the point at W; `near` is a point to start inner searches from."""
        if Z is None:
            if not W.any():
                return self.nothing
            Z = self.image(W)
        start = None if near is None else near.intercept
        b, value, u, feasible = self.rows.at(Z, start)
        return Point(W, Z, value, u, b, feasible)

    def gradient(self, point):
        """Return the gradient of f, (p, T)."""
        if point.G is None:
            used = self._few_used(point.W)
            if used is not None:
                A = self._cross_gram.columns(used)
                point.G = self.nothing.G + (A @ point.W[used]) * self.rows.level
                return point.G
            point.G = self.data.rmatvec(point.u)
            if self.fit_intercept:
                point.G -= self.mean * self.data.per_task_sum(point.u)
        return point.G

    def _few_used(self, W):
        """Return the rows in use if products with their columns of X are the fewest."""
        known = "nothing" in vars(self) and self.nothing.G is not None
        if not (known and self.quadratic and self.complete):
            return None
        used = np.flatnonzero(W.any(axis=1))
        few = 2 * len(used) <= self.n_tasks and not sparse.issparse(self.data.X)
        return used if few else None

    @cached_property
    def _cross_gram(self):
        return CrossGram(self.data.X, self.row_weight, self.mean[:, :1])

    def loss_gap(self, point, rho):
        """Return the Fenchel-Young term of the loss for the dual point rho u."""
        if rho > 0 and not point.feasible:
            return np.inf
        if self.quadratic:
            return (1.0 - rho) ** 2 * point.value
        return self.rows.gap(point.Z, point.intercept, rho)

    def loss_of_shift(self, point, off):
        """Return what moving the best intercepts by `off` (T,) adds to the loss."""
        return max(self.rows.rise(point.Z, point.intercept, off), 0.0)

    def bend(self, a, b):
        """Return <grad f(a) - grad f(b), a.W - b.W>, from the images alone."""
        return float(np.vdot(a.u - b.u, a.Z - b.Z))

    def bends_along(self, point, other):
        """Return the curvature of each task at a point, along the step from another."""
        return self.rows.bends_along(point, other)

    def curvatures(self):
        """Return a bound of the curvature of f along each feature, (p,).

        Where the loss has none (`bounded` is False) the curvature at W = 0.
        """
        h, data = self.rows.steepest(), self.data.by_task
        squares = data.weighted_squares(h)
        if self.fit_intercept:
            total = data.per_task_sum(h)
            squares -= data.rmatvec(h) ** 2 / np.where(total > 0, total, 1.0)
        return np.maximum(squares, 0.0).max(axis=1)

    def model(self, point, features):
        """Return a quadratic of the rows `features` of W that touches f at the point.

        It is held by Gram matrices where there are fewer features than rows, else by
        its residuals.
        """
        h, squares = self._bends(point)
        W = np.ascontiguousarray(point.W[features].T)
        if self.known is not None or self._grams_pay(len(features)):
            g = np.ascontiguousarray(self.gradient(point)[features].T)
            if self.known is not None:
                return self.known.gram_model(features, W, g, squares)
            return self.gram_model(features, W, g, squares, h)
        residual = np.divide(-point.u, h, out=np.zeros_like(h), where=h > 0)
        kind = SparseRows if sparse.issparse(self.data.X) else DenseRows
        model = kind.build(self.data, features, W, h, residual, self.fit_intercept)
        model.exact = self.quadratic
        return model

    def sweep_model(self, point, features):
        """Return the same for a solver that takes many rounds of cheap models.

        One Gram matrix stands for those of all tasks where they share rows.
        """
        if self.known is None and self._alike_enough(features):
            return self.common_model(point, features)
        return self.model(point, features)

    def _bends(self, point):
        """Return (h, squares) as `RowLoss.bends` does."""
        if self.quadratic:
            return self.omega, 2.0 * point.value
        return self.rows.bends(point.Z, point.intercept, point.u)

    def _grams_pay(self, k):
        """Tell whether sweeps over k features cost less on Gram matrices than on rows.

        Those of sparse rows cost their entries, a few times as much each.
        """
        if not sparse.issparse(self.data.X):
            return k <= self.most_labels
        entries = self.data.X.nnz * k / self.n_features
        each = 1 if self.data.shared else self.n_tasks
        return k**2 * each <= SPARSE_COST * entries

    @cached_property
    def complete(self):
        """Whether tasks share rows, and all labels of a row have its weight."""
        weight = self.data.by_task.weight
        return self.data.shared and bool(np.all(weight == weight[:, :1]))

    def _alike_enough(self, features):
        """Tell whether one Gram matrix should stand for those of all tasks.

        Where tasks share rows, that costs a T-th of their own ones, and as many more
        rounds as the weights of the rows differ.
        """
        k = len(features)
        if not self.data.shared or self.n_tasks * k < MANY_GRAMS:
            return False
        if not self._grams_pay(k):
            return False
        return not (self.quadratic and self.complete)

    @property
    def shares_grams(self):
        """Whether models of many features have one Gram matrix in the place of many."""
        return self._alike_enough(np.arange(self.n_features))

    @cached_property
    def nearly_one_gram(self):
        """Whether that matrix is most of each task's own; see `SharedGram`."""
        dense = self.quadratic and not sparse.issparse(self.data.X)
        many = self.n_tasks > 1 and self.n_features <= self.data.X.shape[0]
        if not (dense and many and (self.complete or self.shares_grams)):
            return False
        others = 0 if self.complete else (self.data.weight != self.row_weight).sum()
        return others <= LARGEST_SHARE * self.data.weight.size

    @cached_property
    def row_weight(self):
        """The weight of each row that all tasks share, where its label is there."""
        weight = self.data.weight
        return weight[:, :1].copy() if self.complete else weight.max(1, keepdims=True)

    @cached_property
    def common_gram(self):
        """That of all features, (1, p, p)."""
        return self.gram_over_rows(np.arange(self.n_features))

    def _common_gram(self, features, keep=False):
        """Return the centred Gram matrix of the rows with their weights, (1, k, k).

        With `keep` that of all features is formed, for what comes later.
        """
        if keep or "common_gram" in vars(self):
            return part_of_grams(self.common_gram, features)
        return self.gram_over_rows(features)

    def gram_over_rows(self, features, h=None, dtype=float):
        """Return it from products of the rows in a dtype; with h those of all tasks."""
        mean, left = self._far[features], None
        if h is None and self.complete and not sparse.issparse(self.data.X):
            left = (self.mean[features] - mean)[:, :1]
        h = self.row_weight if h is None else h
        return weighted_grams(
            self.data, features, h, mean, self.fit_intercept, dtype, left
        )

    def sharpen(self, point, poor_rounds):
        """Give later models the curvature of f at the point, if so many rounds pay it.

        Returns whether it did. Tasks that share rows have one Gram matrix before.
        """
        p, T = self.n_features, self.n_tasks
        fit = 8 * T * p**2 <= KEPT_BYTES and p <= self.data.X.shape[0]
        pays = poor_rounds * (p + LOSS_COST) >= p**2
        if not (self.shares_grams and fit and pays):
            return False
        nothing = np.zeros((T, p))
        h = self._bends(point)[0]
        self._kept = self.gram_model(np.arange(p), nothing, nothing, 0.0, h).A
        return True

    def common_model(self, point, features):
        """Return a quadratic of one Gram matrix, at the mean curvature of each task.

        Or that of the Gram matrices which `sharpen` has found.
        """
        h, squares = self._bends(point)
        W = np.ascontiguousarray(point.W[features].T)
        g = np.ascontiguousarray(self.gradient(point)[features].T)
        if self._kept is not None:
            gram = self._kept[:, features][:, :, features]
            index, one = np.arange(len(gram)), np.ones(len(gram))
            return Gram(gram, index, one, W, g, squares, self.quadratic, own=False)
        gram = self._common_gram(features, self.n_features <= self.data.X.shape[0])
        scale = few_values(self.data.per_task_sum(h) / self.row_weight.sum())
        index = np.zeros(self.n_tasks, dtype=int)
        return Gram(gram, index, scale, W, g, squares, exact=False, own=False)

    @property
    def grams_fit(self):
        """Whether the curvatures of all tasks are no larger than the rows, or small."""
        few = self.n_features <= max(self.most_labels, FEW_FEATURES)
        return self.known is not None or (few and self._size <= LARGEST_GRAMS)

    @property
    def _size(self):
        return 8 * self.n_tasks * self.n_features**2

    def grams(self, point):
        """Return f near the point as a quadratic of all of W, by Gram matrices."""
        features = np.arange(self.n_features)
        if self.known is not None:
            return self.model(point, features)
        if self._size > LARGEST_GRAMS:
            raise ValueError(
                f"The curvatures of {self.n_tasks} tasks in {self.n_features} features "
                f"take {self._size / 2**30:.1f} GiB. Select features first; squared "
                "differences with ridge > 0 can do without."
            )
        h, squares = self.rows.bends(point.Z, point.intercept, point.u)
        W = np.ascontiguousarray(point.W.T)
        g = np.ascontiguousarray(self.gradient(point).T)
        return self.gram_model(features, W, g, squares, h)

    @property
    def spectra(self):
        """Eigenvalues and eigenvectors of Gram matrices that are known; None if not."""
        return None if self.known is None else self.known.spectra

    def gram_model(self, features, W, g, squares, h):
        """Return the quadratic model by the Gram matrices of the chosen columns."""
        index, ones = np.arange(self.n_tasks), np.ones(self.n_tasks)
        small = len(features) <= FEW_COLUMNS and self.data.small_blocks
        if small and not self.quadratic:
            gram = small_grams(self.data, features, h, self.fit_intercept)
            return Gram(gram, index, ones, W, g, squares, exact=False)
        if self.quadratic and self.complete:
            gram = self._common_gram(features)
            return Gram(gram, np.zeros_like(index), self.rows.level, W, g, squares)
        if self._pairs is not None and len(features) == self.n_features:
            gram = self._pairs.grams(h, self.fit_intercept)
        else:
            gram = self.gram_over_rows(features, h)
        return Gram(gram, index, ones, W, g, squares, self.quadratic)

    def resolution(self, point):
        """Return 0: values from rows are as good as their arithmetic."""
        return 0.0

    def intercepts(self, point):
        """Return b_t for X as the user gave it, in the units of the labels, (T,)."""
        if not self.fit_intercept:
            return np.zeros(self.n_tasks)
        offset = ((self.mean + self.shift) * point.W).sum(axis=0)
        return point.intercept - offset
