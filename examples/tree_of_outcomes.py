# %% [markdown]
# # Nine outcomes of one disease, in a tree that is grown from the data
#
# Laboratory values, signs and early death of 418 patients with a liver disease (PBC)
# are to be told from routine measurements: five numbers and four yes-or-no outcomes in
# one convex fit. Which of them use the same measurements? The tree says what is near,
# and the penalty makes near outcomes use features together.
#
# Run it as a script, `python examples/tree_of_outcomes.py [folder for the picture]`, or
# make the notebook with `make notebooks`.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.cluster.hierarchy import dendrogram
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from skmtl import (
    AlphaPathCV,
    GroupLassoRegressor,
    TaskKFold,
    TaskTreeRegressor,
    compare,
    load_pbc,
    make_mtl_pipeline,
)

pbc = load_pbc()
X, Y = pbc.data, pbc.target
signs = ("ascites", "hepato", "spiders", "death_3y")
loss = {name: "logistic" if name in signs else "squared" for name in Y}

# %% [markdown]
# ## Three models
#
# A lasso per outcome; a group lasso, which keeps a feature for all outcomes or for
# none; and the tree, which lies between: a feature is dropped for a whole branch more
# easily than for one outcome in it. Of the strengths that do equally well, the sparsest
# is taken (`rule="1se"`).

# %%
common = {"loss": loss, "scale_y": True}
families = {
    "each alone": GroupLassoRegressor(l1_ratio=1.0, **common),
    "all alike": GroupLassoRegressor(**common),
    "tree": TaskTreeRegressor(**common),
}
models = {}
for name, family in families.items():
    search = AlphaPathCV(family, alphas=10, eps=0.02, rule="1se")
    models[name] = make_mtl_pipeline(SimpleImputer(), StandardScaler(), search)
folds = TaskKFold(5, shuffle=True, random_state=0)
report = compare(
    models, X, Y, cv=folds, reference="each alone", random_state=0, n_jobs=2
)
print(report.summary())

# %% [markdown]
# ## The tree

# %%
tree = models["tree"].fit(X, Y)[-1].best_estimator_
first = tree.tree_tasks_[tree.tree_[0, :2].astype(int)]
print(
    f"Fitted to everybody (alpha={tree.alpha:.3f}), the nearest outcomes are "
    f"{first[0]} and {first[1]}.\nFeatures that an outcome leaves out:"
)
for name, row in zip(tree.tasks_, tree.coef_ == 0, strict=True):
    if row.any():
        print(f"{name:>14}: {', '.join(X.columns[row])}")

# %%
picture, (left, right) = plt.subplots(
    1, 2, figsize=(9, 4), width_ratios=[2, 3], layout="constrained"
)
drawn = dendrogram(
    tree.tree_, labels=tree.tree_tasks_, orientation="left", ax=left,
    color_threshold=0, above_threshold_color="0.3",
)  # fmt: skip
left.set(xlabel="height: 0 alike, 1 nothing in common", xlim=(1, 0))
place = {name: t for t, name in enumerate(tree.tasks_.tolist())}
coef = tree.coef_ / tree.y_scale_[:, None]
coef = coef[[place[name] for name in drawn["ivl"]]][::-1]
limit = np.abs(coef).max()
image = right.imshow(coef, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
right.set_xticks(range(X.shape[1]), X.columns, rotation=45, ha="right")
right.set_yticks([])
_ = picture.colorbar(image, label="coefficient per sd of the feature")

# %% [markdown]
# Bilirubin counts for every outcome, oedema for ascites (water in the belly), which the
# tree keeps apart from the others.

# %% tags=["script"]
import sys
from pathlib import Path

path = Path(*sys.argv[1:], "tree_of_outcomes.png").resolve()
path.parent.mkdir(parents=True, exist_ok=True)
picture.savefig(path, dpi=150)
print(f"\nPicture: {path}")
