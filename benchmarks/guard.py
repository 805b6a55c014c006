"""What TransferGuard costs where tasks are unrelated, and keeps where they are related.

Run with ``python benchmarks/guard.py [--quick]``. Simulated tables, each with new
coefficients, rows and noise; the loss of a model is its true mean squared error (the
noise included), averaged over tasks and 2,000 rows that nobody was fitted to. The
fallback is a ridge regression per task with its strength chosen by leave-one-out.

* "multi-task" and "guard" are their mean losses over that of the fallback: below 1 is
  better than learning alone. The rule for unrelated tasks is: guard at most 1.01.
* "kept" is the guard's share of the loss that the multi-task model saves. The rule for
  tasks that sharing clearly helps is: at least 50 %.
* "chosen" is the share of tasks for which the guard took the multi-task model.
* The last two columns are those of a guard with ``n_se=0.5``, half as strict.
* "best" is the loss with hindsight: the better of both models for each task.
"""

import warnings

import numpy as np
from _harness import describe, options, stopwatch, table
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV

from skmtl import (
    AlphaPathCV,
    GroupLassoRegressor,
    IndependentTasks,
    PooledTasks,
    TaskGraphRegressor,
    TransferGuard,
    make_clustered_tasks,
    make_group_sparse_tasks,
    make_related_tasks,
)

ALPHAS = np.logspace(-3, 5, 17)
RIDGE = RidgeCV(ALPHAS)
MODELS = {
    "mean-regularised": AlphaPathCV(TaskGraphRegressor(), alphas=10),
    "group lasso": AlphaPathCV(GroupLassoRegressor(), alphas=10),
    "pooled": PooledTasks(RIDGE),
}
SIZE = {"n_tasks": 6, "n_samples": 40, "n_features": 15, "noise": 1.0}


def unrelated(seed):
    """Draw tasks with independent coefficients."""
    return make_related_tasks(relation=0.0, random_state=seed, **SIZE)


def around_one(seed, deviation):
    """Draw tasks around one centre of scale 0.5."""
    return make_clustered_tasks(
        n_clusters=1,
        deviation=deviation,
        center_scale=0.5,
        random_state=seed,
        **SIZE,
    )


def near(seed):
    """Draw tasks that are nearly one."""
    return around_one(seed, 0.1)


def far(seed):
    """Draw tasks that are alike."""
    return around_one(seed, 0.2)


def same_features(seed):
    """Draw tasks that need the same three features."""
    return make_group_sparse_tasks(n_informative=3, random_state=seed, **SIZE)


def half(seed):
    """Draw three tasks around one centre and three on their own."""
    parts = [near(seed), unrelated(seed + 10**6)]
    X, y = (np.concatenate([a[k], b[k]]) for k in (0, 1) for a, b in [parts])
    task = np.concatenate([parts[0][2], parts[1][2] + 6])
    kept = np.isin(task, [0, 1, 2, 6, 7, 8])
    coef = np.concatenate([parts[0][3], parts[1][3]])
    return X[kept], y[kept], task[kept], coef


def true_losses(model, coef, tasks, test):
    """Return the mean squared error of each task, noise included."""
    found = []
    for label in tasks:
        error = model.predict(test, task=label) - test @ coef[label]
        found.append(SIZE["noise"] ** 2 + np.mean(error**2))
    return np.array(found)


def simulate(draw, model, n_runs):
    """Return losses of both models (n_runs, 2, T), and gains over their errors."""
    losses, gains = [], []
    for seed in range(n_runs):
        X, y, task, coef = draw(seed)
        guard = TransferGuard(model, IndependentTasks(RIDGE), random_state=seed)
        guard.fit(X, y, task=task)
        test = np.random.default_rng(seed).normal(size=(2000, X.shape[1]))
        fitted = (guard.estimator_, guard.fallback_)
        losses.append([true_losses(m, coef, guard.tasks_, test) for m in fitted])
        gains.append(guard.gains_ / guard.gain_se_)
    return np.array(losses), np.array(gains)


def guarded(losses, gains, n_se=1.0):
    """Return the losses (n_runs, T) of a guard."""
    return np.where(gains > n_se, losses[:, 0], losses[:, 1])


def summarise(losses, gains):
    """Return the row of a cell, and its figures as shares of the fallback's loss."""
    base = losses[:, 1].mean()
    figures = {
        "multi-task": losses[:, 0].mean() / base,
        "guard": guarded(losses, gains).mean() / base,
        "n_se=0.5": guarded(losses, gains, 0.5).mean() / base,
        "best": losses.min(axis=1).mean() / base,
    }

    def kept(name):
        saved = 1 - figures["multi-task"]
        return f"{100 * (1 - figures[name]) / saved:.0f} %" if saved > 0.05 else "-"

    row = {name: f"{figures[name]:.3f}" for name in ("multi-task", "best", "guard")}
    row |= {"kept": kept("guard"), "chosen": f"{100 * np.mean(gains > 1):.0f} %"}
    row |= {"n_se=0.5": f"{figures['n_se=0.5']:.3f}", "kept by it": kept("n_se=0.5")}
    return row, figures


CELLS = {
    "unrelated": (unrelated, list(MODELS)),
    "same features": (same_features, ["group lasso"]),
    "nearly one": (near, ["mean-regularised", "pooled"]),
    "alike": (far, ["mean-regularised"]),
    "half alike": (half, ["mean-regularised", "pooled"]),
}


def main():
    """Print the table."""
    chosen = options(__doc__)
    describe()
    n_runs, rows = 2 if chosen.quick else 100, []
    with stopwatch(chosen.threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for tasks, (draw, names) in CELLS.items():
            for name in names:
                row, _ = summarise(*simulate(draw, MODELS[name], n_runs))
                rows.append((f"{tasks}, {name}", row))
    table(f"Losses over the fallback's, {n_runs} runs", list(rows[0][1]), rows)


if __name__ == "__main__":
    main()
