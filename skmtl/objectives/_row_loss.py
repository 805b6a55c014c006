"""The loss of rows as a function of their predictions, intercepts minimised out.

Everything of label shape is gone through in pieces of rows: a table may be almost as
large as the memory, and each step needs several temporary arrays.
"""

from dataclasses import dataclass

import numpy as np

ROWS_AT_ONCE = 65_536
# The curvature of a row is raised in a quadratic model to this share of its slope, so
# that a row on the wrong side, which is nearly straight, does not blow the right-hand
# side up. A row on the right side has a slope as small as its curvature and needs none.
CURVATURE_FLOOR = 1e-6


@dataclass(frozen=True)
class _Piece:
    """Some rows, the tasks they belong to, and where in the piece each task starts."""

    rows: slice
    tasks: slice
    starts: np.ndarray | None
    counts: np.ndarray | None

    def sum(self, values):
        """Sum over the rows of each task."""
        if self.starts is None:
            return values.sum(axis=0)
        return np.add.reduceat(values, self.starts)

    def spread(self, per_task):
        """Repeat one value per task (of all tasks) over the rows."""
        if self.starts is None:
            return per_task
        return np.repeat(per_task[self.tasks], self.counts)


def _pieces(data):
    """Cut the rows of packed data into pieces."""
    n = len(data.y)
    for a in range(0, n, ROWS_AT_ONCE):
        b = min(a + ROWS_AT_ONCE, n)
        if data.shared:
            yield _Piece(slice(a, b), slice(0, data.n_tasks), None, None)
            continue
        first = np.searchsorted(data.offsets, a, side="right") - 1
        last = np.searchsorted(data.offsets, b, side="left")
        ends = np.clip(data.offsets[first : last + 1], a, b) - a
        yield _Piece(slice(a, b), slice(first, last), ends[:-1], np.diff(ends))


class RowLoss:
    """sum_i omega_i l(y_i, Z_i + b_task), with b that minimises it.

    Parameters
    ----------
    data : TaskData
        Only its labels and the tasks of its rows are used.
    loss : loss
    c : ndarray of shape (T,)
        Sum of omega in each task.
    fit_intercept : bool
    """

    def __init__(self, data, loss, c, fit_intercept):
        self.y, self.loss, self.c = data.y, loss, c
        self.fit_intercept, self.n_tasks = fit_intercept, data.n_tasks
        self.omega = data.weight * data.spread(c / data.per_task_sum(data.weight))
        self.pieces = list(_pieces(data))
        self._range = data.per_task_range
        self._start = np.zeros(self.n_tasks)
        if fit_intercept:
            self._start = loss.link(self._total(lambda y, w, _: w * y) / c)
        self.task_null = self._total(  # D0 of each task
            lambda y, w, p: (
                w * (loss.value(y, p.spread(self._start)) - loss.saturated(y))
            )
        )

    def _total(self, function):
        """Return the sums per task of function(y, omega, piece)."""
        total = np.zeros(self.n_tasks)
        for p in self.pieces:
            total[p.tasks] += p.sum(function(self.y[p.rows], self.omega[p.rows], p))
        return total

    def _each(self, Z, b):
        """Yield (piece, y, omega, predictions)."""
        for p in self.pieces:
            yield p, self.y[p.rows], self.omega[p.rows], Z[p.rows] + p.spread(b)

    def at(self, Z, near=None):
        """Return (b, value, u, whether u is a dual point) at the predictions Z + b.

        u = omega l'(y, Z + b) sums to 0 in each task where intercepts are fitted.
        """
        b = self._start if near is None else near
        if self.fit_intercept:
            b = self._best_intercepts(Z, b)
        value, u = 0.0, np.empty_like(Z)
        rest, total, size = np.zeros((3, self.n_tasks))
        for p, y, w, z in self._each(Z, b):
            value += float((w * self.loss.value(y, z)).sum())
            slope, bend = self.loss.derivatives(y, z)
            slope *= w
            u[p.rows] = slope
            rest[p.tasks] += p.sum(slope)
            total[p.tasks] += p.sum(w * bend)
            size[p.tasks] += p.sum(np.abs(slope))
        if not self.fit_intercept:
            return b, value, u, True
        off = rest / np.where(total > 0, total, 1.0)
        if off.any():  # exact sums of zero, moved as the curvature allows
            for p, y, w, z in self._each(Z, b):
                u[p.rows] -= w * self.loss.derivatives(y, z)[1] * p.spread(off)
        feasible = bool(np.all(np.abs(rest) <= 1e-9 * np.maximum(size, self.c)))
        return b, value, u, feasible

    def _best_intercepts(self, Z, b):
        """Return argmin over b of the loss at Z + b: safeguarded Newton."""
        if self.loss.quadratic:
            return self._total(lambda y, w, p: w * (y - Z[p.rows])) / self.c
        # With all predictions on one side of those at Z = 0 the slope has a known sign.
        high, low = self._start - self._range(Z)
        b, before = np.clip(b, low, high), np.full(self.n_tasks, np.inf)
        for _ in range(100):
            slope, bend = np.zeros((2, self.n_tasks))
            for p, y, w, z in self._each(Z, b):
                first, second = self.loss.derivatives(y, z)
                slope[p.tasks] += p.sum(w * first)
                bend[p.tasks] += p.sum(w * second)
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

    def gap(self, Z, b, rho):
        """Return the Fenchel-Young term sum of l(z) + l*(rho u) - rho u z."""
        return sum(
            float((w * self.loss.fenchel_gap(y, z, rho)).sum())
            for _, y, w, z in self._each(Z, b)
        )

    def rise(self, Z, b, off):
        """Return what moving the intercepts from b by `off` (T,) adds to the loss."""
        value, total = self.loss.value, 0.0
        for p, y, w, z in self._each(Z, b):
            total += float((w * (value(y, z + p.spread(off)) - value(y, z))).sum())
        return total

    def bends(self, Z, b, u):
        """Return (h, squares) of the quadratic model that touches the loss at Z + b.

        It is sum h residual^2 / 2 with residual = -u / h, and squares twice its value.
        """
        if self.loss.quadratic:
            h = self.omega
        else:
            h = np.empty_like(Z)
            for p, y, w, z in self._each(Z, b):
                slope = np.divide(u[p.rows], w, out=np.zeros_like(z), where=w > 0)
                floor = CURVATURE_FLOOR * np.maximum(np.abs(slope), 1e-9)
                bend = self.loss.derivatives(y, z)[1]
                h[p.rows] = w * np.maximum(bend, floor * self.loss.curvature)
        squares = 0.0
        for p in self.pieces:
            u_p, h_p = u[p.rows], h[p.rows]
            seen = h_p > 0
            squares += float((u_p[seen] ** 2 / h_p[seen]).sum())
        return h, squares
