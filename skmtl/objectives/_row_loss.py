"""The loss of rows as a function of their predictions, intercepts minimised out.

Everything of label shape is gone through in pieces of rows: a table may be almost as
large as the memory, and each step needs several temporary arrays.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from skmtl.losses import loss_parts
from skmtl.losses.scalar import squares

LABELS_AT_ONCE = 32_768  # few enough to stay in the cache
FAR = 100.0  # times D0: the square of a mean that takes digits of what varies


@dataclass(frozen=True)
class Piece:
    """Some rows of tasks with one loss, and where in the piece each task starts."""

    loss: object
    cells: object  # index into arrays of label shape
    tasks: object  # index into arrays of one number per task
    starts: np.ndarray | None = None
    counts: np.ndarray | None = None

    @property
    def view(self):
        """Whether what is written to an array at `cells` goes to the array itself."""
        return isinstance(self.tasks, slice)

    def sum(self, values):
        """Sum over the rows of each task; other axes come before."""
        if self.starts is None:  # a product is the fastest sum
            return np.ones(values.shape[-2]) @ values
        return np.add.reduceat(values, self.starts, axis=-1)

    def spread(self, per_task):
        """Repeat values (..., T) of all tasks over the rows."""
        if self.starts is None:
            return per_task[..., None, self.tasks]
        return np.repeat(per_task[..., self.tasks], self.counts, axis=-1)


def _as_slice(positions):
    """Return sorted positions as a slice where they are successive."""
    first, last = int(positions[0]), int(positions[-1])
    successive = last - first + 1 == len(positions)
    return slice(first, last + 1) if successive else positions


def wide_pieces(n, parts):
    """Cut rows shared by all tasks, the columns of each loss apart from the others."""
    step = max(LABELS_AT_ONCE // sum(len(tasks) for _, tasks in parts), 1)
    for a in range(0, n, step):
        rows = slice(a, min(a + step, n))
        for loss, positions in parts:
            tasks = _as_slice(positions)
            cells = rows if len(parts) == 1 else (rows, tasks)
            yield Piece(loss, cells, tasks)


def packed_pieces(offsets, parts):
    """Cut packed rows into runs of successive tasks with the same loss."""
    for loss, positions in parts:
        breaks = (np.flatnonzero(np.diff(positions) > 1) + 1).tolist()
        for i, j in pairwise([0, *breaks, len(positions)]):
            start, stop = offsets[positions[i]], offsets[positions[j - 1] + 1]
            for a in range(start, stop, LABELS_AT_ONCE):
                b = min(a + LABELS_AT_ONCE, stop)
                first = np.searchsorted(offsets, a, side="right") - 1
                last = np.searchsorted(offsets, b, side="left")
                ends = np.clip(offsets[first : last + 1], a, b) - a
                tasks = slice(first, last)
                yield Piece(loss, slice(a, b), tasks, ends[:-1], np.diff(ends))


class Seen(NamedTuple):
    """What is known at predictions: of label shape, in all, and for each piece."""

    bend: np.ndarray  # omega times the second derivative of the loss
    h: np.ndarray  # the same of a quadratic model
    squares: float  # sum of u^2 / h
    known: list  # what the gap of a piece needs, where that is not the predictions


class RowLoss:
    """sum_i omega_i l(y_i, Z_i + b_task), with b that minimises it.

    Parameters
    ----------
    data : TaskData
        Only its labels and the tasks of its rows are used.
    loss : loss, or Mixed
    c : ndarray of shape (T,)
        Sum of omega in each task.
    fit_intercept : bool
    """

    def __init__(self, data, loss, c, fit_intercept):
        self.y, self.c, self._mean = data.y, c, data.mean_label
        self.fit_intercept, self.n_tasks = fit_intercept, data.n_tasks
        self.level = c / data.total_weight
        self.omega = data.weight * data.spread(self.level)
        self._range, self._offsets = data.per_task_range, data.offsets
        self._parts = parts = loss_parts(loss, data.n_tasks)
        cut = wide_pieces if data.shared else packed_pieces
        self.pieces = list(cut(len(data.y) if data.shared else data.offsets, parts))
        self._quadratic = loss.quadratic
        self._seen = None, None, None  # the last Z and b, and what is known there
        self._start = np.zeros(self.n_tasks)
        if fit_intercept:
            self._start = self._best_constants()
        self.task_null = self._null_losses(data)

    def _best_constants(self):
        """Return the intercepts that are best at Z = 0."""
        mean, b = self._mean, np.empty(self.n_tasks)
        if self._quadratic:  # no search will be needed
            return mean
        # Labels may be of any size, and with them rounding in the slopes.
        self._size = np.ones(self.n_tasks)
        for loss, tasks in self._parts:
            b[tasks] = loss.link(mean[tasks])
            if loss.quadratic or not loss.exponential:
                self._size[tasks] += np.abs(self._range(self.y)).max(axis=0)[tasks]
        if all(loss.exponential for loss, _ in self._parts):
            return b
        low, high = b.copy(), b.copy()
        for loss, tasks in self._parts:
            if not loss.exponential:
                low[tasks], high[tasks] = self._range(self.y)[:, tasks]
        return self._search(np.zeros_like(self.y), b, low, high)

    def _null_losses(self, data):
        """Return D0 of each task: its loss at the start, less the least possible."""

        def least(y, w, p):
            return w * p.loss.fenchel_gap(y, p.spread(self._start), 0.0)

        null = np.zeros(self.n_tasks)
        for loss, tasks in self._parts:
            if loss.quadratic:
                squares = self.level * data.label_squares
                squares += self.c * (self._mean - self._start) ** 2
                null[tasks] = 0.5 * squares[tasks]
            elif hasattr(loss, "null"):  # known from the mean label
                found = loss.null(self._mean[tasks], self._start[tasks])
                null[tasks] = self.c[tasks] * found
            else:
                null[tasks] = self._total(least, loss)[tasks]
        return null

    def _total(self, function, loss=None):
        """Return the sums per task of function(y, omega, piece), of one loss or all."""
        total = np.zeros(self.n_tasks)
        for p in self.pieces:
            if loss is not None and p.loss is not loss:
                continue
            total[p.tasks] += p.sum(function(self.y[p.cells], self.omega[p.cells], p))
        return total

    def _each(self, Z, b):
        """Yield (piece, y, omega, predictions)."""
        for p in self.pieces:
            z = self._predictions(Z, b, p)
            yield p, self.y[p.cells], self.omega[p.cells], z

    def _predictions(self, Z, b, piece):
        """Return Z + b in one piece."""
        z = Z[piece.cells]
        return z + piece.spread(b) if self.fit_intercept else z

    def at(self, Z, near=None):
        """Return (b, value, u, whether u is a dual point) at the predictions Z + b.

        u = omega l'(y, Z + b) sums to 0 in each task where intercepts are fitted.
        """
        if self._quadratic:
            return self._at_squares(Z)
        b = self._start if near is None else near
        if self.fit_intercept:
            b = self._best_intercepts(Z, b)
        return self._at(Z, b)

    def at_nothing(self, Z):
        """Return the same for Z = 0, where the best intercepts are known."""
        return self._at_squares(Z) if self._quadratic else self._at(Z, self._start)

    def _at(self, Z, b):
        """Return the same, with the best intercepts."""
        self._seen = None, None, None  # its memory is needed
        value, square, known = 0.0, 0.0, []
        whole = u, bend, h = [np.empty_like(Z) for _ in range(3)]
        for p, y, w, z in self._each(Z, b):
            parts = [a[p.cells] for a in whole]
            found = p.loss.weighted_terms(y, w, z, *parts)
            if not p.view:
                for a, part in zip(whole, parts, strict=True):
                    a[p.cells] = part
            value, square = value + found[0], square + found[1]
            known.append(found[2])
        self._seen = Z, b, Seen(bend, h, square, known)
        if not self.fit_intercept:
            return b, value, u, True
        rest, total = self._sums(u), self._sums(bend)
        off = rest / np.where(total > 0, total, 1.0)
        if off.any():  # exact sums of zero, moved as the curvature allows
            for p in self.pieces:
                u[p.cells] -= bend[p.cells] * p.spread(off)
        size, rest = self.c, np.abs(rest)
        if np.any(rest > 1e-9 * size):
            size = np.maximum(size, self._sums(np.abs(u)))
        return b, value, u, bool(np.all(rest <= 1e-9 * size))

    def _sums(self, values):
        """Sum values of label shape over the rows of each task, (T,)."""
        total = np.zeros(self.n_tasks)
        for p in self.pieces:
            total[p.tasks] += p.sum(values[p.cells])
        return total

    def _at_squares(self, Z):
        """Return the same for the squared loss, in few passes."""
        u, b, value = Z - self.y, np.zeros(self.n_tasks), 0.0
        for _ in range(2 if self.fit_intercept else 0):
            rest = self._total(lambda _, w, p: w * u[p.cells]) / self.c
            b -= rest
            for p in self.pieces:
                u[p.cells] -= p.spread(rest)
            if np.all(self.c * rest**2 <= FAR * self.task_null):
                break  # else again, for what rounding left
        for p in self.pieces:
            r = u[p.cells]
            slope = self.omega[p.cells] * r
            value += 0.5 * float(np.vdot(slope, r))
            u[p.cells] = slope
        return b, value, u, True

    def _best_intercepts(self, Z, b):
        """Return argmin over b of the loss at Z + b."""
        # With all predictions on one side of those at Z = 0 the slope has a known sign.
        z, (omega, offsets) = Z.T.reshape(-1), self._by_task
        low, high = (
            self._start - end.reduceat(z, offsets[:-1])
            for end in (np.maximum, np.minimum)
        )
        if len(self._parts) == 1 and hasattr(self._parts[0][0], "intercepts"):
            total = self.c * self._mean
            found = self._parts[0][0].intercepts(
                z, omega, offsets, total, (low, high), b
            )
            if found is not None:
                return found
        return self._search(Z, b, low, high)

    @cached_property
    def _by_task(self):
        """The weights of the labels, task after task, and where each task starts."""
        omega, n = self.omega.T.reshape(-1), len(self.omega)
        if self._offsets is None:
            return omega, np.arange(0, n * self.n_tasks + 1, n)
        return omega, self._offsets

    def _search(self, Z, b, low, high):
        """Return argmin over b in [low, high]: safeguarded Newton."""
        size = self._size + np.maximum(np.abs(low), np.abs(high))
        b, before = np.clip(b, low, high), np.full(self.n_tasks, np.inf)
        done = np.zeros(self.n_tasks, dtype=bool)
        for _ in range(100):
            slope, bend = np.zeros((2, self.n_tasks))
            for p, y, w, z in self._each(Z, b):
                first, second = p.loss.derivatives(y, z)
                slope[p.tasks] += p.sum(w * first)
                bend[p.tasks] += p.sum(w * second)
            low, high = np.where(slope < 0, b, low), np.where(slope > 0, b, high)
            with np.errstate(over="ignore"):
                step = -slope / np.maximum(bend, np.finfo(float).tiny)
            new = b + step
            exact = (np.abs(slope) <= 1e-15 * self.c) | (np.abs(step) <= 4e-16 * size)
            done |= exact | (high - low <= 4e-16 * size)
            if done.all():
                break
            # Far out, where the loss is nearly straight, Newton steps do not shrink.
            slow = 2.0 * np.abs(step) > np.maximum(before, 1e-3)
            outside = (new <= low) | (new >= high)
            new = np.where(slow | outside, 0.5 * (low + high), new)
            before, b = np.abs(new - b), np.where(done, b, new)
        return b

    def _seen_at(self, Z, b):
        """Return what was `Seen` at Z + b if that is where `at` was last, else None."""
        last_Z, last_b, seen = self._seen
        return seen if last_Z is Z and last_b is b else None

    def gap(self, Z, b, rho):
        """Return the Fenchel-Young term sum of l(z) + l*(rho u) - rho u z."""
        seen, total = self._seen_at(Z, b), 0.0
        for i, p in enumerate(self.pieces):
            y, w = self.y[p.cells], self.omega[p.cells]
            known = None if seen is None else seen.known[i]
            if known is None:
                z = self._predictions(Z, b, p)
                total += float(np.vdot(w, p.loss.fenchel_gap(y, z, rho)))
            else:
                total += p.loss.known_gap(y, w, known, rho)
        return total

    def rise(self, Z, b, off):
        """Return what moving the intercepts from b by `off` (T,) adds to the loss."""
        total = 0.0
        for p, y, w, z in self._each(Z, b):
            value = p.loss.value
            total += float((w * (value(y, z + p.spread(off)) - value(y, z))).sum())
        return total

    def bends(self, Z, b, u):
        """Return (h, squares) of the quadratic model that touches the loss at Z + b.

        It is sum h residual^2 / 2 with residual = -u / h, and squares twice its value.
        """
        if self._quadratic:
            return self.omega, self._squares(u, self.omega)
        seen = self._seen_at(Z, b)
        if seen is not None:
            return seen.h, seen.squares
        h = np.empty_like(Z)
        for p, y, w, z in self._each(Z, b):
            h[p.cells] = w * p.loss.model_bend(y, z)
        return h, self._squares(u, h)

    def _squares(self, u, h):
        """Return the sum of u^2 / h."""
        return sum(squares(u[p.cells], h[p.cells]) for p in self.pieces)

    def bends_along(self, point, other):
        """Return the curvature of each task at a point, along the step from another."""
        b, bends = point.intercept, np.zeros(self.n_tasks)
        seen = self._seen_at(point.Z, b)
        for p in self.pieces:
            if seen is None:
                y, z = self.y[p.cells], self._predictions(point.Z, b, p)
                bend = self.omega[p.cells] * p.loss.derivatives(y, z)[1]
            else:
                bend = seen.bend[p.cells]
            step = point.Z[p.cells] - other.Z[p.cells]
            if self.fit_intercept:
                step += p.spread(b - other.intercept)
            step *= step
            step *= bend
            bends[p.tasks] += p.sum(step)
        return bends

    def steepest(self):
        """Return a bound of each row's curvature; that at Z = 0 where there is none."""
        if self._quadratic:
            return self.omega
        h = np.empty_like(self.omega)
        for p in self.pieces:
            if p.loss.curvature is not None:
                h[p.cells] = self.omega[p.cells] * p.loss.curvature
                continue
            y = self.y[p.cells]
            start = np.broadcast_to(p.spread(self._start), y.shape)
            bend = p.loss.derivatives(y, start)[1]
            h[p.cells] = self.omega[p.cells] * bend
        return h
