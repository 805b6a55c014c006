# %% [markdown]
# # Outcomes with more than one cause: groups of tasks that overlap
#
# Eighteen outcomes come from three processes. Most are driven by one of them, some by
# two, so no clustering is right. The data are simulated, so that the answer is known. A
# model with latent tasks says which outcome uses which process.
#
# Run it as a script, `python examples/overlapping_groups.py [folder for the picture]`,
# or make the notebook with `make notebooks`.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.linear_model import RidgeCV

from skmtl import (
    AlphaPathCV,
    IndependentTasks,
    LatentTaskRegressor,
    SharedSubspaceRegressor,
    TaskClusteringRegressor,
)

# %% [markdown]
# ## The truth
#
# 50 people, 30 features, 18 outcomes. Six outcomes start from each process; the last
# two of six are driven by the next process as well.

# %%
rng = np.random.default_rng(0)
processes, uses = rng.normal(size=(3, 30)), np.zeros((18, 3))
for t in range(18):
    uses[t, t // 6] = rng.uniform(0.7, 1.3)
    if t % 6 > 3:
        uses[t, (t // 6 + 1) % 3] = rng.uniform(0.7, 1.3)
coef = uses @ processes
X = rng.normal(size=(50, 30))
Y = X @ coef.T + 3.0 * rng.normal(size=(50, 18))

# %% [markdown]
# ## Four models
#
# Each outcome alone; in three groups; in a subspace of three directions that are free;
# and as a *sparse* mixture of three latent tasks.

# %%
alphas = np.logspace(0.5, -1, 4)
clusters = TaskClusteringRegressor(3, beta=0.05, method="kmeans", random_state=0)
subspace = SharedSubspaceRegressor(3, beta=0.05)
latent = LatentTaskRegressor(3, beta=0.5, random_state=0)
alone = IndependentTasks(RidgeCV(np.logspace(-2, 3, 11))).fit(X, Y)
found = {
    "alone": np.stack([one.coef_ for one in alone.estimators_.values()]),
    "3 clusters": AlphaPathCV(clusters, alphas=alphas).fit(X, Y).best_estimator_.coef_,
    "subspace": AlphaPathCV(subspace, alphas=alphas).fit(X, Y).best_estimator_.coef_,
}
latent = AlphaPathCV(latent, alphas=alphas, cv=3).fit(X, Y).best_estimator_
found["latent tasks"] = latent.coef_
print("Squared error of the coefficients, relative to no model at all:\n")
for name, value in found.items():
    print(f"{name:>14} {((value - coef) ** 2).sum() / (coef**2).sum():.3f}")

# %% [markdown]
# ## Who uses what?
#
# Latent tasks have no order and no sign of their own: they are matched with the true
# processes before they are compared.

# %%
product = latent.codes_.T @ uses
rows, columns = linear_sum_assignment(-np.abs(product))
order = rows[np.argsort(columns)]
codes = latent.codes_[:, order] * np.sign(product[order, np.arange(len(order))])
used = np.abs(codes) > 0.1 * np.abs(codes).max(axis=0)
print(f"Which outcome uses which process: {np.mean(used == (uses > 0)):.0%} right.")

picture, axes = plt.subplots(
    1, 2, figsize=(6.5, 5.5), layout="constrained", sharey=True
)
for ax, (title, values) in zip(
    axes, {"The truth": uses, "codes_": codes}.items(), strict=True
):
    size = np.abs(values).max()
    image = ax.imshow(values / size, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    ax.set(title=title, xlabel="process", xticks=range(3), xticklabels="ABC")
    for edge in (5.5, 11.5):
        ax.axhline(edge, color="0.4", lw=0.8)
axes[0].set_ylabel("outcome")
_ = picture.colorbar(image, ax=axes, label="relative to the largest", shrink=0.8)

# %% tags=["script"]
import sys
from pathlib import Path

path = Path(*sys.argv[1:], "overlapping_groups.png").resolve()
path.parent.mkdir(parents=True, exist_ok=True)
picture.savefig(path, dpi=150)
print(f"\nPicture: {path}")
