# %% [markdown]
# # Pictures of predictions
#
# Does learning together help, from how many rows on, and whom does a model get wrong?
# All pictures here are of predictions for rows that the models were not fitted to.
#
# Run it as a script, `python examples/pictures_of_predictions.py [folder for the
# pictures]`, or make the notebook with `make notebooks`.

# %%
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler

from skmtl import (
    DecisionCurveDisplay,
    GroupLassoClassifier,
    IndependentTasks,
    TaskCalibrationDisplay,
    TaskConfusionMatrixDisplay,
    TaskGraphRegressor,
    TaskLearningCurveDisplay,
    TaskRocCurveDisplay,
    TransferDisplay,
    compare,
    load_hsb82,
    load_nhefs,
    load_pbc,
    make_mtl_pipeline,
)

# %% [markdown]
# ## How many rows does a task need to do without the others?
#
# 7,185 pupils of 160 schools took a test of mathematics. A school is a task. One model
# draws the coefficients of the schools towards their mean, the other fits each school
# alone. Both see a tenth, a fifth, ... of the pupils of every school, and predict the
# others.

# %%
hsb = load_hsb82()
together = make_mtl_pipeline(StandardScaler(), TaskGraphRegressor(alpha=1.0))
alone = make_mtl_pipeline(StandardScaler(), IndependentTasks(RidgeCV()))
models = {"towards the mean": together, "single-task": alone}
schools = TaskLearningCurveDisplay.from_estimator(
    models,
    hsb.data,
    hsb.target,
    task=hsb.task,
    cv=4,
    scoring="neg_mean_squared_error",
    random_state=0,
)
table = schools.frame_.groupby(["model", "share"])["score"].median()
for share in (0.1, 1.0):
    errors = {name: -table[name, share] for name in models}
    words = ", ".join(f"{name} {error:.1f}" for name, error in errors.items())
    print(f"High School and Beyond, {share:4.0%} of the pupils: squared error {words}")

# %% [markdown]
# The fewer pupils, the more is gained by not learning alone. (Errors are medians over
# schools.) Up to twelve tasks have a panel each. The outcomes of NHEFS have so many
# rows that there is next to nothing to gain:

# %%
nhefs = load_nhefs()
models = {
    "towards the mean": TaskGraphRegressor(alpha=0.1, scale_y=True),
    "single-task": IndependentTasks(RidgeCV()),
}
models = {
    name: make_mtl_pipeline(SimpleImputer(), StandardScaler(), model)
    for name, model in models.items()
}
outcomes = TaskLearningCurveDisplay.from_estimator(
    models,
    nhefs.data,
    nhefs.target,
    shares=(0.2, 0.4, 0.7, 1.0),
    random_state=0,
)

# %% [markdown]
# ## Gains, with what is known of them
#
# Three signs of a disease of the liver, and death within three years, of 418 patients.
# `compare` predicts each outcome of each patient out of fold, by a model that shares
# features and by one per outcome. The reference is the latter.

# %%
pbc = load_pbc()
signs = pbc.target[["ascites", "hepato", "spiders", "death_3y"]]
alone = IndependentTasks(GroupLassoClassifier(alpha=0.02))
models = {
    name: make_mtl_pipeline(SimpleImputer(), StandardScaler(), model)
    for name, model in {
        "group lasso": GroupLassoClassifier(alpha=0.02),
        "single-task lasso": alone,
    }.items()
}
report = compare(models, pbc.data, signs, reference="single-task lasso", random_state=0)
transfer = TransferDisplay.from_report(report)
for task, verdict in report.verdicts_["group lasso"].items():
    print(f"PBC, {task}: {verdict}")

# %% [markdown]
# ## Thresholds and mistakes
#
# The out-of-fold predictions are kept in the report, so curves and confusion matrices
# cost nothing more. They are drawn by scikit-learn's own displays, a panel per task.

# %%
curves = TaskRocCurveDisplay.from_report(report)
for task in signs:
    print(f"PBC, {task}: AUC {curves.roc_auc_['group lasso', task]:.2f}")

# %%
matrices = TaskConfusionMatrixDisplay.from_report(
    report, model="group lasso", normalize="true"
)

# %% [markdown]
# More than half of those who died within three years are taken for survivors where the
# more probable answer is given, for few died. The curve says what other thresholds do.
#
# ## Risks
#
# A risk is more than an order of patients. Does it happen as often as predicted?

# %%
calibration = TaskCalibrationDisplay.from_report(report)
for task in signs:
    slope = calibration.slopes_["group lasso", task]
    print(f"PBC, {task}: calibration slope {slope:.2f}")

# %% [markdown]
# Slopes near 1: yes, it does. (Below 1, risks would be too extreme; above 1, too
# cautious.) And is it worth deciding by them? The net benefit weighs who is treated
# rightly against who is treated in vain; a line above both others, "treat everybody"
# and "treat nobody", is worth having.

# %%
decisions = DecisionCurveDisplay.from_report(report, tasks=["ascites", "death_3y"])

# %% tags=["script"]
# Pictures are in the notebook already; a script puts them into the folder it is given.
import sys
from pathlib import Path

folder = Path(*sys.argv[1:]).resolve()
folder.mkdir(parents=True, exist_ok=True)
for end, display in {
    "": schools,
    "_outcomes": outcomes,
    "_transfer": transfer,
    "_roc": curves,
    "_confusion": matrices,
    "_calibration": calibration,
    "_decisions": decisions,
}.items():
    path = folder / f"pictures_of_predictions{end}.png"
    display.figure_.savefig(path, dpi=150)
print(f"\nPictures: {folder}/pictures_of_predictions*.png")
