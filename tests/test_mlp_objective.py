"""The objective of the multi-task MLP: gradients, layouts, mini-batches."""

import numpy as np
import pytest
from _networks import (
    LAYOUTS,
    N_CLASSES,
    QUICK,
    make_labels,
    make_problem,
    quick_fit,
    random_theta,
    value_and_gradient,
)
from scipy import sparse

from skmtl import (
    MultiTaskMLPRegressor,
)
from skmtl.layouts import read_labels
from skmtl.neural_network._batches import BalancedBatches, rarest_task
from skmtl.neural_network._entries import Columns, Entries
from skmtl.neural_network.sharing import hard


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
    monkeypatch.setattr(hard, "SPARSE_BELOW", sparse_below)
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
    (W1, W2), (b1, b2), V, a, _ = objective.network.parts(theta)
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
    n_penalised = objective.network.n_penalised
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
