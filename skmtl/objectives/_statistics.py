"""The squared loss on statistics: no row is looked at, and n does not matter."""

from functools import cached_property

import numpy as np

from skmtl.moments import grams_times
from skmtl.objectives._grams import part_of_grams
from skmtl.objectives._point import Point
from skmtl.quadratics import Gram

# So small a share of D0 need not be known any better.
NO_MATTER = 1e-11
ROUNDING = 4.0 * np.finfo(float).eps


class Squares:
    """The squared loss as a quadratic of W: <W, A W> / 2 - <W, q> + yy / 2.

    What `image` gives is A W, the products of each task's curvature; `scale` are
    factors of the Gram matrices that these come from.
    """

    quadratic = True
    bounded = True  # the curvature

    @cached_property
    def null(self):
        """D0: the loss at W = 0 less the smallest possible one."""
        return float(self.task_null.sum())

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

    def _largest_squares(self, roots, W):
        """Return a bound of |W|'|A||W|, from roots of the diagonals of the Grams."""
        # No entry of a Gram matrix is larger than its diagonal says.
        return float(np.vdot((roots * W.T).sum(axis=1) ** 2, self.scale))

    def _rounding(self, size, W):
        """Return how far rounding puts a value off whose squares sum up to `size`."""
        linear = 2.0 * np.vdot(np.abs(self.q), np.abs(W)) + self.yy
        return ROUNDING * float(size + linear)


class StatisticsObjective(Squares):
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

    grams_fit = True

    def __init__(self, statistics, c, fit_intercept=True, y_scale=1.0):
        s = statistics
        self.statistics, self.fit_intercept = s, fit_intercept
        self.scale = c / s.weight
        self.y_scale = np.broadcast_to(y_scale, c.shape)
        gram, index, xy, yy = s.gram, s.gram_index, s.xy, s.yy
        # What labels vary by through the rounding of their mean alone is nothing.
        varied = yy > s.weight * (ROUNDING * s.y_mean) ** 2
        xy, yy = xy * varied[:, None], yy * varied
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
            _, first = np.unique(index, return_index=True)
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
        self.fewest_labels = int(s.n.min())
        self.row_cost = s.n_features * s.n_tasks

    def image(self, W):
        """Return A_t w_t for every task, (p, T)."""
        return grams_times(self.gram, self.index, W) * self.scale

    def curvatures(self):
        """Return the largest curvature of f along each feature over the tasks, (p,)."""
        diagonal = np.einsum("gjj->gj", self.gram)[self.index]
        return (diagonal * self.scale[:, None]).max(axis=0)

    def model(self, point, features):
        """Return f as a quadratic of the rows `features` of W, the others fixed."""
        W = np.ascontiguousarray(point.W[features].T)
        g = np.ascontiguousarray(self.gradient(point)[features].T)
        return self.gram_model(features, W, g, 2.0 * point.value)

    sweep_model = model  # exact, and as cheap as can be

    def gram_model(self, features, W, g, squares):
        """Return the quadratic with the curvature of f and gradient g at W (T, k)."""
        gram = part_of_grams(self.gram, features)
        return Gram(gram, self.index, self.scale, W, g, squares)

    def grams(self, point):
        """Return f as a quadratic of all of W, held by Gram matrices."""
        return self.model(point, np.arange(self.n_features))

    @cached_property
    def spectra(self):
        """Eigenvalues and eigenvectors of the Gram matrices."""
        return np.linalg.eigh(self.gram)

    def resolution(self, point):
        """Return how far rounding in the statistics may put the value off."""
        used = np.flatnonzero(point.W.any(axis=1))
        W = np.abs(point.W[used])
        size = self._largest_squares(self._root_diagonal[:, used], W)
        if ROUNDING * size > NO_MATTER * self.null:
            gram = np.abs(self.gram[:, used][:, :, used])
            size = np.vdot(W, grams_times(gram, self.index, W) * self.scale)
        return self._rounding(size, point.W) + self._drift(W, used)

    @cached_property
    def _root_diagonal(self):
        """Square roots of the diagonals, (T, p)."""
        diagonal = np.einsum("gjj->gj", self.gram)[self.index]
        return np.sqrt(np.maximum(diagonal, 0.0))

    def _drift(self, W, used):
        """Return what rounding of numbers far from 0 does to the value.

        Rows and their means hold errors of eps times their size, which move
        predictions. Without intercepts the Gram matrices hold the means themselves.
        """
        if not self.fit_intercept:
            return 0.0
        s = self.statistics
        size = np.einsum("tj,jt->t", np.abs(s.x_mean[:, used]), W)
        off = np.finfo(float).eps * (size + np.abs(s.y_mean) / self.y_scale)
        c = self.scale * s.weight
        return float((np.sqrt(c * self._task_yy) * off + 0.5 * c * off**2).sum())

    def intercepts(self, point):
        """Return b_t in the units of the (scaled) labels, (T,)."""
        if not self.fit_intercept:
            return np.zeros(self.n_tasks)
        s = self.statistics
        return s.y_mean / self.y_scale - np.einsum("tj,jt->t", s.x_mean, point.W)
