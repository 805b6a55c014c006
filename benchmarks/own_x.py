"""School data, each task with rows of its own: group lasso against adelie and skglm.

Run with ``python benchmarks/own_x.py [--quick] [--threads all]``. 139 schools, 15,362
pupils, 21 features that vary within schools, centred in each. All solvers stop at a
relative suboptimality of 1e-9, measured by one function. The peers see the
block-diagonal design that this makes; "from X, y, task" includes the time to build it,
which is what a user of the peer waits for, "design given" does not. (skein-glm takes
the same design, but needs minutes, so it is left out.)
"""

import sys
from pathlib import Path

import numpy as np
from _blocks import adelie_squared, block_diagonal, skglm_squared
from _harness import best_time, describe, options, race, report, summary, table

from skmtl import GroupLassoRegressor

FILE = Path(__file__).parents[2] / "shared" / "data" / "school.csv.gz"
SHARES = (3, 10, 100)
TARGET = 1e-9


def school():
    """Return X (n, 21), y, task 0..138: centred per task, features of pooled sd 1."""
    import pandas

    frame = pandas.read_csv(FILE)
    task = pandas.factorize(frame.pop("school"), sort=True)[0]
    y, X = frame.pop("score").to_numpy(float), frame.to_numpy(float)
    order = np.argsort(task, kind="stable")
    X, y, task = X[order], y[order], task[order]
    n_t = np.bincount(task)
    X, y = X - sums(X, task) / n_t[task, None], y - (np.bincount(task, y) / n_t)[task]
    sd = X.std(axis=0)
    return X[:, sd > 0] / sd[sd > 0], y, task


def sums(X, task):
    """Return the sum of X over the rows of each row's task."""
    return np.stack([np.bincount(task, x)[task] for x in X.T], axis=1)


def simulated(T=12, n=40, p=6):
    """Return a small problem of the same form."""
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(T), n)
    X = rng.normal(size=(T * n, p))
    y = X[:, 0] + rng.normal(size=T * n)
    n_t = np.full(T, n)
    return X - sums(X, task) / n, y - (np.bincount(task, y) / n_t)[task], task


def objective(X, y, task, alpha):
    """Return coef (T, p) -> value of what all minimise."""
    n_t = np.bincount(task)[task]

    def value(coef):
        r = y - (X * coef[task]).sum(axis=1)
        return (r**2 / (2 * n_t)).sum() + alpha * np.sqrt((coef**2).sum(axis=0)).sum()

    return value


def ours(X, y, task, alpha):
    """Return solve(tol) of skmtl."""

    def solve(tol):
        model = GroupLassoRegressor(alpha, tol=tol, max_iter=10**6)
        return model.fit(X, y, task=task).coef_

    return solve


def main():
    """Print the table."""
    chosen = options(__doc__)
    if not (chosen.quick or FILE.exists()):
        sys.exit(f"{FILE} is needed; --quick runs on simulated data.")
    describe("adelie", "skglm")
    X, y, task = simulated() if chosen.quick else school()
    n_t = np.bincount(task)
    slope = np.stack([np.bincount(task, x * y) / n_t for x in X.T])
    largest = np.sqrt((slope**2).sum(axis=1)).max()
    seconds, design = best_time(lambda: block_diagonal(X, task))
    print(f"The block-diagonal design {design.shape} takes {seconds * 1e3:.1f} ms")
    rows, ratios = [], []
    for share in SHARES:
        alpha = largest / share
        value = objective(X, y, task, alpha)
        best = value(ours(X, y, task, alpha)(1e-13))
        peers = {
            "adelie (from X, y, task)": adelie_squared(X, y, task, alpha),
            "adelie (design given)": adelie_squared(X, y, task, alpha, design),
            "skglm (design given)": skglm_squared(X, y, task, alpha),
        }
        row, seconds, other = race(
            ours(X, y, task, alpha),
            peers,
            lambda coef, value=value, best=best: value(coef) / best - 1,
            TARGET,
            chosen.threads,
        )
        report(rows, f"alpha_max/{share}", row)
        ratios.append(other / seconds)
    table(
        f"Own X, {len(n_t)} tasks, {len(y)} rows: seconds, and times as long as skmtl",
        ["skmtl", *peers, "best peer"],
        rows,
    )
    summary(ratios)


if __name__ == "__main__":
    main()
