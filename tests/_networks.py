"""Small problems for the multi-task MLP, and its objective laid open."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skmtl.layouts import read_labels
from skmtl.losses import Logistic, Squared
from skmtl.neural_network._entries import Columns, Entries
from skmtl.neural_network._losses import ColumnLosses
from skmtl.neural_network._objective import Objective
from skmtl.neural_network._validation import weights_within
from skmtl.neural_network.sharing import HardSharing

LAYOUTS = ["single", "long", "wide", "wide-nan"]
N_CLASSES = {"squared": None, "logistic": 2, "multinomial": 3, "mixed": (2, 4, 2)}


QUICK = {
    "max_iter": 4,
    "n_iter_no_change": 50,
    "learning_rate_init": 0.01,
    "random_state": 0,
}


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
    X,
    labels,
    kind,
    *,
    hidden=(5, 4),
    activation="tanh",
    alpha=0.3,
    c=None,
    sharing=None,
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
    sharing = HardSharing() if sharing is None else sharing
    network = sharing.build([X.shape[1], *hidden], columns, activation)
    objective = Objective(network, ColumnLosses(loss, columns), columns, c, alpha)
    return objective, entries, np.flatnonzero(np.diff(entries.start))


def value_and_gradient(objective, theta, X, batch):
    """Return the objective on a batch and its gradient."""
    gradient = np.full_like(theta, np.nan)
    views, out = objective.network.parts(theta), objective.network.parts(gradient)
    losses = objective.gradient(theta, views, X, batch, gradient, out)
    np.testing.assert_allclose(losses, objective.task_losses(views, X, batch))
    return objective.task_weight @ losses + objective.penalty(theta), gradient


def random_theta(objective, rng):
    """Return parameters of moderate size, no two alike."""
    return rng.normal(size=objective.network.n_parameters) * 0.5


def nonlinear_tasks(n=400, T=4, noise=0.1, seed=0):
    """Return X and Y whose columns are different mixtures of two nonlinear features."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    features = np.column_stack([X[:, 0] * X[:, 1], np.abs(X[:, 2])])
    Y = features @ rng.normal(size=(2, T)) + noise * rng.normal(size=(n, T))
    return X, Y * 10.0 ** np.arange(T) + 100


def quick_fit(model, *args, **kwargs):
    """Fit a few epochs; not converging is expected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*args, **kwargs)
