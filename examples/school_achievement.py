# %% [markdown]
# # One outcome in 160 schools, and a school never seen
#
# 7,185 pupils of 160 schools took a test of mathematics (High School and Beyond, 1982).
# Each school is a task. Is a school better described by its own pupils, or does it help
# to learn from all schools? And what is to be expected in schools without any data?
#
# Run it as a script, `python examples/school_achievement.py [folder for the picture]`,
# or make the notebook with `make notebooks`.

# %%
import warnings

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.metrics import root_mean_squared_error
from sklearn.preprocessing import StandardScaler

from skmtl import (
    AlphaPathCV,
    GroupLassoRegressor,
    IndependentTasks,
    MultiTaskMLPRegressor,
    PooledTasks,
    TaskKFold,
    load_hsb82,
    make_mtl_pipeline,
)

hsb = load_hsb82()
pupils = hsb.data.assign(school=hsb.task)  # the task is a column of the table
points = hsb.target
print(
    f"High School and Beyond: {len(pupils):,} pupils in "
    f"{pupils['school'].nunique()} schools; points in mathematics from\n"
    f"{', '.join(hsb.feature_names)}\n"
)

# %% [markdown]
# ## Does it help to learn from all schools?
#
# A group lasso shares only *which* features count; the coefficients of a school are its
# own. `task_col` says where the task stands, and `unseen="shared"` what to do with a
# school that is new. The baselines are a ridge regression per school, one for all with
# a level for each school, and a network.

# %%
ridge = RidgeCV(np.logspace(-2, 4, 13))
model = make_mtl_pipeline(
    StandardScaler(),
    AlphaPathCV(GroupLassoRegressor(unseen="shared"), alphas=20),
    task_col="school",
)
model.set_params(
    baselines={
        "single-task": IndependentTasks(ridge),
        "pooled": PooledTasks(ridge),  # a level for each school, common slopes
        "mlp": MultiTaskMLPRegressor(),
    }
)
folds = TaskKFold(10, shuffle=True, random_state=0, task_col="school")
report = model.compare(pupils, points, cv=folds, n_jobs=2, random_state=0)
print(report.summary())

# %%
frame = report.to_frame("models").set_index("model").drop(index="single-task")
best = frame["gain"].idxmax()
low, high = frame.loc[best, ["gain_low", "gain_high"]]
print(
    f"Over all schools the best is {best!r}: {frame.loc[best, 'gain']:.1%} of "
    f"the squared error saved\n(95 % interval {low:+.1%} to {high:+.1%}). One "
    "school has too few pupils for a verdict\nof its own, unless the gain is large."
)
picture = report.plot().figure_

# %% [markdown]
# A dot is a school. Most dots are right of "no gain", yet hollow: on average it helps
# to learn from all schools, and of no single school can it be said.
#
# ## Ten schools without any data
#
# Ten schools are left out of the fit. Their pupils are predicted with the shared part
# of the model, the mean of the coefficients of all schools, and the model says so.

# %%
schools = np.random.default_rng(0).permutation(pupils["school"].unique())
new = pupils["school"].isin(schools[:10])
model.fit(pupils[~new], points[~new])
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    predicted = model.predict(pupils[new])
mean = np.full(new.sum(), points[~new].mean())
print(
    f"Ten schools left out of the fit, {new.sum()} pupils: typical error (RMSE) "
    f"{root_mean_squared_error(points[new], predicted):.2f} points,\n"
    f"against {root_mean_squared_error(points[new], mean):.2f} points for the mean "
    "of the other schools.\n"
    f"The model said: {said[0].message}"
)

# %% tags=["script"]
import sys
from pathlib import Path

path = Path(*sys.argv[1:], "school_achievement.png").resolve()
path.parent.mkdir(parents=True, exist_ok=True)
picture.savefig(path, dpi=150)
print(f"\nPicture: {path}")
