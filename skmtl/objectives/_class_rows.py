"""The loss of rows where tasks have different numbers of columns.

Tasks with two classes have one column and the logistic loss; those with K > 2 classes
have K columns and the multinomial one. Tasks of one kind are gone through together.
"""

from dataclasses import dataclass, replace

import numpy as np

from skmtl.losses import Logistic
from skmtl.objectives._row_loss import RowLoss
from skmtl.objectives._softmax import SoftmaxLoss


@dataclass(frozen=True)
class _Kind:
    """The tasks with the same number of columns, and where those are.

    `loss` takes values of the tasks here alone: of label shape for one column, else
    with the classes along a first axis.
    """

    data: object  # ColumnData
    tasks: np.ndarray
    columns: np.ndarray  # (T, K)
    loss: object = None

    @property
    def several(self):
        """Whether the tasks have several columns each."""
        return self.columns.shape[1] > 1

    def take(self, values):
        """Return the values of these tasks out of those of label shape of all."""
        if self.data.shared:
            own = values[:, _as_slice(self.columns.ravel())]
            if not self.several:
                return own
            return own.reshape(len(values), *self.columns.shape).transpose(2, 0, 1)
        tables = [self.data.table(values, t).T for t in self.tasks]
        own = tables[0] if len(tables) == 1 else np.concatenate(tables, axis=1)
        return own if self.several else own[0]

    def put(self, found, values):
        """Write the values of these tasks to where `take` reads them."""
        if self.data.shared:
            if self.several:
                found = found.transpose(1, 2, 0).reshape(len(values), -1)
            values[:, _as_slice(self.columns.ravel())] = found
            return
        start, found = 0, np.atleast_2d(found)
        for t in self.tasks:
            table = self.data.table(values, t)
            table[...] = found[:, start : start + len(table)].T
            start += len(table)

    def of_columns(self, values):
        """Return one value per column as one per task, or as (K, T)."""
        return values[self.columns].T if self.several else values[self.columns[:, 0]]


def _as_slice(positions):
    """Return successive positions as a slice, so that they give a view."""
    first, last = int(positions[0]), int(positions[-1])
    if last - first + 1 == len(positions) and np.all(np.diff(positions) == 1):
        return slice(first, last + 1)
    return positions


class ClassRows:
    """The sum of the losses of all tasks, intercepts minimised out.

    Parameters
    ----------
    data : ColumnData
    c : ndarray of shape (T,)
        Task weights.
    fit_intercept : bool

    Attributes
    ----------
    omega : ndarray
        Weights of the rows, task by task.
    task_null : ndarray of shape (T,)
        D0 of each task.
    """

    def __init__(self, data, c, fit_intercept):
        rows, widths = data.by_task, data.columns.widths
        self.data, self.c, self.n_columns = data, c, data.n_tasks
        self.omega = rows.weight * rows.spread(c / rows.per_task_sum(rows.weight))
        self.task_null = np.empty(len(widths))
        first = np.cumsum(widths) - widths
        self.kinds = []
        for K in np.unique(widths):
            tasks = np.flatnonzero(widths == K)
            part = _only(rows, tasks)
            if K == 1:
                loss = RowLoss(part, Logistic(), c[tasks], fit_intercept)
            else:
                omega = part.weight * part.spread(
                    c[tasks] / part.per_task_sum(part.weight)
                )
                loss = SoftmaxLoss(
                    part.y, omega, part.offsets, int(K), c[tasks], fit_intercept
                )
            columns = first[tasks][:, None] + np.arange(K)
            self.kinds.append(_Kind(data, tasks, columns, loss))
            self.task_null[tasks] = loss.task_null

    def at(self, Z, near=None):
        """Return (b, value, u, whether u is a dual point) at the predictions Z + b."""
        b, value, u, feasible = np.empty(self.n_columns), 0.0, np.empty_like(Z), True
        for kind in self.kinds:
            start = None if near is None else kind.of_columns(near)
            own, part, slope, good = kind.loss.at(kind.take(Z), start)
            b[kind.columns] = own.T.reshape(kind.columns.shape)
            kind.put(slope, u)
            value, feasible = value + part, feasible and good
        return b, value, u, feasible

    at_nothing = at

    def gap(self, Z, b, rho):
        """Return the Fenchel-Young term sum of l(z) + l*(rho u) - rho u z."""
        return sum(
            kind.loss.gap(kind.take(Z), kind.of_columns(b), rho) for kind in self.kinds
        )

    def rise(self, Z, b, off):
        """Return what moving the intercepts from b by `off` (C,) adds to the loss."""
        return sum(
            kind.loss.rise(kind.take(Z), kind.of_columns(b), kind.of_columns(off))
            for kind in self.kinds
        )

    def bends(self, Z, b, u):
        """Return (h, squares) of a model without products between columns."""
        h, squares = np.empty_like(Z), 0.0
        for kind in self.kinds:
            own, part = kind.loss.bends(kind.take(Z), kind.of_columns(b), kind.take(u))
            kind.put(own, h)
            squares += part
        return h, squares

    def model_point(self, Z, b, u):
        """Return (p, squares) of a model with the products between columns.

        p has label shape: a probability, and in the column of a task with two classes
        p (1 - p).
        """
        prob, squares = np.empty_like(Z), 0.0
        for kind in self.kinds:
            z, own = kind.take(Z), kind.of_columns(b)
            if kind.several:
                p, _, part = kind.loss.model_point(z, own)
            else:
                p, part = kind.loss.bends(z, own, kind.take(u))
                omega = kind.loss.omega
                p = np.divide(p, omega, out=np.zeros_like(p), where=omega > 0)
            kind.put(p, prob)
            squares += part
        return prob, squares

    def bends_along(self, point, other):
        """Return the curvature of each task at a point, along the step from another.

        Repeated for each of its columns, (C,).
        """
        data, widths = self.data, self.data.columns.widths
        prob, _ = self.model_point(point.Z, point.intercept, point.u)
        off, bends, rows = point.intercept - other.intercept, [], data.by_task
        for t, (first, last) in enumerate(data.spans):
            p = data.table(prob, t)
            step = data.table(point.Z, t) - data.table(other.Z, t) + off[first:last]
            own = (p * step**2).sum(axis=1)
            if last - first > 1:
                own -= (p * step).sum(axis=1) ** 2
            cells = (slice(None), t) if rows.shared else slice(*rows.offsets[t : t + 2])
            bends.append(self.omega[cells] @ own)
        return np.repeat(bends, widths)

    def steepest(self):
        """Return a bound of each row's curvature along any column, task by task."""
        bound = np.where(self.data.columns.widths > 1, 0.5, Logistic.curvature)
        return self.omega * self.data.by_task.spread(bound)


def _only(data, tasks):
    """Return labels and weights of some tasks of `TaskData`, without X."""
    if len(tasks) == data.n_tasks:
        return data
    if data.shared:
        own = _as_slice(tasks)
        y, weight, offsets = data.y[:, own], data.weight[:, own], None
    else:
        ends = zip(data.offsets[tasks], data.offsets[tasks + 1], strict=True)
        rows = np.concatenate([np.arange(a, b) for a, b in ends])
        y, weight = data.y[rows], data.weight[rows]
        offsets = np.concatenate([[0], np.cumsum(np.diff(data.offsets)[tasks])])
    return replace(
        data, y=y, weight=weight, tasks=data.tasks[tasks], offsets=offsets, order=None
    )
