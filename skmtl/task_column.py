"""The column of a table that holds the task: where it is, and the table without it."""

import warnings
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array


def as_table(X):
    """Return X itself if it is a table already, else (lists, ...) as an array."""
    is_table = isinstance(X, np.ndarray) or sparse.issparse(X) or hasattr(X, "columns")
    if is_table and len(X.shape) == 2:
        return X
    return check_array(X, dtype=None, ensure_all_finite=False)


def find_column(X, task_col):
    """Return the position of the task column in X; None for a level of its index.

    Parameters
    ----------
    X : array, sparse matrix, pandas or polars DataFrame of shape (n, p)
    task_col : str or int
        Name of a column (or of a level of a pandas index), or its position, which may
        count from the end.
    """
    n_columns = X.shape[1]
    if isinstance(task_col, Integral):
        if not -n_columns <= task_col < n_columns:
            raise ValueError(
                f"task_col={task_col} is not a position in X, which has {n_columns} "
                "columns."
            )
        return int(task_col) % n_columns
    if not hasattr(X, "columns"):
        raise ValueError(
            f"task_col={task_col!r} names a column, but X is a {type(X).__name__} and "
            "has no names. Pass a DataFrame, or the position of the column, such as "
            "task_col=-1 for the last one (some tools, BaggingRegressor among them, "
            "turn a DataFrame into an array)."
        )
    names = list(X.columns)
    if names.count(task_col) > 1:
        raise ValueError(f"X has more than one column named {task_col!r}.")
    if task_col in names:
        return names.index(task_col)
    if task_col in getattr(getattr(X, "index", None), "names", ()):
        return None
    shown = ", ".join(repr(name) for name in names[:10]) + ", ..." * (len(names) > 10)
    raise ValueError(
        f"X has no column {task_col!r} to read the task from (task_col). It has: "
        f"{shown}."
    )


def read_column(X, position):
    """Return the entries of the column at `position`, keeping a Series as it is."""
    if hasattr(X, "iloc"):
        return X.iloc[:, position]
    if hasattr(X, "columns"):
        return X[X.columns[position]]
    if sparse.issparse(X):
        return X.tocsc()[:, [position]].toarray().ravel()
    return X[:, position]


def drop_column(X, position):
    """Return X without the column at `position`, as views where that is possible."""
    if hasattr(X, "iloc") and X.columns.is_unique:
        rest = X.copy(deep=False)  # taking a column out leaves views of the other ones
        del rest[X.columns[position]]
        return rest
    if hasattr(X, "iloc"):
        return X.iloc[:, np.delete(np.arange(X.shape[1]), position)]
    if hasattr(X, "columns"):
        return X.drop(X.columns[position])
    if position == 0:
        return X[:, 1:]
    if position == X.shape[1] - 1:
        return X[:, :-1]
    return X[:, np.delete(np.arange(X.shape[1]), position)]


def warn_if_scaled(labels):
    """Warn about labels that only a scaler makes: two tasks that became -1.0 and 1.0.

    With more tasks, or tasks of unequal size, scaled labels are not whole and raise.
    """
    labels = np.asarray(labels)
    if labels.dtype.kind == "f" and np.array_equal(np.unique(labels), [-1.0, 1.0]):
        warnings.warn(
            "The task labels are -1.0 and 1.0, as StandardScaler makes of two tasks of "
            "equal size. If it scaled the task column, put it inside MTLPipeline: "
            "make_mtl_pipeline(StandardScaler(), ..., task_col=...).",
            UserWarning,
            stacklevel=5,
        )
