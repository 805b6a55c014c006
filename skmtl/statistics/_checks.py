"""Whether arrays that claim to be statistics could have come from data."""

import numpy as np

from skmtl.task_labels import as_task_labels

# What rounding may leave of a zero, relative to the diagonal (per feature).
ROUNDING = 1e-7


def check(s):
    """Raise ValueError unless the arrays fit together and could come from data."""
    _check_arrays(s)
    _check_tasks(s)
    members = [np.flatnonzero(s.gram_index == g) for g in range(len(s.gram))]
    if not all(map(len, members)):
        raise ValueError("TaskStatistics: a Gram matrix belongs to no task.")
    for gram, tasks in zip(s.gram, members, strict=True):
        _check_moments(s, gram, tasks)


def _check_arrays(s):
    """Check shapes, kinds and finiteness."""
    T, p, G = s.tasks.size, s.x_mean.shape[-1:], s.gram.shape[:1]
    if not T or not p or not G:
        raise ValueError("TaskStatistics: tasks, x_mean or gram has no entries.")
    (p,), (G,) = p, G
    shapes = {
        "tasks": (T,), "n": (T,), "weight": (T,), "x_mean": (T, p), "y_mean": (T,),
        "gram": (G, p, p), "gram_index": (T,), "xy": (T, p), "yy": (T,),
    }  # fmt: skip
    for name, shape in shapes.items():
        values = getattr(s, name)
        if values.shape != shape:
            raise ValueError(
                f"TaskStatistics: {name} has shape {values.shape}, expected {shape}."
            )
        if name == "tasks":
            continue
        kinds = "iu" if name in {"n", "gram_index"} else "f"
        if values.dtype.kind not in kinds:
            raise ValueError(f"TaskStatistics: {name} has dtype {values.dtype}.")
        if not np.isfinite(values).all():
            raise ValueError(f"TaskStatistics: {name} contains NaN or infinity.")
    names = s.feature_names
    if names is not None and (
        names.shape != (p,)
        or len(set(names)) != p
        or not all(isinstance(name, str) for name in names)
    ):
        raise ValueError(
            f"TaskStatistics: feature_names must be {p} different strings, got an "
            f"array of shape {names.shape}: {names.ravel()[:3].tolist()}, ..."
        )


def _check_tasks(s):
    """Check labels of tasks, counts, weights and the layout."""
    as_task_labels(s.tasks)
    if len(set(s.tasks.tolist())) != s.n_tasks:
        raise ValueError("TaskStatistics: a task appears twice.")
    if s.layout not in {"long", "wide", "single"}:
        raise ValueError(f"TaskStatistics: unknown layout {s.layout!r}.")
    empty = (s.n == 0) & (s.weight == 0)
    if not (empty | ((s.n > 0) & (s.weight > 0))).all():
        raise ValueError("TaskStatistics: every task needs rows of positive weight.")
    if s.gram_index.min() < 0 or s.gram_index.max() >= len(s.gram):
        raise ValueError("TaskStatistics: gram_index points outside gram.")


def _check_moments(s, gram, tasks):
    """Check that [gram, xy; xy', yy] is positive semi-definite for some tasks."""
    first = tasks[0]
    for name in ("n", "weight", "x_mean"):
        values = getattr(s, name)
        if not np.allclose(values[tasks], values[first], rtol=1e-9, atol=0):
            raise ValueError(
                f"TaskStatistics: tasks share a Gram matrix but differ in {name}."
            )
    if (s.yy[tasks] < 0).any():
        raise ValueError("TaskStatistics: yy, a sum of squares, is negative.")
    # In units of the features. One that hardly varies is known no better than its
    # mean allows.
    squares = np.diag(gram)
    known = np.maximum(squares, 1e-8 * s.weight[first] * s.x_mean[first] ** 2)
    unit = np.sqrt(np.where(known > 0, known, 1.0))
    scaled, slack = gram / np.outer(unit, unit), ROUNDING * len(gram)
    if not np.allclose(scaled, scaled.T, rtol=0, atol=slack):
        raise ValueError("TaskStatistics: a Gram matrix is not symmetric.")
    lengths, axes = np.linalg.eigh(scaled)
    if lengths[0] < -slack:
        raise ValueError(
            "TaskStatistics: a Gram matrix is not positive semi-definite (eigenvalue "
            f"{lengths[0]:.2g} of its correlations), so no data can have it."
        )
    along = axes.T @ (s.xy[tasks] / unit).T
    explained = (along**2 / (np.maximum(lengths, 0.0) + slack)[:, None]).sum(axis=0)
    known = s.yy[tasks] + 4e-16 * s.weight[tasks] * s.y_mean[tasks] ** 2
    too_much = explained > (1 + 1e-6) * known
    if too_much.any():
        raise ValueError(
            "TaskStatistics: xy is larger than the squares in gram and yy allow (task "
            f"{s.tasks[tasks][too_much][0].item()!r}), so no data can have them."
        )
