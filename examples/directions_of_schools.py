# %% [markdown]
# # In how many ways do schools differ?
#
# 4,059 pupils of 65 London schools took an exam; known are a reading score from before,
# a band of verbal reasoning, and whether the pupil is a girl. Every school is a task
# with nine coefficients and few pupils. A model of low rank finds the directions along
# which schools differ at all, and places every school on them.
#
# Run it as a script, `python examples/directions_of_schools.py [folder]`, or make the
# notebook with `make notebooks`.

# %%
import matplotlib.pyplot as plt
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

# %% [markdown]
# ## The features
#
# Curves of the reading score, levels of the band, and interactions. Schools with fewer
# than ten pupils are left out.

# %%
exam = load_exam()
enough = exam.task.map(exam.task.value_counts()) >= 10
pupils, y, school = exam.data[enough], exam.target[enough], exam.task[enough]
reading, girl = pupils["standLRT"].astype(float), pupils["female"].astype(float)
X = pd.DataFrame({
    "reading": reading, "reading^2": reading**2, "reading^3": reading**3,
    "girl": girl, "girl x reading": girl * reading,
})  # fmt: skip
band = pupils["vr_band"].astype(str)
for level in sorted(band.unique())[1:]:
    X[f"band {level}"] = (band == level).astype(float)
    X[f"band {level} x reading"] = X[f"band {level}"] * reading
print(
    f"{len(X):,} pupils in {len(np.unique(school))} schools, "
    f"{X.shape[1]} coefficients per school: {', '.join(X)}\n"
)

# %% [markdown]
# ## Low rank against each school alone
#
# The trace norm draws the table of coefficients (schools x features) to a low rank:
# each school is a mixture of few directions. The lasso per school shares nothing. For
# both, the strength is chosen inside every training part.

# %%
families = {
    "each alone": GroupLassoRegressor(l1_ratio=1.0),
    "low rank": TraceNormRegressor(),
}
models = {
    name: make_mtl_pipeline(StandardScaler(), AlphaPathCV(each, alphas=15, eps=0.003))
    for name, each in families.items()
}
folds = TaskKFold(5, shuffle=True, random_state=0)
report = compare(
    models,
    X,
    y,
    task=school,
    cv=folds,
    reference="each alone",
    random_state=0,
    n_jobs=2,
)
overall = report.to_frame("models").set_index("model").loc["low rank"]
print(
    f"Squared error saved by low rank against each school alone: "
    f"{overall['gain']:.1%}\n(95 % interval {overall['gain_low']:+.1%} to "
    f"{overall['gain_high']:+.1%})."
)

# %% [markdown]
# ## The directions

# %%
found = models["low rank"].fit(X, y, task=school)[-1].best_estimator_
print(f"Fitted to everybody (alpha={found.alpha:.3g}), the rank is {found.rank_}.")
shown = found.components_[:2]
for k, direction in enumerate(shown, 1):
    strongest = np.argsort(-np.abs(direction))[:3]
    words = ", ".join(f"{X.columns[j]} {direction[j]:+.2f}" for j in strongest)
    print(f"  direction {k}: {words}")

picture, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
places = np.arange(X.shape[1])
for k, direction in enumerate(shown):
    left.barh(places + 0.2 - 0.4 * k, direction, 0.4, label=f"direction {k + 1}")
left.set_yticks(places, X.columns)
left.invert_yaxis()
left.axvline(0, color="0.5", linewidth=0.8)
left.set(xlabel="weight of the feature (standardised)", title="What schools share")
left.legend()
codes = found.coef_ @ shown.T
second = codes[:, 1] if len(shown) > 1 else np.zeros(len(codes))
right.scatter(codes[:, 0], second, s=18)
right.axhline(0, color="0.5", linewidth=0.8)
_ = right.set(
    xlabel="amount of direction 1", ylabel="amount of direction 2",
    title=f"{len(codes)} schools, rank {found.rank_}",
)  # fmt: skip

# %% [markdown]
# Mind the scales of the right picture: schools differ mostly in how much of the first
# direction they have (how much the reading score and the band tell), and little
# besides.

# %% tags=["script"]
import sys
from pathlib import Path

path = Path(*sys.argv[1:], "directions_of_schools.png").resolve()
path.parent.mkdir(parents=True, exist_ok=True)
picture.savefig(path, dpi=150)
print(f"\nPicture: {path}")
