"""Scores of predictions per task and fold.

A cell is a task in a fold. Arrays of cells have shape (T, J), NaN where a cell has no
label, or where a score is not defined in it.
"""

import numpy as np
from sklearn.metrics import roc_auc_score

from skmtl.comparison._losses import label_losses


class Cells:
    """The test labels of all folds, by task and fold.

    Parameters
    ----------
    task_of, fold_of : ndarray of shape (m,)
        Position of the task and of the fold of each predicted label.
    weight : ndarray of shape (m,)
        Weights of the labels.
    n_tasks, n_folds : int
        T and J.
    """

    def __init__(self, task_of, fold_of, weight, n_tasks, n_folds):
        self.task_of = task_of
        self.fold_of = fold_of
        self.weight = weight
        self.shape = (n_tasks, n_folds)
        self.cell = task_of * n_folds + fold_of

    def mean(self, values):
        """Return the weighted mean of values (m,) in each cell."""
        n_cells = self.shape[0] * self.shape[1]
        total = np.bincount(self.cell, self.weight, n_cells)
        with np.errstate(invalid="ignore"):
            mean = np.bincount(self.cell, self.weight * values, n_cells) / total
        return mean.reshape(self.shape)

    def of_task(self, values):
        """Return the weighted mean of values (m,) in each task, (T,)."""
        total = np.bincount(self.task_of, self.weight, self.shape[0])
        with np.errstate(invalid="ignore"):
            return (
                np.bincount(self.task_of, self.weight * values, self.shape[0]) / total
            )

    def only(self, rows):
        """Return the cells of some of the labels."""
        return Cells(
            self.task_of[rows], self.fold_of[rows], self.weight[rows], *self.shape
        )

    def of_each(self, function, *values):
        """Return function(values, weights) of each cell that has labels."""
        out = np.full(self.shape[0] * self.shape[1], np.nan)
        order = np.argsort(self.cell, kind="stable")
        cells, starts = np.unique(self.cell[order], return_index=True)
        for c, rows in zip(cells, np.split(order, starts[1:]), strict=True):
            out[c] = function(*(v[rows] for v in values), self.weight[rows])
        return out.reshape(self.shape)


def regression_scores(cells, truth, predicted, losses, loss, least):
    """Return the scores of cells; the first is the main one.

    `losses` names the loss of each task, `loss` is its mean in each cell, and up to
    `least` it is mere rounding. R^2 and D^2 are against the loss of the best constant
    for the task over all folds. That of a fold would be a ratio to very few labels
    where tasks are small, and its mean says little.
    """
    squared = cells.mean((truth - predicted) ** 2)
    constant = cells.of_task(truth)[cells.task_of]
    null = cells.of_task(label_losses(losses, cells.task_of, truth, constant))
    with np.errstate(invalid="ignore", divide="ignore"):
        shown = 1 - loss / null[:, None]
    explained = np.where((null > least)[:, None], shown, np.nan)
    if (losses == "squared error").all():
        return {"r2": explained, "rmse": np.sqrt(squared)}
    shown = {"d2": explained, "rmse": np.sqrt(squared)}
    risks = (losses == "log-loss")[cells.task_of]
    if risks.any():
        some = cells.only(risks)
        both = np.column_stack([1 - predicted, predicted])[risks]
        two = np.full(len(both), 2)
        shown["roc_auc"] = some.of_each(_auc, truth[risks], both, two)
    return shown


def classification_scores(cells, truth, predicted, correct, n_classes, loss):
    """Return the scores of cells, for probabilities (m, K) and K_t per label."""
    auc = cells.of_each(_auc, truth, predicted, n_classes)
    accuracy = cells.mean(correct.astype(float))
    return {"roc_auc": auc, "log_loss": loss, "accuracy": accuracy}


def _area(truth, risk, weight):
    """Return the chance that a label 1 has the higher risk; ties count half.

    The same number as of `roc_auc_score`, at a fiftieth of its cost in a small cell.
    """
    values, code = np.unique(risk, return_inverse=True)
    ill = np.bincount(code, weight * truth, len(values))
    well = np.bincount(code, weight * (1 - truth), len(values))
    return ill @ (np.cumsum(well) - well / 2) / (ill.sum() * well.sum())


def _auc(truth, predicted, n_classes, weight):
    """Return the area under the curve of one cell; NaN unless all classes are in it."""
    n_classes = n_classes[0]
    if n_classes < 2 or len(np.unique(truth)) < n_classes:
        return np.nan
    if n_classes == 2:
        return _area(truth, predicted[:, 1], weight)
    values = predicted[:, :n_classes]
    total = values.sum(axis=1, keepdims=True)
    even = np.full_like(values, 1 / n_classes)
    values = np.divide(values, total, out=even, where=total > 0)
    return roc_auc_score(truth, values, multi_class="ovr", sample_weight=weight)
