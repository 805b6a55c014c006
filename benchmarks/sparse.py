"""Sparse X, as one-hot tables are: against the same X dense, and against peers.

Run with ``python benchmarks/sparse.py [--quick] [--threads all]``. Tables of categories
in 0/1 columns, 1 % of the entries not 0, csr unless csc is said; group lasso at
alpha_max / 10 and / 50, everybody with intercepts (X is not centred). Wide ones stop at
the same duality gap as scikit-learn and skglm, which take a sparse X that all tasks
share; long ones and other losses have no peer. "peak" is the most memory that arrays
allocated in a fit took at once, beside the size of X.
"""

import tracemalloc
import warnings
from functools import partial

import numpy as np
from _harness import (
    best_time,
    describe,
    group_lasso_gap,
    number,
    options,
    race,
    ratio,
    report,
    stopwatch,
    summary,
    table,
    time_to_gap,
)
from scipy import sparse

from skmtl import GroupLassoClassifier, GroupLassoRegressor

TARGET = 1e-6


def one_hot(n, n_columns, n_levels, seed=0):
    """Return a csr matrix (n, n_columns * n_levels): one 1 per column and row."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(n_levels, 2.0), size=n_columns)
    levels = [rng.choice(n_levels, size=n, p=share) for share in shares]
    indices = (np.stack(levels, 1) + n_levels * np.arange(n_columns)).ravel()
    ends = np.arange(0, n * n_columns + 1, n_columns)
    X = (np.ones(n * n_columns), indices, ends)
    return sparse.csr_matrix(X, (n, n_columns * n_levels))


def responses(X, T, seed=1):
    """Return predictors with noise (n, T); a twentieth of the features matter."""
    rng = np.random.default_rng(seed)
    p = X.shape[1]
    coef = np.zeros((p, T))
    some = rng.choice(p, max(p // 20, 2), replace=False)
    coef[some] = rng.normal(size=(len(some), T))
    Z = X @ coef
    return Z + Z.std() * rng.normal(size=Z.shape)


def ours(X, Y, task, alpha, kind=GroupLassoRegressor):
    """Return solve(tol) of skmtl."""

    def solve(tol):
        return kind(alpha, tol=tol, max_iter=10**6).fit(X, Y, task=task).coef_

    return solve


def peers(X, Y, alpha):
    """Return {name: solve(tol)} of those who take sparse X."""

    def scikit_learn(tol):
        from sklearn.linear_model import MultiTaskLasso

        return MultiTaskLasso(alpha, tol=tol, max_iter=10**6).fit(X, Y).coef_

    def skglm(tol):
        from skglm import MultiTaskLasso

        return MultiTaskLasso(alpha, tol=tol, max_iter=1000).fit(X, Y).coef_

    return {"scikit-learn": scikit_learn, "skglm": skglm}


def peak(function):
    """Return the most bytes of arrays that were allocated at once."""
    tracemalloc.start()
    function()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def megabytes(X):
    """Return the size of X."""
    parts = (X.data, X.indices, X.indptr) if sparse.issparse(X) else (X,)
    return sum(part.nbytes for part in parts) / 2**20


def compare(X, Y, task, share, kind, threads):
    """Return (row of the table, times of the best peer over those of skmtl)."""
    classes = kind is GroupLassoClassifier
    U = Y - Y.mean(axis=0)
    if task is None:
        slope = np.asarray(X.T @ U) / X.shape[0]
    else:
        counts = np.bincount(task)
        U = Y - (np.bincount(task, Y) / counts)[task]
        spread = sparse.csr_matrix((U / counts[task], task, np.arange(len(U) + 1)))
        slope = (X.T @ spread).toarray()
    alpha = np.sqrt((slope**2).sum(axis=1)).max() / share
    fit, dense = ours(X, Y, task, alpha, kind), X.toarray()
    row, best, found = {}, np.inf, np.nan
    if task is None and not classes:

        def gap(coef):
            return group_lasso_gap(X, U, coef, alpha)

        row, seconds, best = race(fit, peers(X, U, alpha), gap, TARGET, threads)
        found, _ = time_to_gap(ours(dense, Y, task, alpha, kind), gap, TARGET, threads)
    else:
        fit(1e-2)  # compiles
        with stopwatch(threads) as clock:
            seconds, _ = best_time(partial(fit, TARGET), clock)
            other = ours(dense, Y, task, alpha, kind)
            other(1e-2)
            found, _ = best_time(partial(other, TARGET), clock)
        row["skmtl"] = number(seconds)
    row["dense"] = ratio(found, seconds)
    row["peak"] = f"{peak(partial(fit, TARGET)) / 2**20:.0f} MB"
    row["X"] = f"{megabytes(X):.0f} MB"
    row["dense X"] = f"{megabytes(dense):.0f} MB"
    return row, best / seconds


def cases(quick):
    """Yield (name, X, Y, task, kind of model)."""
    part = 50 if quick else 1
    regression, classes = GroupLassoRegressor, GroupLassoClassifier
    n, levels = 20000 // part, 100 // min(part, 10)
    X = one_hot(n, 20, levels)
    Z = responses(X, 10)
    task = np.repeat(np.arange(10), n // 10)
    y = Z[np.arange(n), task]
    yield "wide csr", X, Z, None, regression
    yield "wide csc", X.tocsc(), Z, None, regression
    yield "wide logistic", X, (np.median(Z, axis=0) < Z).astype(int), None, classes
    yield "long", X, y, task, regression
    yield "long logistic", X, (np.median(y) < y).astype(int), task, classes
    n = 1000 // part
    X = one_hot(max(n, 40), 200, levels)
    yield "p > n", X, responses(X, 5), None, regression


def main():
    """Print the table."""
    chosen = options(__doc__)
    warnings.simplefilter("ignore")
    describe("skglm")
    rows, ratios = [], []
    for name, X, Y, task, kind in cases(chosen.quick):
        for share in (10, 50):
            row, best = compare(X, Y, task, share, kind, chosen.threads)
            T = Y.shape[1] if task is None else task[-1] + 1
            report(rows, f"{name} {X.shape}, T = {T}, alpha_max/{share}", row)
            ratios.append(best)
    columns = ["skmtl", "dense", "scikit-learn", "skglm", "peak", "X", "dense X"]
    table("Sparse X: seconds, and times as long as skmtl", columns, rows)
    summary(ratios)


if __name__ == "__main__":
    main()
