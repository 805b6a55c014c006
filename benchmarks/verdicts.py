"""Verdicts of `compare`: how often where there is nothing to find, and where there is.

Run with ``python benchmarks/verdicts.py [--quick] [--jobs N]``. Each figure is over
simulated tables, each compared as a user would, with 5 folds dealt twice.

1. No gain. Models are fitted by least squares (or discriminant analysis, for classes),
   each to features of its own. The blocks of features are exchangeable: independent,
   alike in distribution, with the same coefficients. So the models differ, and their
   expected losses are equal for every size of training part. A run is wrong if it shows
   any verdict in any task for any model; 5 % of the runs may. For comparison: how often
   the ordinary paired t test over folds is wrong, after the same adjustment by Holm's
   method, and how many of the 95 % intervals hold the true gain, which is zero: those
   of tasks, and those of the mean over tasks.
2. Another view of the task. As in 1, but the block of the model explains more than
   that of the reference, in every task.
3. Borrowed strength. Least squares on the rows of all tasks against least squares on
   those of each, where all tasks have the same coefficients: what sharing is for. The
   gain is what a task loses by estimating its coefficients alone.

Power is the share of (run, task) pairs with the verdict "helps"; "mean" is the share of
runs whose interval of the mean gain over the four tasks is above 0, and "gain" the mean
gain relative to the loss of the reference.
"""

import numpy as np
from _harness import JOBS, describe, options, report, table
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from skmtl import compare
from skmtl.comparison._statistics import corrected_resampled_t, holm

BLOCK = 3  # features of each model of part 1 and 2


class LeastSquares(RegressorMixin, BaseEstimator):
    """Least squares on some columns, for each task or for the rows of all."""

    def __init__(self, columns=None, pooled=False):
        self.columns = columns
        self.pooled = pooled

    def _design(self, X):
        X = X if self.columns is None else X[:, self.columns]
        return np.column_stack([np.ones(len(X)), X])

    def fit(self, X, y, *, task=None):
        Z = self._design(X)
        if y.ndim == 2:
            seen = ~np.isnan(y)
            rows = {t: (seen[:, t], y[:, t]) for t in range(y.shape[1])}
        elif self.pooled:
            rows = {"all": (slice(None), y)}
        else:
            rows = {t: (task == t, y) for t in np.unique(task)}
        self.coef_ = {
            t: np.linalg.solve(Z[own].T @ Z[own], Z[own].T @ labels[own])
            for t, (own, labels) in rows.items()
        }
        return self

    def predict(self, X, *, task=None):
        Z = self._design(X)
        if task is None:
            return np.column_stack([Z @ coef for coef in self.coef_.values()])
        if self.pooled:
            return Z @ self.coef_["all"]
        out = np.empty(len(Z))
        for t, coef in self.coef_.items():
            out[task == t] = Z[task == t] @ coef
        return out


class Discriminant(ClassifierMixin, BaseEstimator):
    """Linear discriminant analysis of two classes on some columns, for each task."""

    def __init__(self, columns=None):
        self.columns = columns

    def fit(self, X, y, *, task):
        self.classes_, self.rule_ = np.array([0, 1]), {}
        for t in np.unique(task):
            Z, labels = X[task == t][:, self.columns], y[task == t]
            means = np.array([Z[labels == k].mean(axis=0) for k in (0, 1)])
            within = np.cov((Z - means[labels]).T)
            slope = np.linalg.solve(within, means[1] - means[0])
            share = labels.mean()
            start = np.log(share / (1 - share)) - means.mean(axis=0) @ slope
            self.rule_[t] = start, slope
        return self

    def predict_proba(self, X, *, task):
        z = np.empty(len(X))
        for t, (start, slope) in self.rule_.items():
            z[task == t] = start + X[task == t][:, self.columns] @ slope
        p = 1 / (1 + np.exp(-z))
        return np.column_stack([1 - p, p])

    def predict(self, X, *, task):
        return (self.predict_proba(X, task=task)[:, 1] > 0.5).astype(int)


def blocks(n_models, kind=LeastSquares):
    """Return models that see a block of features each, the first the reference."""
    columns = np.arange(n_models * BLOCK).reshape(n_models, BLOCK)
    return {f"block {k}": kind(tuple(own)) for k, own in enumerate(columns.tolist())}


def regression(rng, n_tasks, n, n_models=2, noise=None, strengths=None, visits=1):
    """Return models, data of tasks that blocks of features explain, and options."""
    n_rows = n_tasks * n // visits
    X = np.repeat(rng.normal(size=(n_rows, n_models * BLOCK)), visits, axis=0)
    task = np.repeat(np.arange(n_rows) % n_tasks, visits)
    if visits > 1:  # of patients, who differ by more than what is measured
        X = np.sqrt(0.5) * (X + rng.normal(size=X.shape))
    strengths = np.ones(n_models) if strengths is None else strengths
    y = X @ np.repeat(strengths, BLOCK) / np.sqrt(BLOCK)
    y += rng.normal(size=len(y)) if noise is None else noise(rng, len(y))
    more = {"task": task}
    if visits > 1:
        y += np.repeat(rng.normal(size=n_rows), visits)
        more["groups"] = np.repeat(np.arange(n_rows), visits)
    return blocks(n_models), X, y, more


def wide(rng, n_tasks, n, missing):
    """Return the same with a column of labels per task, some of them missing."""
    X = rng.normal(size=(n, 2 * BLOCK))
    common = X.sum(axis=1, keepdims=True) / np.sqrt(BLOCK)
    Y = common + rng.normal(size=(n, n_tasks)) + rng.normal(size=(n, 1))
    Y[rng.uniform(size=Y.shape) < missing] = np.nan
    return blocks(2), X, Y, {}


def classes(rng, n_tasks, n, n_models=2):
    """Return the same with two classes, whose means differ alike in every block."""
    task = np.arange(n_tasks * n) % n_tasks
    y = (rng.uniform(size=len(task)) < 0.4).astype(int)
    X = rng.normal(size=(len(task), n_models * BLOCK)) + 0.6 * y[:, None]
    return blocks(n_models, Discriminant), X, y, {"task": task}


def student(rng, size):
    """Return noise with heavy tails, of variance 1."""
    return rng.standard_t(3, size=size) / np.sqrt(3)


def alike(rng, n_features, n, n_tasks=4):
    """Return separate and pooled models, and tasks with the same coefficients."""
    X = rng.normal(size=(n_tasks * n, n_features))
    y = X @ rng.normal(size=n_features) + rng.normal(size=len(X))
    models = {"alone": LeastSquares(), "pooled": LeastSquares(pooled=True)}
    return models, X, y, {"task": np.arange(len(X)) % n_tasks}


NULL = {
    "1 task of 100": (regression, {"n_tasks": 1, "n": 100}),
    "4 tasks of 20": (regression, {"n_tasks": 4, "n": 20}),
    "4 tasks of 50": (regression, {"n_tasks": 4, "n": 50}),
    "4 tasks of 200": (regression, {"n_tasks": 4, "n": 200}),
    "8 tasks of 30, 4 models": (regression, {"n_tasks": 8, "n": 30, "n_models": 4}),
    "4 of 50, heavy tails": (regression, {"n_tasks": 4, "n": 50, "noise": student}),
    "4 of 100, 4 visits each": (regression, {"n_tasks": 4, "n": 100, "visits": 4}),
    "4 outcomes, 30 % missing": (wide, {"n_tasks": 4, "n": 80, "missing": 0.3}),
    "classes, 4 tasks of 100": (classes, {"n_tasks": 4, "n": 100}),
    "classes, 4 of 60, 3 models": (classes, {"n_tasks": 4, "n": 60, "n_models": 3}),
}


def strengths_for(gain):
    """Return strengths of two blocks whose better one has that relative gain.

    A model leaves the other block and the noise unexplained. Both losses sum to 4.
    """
    reference = 4 / (2 - gain)
    return np.sqrt([4 - reference - 1, reference - 1])


def one_run(make, settings, seed):
    """Return the report of one comparison."""
    models, X, y, more = make(np.random.default_rng(seed), **settings)
    return compare(models, X, y, random_state=seed, **more)


def errors(make, settings, seed):
    """Return whether there is a verdict, or one of the ordinary t test, and coverages.

    The coverages are shares of intervals right: of tasks, and of means over tasks.
    """
    result = one_run(make, settings, seed)
    found = {v for own in result.verdicts_.values() for v in own.values()}
    gains = result.losses_[:1] - result.losses_[1:]
    ordinary = holm(corrected_resampled_t(gains, np.zeros(gains.shape[:2])).p)
    right = [
        ((paired.low[1:] <= 0) & (paired.high[1:] >= 0)).mean()
        for paired in (result._gains.by_task, result._gains.overall)
    ]
    return bool({"helps", "hurts"} & found), bool((ordinary <= 0.05).any()), *right


def found(make, settings, seed):
    """Return (relative gain, share of tasks helped, mean evident) of the second model.

    The gain is the mean over tasks.
    """
    gains = one_run(make, settings, seed)._gains
    helped = (gains.verdict[1] == "helps").mean()
    return gains.overall.mean[1], helped, gains.overall.low[1] > 0


def mean_of_runs(parallel, function, make, settings, n_runs):
    """Return the means over runs of what a function returns."""
    runs = parallel(delayed(function)(make, settings, seed) for seed in range(n_runs))
    return np.mean(runs, axis=0)


def percent(share):
    """Return a share as text."""
    return f"{100 * share:.1f} %"


def main():
    """Print the three tables."""
    args = options(__doc__, JOBS)
    describe()
    n_null, n_power = (3, 2) if args.quick else (1000, 200)
    sizes = (30,) if args.quick else (30, 100, 300)
    with Parallel(args.jobs) as parallel:
        rows, columns = [], ("runs with a verdict", "ordinary t test")
        columns += ("intervals right", "of the mean")
        for name, (make, settings) in NULL.items():
            shares = mean_of_runs(parallel, errors, make, settings, n_null)
            report(rows, name, dict(zip(columns, map(percent, shares), strict=True)))
        table(f"1. No gain: {n_null} runs each", columns, rows)

        rows = []
        for gain in (0.05, 0.5) if args.quick else (0.02, 0.05, 0.1, 0.2, 0.3, 0.5):
            row = {}
            for n in sizes:
                settings = {"n_tasks": 4, "n": n, "strengths": strengths_for(gain)}
                _, helped, _ = mean_of_runs(
                    parallel, found, regression, settings, n_power
                )
                row[f"{n} rows a task"] = percent(helped)
            report(rows, f"true gain {100 * gain:.0f} %", row)
        title = f"2. Power, another view of the task: {n_power} runs each, 4 tasks"
        table(title, list(row), rows)

        rows = []
        for n_features in (2, 8) if args.quick else (2, 5, 10, 20):
            row = {}
            for n in sizes:
                settings = {"n_features": n_features, "n": n}
                shares = mean_of_runs(parallel, found, alike, settings, n_power)
                names = (f"gain ({n})", f"helps ({n})", f"mean ({n})")
                row |= zip(names, map(percent, shares), strict=True)
            report(rows, f"{n_features} features", row)
        title = f"3. Power, borrowed strength: {n_power} runs each, 4 tasks of (rows)"
        table(title, list(row), rows)


if __name__ == "__main__":
    main()
