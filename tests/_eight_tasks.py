"""Eight ragged tasks of twelve features, and their optimum by CVXPY."""

import warnings

import cvxpy as cp
import numpy as np

T, P = 8, 12
KINDS = ("squared", "logistic", "poisson", "huber")
DELTA = 1.35


def eight_tasks(kind="squared", *, sparse=False, weights=False):
    """Return X, y, task, weights and {task: loss}; kind "mixed": tasks take turns."""
    rng = np.random.default_rng(3)
    sizes = rng.integers(6, 40, size=T)
    task = rng.permutation(np.repeat(np.arange(T), sizes))
    X = rng.normal(size=(len(task), P)) + rng.normal(size=P)
    if sparse:
        X[rng.random(X.shape) < 0.6] = 0.0
    coef = np.zeros((T, P))
    coef[:, :3] = rng.normal(size=3) + 0.1 * rng.normal(size=(T, 3))
    coef[4:, 4] = 1.0
    z = np.einsum("ij,ij->i", X, coef[task]) + task - 3.0
    z += 0.5 * rng.normal(size=len(task))
    losses = {t: KINDS[t % 4] if kind == "mixed" else kind for t in range(T)}
    y = z.copy()
    for t, loss in losses.items():
        rows = task == t
        if loss == "logistic":
            y[rows] = z[rows] > np.median(z[rows])
        elif loss == "poisson":
            y[rows] = np.floor(np.exp(np.clip(z[rows] - z[rows].mean(), -2, 2)))
    s = rng.uniform(0.2, 3.0, size=len(task)) if weights else np.ones(len(task))
    return X, y, task, s, losses


def loss_of(kind, y, z, s):
    """Return the weighted sum of losses as an expression."""
    if kind == "squared":
        return cp.sum_squares(cp.multiply(np.sqrt(s), z - y)) / 2
    if kind == "huber":
        return cp.sum(cp.multiply(s, cp.huber(z - y, DELTA))) / 2
    if kind == "poisson":
        return cp.sum(cp.multiply(s, cp.exp(z) - cp.multiply(y, z)))
    return cp.sum(cp.multiply(s, cp.logistic(z) - cp.multiply(y, z)))


def optimum(X, y, task, s, losses, omega):
    """Return (value, W (p, T)) for a penalty given as a function of W."""
    labels = np.unique(task)
    W, b = cp.Variable((X.shape[1], len(labels))), cp.Variable(len(labels))
    value = omega(W)
    for k, t in enumerate(labels):
        rows = task == t
        z = X[rows] @ W[:, k] + b[k]
        value += loss_of(losses[t], y[rows], z, s[rows]) / s[rows].sum()
    program = cp.Problem(cp.Minimize(value))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
        program.solve(solver="CLARABEL")
    return program.value, W.value
