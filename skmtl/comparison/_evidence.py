"""Held-out predictions of models on the same folds, and their losses."""

import numpy as np
from sklearn.utils.parallel import Parallel, delayed

from skmtl.comparison._losses import (
    CLIP,
    LOSSES,
    choose_losses,
    label_losses,
    resolution,
)
from skmtl.comparison._measures import Cells
from skmtl.comparison._runs import column_reader, run


class HeldOut:
    """The labels of the test parts, fold after fold.

    Parameters
    ----------
    table : Table
        The data.
    folds : list of (train, test)
        Rows of the table.

    Attributes
    ----------
    label, fold, task, truth, weight : ndarray of shape (m,)
        Position in the list of the table, fold, position of the task, true label and
        weight of each.
    cells : Cells
        The same by task and fold.
    """

    def __init__(self, table, folds):
        found = [table.observed_in(test)[0] for _, test in folds]
        self.table = table
        self.label = np.concatenate(found)
        self.fold = np.repeat(np.arange(len(folds)), [len(rows) for rows in found])
        self.task, self.truth = table.task_of[self.label], table.truth[self.label]
        self.weight = table.weight[self.label]
        self.cells = Cells(self.task, self.fold, self.weight, table.n_tasks, len(folds))

    def losses(self, models, predicted):
        """Return (mean loss per model, task and fold (M, T, J), its name per task).

        `predicted` are predictions or probabilities for these labels, {model: array}.
        A loss that is mere rounding is 0.
        """
        truth = self.truth
        if self.table.classes is None:
            names = choose_losses(models, self.table, self.task, truth, predicted)
            lost = [
                label_losses(names, self.task, truth, z) for z in predicted.values()
            ]
        else:
            names = np.full(self.table.n_tasks, "log-loss", dtype=object)
            own = [z[np.arange(len(truth)), truth] for z in predicted.values()]
            lost = [-np.log(np.clip(p, CLIP, 1 - CLIP)) for p in own]
        losses = np.array([self.cells.mean(loss) for loss in lost])
        losses[losses <= self.resolution(names)[:, None]] = 0.0
        return losses, names

    def resolution(self, names):
        """Return the mean loss of each task (T,) up to which all is rounding."""
        return resolution(names, self.task, self.truth, self.weight)


def predict_held_out(cases, seeds, n_jobs):
    """Return the predictions of each (name, model, table, folds), fold after fold.

    Folds without a training or a test row are left out.
    """
    jobs = [
        delayed(run)(name, model, table, j, train, test, seeds[j], None)
        for name, model, table, folds in cases
        for j, (train, test) in enumerate(folds)
        if len(train) and len(test)
    ]
    runs = iter(Parallel(n_jobs=n_jobs)(jobs))
    return [
        np.concatenate(
            [next(runs).predicted for train, test in folds if len(train) and len(test)]
        )
        for *_, folds in cases
    ]


def count_labels(table, folds):
    """Return the labels per task (T, J) in the training and in the test parts."""
    return [
        np.column_stack([table.count(fold[side]) for fold in folds]) for side in (0, 1)
    ]


def check_reads_no_column(name, model, advice):
    """Raise if a model reads the task from a column of X."""
    if column_reader(model) is not None:
        raise ValueError(
            f"The {name} reads the task from a column of X, but the task is passed on "
            f"to it here. {advice}"
        )


def seeds_of(random_state, rng, n):
    """Return n seeds; None each where nothing is to be repeatable."""
    if random_state is None:
        return [None] * n
    return [int(rng.randint(2**31 - 1)) for _ in range(n)]


def explained(name, truth, predicted, weight):
    """Return 1 - loss / loss of the best constant, for the loss of that name.

    Where all labels are equal, 1 for perfect predictions and 0 for others.
    """
    constant = np.full(len(truth), np.average(truth, weights=weight))
    lost, null = (
        np.average(LOSSES[name](truth, z), weights=weight)
        for z in (predicted, constant)
    )
    if truth.min() == truth.max():
        return float(lost <= 1e-12 * max(1.0, abs(truth[0])))
    return 1.0 - lost / null
