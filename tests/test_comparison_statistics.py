"""The statistics of a comparison, by hand and by simulation."""

import numpy as np
from _comparisons import (
    RIDGE,
    long_rows,
)
from sklearn.base import BaseEstimator, RegressorMixin

from skmtl import (
    GroupLassoRegressor,
    IndependentTasks,
    compare,
)
from skmtl.comparison._statistics import (
    corrected_resampled_t,
    holm,
    paired_gains,
    verdicts,
)


# ---------------------------------------------------------------- statistics
def test_corrected_t_by_hand():
    found = corrected_resampled_t([[1.0, 2.0, 3.0, 4.0, 5.0]], [0.25])
    # var 2.5, error^2 = (1/5 + 1/4) 2.5, t = 2 sqrt 2; the t distribution of 4 degrees
    # of freedom has F(t) = 1/2 + 3/8 u (1 - u^2 / 12) with u = t / sqrt(1 + t^2 / 4).
    u = np.sqrt(8) / np.sqrt(3)
    assert found.mean[0] == 3
    np.testing.assert_allclose(
        found.p[0], 2 * (0.5 - 0.375 * u * (1 - u**2 / 12)), atol=1e-12
    )
    np.testing.assert_allclose(found.high[0] - 3, 2.776445 * np.sqrt(1.125), rtol=1e-6)
    np.testing.assert_allclose(found.high + found.low, 6)


def test_corrected_t_skips_folds_without_a_label():
    some = corrected_resampled_t([[1.0, np.nan, 2.0, 4.0]], [0.5])
    same = corrected_resampled_t([[1.0, 2.0, 4.0]], [0.5])
    assert some.p == same.p
    assert some.low == same.low


def test_corrected_t_of_too_few_folds():
    found = corrected_resampled_t([[1.0, np.nan], [np.nan, np.nan]], [0.5, 0.5])
    np.testing.assert_equal(found.mean, [1.0, np.nan])
    assert np.isnan([found.p, found.low, found.high]).all()


def test_holm_by_hand():
    adjusted = holm(np.array([[0.01, 0.04, np.nan], [0.03, 0.005, 0.9]]))
    expected = [[0.04, 0.09, np.nan], [0.09, 0.025, 0.9]]
    np.testing.assert_allclose(adjusted, expected)


def test_verdicts():
    found = verdicts([1.0, -1.0, 1.0, 0.0, np.nan], [0.05, 0.01, 0.06, 1.0, np.nan])
    expected = ["helps", "hurts", "no evidence", "no evidence", "no evidence"]
    assert found.tolist() == expected


def test_a_fold_without_labels_counts_for_nothing():
    rng = np.random.default_rng(0)
    losses, n_train = rng.uniform(1, 2, size=(2, 1, 6)), rng.integers(20, 90, (1, 6))
    n_test = np.array([[5, 6, 7, 8, 9, 0]])
    losses[:, :, -1] = np.nan
    found = paired_gains(losses, 0, n_train, n_test, relative=True)
    expected = paired_gains(
        losses[..., :-1], 0, n_train[:, :-1], n_test[:, :-1], relative=True
    )
    np.testing.assert_allclose(found.by_task.error[1], expected.by_task.error[1])
    np.testing.assert_allclose(found.overall.low[1], expected.overall.low[1])


def test_rounding_is_no_evidence():
    base = np.random.default_rng(0).uniform(1, 2, size=(1, 1, 10))
    losses = np.concatenate([base, base * (1 + 1e-13)])
    counts = np.full((1, 10), 10)
    gains = paired_gains(losses, 0, 4 * counts, counts, relative=True)
    assert gains.verdict[:, 0].tolist() == ["reference", "no evidence"]
    assert gains.by_task.mean[1, 0] == 0


def test_variance_uses_rows_of_the_task():
    losses = np.random.default_rng(0).uniform(1, 2, size=(2, 2, 10))
    losses[:, 1] = losses[:, 0]
    n_test = np.array([[10] * 10, [10] * 10])
    n_train = np.array([[40] * 10, [90] * 10])
    gains = paired_gains(losses, 0, n_train, n_test, relative=False).by_task
    width = (gains.high - gains.low)[1]
    np.testing.assert_allclose(
        width[0] / width[1], np.sqrt((0.1 + 1 / 4) / (0.1 + 1 / 9))
    )


class Columns(RegressorMixin, BaseEstimator):
    """A least-squares fit to some of the columns."""

    def __init__(self, columns=(0,)):
        self.columns = columns

    def fit(self, X, y):
        self.coef_ = np.linalg.lstsq(X[:, self.columns], y, rcond=None)[0]
        return self

    def predict(self, X):
        return X[:, self.columns] @ self.coef_


def symmetric_comparison(seed, *, planted=0.0):
    """Compare two models that see different halves of equally good features."""
    rng = np.random.default_rng(seed)
    X, task = rng.normal(size=(200, 8)), np.arange(200) % 4
    y = X @ np.r_[np.ones(4), np.full(4, 1 + planted)] + rng.normal(size=200)
    models = {
        "left": IndependentTasks(Columns((0, 1, 2, 3))),
        "right": IndependentTasks(Columns((4, 5, 6, 7))),
    }
    return compare(models, X, y, task=task, random_state=seed)


def test_equal_models_rarely_get_a_verdict():
    naive, honest = 0, 0
    for seed in range(40):
        report = symmetric_comparison(seed)
        honest += set(report.verdicts_["right"].values()) != {"no evidence"}
        left, right = report.losses_
        p = corrected_resampled_t(left - right, np.zeros(4)).p
        naive += (holm(p) <= 0.05).any()
    assert honest <= 4
    assert naive >= 8  # what the correction is for


def test_planted_gain_is_found_and_its_reverse():
    report = symmetric_comparison(0, planted=1.0)
    assert set(report.verdicts_["right"].values()) == {"helps"}
    reverse = compare(
        {"right": IndependentTasks(Columns((0,))), "left": IndependentTasks(Columns())},
        *long_rows(n=30)[:2],
        task=long_rows(n=30)[2],
        random_state=0,
    )
    assert set(reverse.verdicts_["left"].values()) == {"no evidence"}  # the same model


def test_hurts():
    X, y, task = long_rows(n=60)
    models = {"good": RIDGE, "bad": GroupLassoRegressor(alpha=100.0)}
    report = compare(models, X, y, task=task, random_state=0)
    assert set(report.verdicts_["bad"].values()) == {"hurts"}
    assert report.to_frame("models")["settings"].tolist() == [
        "fixed",
        "fixed, empty in 10 of 10 folds",
    ]
