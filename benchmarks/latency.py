"""How long the first fit takes: cold, warm and steady, in seconds of CPU time.

Run with ``python benchmarks/latency.py [--quick]``. "import" is what `import skmtl` and
its first estimator add to `import sklearn`; "cold" the import and the first fit of a
fresh process with an empty numba cache, "warm" the same with a filled one, "steady" a
fit after others. The budget is 3 s cold and 0.5 s warm.
"""

import json
import os
import subprocess
import sys
import tempfile

from _harness import describe, number, options, report, table

SETUP = """
import json, sys, time, warnings
import numpy as np
import sklearn.base, sklearn.utils.validation, sklearn.linear_model
from scipy import sparse
rng = np.random.default_rng(0)
X, task = rng.normal(size=(60, 8)), np.repeat([0, 1, 2], 20)
Z = X[:, :1] + rng.normal(size=(60, 3))
few, few_task = np.arange(0, 60, 10), np.repeat([0, 1, 2], 2)
start = time.process_time()
import skmtl
model = getattr(skmtl, sys.argv[1])(**json.loads(sys.argv[2]))
imported = time.process_time() - start
kind = sys.argv[3].split()
labels = (Z > 0).astype(int) if "classes" in kind else Z
if "p>n" in kind:
    X, labels, task = rng.normal(size=(6, 40)), Z[few], few_task
if "long" in kind:
    labels = labels[np.arange(len(labels)), task]
if "sparse" in kind:
    X = sparse.csr_matrix(np.where(X > 0.5, X, 0.0))
given = {"task": task} if "long" in kind else {}

def fit():
    begin = time.process_time()
    model.fit(X, labels, **given)
    return time.process_time() - begin

first = fit()
print(json.dumps([imported, imported + first, min(fit() for _ in range(20))]))
"""

FITS = [
    ("GroupLassoRegressor", {"alpha": 0.1}, "wide"),
    ("GroupLassoRegressor", {"alpha": 0.1}, "long"),
    ("GroupLassoRegressor", {"alpha": 0.1}, "wide p>n"),
    ("GroupLassoRegressor", {"alpha": 0.1}, "long p>n"),
    ("GroupLassoRegressor", {"alpha": 0.1}, "wide sparse"),
    ("GroupLassoRegressor", {"alpha": 0.1}, "long sparse p>n"),
    ("GroupLassoRegressor", {"alpha": 0.1, "loss": "huber"}, "wide"),
    ("GroupLassoClassifier", {"alpha": 0.01}, "wide classes"),
    ("GroupLassoClassifier", {"alpha": 0.01}, "long classes"),
    ("ReweightedGroupLassoRegressor", {"alpha": 0.1}, "wide"),
    ("SharedSpecificRegressor", {"alpha": 0.1, "beta": 0.1}, "wide"),
    ("SharedSpecificRegressor", {"alpha": 0.1, "shared": "low_rank"}, "long"),
    ("SharedSpecificClassifier", {"alpha": 0.01, "beta": 0.01}, "wide classes"),
]
QUICK = FITS[:1]


def run(name, settings, kind, cache):
    """Return (import, import and first fit, steady) of a fresh process."""
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SETUP, name, json.dumps(settings), kind],
        env={**os.environ, **threads, "NUMBA_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def main():
    """Print the table."""
    chosen = options(__doc__)
    describe()
    rows, slowest = [], [0.0, 0.0]
    for name, settings, kind in QUICK if chosen.quick else FITS:
        with tempfile.TemporaryDirectory() as cache:
            _, cold, _ = run(name, settings, kind, cache)
            times = 1 if chosen.quick else 3
            runs = [run(name, settings, kind, cache) for _ in range(times)]
        imported, warm, steady = map(min, zip(*runs, strict=True))
        slowest = [max(slowest[0], cold), max(slowest[1], warm)]
        what = ", ".join(f"{k}={v!r}" for k, v in settings.items() if k != "alpha")
        row = {"import": imported, "cold": cold, "warm": warm, "steady": steady}
        row = {column: number(seconds) for column, seconds in row.items()}
        report(rows, f"{name}({what}) {kind}", row)
    table("First fits", ["import", "cold", "warm", "steady"], rows)
    print(f"\nSlowest: {slowest[0]:.2f} s cold, {slowest[1]:.2f} s warm")


if __name__ == "__main__":
    main()
