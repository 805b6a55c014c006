"""Every backward pass of the network against finite differences."""

import numpy as np
import pytest
from _networks import LAYOUTS, make_labels, value_and_gradient
from scipy import sparse

from skmtl.losses import Huber, Logistic, Mixed, Poisson, Squared
from skmtl.neural_network import CrossStitch, HardSharing, Sluice, SoftSharing
from skmtl.neural_network._entries import Columns, Entries
from skmtl.neural_network._layers import Dropout
from skmtl.neural_network._losses import ColumnLosses
from skmtl.neural_network._objective import Objective
from skmtl.neural_network._validation import weights_within

SHARINGS = {
    "hard": HardSharing(),
    "soft": SoftSharing(strength=0.7),
    "cross-stitch": CrossStitch(own=0.6),
    "sluice": Sluice(n_subspaces=2, own=0.7, orthogonality=0.3),
}
LOSSES = {
    "squared": (Squared(), None),
    "huber": (Huber(0.8), None),
    "poisson": (Poisson(), 5),
    "logistic": (Logistic(), 2),
    "multinomial": (Logistic(), 4),
    "mixed": (Mixed((Squared(), Poisson(), Logistic()), (0, 1, 2)), 2),
    "mixed-classes": (Logistic(), (2, 4, 2)),
}


def problem(sharing, loss, layout, *, hidden=(4, 4), activation="tanh", seed=0):
    """Return (objective, X, batch of all rows, parameters)."""
    rng = np.random.default_rng(seed)
    loss, n_classes = LOSSES[loss]
    X, labels = make_labels(layout, n_classes, rng, n=17)
    n_tasks = labels.n_tasks
    if isinstance(loss, Mixed):
        loss = Mixed(loss.losses, loss.index[:n_tasks])
    found = np.broadcast_to(n_classes or 1, 3)[:n_tasks]
    classes = isinstance(loss, Logistic)
    columns = Columns.of_widths(np.where(classes & (found > 2), found, 1))
    c = np.linspace(0.5, 2.0, n_tasks)
    weight = weights_within(labels, np.zeros(len(X), dtype=bool), c)
    entries = Entries.build(labels, columns, weight)
    kind = SHARINGS[sharing] if isinstance(sharing, str) else sharing
    network = kind.build([4, *hidden], columns, activation)
    objective = Objective(network, ColumnLosses(loss, columns), columns, c, 0.3)
    rows = np.flatnonzero(np.diff(entries.start))
    theta = 0.5 * rng.normal(size=network.n_parameters)
    return objective, X[rows], entries.of_rows(rows), theta


def differences(function, theta, h=1e-5):
    """Return central differences of a function of the parameters."""
    found = []
    for j in range(len(theta)):
        up, down = theta.copy(), theta.copy()
        up[j] += h
        down[j] -= h
        found.append((function(up) - function(down)) / (2 * h))
    return np.array(found)


def assert_close(gradient, numeric):
    assert np.abs(gradient - numeric).max() <= 1e-6 * np.abs(numeric).max()


def assert_gradient(objective, X, batch, theta):
    """Compare the gradient of the whole objective."""

    def value(at):
        losses = objective.task_losses(objective.network.parts(at), X, batch)
        return objective.task_weight @ losses + objective.penalty(at)

    _, gradient = value_and_gradient(objective, theta, X, batch)
    assert_close(gradient, differences(value, theta))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("sharing", SHARINGS)
def test_gradient_of_every_sharing_and_loss(sharing, loss, layout):
    objective, X, batch, theta = problem(sharing, loss, layout)
    assert_gradient(objective, X, batch, theta)


@pytest.mark.parametrize("activation", ["relu", "logistic", "identity"])
@pytest.mark.parametrize("rows_as", ["array", "csr"])
@pytest.mark.parametrize("hidden", [(), (4,), (4, 4, 4)])
@pytest.mark.parametrize("sharing", SHARINGS)
def test_gradient_of_activations_depths_and_sparse_rows(
    sharing, hidden, rows_as, activation
):
    objective, X, batch, theta = problem(
        sharing, "squared", "wide-nan", hidden=hidden, activation=activation
    )
    X = sparse.csr_array(np.where(np.abs(X) < 0.5, 0.0, X)) if rows_as == "csr" else X
    assert_gradient(objective, X, batch, theta)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("sharing", SHARINGS)
def test_gradient_under_dropout(sharing, activation):
    """The masks are a function of the seed, so that differences see the same ones."""
    objective, X, batch, theta = problem(
        sharing, "squared", "wide", activation=activation
    )
    network = objective.network

    def run(at):
        drop = Dropout(0.4, np.random.RandomState(3))
        gradient = np.empty_like(at)
        parts, out = network.parts(at), network.parts(gradient)
        losses = objective.gradient(at, parts, X, batch, gradient, out, drop=drop)
        return objective.task_weight @ losses + objective.penalty(at), gradient

    assert_close(run(theta)[1], differences(lambda at: run(at)[0], theta))


@pytest.mark.parametrize("layout", ["long", "wide-nan"])
@pytest.mark.parametrize("loss", ["squared", "mixed", "mixed-classes"])
@pytest.mark.parametrize("sharing", SHARINGS)
def test_jacobian_has_the_gradient_of_each_task(sharing, loss, layout):
    objective, X, batch, theta = problem(sharing, loss, layout)
    parts = objective.network.parts(theta)
    c = objective.task_weight
    J = np.full((len(c), len(theta)), np.nan)
    losses = objective.jacobian(parts, X, batch, J)
    np.testing.assert_allclose(losses, objective.task_losses(parts, X, batch))

    def weighted(at):
        return c * objective.task_losses(objective.network.parts(at), X, batch)

    assert_close(J.T, differences(weighted, theta))
    scale = np.array([2.0, 0.5, 3.0])
    scaled = np.empty_like(J)
    objective.jacobian(parts, X, batch, scaled, scale)
    np.testing.assert_allclose(scaled, scale[:, None] * J, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("sharing", SHARINGS)
def test_single_precision_follows_double(sharing):
    objective, X, batch, theta = problem(sharing, "mixed", "wide-nan")
    _, exact = value_and_gradient(objective, theta, X, batch)
    low = theta.astype(np.float32)
    gradient = np.empty_like(low)
    network = objective.network
    low_batch = type(batch)(
        batch.n_rows,
        batch.start,
        batch.column,
        batch.y.astype(np.float32),
        batch.weight.astype(np.float32),
    )
    objective.gradient(
        low,
        network.parts(low),
        X.astype(np.float32),
        low_batch,
        gradient,
        network.parts(gradient),
    )
    assert gradient.dtype == np.float32
    assert np.abs(gradient - exact).max() < 1e-5 * np.abs(exact).max()


@pytest.mark.parametrize("sharing", SHARINGS)
def test_parts_and_flat_vectors_are_the_same_parameters(sharing):
    network = problem(sharing, "multinomial", "wide")[0].network
    flat = np.arange(float(network.n_parameters))
    parts = network.parts(flat)
    np.testing.assert_array_equal(network.flatten(parts), flat)
    penalised = np.concatenate([parts.head.ravel(), *map(np.ravel, parts.weights)])
    np.testing.assert_array_equal(penalised, flat[: network.n_penalised])
    np.testing.assert_array_equal(parts.weights[-1].ravel(), flat[network.last_shared])
    assert parts.head.max() < flat[network.shared].min()
    assert parts.head_bias.min() > flat[network.shared].max()


def test_three_subspaces():
    kind = Sluice(n_subspaces=3, own=0.5, orthogonality=0.3)
    objective, X, batch, theta = problem(kind, "squared", "wide-nan", hidden=(6, 6))
    assert_gradient(objective, X, batch, theta)
