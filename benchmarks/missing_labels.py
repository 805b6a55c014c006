"""Labels missing at random: how much longer a fit takes than on complete labels.

Run with ``python benchmarks/missing_labels.py [--quick] [--threads all] [-n N] [-p P]
[-T T]``. One X, (n, p, T) = (5000, 500, 50) unless told otherwise, group lasso at
alpha_max / 10 and / 100 of the complete labels. Every fit stops at its own duality gap
relative to half its null deviance, which the last column verifies.
"""

from functools import partial

import numpy as np
from _harness import (
    best_time,
    describe,
    number,
    options,
    ratio,
    report,
    stopwatch,
    table,
)
from shared_x import problem

from skmtl import GroupLassoRegressor, duality_gap

MISSING = (0.05, 0.4)


def with_missing(Y, share):
    """Return Y with that share of its labels replaced by NaN."""
    gone = np.random.default_rng(1).random(Y.shape) < share
    return np.where(gone, np.nan, Y)


def fit(X, Y, alpha, tol):
    """Return a fitted model."""
    return GroupLassoRegressor(alpha, tol=tol, max_iter=10**6).fit(X, Y)


def main():
    """Print the table."""
    sizes = {"n": 5000, "p": 500, "T": 50}
    flags = [([f"-{name}"], {"type": int}) for name in sizes]
    chosen = options(__doc__, *flags)
    if chosen.quick:
        sizes = {"n": 120, "p": 15, "T": 4}
    n, p, T = (getattr(chosen, name) or size for name, size in sizes.items())
    describe()
    X, Y = problem(n, p, T)
    largest = np.sqrt(((X.T @ Y / n) ** 2).sum(axis=1)).max()
    rows = []
    for share in (10, 100):
        for tol in (1e-4, 1e-8):
            row, complete = {}, None
            for missing in (0.0, *MISSING):
                labels = with_missing(Y, missing) if missing else Y
                run = partial(fit, X, labels, largest / share, tol)
                if complete is None:
                    run()  # compiles
                with stopwatch(chosen.threads) as clock:
                    seconds, model = best_time(run, clock)
                name = f"{missing:.0%} missing" if missing else "complete"
                complete = complete or seconds
                row[name] = number(seconds)
                if missing:
                    row[name] += f" = {ratio(seconds, complete)}"
                gap = duality_gap(model, X, labels) / model.dual_gap_ if missing else 1
                row["gap verified"] = "yes" if gap <= 1 + 1e-3 else f"{gap:.2g} times"
            report(rows, f"{(n, p, T)} alpha_max/{share} gap {tol:g}", row)
    names = ["complete", *(f"{m:.0%} missing" for m in MISSING), "gap verified"]
    table("Missing labels: seconds, and times as long as complete ones", names, rows)


if __name__ == "__main__":
    main()
