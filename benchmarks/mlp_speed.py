"""The multi-task MLP against scikit-learn's, at equal layers, batches and epochs.

Run with ``python benchmarks/mlp_speed.py [--quick] [--threads all]``. Both train on
complete Y by Adam without early stopping; scikit-learn's MLPRegressor takes Y as one
outcome of several columns. Seconds are for all epochs together, in double and in single
precision; ratios are scikit-learn's time at the same precision over that of skmtl. The
last tables show what other kinds of sharing and gradients of each task cost.
"""

import warnings
from functools import partial

import numpy as np
from _harness import best_time, describe, number, options, ratio, stopwatch, table
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from skmtl import MultiTaskMLPRegressor

# (rows, features, tasks, hidden layers, rows of a batch)
CELLS = [
    (2000, 20, 5, (64,), 200),
    (10000, 50, 5, (100,), 200),
    (10000, 50, 20, (100, 100), 200),
    (20000, 200, 10, (256, 128), 200),
    (5000, 20, 5, (64,), 32),
    (10000, 100, 100, (64,), 200),
    (10000, 50, 1, (100,), 200),
]
QUICK = [(200, 5, 2, (8,), 50)]
KINDS = [
    {"sharing": "soft"},
    {"sharing": "cross-stitch"},
    {"sharing": "sluice"},
    {"gradient": "pcgrad"},
    {"gradient": "mgda"},
    {"loss_weighting": "gradnorm"},
    {"loss_weighting": "uncertainty"},
]


def simulate(n, p, n_tasks, dtype):
    """Return X and Y of related tasks."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    Y = np.tanh(X @ rng.normal(size=(p, 8)) / np.sqrt(p)) @ rng.normal(
        size=(8, n_tasks)
    )
    Y += rng.normal(size=Y.shape)
    return X.astype(dtype), Y.astype(dtype)


def fit(model, X, Y):
    """Fit for a fixed number of epochs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, Y if Y.shape[1] > 1 else Y[:, 0])


def networks(hidden, batch, epochs):
    """Return (ours, scikit-learn's) of equal settings."""
    common = {
        "hidden_layer_sizes": hidden,
        "batch_size": batch,
        "max_iter": epochs,
        "n_iter_no_change": epochs + 1,
        "early_stopping": False,
        "random_state": 0,
    }
    return MultiTaskMLPRegressor(**common), MLPRegressor(**common)


def main():
    """Print the tables."""
    chosen = options(__doc__)
    describe()
    cells, epochs = (QUICK, 2) if chosen.quick else (CELLS, 20)
    runs = 1 if chosen.quick else 5
    rows, kinds = [], []
    with stopwatch(chosen.threads) as clock:
        for n, p, n_tasks, hidden, batch in cells:
            row = {}
            for name, dtype in [("float64", np.float64), ("float32", np.float32)]:
                X, Y = simulate(n, p, n_tasks, dtype)
                ours, theirs = networks(hidden, batch, epochs)
                mine = best_time(partial(fit, ours, X, Y), clock, runs)[0]
                other = best_time(partial(fit, theirs, X, Y), clock, runs)[0]
                row[f"skmtl {name}"] = number(mine)
                row[f"scikit-learn {name}"] = number(other)
                row[f"ratio {name}"] = ratio(other, mine)
            rows.append((f"n={n} p={p} T={n_tasks} {hidden} batch {batch}", row))
        n, p, n_tasks, hidden, batch = cells[0]
        X, Y = simulate(n, p, n_tasks, np.float64)
        model = networks((16, 16), batch, epochs)[0]
        plain = best_time(partial(fit, model, X, Y), clock, runs)[0]
        kinds.append(("all defaults", {"time": number(plain), "of it": "1x"}))
        for settings in KINDS:
            model = networks((16, 16), batch, epochs)[0].set_params(**settings)
            seconds = best_time(partial(fit, model, X, Y), clock, runs)[0]
            name = ", ".join(f"{k}={v!r}" for k, v in settings.items())
            row = {"time": number(seconds), "of it": ratio(seconds, plain)}
            kinds.append((name, row))
    table(f"Hard sharing, {epochs} epochs", list(rows[0][1]), rows)
    title = f"Other kinds: n={n} p={p} T={n_tasks}, two layers of 16, {epochs} epochs"
    table(title, ["time", "of it"], kinds)


if __name__ == "__main__":
    main()
