# %% [markdown]
# # 3. Clusters and relationships
#
# Drawing all tasks to one mean assumes that they are all alike. Often they come in
# groups, or some go against others. Nobody tells which. This notebook learns the
# coefficients and the relations of the tasks together.
#
# The data are simulated, so that the groups are known. No network is needed.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.linear_model import RidgeCV
from sklearn.metrics import adjusted_rand_score

from skmtl import (
    AlphaPathCV,
    IndependentTasks,
    TaskClusteringRegressor,
    TaskGraphRegressor,
    TaskRelationshipRegressor,
    TaskSimilarityDisplay,
    make_clustered_tasks,
    make_related_tasks,
)

# %% [markdown]
# ## Twelve hospitals of three kinds
#
# Each hospital has 25 patients and 15 features. Four hospitals each have nearly the
# same coefficients; the three kinds have nothing in common.

# %%
X, y, hospital, truth, kind = make_clustered_tasks(
    n_tasks=12, n_clusters=3, n_samples=25, n_features=15, deviation=0.2, noise=3.0,
    return_labels=True, random_state=0,
)  # fmt: skip
print("kind of each hospital:", *kind)


# %% [markdown]
# ## One mean, or a mean per group
#
# Mean-regularised learning (notebook 1) draws every $w_t$ to the mean $\bar w$ of all.
# Clustered learning draws it to the mean of its own group $g(t)$, and finds the groups
# as it goes:
#
# $$\min_{W, \, g} \; \sum_t \frac{1}{2 n_t} \|y_t - X_t w_t\|^2 +
#   \alpha \sum_t \| w_t - \bar w_{g(t)} \|^2 + \beta \sum_t \|w_t\|^2$$
#
# Finding the best groups is hard: there are about 87,000 ways to put 12 hospitals into
# 3 groups. `method="kmeans"` goes back and forth between groups and coefficients. The
# default, `method="convex"`, solves a relaxation, which has a single best answer and a
# certificate that it was found.


# %%
def coefficients(model):
    """Return the coefficients of a fitted model, (n_tasks, n_features)."""
    if isinstance(model, IndependentTasks):
        return np.stack([one.coef_ for one in model.estimators_.values()])
    return model.best_estimator_.coef_


alphas = np.logspace(1.5, -2, 10)
kmeans = TaskClusteringRegressor(3, beta=0.1, method="kmeans", random_state=0)
models = {
    "alone": IndependentTasks(RidgeCV(np.logspace(-2, 3, 11))),
    "one mean": AlphaPathCV(TaskGraphRegressor(ridge=0.1), alphas=alphas),
    "3 groups, convex": AlphaPathCV(
        TaskClusteringRegressor(3, beta=0.1), alphas=alphas
    ),
    "3 groups, k-means": AlphaPathCV(kmeans, alphas=alphas),
}
errors = {}
for name, model in models.items():
    off = coefficients(model.fit(X, y, task=hospital)) - truth
    errors[name] = (off**2).sum() / (truth**2).sum()
    print(f"{name:>18}: error of the coefficients {errors[name]:.2f}")

# %% [markdown]
# (0 is perfect, 1 is as good as no model.) One mean helps less than the right means: it
# draws the hospitals to a middle where none of them is.

# %%
print("agreement with the true groups: 1 is all, 0 is by chance")
for name in ("3 groups, convex", "3 groups, k-means"):
    found = models[name].best_estimator_.cluster_labels_
    print(f"{name:>18}: agreement {adjusted_rand_score(kind, found):.2f}")

display = TaskSimilarityDisplay.from_estimator(models["3 groups, convex"])

# %% [markdown]
# The picture shows `task_affinity_`: how far two hospitals learn together. The tree
# above puts together who is alike.
#
# It matters that groups and coefficients are learned together. Had we fitted each
# hospital alone and grouped the coefficients afterwards, by k-means, noise would have
# hidden most of it:

# %%
alone = coefficients(models["alone"])
after = KMeans(3, n_init=20, random_state=0).fit_predict(alone)
print(f"alone, then groups: agreement {adjusted_rand_score(kind, after):.2f}")

# %% [markdown]
# ## How many groups?
#
# That is one more strength to be chosen by cross-validation. The score is the squared
# error on held-out patients.

# %%
counts = (1, 2, 3, 4, 6, 12)
held_out = []
for k in counts:
    model = TaskClusteringRegressor(k, beta=0.1, method="kmeans", random_state=0)
    search = AlphaPathCV(model, alphas=alphas).fit(X, y, task=hospital)
    held_out.append(search.cv_mean_scores_.mean(axis=1).min())

_, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.plot(counts, held_out, "o-")
_ = ax.set(xlabel="number of groups", ylabel="squared error, held out", xticks=counts)

# %% [markdown]
# ## Relations with a sign
#
# Tasks can also be opposed: what is good for the one is bad for the other. A mean, or a
# group, cannot use that. A covariance $\Omega$ of the tasks can:
#
# $$\min_{W, \, \Omega} \; \sum_t \frac{1}{2 n_t} \|y_t - X_t w_t\|^2 +
#   \frac{\alpha}{2} \operatorname{tr}(W \Omega^{-1} W^\top),
#   \qquad \Omega \succeq 0, \; \operatorname{tr} \Omega = 1$$
#
# The penalty is small where the coefficients of two tasks go the way that $\Omega$
# says. It is multi-task relationship learning: $\Omega$ is learned with $W$, and the
# problem is convex in both.

# %%
X2, y2, outcome, truth2, planted = make_related_tasks(
    n_tasks=6, relation=0.9, n_samples=25, n_features=15, noise=3.0,
    return_relation=True, random_state=1,
)  # fmt: skip
models2 = {
    "alone": IndependentTasks(RidgeCV(np.logspace(-2, 3, 11))),
    "one mean": AlphaPathCV(TaskGraphRegressor(ridge=0.2), alphas=alphas),
    "relations": AlphaPathCV(TaskRelationshipRegressor(), alphas=20, eps=1e-5),
}
errors2 = {}
for name, model in models2.items():
    off = coefficients(model.fit(X2, y2, task=outcome)) - truth2
    errors2[name] = (off**2).sum() / (truth2**2).sum()
    print(f"{name:>18}: error of the coefficients {errors2[name]:.2f}")

# %%
learned = models2["relations"].best_estimator_.task_correlation_
_, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
for ax, matrix in zip(axes, (planted, learned), strict=True):
    TaskSimilarityDisplay.from_matrix(matrix, name="correlation", ax=ax)
axes[0].set_ylabel("planted")
_ = axes[1].set_ylabel("learned")

# %% [markdown]
# Tasks 0 and 1 go together, 2 and 3 go together and against them, 4 and 5 are alone.
# One mean hardly helps: the mean of opposed tasks is near nothing. The learned
# relations are somewhat exaggerated, as correlations from few data are.
#
# ## Exercises
#
# 1. Give `deviation` the values 0.5 and 1.0. When do groups stop to help? *Hint:
#    compare the spread within a group with the distance between groups
#    (`center_scale=1.0`).*
# 2. `TaskGraphRegressor(norm="l2")` needs no number of groups: its penalty $\sum_{s<t}
#    \|w_s - w_t\|$ makes tasks *equal*. Does it find the groups of these hospitals?
#    *Hint: try 200 patients and `deviation=0`, and look at `cluster_labels_`.*
# 3. Shuffle `y2` of outcome 0. What becomes of its row of the learned relations? *Hint:
#    an outcome that has no signal has nothing to share.*
#
# ## Remember
#
# - "Alike" can mean: near one mean, near the mean of a group, or related with a sign.
# - Learning relations together with coefficients finds them with fewer data than
#   looking for them afterwards.
# - A wrong idea of the relations helps little; cross-validation tells.

# %% tags=["script"]
import sys
from pathlib import Path

folder = Path(*sys.argv[1:]).resolve()
folder.mkdir(parents=True, exist_ok=True)
for number in plt.get_fignums():
    path = folder / f"3_clusters_and_relationships_{number}.png"
    plt.figure(number).savefig(path, dpi=150)
print(f"\nPictures: {folder}")
