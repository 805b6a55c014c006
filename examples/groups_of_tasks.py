# %% [markdown]
# # Twenty-four tasks in four groups that nobody told of
#
# Think of one outcome at 24 hospitals, of which six each have the same kind of
# patients. The data are simulated, so that the groups are known and the coefficients
# can be judged. Which models find the groups, and how many rows does a task need before
# learning alone is as good?
#
# Run it as a script, `python examples/groups_of_tasks.py [folder for the picture]`, or
# make the notebook with `make notebooks`.

# %%
import matplotlib.pyplot as plt
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

# %% [markdown]
# ## Five models
#
# Ridge regression for each task alone and for all tasks as one, and three ways to find
# groups: the convex relaxation, the same with the mean of all tasks left free, and
# k-means on the coefficients while they are learned. Strengths are chosen on the
# training rows alone.


# %%
def clustering(**settings):
    """Return a search along alpha for four groups."""
    model = TaskClusteringRegressor(4, **settings)
    return AlphaPathCV(model, alphas=np.logspace(1, -2, 7))


def models():
    """Return fresh models."""
    ridge = RidgeCV(np.logspace(-2, 3, 11))
    return {
        "alone": IndependentTasks(ridge),
        "pooled": PooledTasks(ridge, task_features=None),
        "convex": clustering(beta=0.08),
        "centred": clustering(beta=0.08, centred=True),
        "k-means": clustering(beta=0.05, method="kmeans", random_state=0),
    }


def coefficients(model):
    """Return the coefficients of a fitted model of any kind, (n_tasks, n_features)."""
    if isinstance(model, AlphaPathCV):
        return model.best_estimator_.coef_
    if isinstance(model, IndependentTasks):
        return np.stack([one.coef_ for one in model.estimators_.values()])
    return model.estimator_.coef_


# %% [markdown]
# ## More and more rows

# %%
errors, fits = {}, {}
print("Squared error of the coefficients, relative to no model at all:\n")
print(f"{'rows per task':>14}", *(f"{name:>14}" for name in models()))
for n in ROWS:
    X, y, task, coef, groups = make_clustered_tasks(
        n_tasks=24, n_clusters=4, n_samples=n, n_features=20, deviation=0.3,
        noise=3.0, return_labels=True, random_state=0,
    )  # fmt: skip
    for name, model in models().items():
        off = coefficients(model.fit(X, y, task=task)) - coef
        errors.setdefault(name, []).append((off**2).sum() / (coef**2).sum())
        fits[name, n] = model
    print(f"{n:>14}", *(f"{found[-1]:>14.3f}" for found in errors.values()))

# %% [markdown]
# Pooling all tasks is wrong however many rows there are: there are four groups, not
# one. Alone is as good only when a task has many times as many rows as features (20).

# %%
print("Agreement with the true groups (1 is all, 0 is by chance):\n")
for name in ("convex", "centred", "k-means"):
    found = [fits[name, n].best_estimator_.cluster_labels_ for n in ROWS]
    agree = [adjusted_rand_score(groups, labels) for labels in found]
    print(f"{name:>14}", *(f"{value:6.2f}" for value in agree))

# %%
picture, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
order = np.argsort(groups, kind="stable")
affinity = fits["convex", ROWS[1]].best_estimator_.task_affinity_
image = left.imshow(affinity[np.ix_(order, order)], cmap="PuBu", vmin=0)
for end in np.cumsum(np.bincount(groups))[:-1] - 0.5:
    left.axhline(end, color="0.3", lw=0.8)
    left.axvline(end, color="0.3", lw=0.8)
left.set(
    title=f"Who shares with whom ({ROWS[1]} rows a task)",
    xlabel="task, by true group", ylabel="task, by true group",
)  # fmt: skip
picture.colorbar(image, ax=left, label="task_affinity_", shrink=0.8)
for name, values in errors.items():
    right.plot(ROWS, values, marker="o", label=name)
right.set(
    xscale="log", yscale="log", xticks=ROWS, xticklabels=ROWS,
    title="Error of the coefficients", xlabel="rows per task",
    ylabel="relative squared error",
)  # fmt: skip
right.minorticks_off()
right.grid(alpha=0.3)
_ = right.legend(frameon=False)

# %% tags=["script"]
import sys
from pathlib import Path

path = Path(*sys.argv[1:], "groups_of_tasks.png").resolve()
path.parent.mkdir(parents=True, exist_ok=True)
picture.savefig(path, dpi=150)
print(f"\nPicture: {path}")
