"""Prediction on three real tables: what each family gains over learning tasks alone.

Run with ``python benchmarks/prediction.py [--quick] [--only school] [--jobs 2]``. All
parameters are chosen in folds of the training part; test rows are only predicted.

* School: the score of 15,362 pupils at 139 schools; three quarters of each school's
  pupils train, the rest test, in 10 splits that ``school_splits.npz`` fixes. The figure
  is the variance explained over all test rows, 1 - SSE / SST.
* Parkinsons: total_UPDRS of 42 patients; 25 % or 75 % of each patient's rows train. The
  figure is the root mean squared error over all test rows.
* Heart disease at four hospitals: AUC within hospitals (5 folds) and at a hospital that
  was left out, with imputation and scaling in an `MTLPipeline`.
"""

import sys
import warnings
from time import process_time

import numpy as np
from _harness import JOBS, describe, options, stopwatch, table
from _prediction_choice import RIDGES, Part, choose, most_frequent
from _prediction_data import (
    DATA,
    N_SPLITS,
    SCHOOL_SPLITS,
    TEST_TIME,
    heart_disease,
    hold_out,
    parkinsons,
    read_school_splits,
    school,
    simulated,
    simulated_hospitals,
    write_school_splits,
)
from _prediction_families import candidates, classifiers, regressors
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.preprocessing import StandardScaler

from skmtl import (
    AlphaPathCV,
    IndependentTasks,
    PooledTasks,
    TaskKFold,
    make_mtl_pipeline,
)
from skmtl._compat import logistic_regression_cv

TABLES = ("school", "parkinsons", "heart")
# What the best existing systems got, on other random splits of the same kind.
SCHOOL_OTHERS = {
    "one ridge per school": "0.328",
    "one ridge for all": "0.339",
    "GroupLasso": "0.355",
    "TraceNorm": "0.370",
    "TaskClustering": "0.367",
    "TaskGraph, mean": "0.3775",
}
TITLES = {
    "within": "Heart disease: AUC within hospitals, 5 folds",
    "left out": "Heart disease: AUC at a hospital that was left out",
}
PARKINSONS_OTHERS = {
    0.25: {"one ridge per patient": "1.528", "GroupLasso": "1.461"},
    0.75: {"one ridge per patient": "1.428", "GroupLasso": "1.414"},
}


def baselines(name):
    """Return {name: model}: one ridge per task, for all rows, and with levels."""
    ridge = RidgeCV(RIDGES)
    return {
        f"one ridge per {name}": IndependentTasks(ridge),
        "one ridge for all": PooledTasks(ridge, task_features=None),
        f"the same, and a level per {name}": PooledTasks(ridge),
    }


def explained(y, predicted):
    """Return the share of the variance of y that is explained."""
    return 1.0 - ((y - predicted) ** 2).sum() / ((y - y.mean()) ** 2).sum()


def rmse(y, predicted):
    """Return the root mean squared error."""
    return np.sqrt(((y - predicted) ** 2).mean())


def run_split(k, data, test, score, settings, name, folds):
    """Return ({row: {setting: score}}, {family: choice}, {family: seconds})."""
    X, y, task = data
    scores, chosen, seconds = {}, {}, {}
    with stopwatch() as clock:
        part = Part(X, y, task, test, folds)
        rows = part.train
        for row, model in baselines(name).items():
            model.fit(part.X[rows], y[rows], task=task[rows])
            predicted = model.predict(part.X[test], task=task[test])
            scores[row] = {"chosen": score(y[test], predicted)}
        for row, family in regressors(part.order()).items():
            start, scores[row] = clock(), {}
            for setting, several in settings(family).items():
                chosen[row] = choose(several, part)
                scores[row][setting] = score(y[test], chosen[row].predicted)
            seconds[row] = clock() - start
    print(f"split {k + 1} is done", file=sys.stderr, flush=True)
    return scores, chosen, seconds


def run(data, tests, *rest, jobs):
    """Return the three of `run_split`, each with a list over splits at its leaves.

    `rest` is a score, a function that makes {setting: candidates} of a family, the name
    of a task and the number of inner folds.
    """
    done = Parallel(jobs)(
        delayed(run_split)(k, data, test, *rest) for k, test in enumerate(tests)
    )
    scores, *others = zip(*done, strict=True)
    gathered = {
        row: {setting: [s[row][setting] for s in scores] for setting in found}
        for row, found in scores[0].items()
    }
    return gathered, *(
        {row: [o[row] for o in many] for row in many[0]} for many in others
    )


def print_scores(title, found, others, digits):
    """Print the mean over splits of each row and setting."""
    scores, chosen, seconds = found
    rows = []
    for row, by_setting in scores.items():
        texts = {s: f"{np.mean(v):.{digits}f}" for s, v in by_setting.items()}
        if len(by_setting["chosen"]) > 1:
            texts["sd"] = f"{np.std(by_setting['chosen'], ddof=1):.{digits}f}"
        texts["reported"] = others.get(row, "-")
        if row in chosen:
            texts["seconds"] = f"{np.mean(seconds[row]):.1f}"
            poor = sum(choice.unfinished for choice in chosen[row])
            texts["most often chosen"] = most_frequent(chosen[row]) + "*" * (poor > 0)
        rows.append((row, texts))
    settings = [s for s in next(reversed(scores.values())) if s != "chosen"]
    columns = [*settings, "chosen", "sd", "reported", "seconds", "most often chosen"]
    table(title, columns, rows)
    total = sum(map(sum, seconds.values()))
    print(f"{total:.0f} s in all; * not every fit converged")


def compare_with(scores, sign, reference, setting):
    """Print how the best row does beside another one, split by split."""
    means = {r: sign * np.mean(s["chosen"]) for r, s in scores.items()}
    best = max(means, key=means.get)
    gain = sign * (
        np.array(scores[best]["chosen"]) - np.array(scores[reference][setting])
    )
    print(
        f"Best: {best}; better than {reference} ({setting}) by {gain.mean():.4f} in "
        f"the mean, and in {(gain > 0).sum()} of {len(gain)} splits."
    )


def run_school(quick, n_splits, jobs):
    """Print the table of School."""
    data = simulated() if quick else school()
    y = data[1]
    if quick:
        tests = hold_out(data[2], 0.25, 2)
    else:
        if not SCHOOL_SPLITS.exists():
            write_school_splits()
        tests = read_school_splits(len(y))[:n_splits]

    def settings(family):
        plain, after = candidates(family, quick, task_weight="n_samples")
        plain = [c.variant("", ones=1.0) for c in plain]
        after = [c.variant("pooled +", ones=2.0, after_pooled=True) for c in after]
        return {
            "free intercepts": candidates(family, quick)[0],
            "as others": plain,
            "chosen": plain + after,
        }

    found = run(data, tests, explained, settings, "school", 3, jobs=jobs)
    title = f"School: variance explained, mean of {len(tests)} splits"
    print_scores(title, found, SCHOOL_OTHERS, 4)
    compare_with(found[0], 1.0, "TaskGraph, mean", "as others")


def run_parkinsons(quick, n_splits, jobs):
    """Print the tables of Parkinsons."""
    data = simulated(seed=1) if quick else parkinsons()

    free = np.ones(data[0].shape[1])
    free[TEST_TIME] = 0.0
    changes = {
        "": {},
        "scale_y": {"scale_y": True},
        "test_time free": {"penalty_weights": free},
    }

    def settings(family):
        found = {
            label: candidates(family, quick, task_weight="n_samples", **change)[0]
            for label, change in changes.items()
            if change.keys() <= family[0].get_params().keys()
        }
        several = [c.variant(label) for label in found for c in found[label]]
        return {"as others": found[""], "chosen": several}

    for share in (0.25, 0.75):
        tests = hold_out(data[2], 1.0 - share, 1 if quick else n_splits)
        found = run(data, tests, rmse, settings, "patient", 5, jobs=jobs)
        title = (
            f"Parkinsons, {share:.0%} of the rows train: RMSE, mean of {len(tests)} "
            "splits"
        )
        print_scores(title, found, PARKINSONS_OTHERS[share], 3)
        compare_with(found[0], -1.0, "GroupLasso", "as others")


def best_pipeline(models, frame, y):
    """Return the fitted pipeline of the model with the least log-loss in its folds."""
    fitted = [
        make_mtl_pipeline(
            SimpleImputer(strategy="median"),
            StandardScaler(),
            model,
            task_col="hospital",
        ).fit(frame, y)
        for model in models
    ]
    if len(fitted) == 1:
        return fitted[0]
    return min(
        fitted,
        key=lambda pipeline: pipeline[-1].cv_mean_scores_.mean(axis=1).min(),
    )


def run_heart(quick, *_):
    """Print the table of heart disease."""
    frame, y = simulated_hospitals() if quick else heart_disease()
    hospital = frame["hospital"].to_numpy()
    names = sorted(set(hospital))
    logistic = logistic_regression_cv(Cs=10, cv=3, scoring="neg_log_loss")
    models = {
        "one logistic per hospital": IndependentTasks(logistic, unseen="shared"),
        "one logistic for all": PooledTasks(
            logistic, task_features=None, unseen="shared"
        ),
        "the same, and a level per hospital": PooledTasks(logistic, unseen="shared"),
    }
    models = {row: [model] for row, model in models.items()}
    for family, several in classifiers(names).items():
        models[family] = [
            AlphaPathCV(
                model.set_params(unseen="shared"),
                alphas=2 if quick else 15,
                cv=TaskKFold(3),
            )
            for model in several[: 1 if quick else None]
        ]
    splits = {
        "within": TaskKFold(5, shuffle=True, random_state=0).split(
            frame, y, task=hospital
        ),
        "left out": LeaveOneGroupOut().split(frame, y, groups=hospital),
    }
    splits = {kind: list(folds) for kind, folds in splits.items()}
    rows, start = [], process_time()
    for row, several in models.items():
        texts = {}
        for kind, folds in splits.items():
            probability = np.zeros(len(y))
            for train, test in folds:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    # A hospital that was left out is unseen on purpose.
                    warnings.simplefilter("ignore", UserWarning)
                    pipeline = best_pipeline(several, frame.iloc[train], y[train])
                    shown = pipeline.predict_proba(frame.iloc[test])
                probability[test] = shown[:, 1]
            auc = [
                roc_auc_score(y[hospital == t], probability[hospital == t])
                for t in names
            ]
            texts[kind, "mean"] = f"{np.mean(auc):.3f}"
            texts.update(
                ((kind, t), f"{a:.3f}") for t, a in zip(names, auc, strict=True)
            )
        rows.append((row, texts))
    for kind, title in TITLES.items():
        here = [
            (row, {c: t for (k, c), t in texts.items() if k == kind})
            for row, texts in rows
        ]
        table(title, ["mean", *names], here)
    print(f"{process_time() - start:.0f} s")


def main():
    """Print the tables."""
    chosen = options(
        __doc__,
        (["--only"], {"choices": TABLES, "nargs": "*", "default": TABLES}),
        (["--splits"], {"type": int, "default": N_SPLITS, "help": "at most 10"}),
        JOBS,
    )
    describe()
    runs = {"school": run_school, "parkinsons": run_parkinsons, "heart": run_heart}
    with stopwatch():
        for name in chosen.only:
            if chosen.quick or DATA.exists():
                runs[name](chosen.quick, min(chosen.splits, N_SPLITS), chosen.jobs)
            else:
                print(f"{DATA} is needed; --quick runs on simulated data.")


if __name__ == "__main__":
    main()
