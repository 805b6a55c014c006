"""Small named problems: every layout and every trap, as arguments of fit."""

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse


@dataclass
class Problem:
    """X, y and the keyword arguments of fit."""

    X: object
    y: np.ndarray
    extra: dict = field(default_factory=dict)

    def classes(self):
        """Return the same problem with labels 0/1 (above the median of each task)."""
        y = self.y
        if y.ndim == 2:
            labels = np.where(np.isnan(y), np.nan, y > np.nanmedian(y, axis=0))
            return Problem(self.X, labels, self.extra)
        task = self.extra.get("task", np.zeros(len(y), dtype=int))
        labels = np.zeros(len(y), dtype=int)
        for t in np.unique(task):
            rows = task == t
            labels[rows] = y[rows] > np.median(y[rows])
        return Problem(self.X, labels, self.extra)


def _linear(rng, n, p, T, noise=0.5):
    X = rng.normal(size=(n, p)) + rng.normal(size=p)
    coef = np.zeros((p, T))
    used = min(4, p)
    coef[:used] = rng.normal(size=(used, T))
    return X, X @ coef + rng.normal(size=T) + noise * rng.normal(size=(n, T))


def _long(rng, sizes, p):
    T = len(sizes)
    X, Y = _linear(rng, sum(sizes), p, T)
    task = np.repeat(np.arange(T), sizes)
    order = rng.permutation(len(task))
    y = Y[np.arange(len(task)), task]
    return X[order], y[order], task[order]


def make_problem(name):
    """Return the problem of that name, the same each time."""
    rng = np.random.default_rng(0)
    if name == "wide":
        return Problem(*_linear(rng, 40, 8, 3))
    if name == "wide_nan":
        X, Y = _linear(rng, 40, 8, 3)
        Y[rng.random(Y.shape) < 0.3] = np.nan
        return Problem(X, Y)
    if name == "wide_weighted":
        X, Y = _linear(rng, 40, 8, 3)
        Y[rng.random(Y.shape) < 0.2] = np.nan
        return Problem(X, Y, {"sample_weight": rng.uniform(0.2, 3.0, size=Y.shape)})
    if name == "one_task":
        X, Y = _linear(rng, 30, 6, 1)
        return Problem(X, Y[:, 0])
    if name == "n_below_p":
        X, y, task = _long(rng, (9, 12, 7), 20)
        return Problem(X, y, {"task": task})
    if name == "wide_n_below_p":
        X, Y = _linear(rng, 12, 25, 3)
        Y[0, 1] = np.nan
        return Problem(X, Y)
    X, y, task = _long(rng, (15, 40, 25, 10), 8)
    extra = {"task": task}
    if name == "weighted":
        extra["sample_weight"] = rng.uniform(0.1, 2.0, size=len(y))
    elif name == "zero_column":
        X[:, 2] = 0.0
        X[:, 5] = 3.0  # constant
        X[task == 1, 6] = 1.0  # constant in one task
    elif name == "duplicate_column":
        X[:, 3] = X[:, 0]
    elif name == "constant_y":
        y = np.where(task == 2, 1.5, y)
    elif name == "scales":
        X = X * np.logspace(-6, 6, X.shape[1])
    elif name == "sparse":
        X = sparse.csr_array(np.where(rng.random(X.shape) < 0.6, 0.0, X))
    elif name == "sparse_csc":
        X = sparse.csc_matrix(np.where(rng.random(X.shape) < 0.6, 0.0, X))
    elif name == "sparse_n_below_p":
        X, y, task = _long(rng, (9, 12, 7), 20)
        X = sparse.csr_array(np.where(rng.random(X.shape) < 0.6, 0.0, X))
        extra = {"task": task}
    elif name == "sparse_wide_nan":
        X, Y = _linear(rng, 30, 10, 3)
        Y[rng.random(Y.shape) < 0.2] = np.nan
        X = sparse.csr_array(np.where(rng.random(X.shape) < 0.5, 0.0, X))
        return Problem(X, Y)
    elif name != "ragged":
        raise KeyError(name)
    return Problem(X, y, extra)


NAMES = (
    "wide",
    "wide_nan",
    "wide_weighted",
    "one_task",
    "ragged",
    "weighted",
    "n_below_p",
    "wide_n_below_p",
    "zero_column",
    "duplicate_column",
    "constant_y",
    "scales",
    "sparse",
    "sparse_csc",
    "sparse_n_below_p",
    "sparse_wide_nan",
)
