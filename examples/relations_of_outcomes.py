# %% [markdown]
# # Which outcomes of one disease go together, which against each other?
#
# Laboratory values, signs and early death of 418 patients with a liver disease (PBC)
# are to be told from routine measurements: five numbers and four yes-or-no outcomes in
# one convex fit, which learns how the outcomes are related while it learns to predict
# them.
#
# Run it as a script, `python examples/relations_of_outcomes.py [folder]`, or make the
# notebook with `make notebooks`.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from skmtl import (
    AlphaPathCV,
    GroupLassoRegressor,
    TaskKFold,
    TaskRelationshipRegressor,
    compare,
    load_pbc,
    make_mtl_pipeline,
)

pbc = load_pbc()
X, Y = pbc.data, pbc.target
signs = ("ascites", "hepato", "spiders", "death_3y")
loss = {name: "logistic" if name in signs else "squared" for name in Y}

# %% [markdown]
# ## Does it help?
#
# Against a lasso per outcome, on the same folds. The strength is chosen inside every
# training part.


# %%
def path_of(family, eps=None):
    """Return a pipeline that chooses alpha along a path."""
    search = AlphaPathCV(family, alphas=10, eps=eps)
    return make_mtl_pipeline(SimpleImputer(), StandardScaler(), search)


common = {"loss": loss, "scale_y": True}
models = {
    "each alone": path_of(GroupLassoRegressor(l1_ratio=1.0, **common), eps=0.01),
    "related": path_of(TaskRelationshipRegressor(**common)),
}
folds = TaskKFold(5, shuffle=True, random_state=0)
report = compare(
    models, X, Y, cv=folds, reference="each alone", random_state=0, n_jobs=2
)
print(report.summary())

# %% [markdown]
# ## The relations
#
# `task_correlation_` says of each pair of outcomes whether their coefficients go the
# same way (+1), against each other (-1) or have nothing to do with each other (0),
# given the measurements. It is not the correlation of the outcomes themselves.

# %%
found = models["related"].fit(X, Y)[-1].best_estimator_
R, names = found.task_correlation_, found.tasks_.tolist()
print(f"Fitted to everybody (alpha={found.alpha:.3g}):")
first, second = np.triu_indices(len(R), 1)
ranks = np.argsort(R[first, second])
for words, k in (("most alike", ranks[-1]), ("least alike", ranks[0])):
    s, t = first[k], second[k]
    print(f"  {words}: {names[s]} and {names[t]}, correlation {R[s, t]:+.2f}")
apart = np.abs(R - np.eye(len(R))).mean(axis=1)
print(f"  on its own, more than the others: {names[apart.argmin()]}")

# %%
leading = np.linalg.eigh(R)[1][:, -1]
order = np.argsort(leading * np.sign(leading.sum()))[::-1]
shown = R[np.ix_(order, order)].round(1) + 0.0  # no "-0.0"
picture, ax = plt.subplots(figsize=(6, 5), layout="constrained")
image = ax.imshow(shown, cmap="RdBu_r", vmin=-1, vmax=1)
places = np.arange(len(R))
ax.set_xticks(places, found.tasks_[order], rotation=45, ha="right")
ax.set_yticks(places, found.tasks_[order])
for (i, j), r in np.ndenumerate(shown):
    color = "white" if abs(r) > 0.6 else "black"
    ax.text(j, i, f"{r:.1f}", ha="center", va="center", color=color, size=8)
ax.set_title("Learned relations of nine outcomes")
_ = picture.colorbar(image, label="correlation of coefficients")

# %% tags=["script"]
import sys
from pathlib import Path

path = Path(*sys.argv[1:], "relations_of_outcomes.png").resolve()
path.parent.mkdir(parents=True, exist_ok=True)
picture.savefig(path, dpi=150)
print(f"\nPicture: {path}")
