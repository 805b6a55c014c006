# %% [markdown]
# # 1. From separate to shared
#
# One outcome is to be predicted in eight hospitals. Is it better to fit a model in each
# hospital, one model for all, or something between? This notebook builds the "between"
# and shows where it comes from: a trade of bias against variance.
#
# The data are simulated, so that the true coefficients are known. No network is needed.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import Ridge

from skmtl import (
    AlphaCurveDisplay,
    AlphaPathCV,
    CoefficientDisplay,
    IndependentTasks,
    PooledTasks,
    TaskGraphRegressor,
    compare,
    make_clustered_tasks,
)

# %% [markdown]
# ## Eight hospitals
#
# Each hospital is a *task* $t$ with its own patients: features $X_t$ ($n_t$ rows, $p$
# columns) and an outcome $y_t$. The truth is linear, with coefficients $w_t$:
#
# $$y_t = X_t w_t + \text{noise}, \qquad w_t = w_0 + d_t$$
#
# The hospitals have a common part $w_0$ and differ by small deviations $d_t$.

# %%
settings = {"n_tasks": 8, "n_clusters": 1, "n_features": 15, "deviation": 0.5}
settings |= {"noise": 3.0, "random_state": 1}
X, y, hospital, truth = make_clustered_tasks(**settings, n_samples=30)
X_new, y_new, hospital_new, _ = make_clustered_tasks(**settings, n_samples=1000)
print(f"{len(X)} patients to learn from, {X.shape[1]} features, 8 hospitals")

# %%
display = CoefficientDisplay.from_coefficients(truth, sort=False)
_ = display.ax_.set_title("The truth")

# %% [markdown]
# A column is a hospital: the columns are alike, not equal.
#
# How the data were made: `make_clustered_tasks` with the same `random_state` has the
# same coefficients, however many rows it draws. `X_new` has 1,000 new patients of each
# hospital, to judge with. The truth has no intercepts, and so the models of this
# notebook have none.
#
# ## The two ends
#
# **Separate**: every hospital learns from its own 30 patients, by ridge regression.
#
# $$\min_{w_t} \; \frac{1}{2 n_t} \|y_t - X_t w_t\|^2 + \frac{\rho}{2} \|w_t\|^2
# \qquad \text{for each } t$$
#
# **Shared**: one $w$ for all 240 patients. It cannot be right for any hospital, but it
# has eight times as many patients to learn from.


# %%
def error(model):
    """Return the mean squared error on new patients, mean over hospitals."""
    wrong = (y_new - model.predict(X_new, task=hospital_new)) ** 2
    return np.mean([wrong[hospital_new == t].mean() for t in range(8)])


def ridge(n_rows):
    """Return scikit-learn's ridge, whose penalty is for a sum over rows, not a mean."""
    return Ridge(alpha=rho * n_rows, fit_intercept=False)


rho = 0.2
separate = IndependentTasks(ridge(30)).fit(X, y, task=hospital)
shared = PooledTasks(ridge(240), task_features=None).fit(X, y, task=hospital)
print(f"separate: error {error(separate):.1f}")
print(f"shared:   error {error(shared):.1f}")
print("noise:    error 9.0 (nobody can do better)")

# %% [markdown]
# ## Between the ends
#
# Let every hospital have its own $w_t$, but draw it towards the mean $\bar w$ of all:
#
# $$\min_{w_1, \dots, w_T} \; \sum_t \frac{1}{2 n_t} \|y_t - X_t w_t\|^2 +
#   \frac{\alpha}{2} \sum_t \|w_t - \bar w\|^2 + \frac{\rho}{2} \sum_t \|w_t\|^2,
#   \qquad \bar w = \frac{1}{T} \sum_t w_t$$
#
# With $\alpha = 0$ the hospitals are separate; as $\alpha$ grows they become one. This
# is mean-regularised multi-task learning, `TaskGraphRegressor` with its graph "mean".

# %%
alphas = np.logspace(-3, 3, 25)
between = TaskGraphRegressor(ridge=rho, fit_intercept=False)
errors, spread = [], []
for alpha in alphas:
    model = between.set_params(alpha=alpha).fit(X, y, task=hospital)
    errors.append(error(model))
    spread.append(np.linalg.norm(model.coef_ - model.coef_.mean(axis=0)))
best = int(np.argmin(errors))

_, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.semilogx(alphas, errors, "o-", label="between")
left.axhline(error(separate), color="C1", ls="--", label="separate")
left.axhline(error(shared), color="C2", ls=":", lw=2, label="shared")
left.set(xlabel="alpha", ylabel="error on new patients", title="The error has a valley")
left.legend()
right.semilogx(alphas, spread, "o-")
right.axhline(np.linalg.norm(truth - truth.mean(axis=0)), color="0.5", label="truth")
right.set(xlabel="alpha", ylabel="spread of the coefficients about their mean")
right.set_title("alpha decides how far hospitals may differ")
right.legend()
print(f"best alpha {alphas[best]:.2g}: error {errors[best]:.1f}")

# %% [markdown]
# The best is neither end. Left of the valley the hospitals do not use each other; right
# of it their true differences are lost.
#
# ## Why: bias against variance
#
# Draw the patients anew many times, from the same truth, and look at the coefficients.
# How far their *mean* is from the truth is the bias, how much they *scatter* about
# their mean is the variance. The expected squared error is the sum of the two:
#
# $$\mathbb E \|\hat w - w\|^2 = \|\mathbb E \hat w - w\|^2 +
#   \mathbb E \|\hat w - \mathbb E \hat w\|^2$$

# %%
rng = np.random.default_rng(0)
fits = np.empty((40, len(alphas), *truth.shape))
for draw in fits:
    X_draw = rng.normal(size=X.shape)
    y_draw = (X_draw * truth[hospital]).sum(axis=1) + rng.normal(0, 3, len(X))
    for k, alpha in enumerate(alphas):
        model = between.set_params(alpha=alpha).fit(X_draw, y_draw, task=hospital)
        draw[k] = model.coef_
bias = ((fits.mean(axis=0) - truth) ** 2).sum(axis=(1, 2))
variance = fits.var(axis=0).sum(axis=(1, 2))

_, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.semilogx(alphas, bias, label="bias² (falls short of the differences)")
ax.semilogx(alphas, variance, label="variance (few patients)")
ax.semilogx(alphas, bias + variance, color="black", label="sum: the error")
ax.set(xlabel="alpha", ylabel="squared error of the coefficients", title="40 draws")
_ = ax.legend()

# %% [markdown]
# (The bias at the left end is that of the ridge penalty.)
#
# Sharing buys a smaller variance and pays with bias. It pays off where the price is
# low: few patients (variance is high) and similar hospitals (bias is low).
#
# ## Choosing alpha without the truth
#
# In real life there are no 8,000 new patients. Cross-validation holds out some patients
# of every hospital in turn. `AlphaPathCV` does so for a whole path of alphas. In its
# picture alpha falls from left to right, from shared to separate.

# %%
search = AlphaPathCV(between, alphas=alphas[::-1])
search.fit(X, y, task=hospital)
error_chosen = error(search)
print(f"chosen alpha {search.alpha_:.2g}: error {error_chosen:.1f}")
display = AlphaCurveDisplay.from_estimator(search)

# %% [markdown]
# ## More patients, less to gain
#
# The more patients a hospital has, the less it needs the others.

# %%
sizes = (20, 30, 50, 100, 200, 400)
gains = []
for n in sizes:
    X_n, y_n, task, _ = make_clustered_tasks(**settings, n_samples=n)
    alone = error(IndependentTasks(ridge(n)).fit(X_n, y_n, task=task))
    together = error(search.fit(X_n, y_n, task=task))
    gains.append(1 - (together - 9) / (alone - 9))

_, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.semilogx(sizes, 100 * np.array(gains), "o-")
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.axhline(0, color="0.5")
ax.set(xlabel="patients per hospital", ylabel="% of the avoidable error saved")
_ = ax.set_title("Learning together, against alone")

# %% [markdown]
# "Avoidable" is what remains of the error without the noise (9).
#
# ## The whole question in one call
#
# `compare` holds models against each other in cross-validation, and says for each
# hospital whether the gain is evident.

# %%
models = {
    "separate": IndependentTasks(ridge(30)),
    "shared": PooledTasks(ridge(240), task_features=None),
    "between": AlphaPathCV(between, alphas=alphas[::-3]),
}
report = compare(models, X, y, task=hospital, reference="separate", random_state=0)
print(report.summary())

# %% [markdown]
# On average over the hospitals the gain of "between" is evident: its interval is above
# 0. For a single hospital 30 patients are too few to tell. "No evidence" is not "no
#    gain": the truth is known here, and there is one.
#
# ## Exercises
#
# 1. Set `deviation` to 1.0, then to 0.05. Where does the valley of the error go? *Hint:
#    for which of the two is one model for all nearly right?*
# 2. Give the hospitals different sizes: `n_samples=[200, 15, 15, 15, 15, 15, 15, 15]`.
#    Who gains, the large hospital or the small ones? *Hint: compute the error per
#    hospital instead of its mean.*
# 3. Add 10 to `y` and `y_new` of hospital 3. Which models suffer, and what repairs
#    them? *Hint: `fit_intercept`. Intercepts are a task's own and are never penalised;
#    `PooledTasks` needs `task_features="onehot"` for a level per task.*
#
# ## Remember
#
# - Separate and shared are two ends of one path; `alpha` walks it.
# - Sharing lowers variance and adds bias: it helps tasks that are small and alike.
# - With enough data of its own, a task needs no help.
# - Choose the strength by cross-validation, and check the result per task.

# %% tags=["script"]
import sys
from pathlib import Path

folder = Path(*sys.argv[1:]).resolve()
folder.mkdir(parents=True, exist_ok=True)
for number in plt.get_fignums():
    path = folder / f"1_from_separate_to_shared_{number}.png"
    plt.figure(number).savefig(path, dpi=150)
print(f"\nPictures: {folder}")
