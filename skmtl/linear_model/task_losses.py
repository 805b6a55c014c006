"""The loss of each task: from what users say to labels, units, constants and scores."""

from collections.abc import Mapping

import numpy as np

from skmtl.data import TaskData
from skmtl.losses import Huber, Logistic, Mixed, Poisson, Squared, loss_parts
from skmtl.objectives import RowLoss

NAMES = {
    "squared": Squared,
    "huber": Huber,
    "poisson": Poisson,
    "logistic": Logistic,
}
# The predictor of a task that is always 0 (or always 1): its response is so exactly.
CERTAIN = 750.0


def read_loss(loss, tasks, huber_delta):
    """Return the loss of the tasks for a name, or a mapping from task to name."""
    if not isinstance(loss, Mapping):
        return _named(loss, huber_delta)
    names = []
    for task in tasks.tolist():
        if task not in loss:
            raise ValueError(
                f"loss has no entry for task {task!r}; a mapping must cover every task."
            )
        if loss[task] not in NAMES:
            raise ValueError(
                f"loss of task {task!r} must be one of {', '.join(map(repr, NAMES))}, "
                f"got {loss[task]!r}."
            )
        names.append(loss[task])
    used = sorted(set(names))
    if len(used) == 1:
        return _named(used[0], huber_delta)
    index = tuple(used.index(name) for name in names)
    return Mixed(tuple(_named(name, huber_delta) for name in used), index)


def _named(name, huber_delta):
    """Return the loss of this name."""
    return Huber(huber_delta) if name == "huber" else NAMES[name]()


def task_loss(loss, t):
    """Return the loss of the task at position t."""
    return loss.of_task(t) if isinstance(loss, Mixed) else loss


def shared_loss(loss):
    """Return the loss of a task never seen, or raise where the tasks disagree."""
    losses = loss.losses if isinstance(loss, Mixed) else [loss]
    if len(losses) > 1 and not all(part.identity for part in losses):
        raise ValueError(
            "The tasks have different losses, so there is no shared part to predict a "
            "new task with. Pass unseen='raise', or fit tasks of one loss."
        )
    return losses[0]


def identity_tasks(loss, n_tasks):
    """Tell which tasks predict in the units of their labels, (T,)."""
    found = np.zeros(n_tasks, dtype=bool)
    for part, tasks in loss_parts(loss, n_tasks):
        found[tasks] = part.identity
    return found


def _refused(loss, y):
    """Return (which labels a loss does not take, the rule)."""
    if isinstance(loss, Logistic):
        return (y != 0) & (y != 1), "labels 0 and 1 (or bool)"
    if isinstance(loss, Poisson):
        return y < 0, "labels of at least 0"
    return np.zeros(y.shape, dtype=bool), ""


def check_task_labels(task, y, loss):
    """Raise where the labels of a task are not what its loss takes."""
    refused, rule = _refused(loss, y)
    if refused.any():
        name, bad = type(loss).__name__.lower(), y[refused][0]
        raise ValueError(
            f"loss={name!r} needs {rule}; task {task!r} has a label of {bad:g}."
        )


def check_labels(labels, loss):
    """Raise where a task has labels that its loss does not take."""
    for part, tasks in loss_parts(loss, labels.n_tasks):
        refused, _ = _refused(part, labels.y)
        counts = labels.count(refused)[tasks] if refused.any() else np.zeros(len(tasks))
        for t in tasks[counts > 0]:
            check_task_labels(labels.tasks[t].item(), labels.of_task(t)[1], part)


def constant_tasks(labels, loss):
    """Return (positions of tasks to be fitted, predictors of the others, (T,)).

    Left out are tasks of counts that are all 0 and of one class: their best intercept
    is infinite.
    """
    constant, counts = np.zeros(labels.n_tasks), None
    for part, tasks in loss_parts(loss, labels.n_tasks):
        if part.identity:
            continue
        if counts is None:
            counts = labels.count(labels.y != 0), labels.n_labels
        positive, all_labels = (count[tasks] for count in counts)
        if isinstance(part, Logistic):
            constant[tasks[positive == all_labels]] = CERTAIN
        constant[tasks[positive == 0]] = -CERTAIN
    return np.flatnonzero(constant == 0), constant


def null_deviances(data, loss):
    """Return half the null deviance of each task, a mean over its labels, (T,)."""
    parts = loss_parts(loss, data.n_tasks)
    part, _ = parts[0]
    alone = len(parts) == 1
    mean = data.mean_label
    if alone and hasattr(part, "null"):  # known from the mean label
        return part.null(mean, part.link(mean))
    if alone and part.quadratic:
        return 0.5 * data.label_squares / data.total_weight
    return RowLoss(data, loss, np.ones(data.n_tasks), True).task_null


def explained_deviance(loss, y, z, weight):
    """Return D^2 of one task at predictors z; 0 or 1 where its labels are all equal."""
    lost = float(weight @ loss.fenchel_gap(y, z, 0.0) / weight.sum())
    if y.min() == y.max():
        return float(lost <= 1e-12 * max(1.0, abs(y[0])))
    ends = np.array([0, len(y)])
    alone = TaskData(np.empty((len(y), 0)), y, weight, np.zeros(1, dtype=int), ends)
    return 1.0 - lost / float(null_deviances(alone, loss)[0])
