# %% [markdown]
# # 4. When sharing hurts
#
# Learning together can make a task *worse* than learning alone. This is called negative
# transfer. This notebook makes it happen, says when to expect it, and shows how to see
# it: the average over tasks does not.
#
# The data are simulated, so that the truth is known. No network is needed.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression, RidgeCV

from skmtl import (
    AlphaPathCV,
    IndependentTasks,
    PooledTasks,
    TaskGraphRegressor,
    TransferGuard,
    compare,
)

# %% [markdown]
# ## Six hospitals, one of them different
#
# Hospitals A to E have nearly the same coefficients. Those of F lie at a distance $d$
# from the others: other patients, another way of measuring, another disease.

# %%
names = np.array(list("ABCDEF"))
noise = 3.0


def simulate(rng, n_rows, n_features, distance):
    """Return X, y, the hospital of each row, and the true coefficients (6, p)."""
    center = rng.normal(size=n_features)
    truth = center + rng.normal(0, 0.1, (6, n_features))
    away = rng.normal(size=n_features)
    truth[5] += distance * away / np.linalg.norm(away)
    t = np.repeat(np.arange(6), n_rows)
    X = rng.normal(size=(len(t), n_features))
    y = (X * truth[t]).sum(axis=1) + rng.normal(0, noise, len(t))
    return X, y, names[t], truth


# %% [markdown]
# ## How different may a hospital be?
#
# Alone, hospital F has $n$ patients for $p$ coefficients. Least squares is right on
# average, but scatters:
#
# $$\mathbb E \|\hat w_F - w_F\|^2 = \frac{\sigma^2 p}{n - p - 1}$$
#
# (for features that are independent and normal). One model for all scatters less: it
# has $6 n$ patients. But it learns the mean of the six, and five sixths of the distance
# remain as bias:
#
# $$\|\bar w - w_F\|^2 \approx \left(\tfrac{5}{6} d\right)^2$$
#
# Sharing hurts F where the second is larger than what the first leaves. Let us try
# distances from 0 to 4, ten draws each.

# %%
n, p = 60, 15
distances = np.linspace(0, 4, 9)
graph = AlphaPathCV(
    TaskGraphRegressor(fit_intercept=False), alphas=np.logspace(2, -2, 9)
)
least_squares = LinearRegression(fit_intercept=False)
errors = {"separate": [], "shared": [], "between": []}
for d in distances:
    off = []
    for seed in range(10):
        X, y, hospital, truth = simulate(np.random.default_rng(seed), n, p, d)
        separate = IndependentTasks(least_squares).fit(X, y, task=hospital)
        shared = PooledTasks(least_squares, task_features=None)
        shared.fit(X, y, task=hospital)
        graph.fit(X, y, task=hospital)
        found = (
            separate.estimators_["F"].coef_,
            shared.estimator_.coef_,
            graph.best_estimator_.coef_[5],
        )
        off.append([((w - truth[5]) ** 2).sum() for w in found])
    for name, value in zip(errors, np.mean(off, axis=0), strict=True):
        errors[name].append(value)

alone = noise**2 * p / (n - p - 1)
saved = alone - noise**2 * p / (6 * n - p - 1)
limit = 6 / 5 * np.sqrt(saved)
_, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
for name, values in errors.items():
    ax.plot(distances, values, "o-", label=name)
ax.axhline(alone, color="0.6", ls=":", label="separate, by the formula")
ax.axvline(limit, color="0.6", ls="--", label="where sharing starts to hurt")
ax.set(xlabel="distance of F from the others", ylabel="error of its coefficients")
ax.set(ylim=(0, 10), title="Hospital F: alone or together?")
ax.legend()
print(f"By the formulas, sharing hurts F from a distance of {limit:.1f} on.")

# %% [markdown]
# Near the others, F gains from them. Far away, one model for all harms it without
# bound. The model between (notebook 1) can retreat, because cross-validation chooses
# how much is shared. But it chooses *one* strength for all hospitals, and five of six
# want to share: F loses a little.
#
# ## Seeing it, per task
#
# The truth is not known in real life. What is left is held-out data, task by task. Here
# F lies at 4.5 from the others, and each hospital has 300 patients and 120 features.

# %%
X, y, hospital, truth = simulate(np.random.default_rng(1), 300, 120, 4.5)
models = {
    "separate": IndependentTasks(RidgeCV(np.logspace(-2, 3, 11))),
    "shared": PooledTasks(RidgeCV(np.logspace(-2, 3, 11)), task_features=None),
    "between": AlphaPathCV(TaskGraphRegressor(), alphas=np.logspace(2, -3, 11)),
}
report = compare(
    models, X, y, task=hospital, reference="separate", cv=10, random_state=0
)
print(report.summary())

# %%
display = report.plot()

# %% [markdown]
# Look at "shared". On average over the hospitals the squared error *falls*. Whoever
# reports the average alone would be glad, and harm the patients of F: there the error
# rises by about half. The verdict is per task for this reason.

# %%
overall = report.to_frame("models").set_index("model").loc["shared"]
tasks = report.to_frame().set_index(["model", "task"]).loc["shared"]
print(f"shared, on average: {overall['gain']:+.0%} of the squared error saved")
for name, row in tasks.iterrows():
    print(f"  hospital {name}: {row['relative_gain']:+.0%}, {row['verdict']}")

# %% [markdown]
# ## What to do
#
# 1. **Do not force it.** A model that can retreat (an `alpha` chosen by
#    cross-validation) does much less harm than one that cannot: compare "between" with
#    "shared" for F.
# 2. **Let a task go that does not belong.** Learn A to E together, and F alone.
# 3. **Learn who belongs to whom** (notebook 3), if there are enough tasks to see it.
#
# The second, with the truth at hand:

# %%
between = models["between"].fit(X, y, task=hospital).best_estimator_
alike = hospital != "F"
five = models["between"].fit(X[alike], y[alike], task=hospital[alike]).best_estimator_
one = models["separate"].fit(X, y, task=hospital)
split = np.vstack([five.coef_, one.estimators_["F"].coef_])
tables = {
    "separate": np.stack([each.coef_ for each in one.estimators_.values()]),
    "between, all six": between.coef_,
    "A to E, and F alone": split,
}
print("error of the coefficients   A to E       F")
for name, coef in tables.items():
    wrong = ((coef - truth) ** 2).sum(axis=1)
    print(f"{name:>25} {wrong[:5].mean():8.1f} {wrong[5]:7.1f}")

# %% [markdown]
# F was harmed by the others, and the others, a little, by F.
#
# Without the truth, `TransferGuard` decides for each hospital: it keeps the model that
# learns together where cross-validation inside the training data says that it is
# better, and learning alone elsewhere.

# %%
guard = TransferGuard(models["between"], models["separate"], random_state=0)
guard.fit(X, y, task=hospital)
for name, choice in guard.chosen_.items():
    print(f"hospital {name}: {'together' if choice == 'estimator' else 'alone'}")
#
# ## When there is nothing to share
#
# Six hospitals with nothing in common at all. A strength chosen by cross-validation is
# then nearly 0: nothing gained, little lost. A strength that somebody fixed in advance
# does harm.

# %%
rng = np.random.default_rng(0)
nothing = rng.normal(size=(6, 15))
t = np.repeat(np.arange(6), 100)
X0 = rng.normal(size=(len(t), 15))
y0 = (X0 * nothing[t]).sum(axis=1) + rng.normal(0, noise, len(t))
models0 = {
    "separate": IndependentTasks(RidgeCV(np.logspace(-2, 3, 11))),
    "chosen alpha": AlphaPathCV(TaskGraphRegressor(), alphas=np.logspace(2, -3, 11)),
    "alpha = 10": TaskGraphRegressor(alpha=10.0),
}
report0 = compare(
    models0, X0, y0, task=names[t], reference="separate", cv=10, random_state=0
)
for name in ("chosen alpha", "alpha = 10"):
    overall = report0.to_frame("models").set_index("model").loc[name]
    verdicts = list(report0.verdicts_[name].values())
    print(
        f"{name:>12}: {overall['gain']:+.0%} of the squared error saved, "
        f"{verdicts.count('hurts')} of 6 hospitals hurt"
    )

# %% [markdown]
# ## Exercises
#
# 1. Give F only 20 patients and 15 features (draw all and drop rows of F). Does sharing
#    still hurt at $d = 2$? *Hint: put $n = 20$ into the formula first.*
# 2. The bias of "shared" is five sixths of the distance because all hospitals weigh the
#    same. What if F has ten times as many patients as each of the others? Who is hurt
#    then? *Hint: the mean moves to F; `sample_weight`, or `task_weight` in the graph.*
# 3. Double the noise of F alone. Is it more or less worth while for F to learn from the
#    others? *Hint: $\sigma^2$ in the formula of the error alone.*
#
# ## Remember
#
# - Sharing helps a task while its distance from the others is small against the scatter
#   of what it can learn alone.
# - An average over tasks can hide that one of them is harmed. Ask per task.
# - Let the data choose how much is shared, and let a task go that does not belong.
# - Always compare with learning alone, tuned as carefully.

# %% tags=["script"]
import sys
from pathlib import Path

folder = Path(*sys.argv[1:]).resolve()
folder.mkdir(parents=True, exist_ok=True)
for number in plt.get_fignums():
    path = folder / f"4_when_sharing_hurts_{number}.png"
    plt.figure(number).savefig(path, dpi=150)
print(f"\nPictures: {folder}")
