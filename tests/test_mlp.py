"""The multi-task MLP: gradients, layouts, weights, training, answers."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmtl import (
    MultiTaskMLPClassifier,
    MultiTaskMLPRegressor,
    make_group_sparse_tasks,
    make_related_tasks,
    wide_to_long,
)
from skmtl.layouts import read_labels
from skmtl.losses import Logistic, Squared
from skmtl.neural_network import _sharing
from skmtl.neural_network._batches import BalancedBatches, rarest_task
from skmtl.neural_network._entries import Columns, Entries
from skmtl.neural_network._losses import ColumnLosses
from skmtl.neural_network._objective import Objective
from skmtl.neural_network._training import Patience
from skmtl.neural_network._validation import hold_out, weights_within

LAYOUTS = ["single", "long", "wide", "wide-nan"]
N_CLASSES = {"squared": None, "logistic": 2, "multinomial": 3, "mixed": (2, 4, 2)}


def make_labels(layout, n_classes, rng, n=23, T=3):
    """Return X and `TaskLabels` with weights and tasks of different sizes."""
    X = rng.normal(size=(n, 4))
    if n_classes is None:
        Y = rng.normal(size=(n, T))
    else:
        Y = rng.integers(0, np.broadcast_to(n_classes, T), size=(n, T)).astype(float)
    weight = rng.uniform(0.5, 2.0, size=(n, T))
    if layout in ("single", "long"):
        codes = np.zeros(n, dtype=int)
        if layout == "long":
            codes = rng.choice(T, size=n, p=[0.6, 0.3, 0.1])
            codes[:T] = np.arange(T)
        task = None if layout == "single" else codes
        y, weight = Y[np.arange(n), codes], weight[np.arange(n), codes]
        weight[5] = 0.0
        return X, read_labels(y, task, weight)
    if layout == "wide-nan":
        Y[rng.uniform(size=Y.shape) < [0.1, 0.4, 0.8]] = np.nan
        Y[0], Y[1] = 0.0, np.nan
        weight[2, 1] = 0.0
    return X, read_labels(Y, None, weight)


def make_problem(
    X, labels, kind, *, hidden=(5, 4), activation="tanh", alpha=0.3, c=None
):
    """Return (objective, entries, all rows with labels)."""
    n_classes = N_CLASSES[kind]
    width = np.ones(labels.n_tasks, dtype=int)
    if n_classes is not None:
        found = np.broadcast_to(n_classes, 3)[: labels.n_tasks]
        width = np.where(found > 2, found, 1)
    columns = Columns.of_widths(width)
    c = np.linspace(0.5, 2.0, labels.n_tasks) if c is None else np.asarray(c)
    nothing_held = np.zeros(len(labels.y), dtype=bool)
    weight = weights_within(labels, nothing_held, c)
    entries = Entries.build(labels, columns, weight)
    loss = Squared() if kind == "squared" else Logistic()
    network = _sharing.HardSharing([X.shape[1], *hidden], len(columns), activation)
    objective = Objective(network, ColumnLosses(loss, columns), columns, c, alpha)
    return objective, entries, np.flatnonzero(np.diff(entries.start))


def value_and_gradient(objective, theta, X, batch):
    """Return the objective on a batch and its gradient."""
    gradient = np.full_like(theta, np.nan)
    views, out = objective.sharing.views(theta), objective.sharing.views(gradient)
    losses = objective.gradient(theta, views, X, batch, gradient, out)
    np.testing.assert_allclose(losses, objective.task_losses(views, X, batch))
    return objective.task_weight @ losses + objective.penalty(theta), gradient


def random_theta(objective, rng):
    """Return parameters of moderate size, no two alike."""
    return rng.normal(size=objective.sharing.n_parameters) * 0.5


# ---------------------------------------------------------------- the gradient
def assert_gradient_is_right(objective, theta, X, batch):
    """Compare the gradient with central differences, component by component."""
    _, gradient = value_and_gradient(objective, theta, X, batch)
    numeric, h = np.empty_like(theta), 1e-5
    for j in range(len(theta)):
        up, down = theta.copy(), theta.copy()
        up[j] += h
        down[j] -= h
        numeric[j] = value_and_gradient(objective, up, X, batch)[0]
        numeric[j] -= value_and_gradient(objective, down, X, batch)[0]
    numeric /= 2 * h
    assert np.abs(gradient - numeric).max() <= 1e-6 * np.abs(numeric).max()


@pytest.mark.parametrize("kind", N_CLASSES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_gradient_equals_finite_differences(activation, layout, kind):
    rng = np.random.default_rng(1)
    X, labels = make_labels(layout, N_CLASSES[kind], rng)
    objective, entries, rows = make_problem(X, labels, kind, activation=activation)
    theta = random_theta(objective, rng)
    assert_gradient_is_right(objective, theta, X[rows], entries.of_rows(rows))


@pytest.mark.parametrize("kind", ["squared", "mixed"])
@pytest.mark.parametrize("hidden", [(), (6,)])
@pytest.mark.parametrize("rows_as", ["array", "csr"])
@pytest.mark.parametrize("sparse_below", [0.0, 2.0])
def test_gradient_by_entries_and_by_matrices(
    sparse_below, rows_as, hidden, kind, monkeypatch
):
    monkeypatch.setattr(_sharing, "SPARSE_BELOW", sparse_below)
    rng = np.random.default_rng(2)
    for layout in ("long", "wide-nan"):
        X, labels = make_labels(layout, N_CLASSES[kind], rng)
        X[np.abs(X) < 0.5] = 0.0
        objective, entries, rows = make_problem(X, labels, kind, hidden=hidden)
        rows = np.append(rows, rows[:3])  # a batch may visit a row twice
        batch = entries.of_rows(rows)
        batch.scale_rows(rng.uniform(0.5, 2, size=len(rows)))
        X = sparse.csr_array(X) if rows_as == "csr" else X
        theta = random_theta(objective, rng)
        assert_gradient_is_right(objective, theta, X[rows], batch)


@pytest.mark.parametrize("kind", N_CLASSES)
def test_wide_and_long_are_one_objective(kind):
    rng = np.random.default_rng(3)
    X, labels = make_labels("wide", N_CLASSES[kind], rng)
    row, task = np.nonzero(labels.weight > 0)
    stacked = read_labels(labels.y[row, task], task, labels.weight[row, task])
    wide, entries, rows = make_problem(X, labels, kind)
    long, long_entries, long_rows = make_problem(X[row], stacked, kind)
    theta = random_theta(wide, rng)
    a = value_and_gradient(wide, theta, X, entries.of_rows(rows))
    b = value_and_gradient(long, theta, X[row], long_entries.of_rows(long_rows))
    np.testing.assert_allclose(a[0], b[0], rtol=1e-12)
    np.testing.assert_allclose(a[1], b[1], rtol=1e-9, atol=1e-13)


def test_objective_is_the_documented_one():
    rng = np.random.default_rng(4)
    X, labels = make_labels("wide-nan", None, rng)
    c = np.array([1.0, 3.0, 0.5])
    objective, entries, rows = make_problem(X, labels, "squared", alpha=0.7, c=c)
    theta = random_theta(objective, rng)
    (W1, W2, V), (b1, b2, a) = objective.sharing.views(theta)
    Z = np.tanh(np.tanh(X @ W1 + b1) @ W2 + b2) @ V.T + a
    expected = 0.35 * sum(np.sum(W**2) for W in (W1, W2, V))
    for t in range(3):
        i, y, s = labels.of_task(t)
        expected += c[t] / s.sum() * np.sum(s * (y - Z[i, t]) ** 2) / 2
    value, _ = value_and_gradient(objective, theta, X[rows], entries.of_rows(rows))
    np.testing.assert_allclose(value, expected, rtol=1e-12)


# ---------------------------------------------------------------- mini-batches
@pytest.mark.parametrize("layout", ["long", "wide", "wide-nan"])
@pytest.mark.parametrize("batch_size", [1, 4, 7, 1000])
def test_steps_of_an_epoch_average_to_the_full_gradient(layout, batch_size):
    rng = np.random.default_rng(5)
    X, labels = make_labels(layout, None, rng)
    objective, entries, rows = make_problem(X, labels, "squared")
    stratum = rarest_task(entries, objective.columns, len(X))
    batches = BalancedBatches(rows, stratum[rows], min(batch_size, len(rows)))
    theta = random_theta(objective, rng)
    penalty = np.zeros_like(theta)
    n_penalised = objective.sharing.n_penalised
    penalty[:n_penalised] = objective.alpha * theta[:n_penalised]
    total, visited = np.zeros_like(theta), set()
    for chosen, scale in batches.epoch(rng):
        batch = entries.of_rows(chosen)
        batch.scale_rows(scale)
        total += value_and_gradient(objective, theta, X[chosen], batch)[1] - penalty
        visited |= set(chosen.tolist())
    full = value_and_gradient(objective, theta, X[rows], entries.of_rows(rows))[1]
    np.testing.assert_allclose(total / batches.n_steps, full - penalty, atol=1e-12)
    assert visited == set(rows.tolist())


def test_each_step_sees_small_and_large_tasks():
    stratum = np.repeat([0, 1, 2], [400, 90, 3])
    rng = np.random.default_rng(6)
    rng.shuffle(stratum)
    batches = BalancedBatches(np.arange(493), stratum, 50)
    for _ in range(3):
        counts = [np.bincount(stratum[r], minlength=3) for r, _ in batches.epoch(rng)]
        assert len(counts) == 10
        assert np.ptp(counts, axis=0).max() <= 1
        assert np.sum(counts, axis=0).tolist() == [400, 90, 10]


def test_many_small_tasks_do_not_blow_an_epoch_up():
    stratum = np.repeat(np.arange(500), 4)
    batches = BalancedBatches(np.arange(2000), stratum, 100)
    visits = np.concatenate([r for r, _ in batches.epoch(np.random.default_rng(7))])
    assert len(visits) == 2000


def test_rows_are_spread_by_their_rarest_task():
    Y = np.full((6, 3), np.nan)
    Y[:, 0], Y[:3, 1], Y[2, 2] = 1.0, 1.0, 1.0
    Y[5] = np.nan
    labels = read_labels(Y)
    columns = Columns.of_widths([1, 1, 1])
    entries = Entries.build(labels, columns, labels.weight)
    assert rarest_task(entries, columns, 6).tolist() == [1, 1, 2, 0, 0, -1]


@pytest.mark.parametrize(
    ("task_weight", "expected"),
    [
        ({"big": 1.0, "small": 2.0}, [0.5, 0.0]),
        ({"big": 2.0, "small": 1.0}, [0.0, 0.5]),
        ("n_samples", [0.0, 0.5]),
    ],
)
def test_tasks_count_by_their_weight_whatever_their_size(task_weight, expected):
    # One hidden unit cannot follow both features: the heavier task gets its own.
    rng = np.random.default_rng(8)
    task = np.repeat(["big", "small"], [950, 50])
    X = rng.choice([-1.0, 1.0], size=(1000, 2))
    y = np.where(task == "big", X[:, 0], X[:, 1])
    model = MultiTaskMLPRegressor(
        (1,),
        activation="identity",
        alpha=0.0,
        early_stopping=False,
        learning_rate_init=0.02,
        task_weight=task_weight,
        max_iter=300,
        random_state=0,
    ).fit(X, y, task=task)
    assert np.abs(model.history_["train_loss"][-1] - expected).max() < 0.05


def test_task_weights_are_those_of_the_objective():
    X, y = np.eye(6), np.arange(6.0)
    options = {**QUICK, "early_stopping": False, "alpha": 0.0}
    for weight, expected in [(None, [1, 1]), ("n_samples", [4 / 3, 2 / 3])]:
        model = MultiTaskMLPRegressor(task_weight=weight, **options)
        quick_fit(model, X, y, task=[0, 0, 0, 0, 1, 1])
        np.testing.assert_allclose(model.task_weight_, expected)
        losses = model.history_["train_loss"] @ expected
        np.testing.assert_allclose(model.loss_curve_, losses)


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


def nonlinear_tasks(n=400, T=4, noise=0.1, seed=0):
    """Return X and Y whose columns are different mixtures of two nonlinear features."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    features = np.column_stack([X[:, 0] * X[:, 1], np.abs(X[:, 2])])
    Y = features @ rng.normal(size=(2, T)) + noise * rng.normal(size=(n, T))
    return X, Y * 10.0 ** np.arange(T) + 100


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
QUICK = {
    "max_iter": 4,
    "n_iter_no_change": 50,
    "learning_rate_init": 0.01,
    "random_state": 0,
}


def quick_fit(model, *args, **kwargs):
    """Fit a few epochs; not converging is expected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*args, **kwargs)


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


# ---------------------------------------------------------------- answers
def test_regressor_answers_in_every_layout():
    X, Y = nonlinear_tasks(n=60, T=3)
    wide = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y)
    assert wide.predict(X).shape == (60, 3)
    np.testing.assert_allclose(wide.predict(X, task=2), wide.predict(X)[:, 2])
    task = np.array(["a", "b", "c"])[np.arange(60) % 3]
    long = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y[:, 0], task=task)
    assert long.predict(X, task=task).shape == (60,)
    np.testing.assert_allclose(
        long.predict(X, task="b")[task == "b"], long.predict(X, task=task)[task == "b"]
    )
    single = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y[:, 0])
    assert single.predict(X).shape == (60,)
    assert single.head_coef_.shape == (1, 64)


def test_unseen_task_gets_the_average_of_the_heads():
    X, Y = nonlinear_tasks(n=60, T=3)
    options = {**QUICK, "task_weight": {0: 1.0, 1: 2.0, 2: 3.0}}
    model = quick_fit(MultiTaskMLPRegressor(unseen="shared", **options), X, Y)
    with pytest.warns(UserWarning, match="never seen"):
        shared = model.predict(X, task=9)
    np.testing.assert_allclose(shared, model.predict(X) @ [1, 2, 3] / 6)
    with pytest.raises(ValueError, match="never seen"):
        model.set_params(unseen="raise").predict(X, task=9)


def test_unseen_task_of_a_classifier():
    rng = np.random.default_rng(14)
    X = rng.normal(size=(90, 2))
    for n_classes in (2, 3):
        y, task = rng.integers(0, n_classes, 90), np.arange(90) % 3
        y[task == 2] = 1  # takes no part, and is no obstacle
        model = MultiTaskMLPClassifier(unseen="shared", **QUICK)
        with pytest.warns(UserWarning, match="one class only"):
            quick_fit(model, X, y, task=task)
        with pytest.warns(UserWarning, match="never seen"):
            shared = model.predict_proba(X, task=7)
        scores = [np.log(model.predict_proba(X, task=t)) for t in (0, 1)]
        mean = np.exp((scores[0] + scores[1]) / 2)
        expected = mean / mean.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(shared, expected, rtol=1e-9)


def test_classifier_with_different_classes_per_task_long():
    rng = np.random.default_rng(15)
    X = rng.normal(size=(120, 3))
    task = np.array(["two", "three", "one"])[np.arange(120) % 3]
    names = {"two": ["no", "yes"], "three": ["a", "b", "c"], "one": ["yes"]}
    y = np.array([rng.choice(names[t]) for t in task])
    model = MultiTaskMLPClassifier(**QUICK)
    with pytest.warns(UserWarning, match="one class only") as record:
        quick_fit(model, X, y, task=task)
    assert "'one'" in str(record[0].message)
    assert model.classes_.tolist() == ["a", "b", "c", "no", "yes"]
    assert model.head_rows_ == [
        ("three", "a"),
        ("three", "b"),
        ("three", "c"),
        ("two", "yes"),
    ]
    assert model.head_coef_.shape == (4, 64)
    assert model.task_weight_.tolist() == [0, 1, 1]
    assert np.isnan(model.history_["train_loss"][:, 0]).all()
    proba = model.predict_proba(X, task=task)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    assert np.all(proba[task == "two"][:, :3] == 0)
    assert np.all(proba[task == "one"] == [0, 0, 0, 0, 1])
    assert model.predict_proba(X, task="three").shape == (120, 3)
    for t, found in names.items():
        assert set(model.predict(X, task=t)) <= set(found)


def test_classifier_shapes_wide_and_single():
    rng = np.random.default_rng(16)
    X = rng.normal(size=(60, 3))
    Y = rng.integers(0, 2, size=(60, 2)).astype(float)
    Y[:, 1] += rng.integers(0, 2, size=60)
    Y[::5, 0] = np.nan
    model = quick_fit(MultiTaskMLPClassifier(**QUICK), X, Y)
    assert [p.shape for p in model.predict_proba(X)] == [(60, 2), (60, 3)]
    assert model.predict(X).shape == (60, 2)
    assert model.predict(X, task=1).shape == (60,)
    assert 0 <= model.score(X, Y) <= 1
    single = quick_fit(MultiTaskMLPClassifier(**QUICK), X, Y[:, 1])
    assert single.classes_.tolist() == [0, 1, 2]
    assert single.predict_proba(X).shape == (60, 3)


def test_heads_start_at_the_prevalence():
    rng = np.random.default_rng(17)
    X, y = rng.normal(size=(400, 2)), np.arange(400) < 8
    model = MultiTaskMLPClassifier(**{**QUICK, "learning_rate_init": 1e-12})
    quick_fit(model, X, y)
    np.testing.assert_allclose(model.head_intercept_, np.log(8 / 392), rtol=1e-6)


def test_all_tasks_of_one_class():
    model = MultiTaskMLPClassifier(warm_start=True, **QUICK)
    X = np.eye(4)
    for _ in range(2):
        with pytest.warns(UserWarning, match="one class only"):
            model.fit(X, np.array([["a", "b"]] * 4))
    assert model.predict(X).tolist() == [["a", "b"]] * 4
    assert [p.tolist() for p in model.predict_proba(X)] == [[[1.0]] * 4] * 2
    assert model.n_iter_ == 0


# ---------------------------------------------------------------- as an estimator
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_layer_sizes": (4, 0)}, "hidden_layer_sizes must hold positive"),
        ({"hidden_layer_sizes": (2.5,)}, "hidden_layer_sizes must hold positive"),
        ({"hidden_layer_sizes": 0}, "hidden_layer_sizes"),
        ({"activation": "gelu"}, "activation"),
        ({"alpha": -1}, "alpha"),
        ({"learning_rate_init": 0.0}, "learning_rate_init"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"batch_size": 0}, "batch_size"),
        ({"task_weight": {0: 1.0}}, "task_weight"),
        ({"task_weight": {0: 1.0, 1: -1.0}}, "task_weight"),
        ({"task_weight": "size"}, "task_weight"),
    ],
)
def test_bad_parameters_name_themselves(options, message):
    X, Y = nonlinear_tasks(n=30, T=2)
    with pytest.raises(ValueError, match=message):
        MultiTaskMLPRegressor(**options).fit(X, Y)


def test_features_of_other_orders_and_types_are_read():
    X, Y = nonlinear_tasks(n=40)
    a = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y).predict(X)
    frozen = np.asfortranarray(X)
    frozen.setflags(write=False)
    b = quick_fit(MultiTaskMLPRegressor(**QUICK), frozen, Y).predict(frozen)
    np.testing.assert_allclose(a, b, rtol=1e-9)
    integers = (10 * X).astype(int)
    quick_fit(MultiTaskMLPRegressor(5, **QUICK), integers, Y).predict(integers)


def test_pickle_and_clone():
    X, Y = nonlinear_tasks(n=60)
    model = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert len(pickle.dumps(model)) < 20_000  # no training data inside
    again = quick_fit(clone(model), X, Y)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_tables_and_labels_of_a_simulated_problem():
    X, y, task, _ = make_related_tasks(n_tasks=3, n_samples=60, random_state=0)
    model = MultiTaskMLPRegressor(learning_rate_init=0.01, random_state=0)
    model.fit(X, y, task=task)
    assert model.tasks_.tolist() == np.unique(task).tolist()
    assert model.score(X, y, task=task) > 0.5


NOT_EQUIVALENT = (
    "a row of weight 2 is not two rows for early stopping, which holds rows out at "
    "random; the instance without it passes"
)
NO_EARLY_STOPPING = {
    "hidden_layer_sizes": (16,),
    "learning_rate_init": 0.05,
    "max_iter": 20,
    "early_stopping": False,
    "batch_size": 10_000,
}


@parametrize_with_checks(
    [
        MultiTaskMLPRegressor(max_iter=10, learning_rate_init=0.05),
        MultiTaskMLPClassifier(max_iter=10, learning_rate_init=0.05),
        MultiTaskMLPRegressor(**NO_EARLY_STOPPING),
        MultiTaskMLPClassifier(**NO_EARLY_STOPPING),
    ],
    expected_failed_checks=lambda estimator: (
        {
            "check_sample_weight_equivalence_on_dense_data": NOT_EQUIVALENT,
            "check_sample_weight_equivalence_on_sparse_data": NOT_EQUIVALENT,
        }
        if estimator.early_stopping
        else {}
    ),
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:.*one class only:UserWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)
