"""The order of tasks along a chain."""

import numpy as np

from skmtl.task_labels import as_task_labels


def read_order(order, name):
    """Return the labels of `order` as an array, or raise."""
    labels = as_task_labels(order)
    if labels.ndim != 1:
        raise ValueError(f"order of {name} must be a list of task labels.")
    if len(np.unique(labels)) < len(labels):
        raise ValueError(f"order of {name} names a task twice: {labels.tolist()}.")
    return labels


def chain_positions(tasks, order, name):
    """Return the positions of `tasks` along the chain, first to last, (T,).

    Without an `order` they are a chain as they come. Labels in `order` that the data
    lack are skipped, so that their neighbours become neighbours.
    """
    if order is None:
        return np.arange(len(tasks))
    place = {label: k for k, label in enumerate(read_order(order, name).tolist())}
    missing = [label for label in tasks.tolist() if label not in place]
    if missing:
        raise ValueError(
            f"order of {name} does not name task {missing[0]!r}; it must name every "
            "task of the data, by labels of the same kind."
        )
    return np.argsort([place[label] for label in tasks.tolist()])


def check_ordered(tasks, order, layout, name):
    """Raise where labels have no order that means anything."""
    if order is None and layout == "long" and tasks.dtype.kind in "UO":
        raise ValueError(
            f"{name} links successive tasks, and the labels {tasks.tolist()[:3]} are "
            "text, which sorts by letters (April before January). Pass "
            "order=[first label, ..., last label], or number the tasks."
        )
