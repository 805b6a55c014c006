"""The loss by which each task is compared, and what it is per label.

Regressors of this package say it by their ``loss``: a task that a model fits by the
logistic loss is a risk, compared by the log-loss; one fitted by the Poisson loss is a
count or rate, compared by the Poisson deviance. All others have squared errors.
"""

import warnings
from collections.abc import Mapping

import numpy as np
from scipy.special import xlogy

# Probabilities are kept this far from 0 and 1, as scikit-learn's log_loss does.
CLIP = np.finfo(float).eps
TINY = np.finfo(float).tiny


def squared_error(y, predicted):
    """Return the squared error of each label."""
    return (y - predicted) ** 2


def log_loss(y, predicted):
    """Return minus the logarithm of the probability of each label, 0 or 1."""
    own = np.where(y == 1, predicted, 1 - predicted)
    return -np.log(np.clip(own, CLIP, 1 - CLIP))


def poisson_deviance(y, predicted):
    """Return the Poisson deviance of each label."""
    return 2 * (xlogy(y, y) - xlogy(y, predicted) - y + predicted)


LOSSES = {
    "squared error": squared_error,
    "log-loss": log_loss,
    "Poisson deviance": poisson_deviance,
}
BY_PARAMETER = {"logistic": "log-loss", "poisson": "Poisson deviance"}


def label_losses(names, tasks, y, predicted):
    """Return the loss of each label, of tasks with losses of these names."""
    losses = np.empty(len(y))
    for name in np.unique(names):
        rows = (names == name)[tasks]
        losses[rows] = LOSSES[name](y[rows], predicted[rows])
    return losses


def resolution(names, tasks, y, weight):
    """Return the mean loss of each task up to which predictions differ by rounding.

    Squared errors of a 1e-12th of the variance, or as small as 1e-27 of the mean square
    where labels do not vary; log-losses, and deviances per event, of 1e-12.
    """
    total = np.bincount(tasks, weight, len(names))

    def mean(values):
        return np.bincount(tasks, weight * values, len(names)) / np.maximum(total, TINY)

    middle = mean(y)
    off = mean((y - middle[tasks]) ** 2)
    least = {
        "squared error": 1e-12 * off + 1e-27 * mean(y**2.0),
        "log-loss": np.full(len(names), 1e-12),
        "Poisson deviance": 1e-12 * middle,
    }
    return np.array([least[name][t] for t, name in enumerate(names)])


def choose_losses(models, table, task_of, truth, predictions):
    """Return the name of the loss of each task, the same for all models.

    Parameters
    ----------
    models : dict of str -> estimator
        Their ``loss`` says what a task is, wherever inside them it is.
    table : Table
        The labels.
    task_of, truth : ndarray of shape (m,)
        The tasks and labels that are predicted.
    predictions : dict of str -> ndarray of shape (m,)
        Of each model. Where one of them predicts what a loss cannot judge, the task is
        compared by squared errors, with a warning.
    """
    names = np.full(table.n_tasks, "squared error", dtype=object)
    labels = table.labels.tasks.tolist()
    for t, declared in enumerate(_declared(models, labels)):
        y = table.truth[table.task_of == t]
        fits = np.isin(y, (0, 1)) if declared == "log-loss" else y >= 0
        if declared is not None and fits.all():
            names[t] = declared
    for model, predicted in predictions.items():
        for t in np.flatnonzero(names != "squared error"):
            rows = task_of == t
            if not _judges(names[t], truth[rows], predicted[rows]):
                _warn_of_fallback(model, labels[t], names[t])
                names[t] = "squared error"
    return names


def _declared(models, tasks):
    """Return what models say each task is; None if nothing, or different things."""
    said = [set() for _ in tasks]
    for model in models.values():
        for name, value in model.get_params(deep=True).items():
            if name.rpartition("__")[2] != "loss":
                continue
            for t, task in enumerate(tasks):
                own = value.get(task) if isinstance(value, Mapping) else value
                if isinstance(own, str) and own in BY_PARAMETER:
                    said[t].add(BY_PARAMETER[own])
    return [own.pop() if len(own) == 1 else None for own in said]


def _judges(name, y, predicted):
    """Tell whether a loss can judge all predictions."""
    if name == "log-loss":
        return bool(((predicted >= 0) & (predicted <= 1)).all())
    return bool(((predicted > 0) | ((predicted == 0) & (y == 0))).all())


def _warn_of_fallback(model, task, name):
    """Say that a task is compared by squared errors."""
    what = {
        "log-loss": "outside 0 to 1, which are no probabilities",
        "Poisson deviance": "of 0 or below, which are no rates",
    }[name]
    warnings.warn(
        f"Model {model!r} has predictions for task {task!r} {what}: all models are "
        f"compared by squared errors there, not by the {name}.",
        UserWarning,
        stacklevel=6,
    )
