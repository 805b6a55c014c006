"""Twenty-four tasks in four groups that nobody told of.

Think of one outcome at 24 hospitals, of which six each have the same kind of patients.
The data are simulated, so that the groups are known and the coefficients can be judged.
Which models find the groups, and how many rows does a task need before learning alone
is as good?

Run it with ``python examples/groups_of_tasks.py [folder for the picture]``.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.metrics import adjusted_rand_score

from skmtl import (
    AlphaPathCV,
    IndependentTasks,
    PooledTasks,
    TaskClusteringRegressor,
)
from skmtl.datasets import make_clustered_tasks

ROWS = (20, 30, 50, 100, 200)
RIDGES = np.logspace(-2, 3, 11)


def main(folder="."):
    """Fit for more and more rows, print the errors, and write the picture."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    errors, fits = {}, {}
    print("Squared error of the coefficients, relative to no model at all:\n")
    print(f"{'rows per task':>14}", *(f"{name:>14}" for name in models()))
    for n in ROWS:
        X, y, task, coef, groups = make_clustered_tasks(
            n_tasks=24, n_clusters=4, n_samples=n, n_features=20, deviation=0.3,
            noise=3.0, return_labels=True, random_state=0,
        )  # fmt: skip
        for name, model in models().items():
            model.fit(X, y, task=task)
            found = coefficients(model)
            errors.setdefault(name, []).append(
                ((found - coef) ** 2).sum() / (coef**2).sum()
            )
            fits[name, n] = model
        print(f"{n:>14}", *(f"{errors[name][-1]:>14.3f}" for name in errors))
    print("\nAgreement with the true groups (1 is all, 0 is by chance):\n")
    for name in ("convex", "centred", "k-means"):
        agree = [
            adjusted_rand_score(groups, fits[name, n].best_estimator_.cluster_labels_)
            for n in ROWS
        ]
        print(f"{name:>14}", *(f"{value:6.2f}" for value in agree))
    path = folder / "groups_of_tasks.png"
    draw(fits["convex", ROWS[1]].best_estimator_, groups, errors).savefig(path, dpi=150)
    print(f"\nPicture: {path.resolve()}")


def models():
    """Return fresh models; alpha and beta are chosen on the training rows alone."""
    alphas = np.logspace(1, -2, 7)
    return {
        "alone": IndependentTasks(RidgeCV(RIDGES)),
        "pooled": PooledTasks(RidgeCV(RIDGES), task_features=None),
        "convex": AlphaPathCV(TaskClusteringRegressor(4, beta=0.08), alphas=alphas),
        "centred": AlphaPathCV(
            TaskClusteringRegressor(4, beta=0.08, centred=True), alphas=alphas
        ),
        "k-means": AlphaPathCV(
            TaskClusteringRegressor(4, beta=0.05, method="kmeans", random_state=0),
            alphas=alphas,
        ),
    }


def coefficients(model):
    """Return the coefficients of a fitted model of any kind, (n_tasks, n_features)."""
    if isinstance(model, AlphaPathCV):
        return model.best_estimator_.coef_
    if isinstance(model, IndependentTasks):
        return np.stack([one.coef_ for one in model.estimators_.values()])
    return model.estimator_.coef_


def draw(model, groups, errors):
    """Return a figure: who is tied to whom, and the errors."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    order = np.argsort(groups, kind="stable")
    image = left.imshow(model.task_affinity_[np.ix_(order, order)], cmap="PuBu", vmin=0)
    ends = np.cumsum(np.bincount(groups))[:-1] - 0.5
    for end in ends:
        left.axhline(end, color="0.3", lw=0.8)
        left.axvline(end, color="0.3", lw=0.8)
    left.set(
        title=f"Who shares with whom ({ROWS[1]} rows a task)",
        xlabel="task, by true group", ylabel="task, by true group",
    )  # fmt: skip
    figure.colorbar(image, ax=left, label="task_affinity_", shrink=0.8)
    for name, values in errors.items():
        right.plot(ROWS, values, marker="o", label=name)
    right.set(
        xscale="log", yscale="log", xticks=ROWS, xticklabels=ROWS,
        title="Error of the coefficients", xlabel="rows per task",
        ylabel="relative squared error",
    )  # fmt: skip
    right.minorticks_off()
    right.legend(frameon=False)
    right.grid(alpha=0.3)
    return figure


# Parallel work starts new processes, which import this file on some systems.
if __name__ == "__main__":
    main(*sys.argv[1:])
