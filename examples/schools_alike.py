"""Which schools are alike? 160 schools tied to those of the same kind.

In High School and Beyond (1982) the slope of mathematics on family background differs
between schools, and it is known from what kind of school it depends: Catholic or
public, and how well off its pupils are. These describe a school, not a pupil, so within
a school they cannot be features. They can say which schools to learn together.

Run it with ``python examples/schools_alike.py [folder for the picture]``.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler

from skmtl import (
    AlphaPathCV,
    IndependentTasks,
    TaskGraphRegressor,
    TaskKFold,
    compare,
    load_hsb82,
    make_mtl_pipeline,
)


def main(folder="."):
    """Compare graphs, say what came out, and write the picture."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    hsb = load_hsb82()
    school = hsb.task
    kinds = describe(hsb.frame)
    print(
        f"{len(school):,} pupils in {len(kinds)} schools, "
        f"{int(kinds['catholic'].sum())} of them Catholic\n"
    )
    neighbours = {"graph": "knn", "n_neighbors": 10, "task_features": kinds}
    models = {
        "each alone": IndependentTasks(RidgeCV(np.logspace(-1, 3, 9))),
        "to the mean": path(TaskGraphRegressor()),
        "to its kind": path(TaskGraphRegressor(**neighbours)),
    }
    models = {
        name: make_mtl_pipeline(StandardScaler(), m) for name, m in models.items()
    }
    report = compare(
        models,
        hsb.data,
        hsb.target,
        task=school,
        cv=TaskKFold(5, shuffle=True, random_state=0),
        reference="each alone",
        random_state=0,
    )
    overall = report.to_frame("models").set_index("model")["gain"]
    print("Change of the squared error of a school when it learns with others")
    for name in list(models)[1:]:
        print(f"  {name:12s} {-100 * overall[name]:+.1f} %")
    fitted = {
        name: model.fit(hsb.data, hsb.target, task=school)[-1].best_estimator_
        for name, model in list(models.items())[1:]
    }
    tied = fitted["to its kind"]
    print(
        f"\nOn all pupils, tied to its kind: alpha={tied.alpha:.3g}, "
        f"{tied.graph_.nnz // 2} edges, gap {tied.dual_gap_:.1e}"
    )
    slopes = pd.Series(tied.coef_[:, 0], index=tied.tasks_)
    for name, part in slopes.groupby(
        kinds["catholic"].map({0: "public", 1: "Catholic"})
    ):
        print(
            f"  points per sd of family background, {name} schools: {part.mean():.2f}"
        )
    target = folder / "schools_alike.png"
    draw(fitted, kinds).savefig(target, dpi=150)
    print(f"\nPicture: {target.resolve()}")


def describe(frame):
    """Return what kind of school each is, one row per school."""
    by_school = frame.groupby("school")
    return pd.DataFrame({
        "catholic": (by_school["sector"].first() == "Catholic").astype(float),
        "meanses": by_school["meanses"].first(),
    })  # fmt: skip


def path(model):
    """Return the model with alpha chosen by cross-validation."""
    return AlphaPathCV(model, alphas=12)


def draw(fitted, kinds):
    """Draw the slope of each school against the background of its pupils."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    panels = figure.subplots(1, len(fitted), sharey=True)
    for panel, (name, model) in zip(panels, fitted.items(), strict=True):
        where = kinds.loc[model.tasks_]
        if name == "to its kind":
            edges = model.graph_.tocoo()
            ends = np.stack(edges.coords)
            panel.plot(
                where["meanses"].to_numpy()[ends],
                model.coef_[ends, 0],
                color="0.85", lw=0.5, zorder=0,
            )  # fmt: skip
        for value, label, colour in ((0, "public", "C0"), (1, "Catholic", "C1")):
            own = (where["catholic"] == value).to_numpy()
            panel.scatter(
                where["meanses"][own], model.coef_[own, 0], s=14, c=colour, label=label
            )
        panel.set(title=f"Tied {name}", xlabel="mean family background of the school")
    panels[0].set_ylabel("points per sd of family background")
    panels[0].legend(loc="lower right")
    return figure


if __name__ == "__main__":
    main(*sys.argv[1:])
