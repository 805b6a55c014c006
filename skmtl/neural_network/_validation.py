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
    n_splits = Fraction(fraction).limit_denominator(100).denominator
    n_splits = min(n_splits if n_splits > 1 else 100, len(rows))
    n_held = min(max(round(fraction * n_splits), 1), n_splits - 1)
    if n_splits > 1:
        present = replace(
            labels,
            y=labels.y[rows],
            weight=labels.weight[rows],
            codes=None if wide else labels.codes[rows],
        )
        folds = task_folds(present, n_splits, by_class=by_class, random_state=rng)
        for shift in range(n_splits):  # on small data a fold may have no row to spare
            held = np.zeros(len(labels.y), dtype=bool)
            held[rows[(folds + shift) % n_splits < n_held]] = True
            _return_last_labels(held, labels, by_class)
            if held.any():
                return held
    raise ValueError(
        "early_stopping=True needs labels to hold out, but every task (and class) must "
        f"keep one for training and n_samples={len(rows)}. Pass early_stopping=False, "
        "or more rows."
    )


def _return_last_labels(held, labels, by_class):
    """Give back a row to each task (or class) that has none left for training."""
    for t in range(labels.n_tasks):
        rows, y, _ = labels.of_task(t)
        for value in np.unique(y) if by_class else [None]:
            mine = rows if value is None else rows[y == value]
            if held[mine].all():
                held[mine[0]] = False


def weight_sums(labels):
    """Return the sum of the weights of each task's labels, (T,)."""
    if labels.layout == "wide":
        return labels.weight.sum(axis=0)
    return np.bincount(labels.codes + 1, labels.weight, labels.n_tasks + 1)[1:]


def weights_within(labels, held, task_weight):
    """Return weights (of label shape) that sum to c_t per task in each part."""
    weight = labels.weight.copy()
    for part in (held, ~held):
        if labels.layout == "wide":
            total = weight[part].sum(axis=0)
            weight[part] *= task_weight / np.where(total > 0, total, 1.0)
        else:
            codes = labels.codes[part]
            total = np.bincount(codes + 1, weight[part], minlength=labels.n_tasks + 1)
            factor = np.append(0.0, task_weight) / np.where(total > 0, total, 1.0)
            weight[part] *= factor[codes + 1]  # -1 stands for no label
    return weight
