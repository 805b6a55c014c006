# %% [markdown]
# # Does learning together help?
#
# Two tables of real people, and the same question for both: should these outcomes be
# learned together, or each alone? `compare` answers it per outcome, with an interval,
# and the answer may be no.
#
# Run it as a script, `python examples/quickstart.py [folder for the pictures]`, or make
# the notebook with `make notebooks`.

# %%
import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler

from skmtl import (
    AlphaPathCV,
    GroupLassoRegressor,
    IndependentTasks,
    MultiTaskMLPRegressor,
    PooledTasks,
    TaskGraphRegressor,
    load_hsb82,
    load_nhefs,
    make_mtl_pipeline,
)


def in_words(report, model="multi-task"):
    """Say what the comparison found about one model."""
    overall = report.to_frame("models").set_index("model").loc[model]
    changes = -overall[["gain", "gain_high", "gain_low"]].astype(float)
    loss, low, high = changes.round(3) + 0.0  # no minus before zero
    lines = [
        f"Learning together changed the loss by {loss:+.1%} on average over tasks\n"
        f"(95 % interval {low:+.1%} to {high:+.1%}; less is better)."
    ]
    verdicts = report.verdicts_[model]
    for verdict, words in {
        "helps": "It evidently helped",
        "hurts": "It evidently hurt",
        "no evidence": "There is no evidence that it helped or hurt",
    }.items():
        tasks = [str(task) for task, found in verdicts.items() if found == verdict]
        if tasks:
            few = ", ".join(tasks) if len(tasks) < 9 else f"{len(tasks)} tasks"
            lines.append(f"{words}: {few}.")
    return "\n".join(lines)


# %% [markdown]
# ## Four outcomes of the same people
#
# 1,629 smokers were examined in 1971. What was known of them then is to predict four
# outcomes: systolic and diastolic blood pressure (mmHg) and the change of weight (kg),
# all measured in 1982, and death by 1992. The first three are numbers, the last is yes
# or no, and not everybody came back to be measured: those labels are missing (NaN).

# %%
nhefs = load_nhefs()
people = nhefs.data
outcomes = nhefs.target.assign(death=nhefs.frame["death"])
print(f"NHEFS: {len(people):,} people, {people.shape[1]} features of 1971. Missing:")
print("  " + ", ".join(f"{n} of {name}" for name, n in outcomes.isna().sum().items()))

# %% [markdown]
# The model is a group lasso: it keeps a feature for all outcomes or for none. The loss
# says what kind of outcome each is, and `scale_y` brings the numbers to one unit.
# `AlphaPathCV` chooses the strength of the penalty inside every training part.

# %%
loss = {"sbp": "squared", "dbp": "squared", "wt82_71": "squared", "death": "logistic"}
lasso = AlphaPathCV(GroupLassoRegressor(loss=loss, scale_y=True), alphas=10, eps=0.01)
model = make_mtl_pipeline(SimpleImputer(), StandardScaler(), lasso)

# %% [markdown]
# `compare` holds it against the same lasso per outcome (the reference), a ridge
# regression per outcome, and a neural network with shared layers: on the same folds,
# behind the same preprocessing. The loss is the squared error, and for death the
# log-loss of the predicted risk; D2 is the part of it that a model explains.

# %%
nhefs_report = model.compare(people, outcomes, n_jobs=2, random_state=0)
print(nhefs_report.summary())
print(f"\n{in_words(nhefs_report)}")

# %%
nhefs_picture = nhefs_report.plot().figure_

# %% [markdown]
# No gain, then. With more than 1,500 people, an outcome can learn its features alone.
# What sharing still gives is one list of features for all four outcomes:

# %%
fitted = model.fit(people, outcomes)[-1].best_estimator_
size = np.linalg.norm(fitted.coef_ / fitted.y_scale_[:, None], axis=0)
strongest = ", ".join(people.columns[np.argsort(-size)[:6]])
print(f"Fitted to everybody, it keeps {len(fitted.selected_features_)} features.")
print(f"The strongest are {strongest}.")

# %% [markdown]
# ## One outcome in 160 schools
#
# 7,185 pupils of 160 schools took a test of mathematics (High School and Beyond, 1982).
# A school is a task, named by a column of the table, and it has 14 to 67 pupils. Read
# "hospital" and "patients": many small sites, one outcome.
#
# The model draws the coefficients of each school towards the mean of all schools. How
# strongly, cross-validation decides.

# %%
hsb = load_hsb82()
pupils = hsb.data.assign(school=hsb.task)
print(f"High School and Beyond: {len(pupils):,} pupils; {', '.join(hsb.feature_names)}")

ridge = RidgeCV(np.logspace(-2, 4, 13))
model = make_mtl_pipeline(
    StandardScaler(), AlphaPathCV(TaskGraphRegressor(), alphas=20), task_col="school"
)
model.set_params(
    baselines={
        "single-task": IndependentTasks(ridge),
        "pooled": PooledTasks(ridge),  # a level for each school, common slopes
        "mlp": MultiTaskMLPRegressor(),
    }
)
school_report = model.compare(pupils, hsb.target, n_jobs=2, random_state=0)
print(school_report.summary())
print(f"\n{in_words(school_report)}")

# %%
school_picture = school_report.plot().figure_

# %% [markdown]
# Here sharing pays on average: a school has too few pupils to learn four numbers well.
# They are too few for a verdict on the school by itself, too, and the table does not
# pretend otherwise.

# %% tags=["script"]
# Pictures are in the notebook already; a script puts them into the folder it is given,
# and the reports as pages that can be shown to people who have no Python.
import sys
from pathlib import Path

folder = Path(*sys.argv[1:]).resolve()
folder.mkdir(parents=True, exist_ok=True)
nhefs_report.to_html(folder / "quickstart.html")
school_report.to_html(folder / "quickstart_schools.html")
nhefs_picture.savefig(folder / "quickstart.png", dpi=150)
school_picture.savefig(folder / "quickstart_schools.png", dpi=150)
print(f"\nPictures: {folder}/quickstart*.png, and reports as pages: *.html")
