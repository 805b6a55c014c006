"""Parameters chosen inside a training part, and the predictions that come of them."""

import warnings
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV

from skmtl import AlphaPathCV, TaskKFold

RIDGES = np.logspace(-3, 5, 25)


@dataclass(frozen=True)
class Candidate:
    """A model of which the alpha is still to be chosen, and what it is fitted to.

    `ones` is the value of a column that takes the place of the intercepts, so that they
    are penalised like any coefficient (0: intercepts are free). With `after_pooled` the
    labels are what a ridge regression on the pooled rows leaves over, which the tasks
    then share at no cost.
    """

    name: str
    model: object
    alphas: object = 12
    eps: float = 1e-3
    ones: float = 0.0
    after_pooled: bool = False

    def variant(self, label, **changes):
        """Return another, with a label before the name."""
        return replace(self, name=f"{label} {self.name}".strip(), **changes)


@dataclass
class Choice:
    """What was chosen in one training part."""

    name: str
    held_out: float  # mean squared error in the inner folds, of labels of sd 1
    predicted: np.ndarray  # of the test rows, in the units of the labels
    unfinished: int  # fits that did not converge


class Part:
    """One training part: features and labels in its units, and folds of it."""

    def __init__(self, X, y, task, test, folds, seed=0):
        self.train, self.test, self.task = ~test, test, task
        self.found = {}  # what candidates came to, which settings have in common
        known = X[self.train]
        mean, sd = known.mean(axis=0), known.std(axis=0)
        kept = sd > 1e-12 * np.abs(mean)
        self.X = (X[:, kept] - mean[kept]) / sd[kept]
        self.mean, self.sd = y[self.train].mean(), y[self.train].std()
        self.y = (y - self.mean) / self.sd
        pooled = RidgeCV(RIDGES).fit(self.X[self.train], self.y[self.train])
        self.pooled = pooled.predict(self.X)
        cv = TaskKFold(folds, shuffle=True, random_state=seed)
        of_train, tasks = task[self.train], np.unique(task)
        self.folds = list(cv.split(of_train, task=of_train))
        self.rows = np.stack(
            [(of_train[fold, None] == tasks).sum(axis=0) for _, fold in self.folds]
        )

    def order(self):
        """Return the tasks by the mean of what the pooled rows predict for them."""
        tasks = np.unique(self.task)
        means = [self.pooled[self.train & (self.task == t)].mean() for t in tasks]
        return tasks[np.argsort(means, kind="stable")]


def choose(candidates, part):
    """Return the `Choice` with the least squared error in folds of the training part.

    All is learned from its rows; the others are predicted.
    """
    for candidate in candidates:
        if repr(candidate) not in part.found:
            part.found[repr(candidate)] = fit(candidate, part)
    choices = [part.found[repr(candidate)] for candidate in candidates]
    return min(choices, key=lambda choice: choice.held_out)


def fit(candidate, part):
    """Choose alpha by the error of all held-out rows together; predict the others."""
    X, y, train = part.X, part.y, part.train
    if candidate.ones:
        X = np.hstack([X, np.full((len(X), 1), candidate.ones)])
    if candidate.after_pooled:
        y = y - part.pooled
    model = clone(candidate.model).set_params(fit_intercept=not candidate.ones)
    search = AlphaPathCV(
        model, alphas=candidate.alphas, eps=candidate.eps, cv=part.folds
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X[train], y[train], task=part.task[train])
        errors = search.cv_scores_ * search.y_scale_**2 * part.rows
        errors = errors.sum(axis=(1, 2)) / part.rows.sum()
        model.set_params(alpha=search.alphas_[errors.argmin()])
        model.fit(X[train], y[train], task=part.task[train])
    poor = sum(issubclass(w.category, ConvergenceWarning) for w in caught)
    predicted = model.predict(X[part.test], task=part.task[part.test])
    if candidate.after_pooled:
        predicted = predicted + part.pooled[part.test]
    predicted = part.mean + part.sd * predicted
    return Choice(candidate.name, errors.min(), predicted, poor)


def most_frequent(choices):
    """Return the name chosen most often, and how often."""
    ((name, times),) = Counter(choice.name for choice in choices).most_common(1)
    return f"{name or 'as it is'} ({times})"
