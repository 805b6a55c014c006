"""All that a squared-loss fit needs to know of its data, mergeable by addition."""

from dataclasses import dataclass, replace

import numpy as np

from skmtl._compat import check_features
from skmtl.data import TaskData
from skmtl.layouts import as_task_labels, numeric_labels, read_labels
from skmtl.moments import (
    Moments,
    equal_columns,
    grams_times,
    packed_moments,
    shared_moments,
)

_FORMAT = 1
_FIELDS = (
    "tasks",
    "n",
    "weight",
    "x_mean",
    "y_mean",
    "gram",
    "gram_index",
    "xy",
    "yy",
    "layout",
)


@dataclass(frozen=True)
class TaskStatistics:
    """Per-task moments of a table: enough to fit any squared-loss model to it.

    Per task: the number of labels, the sum of weights, weighted means, and the centred
    ``X'SX``, ``X'Sy`` and ``y'Sy``. Statistics of parts of a table add up to those of
    the whole (``a + b``), so a large table can be read in pieces, and hospitals can add
    theirs without sharing a row. Two tasks observed on the same rows share one Gram
    matrix.

    A Gram matrix is not anonymous: with as few rows as features it can be solved for
    the rows. Share statistics of many more rows than features.

    Parameters
    ----------
    tasks : ndarray of shape (T,)
        Task labels.
    n : ndarray of shape (T,)
        Number of labels with positive weight.
    weight : ndarray of shape (T,)
        Sum of the weights.
    x_mean : ndarray of shape (T, p)
        Weighted means of the features.
    y_mean : ndarray of shape (T,)
        Weighted means of the labels.
    gram : ndarray of shape (G, p, p)
        Distinct centred Gram matrices, G <= T.
    gram_index : ndarray of shape (T,)
        Which of them belongs to each task.
    xy : ndarray of shape (T, p)
        Centred products of features and labels.
    yy : ndarray of shape (T,)
        Centred sums of squared labels.
    layout : {"long", "wide", "single"}, default="long"
        The layout of the rows, so that a model fitted to the statistics predicts in it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import TaskStatistics
    >>> X, y = np.arange(8.0).reshape(4, 2), np.array([0.0, 1.0, 0.0, 1.0])
    >>> whole = TaskStatistics.from_rows(X, y)
    >>> first = TaskStatistics.from_rows(X[:2], y[:2])
    >>> parts = first + TaskStatistics.from_rows(X[2:], y[2:])
    >>> bool(np.allclose(whole.gram, parts.gram))
    True
    """

    tasks: np.ndarray
    n: np.ndarray
    weight: np.ndarray
    x_mean: np.ndarray
    y_mean: np.ndarray
    gram: np.ndarray
    gram_index: np.ndarray
    xy: np.ndarray
    yy: np.ndarray
    layout: str = "long"

    @property
    def n_tasks(self):
        """Number of tasks."""
        return len(self.tasks)

    @property
    def n_features(self):
        """Number of features."""
        return self.x_mean.shape[1]

    @classmethod
    def from_rows(cls, X, y, *, task=None, sample_weight=None):
        """Collect the statistics of a table in any layout.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Labels; NaN means not observed in the wide layout.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row, where y has one label per row.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights.

        Returns
        -------
        TaskStatistics
        """
        X = check_features(X)
        labels = numeric_labels(read_labels(y, task, sample_weight))
        return cls.from_data(TaskData.pack(X, labels), labels.layout)

    @classmethod
    def from_data(cls, data, layout="long"):
        """Collect the statistics of packed `TaskData` in one pass over X."""
        if data.shared:
            groups, index = equal_columns(data.weight)
            parts = [shared_moments(data, members) for members in groups]
        else:
            index = np.arange(data.n_tasks)
            groups = [[t] for t in index]
            parts = packed_moments(data)
        T, p = data.n_tasks, data.n_features
        weight, x_mean, y_mean = np.empty(T), np.empty((T, p)), np.empty(T)
        xy, yy = np.empty((T, p)), np.empty(T)
        gram = np.empty((len(groups), p, p))
        for g, (members, m) in enumerate(zip(groups, parts, strict=True)):
            gram[g] = m.gram
            weight[members], x_mean[members], y_mean[members] = (
                m.weight,
                m.x_mean,
                m.y_mean,
            )
            xy[members], yy[members] = m.xy.T, m.yy
        return cls(
            data.tasks,
            data.n_labels,
            weight,
            x_mean,
            y_mean,
            gram,
            index,
            xy,
            yy,
            layout,
        )

    def _moments(self, t):
        """Return the moments of one task."""
        return Moments(
            self.weight[t],
            self.x_mean[t],
            self.y_mean[[t]],
            self.gram[self.gram_index[t]],
            self.xy[t][:, None],
            self.yy[[t]],
        )

    def __add__(self, other):
        """Return the statistics of the rows of both."""
        self._check_compatible(other)
        tasks = np.unique(np.concatenate([self.tasks, other.tasks]))
        mine = {v: t for t, v in enumerate(self.tasks.tolist())}
        theirs = {v: t for t, v in enumerate(other.tasks.tolist())}
        if mine.keys() == theirs.keys():
            tasks = self.tasks
        parts, n, sums = [], [], {}
        for v in tasks.tolist():
            a, b = mine.get(v), theirs.get(v)
            of = [s._moments(t) for s, t in ((self, a), (other, b)) if t is not None]
            # Tasks that share their rows in both share the sum as well.
            key = (
                None if a is None else (self.gram_index[a], self.weight[a]),
                None if b is None else (other.gram_index[b], other.weight[b]),
            )
            if len(of) == 2:
                parts.append(of[0].plus(of[1], sums.get(key)))
            else:
                parts.append(replace(of[0], gram=sums.get(key, of[0].gram)))
            sums.setdefault(key, parts[-1].gram)
            n.append((0 if a is None else self.n[a]) + (0 if b is None else other.n[b]))
        return self._join(tasks, np.array(n), parts, self.layout)

    def __sub__(self, other):
        """Return the statistics of the rows of self that are not in other.

        Raises
        ------
        ValueError
            If a variance of the result keeps less than 1e-8 of its former size, so that
            rounding errors would fill it. Add the parts that remain instead.
        """
        self._check_compatible(other)
        mine = {v: t for t, v in enumerate(self.tasks.tolist())}
        theirs = {v: t for t, v in enumerate(other.tasks.tolist())}
        unknown = [v for v in theirs if v not in mine]
        if unknown:
            raise ValueError(
                f"Cannot subtract task {unknown[0]!r}: it is not in the total."
            )
        tasks, parts, n = [], [], []
        for v, a in mine.items():
            b = theirs.get(v)
            left = self.n[a] - (0 if b is None else other.n[b])
            if left < 0:
                raise ValueError(
                    f"Cannot subtract {other.n[b]} rows from {self.n[a]} of task {v!r}."
                )
            if left == 0:
                continue
            m = self._moments(a)
            parts.append(m if b is None else m.minus(other._moments(b), v))
            tasks.append(v)
            n.append(left)
        if not tasks:
            raise ValueError("Nothing is left: both hold the same number of rows.")
        tasks = np.array(tasks, self.tasks.dtype)
        return self._join(tasks, np.array(n), parts, self.layout)

    def _check_compatible(self, other):
        if not isinstance(other, TaskStatistics):
            raise TypeError(f"Expected TaskStatistics, got {type(other).__name__}.")
        if self.n_features != other.n_features:
            raise ValueError(
                f"The statistics are of {self.n_features} and {other.n_features} "
                "features; they must describe the same columns in the same order."
            )
        if self.layout != other.layout:
            raise ValueError(
                f"The statistics are of {self.layout} and {other.layout} layouts; "
                "collect all parts in the same one."
            )
        if self.tasks.dtype.kind != other.tasks.dtype.kind:
            raise ValueError(
                f"The statistics name their tasks by {self.tasks.dtype} and "
                f"{other.tasks.dtype} labels; use one kind."
            )

    @classmethod
    def _join(cls, tasks, n, parts, layout):
        """Put the moments of the tasks together; some may hold the same Gram."""
        grams = {id(m.gram): m.gram for m in parts}
        position = {key: g for g, key in enumerate(grams)}
        return cls(
            tasks,
            n,
            np.array([m.weight for m in parts]),
            np.stack([m.x_mean for m in parts]),
            np.concatenate([m.y_mean for m in parts]),
            np.stack(list(grams.values())),
            np.array([position[id(m.gram)] for m in parts]),
            np.stack([m.xy[:, 0] for m in parts]),
            np.concatenate([m.yy for m in parts]),
            layout,
        )

    def squared_errors(self, coef, intercept):
        """Return the sums of weighted squared errors of linear predictions, (T,).

        Parameters
        ----------
        coef : ndarray of shape (T, p)
            Coefficients, a row per task.
        intercept : ndarray of shape (T,)
            Intercepts.

        Returns
        -------
        ndarray of shape (T,)
            What the rows would give, up to rounding.
        """
        images = grams_times(self.gram, self.gram_index, coef.T).T
        off = self.y_mean - intercept - np.einsum("tj,tj->t", self.x_mean, coef)
        spread = np.einsum("tj,tj->t", coef, images - 2.0 * self.xy) + self.yy
        return np.maximum(spread, 0.0) + self.weight * off**2

    def save(self, path):
        """Write the statistics to a ``.npz`` file.

        Parameters
        ----------
        path : str or path-like
            The file to write.
        """
        fields = {name: getattr(self, name) for name in _FIELDS}
        with open(path, "wb") as file:  # numpy would append to the name
            np.savez(file, format=_FORMAT, **fields)

    @classmethod
    def load(cls, path):
        """Read statistics that `save` wrote; nothing is ever unpickled.

        Parameters
        ----------
        path : str or path-like
            The file to read.

        Returns
        -------
        TaskStatistics

        Raises
        ------
        ValueError
            If the file is not such a file, or its contents contradict each other.
        """
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
                fields = {name: stored[name] for name in (*_FIELDS, "format")}
            version = int(fields.pop("format"))
        except OSError:
            raise
        except Exception as error:
            raise ValueError(
                f"{path} is not a file of TaskStatistics: {error}"
            ) from error
        if version != _FORMAT:
            raise ValueError(
                f"{path} has an unknown format; this version reads {_FORMAT}."
            )
        statistics = cls(**{**fields, "layout": str(fields["layout"])})
        statistics.check()
        return statistics

    def check(self):
        """Raise ValueError unless the arrays fit together and could come from data."""
        T, p, G = self.tasks.size, self.x_mean.shape[-1:], self.gram.shape[:1]
        if not T or not p or not G:
            raise ValueError("TaskStatistics: tasks, x_mean or gram has no entries.")
        (p,), (G,) = p, G
        shapes = {
            "n": (T,), "weight": (T,), "x_mean": (T, p), "y_mean": (T,),
            "gram": (G, p, p), "gram_index": (T,), "xy": (T, p), "yy": (T,),
        }  # fmt: skip
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"TaskStatistics: {name} has shape {getattr(self, name).shape}, "
                    f"expected {shape}."
                )
            kinds = "iu" if name in {"n", "gram_index"} else "f"
            if getattr(self, name).dtype.kind not in kinds:
                raise ValueError(
                    f"TaskStatistics: {name} has dtype {getattr(self, name).dtype}."
                )
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"TaskStatistics: {name} contains NaN or infinity.")
        as_task_labels(self.tasks)
        if len(set(self.tasks.tolist())) != T:
            raise ValueError("TaskStatistics: a task appears twice.")
        if self.layout not in {"long", "wide", "single"}:
            raise ValueError(f"TaskStatistics: unknown layout {self.layout!r}.")
        if (self.weight <= 0).any() or (self.n < 1).any():
            raise ValueError(
                "TaskStatistics: every task needs rows of positive weight."
            )
        if self.gram_index.min() < 0 or self.gram_index.max() >= G:
            raise ValueError("TaskStatistics: gram_index points outside gram.")
        size = np.abs(self.gram).max(axis=(1, 2), initial=0.0)
        for g in range(G):
            if not np.allclose(self.gram[g], self.gram[g].T, atol=1e-9 * size[g]):
                raise ValueError("TaskStatistics: a Gram matrix is not symmetric.")
            smallest = np.linalg.eigvalsh(self.gram[g])[0] if p else 0.0
            if smallest < -1e-8 * p * size[g]:
                raise ValueError(
                    "TaskStatistics: a Gram matrix is not positive semi-definite "
                    f"(eigenvalue {smallest:.2g}), so no data can have it."
                )
        if (self.yy < 0).any():
            raise ValueError("TaskStatistics: yy, a sum of squares, is negative.")
        squares = np.maximum(np.einsum("gjj->gj", self.gram)[self.gram_index], 0.0)
        limit = np.sqrt(squares + 1e-8 * size[self.gram_index][:, None])
        if (np.abs(self.xy) > (1 + 1e-6) * limit * np.sqrt(self.yy)[:, None]).any():
            raise ValueError(
                "TaskStatistics: xy is larger than the squares in gram and yy allow."
            )
