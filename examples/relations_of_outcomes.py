"""Which outcomes of one disease go together, which against each other?

Laboratory values, signs and early death of 418 patients with a liver disease (PBC) are
to be told from routine measurements: five numbers and four yes-or-no outcomes in one
convex fit, which learns how the outcomes are related while it learns to predict them.

Run it with ``python examples/relations_of_outcomes.py [folder for the picture]``.
"""

import sys
from pathlib import Path

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
        "each alone": path_of(GroupLassoRegressor(l1_ratio=1.0, **common), 0.01),
        # A squared norm is felt over more decades than one that empties the model.
        "related": path_of(TaskRelationshipRegressor(**common), 1e-5),
    }
    folds = TaskKFold(5, shuffle=True, random_state=0)
    report = compare(
        models, X, Y, cv=folds, reference="each alone", random_state=0, n_jobs=2
    )
    print(report.summary())

    found = models["related"].fit(X, Y)[-1].best_estimator_
    R = found.task_correlation_
    names = found.tasks_.tolist()
    print(f"\nFitted to everybody (alpha={found.alpha:.3g}):")
    first, second = np.triu_indices(len(R), 1)
    order = np.argsort(R[first, second])
    for words, k in (("most alike", order[-1]), ("least alike", order[0])):
        s, t = first[k], second[k]
        print(f"  {words}: {names[s]} and {names[t]}, correlation {R[s, t]:+.2f}")
    apart = np.abs(R - np.eye(len(R))).mean(axis=1)
    print(f"  on its own, more than the others: {names[apart.argmin()]}")

    path = folder / "relations_of_outcomes.png"
    draw(found).savefig(path, dpi=150)
    print(f"\nPicture: {path.resolve()}")


def path_of(model, eps):
    """Return a pipeline that chooses alpha along a path."""
    search = AlphaPathCV(model, alphas=10, eps=eps)
    return make_mtl_pipeline(SimpleImputer(), StandardScaler(), search)


def draw(model):
    """Draw the correlations, outcomes in the order of what they have most in common."""
    from matplotlib.figure import Figure

    R = model.task_correlation_
    leading = np.linalg.eigh(R)[1][:, -1]
    order = np.argsort(leading * np.sign(leading.sum()))[::-1]
    names = model.tasks_[order]
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(R[np.ix_(order, order)], cmap="RdBu_r", vmin=-1, vmax=1)
    places = np.arange(len(R))
    axes.set_xticks(places, names, rotation=45, ha="right")
    axes.set_yticks(places, names)
    for i in places:
        for j in places:
            r = round(R[order[i], order[j]], 1) + 0.0  # no "-0.0"
            color = "white" if abs(r) > 0.6 else "black"
            axes.text(j, i, f"{r:.1f}", ha="center", va="center", color=color, size=8)
    axes.set_title("Learned relations of nine outcomes")
    figure.colorbar(image, label="correlation of coefficients")
    return figure


# Parallel work starts new processes, which import this file on some systems.
if __name__ == "__main__":
    main(*sys.argv[1:])
