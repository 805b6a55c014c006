"""How good risks are: closed forms, scikit-learn's numbers, and simulated truth."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from skmtl.risks import (
    calibration_bins,
    in_the_large,
    net_benefit,
    recalibration,
    risk_measures,
)


def simulated(n=4000, seed=0):
    """Return labels and the risks they were drawn with."""
    rng = np.random.default_rng(seed)
    p = expit(rng.normal(-1, 1.5, size=n))
    return (rng.uniform(size=n) < p).astype(float), p


def measures(y, p, weight=None, unit=None):
    weight = np.ones(len(y)) if weight is None else weight
    unit = np.arange(len(y)) if unit is None else unit
    return risk_measures(y, p, weight, unit)


def test_true_risks_are_calibrated():
    y, p = simulated(40_000)
    found = measures(y, p)
    assert abs(found["slope"] - 1) < 0.03
    assert abs(found["intercept"]) < 0.05
    assert abs(found["in_the_large"]) < 0.03
    assert found["slope_low"] < 1 < found["slope_high"]
    assert_allclose(found["brier"], (p * (1 - p)).mean(), rtol=0.02)


def test_distorted_risks_show_how():
    y, p = simulated(40_000)
    found = measures(y, expit(2 * logit(p)))  # too extreme
    assert abs(found["slope"] - 0.5) < 0.02
    found = measures(y, expit(logit(p) - 0.7))  # too low
    assert abs(found["slope"] - 1) < 0.03
    assert abs(found["in_the_large"] - 0.7) < 0.03


def test_two_groups_by_hand():
    # Of risk 1/5 a half happens, of risk 4/5 a half too: log-odds 0 whatever is said.
    y, p = np.tile([0.0, 1.0], 10), np.repeat([0.2, 0.8], 10)
    slope, intercept, _ = recalibration(y, p, np.ones(20), np.arange(20))
    assert_allclose([slope, intercept], 0, atol=1e-9)
    # Shares 0.2 and 0.8 where 0.4 and 0.6 are said: odds 4 against 1.5.
    y = np.repeat([0, 1, 0, 1], [8, 2, 2, 8]).astype(float)
    p = np.repeat([0.4, 0.6], 10)
    found = measures(y, p)
    assert_allclose(found["slope"], np.log(4) / np.log(1.5))
    assert_allclose(found["brier"], 0.8 * 0.4**2 + 0.2 * 0.6**2)
    assert_allclose(found["brier_skill"], 1 - found["brier"] / 0.25)
    assert_allclose([found["mean_risk"], found["prevalence"]], 0.5)


def test_recalibration_is_a_logistic_regression():
    y, p = simulated(500)
    weight = np.random.default_rng(1).uniform(0.2, 3, size=500)
    slope, intercept, _ = recalibration(y, p, weight, np.arange(500))
    model = LogisticRegression(C=1e10, tol=1e-12, max_iter=1000)
    model.fit(logit(p)[:, None], y, sample_weight=weight)
    assert_allclose([slope, intercept], [model.coef_[0, 0], model.intercept_[0]], 1e-5)
    assert_allclose(
        measures(y, p, weight)["brier"], brier_score_loss(y, p, sample_weight=weight)
    )
    shift = in_the_large(y, p, weight)
    assert_allclose(weight @ expit(logit(p) + shift), weight @ y)


def test_interval_of_the_slope_holds():
    held, repeated = 0, []
    for seed in range(200):
        y, p = simulated(300, seed)
        once = measures(y, p)
        held += once["slope_low"] <= 1 <= once["slope_high"]
        both = measures(np.tile(y, 2), np.tile(p, 2), unit=np.tile(np.arange(300), 2))
        repeated.append(
            (both["slope_high"] - both["slope_low"])
            / (once["slope_high"] - once["slope_low"])
        )
    assert held >= 182  # of 200; 190 are expected
    # The same rows twice are not more rows.
    assert_allclose(repeated, 1)


@pytest.mark.parametrize(
    ("y", "p"),
    [
        ([0, 1, 0, 1], [0.3] * 4),
        ([0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4]),
        ([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9]),
    ],
    ids=["constant risks", "one class", "separated"],
)
def test_no_slope_where_there_is_none(y, p):
    found = measures(np.array(y, dtype=float), np.array(p))
    assert np.isnan([found["slope"], found["slope_low"], found["intercept"]]).all()
    assert np.isfinite(found["brier"])


def test_risks_beyond_0_and_1_and_at_them():
    y, p = np.array([0.0, 1.0, 0.0, 1.0, 1.0]), np.array([-0.2, 1.3, 0.5, 1.0, 0.0])
    found = measures(y, p)
    assert_allclose(found["brier"], (0.25 + 1) / 5)
    assert np.isfinite(found["slope"])


# ---------------------------------------------------------------- net benefit
def test_net_benefit_by_hand():
    y, p = np.array([1.0, 0, 1, 0, 0]), np.array([0.9, 0.8, 0.4, 0.4, 0.1])
    thresholds = np.array([0.05, 0.4, 0.5, 0.8, 0.95])
    found, everybody = net_benefit(y, p, thresholds)
    odds = thresholds / (1 - thresholds)
    right, vain = np.array([2, 2, 1, 1, 0]), np.array([3, 2, 1, 1, 0])
    assert_allclose(found, (right - odds * vain) / 5)
    assert_allclose(everybody, (2 - odds * 3) / 5)


def test_weight_two_is_a_row_twice():
    y, p = simulated(200)
    weight = np.random.default_rng(0).integers(1, 4, size=200)
    twice = np.repeat(np.arange(200), weight)
    thresholds = np.linspace(0.05, 0.9, 7)
    assert_allclose(
        net_benefit(y, p, thresholds, sample_weight=weight.astype(float)),
        net_benefit(y[twice], p[twice], thresholds),
    )
    weighted = measures(y, p, weight.astype(float))
    repeated = measures(y[twice], p[twice], unit=twice)
    for key, value in repeated.items():
        assert_allclose(weighted[key], value, err_msg=key)
    assert_allclose(
        calibration_bins(y, p, 5, sample_weight=weight.astype(float)),
        calibration_bins(y[twice], p[twice], 5),
    )


def test_bins_are_those_of_scikit_learn():
    y, p = simulated(1000)
    risk, share, weight = calibration_bins(y, p, 10)
    expected = calibration_curve(y, p, n_bins=10, strategy="quantile")
    assert_allclose([share, risk], expected)
    assert weight.tolist() == [100] * 10
    tied = np.repeat([0.1, 0.9], [70, 30])
    risk, _, weight = calibration_bins(np.tile([0.0, 1.0], 50), tied, 10)
    assert_allclose(risk, [0.1, 0.9])
    assert weight.tolist() == [70, 30]


@pytest.mark.parametrize("nothing", [0.0, 1e-20])
def test_bins_of_rows_that_weigh_nothing(nothing):
    y, p = np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.9])
    weight = np.array([1.0, 1.0, 1.0, nothing])
    found = calibration_bins(y, p, 3, sample_weight=weight)
    for values, expected in zip(
        found, ([0.1, 0.2, 0.3], [0, 1, 0], [1, 1, 1]), strict=True
    ):
        assert_allclose(values, expected, atol=1e-12)


def test_in_the_large_far_from_the_answer():
    y = np.array([0.0, 1.0] * 10)
    found = in_the_large(y, np.full(20, 1e-6), np.ones(20))
    assert_allclose(found, -logit(1e-6))
