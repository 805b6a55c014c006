"""One shared X, complete Y: the group lasso against scikit-learn, celer and skglm.

Run with ``python benchmarks/shared_x.py [--quick]``. Times are seconds of a warm fit at
equal duality gap relative to ||Y||^2 / 2n, one BLAS thread; ratios say how many times
longer a peer takes. "passes" are in units of one product X'R.
"""

import sys

import numpy as np
from _harness import (
    best_time,
    describe,
    group_lasso_gap,
    number,
    ratio,
    table,
    time_to_gap,
)
from threadpoolctl import threadpool_limits

SHAPES = [(200, 1000, 20), (500, 5000, 50), (5000, 500, 50), (200, 20000, 10)]
ITERATIONS = 1_000_000


def problem(n, p, T):
    """Return centred X (F-ordered), Y with ten features that matter."""
    rng = np.random.default_rng(0)
    X, coef = rng.normal(size=(n, p)), np.zeros((p, T))
    coef[:10] = rng.normal(size=(10, T))
    Y = X @ coef + 2 * rng.normal(size=(n, T))
    return np.asfortranarray(X - X.mean(axis=0)), Y - Y.mean(axis=0)


def ours(X, Y, alpha):
    """Return solve(tol) of skmtl."""
    from skmtl import GroupLassoRegressor

    def solve(tol):
        model = GroupLassoRegressor(alpha, tol=tol, max_iter=ITERATIONS)
        return model.fit(X, Y).coef_

    return solve


def scikit_learn(X, Y, alpha):
    """Return solve(tol) of scikit-learn."""
    from sklearn.linear_model import MultiTaskLasso

    def solve(tol):
        model = MultiTaskLasso(alpha, tol=tol, max_iter=ITERATIONS)
        return model.fit(X, Y).coef_

    return solve


def celer(X, Y, alpha):
    """Return solve(tol) of celer, by the entry that runs on every scikit-learn."""
    from celer.homotopy import mtl_path

    def solve(tol):
        options = {"max_iter": 1000, "max_epochs": 100_000}
        found = mtl_path(X, Y, alphas=[alpha], tol=tol, **options)
        return found[1][:, :, 0]

    return solve


def skglm(X, Y, alpha):
    """Return solve(tol) of skglm."""
    from skglm import MultiTaskLasso

    def solve(tol):
        return MultiTaskLasso(alpha, tol=tol, max_iter=1000).fit(X, Y).coef_

    return solve


PEERS = {"scikit-learn": scikit_learn, "celer": celer, "skglm": skglm}


def main(quick=False):
    """Print the table."""
    describe("celer", "skglm")
    columns = ["skmtl", "passes", *PEERS, "best peer"]
    rows, ratios = [], []
    for shape in SHAPES[:1] if quick else SHAPES:
        X, Y = problem(*shape)
        largest = np.sqrt(((X.T @ Y / len(X)) ** 2).sum(axis=1)).max()
        with threadpool_limits(1, user_api="blas"):
            one_pass, _ = best_time(lambda X=X, Y=Y: X.T @ Y)
        for share in (10, 100):
            alpha = largest / share

            def gap(coef, X=X, Y=Y, alpha=alpha):
                return group_lasso_gap(X, Y, coef, alpha)

            for target in (1e-4, 1e-8):
                seconds, _ = time_to_gap(ours(X, Y, alpha), gap, target)
                row = {"skmtl": number(seconds), "passes": f"{seconds / one_pass:.0f}"}
                best = np.inf
                for name, peer in PEERS.items():
                    try:
                        other, _ = time_to_gap(peer(X, Y, alpha), gap, target)
                    except Exception as error:
                        row[name] = f"crashed ({type(error).__name__})"
                        continue
                    row[name] = ratio(other, seconds)
                    best = np.nanmin([best, other])
                row["best peer"] = ratio(best, seconds)
                if np.isfinite(best):
                    ratios.append(best / seconds)
                rows.append((f"{shape} alpha_max/{share} gap {target:g}", row))
                print(".", end="", flush=True)
    table("Group lasso, shared X: seconds, and times as long as skmtl", columns, rows)
    mean, worst = np.exp(np.mean(np.log(ratios))), min(ratios)
    print(f"\nOver the best peer: geometric mean {mean:.2f}x, worst cell {worst:.2f}x")


if __name__ == "__main__":
    main("--quick" in sys.argv)
