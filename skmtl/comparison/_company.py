"""What a task loses in which company: any subset of tasks learned together."""

from dataclasses import replace

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression, RidgeCV

from skmtl._compat import check_random_state, safe_indexing
from skmtl.baselines import PooledTasks
from skmtl.comparison._evidence import (
    HeldOut,
    check_reads_no_column,
    count_labels,
    predict_held_out,
    seeds_of,
)
from skmtl.comparison._folds import make_folds
from skmtl.comparison._losses import resolution
from skmtl.comparison._pair_statistics import (
    losses_from_statistics,
    parts_for_statistics,
)
from skmtl.comparison._runs import check_takes
from skmtl.comparison._statistics import corrected_resampled_t
from skmtl.comparison._table import read_table
from skmtl.summaries import nanmean

RIDGE_ALPHAS = np.logspace(-3, 4, 15)


class Company:
    """Held-out losses of tasks learned together in subsets, on the same folds.

    Parameters
    ----------
    estimator : estimator or None
        What learns them; None pools ridge regressions, or logistic ones for classes.
    X, y, task, groups, sample_weight, cv, n_jobs, random_state :
        As in `compare`.
    """

    def __init__(
        self, estimator, X, y, task, groups, sample_weight, cv, n_jobs, random_state
    ):
        self.estimator = default_learner(y) if estimator is None else clone(estimator)
        self.n_jobs = n_jobs
        check_reads_no_column(
            "estimator", self.estimator, "Pass task=, and the estimator inside."
        )
        self.table = read_table(
            X,
            y,
            task,
            groups,
            sample_weight,
            in_column=None,
            classify=is_classifier(self.estimator),
        )
        if self.table.n_tasks < 2:
            raise ValueError(
                "There is one task only; at least 2 are needed. Pass task=, or y with "
                "a column per task."
            )
        check_takes("estimator", self.estimator, self.table)
        rng = check_random_state(random_state)
        self.folds, _ = make_folds(self.table, cv, groups, rng)
        self.seeds = seeds_of(random_state, rng, len(self.folds))
        train, test = count_labels(self.table, self.folds)
        rare = self.tasks[((train > 0) & (test > 0)).sum(axis=1) < 2]
        if len(rare):
            raise ValueError(
                f"Task {rare[0].item()!r} has labels in the training and the test part "
                "of fewer than two folds, so its gains cannot be judged. Drop it, or "
                "pass another cv."
            )
        self.ratio = test.sum(axis=1) / train.sum(axis=1)
        self._known = {}
        self._parts = parts_for_statistics(self.estimator, self.table, self.folds)

    @property
    def tasks(self):
        """The labels of the tasks."""
        return self.table.labels.tasks

    def learn(self, subsets):
        """Cross-validate the subsets, tuples of positions, that are not known yet."""
        new = [s for s in dict.fromkeys(map(_key, subsets)) if s not in self._known]
        if self._parts is not None:
            found = losses_from_statistics(
                self.estimator, self.tasks, self._parts, new, self.n_jobs
            )
            names = np.full(len(self.tasks), "squared error", dtype=object)
            table = self.table
            least = resolution(names, table.task_of, table.truth, table.weight)
            for subset, losses in zip(new, found, strict=True):
                losses[losses <= least[list(subset), None]] = 0.0
                self._known[subset] = dict(zip(subset, losses, strict=True))
            return
        parts = [self._part(subset) for subset in new]
        cases = [("estimator", self.estimator, *part) for part in parts]
        predicted = predict_held_out(cases, self.seeds, self.n_jobs)
        models = {"estimator": self.estimator}
        for subset, part, values in zip(new, parts, predicted, strict=True):
            losses, _ = HeldOut(*part).losses(models, {"estimator": values})
            own = losses[0] if self.table.wide else losses[0][list(subset)]
            self._known[subset] = dict(zip(subset, own, strict=True))

    def losses(self, t, company):
        """Return the losses (J,) of task t, learned in a company it is part of."""
        subset = _key(company)
        if subset not in self._known:
            self.learn([subset])
        return self._known[subset][t]

    def gain(self, changes):
        """Return the mean gain over changes of company, and its corrected error.

        A change is (task, its company after, and before); its gain is relative to the
        mean loss of the task alone.
        """
        gains = nanmean(
            np.array([self._relative(*change) for change in changes]), axis=0
        )
        ratio = np.mean([self.ratio[t] for t, _, _ in changes])
        found = corrected_resampled_t(gains, ratio)
        return float(found.mean), float(found.error)

    def _relative(self, t, after, before):
        """Return the gains (J,) of one change."""
        base, scale = self.losses(t, before), nanmean(self.losses(t, (t,)), axis=0)
        gains = base - self.losses(t, after)
        gains[np.abs(gains) <= 1e-9 * np.abs(base)] = 0.0  # that is rounding
        return gains / scale if scale > 0 else np.zeros_like(gains)

    def _part(self, subset):
        """Return the table and the folds with these tasks only."""
        table, kept = self.table, list(subset)
        if not table.wide:
            mine = np.isin(table.labels.codes, kept)
            folds = [[part[mine[part]] for part in fold] for fold in self.folds]
            nothing = [np.zeros(0, dtype=int)] * 2
            return table, [f if min(map(len, f)) else nothing for f in folds]
        labels = np.isin(table.task_of, kept)
        weight = table.sample_weight
        if weight is not None and weight.ndim == 2:
            weight = weight[:, kept]
        part = replace(
            table,
            y=safe_indexing(table.y, kept, axis=1),
            sample_weight=weight,
            labels=table.labels.keep_tasks(kept),
            classes=None if table.classes is None else [table.classes[t] for t in kept],
            row=table.row[labels],
            task_of=np.searchsorted(kept, table.task_of[labels]),
            truth=table.truth[labels],
            weight=table.weight[labels],
        )
        return part, self.folds


def default_learner(y):
    """Return one ridge regression for all tasks; a logistic one for text and truth."""
    kinds = {np.asarray(v).dtype.kind for v in _columns(y)}
    if kinds & set("USTb"):
        return PooledTasks(LogisticRegression())
    return PooledTasks(RidgeCV(RIDGE_ALPHAS))


def _columns(y):
    """Yield the observed labels of each column, in a type of their own."""
    values = y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y)
    for column in values.reshape(len(values), -1).T:
        seen = [v for v in column.tolist() if v is not None and v == v]
        yield np.array(seen)


def _key(subset):
    return tuple(sorted(subset))
