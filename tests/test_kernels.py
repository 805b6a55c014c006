"""Compiled sweeps: exact blocks, and the iterates of a plain coordinate descent."""

from itertools import pairwise

import cvxpy as cp
import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize

from skmtl import _kernels
from skmtl.penalties.norms import NORMS

COMPILED = {"compiled": lambda kernel: kernel, "python": lambda kernel: kernel.py_func}
modes = pytest.mark.parametrize("mode", COMPILED)


def kernel(name, mode):
    function = getattr(_kernels, name)
    if not hasattr(function, "py_func"):  # NUMBA_DISABLE_JIT=1
        return function
    return COMPILED[mode](function)


def block_value(v, center, curvature, group, l1):
    return (
        0.5 * curvature @ v**2
        - center @ v
        + group * np.linalg.norm(v)
        + l1 * np.abs(v).sum()
    )


def solve_block(
    center, curvature, group, l1, mode="compiled", norm="l2", positive=False
):
    n, out = len(center), np.full(len(center), np.nan)
    code = NORMS[norm].code
    kernel("solve_block", mode)(center, curvature, n, group, l1, code, positive, out)
    return out


# ------------------------------------------------------------------ one block
CURVATURES = {
    "equal": lambda rng, T: np.full(T, 1.7),
    "random": lambda rng, T: rng.uniform(0.1, 3, T),
    "far apart": lambda rng, T: 10.0 ** rng.uniform(-6, 6, T),
    "one is zero": lambda rng, T: rng.uniform(0.1, 3, T) * (np.arange(T) > 0),
}


@modes
@pytest.mark.parametrize("curvature", CURVATURES)
@pytest.mark.parametrize("seed", range(12))
def test_block_is_stationary(seed, curvature, mode):
    """Zero is in the subdifferential: for a convex function nothing else is needed."""
    rng = np.random.default_rng(seed)
    T = rng.integers(1, 6)
    a, center = CURVATURES[curvature](rng, T), 2 * rng.normal(size=T)
    group, l1 = rng.choice([0.2, 1.0, 3.0]), rng.choice([0.0, 0.1, 1.0])
    if curvature == "one is zero":
        center[0] = 0.9 * l1 * np.sign(center[0])  # else there may be no minimum
    v = solve_block(center, a, group, l1, mode)
    pull = np.sign(center) * np.maximum(np.abs(center) - l1, 0.0)
    if not v.any():
        assert np.linalg.norm(pull) <= group * (1 + 1e-12)
        return
    assert np.linalg.norm(pull) > group
    rest = center - a * v - group * v / np.linalg.norm(v)
    on = v != 0
    scale = np.abs(center).max() + group
    np.testing.assert_allclose(rest[on], l1 * np.sign(v[on]), atol=1e-9 * scale)
    assert (np.abs(rest[~on]) <= l1 + 1e-9 * scale).all()


@pytest.mark.parametrize("seed", range(5))
def test_block_is_what_cvxpy_finds(seed):
    rng = np.random.default_rng(seed)
    center, a = 2 * rng.normal(size=4), rng.uniform(0.2, 3, 4)
    group, l1 = rng.uniform(0, 1.5, 2)
    V = cp.Variable(4)
    value = cp.sum_squares(cp.multiply(np.sqrt(a), V)) / 2 - center @ V
    value += group * cp.norm(V) + l1 * cp.norm1(V)
    expected = cp.Problem(cp.Minimize(value)).solve(solver="CLARABEL")
    v = solve_block(center, a, group, l1)
    assert block_value(v, center, a, group, l1) <= expected + 1e-8
    for start in (v + 0.1, rng.normal(size=4)):
        other = minimize(
            block_value, start, (center, a, group, l1), method="Nelder-Mead"
        )
        assert block_value(v, center, a, group, l1) <= other.fun + 1e-9


@pytest.mark.parametrize("mode", COMPILED)
@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_every_kind_of_block_is_what_cvxpy_finds(seed, positive, norm, mode):
    rng = np.random.default_rng(seed)
    center, a = 2 * rng.normal(size=5), rng.uniform(0.2, 3, 5)
    group, l1 = rng.uniform(0, 2.5), rng.choice([0.0, 0.4])
    V = cp.Variable(5)
    value = cp.sum_squares(cp.multiply(np.sqrt(a), V)) / 2 - center @ V
    value += group * cp.norm(V, 2 if norm == "l2" else "inf") + l1 * cp.norm1(V)
    rules = [V >= 0] if positive else []
    expected = cp.Problem(cp.Minimize(value), rules).solve(solver="CLARABEL")
    v = solve_block(center, a, group, l1, mode, norm, positive)
    found = 0.5 * a @ v**2 - center @ v + l1 * np.abs(v).sum()
    found += group * np.linalg.norm(v, 2 if norm == "l2" else np.inf)
    assert found <= expected + 1e-8
    assert (v >= 0).all() or not positive


@modes
def test_block_without_curvature_or_penalty(mode):
    zero, one = np.zeros(3), np.ones(3)
    assert not solve_block(zero, zero, 0.0, 0.0, mode).any()
    assert not solve_block(zero, zero, 1.0, 0.5, mode).any()
    assert not solve_block(one, zero, 2.0, 0.0, mode).any()
    np.testing.assert_allclose(solve_block(one, 2 * one, 0.0, 0.0, mode), 0.5)
    np.testing.assert_allclose(solve_block(one, 2 * one, 0.0, 0.4, mode), 0.3)
    assert solve_block(one, np.array([0.0, 1.0, 2.0]), 0.0, 0.0, mode)[0] == 0.0


@pytest.mark.parametrize("size", [1e-150, 1e-12, 1e12, 1e150])
def test_block_scales(size):
    center, a = np.array([3.0, -1.0, 0.2]), np.array([1.0, 2.0, 0.5])
    expected = solve_block(center, a, 0.7, 0.1)
    np.testing.assert_allclose(
        solve_block(size * center, a, size * 0.7, size * 0.1),
        size * expected,
        rtol=1e-9,
    )
    np.testing.assert_allclose(
        solve_block(center, size * a, 0.7, 0.1), expected / size, rtol=1e-9
    )


@pytest.mark.parametrize("group", [1e-300, 1e-160, 1e-20])
def test_block_with_a_vanishing_penalty(group):
    center, a = np.array([3.0, -1.0]), np.array([1.0, 50.0])
    np.testing.assert_allclose(
        solve_block(center, a, group, 0.0), center / a, rtol=1e-9
    )


@modes
def test_block_of_nan_ends(mode):
    found = solve_block(np.array([np.nan, 1.0]), np.ones(2), 0.5, 0.1, mode)
    assert found[1] == pytest.approx(0.4)


# ------------------------------------------------------------------ sweeps
def problem(seed, shared):
    """Return rows of 3 tasks, their weights, strengths and a start."""
    rng = np.random.default_rng(seed)
    k, sizes = 5, [9, 9, 9] if shared else [6, 11, 8]
    blocks = [rng.normal(size=(n, k)) * (rng.random((n, k)) < 0.6) + 0.3 for n in sizes]
    if shared:
        blocks = [blocks[0]] * 3
    ys = [X @ rng.normal(size=k) + rng.normal(size=len(X)) for X in blocks]
    hs = [rng.uniform(0.2, 2, len(y)) / len(y) for y in ys]
    strengths = (
        rng.uniform(0, 0.3, k),
        rng.uniform(0, 0.2, k),
        rng.choice([0.0, 0.5], k),
    )
    return blocks, ys, hs, strengths, rng.normal(size=(3, k))


def rows_as_blocks(strengths):
    """Return the arguments of a penalty in which every row is a block."""
    return np.arange(len(strengths[0]) + 1), *strengths, 0, False


def plain_descent(blocks, ys, hs, strengths, W, n_sweeps, centre):
    """Sweep with residuals made anew for every row: slow, and hard to get wrong."""
    W, (group, l1, ridge) = W.copy(), strengths
    if centre:
        blocks = [X - h @ X / h.sum() for X, h in zip(blocks, hs, strict=True)]
        ys = [y - h @ y / h.sum() for y, h in zip(ys, hs, strict=True)]
    for _ in range(n_sweeps):
        for j in range(W.shape[1]):
            bend = np.array([h @ X[:, j] ** 2 for X, h in zip(blocks, hs, strict=True)])
            center = [
                (h * (y - X @ W[t])) @ X[:, j] + bend[t] * W[t, j]
                for t, (X, y, h) in enumerate(zip(blocks, ys, hs, strict=True))
            ]
            W[:, j] = solve_block(np.array(center), bend + ridge[j], group[j], l1[j])
    return W


def residuals(blocks, ys, hs, W, centre):
    r = [y - X @ W[t] for t, (X, y) in enumerate(zip(blocks, ys, strict=True))]
    if centre:
        r = [a - h @ a / h.sum() for a, h in zip(r, hs, strict=True)]
    return np.concatenate(r)


def means_and_curvatures(blocks, hs, centre):
    mean = np.array([h @ X / h.sum() * centre for X, h in zip(blocks, hs, strict=True)])
    squares = [h @ (X - m) ** 2 for X, h, m in zip(blocks, hs, mean, strict=True)]
    return mean, np.array(squares)


@modes
@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("n_sweeps", [1, 4])
@pytest.mark.parametrize("seed", range(3))
def test_sweeps_on_dense_rows(seed, n_sweeps, shared, centre, mode):
    blocks, ys, hs, strengths, W = problem(seed, shared)
    if seed == 2:  # equal weights take a shorter way
        hs = [np.full(len(y), 1.3 / len(y)) for y in ys]
    expected = plain_descent(blocks, ys, hs, strengths, W, n_sweeps, centre)
    r = residuals(blocks, ys, hs, W, centre)
    mean, curvature = means_and_curvatures(blocks, hs, centre)
    n = np.array([len(y) for y in ys])
    starts = np.concatenate([[0], np.cumsum(n)[:-1]])
    X = np.asfortranarray(blocks[0] if shared else np.concatenate(blocks))
    x_start = np.zeros(3, int) if shared else starts
    h = np.concatenate(hs)
    s, start = h * r, W.copy()
    level = np.array([v[0] if np.all(v == v[0]) else 0.0 for v in hs])
    kernel("bcd_dense", mode)(
        X.T, x_start, starts, n, h, level, mean, curvature,
        *rows_as_blocks(strengths), n_sweeps, W, s,
    )  # fmt: skip
    np.testing.assert_allclose(W, expected, atol=1e-12)
    after = h * residuals(blocks, ys, hs, W, centre)
    np.testing.assert_allclose(s, after, atol=1e-12)
    if shared:
        s = h * r
        kernel("bcd_shared", mode)(
            X.T, h.reshape(3, -1), level, mean, curvature,
            *rows_as_blocks(strengths), n_sweeps, start, s.reshape(3, -1),
        )  # fmt: skip
        np.testing.assert_allclose(start, expected, atol=1e-12)
        np.testing.assert_allclose(s, after, atol=1e-12)


@modes
@pytest.mark.parametrize("T", [1, 4, 7, 10])
def test_shared_rows_are_swept_as_rows_of_each_task(T, mode):
    """Several tasks at once, some of which have equal weights."""
    rng = np.random.default_rng(T)
    n, k = 11, 6
    X, r, W = rng.normal(size=(n, k)), rng.normal(size=(T, n)), np.zeros((T, k))
    h = np.where(rng.random((T, 1)) < 0.7, 0.1, rng.uniform(0.05, 0.2, (T, n)))
    level = np.where(np.ptp(h, axis=1) == 0, h[:, 0], 0.0)
    mean = h @ X / h.sum(axis=1, keepdims=True)
    r -= ((h * r).sum(axis=1) / h.sum(axis=1))[:, None]
    curvature = np.stack([w @ (X - m) ** 2 for w, m in zip(h, mean, strict=True)])
    strengths = np.array([0, 0.01, 1e3, 1e3, 0.03, 0.02]), np.zeros(k), np.zeros(k)
    start, counts = np.arange(T) * n, np.full(T, n)
    columns, arguments = np.asfortranarray(X).T, rows_as_blocks(strengths)
    s, own, expected = h * r, (h * r).ravel(), W.copy()
    kernel("bcd_dense", mode)(
        columns, 0 * start, start, counts, h.ravel(), level, mean, curvature,
        *arguments, 3, expected, own,
    )  # fmt: skip
    kernel("bcd_shared", mode)(columns, h, level, mean, curvature, *arguments, 3, W, s)
    assert expected.any(axis=0).tolist() == [True, True, False, False, True, True]
    np.testing.assert_allclose(W, expected, atol=1e-13)
    np.testing.assert_allclose(s.ravel(), own, atol=1e-13)


@modes
@pytest.mark.parametrize("order", ["C", "F"])
def test_columns_of_small_tasks(order, mode):
    """Means, centred columns and moments of ragged tasks, one feature constant."""
    rng = np.random.default_rng(0)
    offsets, p = np.array([0, 4, 5, 14]), 6
    X, y, s = rng.normal(size=(14, p)), rng.normal(size=14), rng.uniform(0.5, 2, 14)
    X[:, 2] = 0.1
    X = np.asarray(X, order=order)
    mean, centred = np.empty((3, p)), np.empty((14, p), order="F")
    kernel("columns_centre", mode)(X.T, offsets, s, mean, centred.T)
    found = [np.empty(shape) for shape in [3, (3, p), 3, (3, p, p), (3, p), 3]]
    columns = np.ascontiguousarray(X.T)
    kernel("columns_moments", mode)(
        columns, y, s, offsets, np.empty((2, p + 1, 9)), *found
    )
    for t, (a, b) in enumerate(pairwise(offsets)):
        w, rest = s[a:b], X[a:b] - s[a:b] @ X[a:b] / s[a:b].sum()
        off = y[a:b] - w @ y[a:b] / w.sum()
        np.testing.assert_allclose(centred[a:b], rest, atol=1e-15)
        np.testing.assert_allclose(mean[t], w @ X[a:b] / w.sum(), rtol=1e-13)
        expected = [
            w.sum(), mean[t], w @ y[a:b] / w.sum(), (rest.T * w) @ rest,
            rest.T @ (w * off), w @ off**2,
        ]  # fmt: skip
        for values, right in zip(found, expected, strict=True):
            np.testing.assert_allclose(values[t], right, rtol=1e-12, atol=1e-14)
        assert not centred[a:b, 2].any()
        assert not found[3][t, 2].any()


@modes
@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_sweeps_on_sparse_rows(seed, shared, centre, mode):
    blocks, ys, hs, strengths, W = problem(seed, shared)
    blocks = [np.where(X == 0.3, 0.0, X) for X in blocks]
    expected = plain_descent(blocks, ys, hs, strengths, W, 3, centre)
    r = residuals(blocks, ys, hs, W, centre)
    mean, curvature = means_and_curvatures(blocks, hs, centre)
    columns = [sparse.csc_array(X) for X in (blocks[:1] if shared else blocks)]
    ends = np.cumsum([0] + [c.nnz for c in columns])[:-1]
    n = np.array([len(y) for y in ys])
    kernel("bcd_csc", mode)(
        np.concatenate([c.data for c in columns]),
        np.concatenate([c.indices for c in columns]).astype(np.int64),
        np.stack([c.indptr + e for c, e in zip(columns, ends, strict=True)]).astype(
            np.int64
        ),
        np.zeros(3, int) if shared else np.arange(3),
        np.concatenate([[0], np.cumsum(n)[:-1]]), n, np.concatenate(hs), mean,
        curvature, *rows_as_blocks(strengths), 3, W, r,
    )  # fmt: skip
    np.testing.assert_allclose(W, expected, atol=1e-12)
    np.testing.assert_allclose(r, residuals(blocks, ys, hs, W, centre), atol=1e-12)


@modes
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("n_sweeps", [1, 4])
@pytest.mark.parametrize("seed", range(3))
def test_sweeps_on_grams(seed, n_sweeps, shared, mode):
    blocks, ys, hs, strengths, W = problem(seed, shared)
    if shared:
        hs = [hs[0], 2 * hs[0], 5 * hs[0]]
    expected = plain_descent(blocks, ys, hs, strengths, W, n_sweeps, True)
    mean, curvature = means_and_curvatures(blocks, hs, True)
    A = np.stack([
        ((X - m) * h[:, None]).T @ (X - m)
        for X, h, m in zip(blocks, hs, mean, strict=True)
    ])  # fmt: skip
    scale, index = np.ones(3), np.arange(3)
    if shared:
        A, scale, index = A[:1], np.array([1.0, 2.0, 5.0]), np.zeros(3, int)

    def gradient(W):
        r = np.split(
            residuals(blocks, ys, hs, W, True), np.cumsum([len(y) for y in ys])
        )
        return np.array([
            -(h * a) @ (X - m)
            for X, h, m, a in zip(blocks, hs, mean, r[:3], strict=True)
        ])  # fmt: skip

    g = gradient(W)
    arguments = rows_as_blocks(strengths)
    kernel("bcd_gram", mode)(A, index, scale, curvature, *arguments, n_sweeps, W, g)
    np.testing.assert_allclose(W, expected, atol=1e-12)
    np.testing.assert_allclose(g, gradient(W), atol=1e-12)


@modes
@pytest.mark.parametrize("sizes", [[1] * 13, [1, 6, 1, 2, 5, 1, 3], [13], [1, 1], []])
@pytest.mark.parametrize("a1", [0.0, 0.3])
@pytest.mark.parametrize("n_sweeps", [1, 3])
def test_rows_that_move_the_gradient_together(n_sweeps, a1, sizes, mode):
    """A sweep is that of one block after the other, however few rows they have."""
    rng, starts = np.random.default_rng(0), np.cumsum([0, *sizes])
    k, T = starts[-1], 4
    X = rng.normal(size=(2, 30, k))
    A, index = np.einsum("gni,gnj->gij", X, X) / 30, np.array([0, 1, 1, 0])
    scale, W, Q = np.arange(1.0, 5.0), rng.normal(size=(T, k)), rng.normal(size=(T, k))
    W[:, ::3] = Q[:, ::3] = 0.0  # some stay there

    def gradient(W):
        return scale[:, None] * np.einsum("tij,tj->ti", A[index], W) - Q

    B = len(sizes)
    bends = np.array([
        np.linalg.eigvalsh(A[index][:, s:e, s:e])[:, -1] * scale
        for s, e in pairwise(starts)
    ]).reshape(B, T).T.copy()  # fmt: skip
    a2, l1, ridge = np.full(B, 0.5), np.full(B, a1), np.full(B, 0.1)
    expected = W.copy()
    for b in [*range(B)] * n_sweeps:
        own, bend = slice(starts[b], starts[b + 1]), bends[:, b, None]
        center = (bend * expected - gradient(expected))[:, own]
        new = np.empty(center.size)
        _kernels.solve_block.py_func(
            center.ravel(), np.repeat(bend + 0.1, sizes[b], axis=1).ravel(),
            center.size, 0.5, a1, 0, False, new,
        )  # fmt: skip
        expected[:, own] = new.reshape(center.shape)
    g = gradient(W)
    kernel("bcd_gram", mode)(
        A, index, scale, bends, starts, a2, l1, ridge, 0, False, n_sweeps, W, g
    )
    np.testing.assert_allclose(W, expected, atol=1e-12)
    np.testing.assert_allclose(g, gradient(W), atol=1e-12)


@modes
def test_sweeps_over_nan_end(mode):
    blocks, _, hs, strengths, W = problem(0, False)
    _, curvature = means_and_curvatures(blocks, hs, True)
    A = np.full((3, 5, 5), np.nan)
    g = np.full((3, 5), np.nan)
    arguments = rows_as_blocks(strengths)
    kernel("bcd_gram", mode)(
        A, np.arange(3), np.ones(3), curvature, *arguments, 3, W, g
    )
    assert np.isnan(g).all()
