"""Does learning three health outcomes together help?

1,629 smokers were examined in 1971. What was known of them then predicts three outcomes
of 1982: systolic and diastolic blood pressure, and the change of weight. A group lasso
learns the three together, and is compared with models that do not.

Run it with ``python examples/quickstart.py [folder for the picture]``.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from skmtl import AlphaPathCV, GroupLassoRegressor, load_nhefs, make_mtl_pipeline


def main(folder="."):
    """Compare, say what came out, and write the picture."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    nhefs = load_nhefs()
    X, Y = nhefs.data, nhefs.target  # NaN in Y: the outcome was not measured
    print(
        f"NHEFS: {len(X):,} people, {X.shape[1]} features of 1971, "
        f"{Y.shape[1]} outcomes of 1982\n"
        "(sbp and dbp: blood pressure, mmHg; wt82_71: change of weight, kg)\n"
    )

    # The outcomes are in units of their own, hence scale_y. alpha is chosen inside
    # every training part, and so it is for the single-task model.
    search = AlphaPathCV(GroupLassoRegressor(scale_y=True))
    model = make_mtl_pipeline(SimpleImputer(), StandardScaler(), search)

    report = model.compare(X, Y, n_jobs=2, random_state=0)
    print(report.summary())
    print(f"\n{in_words(report)}")

    model.fit(X, Y)
    lasso = model[-1]
    size = np.linalg.norm(lasso.coef_ / lasso.y_scale_[:, None], axis=0)
    strongest = ", ".join(X.columns[np.argsort(-size)[:6]])
    print(
        f"Fitted to everybody, it keeps {len(lasso.selected_features_)} features, for "
        f"all outcomes alike.\nThe strongest are {strongest}."
    )

    path = folder / "quickstart.png"
    report.plot().figure_.savefig(path, dpi=150)
    print(f"\nPicture: {path.resolve()}")


def in_words(report, model="multi-task"):
    """Say what the comparison found about one model."""
    overall = report.to_frame("models").set_index("model").loc[model]
    lines = [
        f"Learning together changed the squared error by {-overall['gain']:+.1%} on "
        f"average (95 % interval {-overall['gain_high']:+.1%} to "
        f"{-overall['gain_low']:+.1%})."
    ]
    for verdict, words in {
        "helps": "It evidently helped",
        "hurts": "It evidently hurt",
        "no evidence": "There is no evidence that it helped or hurt",
    }.items():
        tasks = [t for t, v in report.verdicts_[model].items() if v == verdict]
        if tasks:
            lines.append(f"{words}: {', '.join(tasks)}.")
    return "\n".join(lines)


# Parallel work starts new processes, which import this file on some systems.
if __name__ == "__main__":
    main(*sys.argv[1:])
