"""One shared X, complete Y: the group lasso against all who solve it.

Run with ``python benchmarks/shared_x.py [--quick] [--threads all]``. Peers are
scikit-learn, celer (by the entry that runs on every scikit-learn), skglm and adelie
(its multi-response Gaussian, one alpha); skein-glm took 140 to 4,500 times as long as
skmtl in the first five cells and is left out. Times are seconds of a warm fit at equal
duality gap relative to ||Y||^2 / 2n; ratios say how many times longer a peer takes.
"passes" are in units of one product X'R.
"""

import numpy as np
from _harness import (
    best_time,
    describe,
    group_lasso_gap,
    options,
    race,
    report,
    stopwatch,
    summary,
    table,
)

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

    def solve(tol):
        from skmtl import GroupLassoRegressor

        model = GroupLassoRegressor(alpha, tol=tol, max_iter=ITERATIONS)
        return model.fit(X, Y).coef_

    return solve


def scikit_learn(X, Y, alpha):
    """Return solve(tol) of scikit-learn."""

    def solve(tol):
        from sklearn.linear_model import MultiTaskLasso

        model = MultiTaskLasso(alpha, tol=tol, max_iter=ITERATIONS)
        return model.fit(X, Y).coef_

    return solve


def celer(X, Y, alpha):
    """Return solve(tol) of celer, by the entry that runs on every scikit-learn."""

    def solve(tol):
        from celer.homotopy import mtl_path

        most = {"max_iter": 1000, "max_epochs": 100_000}
        found = mtl_path(X, Y, alphas=[alpha], tol=tol, **most)
        return found[1][:, :, 0]

    return solve


def skglm(X, Y, alpha):
    """Return solve(tol) of skglm."""

    def solve(tol):
        from skglm import MultiTaskLasso

        return MultiTaskLasso(alpha, tol=tol, max_iter=1000).fit(X, Y).coef_

    return solve


def adelie(X, Y, alpha):
    """Return solve(tol) of adelie: a mean over the tasks, tol on squared changes."""
    n_tasks, Y = Y.shape[1], np.ascontiguousarray(Y)

    def solve(tol):
        import adelie

        state = adelie.grpnet(
            X, adelie.glm.multigaussian(Y), penalty=np.ones(X.shape[1]), tol=tol**2,
            lmda_path=np.array([alpha / n_tasks]), intercept=False, early_exit=False,
            max_iters=10**7, progress_bar=False,
        )  # fmt: skip
        return state.betas[-1].toarray().reshape(-1, n_tasks).T

    return solve


PEERS = {
    "scikit-learn": scikit_learn,
    "celer": celer,
    "skglm": skglm,
    "adelie": adelie,
}


def main():
    """Print the table."""
    chosen = options(__doc__)
    describe("celer", "skglm", "adelie")
    rows, ratios = [], []
    for shape in [(30, 50, 3)] if chosen.quick else SHAPES:
        X, Y = problem(*shape)
        largest = np.sqrt(((X.T @ Y / len(X)) ** 2).sum(axis=1)).max()
        with stopwatch(chosen.threads) as clock:
            one_pass, _ = best_time(lambda X=X, Y=Y: X.T @ Y, clock)
        for share in (10, 100):
            alpha = largest / share

            def gap(coef, X=X, Y=Y, alpha=alpha):
                return group_lasso_gap(X, Y, coef, alpha)

            peers = {name: peer(X, Y, alpha) for name, peer in PEERS.items()}
            for target in (1e-4, 1e-8):
                row, seconds, other = race(
                    ours(X, Y, alpha), peers, gap, target, chosen.threads
                )
                row["passes"] = f"{seconds / one_pass:.0f}"
                report(rows, f"{shape} alpha_max/{share} gap {target:g}", row)
                ratios.append(other / seconds)
    title = "Group lasso, shared X: seconds, and times as long as skmtl"
    table(title, ["skmtl", "passes", *PEERS, "best peer"], rows)
    summary(ratios)


if __name__ == "__main__":
    main()
