"""Outcomes with more than one cause: groups of tasks that overlap.

Eighteen outcomes come from three processes. Most are driven by one of them, some by
two, so no clustering is right. The data are simulated, so that the answer is known. A
model with latent tasks says which outcome uses which process.

Run it with ``python examples/overlapping_groups.py [folder for the picture]``.
"""

import sys
from pathlib import Path

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

ALPHAS = np.logspace(0.5, -1, 4)


def main(folder="."):
    """Fit, print errors and codes, and write the picture."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    X, Y, coef, uses = simulate()
    models = {
        "alone": IndependentTasks(RidgeCV(np.logspace(-2, 3, 11))),
        "3 clusters": AlphaPathCV(
            TaskClusteringRegressor(3, beta=0.05, method="kmeans", random_state=0),
            alphas=ALPHAS,
        ),
        "subspace": AlphaPathCV(SharedSubspaceRegressor(3, beta=0.05), alphas=ALPHAS),
        "latent tasks": AlphaPathCV(
            LatentTaskRegressor(3, beta=0.5, random_state=0), alphas=ALPHAS, cv=3
        ),
    }
    print("Squared error of the coefficients, relative to no model at all:\n")
    for name, model in models.items():
        model.fit(X, Y)
        if name == "alone":
            found = np.stack([one.coef_ for one in model.estimators_.values()])
        else:
            found = model.best_estimator_.coef_
        print(f"{name:>14} {((found - coef) ** 2).sum() / (coef**2).sum():.3f}")
    latent = models["latent tasks"].best_estimator_
    codes = matched(latent.codes_, uses)
    used = np.abs(codes) > 0.1 * np.abs(codes).max(axis=0)
    print(
        f"\nWhich outcome uses which process: {np.mean(used == (uses > 0)):.0%} right."
    )
    path = folder / "overlapping_groups.png"
    draw(codes, uses).savefig(path, dpi=150)
    print(f"\nPicture: {path.resolve()}")


def simulate():
    """Return X, Y, the true coefficients, and who uses what, (18, 3)."""
    rng = np.random.default_rng(0)
    processes, uses = rng.normal(size=(3, 30)), np.zeros((18, 3))
    for t in range(18):
        uses[t, t // 6] = rng.uniform(0.7, 1.3)
        if t % 6 > 3:  # the last two of six are driven by the next process as well
            uses[t, (t // 6 + 1) % 3] = rng.uniform(0.7, 1.3)
    coef = uses @ processes
    X = rng.normal(size=(50, 30))
    return X, X @ coef.T + 3.0 * rng.normal(size=(50, 18)), coef, uses


def matched(codes, uses):
    """Return the codes with columns in the order, and of the sign, of the truth."""
    product = codes.T @ uses
    rows, columns = linear_sum_assignment(-np.abs(product))
    order = rows[np.argsort(columns)]
    return codes[:, order] * np.sign(product[order, np.arange(len(order))])


def draw(codes, uses):
    """Return a figure: true and estimated use of the processes."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
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
    figure.colorbar(image, ax=axes, label="relative to the largest", shrink=0.8)
    return figure


# Parallel work starts new processes, which import this file on some systems.
if __name__ == "__main__":
    main(*sys.argv[1:])
