"""What TransferGuard costs where tasks are unrelated, and keeps where they are related.

Run with ``python benchmarks/guard.py [--quick] [--jobs N]``. Simulated tables, each
with new coefficients, rows and noise; the loss of a model is its true mean squared
error (the noise included), averaged over tasks and 2,000 rows that nobody was fitted
to. The fallback is a ridge regression per task with its strength chosen by
leave-one-out.

* "multi-task" and "guard" are their mean losses over that of the fallback: below 1 is
  better than learning alone. The rule for unrelated tasks is: guard at most 1.01.
* "best" is the loss with hindsight: the better of both models for each task.
* "own folds" is a guard with ``shrink=False``: each task judged by its folds alone.
* "kept by" a guard is its share of the loss that the multi-task model saves. The rule
  for tasks that sharing clearly helps is: at least 50 %.
* "hurt by" a guard is its loss over the fallback's in those tasks alone that the
  multi-task model makes worse: what wrong choices cost those whom they hit.
* "chosen" is the share of tasks for which the guard took the multi-task model.
"""

import warnings

import numpy as np
from _harness import JOBS, describe, options, stopwatch, table
from joblib import Parallel, delayed
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


def mixed(seed, n_near):
    """Draw `n_near` of six tasks around one centre, the others on their own."""
    parts = [near(seed), unrelated(seed + 10**6)]
    X, y = (np.concatenate([a[k], b[k]]) for k in (0, 1) for a, b in [parts])
    task = np.concatenate([parts[0][2], parts[1][2] + 6])
    kept = np.isin(task, [*range(n_near), *range(6 + n_near, 12)])
    coef = np.concatenate([parts[0][3], parts[1][3]])
    return X[kept], y[kept], task[kept], coef


def half(seed):
    """Draw three tasks around one centre and three on their own."""
    return mixed(seed, 3)


def all_but_one(seed):
    """Draw five tasks around one centre and one on its own."""
    return mixed(seed, 5)


def true_losses(model, coef, tasks, test):
    """Return the mean squared error of each task, noise included."""
    found = []
    for label in tasks:
        error = model.predict(test, task=label) - test @ coef[label]
        found.append(SIZE["noise"] ** 2 + np.mean(error**2))
    return np.array(found)


def one_run(draw, model, seed):
    """Return the losses of both models (2, T), and the choices of two guards (2, T)."""
    X, y, task, coef = draw(seed)
    guard = TransferGuard(model, IndependentTasks(RIDGE), random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        guard.fit(X, y, task=task)
    test = np.random.default_rng(seed).normal(size=(2000, X.shape[1]))
    fitted = (guard.estimator_, guard.fallback_)
    losses = [true_losses(m, coef, guard.tasks_, test) for m in fitted]
    shrunken = np.array(list(guard.chosen_.values())) == "estimator"
    return losses, [shrunken, guard.gains_ > guard.gain_se_]


def simulate(draw, model, n_runs, jobs=1):
    """Return the losses and choices of all runs, (n_runs, 2, T) each."""
    runs = Parallel(jobs)(delayed(one_run)(draw, model, k) for k in range(n_runs))
    return tuple(map(np.array, zip(*runs, strict=True)))


def summarise(losses, chosen):
    """Return the row of a cell, and its figures as shares of the fallback's loss."""
    multi_task, alone = losses[:, 0], losses[:, 1]
    base, worse = alone.mean(), multi_task > alone
    figures = {
        "multi-task": multi_task.mean() / base,
        "best": losses.min(axis=1).mean() / base,
    }
    row = {name: f"{figure:.3f}" for name, figure in figures.items()}
    saved = 1 - figures["multi-task"]
    for k, name in enumerate(("guard", "own folds")):
        loss = np.where(chosen[:, k], multi_task, alone)
        figures[name] = loss.mean() / base
        kept = f"{100 * (1 - figures[name]) / saved:.0f} %" if saved > 0.05 else "-"
        row |= {name: f"{figures[name]:.3f}", f"kept by {name}": kept}
        hurt = loss[worse].sum() / alone[worse].sum() if worse.any() else 1.0
        row |= {f"hurt by {name}": f"{hurt:.3f}"}
    row["chosen"] = f"{100 * chosen[:, 0].mean():.0f} %"
    return row, figures


CELLS = {
    "unrelated": (unrelated, list(MODELS)),
    "same features": (same_features, ["group lasso"]),
    "nearly one": (near, ["mean-regularised", "pooled"]),
    "alike": (far, ["mean-regularised", "pooled"]),
    "half alike": (half, ["mean-regularised", "pooled"]),
    "all but one": (all_but_one, ["mean-regularised", "pooled"]),
}


def main():
    """Print the table."""
    chosen = options(__doc__, JOBS)
    describe()
    n_runs, rows = 2 if chosen.quick else 100, []
    with stopwatch(chosen.threads):
        for tasks, (draw, names) in CELLS.items():
            for name in names:
                found = simulate(draw, MODELS[name], n_runs, chosen.jobs)
                row, _ = summarise(*found)
                rows.append((f"{tasks}, {name}", row))
    table(f"Losses over the fallback's, {n_runs} runs", list(rows[0][1]), rows)


if __name__ == "__main__":
    main()
