"""What the benchmarks share: equal certificates, timing, and what it ran on.

Every solver is timed at the loosest tolerance of its own at which its answer has the
gap that is asked for; the gap is computed here, by one function, for all. Times are the
best of several warm runs: seconds of CPU time on one BLAS thread, which other work on
the machine disturbs least, or seconds of wall clock on all threads (`--threads all`).
"""

import argparse
import importlib
import platform
import sys
import time
import warnings
from contextlib import contextmanager

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

TOLERANCES = 10.0 ** -np.arange(2, 16)
RUNS = 3
SHORT, MOST_RUNS = 0.2, 30  # more runs, up to so many, until they took so many seconds
BUDGET = 20.0  # seconds of search for a tolerance, for one solver of one cell

# A flag of scripts that time nothing.
JOBS = (
    ["--jobs"],
    {"type": int, "default": -1, "help": "runs at the same time; -1: one per core"},
)

MODULES = {"scikit-learn": "sklearn", "skein-glm": "skein_glm"}


def options(doc, *flags):
    """Read the command line: --quick and --threads, and flags of a script's own."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="small problems, for tests"
    )
    parser.add_argument("--threads", choices=["1", "all"], default="1")
    for names, settings in flags:
        parser.add_argument(*names, **settings)
    chosen = parser.parse_args()
    if chosen.threads == "1":  # at once: others that wait for work would count as time
        threadpool_limits(1, user_api="blas")
    return chosen


def describe(*packages):
    """Print the versions and the BLAS in force."""
    found = []
    for name in ["numpy", "scipy", "scikit-learn", "numba", "skmtl", *packages]:
        try:
            module = importlib.import_module(MODULES.get(name, name))
            found.append(f"{name} {getattr(module, '__version__', '?')}")
        except ImportError:
            found.append(f"{name} not installed")
    print(f"Python {platform.python_version()}; " + ", ".join(found))
    for info in threadpool_info():
        if info["user_api"] == "blas":
            kernel = info.get("architecture", "?")
            print(f"BLAS: {info['internal_api']} {info['version']}, kernel {kernel}")


@contextmanager
def stopwatch(threads="1"):
    """Give the clock for that many BLAS threads, and see to it that they are used."""
    if threads == "1":
        with threadpool_limits(1, user_api="blas"):
            yield time.process_time
    else:
        yield time.perf_counter


def group_lasso_gap(X, Y, coef, alpha):
    """Return the duality gap of MultiTaskLasso's objective relative to ||Y||^2 / 2n.

    For X (n, p), sparse or dense, centred Y (n, T) and coef (T, p), with the best
    intercepts and the best scaling of the residuals.
    """
    n = X.shape[0]
    R = Y - X @ coef.T
    R -= R.mean(axis=0)
    primal = (R**2).sum() / (2 * n) + alpha * np.sqrt((coef**2).sum(axis=0)).sum()
    norm = np.sqrt(((X.T @ R) ** 2).sum(axis=1)).max() / n
    scale = np.vdot(Y, R) / max((R**2).sum(), 1e-300)
    theta = R * max(min(scale, alpha / max(norm, 1e-300)), 0.0)
    dual = ((Y**2).sum() - ((Y - theta) ** 2).sum()) / (2 * n)
    return (primal - dual) / ((Y**2).sum() / (2 * n))


def best_time(function, clock=time.process_time, runs=RUNS):
    """Return (seconds of the best run, its answer)."""
    best, total, done, answer = np.inf, 0.0, 0, None
    while done < runs or (total < SHORT and done < MOST_RUNS):
        start = clock()
        answer = function()
        seconds = clock() - start
        best, total, done = min(best, seconds), total + seconds, done + 1
        if seconds > 5:
            break
    return best, answer


def time_to_gap(solve, gap, target, threads="1", budget=BUDGET):
    """Return (seconds, gap reached): solve(tol) at the loosest tol that reaches target.

    NaN seconds where none does, infinite ones where the budget is used up on the way.
    """
    begin, reached = time.process_time(), np.nan
    with warnings.catch_warnings(), stopwatch(threads) as clock:
        warnings.simplefilter("ignore")
        for tol in TOLERANCES:
            reached = gap(solve(tol))
            if reached <= target:
                return best_time(lambda tol=tol: solve(tol), clock)[0], reached
            if time.process_time() - begin > budget:
                return np.inf, reached
    return np.nan, reached


def race(ours, peers, gap, target, threads="1"):
    """Return (row of texts, seconds, seconds of the best peer) to one gap.

    `ours` and the values of `peers` are solve(tol) -> what `gap` measures, or None for
    a peer that has no such model. A peer that fails is reported as crashed.
    """
    seconds, _ = time_to_gap(ours, gap, target, threads)
    row, best = {"skmtl": number(seconds)}, np.inf
    for name, peer in peers.items():
        if peer is None:
            continue
        try:
            other, reached = time_to_gap(peer, gap, target, threads)
        except Exception as error:
            row[name] = f"crashed ({type(error).__name__})"
            continue
        row[name] = ratio(other, seconds)
        if not np.isfinite(other):
            row[name] = f"stops at {reached:.0e}" if np.isnan(other) else "too slow"
        best = np.nanmin([best, other])
    row["best peer"] = ratio(best, seconds)
    return row, seconds, best


def summary(ratios):
    """Print the mean and the worst of times of the best peer over those of skmtl."""
    ratios = [r for r in ratios if np.isfinite(r)]
    if ratios:
        mean, worst = np.exp(np.mean(np.log(ratios))), min(ratios)
        print(f"\nBest peer: {mean:.2g}x in geometric mean, {worst:.2g}x at worst")


def report(rows, name, row):
    """Add a row to a table, and show it at once to who waits."""
    rows.append((name, row))
    told = ", ".join(f"{column} {text}" for column, text in row.items())
    print(f"{name}: {told}", file=sys.stderr, flush=True)


def table(title, columns, rows):
    """Print rows of (name, {column: text})."""
    print(f"\n{title}")
    width = max(len(name) for name, _ in rows) + 2
    texts = {c: [c, *(row.get(c, "-") for _, row in rows)] for c in columns}
    sizes = {c: max(map(len, texts[c])) + 2 for c in columns}
    print(" " * width + "".join(c.rjust(sizes[c]) for c in columns))
    for name, row in rows:
        print(
            name.ljust(width)
            + "".join(row.get(c, "-").rjust(sizes[c]) for c in columns)
        )


def number(seconds):
    """Return seconds as text of three digits."""
    return "-" if not np.isfinite(seconds) else f"{seconds:.3g} s"


def ratio(other, ours):
    """Return how many times longer the other took."""
    return "-" if not np.isfinite(other) else f"{other / ours:.2g}x"
