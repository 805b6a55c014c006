"""Logistic group lasso, features selected for all tasks together: own X and shared X.

Run with ``python benchmarks/logistic.py [--quick] [--threads all]``. Own X: 29 tasks of
500 x 9. Shared X: 5,000 x 200 and 20 tasks. The peers see one block-diagonal problem:
skglm and skein-glm a dense design (skglm's group Newton solver takes no sparse one),
adelie a sparse one, or the Kronecker product of the shared X with the identity. None of
them has an intercept for each task, so nobody fits any. All stop at the same
suboptimality, relative to the value at 0.

A second table has both solvers of this package for every loss, on the shared X.
"""

from functools import partial

import numpy as np
from _blocks import (
    adelie_logistic,
    adelie_shared_logistic,
    block_diagonal,
    skein_logistic,
    skglm_logistic,
)
from _harness import (
    best_time,
    describe,
    number,
    options,
    race,
    ratio,
    report,
    stopwatch,
    summary,
    table,
)

from skmtl import GroupLassoRegressor

SHARES = (3, 10, 100)
TARGETS = (1e-4, 1e-8)
MOST_BYTES = 10**9  # of a dense block-diagonal design


def own_problem(T, n, p):
    """Return X (T n, p), y in {0, 1}, task numbers; four features matter."""
    rng = np.random.default_rng(0)
    X, task, coef = rng.normal(size=(T * n, p)), np.repeat(np.arange(T), n), np.zeros(p)
    coef[:4] = 1.0
    coefs = coef * rng.normal(size=(T, p))
    return X, labels((X * coefs[task]).sum(axis=1), "logistic"), task


def shared_problem(n, p, T):
    """Return X (n, p) and predictors Z (n, T) with noise; ten features matter."""
    rng = np.random.default_rng(0)
    X, coef = rng.normal(size=(n, p)), np.zeros((p, T))
    coef[:10] = 0.5 * rng.normal(size=(10, T))
    return np.asfortranarray(X), X @ coef + 0.5 * rng.normal(size=(n, T))


def labels(Z, loss):
    """Return labels that suit a loss, given predictors."""
    rng = np.random.default_rng(1)
    if loss == "logistic":
        return (rng.random(Z.shape) < 1 / (1 + np.exp(-Z))).astype(float)
    if loss == "poisson":
        return rng.poisson(np.exp(np.clip(Z / 2, -5, 3))).astype(float)
    return Z + (rng.standard_t(3, size=Z.shape) if loss == "huber" else 0.0)


def objective(X, y, task, alpha):
    """Return coef (T, p) -> value of what all minimise, long and wide alike."""

    def value(coef):
        if task is None:
            z, rows = X @ coef.T, len(X)
        else:
            z, rows = (X * coef[task]).sum(axis=1), np.bincount(task)[task]
        loss = ((np.logaddexp(0, z) - y * z) / rows).sum()
        return loss + alpha * np.sqrt((coef**2).sum(axis=0)).sum()

    return value


def largest_alpha(X, y, task):
    """Return the least alpha at which every coefficient is 0."""
    u = y - 0.5
    if task is None:
        slope = X.T @ u / len(X)
    else:
        slope = np.stack([np.bincount(task, x * u) for x in X.T]) / np.bincount(task)
    return np.sqrt((slope**2).sum(axis=1)).max()


def ours(X, y, task, alpha, loss="logistic", solver="auto", intercept=False):
    """Return solve(tol) of skmtl."""

    def solve(tol):
        model = GroupLassoRegressor(
            alpha, loss=loss, tol=tol, solver=solver, fit_intercept=intercept,
            max_iter=10**4,
        )  # fmt: skip
        model.fit(X, y, task=task)
        return model if intercept else model.coef_

    return solve


def compare(name, X, y, task, peers_at, threads):
    """Return (rows of the table, ratios to the best peer)."""
    rows, ratios, largest = [], [], largest_alpha(X, y, task)
    for share in SHARES:
        alpha = largest / share
        value, solve = objective(X, y, task, alpha), ours(X, y, task, alpha)
        best, null = value(solve(1e-13)), value(0 * solve(1e-2))

        def gap(coef, value=value, best=best, null=null):
            return (value(coef) - best) / null

        for target in TARGETS:
            row, seconds, other = race(solve, peers_at(alpha), gap, target, threads)
            report(rows, f"{name} alpha_max/{share}, {target:g}", row)
            ratios.append(other / seconds)
    return rows, ratios


def solvers_table(X, Z, threads):
    """Print the times of both solvers of skmtl for each loss, to equal duality gaps."""
    rows = []
    for loss in ("squared", "huber", "poisson", "logistic"):
        Y = labels(Z, loss)
        slope = X.T @ (Y - Y.mean(axis=0)) / len(X)
        largest = np.sqrt((slope**2).sum(axis=1)).max()
        for share in (10, 100):
            for target in TARGETS:
                found = {}
                for solver in ("bcd", "fista"):
                    fit = ours(X, Y, None, largest / share, loss, solver, True)
                    fit(0.1)  # compiles
                    with stopwatch(threads) as clock:
                        seconds, model = best_time(partial(fit, target), clock)
                    found[solver] = seconds if model.converged_ else np.nan
                row = {name: number(seconds) for name, seconds in found.items()}
                row["fista / bcd"] = ratio(found["fista"], found["bcd"])
                report(rows, f"{loss} alpha_max/{share} gap {target:g}", row)
    table("Solvers of skmtl, shared X", ["bcd", "fista", "fista / bcd"], rows)


def main():
    """Print the tables."""
    chosen = options(__doc__)
    describe("skglm", "adelie", "skein-glm")
    T, n, p = (4, 60, 5) if chosen.quick else (29, 500, 9)
    X, y, task = own_problem(T, n, p)
    A = block_diagonal(X, task)
    dense = np.asfortranarray(A.toarray())

    def of_own(alpha):
        return {
            "skglm": skglm_logistic(dense, y, alpha, T, p),
            "adelie": adelie_logistic(A, y, alpha, T, p),
            "skein-glm": skein_logistic(dense, y, alpha, T, p),
        }

    rows, ratios = compare(f"own X {T} x {n} x {p}", X, y, task, of_own, chosen.threads)
    n, p, T = (100, 12, 3) if chosen.quick else (5000, 200, 20)
    X, Z = shared_problem(n, p, T)
    Y = labels(Z, "logistic")

    def of_shared(alpha):
        peers = {"adelie": adelie_shared_logistic(X, Y, alpha)}
        if 8 * n * T * p * T <= MOST_BYTES:
            dense = np.asfortranarray(np.kron(X, np.eye(T)))
            peers["skglm"] = skglm_logistic(dense, Y.ravel(), alpha, T, p)
            peers["skein-glm"] = skein_logistic(dense, Y.ravel(), alpha, T, p)
        return peers

    more, others = compare(
        f"shared X {(n, p, T)}", X, Y, None, of_shared, chosen.threads
    )
    table(
        "Logistic group lasso: seconds, and times as long as skmtl\n"
        f"(dense designs of more than {MOST_BYTES:,} bytes are left out)",
        ["skmtl", "skglm", "adelie", "skein-glm", "best peer"],
        rows + more,
    )
    summary(ratios + others)
    solvers_table(X, Z, chosen.threads)


if __name__ == "__main__":
    main()
