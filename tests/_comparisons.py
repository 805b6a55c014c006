"""Models and small tables for the tests of comparisons."""

import numpy as np
import pandas as pd
from sklearn.linear_model import (
    LogisticRegression,
    Ridge,
)

from skmtl import (
    IndependentTasks,
    PooledTasks,
)

RIDGE = IndependentTasks(Ridge())
POOLED = PooledTasks(Ridge())
LOGISTIC = IndependentTasks(LogisticRegression())
COLUMNS = {
    *("model", "task", "metric", "score", "score_sd", "rmse", "loss"),
    *("gain", "gain_low", "gain_high"),
    *("relative_gain", "relative_low", "relative_high", "p", "p_holm", "verdict"),
    *("n_labels", "n_missing", "n_train", "n_test"),
    *("fit_time", "predict_time", "settings"),
}


def long_rows(n=40, n_tasks=3, n_features=4, *, seed=0):
    """Return X, y, task of tasks with related coefficients, in mixed order."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n * n_tasks, n_features))
    task = np.array([f"t{k}" for k in range(n_tasks)])[np.arange(len(X)) % n_tasks]
    coef = 1 + 0.3 * rng.normal(size=(n_tasks, n_features))
    y = (X * coef[np.arange(len(X)) % n_tasks]).sum(axis=1) + rng.normal(size=len(X))
    return X, y, task


def wide_rows(n=90, *, seed=0):
    """Return X and a DataFrame of three outcomes with missing labels."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    Y = X @ rng.normal(size=(4, 3)) + rng.normal(size=(n, 3))
    Y[rng.uniform(size=Y.shape) < 0.2] = np.nan
    return X, pd.DataFrame(Y, columns=["a", "b", "c"])
