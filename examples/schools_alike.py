# %% [markdown]
# # Which schools are alike? 160 schools tied to those of the same kind
#
# In High School and Beyond (1982) the slope of mathematics on family background differs
# between schools, and it is known from what kind of school it depends: Catholic or
# public, and how well off its pupils are. These describe a school, not a pupil, so
# within a school they cannot be features. They can say which schools to learn together.
#
# Run it as a script, `python examples/schools_alike.py [folder for the picture]`, or
# make the notebook with `make notebooks`.

# %%
import matplotlib.pyplot as plt
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

hsb = load_hsb82()
by_school = hsb.frame.groupby("school")
kinds = pd.DataFrame({
    "catholic": (by_school["sector"].first() == "Catholic").astype(float),
    "meanses": by_school["meanses"].first(),
})  # fmt: skip
print(
    f"{len(hsb.task):,} pupils in {len(kinds)} schools, "
    f"{int(kinds['catholic'].sum())} of them Catholic"
)

# %% [markdown]
# ## Two graphs
#
# A graph has an edge between schools that shall be alike; the penalty is the squared
# difference of their coefficients, summed over edges. `graph="mean"` ties every school
# to the mean of all. `graph="knn"` ties it to the ten schools nearest to it in what
# `kinds` says.

# %%
graphs = {
    "to the mean": TaskGraphRegressor(),
    "to its kind": TaskGraphRegressor(
        graph="knn", n_neighbors=10, task_features=kinds
    ),
}  # fmt: skip
finals = {"each alone": IndependentTasks(RidgeCV(np.logspace(-1, 3, 9)))}
finals |= {name: AlphaPathCV(graph, alphas=12) for name, graph in graphs.items()}
models = {
    name: make_mtl_pipeline(StandardScaler(), final) for name, final in finals.items()
}
report = compare(
    models,
    hsb.data,
    hsb.target,
    task=hsb.task,
    cv=TaskKFold(5, shuffle=True, random_state=0),
    reference="each alone",
    random_state=0,
)
overall = report.to_frame("models").set_index("model").loc[list(graphs)]
print("Change of the squared error of a school when it learns with others")
for name, row in overall.iterrows():
    print(
        f"  {name:12s} {-100 * row['gain']:+.1f} %  "
        f"(95 % interval {-100 * row['gain_high']:+.1f} to "
        f"{-100 * row['gain_low']:+.1f} %)"
    )

# %% [markdown]
# ## What the graph makes of the slopes
#
# Fitted to all pupils. A point is a school: how many points of mathematics go with one
# standard deviation of family background. Grey lines are edges of the graph.

# %%
fitted = {
    name: models[name].fit(hsb.data, hsb.target, task=hsb.task)[-1].best_estimator_
    for name in graphs
}
tied = fitted["to its kind"]
print(
    f"On all pupils, tied to its kind: alpha={tied.alpha:.3g}, "
    f"{tied.graph_.nnz // 2} edges, gap {tied.dual_gap_:.1e}"
)
slopes = pd.Series(tied.coef_[:, 0], index=tied.tasks_)
for name, part in slopes.groupby(kinds["catholic"].map({0: "public", 1: "Catholic"})):
    print(f"  points per sd of family background, {name} schools: {part.mean():.2f}")

picture, panels = plt.subplots(
    1, 2, figsize=(11, 4.2), sharey=True, layout="constrained"
)
for panel, (name, found) in zip(panels, fitted.items(), strict=True):
    where = kinds.loc[found.tasks_]
    if name == "to its kind":
        ends = np.stack(found.graph_.nonzero())
        places = where["meanses"].to_numpy()[ends]
        panel.plot(places, found.coef_[ends, 0], color="0.85", lw=0.5, zorder=0)
    for value, label, colour in ((0, "public", "C0"), (1, "Catholic", "C1")):
        own = (where["catholic"] == value).to_numpy()
        panel.scatter(
            where["meanses"][own], found.coef_[own, 0], s=14, c=colour, label=label
        )
    panel.set(title=f"Tied {name}", xlabel="mean family background of the school")
panels[0].set_ylabel("points per sd of family background")
_ = panels[0].legend(loc="lower right")

# %% [markdown]
# Tied to the mean, schools of both kinds are drawn to one slope. Tied to their kind,
# background matters less in Catholic schools than in public ones, and among the public
# more where the pupils are better off: what is known from multilevel models of these
# data, found without telling the model more than who is near to whom.

# %% tags=["script"]
import sys
from pathlib import Path

path = Path(*sys.argv[1:], "schools_alike.png").resolve()
path.parent.mkdir(parents=True, exist_ok=True)
picture.savefig(path, dpi=150)
print(f"\nPicture: {path}")
