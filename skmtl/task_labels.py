"""Labels of tasks: what kind they are of, which there are, where each row belongs."""

import numpy as np


def _label_kind(values):
    """Name the kind of task labels: 'str', 'int' or 'bool'; None if mixed."""
    if values.dtype.kind in "iu":
        return "int"
    if values.dtype.kind in "UT":
        return "str"
    if values.dtype.kind == "b":
        return "bool"
    kinds = {
        "str"
        if isinstance(v, str)
        else "bool"
        if isinstance(v, (bool, np.bool_))
        else "int"
        if isinstance(v, (int, np.integer))
        else None
        for v in values.ravel()
    }
    return kinds.pop() if len(kinds) == 1 else None


def _is_missing(value):
    """Tell whether a label of any type stands for 'missing'."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, (float, np.floating)) and value != value


def missing_mask(values):
    """Tell which entries of an array of any dtype are None, NaN or NA."""
    values = np.asarray(values)
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind != "O":
        return np.zeros(values.shape, dtype=bool)
    flat = [_is_missing(v) for v in values.ravel()]
    return np.array(flat, dtype=bool).reshape(values.shape)


def _as_int64(values):
    """Return whole numbers as int64, or raise where they do not fit."""
    if values.dtype.kind == "i":
        return values.astype(np.int64)
    limits = np.iinfo(np.int64)
    # As int: a float takes the largest int64 for the number after it.
    low, high = (
        (int(v) for v in (values.min(), values.max())) if values.size else (0, 0)
    )
    if low < limits.min or high > limits.max:
        raise ValueError(
            f"task labels that are numbers must fit into 64 bits, got {low} to {high}. "
            "Convert them to strings."
        )
    return values.astype(np.int64)


def as_task_labels(task):
    """Return task labels as a str, int64, bool or (uniform) object array, or raise."""
    values = np.asarray(task)
    if values.dtype.kind == "U" and isinstance(task, (list, tuple)):
        values = np.asarray(task, dtype=object)  # numpy turns None, NaN and 1 into text
    if values.dtype.kind == "f" or (
        values.dtype.kind == "O"
        and all(isinstance(v, (float, np.floating)) for v in values.ravel())
    ):
        values = values.astype(float)
        if np.isnan(values).any():
            raise ValueError(
                f"task has {int(np.isnan(values).sum())} missing labels; every row "
                "needs one. Drop those rows or give them a label of their own."
            )
        whole = np.round(values)
        if not np.array_equal(values, whole) or np.isinf(values).any():
            odd = values[(values != whole) | np.isinf(values)][0]
            raise ValueError(
                f"task labels must be strings or whole numbers, got {odd.item()!r}. "
                "If a transformer scaled the task column, keep that column out of it."
            )
        return _as_int64(whole)
    if values.dtype.kind == "O":
        missing = missing_mask(values)
        if missing.any():
            raise ValueError(
                f"task has {int(missing.sum())} missing labels; every row needs one. "
                "Drop those rows or give them a label of their own."
            )
    kind = _label_kind(values)
    if values.size and kind is None:
        raise ValueError(
            "task labels must all be strings or all whole numbers, got a mixture or "
            f"another type (dtype {values.dtype}, first label {values.ravel()[0]!r})."
        )
    if kind == "int":
        return _as_int64(values)
    return values.astype(str) if kind == "str" else values.astype(bool)


def category_order(task):
    """Return the ordered categories of a pandas or polars column, or None."""
    categories = getattr(getattr(task, "dtype", None), "categories", None)
    # A polars Categorical has an object without entries there: its order is accidental.
    return np.asarray(categories) if hasattr(categories, "__len__") else None


def positions(labels):
    """Return (the distinct labels, sorted; the position of each label among them)."""
    if labels.size and labels.dtype.kind in "iU" and np.all(labels[1:] >= labels[:-1]):
        first = np.flatnonzero(labels[1:] != labels[:-1]) + 1
        ends = np.concatenate([[0], first, [labels.size]])
        return labels[ends[:-1]], np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    if labels.dtype.kind == "i" and labels.size:
        low, high = int(labels.min()), int(labels.max())
        if high - low <= labels.size:  # a table of them all is faster than to sort
            seen, place = np.zeros(high - low + 1, dtype=bool), labels - low
            seen[place] = True
            return np.flatnonzero(seen) + low, (np.cumsum(seen) - 1)[place]
    distinct, position = np.unique(labels, return_inverse=True)
    return distinct, position.reshape(-1)


class TaskIndex:
    """The tasks a model knows, in order, and the way from labels to their positions.

    Parameters
    ----------
    tasks : ndarray of shape (T,)
        Labels, each once.
    """

    def __init__(self, tasks):
        self.tasks = tasks
        self._position = {v: i for i, v in enumerate(tasks.tolist())}

    def codes(self, task, n_rows):
        """Return the position of each row's task, -1 for a label not known.

        A scalar label is taken for every row. Labels of another kind than the known
        ones (0 against "0") raise, for they can only be a mistake.
        """
        labels = as_task_labels(task)
        if labels.ndim == 0:
            labels = np.broadcast_to(labels, (n_rows,))
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.shape != (n_rows,):
            raise ValueError(
                f"task must hold one label per row of X: X has {n_rows} rows, task has "
                f"shape {labels.shape}."
            )
        known, given = _label_kind(self.tasks), _label_kind(labels)
        if n_rows and known is not None and known != given:
            raise ValueError(
                f"task labels are of kind {given!r} (such as {labels[0].item()!r}) but "
                f"the model was fitted with labels of kind {known!r} (such as "
                f"{self.tasks[0].item()!r}). Convert them to the same kind."
            )
        uniques, inverse = positions(labels)
        table = np.array(
            [self._position.get(u, -1) for u in uniques.tolist()], dtype=int
        )
        return table[inverse] if n_rows else np.zeros(0, dtype=int)
