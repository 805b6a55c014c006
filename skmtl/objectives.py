"""The smooth part of the objective, of rows and of statistics, behind one interface.

f(W) = min over b of sum_t c_t / S_t sum_i s_ti l(y_ti, x_ti . w_t + b_t): the
intercepts are always minimised out, so a solver sees W (p, T) alone. X is centred
implicitly, task by task, which leaves f as it is and takes the means of the features
out of its conditioning.

A `Point` is W with what is known there. Its image Z is linear in W: the centred
predictions for rows, the Gram products for statistics.

The duality gap is a sum of two Fenchel-Young terms, each >= 0 and free of cancellation
between large numbers. With u the derivative of the loss at the predictions (sum of u
per task = 0) and rho in [0, 1] such that -rho G is feasible, G = X'u,
    gap = sum [l(z) + l*(rho u) - rho u z] + [Omega(W) + Omega*(-rho G) + rho <W, G>].
`loss_gap` is the first.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from skmtl.data import CHUNK_BYTES, PACK_BYTES
from skmtl.quadratics import DenseRows, Gram, SparseRows

# The curvature of a row is raised in a quadratic model to this share of its slope, so
# that a row on the wrong side, which is nearly straight, does not blow the right-hand
# side up. A row on the right side has a slope as small as its curvature and needs none.
CURVATURE_FLOOR = 1e-6
ROWS_AT_ONCE = 65_536


def task_weights(tasks, sum_weight, task_weight):
    """Return c_t of section 'objective': None -> 1, "n_samples" -> S_t / mean(S)."""
    if task_weight is None:
        return np.ones(len(tasks))
    if isinstance(task_weight, str):
        return sum_weight / sum_weight.mean()
    missing = [t for t in tasks.tolist() if t not in task_weight]
    if missing:
        raise ValueError(
            f"task_weight has no weight for task {missing[0]!r}; a mapping must cover "
            "every task."
        )
    c = np.array([task_weight[t] for t in tasks.tolist()], dtype=float)
    bad = ~np.isfinite(c) | (c <= 0)
    if bad.any():
        raise ValueError(
            f"task_weight of task {tasks[bad][0].item()!r} is {c[bad][0]:g}; weights "
            "must be positive and finite. Leave a task out by dropping its rows."
        )
    return c


@dataclass
class Point:
    """W, its image Z, the value of f there, and what the objective keeps beside."""

    W: np.ndarray
    Z: np.ndarray
    value: float
    u: np.ndarray | None = None
    intercept: np.ndarray | None = None
    feasible: bool = True  # u is a dual point; else the intercepts defied arithmetic
    G: np.ndarray | None = None  # the gradient, once somebody asked for it


class StatisticsObjective:
    """The squared loss on `TaskStatistics`.

    Parameters
    ----------
    statistics : TaskStatistics
    c : ndarray of shape (T,)
        Task weights.
    fit_intercept : bool
    y_scale : ndarray of shape (T,)
        The labels of each task are divided by this.
    """

    quadratic = True

    def __init__(self, statistics, c, fit_intercept=True, y_scale=1.0):
        s = statistics
        self.statistics, self.fit_intercept = s, fit_intercept
        self.scale = c / s.weight
        self.y_scale = np.broadcast_to(y_scale, c.shape)
        gram, index, xy, yy = s.gram, s.gram_index, s.xy, s.yy
        if not fit_intercept:
            means = s.x_mean
            if len(gram) < s.n_tasks:
                same = all(
                    np.all(means[index == g] == means[index == g][0])
                    and np.all(s.weight[index == g] == s.weight[index == g][0])
                    for g in range(len(gram))
                )
                gram, index = (
                    (gram, index) if same else (gram[index], np.arange(len(c)))
                )
            first = [np.flatnonzero(index == g)[0] for g in range(len(gram))]
            gram = gram + np.einsum(
                "g,gi,gj->gij", s.weight[first], means[first], means[first]
            )
            xy = xy + (s.weight * s.y_mean)[:, None] * means
            yy = yy + s.weight * s.y_mean**2
        self.gram, self.index = gram, index
        self.q = np.ascontiguousarray((xy * (self.scale / self.y_scale)[:, None]).T)
        self.yy = float((self.scale * yy / self.y_scale**2).sum())
        self._task_yy = self.scale * yy / self.y_scale**2
        self.task_null = 0.5 * self._task_yy
        self.n_features, self.n_tasks = s.n_features, s.n_tasks

    @cached_property
    def null(self):
        """D0: the loss at W = 0 less the smallest possible one."""
        return float(self.task_null.sum())

    def image(self, W):
        """Return A_t w_t for every task, (p, T)."""
        return _grams_times(self.gram, self.index, W) * self.scale

    def at(self, W, Z=None, near=None):
        """Return the point at W; `near` is a point to start inner searches from."""
        Z = self.image(W) if Z is None else Z
        value = 0.5 * np.vdot(W, Z) - np.vdot(W, self.q) + 0.5 * self.yy
        return Point(W, Z, max(value, 0.0))

    def gradient(self, point):
        """Return the gradient of f, (p, T)."""
        if point.G is None:
            point.G = point.Z - self.q
        return point.G

    def loss_gap(self, point, rho):
        """Return the Fenchel-Young term of the loss for the dual point rho u."""
        return (1.0 - rho) ** 2 * point.value

    def bend(self, a, b):
        """Return <grad f(a) - grad f(b), a.W - b.W>, from the images alone."""
        return float(np.vdot(a.Z - b.Z, a.W - b.W))

    def curvatures(self):
        """Return the largest curvature of f along each feature over the tasks, (p,)."""
        diagonal = np.einsum("gjj->gj", self.gram)[self.index]
        return (diagonal * self.scale[:, None]).max(axis=0)

    def model(self, point, features):
        """Return f as a quadratic of the rows `features` of W, the others fixed."""
        W = np.ascontiguousarray(point.W[features].T)
        g = np.ascontiguousarray(self.gradient(point)[features].T)
        return self.gram_model(features, W, g, 2.0 * point.value)

    def gram_model(self, features, W, g, squares):
        """Return the quadratic with the curvature of f and gradient g at W (T, k)."""
        full = len(features) == self.n_features
        gram = self.gram if full else self.gram[:, features][:, :, features].copy()
        return Gram(gram, self.index, self.scale, W, g, squares)

    def resolution(self, point):
        """Return how far rounding in the statistics may put the value off."""
        W = np.abs(point.W)
        products = _grams_times(np.abs(self.gram), self.index, W) * self.scale
        size = np.vdot(W, products) + 2.0 * np.vdot(np.abs(self.q), W) + self.yy
        return 4.0 * np.finfo(float).eps * float(size)

    def intercepts(self, point):
        """Return b_t in the units of the (scaled) labels, (T,)."""
        if not self.fit_intercept:
            return np.zeros(self.n_tasks)
        s = self.statistics
        return s.y_mean / self.y_scale - np.einsum("tj,jt->t", s.x_mean, point.W)


class DataObjective:
    """Any loss on the rows of `TaskData`.

    Parameters
    ----------
    data : TaskData
        Labels already scaled.
    loss : loss
    c : ndarray of shape (T,)
        Task weights.
    fit_intercept : bool
    known : StatisticsObjective or None
        The same objective from statistics, where its Gram matrices are there already.
        Gradients still come from the rows, which makes the solver refine what rounding
        in the statistics left.
    """

    def __init__(self, data, loss, c, fit_intercept=True, known=None):
        self.loss, self.fit_intercept, self.known = loss, fit_intercept, known
        self.quadratic = loss.quadratic
        self.omega = data.weight * data.spread(c / data.per_task_sum(data.weight))
        self.c = c
        self.shift = np.zeros(data.n_features)
        small = not sparse.issparse(data.X) and data.X.nbytes <= PACK_BYTES
        if fit_intercept and small:
            # One common shift, on a copy, keeps the digits of features with huge means.
            # Weighted, so that rows without weight cannot move it.
            per_row = self.omega.sum(axis=1) if data.shared else self.omega
            self.shift = per_row @ data.X / c.sum()
            data = replace(data, X=data.X - self.shift)
        self.data = data
        self.n_features, self.n_tasks = data.n_features, data.n_tasks
        self.mean = np.zeros((self.n_features, self.n_tasks))
        if fit_intercept:
            self.mean = data.rmatvec(self.omega) / c
        mean_y = data.per_task_sum(self.omega * data.y) / c
        self._start = loss.link(mean_y) if fit_intercept else np.zeros(self.n_tasks)
        loss_at_0 = loss.value(data.y, data.spread(self._start)) - loss.saturated(
            data.y
        )
        self.task_null = data.per_task_sum(self.omega * loss_at_0)

    @cached_property
    def null(self):
        """D0: the loss at W = 0 with the best intercepts less the least possible."""
        return float(self.task_null.sum())

    def image(self, W):
        """Return the predictions (X - mean) W, without intercepts, in label shape."""
        return self.data.matvec(W) - self.data.spread((self.mean * W).sum(axis=0))

    def at(self, W, Z=None, near=None):
        """Return the point at W; `near` is a point to start inner searches from."""
        Z = self.image(W) if Z is None else Z
        start = self._start if near is None else near.intercept
        b = self._best_intercepts(Z, start) if self.fit_intercept else self._start
        z = Z + self.data.spread(b)
        y = self.data.y
        value = float((self.omega * self.loss.value(y, z)).sum())
        u, feasible = self.omega * self.loss.gradient(y, z), True
        if self.fit_intercept:  # exact sums of zero, moved as the curvature allows
            h = self.omega * self.loss.hessian(y, z)
            total, rest = self.data.per_task_sum(h), self.data.per_task_sum(u)
            u -= h * self.data.spread(rest / np.where(total > 0, total, 1.0))
            size = np.maximum(self.data.per_task_sum(np.abs(u)), self.c)
            feasible = bool(np.all(np.abs(rest) <= 1e-9 * size))
        return Point(W, Z, value, u, b, feasible)

    def _best_intercepts(self, Z, b):
        """Return argmin over b of the loss at Z + b: safeguarded Newton."""
        y, omega, sums = self.data.y, self.omega, self.data.per_task_sum
        if self.quadratic:
            return sums(omega * (y - Z)) / self.c
        # With all predictions on one side of those at W = 0 the slope has a known sign.
        high, low = self._start - self.data.per_task_range(Z)
        b, before = np.clip(b, low, high), np.full(self.n_tasks, np.inf)
        for _ in range(100):
            z = Z + self.data.spread(b)
            slope = sums(omega * self.loss.gradient(y, z))
            bend = sums(omega * self.loss.hessian(y, z))
            low, high = np.where(slope < 0, b, low), np.where(slope > 0, b, high)
            with np.errstate(over="ignore"):
                step = -slope / np.maximum(bend, np.finfo(float).tiny)
            new, size = b + step, 4e-16 * np.maximum(np.abs(b), 1.0)
            if np.all((np.abs(slope) <= 1e-15 * self.c) | (np.abs(step) <= size)):
                break
            # Far out, where the loss is nearly straight, Newton steps do not shrink.
            slow = 2.0 * np.abs(step) > np.maximum(before, 1e-3)
            outside = (new <= low) | (new >= high)
            new = np.where(slow | outside, 0.5 * (low + high), new)
            b, before = new, np.abs(new - b)
        return b

    def gradient(self, point):
        """Return the gradient of f, (p, T)."""
        if point.G is None:
            point.G = self.data.rmatvec(point.u)
            if self.fit_intercept:
                point.G -= self.mean * self.data.per_task_sum(point.u)
        return point.G

    def _predictions(self, point):
        return point.Z + self.data.spread(point.intercept)

    def loss_gap(self, point, rho):
        """Return the Fenchel-Young term of the loss for the dual point rho u."""
        if rho > 0 and not point.feasible:
            return np.inf
        y, z, gap = self.data.y, self._predictions(point), 0.0
        for a in range(0, len(y), ROWS_AT_ONCE):  # it needs many temporary arrays
            b = slice(a, a + ROWS_AT_ONCE)
            gap += float((self.omega[b] * self.loss.fenchel_gap(y[b], z[b], rho)).sum())
        return gap

    def loss_of_shift(self, point, off):
        """Return what moving the best intercepts by `off` (T,) adds to the loss."""
        z = self._predictions(point)
        moved = self.loss.value(self.data.y, z + self.data.spread(off))
        more = float((self.omega * (moved - self.loss.value(self.data.y, z))).sum())
        return max(more, 0.0)

    def bend(self, a, b):
        """Return <grad f(a) - grad f(b), a.W - b.W>, from the images alone."""
        return float(np.vdot(a.u - b.u, a.Z - b.Z))

    def curvatures(self):
        """Return a bound of the curvature of f along each feature, (p,)."""
        squares = np.zeros((self.n_tasks, self.n_features))
        for t, rows, X in self.data.blocks(CHUNK_BYTES):
            X2 = X.multiply(X) if sparse.issparse(X) else X * X
            squares[slice(None) if t is None else t] += (X2.T @ self.omega[rows]).T
        centred = squares.T - self.c * self.mean**2
        return self.loss.curvature * np.maximum(centred, 0.0).max(axis=1)

    def model(self, point, features):
        """Return a quadratic of the rows `features` of W that touches f at the point.

        It is held by Gram matrices where there are fewer features than rows, else by
        its residuals.
        """
        y, z = self.data.y, self._predictions(point)
        if self.quadratic:
            h, residual = self.omega, y - z
        else:
            seen = self.omega > 0
            slope = np.divide(point.u, self.omega, out=np.zeros_like(z), where=seen)
            floor = CURVATURE_FLOOR * np.maximum(np.abs(slope), 1e-9)
            bends = np.maximum(self.loss.hessian(y, z), floor * self.loss.curvature)
            h = self.omega * bends
            residual = -slope / bends
        W = np.ascontiguousarray(point.W[features].T)
        if self.known is not None or len(features) <= self.data.n_labels.max():
            g = np.ascontiguousarray(self.gradient(point)[features].T)
            squares = float((h * residual**2).sum())
            if self.known is not None:
                return self.known.gram_model(features, W, g, squares)
            return self._gram_model(features, W, g, squares, h)
        kind = SparseRows if sparse.issparse(self.data.X) else DenseRows
        return kind.build(self.data, features, W, h, residual, self.fit_intercept)

    def _gram_model(self, features, W, g, squares, h):
        """Return the quadratic model by the Gram matrices of the chosen columns."""
        data, k = self.data, len(features)
        one = data.shared and self.quadratic and bool(np.all(h == h[:, :1]))
        gram = np.zeros((1 if one else self.n_tasks, k, k))
        total = data.per_task_sum(h)
        first = np.zeros((self.n_tasks, k))
        for t, rows, X in data.blocks(CHUNK_BYTES):
            columns = X if k == self.n_features else X[:, features]
            tasks = range(len(gram)) if t is None else [t]
            for s in tasks:
                weights = h[rows] if t is not None else h[rows, s]
                gram[s] += _weighted_gram(columns, weights)
            members = slice(None) if t is None else t
            first[members] += (columns.T @ h[rows]).T
        if self.fit_intercept:
            means = first / total[:, None]
            for s in range(len(gram)):
                gram[s] -= np.outer(means[s], first[s])
        index = np.zeros(self.n_tasks, dtype=int) if one else np.arange(self.n_tasks)
        return Gram(gram, index, np.ones(self.n_tasks), W, g, squares)

    def resolution(self, point):
        """Return 0: values from rows are as good as their arithmetic."""
        return 0.0

    def intercepts(self, point):
        """Return b_t for X as the user gave it, in the units of the labels, (T,)."""
        if not self.fit_intercept:
            return np.zeros(self.n_tasks)
        offset = ((self.mean + self.shift[:, None]) * point.W).sum(axis=0)
        return point.intercept - offset


def _grams_times(gram, index, W):
    """Return gram[index[t]] @ W[:, t] for every task, (p, T)."""
    if len(gram) == 1:
        return gram[0] @ W
    if len(gram) == W.shape[1]:  # one each, in order
        return np.matmul(gram, W.T[:, :, None])[:, :, 0].T
    out = np.empty_like(W)
    for g in range(len(gram)):
        members = np.flatnonzero(index == g)
        out[:, members] = gram[g] @ W[:, members]
    return out


def _weighted_gram(X, weights):
    """Return X' diag(weights) X as a dense array."""
    if sparse.issparse(X):
        return np.asarray((X.T @ X.multiply(weights[:, None]).tocsr()).todense())
    scaled = X * np.sqrt(weights)[:, None]
    return scaled.T @ scaled
