"""Families that couple the tasks: School to high accuracy, and 500 tasks.

Run with ``python benchmarks/coupling_speed.py [--quick] [--threads all]``.

* School: 139 schools, 15,362 pupils, 21 features that vary within schools, centred in
  each, of pooled sd 1, no intercepts. Seconds from X, y and task to a suboptimality of
  1e-9 (unsquared norms 1e-6) relative to the best value known, warm, at the loosest of
  the tolerances that gets there.
* 500 tasks of 200 rows and 100 features, at ``tol=1e-4``: every convex family once in a
  process of its own, whose peak memory is stated; the data alone are 80 MB.
"""

import multiprocessing
import sys
import warnings
from time import process_time

import numpy as np
from _harness import describe, number, options, report, table, time_to_gap
from own_x import FILE, school, simulated
from threadpoolctl import threadpool_limits

from skmtl import linear_model as models

SIZE, QUICK_SIZE = (500, 100, 200), (12, 8, 30)
COUNTED = {"task_weight": "n_samples"}
TIGHT, LOOSE = 1e-9, 1e-6


def fits_of_school(X, y, task):
    """Return [(name, model without tol, relative suboptimality)]."""
    counts = np.bincount(task)
    slope = np.stack([np.bincount(task, x * y) / counts for x in X.T])
    largest = np.linalg.norm(slope, 2)
    k = min(5, X.shape[1])
    graph = models.TaskGraphRegressor
    return [
        (
            "trace norm, alpha_max / 10",
            models.TraceNormRegressor(largest / 10),
            TIGHT,
        ),
        (
            "trace norm, alpha_max / 100",
            models.TraceNormRegressor(largest / 100),
            TIGHT,
        ),
        ("mean-regularised, alpha 1", graph(1.0), TIGHT),
        ("squared chain, alpha 1", graph(1.0, graph="chain"), TIGHT),
        (
            f"clustered, alpha 0.1, beta 0.01, k = {k}",
            models.TaskClusteringRegressor(k, alpha=0.1, beta=0.01, **COUNTED),
            TIGHT,
        ),
        (
            "relationship, alpha 0.1",
            models.TaskRelationshipRegressor(0.1),
            TIGHT,
        ),
        ("tree, alpha 1", models.TaskTreeRegressor(1.0), TIGHT),
        (
            "unsquared chain, l2, alpha 0.1",
            graph(0.1, graph="chain", norm="l2", ridge=0.01),
            LOOSE,
        ),
        (
            "unsquared chain, l1, alpha 0.1",
            graph(0.1, graph="chain", norm="l1", ridge=0.01),
            LOOSE,
        ),
    ]


def on_school(X, y, task, threads):
    """Print how long each takes."""
    rows = []
    for name, model, target in fits_of_school(X, y, task):
        model.set_params(fit_intercept=False, max_iter=10**6)

        def solve(tol, model=model):
            return model.set_params(tol=tol).fit(X, y, task=task)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exact = solve(1e-13 if target == TIGHT else 1e-9)
        # The gap bounds what even this is above the optimum.
        best = exact.objective_ - exact.dual_gap_
        seconds, reached = time_to_gap(
            solve, lambda m, best=best: m.objective_ / best - 1.0, target, threads
        )
        report(
            rows,
            name,
            {"to": f"{target:.0e}", "skmtl": number(seconds), "gets": f"{reached:.1e}"},
        )
    table("School: seconds to a relative suboptimality", ["to", "skmtl", "gets"], rows)


def many_tasks(T, p, n):
    """Return X, y, task: the tasks drift, in five directions of ten features."""
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(T), n)
    coef = np.zeros((T, p))
    k = min(10, p)
    drift = np.cumsum(rng.normal(size=(T, 5)), axis=0) / np.sqrt(T)
    coef[:, :k] = 1.0 + drift @ rng.normal(size=(5, k))
    X = rng.normal(size=(T * n, p))
    y = np.einsum("ij,ij->i", X, coef[task]) + 3.0 * rng.normal(size=T * n)
    return X, y, task


def fits_of_many():
    """Return {name: model} of every convex family."""
    graph = models.TaskGraphRegressor
    specific = models.SharedSpecificRegressor
    return {
        "group lasso": models.GroupLassoRegressor(0.5),
        "shared rows + elements": specific(0.5, beta=0.1),
        "shared rows + tasks": specific(0.5, beta=0.3, specific="tasks"),
        "shared low rank + elements": specific(3.0, beta=0.3, shared="low_rank"),
        "trace norm": models.TraceNormRegressor(3.0),
        "relationship": models.TaskRelationshipRegressor(0.1),
        "mean": graph(1.0, ridge=0.01),
        "chain": graph(1.0, graph="chain", ridge=0.01),
        "knn, k = 10": graph(1.0, graph="knn", n_neighbors=10, ridge=0.01),
        "chain, l2": graph(0.3, graph="chain", norm="l2", ridge=0.01),
        "chain, l1": graph(0.1, graph="chain", norm="l1", ridge=0.01),
        "knn, k = 10, l2": graph(
            0.05, graph="knn", n_neighbors=10, norm="l2", ridge=0.01
        ),
        "progression": models.TaskProgressionRegressor(0.02, beta=0.1, gamma=0.2),
        "tree": models.TaskTreeRegressor(0.5),
        "clustering": models.TaskClusteringRegressor(5, alpha=0.5, beta=0.05),
        "subspace": models.SharedSubspaceRegressor(5, alpha=0.5, beta=0.05),
    }


def fit_many(name, size, answer):
    """Send (seconds, peak of the process in MB, converged, iterations)."""
    X, y, task = many_tasks(*size)
    model = fits_of_many()[name]
    few = task < 4
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X[few], y[few], task=task[few])  # compiles
        start = process_time()
        model.fit(X, y, task=task)
        seconds = process_time() - start
    answer.send((seconds, _peak(), model.converged_, model.n_iter_))


def _peak():
    """Return the most memory that the process ever had, in MB; NaN where unknown."""
    try:
        import resource
    except ImportError:  # Windows
        return np.nan
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def on_many_tasks(size, names):
    """Print how long each family takes, and with how much memory."""
    context, rows = multiprocessing.get_context("spawn"), []
    for name in names:
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=fit_many, args=(name, size, there))
        process.start()
        there.close()
        try:
            seconds, peak, converged, n_iter = here.recv()
        except EOFError:
            sys.exit(f"The process that fitted {name} died.")
        process.join()
        row = {"seconds": number(seconds), "peak": f"{peak:.0f} MB"}
        row["steps"] = str(n_iter)
        row["converged"] = "yes" if converged else "no"
        report(rows, name, row)
    T, p, n = size
    title = f"{T} tasks of {n} rows and {p} features, tol=1e-4"
    table(title, ["seconds", "peak", "steps", "converged"], rows)


def main():
    """Print the tables."""
    chosen = options(__doc__)
    describe()
    if chosen.quick:
        on_school(*simulated(), chosen.threads)
        on_many_tasks(QUICK_SIZE, ["trace norm", "mean"])
        return
    if FILE.exists():
        on_school(*school(), chosen.threads)
    else:
        print(f"{FILE} is needed for the first table.")
    on_many_tasks(SIZE, fits_of_many())


if __name__ == "__main__":
    main()
