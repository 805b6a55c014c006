"""Nine outcomes of one disease, in a tree that is grown from the data.

Laboratory values, signs and early death of 418 patients with a liver disease (PBC) are
to be told from routine measurements: five numbers and four yes-or-no outcomes in one
convex fit. Which of them use the same measurements? The tree says what is near, and the
penalty makes near outcomes use features together.

Run it with ``python examples/tree_of_outcomes.py [folder for the picture]``.
"""

import sys
from pathlib import Path

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

SIGNS = ("ascites", "hepato", "spiders", "death_3y")


def main(folder="."):
    """Compare, say what came out, and write the picture."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pbc = load_pbc()
    X, Y = pbc.data, pbc.target
    loss = {name: "logistic" if name in SIGNS else "squared" for name in Y}
    common = {"loss": loss, "scale_y": True}
    models = {
        "each alone": path_of(GroupLassoRegressor(l1_ratio=1.0, **common)),
        "all alike": path_of(GroupLassoRegressor(**common)),
        "tree": path_of(TaskTreeRegressor(**common)),
    }
    folds = TaskKFold(5, shuffle=True, random_state=0)
    report = compare(
        models, X, Y, cv=folds, reference="each alone", random_state=0, n_jobs=2
    )
    print(report.summary())
    tree = models["tree"].fit(X, Y)[-1].best_estimator_
    first = tree.tree_tasks_[tree.tree_[0, :2].astype(int)]
    print(
        f"\nFitted to everybody (alpha={tree.alpha:.3f}), the nearest outcomes are "
        f"{first[0]} and {first[1]}.\nFeatures that an outcome leaves out:"
    )
    for name, row in zip(tree.tasks_, tree.coef_ == 0, strict=True):
        if row.any():
            print(f"{name:>14}: {', '.join(X.columns[row])}")
    path = folder / "tree_of_outcomes.png"
    draw(tree, X.columns).savefig(path, dpi=150)
    print(f"\nPicture: {path.resolve()}")


def path_of(model):
    """Return a pipeline that chooses alpha along a path, the sparsest that will do."""
    search = AlphaPathCV(model, alphas=10, eps=0.02, rule="1se")
    return make_mtl_pipeline(SimpleImputer(), StandardScaler(), search)


def draw(tree, features):
    """Draw the tree beside the coefficients, outcomes in the order of its leaves."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[2, 3])
    found = dendrogram(
        tree.tree_, labels=tree.tree_tasks_, orientation="left", ax=left,
        color_threshold=0, above_threshold_color="0.3",
    )  # fmt: skip
    left.set(xlabel="height: 0 alike, 1 nothing in common", xlim=(1, 0))
    place = {name: t for t, name in enumerate(tree.tasks_.tolist())}
    coef = tree.coef_ / tree.y_scale_[:, None]
    coef = coef[[place[name] for name in found["ivl"]]][::-1]
    limit = np.abs(coef).max()
    image = right.imshow(coef, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    right.set_xticks(range(len(features)), features, rotation=45, ha="right")
    right.set_yticks([])
    figure.colorbar(image, label="coefficient per sd of the feature")
    return figure


if __name__ == "__main__":
    main(*sys.argv[1:])
