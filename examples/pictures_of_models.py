# %% [markdown]
# # Pictures of fitted models
#
# What did a model learn, how strong should its penalty be, which tasks are alike, and
# did the solver get there? Each question has a display, as scikit-learn's own: a class
# with `from_estimator`, `plot(ax=)`, `ax_`, `figure_`, and the numbers in `frame_`.
#
# Run it as a script, `python examples/pictures_of_models.py [folder for the pictures]`,
# or make the notebook with `make notebooks`.

# %%
import matplotlib.pyplot as plt
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from skmtl import (
    AlphaCurveDisplay,
    AlphaPathCV,
    CoefficientDisplay,
    ConvergenceDisplay,
    GroupLassoRegressor,
    MultiTaskMLPRegressor,
    PathDisplay,
    SharedSpecificRegressor,
    TaskRelationshipRegressor,
    TaskSimilarityDisplay,
    load_nhefs,
    load_pbc,
    make_mtl_pipeline,
)

# %% [markdown]
# ## What was learned
#
# Of 1,629 smokers, examined in 1971, three outcomes are to be predicted: two blood
# pressures and the change of weight until 1982. The group lasso keeps a feature for all
# three or for none. `standardize=True` shows coefficients per standard deviation of
# feature and outcome, so that mmHg and kg compare.

# %%
nhefs = load_nhefs()
search = AlphaPathCV(GroupLassoRegressor(scale_y=True))
imputer = SimpleImputer().set_output(transform="pandas")  # tables keep their names
scaler = StandardScaler().set_output(transform="pandas")
lasso = make_mtl_pipeline(imputer, scaler, search).fit(nhefs.data, nhefs.target)
heat_map = CoefficientDisplay.from_estimator(lasso, standardize=True)
largest = heat_map.frame_.loc[heat_map.frame_["coef"].abs().idxmax()]
print(
    f"NHEFS: {heat_map.frame_['feature'].nunique()} of {nhefs.data.shape[1]} features "
    f"are kept.\nThe largest coefficient is that of {largest['feature']} for "
    f"{largest['task']}: {largest['coef']:.2f}."
)

# %% [markdown]
# Another model splits the coefficients in two: features that all outcomes use, and what
# an outcome has of its own. Age is mostly a matter of systolic pressure.

# %%
parts = SharedSpecificRegressor(alpha=0.06, beta=0.04, scale_y=True)
parts = make_mtl_pipeline(imputer, scaler, parts).fit(nhefs.data, nhefs.target)
two_parts = CoefficientDisplay.from_estimator(parts, parts="split", standardize=True)

# %% [markdown]
# ## How strong a penalty
#
# From left to right the penalty weakens. On the left, features enter the model; on the
# right, the error on held-out people falls, and slowly rises again.

# %%
X = lasso[:-1].transform(nhefs.data)
along_alpha, (left, right) = plt.subplots(1, 2, figsize=(13, 4), layout="constrained")
PathDisplay.from_estimator(lasso[-1], X, nhefs.target, ax=left)
curve = AlphaCurveDisplay.from_estimator(lasso, ax=right).frame_
print("At the chosen alpha, the squared error on held-out people is")
best = curve[curve["alpha"] == lasso[-1].alpha_].fillna({"task": "on average"})
for name, ratio in zip(best["task"], best["relative_loss"], strict=True):
    print(f"  {name:10} {ratio:.3f} times that of the empty model")

# %% [markdown]
# ## Which tasks are alike
#
# Nine outcomes of patients with a disease of the liver: five laboratory values, three
# signs, and death within three years, as yes or no. `TaskRelationshipRegressor` learns
# the correlations between their coefficients; the dendrogram merges the most similar
# outcomes first.

# %%
pbc = load_pbc()
yes_no = ["ascites", "hepato", "spiders", "death_3y"]
loss = {name: "logistic" if name in yes_no else "squared" for name in pbc.target}
related = TaskRelationshipRegressor(alpha=0.1, loss=loss, scale_y=True, max_iter=5000)
related = make_mtl_pipeline(imputer, scaler, related).fit(pbc.data, pbc.target)
similarity = TaskSimilarityDisplay.from_estimator(related)
first = similarity.linkage_[0, :2].astype(int)
print(f"PBC: most alike are {' and '.join(similarity.labels[k] for k in first)}.")

# %% [markdown]
# The coefficients say why.

# %%
of_outcomes = CoefficientDisplay.from_estimator(related, standardize=True)

# %% [markdown]
# ## Did it get there?
#
# A convex fit stops on its duality gap, an upper bound of what is still to be gained.
# Two solvers of one problem meet at the same objective; they count iterations
# differently.

# %%
X = related[:-1].transform(pbc.data)
solvers = {
    name: GroupLassoRegressor(
        alpha=0.02, loss=loss, scale_y=True, solver=name, tol=1e-8, max_iter=5000
    ).fit(X, pbc.target)
    for name in ("bcd", "fista")
}
gaps = ConvergenceDisplay.from_estimator(solvers)
difference = abs(solvers["bcd"].objective_ - solvers["fista"].objective_)
print(f"Two solvers: objectives differ by {difference:.0e}.")

# %% [markdown]
# A network has no such bound. What it has are losses by epoch: of the outcome on which
# it trains, and of labels that were held out. And it can be asked whether the outcomes
# pull its shared layers in one direction (the right picture, above 0) or not.

# %%
network = MultiTaskMLPRegressor(
    (32,), early_stopping=True, monitor_conflict=True, random_state=0
)
network = make_mtl_pipeline(imputer, scaler, network).fit(nhefs.data, nhefs.target)
of_network, (left, right) = plt.subplots(1, 2, figsize=(13, 4), layout="constrained")
ConvergenceDisplay.from_estimator(network, ax=left)
conflict = ConvergenceDisplay.from_estimator(network, measure="conflict", ax=right)
print(f"The network trained for {network[-1].n_iter_} epochs.")

# %% tags=["script"]
# Pictures are in the notebook already; a script puts them into the folder it is given.
import sys
from pathlib import Path

folder = Path(*sys.argv[1:]).resolve()
folder.mkdir(parents=True, exist_ok=True)
for end, figure in {
    "": heat_map.figure_,
    "_two_parts": two_parts.figure_,
    "_along_alpha": along_alpha,
    "_similarity": similarity.figure_,
    "_of_outcomes": of_outcomes.figure_,
    "_gaps": gaps.figure_,
    "_of_network": of_network,
}.items():
    figure.savefig(folder / f"pictures_of_models{end}.png", dpi=150)
print(f"\nPictures: {folder}/pictures_of_models*.png")
