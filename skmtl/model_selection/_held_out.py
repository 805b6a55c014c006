"""Losses of rows that a model was not fitted to, per task."""

import numpy as np
from sklearn.base import is_classifier

from skmtl.base import SHARED, some
from skmtl.linear_model.task_losses import shared_loss, task_loss


def positions_in(model_tasks, tasks, unseen):
    """Return where the tasks of a test part are in a model; SHARED for new ones."""
    known = {v: t for t, v in enumerate(model_tasks.tolist())}
    found = np.array([known.get(v, SHARED) for v in tasks.tolist()], dtype=int)
    new = tasks[found == SHARED]
    if len(new) and unseen == "raise":
        raise ValueError(
            f"A test part holds tasks that its training part lacks: {some(new)}. Use "
            "TaskKFold, which keeps every task in training, or give the estimator "
            "unseen='shared' to choose alpha for new tasks."
        )
    return found


def losses_of_statistics(model, test, found, unit):
    """Return the mean squared error of each task of test statistics.

    `found` are the positions of these tasks in the fitted model; labels are divided by
    `unit`.
    """
    coef, intercept = model.coef_[found], model.intercept_[found]
    new = found == SHARED
    if new.any():
        coef[new] = model._shared_coef
        intercept[new] = model._task_share @ model.intercept_
    return test.squared_errors(coef, intercept) / (test.weight * unit**2)


def losses_of_rows(model, X, labels, found, unit):
    """Return the mean loss of each task of a test part, for a fitted linear model.

    Squared errors are not halved. NaN where nothing can be told: a task of one class.
    """
    losses = np.full(labels.n_tasks, np.nan)
    for t, position in enumerate(found):
        rows, y, weight = labels.of_task(t)
        if is_classifier(model):
            values = _log_loss(model, X[rows], np.array(y.tolist()), position)
        else:
            z, s = model._linear(X[rows], position), unit[t]
            loss = loss_of_task(model, position)
            values = (1.0 + loss.quadratic) * loss.value(y / s, z / s)
        losses[t] = np.average(values, weights=weight)
    return losses


def loss_of_task(model, t):
    """Return the loss that a regressor was fitted with, for the task at position t."""
    loss = model._fitted_loss
    return shared_loss(loss) if t == SHARED else task_loss(loss, t)


def _log_loss(model, X, y, position):
    """Return the log-loss of each row of one task."""
    own = model._classes_of(position).tolist()
    if len(own) == 1 and np.all(y == own[0]):
        return np.full(len(y), np.nan)
    column = {c: k for k, c in enumerate(own)}
    proba = model._proba_task(X, position)
    proba = np.column_stack([proba, np.zeros(len(proba))])  # classes never seen
    right = np.array([column.get(c, len(own)) for c in y.tolist()])
    tiny = np.finfo(float).eps
    return -np.log(np.clip(proba[np.arange(len(y)), right], tiny, 1.0 - tiny))
