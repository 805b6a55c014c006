"""Held-out losses of several models on the same folds."""

import numpy as np
from sklearn.utils.parallel import Parallel, delayed

from skmtl.comparison._losses import CLIP, LOSSES, choose_losses, label_losses
from skmtl.comparison._measures import Cells
from skmtl.comparison._runs import run


def held_out_losses(models, table, folds, seeds, *, n_jobs=None):
    """Return (mean loss of each model, task and fold (M, T, J), its name per task).

    Parameters
    ----------
    models : dict of str -> estimator
        They are cloned.
    table : Table
        The data.
    folds : list of (train, test)
        Rows of the table.
    seeds : list of int or None
        At least one per fold.
    n_jobs : int or None
        Number of fits at a time.
    """
    jobs = (
        delayed(run)(name, model, table, j, *folds[j], seeds[j], None)
        for name, model in models.items()
        for j in range(len(folds))
    )
    runs = iter(Parallel(n_jobs=n_jobs)(jobs))
    predicted = {
        name: np.concatenate([next(runs).predicted for _ in folds]) for name in models
    }
    found = [table.observed_in(test)[0] for _, test in folds]
    label = np.concatenate(found)
    fold = np.repeat(np.arange(len(folds)), [len(rows) for rows in found])
    task, truth = table.task_of[label], table.truth[label]
    cells = Cells(task, fold, table.weight[label], table.n_tasks, len(folds))
    if table.classes is None:
        names = choose_losses(models, table, task, truth, predicted)
        losses = [label_losses(names, task, truth, z) for z in predicted.values()]
    else:
        names = np.full(table.n_tasks, "log-loss", dtype=object)
        own = [z[np.arange(len(truth)), truth] for z in predicted.values()]
        losses = [-np.log(np.clip(p, CLIP, 1 - CLIP)) for p in own]
    return np.array([cells.mean(loss) for loss in losses]), names


def count_labels(table, folds):
    """Return the labels per task (T, J) in the training and in the test parts."""
    return [
        np.column_stack([table.count(fold[side]) for fold in folds]) for side in (0, 1)
    ]


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
