"""Settings that must be in place before numpy, numba or matplotlib is imported."""

import hashlib
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def _numba_cache_dir():
    """One cache per version of the kernels; numba reuses stale code on a cache hit.

    Bounds checks get their own, because numba ignores that switch on a hit too.
    """
    kernels = ROOT / "skmtl" / "_kernels.py"
    version = hashlib.sha256(kernels.read_bytes()).hexdigest()[:16]
    suffix = "-boundscheck" if os.environ.get("NUMBA_BOUNDSCHECK") == "1" else ""
    return ROOT / ".cache" / "numba" / (version + suffix)


os.environ.setdefault("NUMBA_CACHE_DIR", str(_numba_cache_dir()))
os.environ["MPLBACKEND"] = "Agg"
if "PYTEST_XDIST_WORKER" in os.environ:
    # The workers already fill the cores; BLAS threads on top only fight over them.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


# ------------------------------------------------------------ tables and pipelines
@pytest.fixture
def rows():
    """Return X, y, task of three tasks."""
    from _toys import make_rows

    return make_rows()


@pytest.fixture
def frame():
    """Return df, y, task: the same with the task in the column "hospital"."""
    from _toys import make_frame

    return make_frame()


@pytest.fixture
def regressor():
    """Return a quick pipeline for the frame."""
    from _toys import build

    return build()


@pytest.fixture
def classifier():
    """Return a quick pipeline for two classes."""
    from _toys import ToyClassifier, scaled

    return scaled(ToyClassifier())
