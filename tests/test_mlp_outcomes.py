"""Outcomes of several kinds, auxiliary tasks, precision, solvers, what is recorded."""

import numpy as np
import pytest
from _networks import QUICK, nonlinear_tasks, quick_fit
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score

from skmtl import MultiTaskMLPClassifier, MultiTaskMLPRegressor, TaskKFold
from skmtl.neural_network import SoftSharing
from skmtl.neural_network._batches import BalancedBatches
from skmtl.neural_network._conflict import cosines
from skmtl.neural_network._optimizers import SGD, Adam, Schedule, clip

LOSS = {"stay": "squared", "visits": "poisson", "death": "logistic", "cost": "huber"}


def outcomes(n=400, seed=0):
    """Return X and a DataFrame of four outcomes of different kinds."""
    import pandas as pd

    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    z = X[:, 0] - X[:, 1]
    return X, pd.DataFrame(
        {
            "stay": 20 + 5 * z + rng.normal(size=n),
            "visits": rng.poisson(np.exp(0.5 * z)).astype(float),
            "death": (rng.logistic(size=n) < 2 * z).astype(float),
            "cost": 1000 * z + 300 * rng.standard_t(2, size=n),
        }
    )


# ---------------------------------------------------------------- mixed outcomes
@pytest.mark.parametrize("sharing", ["hard", "soft", "cross-stitch", "sluice"])
def test_outcomes_of_four_kinds(sharing):
    X, Y = outcomes()
    Y = Y.mask(np.random.default_rng(1).uniform(size=Y.shape) < 0.1)
    options = {**QUICK, "learning_rate_init": 0.03, "max_iter": 60}
    model = MultiTaskMLPRegressor((8,), loss=LOSS, sharing=sharing, **options)
    predicted = quick_fit(model, X, Y).predict(X)
    assert np.all(predicted[:, 1] > 0)
    assert np.all((predicted[:, 2] > 0) & (predicted[:, 2] < 1))
    assert model.y_scale_[[1, 2]].tolist() == [1, 1]
    assert model.score(X, Y) > 0.45
    for t, task in enumerate(Y.columns):
        np.testing.assert_allclose(model.predict(X, task=task), predicted[:, t])
        seen = Y[task].notna()
        assert np.corrcoef(predicted[seen, t], Y[task][seen])[0, 1] > 0.6


def test_each_outcome_alone_is_a_generalised_linear_model():
    X, Y = outcomes()
    model = MultiTaskMLPRegressor(
        (),
        loss=LOSS,
        alpha=0.0,
        batch_size=400,
        early_stopping=False,
        learning_rate_init=0.02,
        max_iter=3000,
        n_iter_no_change=100,
        tol=1e-9,
    ).fit(X, Y)
    predicted = model.predict(X)
    poisson = PoissonRegressor(alpha=0, max_iter=1000).fit(X, Y["visits"])
    logistic = LogisticRegression(C=1e9).fit(X, Y["death"])
    np.testing.assert_allclose(predicted[:, 1], poisson.predict(X), rtol=0.02)
    best = logistic.predict_proba(X)[:, 1]
    assert np.abs(predicted[:, 2] - best).max() < 0.01


def test_losses_are_deviances_and_start_at_those_of_the_best_constant():
    X, Y = outcomes()
    model = MultiTaskMLPRegressor(
        loss=LOSS, early_stopping=False, **{**QUICK, "learning_rate_init": 1e-12}
    )
    model.set_params(hidden_layer_sizes=(1,), activation="relu", random_state=1)
    quick_fit(model, X, Y)
    rate, p = Y["visits"].mean(), Y["death"].mean()
    np.testing.assert_allclose(np.exp(model.head_intercept_[1]), rate, rtol=1e-6)
    np.testing.assert_allclose(expit(model.head_intercept_[2]), p, rtol=1e-6)
    assert np.all(model.history_["train_loss"] >= 0)


def test_constant_counts_and_classes_take_no_part():
    X, Y = outcomes(n=80)
    Y["visits"], Y["death"] = 0.0, 1.0
    model = MultiTaskMLPRegressor(loss=LOSS, **QUICK)
    with pytest.warns(UserWarning, match="one class only") as record:
        quick_fit(model, X, Y)
    assert record[0].filename == __file__.replace(
        "test_mlp_outcomes", "_networks"
    )  # where `fit` was called
    predicted = model.predict(X)
    assert np.all(predicted[:, 1] == 0)
    assert np.all(predicted[:, 2] == 1)
    assert model.head_rows_ == ["stay", "cost"]
    assert np.isnan(model.history_["train_loss"][:, 1:3]).all()
    assert np.isfinite(predicted).all()


def test_new_tasks_have_a_shared_part_only_if_losses_agree():
    X, Y = outcomes(n=80)
    model = MultiTaskMLPRegressor(loss=LOSS, unseen="shared", **QUICK)
    quick_fit(model, X, Y)
    with (
        pytest.warns(UserWarning, match="never seen"),
        pytest.raises(ValueError, match="different losses"),
    ):
        model.predict(X, task="weight")
    binary = Y[["death"]].assign(fall=1 - Y["death"])
    quick_fit(model.set_params(loss="logistic"), X, binary)
    with pytest.warns(UserWarning, match="never seen"):
        shared = model.predict(X, task="weight")
    z = np.log(model.predict(X) / (1 - model.predict(X)))
    np.testing.assert_allclose(shared, expit(z.mean(axis=1)))


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("log", "loss"),
        ({"stay": "squared"}, "loss has no entry for task 'visits'"),
        ({**LOSS, "stay": "logistic"}, "labels 0 and 1"),
        ({**LOSS, "cost": "poisson"}, "labels of at least 0"),
    ],
)
def test_bad_losses_are_named(loss, message):
    X, Y = outcomes(n=40)
    with pytest.raises(ValueError, match=message):
        MultiTaskMLPRegressor(loss=loss).fit(X, Y)


# ---------------------------------------------------------------- auxiliary tasks
def test_auxiliary_tasks_are_trained_and_not_answered():
    X, Y = nonlinear_tasks(n=120, T=4)
    model = MultiTaskMLPRegressor((8,), auxiliary_tasks=[1, 3], **QUICK)
    quick_fit(model, X, Y)
    assert model.tasks_.tolist() == [0, 2]
    assert model.auxiliary_tasks_.tolist() == [1, 3]
    assert model.predict(X).shape == (120, 2)
    assert model.head_coef_.shape == (4, 8)
    np.testing.assert_allclose(model.predict(X, task=2), model.predict(X)[:, 1])
    with pytest.raises(ValueError, match="Task 3 is auxiliary"):
        model.predict(X, task=3)
    assert model.score(X, Y) == model.score(X, Y[:, [0, 2]])
    weight = np.random.default_rng(0).uniform(size=Y.shape)
    np.testing.assert_allclose(
        model.score(X, Y, sample_weight=weight),
        model.score(X, Y[:, [0, 2]], sample_weight=weight[:, [0, 2]]),
    )
    scores = cross_val_score(model.set_params(max_iter=200, tol=0.1), X, Y, cv=3)
    assert np.isfinite(scores).all()


def test_early_stopping_does_not_watch_auxiliary_tasks():
    X, Y = nonlinear_tasks(n=120, T=3)
    model = MultiTaskMLPRegressor((8,), auxiliary_tasks=[0], **QUICK)
    quick_fit(model, X, Y)
    losses = model.history_["validation_loss"]
    assert losses.shape == (4, 3)
    np.testing.assert_allclose(
        model.validation_loss_curve_, losses[:, :2].sum(axis=1)
    )  # tasks 1 and 2 come first, then the auxiliary one


def test_auxiliary_tasks_in_the_long_layout():
    X, Y = nonlinear_tasks(n=150, T=1)
    task = np.array(["a", "b", "c"])[np.arange(150) % 3]
    model = MultiTaskMLPRegressor((8,), auxiliary_tasks=["b"], **QUICK)
    quick_fit(model, X, Y[:, 0], task=task)
    assert model.tasks_.tolist() == ["a", "c"]
    main = task != "b"
    expected = model.score(X[main], Y[main, 0], task=task[main])
    assert model.score(X, Y[:, 0], task=task) == expected
    with pytest.raises(ValueError, match="'b' is auxiliary"):
        model.predict(X, task=task)
    without = quick_fit(MultiTaskMLPRegressor((8,), **QUICK), X, Y[:, 0], task=task)
    assert not np.allclose(without.predict(X, task="a"), model.predict(X, task="a"))


def test_auxiliary_tasks_alone_cannot_be_watched():
    X, Y = nonlinear_tasks(n=40, T=2)
    Y[1:, 0] = np.nan
    model = MultiTaskMLPRegressor((8,), auxiliary_tasks=[1], **QUICK)
    with pytest.raises(ValueError, match="labels of auxiliary tasks only"):
        model.fit(X, Y)
    quick_fit(model.set_params(early_stopping=False), X, Y)


def test_auxiliary_classes():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(200, 3))
    Y = np.column_stack([X[:, 0] > 0, np.digitize(X[:, 1], [-0.5, 0.5]), X[:, 2] > 0])
    model = MultiTaskMLPClassifier((8,), auxiliary_tasks=[1], **QUICK)
    quick_fit(model, X, Y.astype(int))
    assert [p.shape for p in model.predict_proba(X)] == [(200, 2), (200, 2)]
    assert list(model.task_classes_) == [0, 2]
    assert model.head_rows_ == [(0, 1), (2, 1), (1, 0), (1, 1), (1, 2)]
    assert 0 <= model.score(X, Y) <= 1


@pytest.mark.parametrize(
    ("auxiliary", "message"),
    [([5], "auxiliary_tasks names 5"), ([0, 1], "all tasks"), (["x"], "of kind 'str'")],
)
def test_auxiliary_tasks_that_cannot_be(auxiliary, message):
    X, Y = nonlinear_tasks(n=30, T=2)
    with pytest.raises(ValueError, match=message):
        MultiTaskMLPRegressor(auxiliary_tasks=auxiliary).fit(X, Y)


# ---------------------------------------------------------------- single precision
@pytest.mark.parametrize("sharing", ["hard", "soft", "cross-stitch", "sluice"])
@pytest.mark.parametrize("gradient", ["sum", "mgda"])
def test_single_precision_is_kept(sharing, gradient):
    X, Y = nonlinear_tasks(n=200, T=3)
    options = {**QUICK, "sharing": sharing, "gradient": gradient, "dropout": 0.1}
    options |= {"loss_weighting": "uncertainty", "max_grad_norm": 10.0}
    low = quick_fit(MultiTaskMLPRegressor((8,), **options), X.astype(np.float32), Y)
    arrays = [*low.coefs_, *low.intercepts_, low.head_coef_, *low.mixing_]
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}
    high = quick_fit(MultiTaskMLPRegressor((8,), **options), X, Y)
    assert high.head_coef_.dtype == np.float64
    difference = (low.predict(X) - high.predict(X)) / Y.std(axis=0)
    assert np.abs(difference).max() < 1e-3


# ---------------------------------------------------------------- what is recorded
@pytest.mark.parametrize("sharing", ["hard", "soft", "cross-stitch"])
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_conflict_is_recorded_and_changes_nothing(layout, sharing):
    X, Y = nonlinear_tasks(n=100, T=3)
    extra = {}
    if layout == "long":
        Y, extra = Y[:, 0], {"task": np.arange(100) % 3}
    options = {**QUICK, "sharing": sharing, "activation": "tanh"}
    plain = quick_fit(MultiTaskMLPRegressor((8,), **options), X, Y, **extra)
    model = MultiTaskMLPRegressor((8,), monitor_conflict=True, **options)
    quick_fit(model, X, Y, **extra)
    np.testing.assert_array_equal(model.head_coef_, plain.head_coef_)
    assert "task_cosine" not in plain.history_
    between = model.history_["task_cosine"]
    assert between.shape == (4, 3, 3)
    np.testing.assert_allclose(between, between.transpose(0, 2, 1))
    np.testing.assert_allclose(np.diagonal(between, axis1=1, axis2=2), 1.0)
    if sharing == "soft":  # towers of their own: nothing to disagree about
        np.testing.assert_allclose(between[:, 0, 1:], 0.0, atol=1e-12)
    samples = model.history_["sample_cosine"]
    assert samples.shape == (4, 3)
    assert np.all((samples > -1) & (samples < 1))


def test_mean_cosine_between_samples():
    """In a linear trunk of one unit gradients are multiples of the rows."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(12, 4))
    y = 5.0 + rng.uniform(0.1, 1, size=12)
    model = MultiTaskMLPRegressor(
        (1,),
        activation="identity",
        early_stopping=False,
        monitor_conflict=True,
        **{**QUICK, "learning_rate_init": 1e-12},
    )
    quick_fit(model, X, y)
    z = (model.predict(X) - y) / model.y_scale_
    gradients = np.column_stack([X, np.ones(12)]) * z[:, None]  # intercept included
    expected = cosines(gradients)[np.triu_indices(12, 1)].mean()
    np.testing.assert_allclose(model.history_["sample_cosine"][-1, 0], expected)


# ---------------------------------------------------------------- solvers
def test_sgd_steps():
    gradients = np.array([[1.0, -2.0], [0.5, 1.0], [2.0, 0.0]])
    for nesterov in (False, True):
        solver, theta = SGD(2, 0.9, nesterov), np.zeros(2)
        expected, velocity = np.zeros(2), np.zeros(2)
        for g in gradients:
            solver.step(theta, g, 0.1)
            velocity = 0.9 * velocity - 0.1 * g
            expected += 0.9 * velocity - 0.1 * g if nesterov else velocity
        np.testing.assert_allclose(theta, expected, rtol=1e-12)


def test_adam_steps():
    solver, theta = Adam(1, 0.9, 0.999, 1e-8), np.zeros(1)
    mean = square = 0.0
    expected = 0.0
    for k, g in enumerate([1.0, -2.0, 0.5], start=1):
        solver.step(theta, np.array([g]), 0.1)
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g * g
        fixed = (mean / (1 - 0.9**k)) / (np.sqrt(square / (1 - 0.999**k)) + 1e-8)
        expected -= 0.1 * fixed
    np.testing.assert_allclose(theta, expected, rtol=1e-5)


def test_schedules():
    cosine = Schedule("cosine", 0.1, 0, 10)
    np.testing.assert_allclose([cosine.factor(k) for k in (0, 5, 10)], [1, 0.5, 0])
    warm = Schedule("cosine", 0.1, 4, 12)
    np.testing.assert_allclose([warm.factor(k) for k in (1, 4, 8)], [0.25, 1, 0.5])
    constant = Schedule("constant", 0.1, 2, 5)
    assert [constant.factor(k) for k in (1, 2, 99)] == [0.5, 1.0, 1.0]


def test_clip_shortens_long_gradients_only():
    gradient = np.array([3.0, 4.0])
    clip(gradient, 10.0)
    np.testing.assert_array_equal(gradient, [3.0, 4.0])
    clip(gradient, 1.0)
    np.testing.assert_allclose(gradient, [0.6, 0.8])


@pytest.mark.parametrize(
    "options",
    [
        {"solver": "sgd"},
        {"solver": "sgd", "nesterovs_momentum": False},
        {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.2},
        {"solver": "sgd", "learning_rate": "cosine", "warmup_epochs": 3},
        {"solver": "sgd", "max_grad_norm": 0.5},
        {"solver": "sgd", "dropout": 0.1},
    ],
)
def test_sgd_learns(options):
    X, Y = nonlinear_tasks(n=400, T=3)
    options = {"learning_rate_init": 0.05, "max_iter": 60, **options}
    model = MultiTaskMLPRegressor(
        alpha=1e-3, early_stopping=False, random_state=0, **options
    )
    assert quick_fit(model, X, Y).score(X, Y) > 0.75


def test_dropout_is_off_in_prediction_and_validation():
    X, Y = nonlinear_tasks(n=200, T=2)
    model = MultiTaskMLPRegressor(dropout=0.5, **QUICK)
    quick_fit(model, X, Y)
    np.testing.assert_array_equal(model.predict(X), model.predict(X))
    options = {**QUICK, "learning_rate_init": 1e-12, "alpha": 0.0}
    model = quick_fit(MultiTaskMLPRegressor(dropout=0.5, **options), X, Y)
    curve = model.validation_loss_curve_
    np.testing.assert_allclose(curve, curve[0], rtol=1e-6)
    assert np.ptp(model.loss_curve_) > 1e-3


def test_nested_parameters_are_searched():
    X, Y = nonlinear_tasks(n=90, T=2)
    model = MultiTaskMLPRegressor((4,), sharing=SoftSharing(), **QUICK)
    model.set_params(max_iter=200, tol=0.05, n_iter_no_change=2)
    grid = {"sharing__strength": [0.01, 10.0]}
    search = GridSearchCV(model, grid, cv=TaskKFold(3), error_score="raise").fit(X, Y)
    assert search.best_params_["sharing__strength"] in (0.01, 10.0)


def test_full_labels_are_gathered_as_others_are():
    """A matrix of targets and a table of entries are one training."""
    X, Y = nonlinear_tasks(n=90, T=3)
    weight = np.ones(90)
    options = {**QUICK, "batch_size": 16}
    a = quick_fit(MultiTaskMLPRegressor((8,), **options), X, Y)
    weight[0] = 1 + 1e-12  # weights vary, so that entries are needed
    b = quick_fit(MultiTaskMLPRegressor((8,), **options), X, Y, sample_weight=weight)
    np.testing.assert_allclose(a.predict(X), b.predict(X), rtol=1e-8)
    assert BalancedBatches(np.arange(9), np.zeros(9, dtype=int), 4).n_steps == 3
