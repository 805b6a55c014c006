"""What the benchmarks share: equal certificates, timing, and what it ran on.

Every solver is timed at the loosest tolerance of its own at which its answer has the
duality gap that is asked for; the gap is computed here, by one function, for all. Times
are the best of several warm runs (`steady`), on as many BLAS threads as stated.
"""

import importlib
import platform
import time
import warnings

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

TOLERANCES = 10.0 ** -np.arange(2, 15)
RUNS = 3


def describe(*packages):
    """Print the versions and the BLAS in force."""
    names = ["numpy", "scipy", "scikit-learn", "numba", "skmtl", *packages]
    modules = {"scikit-learn": "sklearn", "skein-glm": "skein_glm"}
    found = []
    for name in names:
        try:
            module = importlib.import_module(modules.get(name, name))
            found.append(f"{name} {getattr(module, '__version__', '?')}")
        except ImportError:
            found.append(f"{name} not installed")
    print(f"Python {platform.python_version()}; " + ", ".join(found))
    for info in threadpool_info():
        if info["user_api"] == "blas":
            kernel = info.get("architecture", "?")
            print(f"BLAS: {info['internal_api']} {info['version']}, kernel {kernel}")


def group_lasso_gap(X, Y, coef, alpha):
    """Return the duality gap of MultiTaskLasso's objective relative to ||Y||^2 / 2n.

    For centred X (n, p), Y (n, T) and coef (T, p); best scaling of the residuals.
    """
    n = len(X)
    R = Y - X @ coef.T
    primal = (R**2).sum() / (2 * n) + alpha * np.sqrt((coef**2).sum(axis=0)).sum()
    norm = np.sqrt(((X.T @ R) ** 2).sum(axis=1)).max() / n
    theta = R / max(1.0, norm / alpha)
    dual = ((Y**2).sum() - ((Y - theta) ** 2).sum()) / (2 * n)
    return (primal - dual) / ((Y**2).sum() / (2 * n))


def best_time(function):
    """Return (seconds of the best run, its answer)."""
    best, answer = np.inf, None
    for _ in range(RUNS):
        start = time.perf_counter()
        answer = function()
        seconds = time.perf_counter() - start
        best = min(best, seconds)
        if seconds > 10:
            break
    return best, answer


def time_to_gap(solve, gap, target, budget=120.0):
    """Return (seconds, gap reached): solve(tol) at the loosest tol that reaches target.

    NaN seconds where none does, or the budget is used up on the way.
    """
    begin, reached = time.perf_counter(), np.nan
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore")
        for tol in TOLERANCES:
            reached = gap(solve(tol))
            if reached <= target:
                return best_time(lambda tol=tol: solve(tol))[0], reached
            if time.perf_counter() - begin > budget:
                break
    return np.nan, reached


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
