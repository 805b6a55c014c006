"""Helpers that bring tables into a layout."""

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from skmtl._compat import safe_indexing
from skmtl.layouts import read_wide
from skmtl.task_labels import as_task_labels


def stack_tasks(tables):
    """Stack one table per task into the long layout.

    Parameters
    ----------
    tables : mapping of task label -> (X, y)
        X of shape (n_t, p) with the same columns for every task (DataFrames are
        concatenated by name), y of shape (n_t,).

    Returns
    -------
    X : ndarray of shape (n, p) or DataFrame
        All rows, task after task.
    y : ndarray of shape (n,)
        Their labels.
    task : ndarray of shape (n,)
        The task label of each row, ready for ``fit(X, y, task=task)``.

    Raises
    ------
    ValueError
        If there is no table, or the tables differ in their columns or lengths.
    TypeError
        If `tables` is no mapping.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import stack_tasks
    >>> A, B = (np.ones((2, 3)), [1.0, 2.0]), (np.zeros((1, 3)), [3.0])
    >>> X, y, task = stack_tasks({"A": A, "B": B})
    >>> X.shape, y.tolist(), task.tolist()
    ((3, 3), [1.0, 2.0, 3.0], ['A', 'A', 'B'])
    """
    if not isinstance(tables, Mapping):
        raise TypeError(
            "stack_tasks needs a mapping of task label -> (X, y), got "
            f"{type(tables).__name__}."
        )
    if not tables:
        raise ValueError("stack_tasks needs at least one task; got an empty mapping.")
    names = list(tables)
    for name, pair in tables.items():
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ValueError(f"Task {name!r} needs a pair (X, y).")
    Xs, ys = zip(*tables.values(), strict=True)
    ys = [np.asarray(y) for y in ys]
    if not hasattr(Xs[0], "columns"):
        Xs = [X if sparse.issparse(X) else np.asarray(X) for X in Xs]
    for name, X in zip(names, Xs, strict=True):
        if len(np.shape(X)) != 2:
            raise ValueError(
                f"Task {name!r} needs X with a row per sample and a column per "
                f"feature, got shape {np.shape(X)}."
            )
    columns = list(getattr(Xs[0], "columns", range(Xs[0].shape[1])))
    for name, X, y in zip(names, Xs, ys, strict=True):
        if y.shape != (X.shape[0],):
            raise ValueError(
                f"Task {name!r} has {X.shape[0]} rows in X but y of shape {y.shape}; "
                "each row needs one label."
            )
        if list(getattr(X, "columns", range(X.shape[1]))) != columns:
            raise ValueError(
                f"Task {name!r} has other features than task {names[0]!r}: all tasks "
                "need the same columns in the same order."
            )
    task = np.repeat(as_task_labels(names), [len(y) for y in ys])
    if hasattr(Xs[0], "columns"):
        module = type(Xs[0]).__module__.split(".")[0]
        if module == "polars":
            import polars

            return polars.concat(Xs), np.concatenate(ys), task
        import pandas

        return pandas.concat(Xs, ignore_index=True), np.concatenate(ys), task
    if any(sparse.issparse(X) for X in Xs):
        return sparse.vstack(Xs).tocsr(), np.concatenate(ys), task
    return np.concatenate(Xs), np.concatenate(ys), task


def wide_to_long(X, Y):
    """Turn the wide layout (one column of Y per task) into the long one.

    A row with labels for several tasks is repeated, once per observed label.
    Cross-validation of the result must keep the copies of a row together: pass ``row``
    as ``groups``, or the same patient is in the training and in the test part.

    Parameters
    ----------
    X : array-like, DataFrame or sparse matrix of shape (n, p)
        One row per sample.
    Y : array-like or DataFrame of shape (n, T)
        One column per task; NaN where a label is not observed.

    Returns
    -------
    X : same type as X, of shape (m, p)
        The rows, repeated; m is the number of observed labels.
    y : ndarray of shape (m,)
        The observed labels.
    task : ndarray of shape (m,)
        The task of each label: the column name of Y, else its position.
    row : ndarray of shape (m,)
        The row of the wide table each label came from.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import wide_to_long
    >>> Y = np.array([[1.0, np.nan], [2.0, 5.0]])
    >>> X, y, task, row = wide_to_long(np.eye(2), Y)
    >>> y.tolist(), task.tolist(), row.tolist()
    ([1.0, 2.0, 5.0], [0, 0, 1], [0, 1, 1])
    """
    if not hasattr(Y, "shape"):
        Y = np.asarray(Y)
    if len(Y.shape) != 2:
        raise ValueError(
            "wide_to_long needs Y with one column per task, got shape "
            f"{tuple(Y.shape)}."
        )
    labels = read_wide(Y, None)
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    if X.shape[0] != Y.shape[0]:
        raise ValueError(f"X has {X.shape[0]} rows but Y has {Y.shape[0]}.")
    parts = [labels.of_task(t) for t in range(labels.n_tasks)]
    row = np.concatenate([rows for rows, _, _ in parts])
    y = np.concatenate([values for _, values, _ in parts])
    task = np.repeat(labels.tasks, [len(rows) for rows, _, _ in parts])
    if y.dtype.kind == "O":
        y = np.array(y.tolist())
    return safe_indexing(X, row), y, task, row


def attach_task(X, task, name="task"):
    """Return X as a DataFrame with the task labels as its last column.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n, p)
        The features. Columns of an array are named x0, x1, ...
    task : array-like of shape (n,) or scalar
        The task label of each row.
    name : str, default="task"
        Name of the new column, to be given to `MTLPipeline` as ``task_col``.

    Returns
    -------
    DataFrame of shape (n, p + 1)
        A new pandas (or, for polars input, polars) DataFrame.

    Raises
    ------
    ValueError
        If X already has a column of that name, or `task` is not a label per row.
    TypeError
        If X is sparse: a DataFrame of it would be dense.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import attach_task
    >>> attach_task(np.eye(2), ["A", "B"], name="hospital").columns.tolist()
    ['x0', 'x1', 'hospital']
    """
    if hasattr(X, "columns") and name in list(X.columns):
        raise ValueError(f"X already has a column {name!r}; choose another name=.")
    if sparse.issparse(X):
        raise TypeError(
            "attach_task cannot add a column to a sparse X. Pass task= to fit and "
            "predict, or MTLPipeline(task_col=function of X)."
        )
    if not hasattr(X, "columns"):
        X = np.asarray(X)
    if len(X.shape) != 2:
        raise ValueError(
            "X must have a row per sample and a column per feature, got shape "
            f"{X.shape}."
        )
    if np.ndim(task) > 0 and np.shape(task) != (X.shape[0],):
        raise ValueError(
            f"task must hold one label per row of X: X has {X.shape[0]} rows, task has "
            f"shape {np.shape(task)}."
        )
    if type(X).__module__.split(".")[0] == "polars":
        import polars

        column = polars.lit(task) if np.ndim(task) == 0 else polars.Series(name, task)
        return X.with_columns(column.alias(name))
    import pandas

    if not isinstance(X, pandas.DataFrame):
        X = pandas.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    values = task if np.ndim(task) == 0 else pandas.Series(task).set_axis(X.index)
    return X.assign(**{name: values})
