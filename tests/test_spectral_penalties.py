"""Penalties of singular values: prox, conjugate, wrong proxes that must be caught."""

import cvxpy as cp
import numpy as np
import pytest
from _mutants import CAUGHT
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.covariance import graphical_lasso

from skmtl.penalties import (
    LearnedPrecision,
    SquaredTraceNorm,
    TaskPrecision,
    TraceNorm,
    WithRidge,
)
from skmtl.penalties.sparse_precision import sparse_precision
from skmtl.penalties.spectrum import change_spectrum, singular_rows, singular_values

RELATED = np.array([[2.0, -1.0, 0.0], [-1.0, 1.5, 0.2], [0.0, 0.2, 1.0]])
ALL = {
    "trace": TraceNorm(0.7),
    "trace_ridge": WithRidge(TraceNorm(0.7), 0.4),
    "squared": SquaredTraceNorm(0.7),
    "squared_ridge": SquaredTraceNorm(0.7, 0.4),
    "ridge_alone": SquaredTraceNorm(0.0, 0.4),
    "precision": TaskPrecision(0.7, RELATED, 0.1),
}
STEP = st.floats(0.05, 2)
SHAPES = [(3, 3), (2, 4), (5, 3)]


class NormOfTheInput(SquaredTraceNorm):
    """Wrong: the threshold is that of the trace norm before shrinking."""

    def prox(self, V, step):
        size = singular_values(V).sum()
        shrink = 1.0 / (1.0 + step * self.ridge)
        return TraceNorm(self.alpha * size).prox(V * shrink, step * shrink)


class ForgetsOthers(SquaredTraceNorm):
    """Wrong: shrinks every singular value as if it were alone (a ridge)."""

    def prox(self, V, step):
        return V / (1.0 + step * (self.alpha + self.ridge))


class RidgeAfterwards(SquaredTraceNorm):
    """Wrong: composes the two terms without shortening the step."""

    def prox(self, V, step):
        return SquaredTraceNorm(self.alpha).prox(V / (1 + step * self.ridge), step)


class ByRowsOnly(TraceNorm):
    """Wrong: shrinks rows, not directions."""

    def prox(self, V, step):
        size = np.linalg.norm(V, axis=1, keepdims=True)
        return V * np.maximum(1 - step * self.alpha / np.where(size > 0, size, 1), 0)


class ForgetsTheStep(TaskPrecision):
    """Wrong: a step of 1 whatever is asked for."""

    def prox(self, V, step):
        return super().prox(V, 1.0)


MUTANTS = {
    "norm_of_the_input": NormOfTheInput(0.7),
    "forgets_others": ForgetsOthers(0.7, 0.4),
    "ridge_afterwards": RidgeAfterwards(0.7, 0.4),
    "by_rows_only": ByRowsOnly(0.7),
    "forgets_the_step": ForgetsTheStep(0.7, RELATED, 0.1),
}
every = pytest.mark.parametrize("penalty", ALL.values(), ids=ALL)
with_mutants = pytest.mark.parametrize(
    "penalty",
    [pytest.param(p, id=name) for name, p in ALL.items()]
    + [pytest.param(p, id=name, marks=CAUGHT) for name, p in MUTANTS.items()],
)


def matrices(columns=3):
    return arrays(np.float64, (4, columns), elements=st.floats(-5, 5))


# ------------------------------------------------------------------ the prox
@with_mutants
@given(V=matrices(), step=STEP, seed=st.integers(0, 2**32 - 1))
def test_prox_is_the_minimum_nearby(penalty, V, step, seed):
    P = penalty.prox(V, step)
    value = 0.5 * np.sum((P - V) ** 2) + step * penalty.value(P)
    rng = np.random.default_rng(seed)
    for size in (1.0, 0.1, 0.01):
        D = size * rng.normal(size=V.shape)
        for Q in (P + D, P * (1 + size * rng.normal()), P + D * (D > 0)):
            other = 0.5 * np.sum((Q - V) ** 2) + step * penalty.value(Q)
            assert other >= value - 1e-11


@every
@given(V=matrices(), Z=matrices(), step=STEP)
def test_prox_is_firmly_non_expansive(penalty, V, Z, step):
    P, Q = penalty.prox(V, step), penalty.prox(Z, step)
    assert np.sum((P - Q) ** 2) <= np.sum((P - Q) * (V - Z)) + 1e-9


@with_mutants
def test_prox_is_what_cvxpy_finds(penalty):
    rng = np.random.default_rng(0)
    for step in (0.3, 1.7):
        V = rng.normal(size=(5, 3)) * np.array([0.3, 1, 2, 4, 0])[:, None]
        P = cp.Variable(V.shape)
        ridge = getattr(penalty, "ridge", 0.0)
        if isinstance(penalty, TaskPrecision):
            root = np.linalg.cholesky(0.7 * RELATED)
            value = cp.sum_squares(P @ root) / 2
        elif isinstance(penalty, SquaredTraceNorm):
            value = penalty.alpha / 2 * cp.square(cp.normNuc(P))
        else:
            value = 0.7 * cp.normNuc(P)
        value += ridge / 2 * cp.sum_squares(P)
        program = cp.Problem(cp.Minimize(cp.sum_squares(P - V) / 2 + step * value))
        program.solve(solver="CLARABEL")
        np.testing.assert_allclose(penalty.prox(V, step), P.value, atol=3e-4)


@every
@given(V=matrices(), step=STEP)
def test_no_distance_at_a_prox(penalty, V, step):
    P = penalty.prox(V, step)
    distance = penalty.subdiff_distance(P, (P - V) / step)
    assert distance.shape == (4,)
    # Singular values right at the threshold may be taken for 0 or not.
    assert distance.max() <= 1e-6 * (1 + np.abs(V).max() / step)
    assert penalty.subdiff_distance(P, (P - V) / step + 9.0).max() > 1.0


@every
@pytest.mark.parametrize("size", [0.0, 1e-150, 1e150])
def test_finite_at_the_ends(penalty, size):
    V = size * np.array([[1.0, -2.0, 0], [0.0, 0.0, 0], [3.0, 0.5, 0], [0, 0, 1]])
    with np.errstate(divide="raise", invalid="raise"):
        P = penalty.prox(V, 0.5)
        assert np.isfinite(P).all()
        assert np.isfinite(penalty.subdiff_distance(P, V)).all()


# ------------------------------------------------------------------ the conjugate
@every
@pytest.mark.parametrize("size", [1e-6, 0.1, 1.0, 100.0])
def test_dual_points_bound_everything(penalty, size):
    rng = np.random.default_rng(0)
    G = size * rng.normal(size=(5, 3))
    for rho, conjugate in penalty.dual_points(G):
        assert 0 <= rho <= 1
        for _ in range(50):
            W = rng.normal(size=G.shape) * 10.0 ** rng.integers(-4, 3)
            bound = np.vdot(-rho * G, W) - penalty.value(W)
            assert conjugate >= bound - 1e-9 * (1 + abs(conjugate))


@pytest.mark.parametrize("alpha", [0.0, 1e-6, 0.5, 50.0])
@pytest.mark.parametrize("ridge", [0.0, 1e-6, 0.3])
@pytest.mark.parametrize("seed", range(5))
def test_conjugate_of_the_squared_norm_is_attained(alpha, ridge, seed):
    if alpha == ridge == 0.0:
        return
    rng = np.random.default_rng(seed)
    G, penalty = rng.normal(size=(5, 3)), SquaredTraceNorm(alpha, ridge)
    ((_, conjugate),) = penalty.dual_points(G)
    U, s, Z = np.linalg.svd(-G, full_matrices=False)
    if ridge == 0.0:
        W = np.outer(U[:, 0], Z[0]) * s[0] / alpha
    else:  # the spectrum by brute force: a bounded problem in three unknowns
        x = cp.Variable(3, nonneg=True)
        value = alpha / 2 * cp.square(cp.sum(x)) + ridge / 2 * cp.sum_squares(x)
        unit = max(alpha, ridge)
        cp.Problem(cp.Maximize(s @ x - value / unit)).solve(solver="CLARABEL")
        W = (U * (x.value / unit)) @ Z
    attained = np.vdot(-G, W) - penalty.value(W)
    assert conjugate == pytest.approx(attained, rel=1e-5)


def test_conjugate_of_a_precision_is_attained():
    penalty, G = ALL["precision"], np.random.default_rng(0).normal(size=(5, 3))
    ((rho, conjugate),) = penalty.dual_points(G)
    W = -G @ np.linalg.inv(0.7 * RELATED + 0.1 * np.eye(3))
    assert rho == 1.0
    assert conjugate == pytest.approx(np.vdot(-G, W) - penalty.value(W), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_alpha_max_is_exact_from_both_sides(seed):
    G = np.random.default_rng(seed).normal(size=(4, 6))
    norm = TraceNorm(1.0).alpha_max(G)
    assert norm == pytest.approx(np.linalg.norm(G, 2), rel=1e-14)
    assert not TraceNorm(norm * (1 + 1e-9)).prox(G, 1.0).any()
    assert TraceNorm(norm * (1 - 1e-9)).prox(G, 1.0).any()


# ------------------------------------------------------------------ variational forms
@pytest.mark.parametrize("shape", SHAPES)
def test_squared_norm_is_the_best_covariance(shape):
    """The definition: the least of tr(W C^-1 W') over C of trace 1."""
    W = np.random.default_rng(0).normal(size=shape)
    T = shape[1]
    C = cp.Variable((T, T), PSD=True)
    program = cp.Problem(cp.Minimize(cp.matrix_frac(W.T, C)), [cp.trace(C) == 1])
    least = program.solve(solver="CLARABEL")
    assert 2 * SquaredTraceNorm(1.0).value(W) == pytest.approx(least, rel=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("penalty", [TraceNorm(0.7), SquaredTraceNorm(0.7)])
def test_factors_cost_no_less_than_their_product(penalty, shape):
    rng = np.random.default_rng(0)
    for r in (1, 3, 6):
        U, V = rng.normal(size=(shape[0], r)), rng.normal(size=(shape[1], r))
        bound, *_ = penalty.factor_strengths(np.vdot(U, U), np.vdot(V, V))
        assert bound >= penalty.value(U @ V.T) * (1 - 1e-12)
    A, s, B = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    U, V = A * np.sqrt(s), B.T * np.sqrt(s)
    a, b = np.vdot(U, U), np.vdot(V, V)
    bound, on_V, on_U, growth = penalty.factor_strengths(a, b)
    assert bound == pytest.approx(penalty.value(U @ V.T))
    for step, strength in ((1e-6, on_U), (-1e-6, on_U)):
        other, *_ = penalty.factor_strengths(a + step, b)
        assert other - bound == pytest.approx(0.5 * strength * step, rel=1e-5)
    other, more_on_V, *_ = penalty.factor_strengths(a + 1.0, b)
    assert more_on_V - on_V == pytest.approx(growth)


# ------------------------------------------------------------------ the smaller side
@pytest.mark.parametrize("shape", [(6, 40), (40, 6), (5, 5), (1, 7), (7, 1)])
@pytest.mark.parametrize("decades", [0, 4, 7, 12, 30])
def test_spectrum_keeps_its_digits(shape, decades):
    rng = np.random.default_rng(0)
    k = min(shape)
    U, _ = np.linalg.qr(rng.normal(size=(shape[0], k)))
    Z, _ = np.linalg.qr(rng.normal(size=(shape[1], k)))
    s = np.logspace(0, -decades, k) * 3e5
    V = (U * s) @ Z.T
    found = singular_values(V)
    np.testing.assert_allclose(found, np.linalg.svd(V)[1], rtol=0, atol=1e-12 * s[0])
    assert found.sum() >= s.sum() * (1 - 1e-14)
    _, Q, B = singular_rows(V)
    np.testing.assert_allclose(Q @ Q.T, np.eye(k), atol=1e-13)
    short = V if shape[0] <= shape[1] else V.T
    np.testing.assert_allclose(Q @ B, short, atol=1e-14 * s[0] * k)
    cut = change_spectrum(V, lambda x: np.maximum(x - 0.3 * s[0], 0.0))
    expected = (U * np.maximum(s - 0.3 * s[0], 0.0)) @ Z.T
    np.testing.assert_allclose(cut, expected, atol=1e-11 * s[0])
    assert np.linalg.matrix_rank(cut) == np.count_nonzero(s > 0.3 * s[0])


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 3)])
def test_spectrum_of_nothing(shape):
    V = np.zeros(shape)
    assert not singular_values(V).any()
    assert change_spectrum(V, lambda s: s).shape == shape


# ------------------------------------------------------------------ graphical lasso
@pytest.mark.parametrize("sparsity", [0.0, 0.05, 0.3, 5.0])
def test_sparse_precision_is_the_graphical_lasso(sparsity):
    X = np.random.default_rng(0).normal(size=(60, 5)) @ np.diag([1, 2, 1, 1, 3.0])
    X[:, 1] += X[:, 0]
    S = X.T @ X / 60
    K, multipliers = sparse_precision(S, sparsity)
    _, expected = graphical_lasso(S, sparsity, tol=1e-9, enet_tol=1e-9, max_iter=500)
    np.testing.assert_allclose(K, expected, atol=2e-5)
    again, _ = sparse_precision(S, sparsity, (K, multipliers))
    np.testing.assert_allclose(again, K, atol=1e-4)
    np.testing.assert_array_equal(K, K.T)
    if sparsity == 5.0:
        assert np.count_nonzero(K) == 5


def test_sparse_precision_where_directions_are_few():
    """Far from diagonal: coordinate descent finds these systems too ill-conditioned."""
    rng = np.random.default_rng(0)
    W = rng.normal(size=(28, 3)) @ rng.normal(size=(3, 40))
    S = W.T @ W / 0.3 + np.eye(40)
    K, _ = sparse_precision(S, 0.5)
    assert np.linalg.eigvalsh(K)[0] > 0
    # KKT: the inverse differs from S by the sign times the sparsity, or by less.
    rest, off = np.linalg.inv(K) - S, ~np.eye(40, dtype=bool)
    assert np.abs(np.diag(rest)).max() <= 1e-3 * S.max()
    assert np.abs(rest[off]).max() <= 0.5 + 1e-3 * S.max()


def test_learned_precision_is_touched_from_above():
    rng = np.random.default_rng(0)
    penalty = LearnedPrecision(0.7, 0.1, 0.3, 0.05)
    W = rng.normal(size=(6, 3))
    start, above = penalty.value(W), penalty.majorant(W)
    shift = start - above.value(W)
    for _ in range(30):
        V = W + rng.normal(size=W.shape) * rng.choice([1e-3, 0.1, 1.0])
        assert above.value(V) + shift >= penalty.value(V) - 1e-7
    G = -rng.normal(size=W.shape)
    numeric = np.empty_like(W)
    for i in np.ndindex(*W.shape):
        D = np.zeros_like(W)
        D[i] = 1e-4
        numeric[i] = (penalty.value(W + D) - penalty.value(W - D)) / 2e-4
    expected = np.linalg.norm(G + numeric, axis=1)
    np.testing.assert_allclose(penalty.subdiff_distance(W, G), expected, atol=1e-3)
    assert penalty.value(np.zeros((6, 3))) == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(penalty.precision(np.zeros((6, 3))), np.eye(3))
