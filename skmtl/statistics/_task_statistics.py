"""All that a squared-loss fit needs to know of its data, mergeable by addition."""

from dataclasses import dataclass, replace

import numpy as np

from skmtl import _kernels
from skmtl._compat import check_features
from skmtl.data import TaskData
from skmtl.layouts import numeric_labels, read_labels
from skmtl.moments import (
    Moments,
    equal_columns,
    grams_times,
    packed_moments,
    shared_moments,
)
from skmtl.statistics._checks import check
from skmtl.statistics._orders import check_same_features, column_names, joint_order

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

    Statistics are not anonymous: counts and means are there to be read, with as few
    rows as features a Gram matrix can be solved for the rows, and the difference of two
    statistics is that of the rows by which they differ. Read the user guide before you
    share some, and `save` with `min_samples`.

    Parameters
    ----------
    tasks : ndarray of shape (T,)
        Task labels.
    n : ndarray of shape (T,)
        Number of labels with positive weight; 0 for a column of a wide table that has
        none in this part of it.
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
    feature_names : ndarray of shape (p,) or None, default=None
        Names of the features. Statistics add up only if these agree.

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
    feature_names: np.ndarray | None = None

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
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Labels; NaN means not observed in the wide layout, where a column may hold
            no label at all in a part of a stream.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row, where y has one label per row.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights.

        Returns
        -------
        TaskStatistics
        """
        names = column_names(X)
        X = check_features(X)
        labels = numeric_labels(read_labels(y, task, sample_weight, empty_tasks=True))
        if len(labels.y) != X.shape[0]:
            raise ValueError(
                f"X has {X.shape[0]} rows, but there are {len(labels.y)} of labels."
            )
        return cls.from_data(TaskData.pack(X, labels), labels.layout, names)

    @classmethod
    def from_data(cls, data, layout="long", feature_names=None):
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
        if data.small_blocks:
            work = np.empty((2, p + 1, data.n_labels.max()))
            _kernels.columns_moments(
                data.columns, data.y, data.weight, data.offsets, work,
                weight, x_mean, y_mean, gram, xy, yy,
            )  # fmt: skip
            groups = parts = []
        for g, (members, m) in enumerate(zip(groups, parts, strict=True)):
            gram[g] = m.gram
            weight[members], x_mean[members] = m.weight, m.x_mean
            y_mean[members], xy[members], yy[members] = m.y_mean, m.xy.T, m.yy
        return cls(
            data.tasks, data.n_labels, weight, x_mean, y_mean, gram, index, xy, yy,
            layout, feature_names,
        )  # fmt: skip

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
        mine = {v: t for t, v in enumerate(self.tasks.tolist())}
        theirs = {v: t for t, v in enumerate(other.tasks.tolist())}
        tasks = joint_order([*mine], [*theirs], self.layout)
        parts, n, sums = [], [], {}
        for v in tasks:
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
        tasks = np.array(tasks, np.result_type(self.tasks, other.tasks))
        return self._join(tasks, np.array(n), parts)

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
        return self._join(tasks, np.array(n), parts)

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

        check_same_features(self.feature_names, other.feature_names)

    def _join(self, tasks, n, parts):
        """Put the moments of the tasks together; some may hold the same Gram."""
        grams = {id(m.gram): m.gram for m in parts}
        position = {key: g for g, key in enumerate(grams)}
        return TaskStatistics(
            tasks,
            n,
            np.array([m.weight for m in parts]),
            np.stack([m.x_mean for m in parts]),
            np.concatenate([m.y_mean for m in parts]),
            np.stack(list(grams.values())),
            np.array([position[id(m.gram)] for m in parts]),
            np.stack([m.xy[:, 0] for m in parts]),
            np.concatenate([m.yy for m in parts]),
            self.layout,
            self.feature_names,
        )

    def labelled(self):
        """Leave out the columns of a wide table that hold no label.

        Returns
        -------
        TaskStatistics
            Those of the other tasks.
        """
        return self._only(self.n > 0)

    def _only(self, kept):
        """Return the statistics of some tasks, given by a mask."""
        if kept.all():
            return self
        used, index = np.unique(self.gram_index[kept], return_inverse=True)
        per_task = ("tasks", "n", "weight", "x_mean", "y_mean", "xy", "yy")
        fields = {name: getattr(self, name)[kept] for name in per_task}
        return replace(self, **fields, gram=self.gram[used], gram_index=index)

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

    def save(self, path, *, min_samples=None):
        """Write the statistics to a ``.npz`` file.

        Parameters
        ----------
        path : str or path-like
            The file to write.
        min_samples : int, default=None
            Refuse to write a task with labels, but fewer than this; larger values
            protect its rows better. None: no limit.

        Raises
        ------
        ValueError
            If a task has fewer than `min_samples` labels.
        """
        few = np.flatnonzero((self.n > 0) & (self.n < (min_samples or 0)))
        if len(few):
            raise ValueError(
                f"Task {self.tasks[few[0]].item()!r} has {self.n[few[0]]} labels, "
                f"fewer than min_samples={min_samples}, so its statistics say much "
                "about single rows. Leave its rows out, or join it with another task."
            )
        fields = {name: getattr(self, name) for name in _FIELDS}
        if self.feature_names is not None:
            fields["feature_names"] = self.feature_names.astype(str)
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
                if "feature_names" in stored:
                    fields["feature_names"] = stored["feature_names"].astype(object)
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
        check(self)
