"""The validation part that early stopping watches, and weights within each part."""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from skmtl.splits import task_folds


def hold_out(labels, fraction, by_class, rng):
    """Return which rows (n,) to hold out, the same share of every task.

    Each task, and with `by_class` each of its classes, keeps at least one label for
    training.
    """
    wide = labels.layout == "wide"
    observed = labels.weight > 0
    rows = np.flatnonzero(observed.any(axis=1) if wide else observed)
    share = Fraction(fraction).limit_denominator(100)
    share = max(share, Fraction(1, 100))
    n_splits = min(share.denominator, len(rows))
    held = np.zeros(len(labels.y), dtype=bool)
    if n_splits > 1:
        present = replace(
            labels,
            y=labels.y[rows],
            weight=labels.weight[rows],
            codes=None if wide else labels.codes[rows],
        )
        folds = task_folds(present, n_splits, by_class=by_class, random_state=rng)
        held[rows[folds < share.numerator]] = True
    for t in range(labels.n_tasks):
        mine, y, _ = labels.of_task(t)
        for value in np.unique(y) if by_class else [None]:
            of_class = mine if value is None else mine[y == value]
            if held[of_class].all():
                held[of_class] = False
    if not held.any():
        raise ValueError(
            "early_stopping=True needs labels to hold out, but every task (and class) "
            f"must keep one for training and n_samples={len(rows)}. Pass "
            "early_stopping=False, or more rows."
        )
    return held


def weights_within(labels, held):
    """Return weights (of label shape) that sum to 1 per task in each part."""
    weight = labels.weight.copy()
    for part in (held, ~held):
        if labels.layout == "wide":
            total = weight[part].sum(axis=0)
            weight[part] /= np.where(total > 0, total, 1.0)
        else:
            codes = labels.codes[part]
            total = np.bincount(codes[codes >= 0], weight[part][codes >= 0])
            total = np.append(np.where(total > 0, total, 1.0), 1.0)
            weight[part] /= total[np.where(codes < 0, len(total) - 1, codes)]
    return weight


def resolve_task_weight(task_weight, labels):
    """Return the weight c_t of each task, shape (T,)."""
    if task_weight is None:
        return np.ones(labels.n_tasks)
    if isinstance(task_weight, str):
        total = np.array([labels.of_task(t)[2].sum() for t in range(labels.n_tasks)])
        return total / total.mean()
    missing = [t for t in labels.tasks.tolist() if t not in task_weight]
    if missing:
        raise ValueError(
            f"task_weight must name every task; it lacks {missing[0]!r} "
            f"({len(missing)} missing)."
        )
    weights = np.array([task_weight[t] for t in labels.tasks.tolist()], dtype=float)
    if not (np.isfinite(weights) & (weights > 0)).all():
        raise ValueError(
            f"task_weight must be positive and finite, got {weights.tolist()}. To leave "
            "a task out, drop its rows or give them sample_weight 0."
        )
    return weights
