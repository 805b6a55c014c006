"""Training the multi-task MLP: known solutions, labels and weights, when it stops."""

import numpy as np
import pytest
from _networks import (
    QUICK,
    make_labels,
    nonlinear_tasks,
    quick_fit,
)
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skmtl import (
    MultiTaskMLPClassifier,
    MultiTaskMLPRegressor,
    make_group_sparse_tasks,
    wide_to_long,
)
from skmtl.layouts import read_labels
from skmtl.neural_network._training import Patience
from skmtl.neural_network._validation import hold_out


# ---------------------------------------------------------------- known solutions
@pytest.mark.parametrize("hidden", [(), (8,)])
def test_one_linear_task_reaches_least_squares(hidden):
    rng = np.random.default_rng(9)
    X = rng.normal(size=(200, 5))
    y = 30 + 4 * X @ rng.normal(size=5) + rng.normal(size=200)
    model = MultiTaskMLPRegressor(
        hidden,
        activation="identity",
        alpha=0.0,
        batch_size=200,
        early_stopping=False,
        learning_rate_init=0.02,
        max_iter=3000,
        n_iter_no_change=100,
        tol=1e-9,
        random_state=0,
    ).fit(X, y)
    design = np.column_stack([np.ones(200), X])
    best = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    assert np.abs(model.predict(X) - best).max() < 1e-2 * y.std()


def test_linear_classifier_reaches_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(10)
    X = rng.normal(size=(300, 3))
    y = (X[:, 0] + rng.logistic(size=300) > 0.5).astype(int)
    alpha = 0.01
    model = MultiTaskMLPClassifier(
        (),
        alpha=alpha,
        batch_size=300,
        early_stopping=False,
        learning_rate_init=0.02,
        max_iter=3000,
        tol=1e-10,
        random_state=0,
    ).fit(X, y)
    oracle = LogisticRegression(C=1 / (300 * alpha), tol=1e-8).fit(X, y)
    np.testing.assert_allclose(
        model.predict_proba(X), oracle.predict_proba(X), atol=2e-3
    )


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_shared_representation_is_learned(layout):
    X, Y = nonlinear_tasks()
    X_test, Y_test = nonlinear_tasks(n=1000, seed=0)
    X_test, Y_test = X_test[400:], Y_test[400:]
    X, Y = nonlinear_tasks(n=1000, seed=0)
    X, Y = X[:400], Y[:400].copy()
    Y[np.random.default_rng(1).uniform(size=Y.shape) < 0.3] = np.nan
    model = MultiTaskMLPRegressor(
        (64,), learning_rate_init=0.01, max_iter=400, random_state=0
    )
    if layout == "wide":
        predicted = model.fit(X, Y).predict(X_test)
    else:
        rows, y, task, _ = wide_to_long(X, Y)
        model.fit(rows, y, task=task)
        predicted = np.column_stack([model.predict(X_test, task=t) for t in range(4)])
    r2 = 1 - ((Y_test - predicted) ** 2).mean(axis=0) / Y_test.var(axis=0)
    assert r2.min() > 0.7
    assert model.converged_


def test_classifier_learns_related_tasks():
    rng = np.random.default_rng(11)
    X = rng.normal(size=(600, 5))
    task = rng.choice(["a", "b", "c"], size=600, p=[0.6, 0.3, 0.1])
    shift = np.select([task == "a", task == "b"], [0.0, 1.0], -1.0)
    y = np.where(X[:, 0] * X[:, 1] > shift, "ill", "well")
    model = MultiTaskMLPClassifier(learning_rate_init=0.01, random_state=0)
    model.fit(X[:400], y[:400], task=task[:400])
    assert model.score(X[400:], y[400:], task=task[400:]) > 0.85


# ---------------------------------------------------------------- labels and weights
@pytest.mark.parametrize("early_stopping", [True, False])
def test_same_seed_same_network(early_stopping):
    X, Y = nonlinear_tasks(n=80)
    options = {**QUICK, "early_stopping": early_stopping}
    a, b = (quick_fit(MultiTaskMLPRegressor(**options), X, Y) for _ in range(2))
    np.testing.assert_array_equal(a.head_coef_, b.head_coef_)
    c = quick_fit(clone(a).set_params(random_state=1), X, Y)
    assert np.abs(a.head_coef_ - c.head_coef_).max() > 1e-3


@pytest.mark.parametrize("cls", [MultiTaskMLPRegressor, MultiTaskMLPClassifier])
def test_missing_labels_have_no_influence(cls):
    X, Y = nonlinear_tasks(n=60, T=3)
    if cls is MultiTaskMLPClassifier:
        Y = (np.median(Y, axis=0) < Y).astype(float)
    mask = np.random.default_rng(2).uniform(size=Y.shape) < 0.3
    with_nan, junk = Y.copy(), Y.copy()
    with_nan[mask] = np.nan
    junk[mask] = 77.0  # weight 0: the label may be anything
    a = quick_fit(cls(**QUICK), X, with_nan)
    b = quick_fit(cls(**QUICK), X, junk, sample_weight=(~mask).astype(float))
    np.testing.assert_array_equal(a.head_coef_, b.head_coef_)
    np.testing.assert_array_equal(a.predict(X), b.predict(X))


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_rows_of_weight_zero_are_not_there(layout):
    X, Y = nonlinear_tasks(n=90, T=3)
    keep = np.random.default_rng(3).uniform(size=90) < 0.7
    if layout == "long":
        y, task = Y[:, 0], np.arange(90) % 3
        a = quick_fit(
            MultiTaskMLPRegressor(**QUICK), X, y, task=task, sample_weight=keep * 1.0
        )
        b = quick_fit(MultiTaskMLPRegressor(**QUICK), X[keep], y[keep], task=task[keep])
    else:
        weight = np.repeat(keep[:, None] * 1.0, 3, axis=1)
        a = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y, sample_weight=weight)
        b = quick_fit(MultiTaskMLPRegressor(**QUICK), X[keep], Y[keep])
    np.testing.assert_allclose(a.head_coef_, b.head_coef_, rtol=1e-12)
    np.testing.assert_allclose(a.y_mean_, b.y_mean_)


def test_weight_two_is_a_row_twice():
    X, Y = nonlinear_tasks(n=50, T=2)
    weight = np.random.default_rng(4).integers(0, 3, size=50)
    options = {**QUICK, "early_stopping": False, "batch_size": 1000}
    a = quick_fit(MultiTaskMLPRegressor(**options), X, Y, sample_weight=weight)
    twice = np.repeat(np.arange(50), weight)
    b = quick_fit(MultiTaskMLPRegressor(**options), X[twice], Y[twice])
    np.testing.assert_allclose(a.predict(X), b.predict(X), rtol=1e-8)


def test_units_of_y_do_not_matter():
    X, Y = nonlinear_tasks(n=80, T=3)
    a = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y)
    b = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y * [1, 1e6, 1e-6] - [0, 5, 9])
    expected = a.predict(X) * [1, 1e6, 1e-6] - [0, 5, 9]
    scale = np.array([1, 1e6, 1e-6]) * Y.std(axis=0)
    assert np.abs((b.predict(X) - expected) / scale).max() < 1e-6


def test_constant_labels_are_predicted():
    X, Y = nonlinear_tasks(n=60, T=2)
    Y[:, 1] = 0.1
    model = quick_fit(MultiTaskMLPRegressor(**{**QUICK, "max_iter": 60}), X, Y)
    assert model.y_scale_[1] == 1.0
    assert np.abs(model.predict(X)[:, 1] - 0.1).mean() < 0.3


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array])
@pytest.mark.parametrize("hidden", [(), (8,)])
def test_sparse_rows_give_the_dense_network(kind, hidden):
    X, Y = nonlinear_tasks(n=60)
    X[np.abs(X) < 0.7] = 0.0
    a = quick_fit(MultiTaskMLPRegressor(hidden, **QUICK), X, Y)
    b = quick_fit(MultiTaskMLPRegressor(hidden, **QUICK), kind(X), Y)
    np.testing.assert_allclose(a.predict(X), b.predict(kind(X)), rtol=1e-8)


# ---------------------------------------------------------------- epochs and stopping
def test_early_stopping_keeps_the_best_epoch():
    rng = np.random.default_rng(12)
    X, Y = rng.normal(size=(80, 10)), rng.normal(size=(80, 2))  # nothing to learn
    options = {"learning_rate_init": 0.01, "n_iter_no_change": 20, "random_state": 0}
    model = MultiTaskMLPRegressor((50,), **options).fit(X, Y)
    curve = model.validation_loss_curve_
    assert len(curve) == model.n_iter_ == model.best_epoch_ + 20
    assert curve[model.best_epoch_ - 1] == model.best_loss_ == min(curve)
    shorter = clone(model).set_params(max_iter=model.best_epoch_, n_iter_no_change=99)
    quick_fit(shorter, X, Y)
    np.testing.assert_array_equal(model.predict(X), shorter.predict(X))


def test_recorded_validation_loss_is_that_of_the_kept_network():
    X, Y = nonlinear_tasks(n=200, T=3)
    Y[::4, 0] = np.nan
    model = quick_fit(MultiTaskMLPRegressor(**{**QUICK, "max_iter": 15}), X, Y)
    mean, scale = np.nanmean(Y, axis=0), np.nanstd(Y, axis=0)
    np.testing.assert_allclose([model.y_mean_, model.y_scale_], [mean, scale])
    scaled = read_labels((Y - mean) / scale)
    held = hold_out(scaled, 0.1, False, np.random.RandomState(0))
    assert 18 <= held.sum() <= 22
    losses = (((Y - model.predict(X)) / scale) ** 2)[held] / 2
    recorded = model.history_["validation_loss"][model.best_epoch_ - 1]
    np.testing.assert_allclose(recorded, np.nanmean(losses, axis=0))
    np.testing.assert_allclose(model.best_loss_, recorded.sum())


def test_history_has_a_row_per_epoch_and_a_column_per_task():
    X, Y = nonlinear_tasks(n=60, T=3)
    model = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y)
    assert model.n_iter_ == 4
    assert model.history_["train_loss"].shape == (4, 3)
    assert model.history_["validation_loss"].shape == (4, 3)
    assert not model.converged_
    model = quick_fit(MultiTaskMLPRegressor(early_stopping=False, **QUICK), X, Y)
    assert model.history_["validation_loss"].shape == (0, 3)
    assert model.validation_loss_curve_ is None
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ == min(model.loss_curve_)


def test_not_converging_is_one_warning_at_the_users_line():
    X, Y = nonlinear_tasks(n=40, T=1)
    model = MultiTaskMLPRegressor(**QUICK)
    with pytest.warns(ConvergenceWarning, match="max_iter=4 epochs") as record:
        model.fit(X, Y[:, 0])
    assert len(record) == 1
    assert record[0].filename == __file__


@pytest.mark.parametrize("n_samples", [30, 100])
@pytest.mark.parametrize("early_stopping", [True, False])
def test_small_tables_converge_with_the_defaults(n_samples, early_stopping):
    """They need the most epochs, as an epoch has few steps."""
    X, y, task, _ = make_group_sparse_tasks(
        n_tasks=3, n_samples=n_samples, random_state=0
    )
    model = MultiTaskMLPRegressor(early_stopping=early_stopping, random_state=0)
    assert model.fit(X, y, task=task).converged_
    assert 100 < model.n_iter_ < 0.7 * model.max_iter


def test_patience_counts_epochs_without_progress():
    patience = Patience(tol=0.1, n_iter_no_change=2)
    assert patience.update(1.0, 1)
    assert patience.update(0.95, 2)  # the best, yet too little progress
    assert not patience.exhausted
    assert not patience.update(0.96, 3)
    assert patience.exhausted
    assert (patience.best, patience.best_epoch) == (0.95, 2)


def test_scale_of_the_task_weights_changes_neither_network_nor_stopping():
    X, Y = nonlinear_tasks(n=100, T=2, noise=1.0)
    options = {"alpha": 0.0, "epsilon": 1e-99, "tol": 0.01, "random_state": 0}
    models = [
        MultiTaskMLPRegressor(task_weight={0: c, 1: c}, **options).fit(X, Y)
        for c in (1.0, 2.0**-7)
    ]
    assert models[0].n_iter_ == models[1].n_iter_
    np.testing.assert_allclose(models[0].predict(X), models[1].predict(X), rtol=1e-9)


@pytest.mark.parametrize("fraction", [0.001, 0.1, 1 / 3, 0.4, 0.999])
@pytest.mark.parametrize("layout", ["long", "wide-nan"])
@pytest.mark.parametrize("by_class", [True, False])
def test_held_out_share_and_what_stays(layout, by_class, fraction):
    rng = np.random.default_rng(13)
    _, labels = make_labels(layout, 2, rng, n=400)
    held = hold_out(labels, fraction, by_class, np.random.RandomState(0))
    observed = labels.weight.reshape(400, -1).any(axis=1)
    assert not held[~observed].any()
    assert abs(held[observed].mean() - np.clip(fraction, 0.01, 0.99)) < 0.02
    for t in range(3):
        rows, y, _ = labels.of_task(t)
        for value in np.unique(y):
            of_class = held[rows[y == value]]
            assert not of_class.all() or not by_class
            if by_class and layout == "long":
                assert abs(of_class.sum() - fraction * len(of_class)) < 5
        assert not held[rows].all()


def test_held_out_part_exists_even_for_few_rows():
    labels = read_labels(np.array([0, 0, 0, 1, 1, 2.0]))
    for seed in range(20):
        held = hold_out(labels, 0.1, True, np.random.RandomState(seed))
        assert held.sum() == 1
        assert not held[5]  # the only label of its class


def test_nothing_to_hold_out_is_an_error():
    X = np.eye(3)
    with pytest.raises(ValueError, match="early_stopping=False"):
        MultiTaskMLPRegressor().fit(X, [1.0, 2.0, 3.0], task=["a", "b", "c"])
    quick_fit(
        MultiTaskMLPRegressor(early_stopping=False, **QUICK),
        X,
        [1.0, 2.0, 3.0],
        task=["a", "b", "c"],
    )


def test_a_task_of_one_label_is_trained_and_not_validated():
    X, Y = nonlinear_tasks(n=50, T=2)
    Y[1:, 1] = np.nan
    model = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y)
    assert np.isnan(model.history_["validation_loss"][:, 1]).all()
    assert np.isfinite(model.history_["train_loss"]).all()
    assert np.isfinite(model.validation_loss_curve_).all()


@pytest.mark.parametrize("cls", [MultiTaskMLPRegressor, MultiTaskMLPClassifier])
def test_warm_start_goes_on(cls):
    X, Y = nonlinear_tasks(n=100, T=2)
    Y = (Y > 100).astype(int) if cls is MultiTaskMLPClassifier else Y
    model = cls(early_stopping=False, warm_start=True, **{**QUICK, "max_iter": 30})
    quick_fit(model, X, Y)
    first, before = model.loss_curve_, model.head_coef_.copy()
    quick_fit(model, X, Y)
    assert model.loss_curve_[0] < first[0]
    assert model.loss_curve_[-1] < first[-1]
    assert model.head_coef_.shape == before.shape
    with pytest.raises(ValueError, match="warm_start=True needs"):
        model.fit(X[:, :3], Y)
    with pytest.raises(ValueError, match="warm_start=True needs"):
        model.fit(X, Y[:, :1])


def test_warm_start_continues_in_other_units():
    X, Y = nonlinear_tasks(n=100, T=2)
    options = {**QUICK, "learning_rate_init": 1e-12}
    model = quick_fit(MultiTaskMLPRegressor(warm_start=True, **options), X, Y)
    before = model.predict(X)
    quick_fit(model, X, Y * 3 + 1)
    np.testing.assert_allclose(model.predict(X), before, rtol=1e-6)


def test_divergence_is_an_error_and_keeps_the_previous_fit():
    X, Y = nonlinear_tasks(n=60, T=1)
    model = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y[:, 0])
    before = model.predict(X)
    model.set_params(learning_rate_init=1e200, activation="identity")
    with pytest.raises(ValueError, match="not finite"):
        model.fit(X, Y[:, 0])
    np.testing.assert_array_equal(model.predict(X), before)


def test_interrupted_fit_keeps_the_previous_one(monkeypatch):
    X, Y = nonlinear_tasks(n=60)
    model = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y)
    before = model.predict(X)

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(Patience, "update", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:, :2], Y)
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize("cls", [MultiTaskMLPRegressor, MultiTaskMLPClassifier])
def test_callbacks_see_every_epoch_and_may_stop(cls):
    pytest.importorskip("sklearn.callback")

    class Stop:
        """Predicts after every epoch, and stops at the third."""

        def __init__(self):
            self.predictions = []

        def setup(self, estimator, context):
            """Do nothing."""

        def teardown(self, estimator, context):
            """Do nothing."""

        def on_fit_task_begin(self, estimator, context):
            """Do nothing."""

        def on_fit_task_end(self, estimator, context, *, X, fitted_estimator):
            """Predict with the network as it is."""
            if context.parent is None:
                return False
            self.predictions.append(fitted_estimator.predict(X))
            return len(self.predictions) == 3

    X, Y = nonlinear_tasks(n=60)
    Y = (Y > 100).astype(int) if cls is MultiTaskMLPClassifier else Y
    callback = Stop()
    model = cls(early_stopping=False, learning_rate_init=0.01, random_state=0)
    model.set_callbacks(callback).fit(X, Y)
    assert model.n_iter_ == len(callback.predictions) == 3
    np.testing.assert_array_equal(callback.predictions[-1], model.predict(X))
