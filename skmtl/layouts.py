"""The layouts a user may pass, read into one description of rows, tasks and labels.

Notation: n rows, p features, T tasks.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from skmtl._compat import column_or_1d
from skmtl.task_labels import (
    TaskIndex,
    as_task_labels,
    category_order,
    missing_mask,
    positions,
)

# Squares of larger numbers, summed over rows, would overflow.
LARGEST = 1e150


# ---------------------------------------------------------------- labels of all layouts
@dataclass(frozen=True)
class TaskLabels:
    """Which task each row belongs to and which labels are observed.

    Attributes
    ----------
    layout : {"single", "long", "wide"}
    tasks : ndarray of shape (T,)
    y : ndarray of shape (n,) or, wide, (n, T)
        Labels as given (any dtype); missing ones are NaN or None.
    codes : ndarray of shape (n,) or None
        Position of each row's task, -1 where the weight is zero; None when wide.
    weight : ndarray, shape of y
        Sample weights, 0 where no label is observed.
    """

    layout: str
    tasks: np.ndarray
    y: np.ndarray
    codes: np.ndarray | None
    weight: np.ndarray

    @property
    def n_tasks(self):
        """Number of tasks."""
        return len(self.tasks)

    def rows(self, t):
        """Return the rows at which task t has a label."""
        if self.layout == "wide":
            return np.flatnonzero(self.weight[:, t] > 0)
        return np.flatnonzero(self.codes == t)

    @cached_property
    def offsets(self):
        """Where the rows of each task start, (T + 1,), if all come task by task."""
        codes = self.codes
        if self.layout == "wide" or np.any(codes[:1] < 0):
            return None
        if np.any(codes[1:] < codes[:-1]):
            return None
        return np.searchsorted(codes, np.arange(self.n_tasks + 1))

    @property
    def n_labels(self):
        """Observed labels of each task, (T,)."""
        if self.layout == "wide":
            return per_column(self.weight > 0)
        if self.offsets is not None:
            return np.diff(self.offsets)
        return np.bincount(self.codes + 1, minlength=self.n_tasks + 1)[1:]

    def count(self, chosen):
        """Count the labels of each task that are `chosen` (bool, shape of y), (T,)."""
        if self.layout == "wide":
            return per_column(chosen & (self.weight > 0))
        if self.offsets is not None:
            full = self.n_labels > 0
            counts, starts = np.zeros(self.n_tasks, dtype=int), self.offsets[:-1][full]
            counts[full] = np.add.reduceat(chosen, starts, dtype=int)
            return counts
        codes = self.codes[np.flatnonzero(chosen)]  # faster than by what is true
        return np.bincount(codes + 1, minlength=self.n_tasks + 1)[1:]

    def of_task(self, t):
        """Return (rows, labels, weights) of task t."""
        rows = self.rows(t)
        if self.layout == "wide":
            return rows, self.y[rows, t], self.weight[rows, t]
        return rows, self.y[rows], self.weight[rows]

    def at(self, rows):
        """Return the labels of some rows; all tasks stay."""
        codes = None if self.codes is None else self.codes[rows]
        return replace(self, y=self.y[rows], codes=codes, weight=self.weight[rows])

    def with_y(self, y):
        """Return the same rows and tasks with other labels."""
        return replace(self, y=y)

    def with_weight(self, weight):
        """Return the same rows and tasks with other weights."""
        return replace(self, weight=weight)

    def keep_tasks(self, kept):
        """Return the labels of the tasks at positions `kept`, in that order."""
        kept = np.asarray(kept, dtype=int)
        if np.array_equal(kept, np.arange(self.n_tasks)):
            return self
        if self.layout == "wide":
            return replace(
                self,
                tasks=self.tasks[kept],
                y=self.y[:, kept],
                weight=self.weight[:, kept],
            )
        table = np.full(self.n_tasks + 1, -1)
        table[kept] = np.arange(len(kept))
        codes = table[self.codes]
        weight = np.where(codes < 0, 0.0, self.weight)
        return replace(self, tasks=self.tasks[kept], codes=codes, weight=weight)


def per_column(chosen):
    """Count what is true in each column of a table, (T,)."""
    if chosen.all():  # as where no label is missing
        return np.full(chosen.shape[1], len(chosen))
    return (np.ones(len(chosen)) @ chosen.astype(float)).astype(int)


def check_weights(sample_weight, shape):
    """Return sample_weight as a float array of `shape`, or raise; None means ones."""
    if sample_weight is None:
        return np.ones(shape)
    weight = np.asarray(sample_weight, dtype=float)
    if weight.ndim == 0:
        weight = np.broadcast_to(weight, (shape[0],))
    if weight.shape != shape and weight.shape != shape[:1]:
        allowed = " or ".join(map(str, dict.fromkeys((shape[:1], shape))))
        raise ValueError(
            f"sample_weight has shape {weight.shape}; with these labels it must have "
            f"shape {allowed}."
        )
    if not np.isfinite(weight).all():
        raise ValueError("sample_weight must be finite; it contains NaN or infinity.")
    if (weight < 0).any():
        raise ValueError(
            f"sample_weight must not be negative; the smallest is {weight.min():g}. "
            "Weight 0 leaves a row out."
        )
    if weight.shape != shape:
        weight = weight[:, None]
    return np.broadcast_to(weight, shape).copy()


def _wide_names(Y):
    """Return the task names of a two-dimensional Y: its columns, else 0..T-1."""
    columns = getattr(Y, "columns", None)
    if columns is None:
        return np.arange(Y.shape[1])
    names = list(columns)
    if len(set(names)) != len(names):
        raise ValueError(
            f"The columns of Y name the tasks and must differ, got {names}."
        )
    if all(isinstance(name, str) for name in names):
        return np.array(names, dtype=str)
    if all(isinstance(name, (int, np.integer)) for name in names):
        return np.array(names, dtype=np.int64)
    raise ValueError(
        "The columns of Y name the tasks and must be all strings or all integers, "
        f"got {names}."
    )


def read_wide(Y, sample_weight, *, empty_tasks=False):
    """Read the layout with one column of Y per task."""
    names = _wide_names(Y)
    if not len(names):
        raise ValueError(f"y has no columns (shape {Y.shape}), so there is no task.")
    values = Y.to_numpy() if hasattr(Y, "to_numpy") else np.asarray(Y)
    missing = missing_mask(values)
    weight = check_weights(sample_weight, values.shape)
    if missing.any():
        weight[missing] = 0.0
    seen = weight > 0
    empty = names[:0] if seen.all() else names[~seen.any(axis=0)]
    if len(empty) and not empty_tasks:
        raise ValueError(
            f"Task {empty[0].item()!r} has no observed label with positive weight. "
            "Drop its column from Y (or, in cross-validation, use TaskKFold so that "
            "every training part holds labels of every task)."
        )
    return TaskLabels("wide", names, values, None, weight)


def _read_long(y, task, sample_weight):
    """Read the layout with one label per row and a vector of tasks."""
    weight = check_weights(sample_weight, y.shape)
    labels = as_task_labels(task)
    if labels.ndim == 0:
        labels = np.broadcast_to(labels, y.shape)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != y.shape:
        raise ValueError(
            "task must hold one label per row: y has shape "
            f"{y.shape}, task has shape {labels.shape}."
        )
    order = category_order(task)
    if sample_weight is None and order is None and len(labels):
        tasks, codes = positions(labels)
        return TaskLabels("long", tasks, y, codes, weight)
    present = np.unique(labels[weight > 0])
    if order is not None:
        order = as_task_labels(order)
        present = order[np.isin(order, present)]
    if not len(present):
        raise ValueError("All sample weights are zero: no task has a row left to fit.")
    codes = TaskIndex(present).codes(labels, len(y))
    codes[weight == 0] = -1
    return TaskLabels("long", present, y, codes, weight)


def read_labels(y, task=None, sample_weight=None, *, empty_tasks=False):
    """Read y (and task) in any layout into `TaskLabels`.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, T)
    task : array-like of shape (n,), scalar or None
    sample_weight : array-like of shape (n,) or (n, T), scalar or None
    empty_tasks : bool
        Whether a column of a wide y may hold no label at all.
    """
    if sparse.issparse(y):
        raise TypeError(
            "Sparse data was passed for y; pass a dense array (y.toarray())."
        )
    if not hasattr(y, "shape"):
        y = np.asarray(y)
    if len(y.shape) == 2 and task is not None:
        if y.shape[1] != 1:
            raise ValueError(
                f"y is two-dimensional (shape {tuple(y.shape)}) and task was passed as "
                "well. Use one layout: fit(X, Y) with one column per task, or the long "
                "one: X, y, task, row = wide_to_long(X, Y); fit(X, y, task=task)."
            )
        y = column_or_1d(y, warn=True)
    if len(y.shape) == 2:
        return read_wide(y, sample_weight, empty_tasks=empty_tasks)
    if len(y.shape) != 1:
        raise ValueError(
            f"y must have one or two dimensions, got shape {tuple(y.shape)}."
        )
    values = y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y)
    missing = missing_mask(values)
    if missing.any():
        raise ValueError(
            f"Input y contains NaN ({int(missing.sum())} of {len(values)} labels). In "
            "the layouts with one label per row, drop those rows; in the wide layout "
            "NaN means not observed."
        )
    if task is not None:
        return _read_long(values, task, sample_weight)
    weight = check_weights(sample_weight, values.shape)
    if not (weight > 0).any():
        raise ValueError("All sample weights are zero: no row is left to fit.")
    codes = np.where(weight > 0, 0, -1)
    return TaskLabels("single", np.array([0]), values, codes, weight)


def moderate(values):
    """Tell at one look whether all numbers can be squared; where not, a few may do."""
    if values.dtype.kind != "f":
        return False
    flat = values.ravel(order="K")
    return bool(np.vdot(flat, flat) <= LARGEST**2)  # where their sum can, each one can


def check_squares(name, values):
    """Raise if a float array (NaN allowed) holds numbers too large to be squared."""
    if moderate(values):
        return
    largest = max(np.nanmax(values, initial=0.0), -np.nanmin(values, initial=0.0))
    if largest > LARGEST:
        raise ValueError(
            f"{name} holds the number {largest:.3g}, too large to be squared; divide "
            f"{name} by a constant so that no number exceeds {LARGEST:g}."
        )


def numeric_labels(labels):
    """Return `labels` with float y, NaN only where no label is observed, or raise."""
    y = labels.y
    if y.dtype == float and moderate(y):  # the usual case
        return labels
    if y.dtype.kind == "c":
        raise ValueError("Complex data not supported: y is complex.")
    try:
        if y.dtype.kind != "f":
            y = np.where(missing_mask(y), np.nan, y)
        y = y.astype(float, copy=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"y must be numeric for a regressor, got dtype {labels.y.dtype}: {error}."
        ) from error
    if np.isinf(y).any():
        raise ValueError("Input y contains infinity or a value too large for float64.")
    check_squares("y", y)
    return labels.with_y(y)
