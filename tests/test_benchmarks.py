"""The benchmarks run, with and without the packages that they compare with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(path.name for path in FOLDER.glob("[a-z]*.py"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_quick_run_prints_its_table(script):
    done = subprocess.run(
        [sys.executable, "-W", "error", FOLDER / script, "--quick"],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "BLAS: " in done.stdout


def test_the_group_lasso_gap_is_one():
    sys.path.insert(0, str(FOLDER))
    try:
        from _harness import group_lasso_gap
    finally:
        sys.path.remove(str(FOLDER))
    import numpy as np
    from sklearn.linear_model import MultiTaskLasso

    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 8)), rng.normal(size=(30, 3))
    Y -= Y.mean(axis=0)
    null = (Y**2).sum() / 60

    def value(coef):
        R = Y - X @ coef.T
        R -= R.mean(axis=0)
        return (R**2).sum() / 60 + 0.05 * np.sqrt((coef**2).sum(axis=0)).sum()

    exact = MultiTaskLasso(0.05, tol=1e-14, max_iter=10**5).fit(X, Y).coef_
    assert abs(group_lasso_gap(X, Y, exact, 0.05)) < 1e-10
    for scale in (0.0, 0.5, 0.99, 1.3):
        excess = (value(scale * exact) - value(exact)) / null
        assert group_lasso_gap(X, Y, scale * exact, 0.05) >= excess - 1e-12
