"""Newton steps on the support, and models in which one Gram matrix serves all tasks."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skmtl import GroupLassoClassifier, GroupLassoRegressor, duality_gap
from skmtl.complements import MatrixComplement, RowComplement
from skmtl.data import TaskData
from skmtl.layouts import read_labels
from skmtl.losses import Huber, Logistic, Squared
from skmtl.objectives import (
    ClassObjective,
    DataObjective,
    SharedGram,
    _centring,
    _shared_gram,
)
from skmtl.objectives._class_gram import ClassGram
from skmtl.objectives._weighted_grams import CrossGram
from skmtl.penalties import SparseGroup, WithRidge
from skmtl.penalties.blocks import Blocks
from skmtl.quadratics import DenseRows, Gram, SparseRows
from skmtl.solvers import solve
from skmtl.solvers.support import SupportNewton


def random_gram(rng, k, T, G):
    """Return a Gram model at a point where some rows are 0."""
    B = rng.normal(size=(G, 2 * k, k))
    A = np.einsum("gij,gil->gjl", B, B) / (2 * k)
    index = np.arange(T) % G
    scale = rng.uniform(0.5, 2.0, size=T) if G > 1 else np.ones(T)
    W = rng.normal(size=(T, k))
    W[:, [1, 4]] = 0.0
    q = rng.normal(size=(T, k))
    state = np.stack([scale[t] * A[index[t]] @ W[t] - q[t] for t in range(T)])
    return Gram(A, index, scale, W, state, 100.0), q


@pytest.mark.parametrize("G", [1, 2, 3])
@pytest.mark.parametrize("m", [5, 70])
def test_complements(G, m):
    rng = np.random.default_rng(0)
    B = rng.normal(size=(G, m + 3, m))
    A = np.einsum("gij,gil->gjl", B, B)
    index, Z = np.arange(6) % G, rng.normal(size=(6, m))
    exact = np.stack([A[g] @ np.linalg.inv(np.eye(m) + A[g]) for g in index])
    found = MatrixComplement.of(A.copy(), index)
    assert_allclose(found.times(Z), np.einsum("tij,tj->ti", exact, Z), atol=1e-11)
    weighted = np.einsum("tij,ti,tj->ij", exact, Z, Z)
    assert_allclose(found.weighted(Z), weighted, atol=1e-10)


@pytest.mark.parametrize(("n", "rtol"), [(20, 1e-11), (400, 1e-4)])
def test_complement_of_rows(n, rtol):
    """In double precision where it is small, in single where that is faster."""
    rng = np.random.default_rng(0)
    B = rng.normal(size=(n, 2 * n)) / n
    A, Z = B.T @ B, rng.normal(size=(3, 2 * n))
    exact = A @ np.linalg.inv(np.eye(2 * n) + A)
    found = RowComplement.of(np.ascontiguousarray(B.T))
    assert found.columns.dtype == (np.float64 if n == 20 else np.float32)
    assert_allclose(found.times(Z), Z @ exact, rtol=rtol, atol=rtol)
    assert_allclose(found.diagonal(), np.diag(exact), rtol=rtol, atol=rtol)


def newton_step_by_hand(model, penalty, starts, ridge):
    """Return the step from the Hessian of all used entries, written out."""
    T, k = model.W.shape
    W, a = model.W, penalty.alpha
    H, r = np.zeros((T, k, T, k)), model.state.copy()
    for t in range(T):
        H[t, :, t, :] = model.scale[t] * model.A[model.index[t]] + ridge * np.eye(k)
    r += ridge * W
    for s, e in pairwise(starts):
        block = W[:, s:e]
        norm = np.linalg.norm(block)
        if norm == 0:
            continue
        a_b = a * np.sqrt(e - s)
        unit = block / norm
        r[:, s:e] += a_b * unit
        outer = np.einsum("ti,uj->tiuj", unit, unit)
        eye = np.einsum("tu,ij->tiuj", np.eye(T), np.eye(e - s))
        H[:, s:e, :, s:e] += a_b / norm * (eye - outer)
    used = W.any(axis=0)
    mask = np.broadcast_to(used, (T, k)).ravel()
    step = np.zeros(T * k)
    inside = H.reshape(T * k, T * k)[np.ix_(mask, mask)]
    step[mask] = -np.linalg.solve(inside, r.ravel()[mask])
    return step.reshape(T, k)


@pytest.mark.parametrize("G", [1, 3])
@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("grouped", [False, True])
def test_the_step_is_that_of_newton(G, ridge, grouped):
    rng = np.random.default_rng(1)
    model, _ = random_gram(rng, 8, 3, G)
    blocks = None
    starts = np.arange(9)
    if grouped:
        blocks = Blocks(np.array([0, 1, 2, 2, 3, 4, 4, 4]))
        starts = blocks.starts
    penalty = SparseGroup(0.05, blocks=blocks)
    whole = WithRidge(penalty, ridge) if ridge else penalty
    newton = SupportNewton(whole.kernel_arguments(8))
    system = newton._system(model, model.gradient())
    step = np.zeros_like(model.W)
    step[:, system.rows] = system.solve(0.0, 1e-12)
    expected = newton_step_by_hand(model, penalty, starts, ridge)
    for s, e in pairwise(starts):
        old, new = model.W[:, s:e], model.W[:, s:e] + expected[:, s:e]
        if old.any() and (old * new).sum() <= 0:  # turned around: taken out
            expected[:, s:e] = -old
    assert_allclose(step, expected, atol=1e-9)
    state = model.moved(system.rows, step[:, system.rows])
    exact = np.stack([
        model.scale[t] * model.A[model.index[t]] @ step[t] for t in range(3)
    ])  # fmt: skip
    assert_allclose(state - model.state, exact, atol=1e-11)


def test_steps_descend_and_wait_for_their_turn():
    rng = np.random.default_rng(2)
    model, _ = random_gram(rng, 8, 3, 1)
    penalty = SparseGroup(0.3)
    newton = SupportNewton(penalty.kernel_arguments(8))

    def value():
        return model.value() + penalty.value(model.W.T)

    for sweeps in range(20):
        before = value()
        due = newton.due(model, sweeps)
        if not due:
            assert sweeps - newton._last < model.price(8)
            continue
        newton.step(model, value, 1.0, model.gradient())
        assert value() <= before * (1 + 1e-12)
    assert not SupportNewton(SparseGroup(0.3, 0.5).kernel_arguments(8)).due(model, 99)
    assert not SupportNewton(SparseGroup(0.3, norm="linf").kernel_arguments(8)).due(
        model, 99
    )


def wide(n, p, T, missing, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + rng.normal(size=p)
    Y = X[:, :4] @ rng.normal(size=(4, T)) + rng.normal(size=(n, T))
    Y[rng.random(Y.shape) < missing] = np.nan
    return X, Y


@pytest.mark.parametrize("missing", [0.05, 0.4, 0.8])
def test_one_gram_matrix_for_all_tasks_with_missing_labels(missing):
    """To the same certificate, without a Gram matrix per task."""
    X, Y = wide(300, 60, 20, missing)
    model = GroupLassoRegressor(0.05, tol=1e-10).fit(X, Y)
    assert model.converged_
    D0 = 0.5 * np.nanvar(Y, axis=0).sum()
    assert model.dual_gap_ <= 1e-10 * D0
    slow = GroupLassoRegressor(0.05, tol=1e-10, solver="fista").fit(X, Y)
    assert_allclose(model.coef_, slow.coef_, atol=2e-5)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("copied", [True, False])
def test_products_of_one_gram_matrix_are_those_of_the_rows(
    fit_intercept, order, copied, monkeypatch
):
    """Whatever weights the tasks have, and means too large for their digits."""
    if not copied:
        monkeypatch.setattr(_centring, "PACK_BYTES", 0)
    monkeypatch.setattr(_shared_gram, "TILE_BYTES", 2**14)
    X, Y = wide(300, 60, 20, 0.1)
    X = np.asarray(X + 1e3, order=order)
    c, weight = np.linspace(0.5, 2.0, 20), np.ones(Y.shape)
    weight[::50] = 3.0
    data = TaskData.pack(X, read_labels(Y, sample_weight=weight))
    f = DataObjective(data, Squared(), c, fit_intercept)
    assert f.nearly_one_gram
    shared = SharedGram(f)
    W = np.random.default_rng(1).normal(size=(60, 20))
    W[:20] = 0.0
    slow, point = f.at(W), shared.at(W)
    off = abs(point.value - slow.value)
    assert off <= min(shared.resolution(point), 1e-6 * slow.value)
    G = f.gradient(slow)
    assert_allclose(shared.gradient(point), G, atol=1e-6 * np.abs(G).max())
    assert shared.null == f.null
    assert_allclose(shared.intercepts(point), f.intercepts(slow), rtol=1e-9)
    some = np.arange(10, 30)
    assert_allclose(shared.model(point, some).A, f.model(slow, some).A)


@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e25])
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_single_precision_only_where_it_does(scale, missing):
    """Its products are good to some digits, or made in double."""
    X, Y = wide(300, 60, 20, missing)
    f = DataObjective(TaskData.pack(scale * X, read_labels(Y)), Squared(), np.ones(20))
    single, double = SharedGram(f, single=True), SharedGram(f)
    size = np.sqrt(double.gram[0].diagonal())
    off = np.abs((single.gram - double.gram)[0] / size / size[:, None]).max()
    assert 0 < off < 1e-6 if scale == 1.0 else off == 0
    model = GroupLassoRegressor(0.02 * scale, tol=1e-5, max_iter=200).fit(scale * X, Y)
    assert model.converged_
    gap = duality_gap(model, scale * X, Y)
    assert gap <= 1e-5 * 0.5 * np.nanvar(Y, axis=0).sum()
    assert_allclose(gap, model.dual_gap_, rtol=1e-3)


def test_gradients_by_the_columns_in_use_are_those_of_the_rows():
    X, Y = wide(300, 60, 20, 0.0)
    weight = np.linspace(0.5, 2.0, 300)[:, None] * np.ones(20)
    data = TaskData.pack(X, read_labels(Y, sample_weight=weight))
    for fit_intercept in (True, False):
        f = DataObjective(data, Squared(), np.linspace(1.0, 2.0, 20), fit_intercept)
        for used in ([3, 50], [3, 7, 50], [7], [2, 59]):  # some are known by then
            W = np.zeros((60, 20))
            W[used] = np.random.default_rng(0).normal(size=(len(used), 20))
            fresh = DataObjective(data, Squared(), f.c, fit_intercept)
            assert fresh._few_used(W) is None
            by_rows = fresh.gradient(fresh.at(W))
            f.gradient(f.nothing)
            assert_array_equal(f._few_used(W), used)
            assert_allclose(f.gradient(f.at(W)), by_rows, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("loss", [Squared(), Huber(), Logistic()])
def test_curvature_of_each_task_once_rounds_are_poor(loss):
    X, Y = wide(300, 60, 20, 0.3)
    if isinstance(loss, Logistic):
        Y = np.where(np.isnan(Y), np.nan, Y > 0)
    data = TaskData.pack(X, read_labels(Y))
    f = DataObjective(data, loss, np.ones(20))
    assert f.shares_grams
    every = np.arange(60)
    nothing = f.nothing
    assert len(f.sweep_model(nothing, every).A) == 1
    assert not f.sharpen(nothing, 0)
    assert f.sharpen(nothing, 1000)
    own = f.sweep_model(nothing, every)
    assert len(own.A) == 20
    # Its curvature is that of f: differences of gradients along a small step.
    step = 1e-5 * np.random.default_rng(0).normal(size=(60, 20))
    change = f.gradient(f.at(step)) - f.gradient(nothing)
    image = np.stack([own.A[t] @ step[:, t] for t in range(20)], axis=1)
    if not isinstance(loss, Huber):  # which is raised where it is straight
        assert_allclose(image, change, atol=1e-3 * np.abs(change).max())
    penalty = SparseGroup(0.05)
    result = solve(f, penalty, solver="bcd", tol=1e-9, max_iter=10_000)
    assert result.converged


def test_rows_or_statistics():
    """Few features that pull are fitted from the rows, many from the statistics."""
    X, Y = wide(400, 80, 5, 0.0)
    for alpha, from_rows in ((1.5, True), (0.01, False)):
        model = GroupLassoRegressor(alpha)
        model.n_features_in_ = 80
        objective = model._rows_objective(TaskData.pack(X, read_labels(Y)))
        assert model._rows_pay(objective, None) == from_rows
        fitted = GroupLassoRegressor(alpha, tol=1e-10).fit(X, Y)
        slow = GroupLassoRegressor(alpha, tol=1e-10, solver="fista").fit(X, Y)
        assert_allclose(fitted.coef_, slow.coef_, atol=1e-4)


def model_of(kind, rng):
    """Return (an objective, its model of all 12 features, of the kind named)."""
    n, p, T = (9, 12, 3) if kind == "dense" else (40, 12, 3)
    X, Y, weight = rng.normal(size=(n, p)), rng.normal(size=(n, T)), None
    X[:, 4] = 0.0  # has no curvature, and stays
    if kind == "own":
        Y[::4, 1] = np.nan
    elif kind == "sparse":
        X = sparse.csr_array(X * (rng.random(X.shape) < 0.06))
        weight = rng.uniform(0.5, 2.0, size=Y.shape)
    elif kind == "classes":
        Y = np.digitize(Y, [-0.5, 0.5]).astype(float)
    data = TaskData.pack(X, read_labels(Y, sample_weight=weight))
    c = np.arange(1.0, T + 1.0)
    if kind == "classes":
        f = ClassObjective(replace(data, classes=[np.arange(3)] * T), c)
    else:
        f = DataObjective(data, Squared(), c)
    W = 0.1 * rng.normal(size=(p, f.nothing.W.shape[1]))
    return f, f.model(f.at(W), np.arange(p))


KINDS = {
    "own": Gram,
    "common": Gram,
    "dense": DenseRows,
    "sparse": SparseRows,
    "classes": ClassGram,
}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_without_a_penalty_settle_in_the_model(kind):
    """At the minimum of the model over them; a constant feature stays."""
    f, model = model_of(kind, np.random.default_rng(0))
    assert type(model) is KINDS[kind]
    rows, before, value = np.array([1, 2, 4, 7]), model.W.copy(), model.value()
    start = model.gradient().copy()
    model.settle(rows)
    g, step = model.gradient(), model.W - before
    assert_allclose(g[:, rows], 0.0, atol=1e-10)
    others = np.setdiff1d(np.arange(12), [1, 2, 7])
    assert_array_equal(step[:, others], 0.0)
    assert model.value() < value
    # The state moved with W: half the step times both gradients is what was gained.
    gained = 0.5 * float(np.vdot(step, g + start))
    assert_allclose(model.value() - value, gained, rtol=1e-9)
    if f.quadratic:
        moved = f.gradient(f.at(np.ascontiguousarray(model.W.T)))
        assert_allclose(g, moved.T, atol=1e-10)


def free_rows(n, p, T, free, rho, seed):
    """Return (X, Y, weights): features that are not penalised, and close to others."""
    rng = np.random.default_rng(seed)
    X = np.sqrt(1 - rho) * rng.normal(size=(n, p)) + np.sqrt(rho) * rng.normal(
        size=(n, 1)
    )
    X[:, :free] = X[:, :free] @ rng.normal(size=(free, free))
    Y = X[:, :10] @ rng.normal(size=(10, T)) + rng.normal(size=(n, T))
    return X, Y, (np.arange(p) >= free).astype(float)


ROUNDS = {  # n, p, T, free, rho, seed, tol
    "dense": (60, 600, 3, 20, 0.0, 8, 1e-8),
    "sparse": (100, 400, 40, 20, 0.0, 8, 1e-6),
    "gram": (100, 90, 3, 30, 0.9, 2, 1e-8),
    "huber": (100, 90, 3, 30, 0.9, 2, 1e-8),
}


@pytest.mark.parametrize("rows", ROUNDS)
def test_rows_without_a_penalty_do_not_end_rounds_early(rows):
    """Before they settle the gap of a model tells nothing: 42, 28, 230, 272 rounds."""
    *shape, rho, seed, tol = ROUNDS[rows]
    X, Y, weight = free_rows(*shape, rho, seed)
    rng = np.random.default_rng(seed)
    if rows == "sparse":
        X = sparse.csr_array(X * (rng.random(X.shape) < 0.1))
    if rows in ("gram", "huber"):
        Y[rng.random(Y.shape) < 0.3] = np.nan
    loss = Huber() if rows == "huber" else Squared()
    f = DataObjective(TaskData.pack(X, read_labels(Y)), loss, np.ones(Y.shape[1]))
    penalty = SparseGroup(0.1 * np.sqrt(1 - rho), weight=weight)
    result = solve(f, penalty, solver="bcd", tol=tol, max_iter=10_000)
    assert result.converged
    assert len(result.history) <= 10


@pytest.mark.parametrize("labels", ["all", "missing", "classes"])
def test_more_free_features_than_entries_of_a_sparse_column(labels):
    """Their curvature comes from sparse rows, and is as good as from dense ones."""
    X = sparse.random(200, 60, 0.02, random_state=0, format="csr")
    Y = np.random.default_rng(0).normal(size=(200, 4))
    weights = (np.arange(60) >= 25).astype(float)
    make = GroupLassoRegressor
    if labels == "missing":
        Y[::3, 1] = np.nan
    if labels == "classes":
        Y, make = (Y > 0).astype(int), GroupLassoClassifier
    model = make(0.01, penalty_weights=weights, tol=1e-9)
    found = model.fit(X, Y).objective_
    assert model.converged_
    assert_allclose(found, model.fit(X.toarray(), Y).objective_, rtol=1e-8)


def test_columns_of_a_gram_matrix_are_kept_as_far_as_they_fit():
    """They are those of the definition, and no more are kept than X has rows."""
    rng = np.random.default_rng(0)
    X, h = rng.normal(size=(8, 30)), rng.uniform(0.5, 2.0, size=(8, 1))
    mean = (h.T @ X).T / h.sum()
    exact = (X - mean.T).T @ (h * (X - mean.T))
    cross = CrossGram(X, h, mean)
    for used in ([1, 2, 3], [2, 7, 9], [9, 1], range(10, 16), [2, 12, 29]):
        used = np.array(used)
        assert_allclose(cross.columns(used), exact[:, used], atol=1e-12)
        assert cross._columns.shape[1] <= 8
