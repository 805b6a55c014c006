"""AlphaPathCV against sklearn.linear_model.MultiTaskLassoCV, at the same duality gap.

Both choose alpha among the same 100 in the same 5 folds and fit the best to all data.
scikit-learn stops at a gap of tol * ||Y||^2 for an objective that is n times the one of
this package, whose own gap is relative to D0 = ||Y||^2 / 2n: its tol is twice theirs.

Run it with ``python benchmarks/path_cv.py [--quick] [--no-sklearn]``. Times are seconds
of CPU time with one BLAS thread, which other work on the machine disturbs least.
"""

from time import process_time
from unittest.mock import patch

import numpy as np
from _harness import describe, options
from sklearn.linear_model import MultiTaskLassoCV
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits

from skmtl import AlphaPathCV, GroupLassoRegressor
from skmtl.model_selection import _alpha_path_cv

TOL = 1e-4
N_ALPHAS, N_FOLDS = 100, 5


def make(n, p, T, seed=0):
    """Return X and Y: 5 % of the features matter, neighbours are correlated."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    X = 0.6 * X + 0.4 * np.roll(X, 1, axis=1)
    W = np.zeros((p, T))
    W[: p // 20] = rng.normal(size=(p // 20, T))
    signal = X @ W
    Y = signal + signal.std() * rng.normal(size=(n, T))
    return X - X.mean(axis=0), Y - Y.mean(axis=0)


def time_of(function):
    """Return (seconds, what it returned)."""
    start = process_time()
    found = function()
    return process_time() - start, found


def search(X, Y, folds):
    """Return (seconds in all, seconds for the statistics, the fitted search)."""
    spent = []
    collect = _alpha_path_cv.fold_statistics

    def timed(*args):
        seconds, found = time_of(lambda: collect(*args))
        spent.append(seconds)
        return found

    model = AlphaPathCV(GroupLassoRegressor(tol=2 * TOL), alphas=N_ALPHAS, cv=folds)
    with patch.object(_alpha_path_cv, "fold_statistics", timed):
        seconds, found = time_of(lambda: model.fit(X, Y))
    return seconds, sum(spent), found


def main():
    """Print the tables."""
    alone = {"action": "store_true", "help": "only this package"}
    chosen = options(__doc__, (["--no-sklearn"], alone))
    part = 25 if chosen.quick else 1
    n, p, T = 5000 // part, 500 // part, 50 // part
    threadpool_limits(1, user_api="blas")
    describe()
    folds = list(KFold(N_FOLDS).split(np.zeros(n)))
    X, Y = make(n, p, T)
    search(X[:60], Y[:60, :2], N_FOLDS)  # compiles

    print(f"\n(n, p, T) = ({n}, {p}, {T}), {N_ALPHAS} alphas, {N_FOLDS} folds")
    runs = [search(X, Y, folds) for _ in range(3)]
    seconds, collecting, ours = min(runs, key=lambda run: run[0])
    print(f"{'AlphaPathCV':28}{seconds:9.2f} s ({collecting:.2f} s of it statistics)")
    if not chosen.no_sklearn:
        peer = MultiTaskLassoCV(alphas=ours.alphas_, cv=folds, tol=TOL, max_iter=10**5)
        theirs, _ = time_of(lambda: peer.fit(X, Y))
        print(f"{'MultiTaskLassoCV':28}{theirs:9.2f} s")
        print(f"{'ratio':28}{theirs / seconds:9.1f}")
        curves = ours.cv_mean_scores_ - peer.mse_path_
        print(
            f"alpha {ours.alpha_:.4g} and {peer.alpha_:.4g}; curves differ by "
            f"{np.abs(curves / peer.mse_path_).max():.1e} at most"
        )

    # Each row ten times is the same problem: what changes is the cost of rows alone.
    print("\nseconds outside the statistics")
    outside = {}
    for times in (1, 10):
        many, labels = np.repeat(X, times, axis=0), np.repeat(Y, times, axis=0)
        rows, folds = len(many), list(KFold(N_FOLDS).split(many))
        runs = [search(many, labels, folds) for _ in range(3)]
        outside[rows] = min(all_ - part_ for all_, part_, _ in runs)
        collecting = min(part_ for _, part_, _ in runs)
        print(f"n = {rows:<24,}{outside[rows]:9.2f} s (statistics {collecting:.2f} s)")
    print(f"{'change':28}{outside[10 * n] / outside[n] - 1:+9.1%}")


if __name__ == "__main__":
    main()
