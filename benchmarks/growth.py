"""How cost grows with rows, features and tasks: exponents of statistics and of solves.

Run with ``python benchmarks/growth.py [--quick] [--threads all]``. One size is changed
at a time; the exponent is the slope of log time over log size between the two largest
sizes. "statistics" is the one pass over the rows, "solve" the fit to statistics at
alpha_max / 10 and gap 1e-6, which never sees a row. Every task has rows of its own, or
all share X.
"""

from functools import partial

import numpy as np
from _harness import (
    best_time,
    describe,
    number,
    options,
    report,
    stopwatch,
    table,
)

from skmtl import GroupLassoRegressor, TaskStatistics


def shared(n, p, T):
    """Return X, Y and no tasks: ten features matter."""
    rng = np.random.default_rng(0)
    X, coef = rng.normal(size=(n, p)), np.zeros((p, T))
    coef[:10] = rng.normal(size=(min(10, p), T))
    return X, X @ coef + 2 * rng.normal(size=(n, T)), None


def own(n, p, T):
    """Return X, y, task: n rows for each of T tasks."""
    rng = np.random.default_rng(0)
    task, coef = np.repeat(np.arange(T), n), np.zeros((T, p))
    coef[:, :10] = rng.normal(size=(T, min(10, p)))
    X = rng.normal(size=(T * n, p))
    return X, (X * coef[task]).sum(axis=1) + 2 * rng.normal(size=T * n), task


GROWTHS = [
    ("shared X, n", shared, "n", (2000, 6000, 20000), {"p": 100, "T": 20}),
    ("shared X, p", shared, "p", (100, 300, 1000), {"n": 4000, "T": 20}),
    ("shared X, T", shared, "T", (50, 150, 500), {"n": 4000, "p": 100}),
    ("own X, n", own, "n", (200, 600, 2000), {"p": 50, "T": 50}),
    ("own X, p", own, "p", (20, 60, 200), {"n": 500, "T": 50}),
    ("own X, T", own, "T", (50, 150, 500), {"n": 200, "p": 30}),
]


def seconds_of(X, y, task, threads):
    """Return seconds of (statistics, solve)."""
    with stopwatch(threads) as clock:
        collecting, s = best_time(
            partial(TaskStatistics.from_rows, X, y, task=task), clock
        )
        largest = np.sqrt(((s.xy / s.weight[:, None]) ** 2).sum(axis=0)).max()
        model = GroupLassoRegressor(largest / 10, tol=1e-6, max_iter=10**6)
        solving, _ = best_time(partial(model.fit_statistics, s), clock)
    return collecting, solving


def exponent(sizes, seconds):
    """Return the slope of log time over log size between the last two sizes."""
    return np.log(seconds[-1] / seconds[-2]) / np.log(sizes[-1] / sizes[-2])


def main():
    """Print the table."""
    chosen = options(__doc__)
    describe()
    rows = []
    for name, make, size, sizes, others in GROWTHS:
        if chosen.quick:
            sizes = tuple(max(s // 20, 5) for s in sizes)
            others = {k: max(v // 20, 5) for k, v in others.items()}
        found = [
            seconds_of(*make(**{size: s}, **others), chosen.threads) for s in sizes
        ]
        row = {"with": ", ".join(f"{k} = {v}" for k, v in others.items())}
        for part, seconds in zip(
            ("statistics", "solve"), zip(*found, strict=True), strict=True
        ):
            row[part] = ", ".join(map(number, seconds))
            row[f"{part} exponent"] = f"{exponent(sizes, seconds):.2f}"
        report(rows, f"{name} = {', '.join(map(str, sizes))}", row)
    columns = ["with", "statistics", "statistics exponent", "solve", "solve exponent"]
    table("Seconds as one size grows, and exponents", columns, rows)


if __name__ == "__main__":
    main()
