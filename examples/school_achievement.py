"""One outcome in 160 schools, and a school never seen.

7,185 pupils of 160 schools took a test of mathematics (High School and Beyond, 1982).
Each school is a task. Is a school better described by its own pupils, or does it help
to learn from all schools? And what is to be expected in schools without any data?

Run it with ``python examples/school_achievement.py [folder for the picture]``.
"""

import sys
import warnings
from pathlib import Path

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


def main(folder="."):
    """Compare, predict new schools, and write the picture."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    hsb = load_hsb82()
    pupils = hsb.data.assign(school=hsb.task)  # the task is a column of the table
    points = hsb.target
    print(
        f"High School and Beyond: {len(pupils):,} pupils in "
        f"{pupils['school'].nunique()} schools; points in mathematics from\n"
        f"{', '.join(hsb.feature_names)}\n"
    )

    search = AlphaPathCV(GroupLassoRegressor(unseen="shared"), alphas=20)
    model = make_mtl_pipeline(StandardScaler(), search, task_col="school")
    compare_with_baselines(model, pupils, points, folder)
    predict_new_schools(model, pupils, points)


def compare_with_baselines(model, pupils, points, folder):
    """Compare with a regression per school, one for all, and a network."""
    ridge = RidgeCV(np.logspace(-2, 4, 13))
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

    frame = report.to_frame("models").set_index("model").drop(index="single-task")
    best = frame["gain"].idxmax()
    low, high = frame.loc[best, ["gain_low", "gain_high"]]
    print(
        f"\nOver all schools the best is {best!r}: {frame.loc[best, 'gain']:.1%} of "
        f"the squared error saved\n(95 % interval {low:+.1%} to {high:+.1%}). One "
        "school has too few pupils for a verdict\nof its own, unless the gain is large."
    )
    path = folder / "school_achievement.png"
    report.plot().figure_.savefig(path, dpi=150)
    print(f"\nPicture: {path.resolve()}")


def predict_new_schools(model, pupils, points):
    """Predict ten schools that the model has not seen, with the shared part."""
    schools = np.random.default_rng(0).permutation(pupils["school"].unique())
    new = pupils["school"].isin(schools[:10])
    model.fit(pupils[~new], points[~new])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        predicted = model.predict(pupils[new])
    mean = np.full(new.sum(), points[~new].mean())
    print(
        f"\nTen schools left out of the fit, {new.sum()} pupils: typical error (RMSE) "
        f"{root_mean_squared_error(points[new], predicted):.2f} points,\n"
        f"against {root_mean_squared_error(points[new], mean):.2f} points for the mean "
        "of the other schools.\n"
        f"The model said: {said[0].message}"
    )


# Parallel work starts new processes, which import this file on some systems.
if __name__ == "__main__":
    main(*sys.argv[1:])
