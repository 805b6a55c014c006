"""Problems and optima that the tests of spectral models share."""

import cvxpy as cp
import numpy as np
from _oracles import tasks_of

HUBER_DELTA = 1.35


def many_tasks(kind, seed=0):
    """Return (X, y, task, loss) of eight ragged tasks with 12 features."""
    rng = np.random.default_rng(seed)
    sizes = (20, 31, 16, 25, 40, 18, 22, 35)
    task = np.repeat(np.arange(8), sizes)
    X = rng.normal(size=(len(task), 12)) + rng.normal(size=12)
    coef = rng.normal(size=(12, 2)) @ rng.normal(size=(2, 8)) / 2
    z = np.einsum("ij,ji->i", X, coef[:, task]) + rng.normal(size=len(task))
    order = rng.permutation(len(task))
    X, task, z = X[order], task[order], z[order]
    kinds = dict.fromkeys(range(8), kind)
    if kind == "mixed":
        kinds = {t: ("squared", "logistic", "poisson", "huber")[t % 4] for t in kinds}
    y = z.copy()
    for t, name in kinds.items():
        rows = task == t
        if name == "logistic":
            y[rows] = z[rows] > np.median(z[rows])
        elif name == "poisson":
            centred = 0.4 * (z[rows] - np.median(z[rows])) + 1.0
            y[rows] = np.floor(np.exp(np.clip(centred, -3, 3)))
    return X, y, task, kinds


def optimum(problem, penalty, kinds=None, fit_intercept=True):
    """Return the least loss plus `penalty(W)`, an expression of CVXPY."""
    parts = tasks_of(problem)
    p, T = parts[0][0].shape[1], len(parts)
    unit = np.max([np.abs(X).max(axis=0) for X, _, _ in parts], axis=0)
    unit[unit == 0] = 1.0
    V, b = cp.Variable((p, T)), cp.Variable(T)
    W = cp.multiply(V, np.repeat(1.0 / unit[:, None], T, axis=1))
    total = penalty(W)
    for t, (X, y, s) in enumerate(parts):
        z = (X / unit) @ V[:, t] + (b[t] if fit_intercept else 0.0)
        kind = "squared" if kinds is None else kinds[t]
        if kind == "squared":
            loss = cp.sum_squares(cp.multiply(np.sqrt(s), y - z)) / 2
        elif kind == "logistic":
            loss = cp.sum(cp.multiply(s, cp.logistic(z) - cp.multiply(y, z)))
        elif kind == "poisson":
            loss = cp.sum(cp.multiply(s, cp.exp(z) - cp.multiply(y, z)))
        else:
            loss = s @ cp.huber(y - z, HUBER_DELTA) / 2
        total += loss / s.sum()
    return cp.Problem(cp.Minimize(total)).solve(solver="CLARABEL")
