"""A fit reads a large table; it does not copy it."""

import gc
import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from skmtl import (
    GroupLassoClassifier,
    GroupLassoRegressor,
    TaskStatistics,
    data,
    moments,
)
from skmtl.objectives import _centring, _row_loss, _rows, _weighted_grams

pytestmark = pytest.mark.slow

# The table stands for one of 2 GB; what may be copied at most shrinks with it.
N_BYTES, P, T = 48 * 2**20, 100, 3
SHRINK = N_BYTES / 2**31


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    """Lower the sizes up to which data are copied, wherever they are used."""
    for module in (data, moments, _centring, _rows, _row_loss, _weighted_grams):
        for name in ("PACK_BYTES", "CHUNK_BYTES", "LABELS_AT_ONCE", "PAIR_BYTES"):
            if hasattr(module, name):
                size = int(getattr(module, name) * SHRINK)
                monkeypatch.setattr(module, name, size)


def table(order, layout, kind):
    """Return (X, y, keyword arguments of fit)."""
    rng = np.random.default_rng(0)
    n = N_BYTES // (8 * P)
    X = np.empty((n, P), order=order)
    X[...] = rng.standard_normal((n, P), dtype=np.float32)
    y = X[:, :T] + rng.normal(size=(n, T)) if layout == "wide" else X[:, 0] + 1
    if kind is GroupLassoClassifier:
        y = (y > 0).astype(float)
    task = rng.integers(0, T, n)
    task = np.sort(task) if layout == "sorted" else task
    return X, y, {} if layout == "wide" else {"task": task}


def peak_of(function):
    """Return the memory that a call holds at its peak, beyond what was there."""
    gc.collect()
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
@pytest.mark.parametrize("layout", ["sorted", "mixed", "wide"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_peak_of_a_fit(order, layout, kind):
    X, y, extra = table(order, layout, kind)
    model = kind(0.05)
    model.fit(X[:2000], y[:2000], **{k: v[:2000] for k, v in extra.items()})  # compiles
    assert peak_of(lambda: model.fit(X, y, **extra)) < 0.5 * X.nbytes
    assert model.converged_


@pytest.mark.parametrize("order", ["C", "F"])
def test_peak_of_statistics(order):
    X, y, extra = table(order, "mixed", GroupLassoRegressor)
    statistics = []
    peak = peak_of(lambda: statistics.append(TaskStatistics.from_rows(X, y, **extra)))
    assert peak < 0.2 * X.nbytes
    model = GroupLassoRegressor(0.05).fit_statistics(statistics[0])  # compiles
    assert peak_of(lambda: model.fit_statistics(statistics[0])) < 0.05 * X.nbytes


@pytest.mark.parametrize("layout", ["sorted", "wide"])
def test_peak_of_a_prediction(layout):
    X, y, extra = table("C", layout, GroupLassoRegressor)
    model = GroupLassoRegressor(0.05).fit(X, y, **extra)
    assert (
        peak_of(
            lambda: model.predict(X[:1000], **{k: v[:1000] for k, v in extra.items()})
        )
        < 0.1 * X.nbytes
    )


@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
@pytest.mark.parametrize("layout", ["mixed", "wide"])
def test_sparse_rows_stay_sparse(layout, kind):
    rng = np.random.default_rng(0)
    n = 8_000
    X = sparse.random(n, 300, 0.02, "csr", random_state=0)
    score = X[:, :5].toarray() @ np.ones((5, T)) + 0.1 * rng.normal(size=(n, T))
    y = score if layout == "wide" else score[:, 0]
    y = y if kind is GroupLassoRegressor else (y > 0.05).astype(int)
    extra = {} if layout == "wide" else {"task": rng.integers(0, T, n)}
    model = kind(1e-3)
    few = {k: v[:500] for k, v in extra.items()}
    model.fit(X[:500], y[:500], **few)  # compiles
    dense = 8 * n * 300
    assert peak_of(lambda: model.fit(X, y, **extra)) < 0.5 * dense
