"""Subsets of tasks by linear models of squared loss: no row is read more than once.

The statistics of a part of a table hold those of every subset of its tasks, so that a
fit to a pair, and its loss on a test part, cost the same for any number of rows.
"""

from dataclasses import replace

import numpy as np
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from skmtl._compat import check_features
from skmtl.linear_model.regression import LinearTaskRegressor
from skmtl.model_selection._alpha_path_cv import statistics_will_do
from skmtl.model_selection._fold_statistics import fold_statistics
from skmtl.model_selection._held_out import losses_of_statistics, positions_in
from skmtl.statistics._orders import column_names


def parts_for_statistics(estimator, table, folds):
    """Return statistics of the (training, test) part of each fold.

    None where the estimator needs the rows, or they are smaller.
    """
    if not isinstance(estimator, LinearTaskRegressor):
        return None
    estimator._validate_params()
    X = check_features(table.X)
    if not statistics_will_do(estimator, X, table.labels, len(folds)):
        return None
    names = column_names(table.X)
    _, pairs = fold_statistics(X, table.labels, folds)
    return [[part and replace(part, feature_names=names) for part in p] for p in pairs]


def losses_from_statistics(estimator, tasks, parts, subsets, n_jobs):
    """Return the losses (tasks of it, J) of each subset of positions of tasks."""
    jobs = (delayed(_losses)(estimator, tasks[list(s)], parts) for s in subsets)
    return Parallel(n_jobs=n_jobs)(jobs)


def _losses(estimator, tasks, parts):
    """Return the mean squared errors of some tasks learned together, (T, J)."""
    losses = np.full((len(tasks), len(parts)), np.nan)
    for j, (train, test) in enumerate(parts):
        train, test = _of(train, tasks), _of(test, tasks)
        if train is None or test is None:
            continue
        model = clone(estimator).fit_statistics(train)
        found = positions_in(train.tasks, test.tasks, model.unseen)
        rows = positions_in(tasks, test.tasks, "raise")
        losses[rows, j] = losses_of_statistics(model, test, found, 1.0)
    return losses


def _of(statistics, tasks):
    """Return the statistics of the tasks that have any; None if none has."""
    if statistics is None or not np.isin(statistics.tasks, tasks).any():
        return None
    return statistics._only(np.isin(statistics.tasks, tasks))
