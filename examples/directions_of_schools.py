"""In how many ways do schools differ?

4,000 pupils of 60 London schools took an exam; known are a reading score from before,
a band of verbal reasoning, and whether the pupil is a girl. Every school is a task with
nine coefficients and few pupils. A model of low rank finds the directions along which
schools differ at all, and places every school on them.

Run it with ``python examples/directions_of_schools.py [folder for the picture]``.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

from skmtl import (
    AlphaPathCV,
    GroupLassoRegressor,
    TaskKFold,
    TraceNormRegressor,
    compare,
    load_exam,
    make_mtl_pipeline,
)


def main(folder="."):
    """Compare, say what came out, and write the picture."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    exam = load_exam()
    enough = exam.task.map(exam.task.value_counts()) >= 10
    X, y, school = describe(exam.data[enough]), exam.target[enough], exam.task[enough]
    print(
        f"{len(X):,} pupils in {len(np.unique(school))} schools, "
        f"{X.shape[1]} coefficients per school: {', '.join(X)}\n"
    )
    models = {
        "each alone": path_of(GroupLassoRegressor(l1_ratio=1.0)),
        "low rank": path_of(TraceNormRegressor()),
    }
    folds = TaskKFold(5, shuffle=True, random_state=0)
    report = compare(
        models, X, y, task=school, cv=folds, reference="each alone", random_state=0,
        n_jobs=2,
    )  # fmt: skip
    overall = report.to_frame("models").set_index("model").loc["low rank"]
    print(
        f"Squared error saved by low rank against each school alone: "
        f"{overall['gain']:.1%}\n(95 % interval {overall['gain_low']:+.1%} to "
        f"{overall['gain_high']:+.1%})."
    )

    found = models["low rank"].fit(X, y, task=school)[-1].best_estimator_
    print(
        f"\nFitted to everybody (alpha={found.alpha:.3g}), the rank is {found.rank_}."
    )
    for k, direction in enumerate(found.components_[:2], 1):
        strongest = np.argsort(-np.abs(direction))[:3]
        words = ", ".join(f"{X.columns[j]} {direction[j]:+.2f}" for j in strongest)
        print(f"  direction {k}: {words}")

    path = folder / "directions_of_schools.png"
    draw(found, X.columns).savefig(path, dpi=150)
    print(f"\nPicture: {path.resolve()}")


def describe(pupils):
    """Return a table of curves, levels and interactions of what is known."""
    reading = pupils["standLRT"].astype(float)
    columns = {"reading": reading, "reading^2": reading**2, "reading^3": reading**3}
    columns["girl"] = pupils["female"].astype(float)
    columns["girl x reading"] = columns["girl"] * reading
    band = pupils["vr_band"].astype(str)
    for level in sorted(band.unique())[1:]:
        columns[f"band {level}"] = (band == level).astype(float)
        columns[f"band {level} x reading"] = columns[f"band {level}"] * reading
    return pd.DataFrame(columns)


def path_of(model):
    """Return a pipeline that chooses alpha along a path."""
    search = AlphaPathCV(model, alphas=15, eps=0.003)
    return make_mtl_pipeline(StandardScaler(), search)


def draw(model, features):
    """Draw the directions, and the schools along the first two of them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    shown = model.components_[:2]
    places = np.arange(len(features))
    for k, direction in enumerate(shown):
        left.barh(places + 0.2 - 0.4 * k, direction, 0.4, label=f"direction {k + 1}")
    left.set_yticks(places, features)
    left.invert_yaxis()
    left.axvline(0, color="0.5", linewidth=0.8)
    left.set(xlabel="weight of the feature (standardised)", title="What schools share")
    left.legend()
    codes = model.coef_ @ shown.T
    second = codes[:, 1] if len(shown) > 1 else np.zeros(len(codes))
    right.scatter(codes[:, 0], second, s=18)
    right.axhline(0, color="0.5", linewidth=0.8)
    right.set(
        xlabel="amount of direction 1", ylabel="amount of direction 2",
        title=f"{len(codes)} schools, rank {model.rank_}",
    )  # fmt: skip
    return figure


# Parallel work starts new processes, which import this file on some systems.
if __name__ == "__main__":
    main(*sys.argv[1:])
