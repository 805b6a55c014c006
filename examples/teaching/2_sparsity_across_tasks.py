# %% [markdown]
# # 2. Sparsity across tasks
#
# Of sixty measurements, which matter? With few patients a lasso finds some of them,
# with false ones between. Ten outcomes that need the *same* measurements can answer
# together: that is what the group lasso does. This notebook shows how, and what it
# costs.
#
# The data are simulated, so that the true features are known. No network is needed.

# %%
import matplotlib.pyplot as plt
import numpy as np

from skmtl import (
    AlphaPathCV,
    CoefficientDisplay,
    GroupLassoRegressor,
    PathDisplay,
    ReweightedGroupLassoRegressor,
    make_group_sparse_tasks,
    mtl_path,
)

# %% [markdown]
# ## Ten outcomes, six features
#
# 50 patients, 60 features, 10 outcomes (the *tasks*). Six features matter, the same six
# for all outcomes, but each outcome has its own coefficients for them.

# %%
settings = {"n_features": 60, "n_informative": 6, "noise": 3.0, "layout": "wide"}
X, Y, truth = make_group_sparse_tasks(
    n_tasks=10, n_samples=50, random_state=0, **settings
)
relevant = truth.any(axis=0)
print("the true features:", *np.flatnonzero(relevant))

# %% [markdown]
# ## Two penalties
#
# $W$ is the table of coefficients: $p$ rows (features), $T$ columns (tasks). Both
# models minimise the loss plus a penalty:
#
# $$\min_W \; \sum_t \frac{1}{2 n} \|y_t - X w_t\|^2 + \alpha \, \Omega(W)$$
#
# - **lasso**: $\Omega(W) = \sum_j \sum_t |W_{jt}|$. Every number is penalised by
#   itself: ten lassos side by side.
# - **group lasso**: $\Omega(W) = \sum_j \|W_j\|_2$, where $W_j$ is the row of feature
#   $j$. The norm of a row is zero only if the whole row is.
#
# In `GroupLassoRegressor`, `l1_ratio=1` is the first, `l1_ratio=0` the second, and
# between them lies a mixture.

# %%
lasso = AlphaPathCV(GroupLassoRegressor(l1_ratio=1), alphas=30).fit(X, Y)
group = AlphaPathCV(GroupLassoRegressor(), alphas=30).fit(X, Y)
models = {"lasso": lasso.best_estimator_, "group lasso": group.best_estimator_}

for name, model in models.items():
    found = model.coef_ != 0
    print(
        f"{name:>12}: {found.sum(axis=1).mean():4.1f} features per outcome, of which "
        f"{(found & relevant).sum(axis=1).mean():.1f} are true; "
        f"{found.any(axis=0).sum()} features in all"
    )

# %%
_, axes = plt.subplots(1, 3, figsize=(11, 7), layout="constrained")
shown = {"truth": truth, **{name: model.coef_ for name, model in models.items()}}
for ax, (name, coef) in zip(axes, shown.items(), strict=True):
    CoefficientDisplay.from_coefficients(coef, n_features=60, sort=False, ax=ax)
    ax.images[0].set_clim(-2, 2)  # a colour means the same in all three
    ax.set_title(name)

# %% [markdown]
# A row is a feature, a column an outcome, and grey is exactly 0. The lasso sprinkles:
# each outcome picks false features of its own. The group lasso draws lines: a feature
# is kept for all outcomes or for none.
#
# ## What happens to a row
#
# Both penalties act by shrinking. Where a solver takes a step, the lasso moves each
# number towards 0 by $\alpha$, and the group lasso each *row* $v$:
#
# $$v \; \mapsto \; \left(1 - \frac{\alpha}{\|v\|_2}\right)_+ v$$
#
# A row with a norm below $\alpha$ vanishes. One with a larger norm is shortened, and
# keeps its direction: a small number in a large row stays.

# %%
row, alpha = np.array([2.0, 0.3, -0.2]), 0.5
by_number = np.sign(row) * np.maximum(np.abs(row) - alpha, 0)
by_row = max(1 - alpha / np.linalg.norm(row), 0) * row
print("row:        ", row)
print("lasso:      ", by_number.round(2) + 0.0)
print("group lasso:", by_row.round(2))

# %% [markdown]
# ## The path
#
# For a large alpha all rows are 0. As alpha falls they come in, one after another. Each
# line is the norm of a row; the six that are largest at the chosen alpha have colours.

# %%
path = mtl_path(GroupLassoRegressor(), X, Y, alphas=40, eps=0.05)
display = PathDisplay.from_path(path, alpha=group.alpha_)
ticks = [4, 2, 1, 0.5, 0.2]
display.ax_.minorticks_off()
_ = display.ax_.set_xticks(ticks, ticks)

# %% [markdown]
# Cross-validation asks for good predictions, not for the right features, and false rows
# do little harm while they are short: at the chosen alpha some are in. The true ones
# came first.


# %%
def first_six(path):
    """Return the six features that come in first, as alpha falls."""
    inside = path.coefs.any(axis=1)  # a row per alpha, a column per feature
    entry = np.where(inside.any(axis=0), inside.argmax(axis=0), len(inside))
    return np.argsort(entry, kind="stable")[:6]


first = first_six(path)
print("the first six to come in:", *np.sort(first))

# %% [markdown]
# ## The more outcomes, the surer the features
#
# A false feature may look useful for one outcome by chance. It will not for ten. How
# often are the first six features of the path the true six? 20 draws for each number of
# outcomes, with 50 patients each time.

# %%
n_tasks = (1, 2, 5, 10, 20)
right = []
for T in n_tasks:
    shares = []
    for seed in range(20):
        X_s, Y_s, coef = make_group_sparse_tasks(
            n_tasks=T, n_samples=50, random_state=seed, **settings
        )
        found = mtl_path(GroupLassoRegressor(), X_s, Y_s, alphas=30, eps=0.2)
        shares.append(coef.any(axis=0)[first_six(found)].mean())
    right.append(np.mean(shares))
    print(f"{T:3d} outcomes: {right[-1]:.0%} of the first six are true")

_, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.plot(n_tasks, 100 * np.array(right), "o-")
ax.set(xlabel="outcomes", ylabel="true among the first six (%)", ylim=(0, 103))
ax.set_xticks(n_tasks)
_ = ax.set_title("Outcomes vote on the features")

# %% [markdown]
# ## The price: everything is shrunk
#
# The penalty that removes false rows shortens the true ones as well. A penalty that
# grows ever more slowly, such as MCP, leaves long rows alone. It is not convex: it
# starts from the group lasso and improves on it step by step.

# %%
mcp = AlphaPathCV(
    ReweightedGroupLassoRegressor(penalty="mcp"), alphas=path.alphas[:-10]
).fit(X, Y)
models["MCP"] = mcp.best_estimator_
length = np.linalg.norm(truth[:, relevant])
for name, model in models.items():
    kept = np.linalg.norm(model.coef_[:, relevant]) / length
    off = np.sqrt(((model.coef_ - truth) ** 2).sum()) / length
    n = model.coef_.any(axis=0).sum()
    print(
        f"{name:>12}: {n:2d} features, length {kept:.2f}, error {off:.2f} (truth: 1, 0)"
    )

# %% [markdown]
# ## Exercises
#
# 1. Let every outcome use only half of the six features: set half of the numbers in
#    `truth[:, relevant]` to 0 at random and draw `Y = X @ truth.T + noise` anew. Which
#    `l1_ratio` has the smallest error? *Hint: try 0, 0.3, 0.6 and 1.*
# 2. Multiply one true feature by 0.01, as if grams had become kilograms. What happens
#    to it on the path, and what would have prevented it? *Hint: its coefficients must
#    be 100 times larger, and the penalty sees coefficients; `StandardScaler`.*
# 3. Make the six features different for every outcome. Does the group lasso still help?
#    *Hint: a row then has one large number, and nine outcomes vote against it.*
#
# ## Remember
#
# - The penalty says what is shared: here *which* features count, not how much.
# - A row of coefficients stands or falls as a whole; outcomes vote on features.
# - The more outcomes share their features, the fewer patients are needed to find them.
# - Cross-validated models keep some false features, and every penalty of this kind
#   shrinks. Standardise the features first.

# %% tags=["script"]
import sys
from pathlib import Path

folder = Path(*sys.argv[1:]).resolve()
folder.mkdir(parents=True, exist_ok=True)
for number in plt.get_fignums():
    path = folder / f"2_sparsity_across_tasks_{number}.png"
    plt.figure(number).savefig(path, dpi=150)
print(f"\nPictures: {folder}")
