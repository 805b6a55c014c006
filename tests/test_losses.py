"""Losses: derivatives, conjugates and the exact Fenchel gap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skmtl.losses import Logistic, Squared

LOSSES = [Squared(), Logistic()]
NAMES = ["squared", "logistic"]
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


class HalfCurvature(Squared):
    """A mutant: a bound that is none."""

    curvature = 0.5


def mutant(loss):
    return pytest.param(
        loss, id=type(loss).__name__, marks=pytest.mark.xfail(strict=True)
    )


def labels(loss):
    """Return labels of every kind the loss takes."""
    if isinstance(loss, Logistic):
        return np.array([0.0, 1.0])
    return np.array([-3.0, 0.0, 2.5])


@pytest.mark.parametrize("loss", [*LOSSES, mutant(WrongSign())])
def test_derivatives(loss):
    y, z = np.meshgrid(labels(loss), Z)
    step = 1e-5
    slope = (loss.value(y, z + step) - loss.value(y, z - step)) / (2 * step)
    np.testing.assert_allclose(loss.derivatives(y, z)[0], slope, rtol=1e-6, atol=1e-8)
    bend = (loss.derivatives(y, z + step)[0] - loss.derivatives(y, z - step)[0]) / (
        2 * step
    )
    np.testing.assert_allclose(loss.derivatives(y, z)[1], bend, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("loss", [*LOSSES, mutant(HalfCurvature())])
def test_curvature_bounds_the_second_derivative(loss):
    y, z = np.meshgrid(labels(loss), np.append(Z, np.linspace(-3, 3, 50)))
    bends = loss.derivatives(y, z)[1]
    assert (bends >= 0).all()
    assert bends.max() <= loss.curvature
    assert bends.max() == pytest.approx(loss.curvature, rel=1e-2)


@pytest.mark.parametrize("loss", LOSSES, ids=NAMES)
@given(z=st.floats(-20, 20), v=st.floats(-1, 1), choice=st.integers(0, 1))
def test_fenchel_young(loss, z, v, choice):
    y = labels(loss)[choice]
    value, conjugate = loss.value(y, z), loss.conjugate(y, v)
    assert value + conjugate >= v * z - 1e-9
    u = loss.derivatives(y, z)[0]
    assert value + loss.conjugate(y, u) == pytest.approx(u * z, abs=1e-8)


@pytest.mark.parametrize("loss", LOSSES, ids=NAMES)
def test_conjugate_is_the_supremum(loss):
    grid = np.linspace(-60, 60, 240_001)
    for y in labels(loss):
        for v in (-0.9, -0.3, 0.0, 0.2, 0.8):
            inside = not isinstance(loss, Logistic) or 0 <= v + y <= 1
            sup = (v * grid - loss.value(y, grid)).max()
            if inside:
                assert loss.conjugate(y, v) == pytest.approx(sup, abs=1e-6)
            else:
                assert loss.conjugate(y, v) == np.inf


@pytest.mark.parametrize("loss", [*LOSSES, mutant(GapOfUnscaledDual())])
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.999, 1.0])
def test_fenchel_gap_is_the_naive_one(loss, rho):
    if type(loss) is GapOfUnscaledDual and rho == 1.0:
        pytest.fail("the mutant differs below 1 only")
    y, z = np.meshgrid(labels(loss), Z[np.abs(Z) < 10])
    v = rho * loss.derivatives(y, z)[0]
    naive = loss.value(y, z) + loss.conjugate(y, v) - v * z
    np.testing.assert_allclose(loss.fenchel_gap(y, z, rho), naive, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=NAMES)
@pytest.mark.parametrize("rho", [0.0, 0.5, 1 - 1e-12, 1.0])
def test_fenchel_gap_is_never_negative_nor_infinite(loss, rho):
    y, z = np.meshgrid(labels(loss), np.concatenate([Z, 20 * Z, [-1e5, 1e5]]))
    gap = loss.fenchel_gap(y, z, rho)
    assert np.isfinite(gap).all()
    assert (gap >= -1e-15 * np.maximum(1, np.abs(z))).all()
    if rho == 1.0:
        assert (gap <= 1e-15).all()


@pytest.mark.parametrize("loss", LOSSES, ids=NAMES)
def test_fenchel_gap_has_no_cancellation(loss):
    z, y = np.array([1.0]), labels(loss)[:1]
    small = loss.fenchel_gap(y, z, 1 - 1e-6)[0]
    smaller = loss.fenchel_gap(y, z, 1 - 1e-7)[0]
    assert smaller / small == pytest.approx(0.01, rel=1e-2)


@pytest.mark.parametrize("loss", LOSSES, ids=NAMES)
def test_link_and_saturated(loss):
    for y in labels(loss):
        assert loss.value(y, Z).min() >= loss.saturated(y)
        z = {0.0: -800.0, 1.0: 800.0}[y] if isinstance(loss, Logistic) else y
        assert loss.value(y, z) == pytest.approx(loss.saturated(y), abs=1e-12)
    for mean in (0.1, 0.5, 0.99):
        z = loss.link(mean)
        assert loss.mean(z) == pytest.approx(mean)
        ends = np.array([0.0, 1.0])
        average = (
            mean * loss.derivatives(1.0, z)[0]
            + (1 - mean) * loss.derivatives(0.0, z)[0]
        )
        assert average == pytest.approx(0.0, abs=1e-12), ends


@pytest.mark.parametrize("z", [0.0, 1e-150, -1e-150, 1e150, -1e150])
def test_finite_at_the_ends(z):
    for loss in LOSSES:
        for y in labels(loss):
            with np.errstate(all="raise", under="ignore"):
                assert np.isfinite(loss.value(y, z))
                assert np.isfinite(loss.derivatives(y, z)[0])
                assert np.isfinite(loss.derivatives(y, np.asarray(z))[1])
                assert np.isfinite(loss.fenchel_gap(y, z, 0.5))
