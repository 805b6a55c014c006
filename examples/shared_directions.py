# %% [markdown]
# # Two directions in the measurements of a patient that serve nine outcomes
#
# Laboratory values, signs and early death of 418 patients with a liver disease (PBC):
# five numbers and four yes-or-no outcomes in one convex fit. The coefficients are free,
# but what is outside a plane of the seven measurements costs more. The plane says which
# measurements act together, and where in it each outcome lies.
#
# Run it as a script, `python examples/shared_directions.py [folder for the picture]`,
# or make the notebook with `make notebooks`.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from skmtl import (
    AlphaPathCV,
    SharedSubspaceRegressor,
    TaskKFold,
    compare,
    load_pbc,
    make_mtl_pipeline,
)

pbc = load_pbc()
X, Y = pbc.data, pbc.target
signs = ("ascites", "hepato", "spiders", "death_3y")
loss = {name: "logistic" if name in signs else "squared" for name in Y}

# %% [markdown]
# ## A line, a plane, or everything?
#
# With as many directions as measurements (7) nothing is shared: the model is a ridge
# regression per outcome, and the reference.


# %%
def directions(n_components):
    """Return a pipeline that chooses alpha along a path."""
    family = SharedSubspaceRegressor(n_components, beta=0.01, loss=loss, scale_y=True)
    search = AlphaPathCV(family, alphas=np.logspace(1, -3, 9))
    return make_mtl_pipeline(SimpleImputer(), StandardScaler(), search)


models = {"each alone": directions(7), "plane": directions(2), "line": directions(1)}
folds = TaskKFold(5, shuffle=True, random_state=0)
report = compare(
    models, X, Y, cv=folds, reference="each alone", random_state=0, n_jobs=2
)
print(report.summary())

# %% [markdown]
# Neither better nor worse: two directions, or one, say as much as seven coefficients
# per outcome. What they give is a simple picture.

# %%
model = models["plane"].fit(X, Y)[-1].best_estimator_
coef = model.coef_ / model.y_scale_[:, None]
inside = coef @ model.subspace_.T
shares = np.cumsum((inside**2).sum(axis=0)) / (coef**2).sum()
print(
    f"Fitted to everybody, the plane holds {shares[1]:.0%} of the squared "
    f"coefficients\n(the first direction alone {shares[0]:.0%}). Loadings of the "
    "measurements:\n"
)
for name, (first, second) in zip(X.columns, model.subspace_.T, strict=True):
    print(f"{name:>14} {first:+.2f} {second:+.2f}")

# %%
picture, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
parts = (
    ("The directions (subspace_)", X.columns, model.subspace_.T, "loading"),
    ("The outcomes", model.tasks_, inside, "coefficient along the direction"),
)
for ax, (title, names, points, label) in zip(axes, parts, strict=True):
    place = np.arange(len(names))[::-1]
    for k, name in enumerate(("first", "second")):
        shift = 0.2 if k == 0 else -0.2
        ax.barh(place + shift, points[:, k], 0.38, color=f"C{k}", label=name)
    ax.axvline(0, color="0.3", lw=0.8)
    ax.set(title=title, xlabel=label, yticks=place, yticklabels=names)
    ax.grid(axis="x", alpha=0.3)
_ = axes[0].legend(title="direction", frameon=False, loc="lower right")

# %% [markdown]
# The first direction is mostly bilirubin, and every outcome goes along it: it could be
# called the severity of the disease. The second sets oedema, age and slow clotting
# against bilirubin and platelets: ascites (water in the belly) goes with it most,
# cholesterol most against it.

# %% tags=["script"]
import sys
from pathlib import Path

path = Path(*sys.argv[1:], "shared_directions.png").resolve()
path.parent.mkdir(parents=True, exist_ok=True)
picture.savefig(path, dpi=150)
print(f"\nPicture: {path}")
