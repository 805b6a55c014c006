"""Losses: derivatives, conjugates and the exact Fenchel gap."""

import numpy as np
import pytest
from _mutants import CAUGHT
from hypothesis import given
from hypothesis import strategies as st

from skmtl.losses import Huber, Logistic, Mixed, Poisson, Squared, loss_parts

LOSSES = [Squared(), Logistic(), Huber(), Huber(0.31), Poisson()]
NAMES = ["squared", "logistic", "huber", "huber_narrow", "poisson"]
BOUNDED = [loss for loss in LOSSES if loss.curvature is not None]
Z = np.array([-40.0, -5.0, -1.0, -1e-9, 0.0, 0.3, 2.0, 7.0, 40.0])


class WrongSign(Logistic):
    """A mutant: the gradient of labels in {-1, 1}."""

    def derivatives(self, y, z):
        slope, bend = super().derivatives(y, z)
        return slope - y, bend


class GapOfUnscaledDual(Logistic):
    """A mutant: forgets that rho also scales y's part."""

    def fenchel_gap(self, y, z, rho):
        return rho * super().fenchel_gap(y, z, 1.0) + 1e-3 * (1 - rho) * abs(z)


class GapOfTheSquare(Huber):
    """A mutant: forgets that the dual variables are clipped."""

    def fenchel_gap(self, y, z, rho):
        return Squared().fenchel_gap(y, z, rho)


class HalfCurvature(Squared):
    """A mutant: a bound that is none."""

    curvature = 0.5


def mutant(loss):
    return pytest.param(loss, id=type(loss).__name__, marks=CAUGHT)


def labels(loss):
    """Return labels of every kind the loss takes."""
    if isinstance(loss, Logistic):
        return np.array([0.0, 1.0])
    if isinstance(loss, Poisson):
        return np.array([0.0, 0.4, 3.0])
    return np.array([-3.0, 0.0, 2.5])


@pytest.mark.parametrize("loss", [*LOSSES, mutant(WrongSign())])
def test_derivatives(loss):
    y, z = np.meshgrid(labels(loss), Z if loss.curvature else Z[Z < 10])
    step = 1e-5
    slope = (loss.value(y, z + step) - loss.value(y, z - step)) / (2 * step)
    np.testing.assert_allclose(loss.derivatives(y, z)[0], slope, rtol=1e-6, atol=1e-8)
    bend = (loss.derivatives(y, z + step)[0] - loss.derivatives(y, z - step)[0]) / (
        2 * step
    )
    np.testing.assert_allclose(loss.derivatives(y, z)[1], bend, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("loss", [*BOUNDED, mutant(HalfCurvature())])
def test_curvature_bounds_the_second_derivative(loss):
    y, z = np.meshgrid(labels(loss), np.append(Z, np.linspace(-3, 3, 50)))
    bends = loss.derivatives(y, z)[1]
    assert (bends >= 0).all()
    assert bends.max() <= loss.curvature
    assert bends.max() == pytest.approx(loss.curvature, rel=1e-2)


@pytest.mark.parametrize("loss", LOSSES, ids=NAMES)
@given(z=st.floats(-20, 8), v=st.floats(-1, 1), choice=st.integers(0, 1))
def test_fenchel_young(loss, z, v, choice):
    y = labels(loss)[choice]
    value, conjugate = loss.value(y, z), loss.conjugate(y, v)
    assert value + conjugate >= v * z - 1e-9
    u = loss.derivatives(y, z)[0]
    assert value + loss.conjugate(y, u) == pytest.approx(u * z, abs=1e-8, rel=1e-9)


@pytest.mark.parametrize("loss", LOSSES, ids=NAMES)
def test_conjugate_is_the_supremum(loss):
    grid = np.linspace(-60, 60, 240_001)  # fine enough for 1e-6
    for y in labels(loss):
        for v in (-0.9, -0.3, 0.0, 0.2, 0.8):
            inside = {
                Squared: True,
                Logistic: 0 <= v + y <= 1,
                Huber: abs(v) <= getattr(loss, "delta", 0.0),
                Poisson: v + y >= 0,
            }[type(loss)]
            sup = (v * grid - loss.value(y, grid)).max()
            if inside:
                assert loss.conjugate(y, v) == pytest.approx(sup, abs=1e-6)
            else:
                assert loss.conjugate(y, v) == np.inf


@pytest.mark.parametrize(
    "loss", [*LOSSES, mutant(GapOfUnscaledDual()), mutant(GapOfTheSquare())]
)
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.999, 1.0])
def test_fenchel_gap_is_the_naive_one(loss, rho):
    if type(loss) in (GapOfUnscaledDual, GapOfTheSquare) and rho == 1.0:
        pytest.skip("the mutants differ below 1 only")
    y, z = np.meshgrid(labels(loss), Z[np.abs(Z) < 10])
    v = rho * loss.derivatives(y, z)[0]
    naive = loss.value(y, z) + loss.conjugate(y, v) - v * z
    found = loss.fenchel_gap(y, z, rho)
    np.testing.assert_allclose(found, naive, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("loss", LOSSES, ids=NAMES)
@pytest.mark.parametrize("rho", [0.0, 0.5, 1 - 1e-12, 1.0])
def test_fenchel_gap_is_never_negative_nor_infinite(loss, rho):
    y, z = np.meshgrid(labels(loss), np.concatenate([Z, 20 * Z, [-1e5, 1e5]]))
    gap = loss.fenchel_gap(y, z, rho)
    assert np.isfinite(gap).all()
    assert (gap >= -1e-15 * np.maximum(1, np.abs(z))).all()
    if rho == 1.0:
        assert (gap <= 1e-15).all()


def test_fenchel_gap_of_large_counts_has_all_digits():
    """Each count is 1e12 and its gap of order 1: what would be left of it naively?"""
    from fractions import Fraction

    mu, d = 1e12, 1e-6
    z = np.array([np.log(mu)])
    exact = float(sum(Fraction(-d) ** k / (k * (k - 1)) for k in range(2, 8)))
    found = Poisson().fenchel_gap(np.array([mu * (1 + d)]), z, 0.0)[0]
    assert found == pytest.approx(mu * exact, rel=1e-2)  # log(1e12) is rounded
    for size in (1e-9, 1e-5, 0.029, 0.031, 0.9):
        for x in (size, -size):
            gap = Poisson().fenchel_gap(np.array([1.0 + x]), np.zeros(1), 0.0)[0]
            terms = (Fraction(-x) ** k / (k * (k - 1)) for k in range(2, 400))
            assert gap == pytest.approx(float(sum(terms)), rel=1e-9)


@pytest.mark.parametrize("loss", LOSSES, ids=NAMES)
def test_fenchel_gap_has_no_cancellation(loss):
    y = labels(loss)[:1]
    z = y + (1.0 if loss.exponential else 0.2)
    small = loss.fenchel_gap(y, z, 1 - 1e-6)[0]
    smaller = loss.fenchel_gap(y, z, 1 - 1e-7)[0]
    assert smaller / small == pytest.approx(0.01, rel=1e-2)


@pytest.mark.parametrize("loss", LOSSES, ids=NAMES)
def test_link_and_saturated(loss):
    for y in labels(loss):
        assert loss.value(y, Z).min() >= loss.saturated(y)
        z = y
        if isinstance(loss, Logistic):
            z = {0.0: -800.0, 1.0: 800.0}[y]
        elif isinstance(loss, Poisson):
            z = loss.link(y)
        assert loss.value(y, z) == pytest.approx(loss.saturated(y), abs=1e-12)
        assert loss.fenchel_gap(y, np.asarray(z), 0.0) == pytest.approx(0, abs=1e-12)
    for mean in (0.1, 0.5, 0.99):
        z = loss.link(mean)
        assert loss.mean(z) == pytest.approx(mean)
        if not loss.exponential:
            continue
        average = (
            mean * loss.derivatives(1.0, z)[0]
            + (1 - mean) * loss.derivatives(0.0, z)[0]
        )
        assert average == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=NAMES)
def test_model_bend(loss):
    """It is the second derivative where that is not small, and never less."""
    y, z = np.meshgrid(labels(loss), np.concatenate([Z, 20 * Z]))
    bend, floored = loss.derivatives(y, z)[1], loss.model_bend(y, z)
    assert (floored >= bend).all()
    assert (floored > 0).all()
    full = bend > 0.2 * (loss.curvature or 1.0)
    np.testing.assert_array_equal(floored[full], bend[full])


@pytest.mark.parametrize("loss", LOSSES, ids=NAMES)
def test_terms_are_the_loss_and_its_derivatives(loss):
    y, z = np.meshgrid(labels(loss), np.concatenate([Z, 30 * Z]))
    value, slope, bend = loss.terms(y, z)
    np.testing.assert_array_equal(value, loss.value(y, z))
    np.testing.assert_array_equal([slope, bend], loss.derivatives(y, z))


def test_logistic_gap_goes_on_as_a_straight_line():
    """Far on the wrong side it grows by what the dual variable is; else it is 0."""
    y, z = np.array([0.0, 1.0]), np.array([[750.0, -750.0], [850.0, -850.0]])
    for rho in (0.0, 0.3, 1e-20):
        near, far = Logistic().fenchel_gap(y, z, rho)
        np.testing.assert_allclose(far - near, 100.0 * (1.0 - rho), rtol=1e-12)
        np.testing.assert_allclose(Logistic().fenchel_gap(y, -z, rho), 0.0, atol=1e-15)
    with np.errstate(all="raise", under="ignore"):
        assert (Logistic().fenchel_gap(y, z, 1.0) <= 1e-12).all()


def test_mixed_names_the_tasks_of_each_loss():
    mixed = Mixed((Squared(), Poisson()), (0, 1, 0))
    parts = [(type(loss), tasks.tolist()) for loss, tasks in loss_parts(mixed, 3)]
    assert parts == [(Squared, [0, 2]), (Poisson, [1])]
    assert isinstance(mixed.of_task(1), Poisson)
    assert not mixed.quadratic
    assert loss_parts(LOSSES[1], 2)[0][1].tolist() == [0, 1]


@pytest.mark.parametrize("z", [0.0, 1e-150, -1e-150, 1e150, -1e150])
def test_finite_at_the_ends(z):
    for loss in LOSSES:
        for y in labels(loss):
            with np.errstate(all="raise", under="ignore"):
                assert np.isfinite(loss.value(y, z))
                assert np.isfinite(loss.derivatives(y, z)[0])
                assert np.isfinite(loss.derivatives(y, np.asarray(z))[1])
                assert np.isfinite(loss.fenchel_gap(y, z, 0.5))
