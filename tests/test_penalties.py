"""Penalties: prox, dual norm, subdifferential; wrong proxes that must be caught."""

import cvxpy as cp
import numpy as np
import pytest
from _mutants import CAUGHT
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import brentq

from skmtl.penalties import SparseGroup, WithRidge

NORMS = [SparseGroup(0.7, ratio) for ratio in (0.0, 0.3, 0.5, 0.8, 1.0)]
ALL = [
    *NORMS,
    *(WithRidge(norm, 0.4) for norm in NORMS),
    WithRidge(SparseGroup(0.0), 2.0),
]


class ThresholdByMax(SparseGroup):
    """Wrong: shrinks a row by its largest entry."""

    def prox(self, V, step):
        size = np.abs(V).max(axis=1, keepdims=True)
        return V * np.maximum(1 - step * self.alpha / np.where(size > 0, size, 1), 0)


class GroupBeforeL1(SparseGroup):
    """Wrong: composes the two thresholds in the other order."""

    def prox(self, V, step):
        group, l1 = SparseGroup(self._group), SparseGroup(self._l1, 1.0)
        return l1.prox(group.prox(V, step), step)


class ClipAfterThreshold(SparseGroup):
    """Wrong: what is left of a row may not exceed alpha."""

    def prox(self, V, step):
        return np.clip(super().prox(V, step), -self.alpha, self.alpha)


class ForgetsTheStep(SparseGroup):
    """Wrong: a step of 1 whatever is asked for."""

    def prox(self, V, step):
        return super().prox(V, 1.0)


class RidgeOnTop(WithRidge):
    """Wrong: shrinks without shortening the step of the norm."""

    def prox(self, V, step):
        return self.gauge.prox(V / (1 + step * self.ridge), step)


MUTANTS = [
    ThresholdByMax(0.7),
    GroupBeforeL1(0.7, 0.5),
    ClipAfterThreshold(0.7),
    ForgetsTheStep(0.7, 0.3),
    RidgeOnTop(SparseGroup(0.7), 0.4),
]


def name_of(penalty):
    if isinstance(penalty, WithRidge):
        return f"{type(penalty).__name__}-{penalty.gauge.l1_ratio}"
    return f"{type(penalty).__name__}-{penalty.l1_ratio}"


def with_mutants(penalties, mutants=MUTANTS):
    wrong = [pytest.param(m, id=name_of(m), marks=CAUGHT) for m in mutants]
    return [*(pytest.param(p, id=name_of(p)) for p in penalties), *wrong]


every = pytest.mark.parametrize(
    "penalty", [pytest.param(p, id=name_of(p)) for p in ALL]
)
norms = pytest.mark.parametrize(
    "penalty", [pytest.param(p, id=name_of(p)) for p in NORMS]
)
MATRIX = arrays(np.float64, (3, 3), elements=st.floats(-5, 5))
STEP = st.floats(0.05, 2)


# ------------------------------------------------------------------ the prox
@pytest.mark.parametrize("penalty", with_mutants(ALL))
@given(V=MATRIX, step=STEP, seed=st.integers(0, 2**32 - 1))
def test_prox_is_the_minimum_nearby(penalty, V, step, seed):
    P = penalty.prox(V, step)
    value = 0.5 * np.sum((P - V) ** 2) + step * penalty.value(P)
    rng = np.random.default_rng(seed)
    for size in (1.0, 0.1, 0.01):
        D = size * rng.normal(size=V.shape) * (rng.random(V.shape) < 0.5)
        for Q in (P + D, P * (1 + size * rng.normal()), np.where(D > 0, 0.0, P)):
            other = 0.5 * np.sum((Q - V) ** 2) + step * penalty.value(Q)
            assert other >= value - 1e-12


@pytest.mark.parametrize("penalty", with_mutants(NORMS, MUTANTS[:4]))
@given(V=MATRIX, step=STEP)
def test_prox_euler_identity(penalty, V, step):
    P = penalty.prox(V, step)
    assert np.isclose(np.sum((V - P) * P), step * penalty.value(P), atol=1e-8)


@every
@given(V=MATRIX, Z=MATRIX, step=STEP)
def test_prox_is_firmly_non_expansive(penalty, V, Z, step):
    P, Q = penalty.prox(V, step), penalty.prox(Z, step)
    assert np.sum((P - Q) ** 2) <= np.sum((P - Q) * (V - Z)) + 1e-10


@pytest.mark.parametrize("penalty", with_mutants(ALL))
def test_prox_is_what_cvxpy_finds(penalty):
    rng = np.random.default_rng(0)
    gauge = getattr(penalty, "gauge", penalty)
    for step in (0.3, 1.7):
        V = rng.normal(size=(6, 3)) * np.array([0.3, 1, 1, 2, 4, 0])[:, None]
        P = cp.Variable(V.shape)
        value = gauge._group * cp.sum(cp.norm(P, 2, axis=1)) + gauge._l1 * cp.sum(
            cp.abs(P)
        )
        value += getattr(penalty, "ridge", 0.0) / 2 * cp.sum_squares(P)
        cp.Problem(cp.Minimize(cp.sum_squares(P - V) / 2 + step * value)).solve(
            solver="CLARABEL"
        )
        # strongly convex: a value good to 1e-8 is a point good to 1.4e-4
        np.testing.assert_allclose(penalty.prox(V, step), P.value, atol=1.5e-4)


@every
def test_prox_with_a_step_per_row(penalty):
    V = np.random.default_rng(0).normal(size=(4, 3)) * 3
    steps = np.array([0.1, 0.5, 1.0, 3.0])[:, None]
    found = penalty.prox(V, steps)
    for j in range(4):
        np.testing.assert_allclose(
            found[[j]], penalty.prox(V[[j]], steps[j, 0]), atol=1e-15
        )


# ------------------------------------------------------------------ norms
@norms
@given(V=MATRIX, factor=st.floats(-100, 100))
def test_homogeneity(penalty, V, factor):
    expected = abs(factor) * penalty.value(V)
    assert penalty.value(factor * V) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert penalty.dual_norm(factor * V) == pytest.approx(
        abs(factor) * penalty.dual_norm(V), rel=1e-9, abs=1e-12
    )


@norms
@given(V=MATRIX, Z=MATRIX)
def test_triangle_and_hoelder(penalty, V, Z):
    assert penalty.value(V + Z) <= penalty.value(V) + penalty.value(Z) + 1e-9
    per_alpha = penalty.value(Z) / penalty.alpha
    assert abs(np.vdot(V, Z)) <= penalty.dual_norm(V) * per_alpha + 1e-9


@norms
@pytest.mark.parametrize("seed", range(20))
def test_dual_norm_is_where_the_prox_vanishes(penalty, seed):
    rng = np.random.default_rng(seed)
    G = rng.normal(size=(4, rng.integers(1, 6))) * 10.0 ** rng.integers(-6, 6)
    if seed % 3 == 0:
        G = np.round(G / np.abs(G).max(), 1)  # ties and zeros
    norm = penalty.dual_norm(G)
    above = SparseGroup(norm * (1 + 1e-9), penalty.l1_ratio)
    below = SparseGroup(norm * (1 - 1e-9), penalty.l1_ratio)
    assert not above.prox(G, 1.0).any()
    assert below.prox(G, 1.0).any()
    assert penalty.alpha_max(G) == norm


@pytest.mark.parametrize("ratio", [1e-6, 0.1, 0.5, 0.9, 1 - 1e-9])
@pytest.mark.parametrize("seed", range(10))
def test_dual_norm_by_root_finding(ratio, seed):
    g = np.random.default_rng(seed).normal(size=5)

    def left(a):
        soft = np.maximum(np.abs(g) - a * ratio, 0)
        return np.linalg.norm(soft) - a * (1 - ratio)

    root = brentq(left, 0, 10 / min(1, max(ratio, 0.05)), xtol=1e-15, rtol=1e-15)
    assert SparseGroup(1.0, ratio).dual_norm(g[None]) == pytest.approx(root, rel=1e-9)


@every
def test_dual_points_are_feasible(penalty):
    rng = np.random.default_rng(0)
    gauge = getattr(penalty, "gauge", penalty)
    for size in (1e-6, 0.1, 1.0, 100.0):
        G = size * rng.normal(size=(5, 3))
        points = penalty.dual_points(G)
        for rho, conjugate in points:
            assert 0 <= rho <= 1
            if conjugate == 0.0 and gauge.alpha > 0:
                assert gauge.dual_norm(rho * G) <= gauge.alpha * (1 + 1e-9)
            for _ in range(30):  # Omega* is an upper bound of every <V, W> - Omega(W)
                W = rng.normal(size=G.shape) * 10.0 ** rng.integers(-3, 3)
                bound = np.vdot(-rho * G, W) - penalty.value(W)
                assert conjugate >= bound - 1e-9 * (1 + abs(conjugate))


@pytest.mark.parametrize("ratio", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_conjugate_with_ridge_is_attained(ratio, alpha):
    penalty = WithRidge(SparseGroup(alpha, ratio), 0.3)
    G = np.random.default_rng(0).normal(size=(5, 3))
    conjugate = next(c for rho, c in penalty.dual_points(G)[::-1] if rho == 1.0)
    W = penalty.gauge.prox(-G, 1.0) / 0.3
    assert conjugate == pytest.approx(np.vdot(-G, W) - penalty.value(W), rel=1e-12)


# ------------------------------------------------------------------ subdifferential
@every
@given(V=MATRIX, step=STEP)
def test_no_distance_at_a_prox(penalty, V, step):
    P = penalty.prox(V, step)
    distance = penalty.subdiff_distance(P, (P - V) / step)
    assert distance.shape == (3,)
    assert distance.max() <= 1e-9 * (1 + np.abs(V).max() / step)


@every
def test_distance_is_the_distance(penalty):
    """Against a projection onto the subdifferential, found by CVXPY."""
    rng = np.random.default_rng(1)
    gauge = getattr(penalty, "gauge", penalty)
    W = rng.normal(size=(5, 3))
    W[0], W[1, 1], W[2, :2] = 0.0, 0.0, 0.0
    G = 2 * rng.normal(size=W.shape)
    found = penalty.subdiff_distance(W, G)
    for j in range(5):
        S, B = cp.Variable(3), cp.Variable(3)
        rules = [cp.abs(S) <= 1, cp.norm(B) <= 1]
        rules += [S[t] == np.sign(W[j, t]) for t in range(3) if W[j, t] != 0]
        if W[j].any():
            rules.append(W[j] / np.linalg.norm(W[j]) == B)
        V = gauge._group * B + gauge._l1 * S + getattr(penalty, "ridge", 0.0) * W[j]
        program = cp.Problem(cp.Minimize(cp.norm(-G[j] - V)), rules)
        assert found[j] == pytest.approx(program.solve(solver="CLARABEL"), abs=1e-6)


@every
@pytest.mark.parametrize("size", [0.0, 1e-150, 1e150])
def test_finite_at_the_ends(penalty, size):
    V = size * np.array([[1.0, -2.0], [0.0, 0.0], [3.0, 0.5]])
    with np.errstate(divide="raise", invalid="raise"):
        P = penalty.prox(V, 0.5)
        assert np.isfinite(P).all()
        assert not P[1].any()
        assert np.isfinite(penalty.subdiff_distance(P, V)).all()
        for rho, _ in penalty.dual_points(V):
            assert 0 <= rho <= 1
    if not isinstance(penalty, WithRidge):
        assert np.isfinite(penalty.value(V))
        assert np.isfinite(penalty.dual_norm(V))


@every
def test_kernel_arguments_describe_the_prox(penalty):
    starts, group, l1, ridge, _, _ = penalty.kernel_arguments(4)
    np.testing.assert_array_equal(starts, np.arange(5))
    V = np.random.default_rng(0).normal(size=(4, 3))
    again = WithRidge(
        SparseGroup(group[0] + l1[0], l1[0] / max(group[0] + l1[0], 1e-300)), ridge[0]
    )
    np.testing.assert_allclose(penalty.prox(V, 0.7), again.prox(V, 0.7), atol=1e-12)
