"""The tables of prediction.py, and who is in which test part."""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data"
SCHOOL_SPLITS = HERE / "school_splits.npz"
N_SPLITS = 10
TEST_TIME = 2  # column of Parkinsons: days since the trial began


def school():
    """Return X (15362, 27), score and school 0..138; no constant column."""
    import pandas

    frame = pandas.read_csv(DATA / "school.csv.gz")
    task = pandas.factorize(frame.pop("school"), sort=True)[0]
    y, X = frame.pop("score").to_numpy(float), frame.to_numpy(float)
    return X[:, X.std(axis=0) > 0], y, task


def parkinsons():
    """Return X (5875, 19), total_UPDRS and the patient, 42 of them."""
    import pandas

    frame = pandas.read_csv(DATA / "parkinsons.csv.gz")
    task, y = frame.pop("subject").to_numpy(), frame.pop("total_UPDRS").to_numpy(float)
    return frame.drop(columns="motor_UPDRS").to_numpy(float), y, task


def heart_disease():
    """Return a table (920, 14) with the column "hospital", and presence 0 or 1."""
    import pandas

    frame = pandas.read_csv(DATA / "heart_disease.csv.gz")
    return frame, (frame.pop("target") > 0).to_numpy(int)


def simulated(T=5, n=20, p=4, seed=0):
    """Return X, y, task: tasks that share a mean and differ in two directions."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(T), n)
    X = rng.normal(size=(T * n, p))
    coef = 1.0 + rng.normal(size=(T, 2)) @ rng.normal(size=(2, p))
    return X, (X * coef[task]).sum(axis=1) + 3 * rng.normal(size=T * n), task


def simulated_hospitals():
    """Return a table with the column "hospital" and missing values, and 0 or 1."""
    import pandas

    X, y, task = simulated(T=3, n=40)
    X[::7, 1] = np.nan
    frame = pandas.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    return frame.assign(hospital=np.array(["a", "b", "c"])[task]), (y > 0).astype(int)


def hold_out(task, share, n_splits=N_SPLITS):
    """Return (n_splits, n) truth values: a share of each task's rows, by seed 0, 1, ...

    The share of a task is rounded to whole rows.
    """
    found = np.zeros((n_splits, len(task)), dtype=bool)
    for seed, test in enumerate(found):
        rng = np.random.default_rng(seed)
        for t in np.unique(task):
            rows = np.flatnonzero(task == t)
            test[rng.permutation(rows)[: round(share * len(rows))]] = True
    return found


def write_school_splits():
    """Fix the test parts of School: one bit for each pupil and split."""
    _, _, task = school()
    test = hold_out(task, 0.25)
    np.savez_compressed(SCHOOL_SPLITS, bits=np.packbits(test, axis=1), n=len(task))


def read_school_splits(n):
    """Return the test parts, (10, n) truth values."""
    with np.load(SCHOOL_SPLITS, allow_pickle=False) as kept:
        if kept["n"] != n:
            raise ValueError(f"{SCHOOL_SPLITS} is for {kept['n']} rows, got {n}.")
        return np.unpackbits(kept["bits"], axis=1, count=n).astype(bool)
