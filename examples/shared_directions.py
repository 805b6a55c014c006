"""Two directions in the measurements of a patient that serve nine outcomes.

Laboratory values, signs and early death of 418 patients with a liver disease (PBC):
five numbers and four yes-or-no outcomes in one convex fit. The coefficients are free,
but what is outside a plane of the seven measurements costs more. The plane says which
measurements act together, and where in it each outcome lies.

Run it with ``python examples/shared_directions.py [folder for the picture]``.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from skmtl import (
    AlphaPathCV,
    SharedSubspaceRegressor,
    TaskKFold,
    compare,
    load_pbc,
    make_mtl_pipeline,
)

SIGNS = ("ascites", "hepato", "spiders", "death_3y")


def main(folder="."):
    """Compare, say what the plane explains, and write the picture."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pbc = load_pbc()
    X, Y = pbc.data, pbc.target
    loss = {name: "logistic" if name in SIGNS else "squared" for name in Y}
    models = {
        "each alone": pipeline(7, loss),  # all directions are free: ridge regressions
        "plane": pipeline(2, loss),
        "line": pipeline(1, loss),
    }
    folds = TaskKFold(5, shuffle=True, random_state=0)
    report = compare(
        models, X, Y, cv=folds, reference="each alone", random_state=0, n_jobs=2
    )
    print(report.summary())
    model = models["plane"].fit(X, Y)[-1].best_estimator_
    inside = model.coef_ @ model.subspace_.T / model.y_scale_[:, None]
    whole = ((model.coef_ / model.y_scale_[:, None]) ** 2).sum()
    shares = np.cumsum((inside**2).sum(axis=0)) / whole
    print(
        f"\nFitted to everybody, the plane holds {shares[1]:.0%} of the squared "
        f"coefficients\n(the first direction alone {shares[0]:.0%}). Loadings of the "
        "measurements:\n"
    )
    for name, (first, second) in zip(X.columns, model.subspace_.T, strict=True):
        print(f"{name:>14} {first:+.2f} {second:+.2f}")
    path = folder / "shared_directions.png"
    draw(model, inside, X.columns).savefig(path, dpi=150)
    print(f"\nPicture: {path.resolve()}")


def pipeline(n_components, loss):
    """Return a pipeline that chooses alpha along a path."""
    model = SharedSubspaceRegressor(n_components, beta=0.01, loss=loss, scale_y=True)
    search = AlphaPathCV(model, alphas=np.logspace(1, -3, 9))
    return make_mtl_pipeline(SimpleImputer(), StandardScaler(), search)


def draw(model, inside, features):
    """Return a figure: the measurements and the outcomes along both directions."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
    parts = (
        ("The directions (subspace_)", features, model.subspace_.T, "loading"),
        ("The outcomes", model.tasks_, inside, "coefficient along the direction"),
    )
    for ax, (title, names, points, label) in zip(axes, parts, strict=True):
        place = np.arange(len(names))[::-1]
        for k, name in enumerate(("first", "second")):
            shift = 0.2 if k == 0 else -0.2
            ax.barh(place + shift, points[:, k], 0.38, color=f"C{k}", label=name)
        ax.axvline(0, color="0.3", lw=0.8)
        ax.set(title=title, xlabel=label, yticks=place, yticklabels=names)
        ax.grid(axis="x", alpha=0.3)
    axes[0].legend(title="direction", frameon=False, loc="lower right")
    return figure


# Parallel work starts new processes, which import this file on some systems.
if __name__ == "__main__":
    main(*sys.argv[1:])
