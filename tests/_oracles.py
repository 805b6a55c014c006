"""The objective written down once more, for CVXPY; shares no code with the package."""

import warnings

import cvxpy as cp
import numpy as np
from scipy import sparse


def tasks_of(problem):
    """Return [(X_t, y_t, s_t)] from the arguments of fit."""
    X = problem.X.toarray() if sparse.issparse(problem.X) else np.asarray(problem.X)
    y, weight = np.asarray(problem.y, dtype=float), problem.extra.get("sample_weight")
    if y.ndim == 2:
        s = np.ones(y.shape) if weight is None else np.asarray(weight)
        seen = [~np.isnan(y[:, t]) & (s[:, t] > 0) for t in range(y.shape[1])]
        return [(X[m], y[m, t], s[m, t]) for t, m in enumerate(seen)]
    s = np.ones(len(y)) if weight is None else np.asarray(weight)
    task = problem.extra.get("task", np.zeros(len(y), dtype=int))
    return [(X[task == t], y[task == t], s[task == t]) for t in np.unique(task)]


def solve(
    problem,
    *,
    loss="squared",
    alpha=0.0,
    l1_ratio=0.0,
    ridge=0.0,
    norm="l2",
    groups=None,
    penalty_weights=None,
    positive=False,
    fit_intercept=True,
    task_weight=None,
):
    """Return (optimal value, W (p, T)) found by CVXPY."""
    parts = tasks_of(problem)
    p, T = parts[0][0].shape[1], len(parts)
    # Columns are scaled for the benefit of the solver; the penalty is told.
    unit = np.max([np.abs(X).max(axis=0) for X, _, _ in parts], axis=0)
    unit[unit == 0] = 1.0
    V, b = cp.Variable((p, T)), cp.Variable(T)
    W = cp.multiply(V, np.repeat(1.0 / unit[:, None], T, axis=1))
    total = np.array([s.sum() for _, _, s in parts])
    c = np.ones(T) if task_weight is None else total / total.mean()
    terms = []
    for t, (X, y, s) in enumerate(parts):
        z = (X / unit) @ V[:, t] + (b[t] if fit_intercept else 0.0)
        if loss == "squared":
            value = cp.sum_squares(cp.multiply(np.sqrt(s), y - z)) / 2
        else:
            value = cp.sum(cp.multiply(s, cp.logistic(z) - cp.multiply(y, z)))
        terms.append(c[t] * value / total[t])
    groups = np.arange(p) if groups is None else np.asarray(groups)
    labels = np.unique(groups)
    weight = np.ones(len(labels)) if penalty_weights is None else penalty_weights
    rules = [W >= 0] if positive else []
    for label, v in zip(labels, weight, strict=True):
        rows = np.flatnonzero(groups == label)
        block = W[rows, :]
        if np.isinf(v):
            rules.append(block == 0)
            continue
        size = cp.norm(cp.vec(block, order="C"), 2 if norm == "l2" else "inf")
        size = alpha * (1 - l1_ratio) * np.sqrt(len(rows)) * size
        terms.append(v * (size + alpha * l1_ratio * cp.sum(cp.abs(block))))
        if ridge and v > 0:
            terms.append(ridge / 2 * cp.sum_squares(block))
    program = cp.Problem(cp.Minimize(sum(terms)), rules)
    with warnings.catch_warnings():
        # Exponential cones may stop a little short of the tolerance. Tests compare
        # values from both sides, so a bad one would show.
        warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
        program.solve(solver="CLARABEL")
    return program.value, W.value


def null_deviance_half(problem, *, loss="squared", task_weight=None):
    """Return D0: the loss at W = 0 with the best intercepts less the saturated one."""
    parts = tasks_of(problem)
    total = np.array([s.sum() for _, _, s in parts])
    c = np.ones(len(parts)) if task_weight is None else total / total.mean()
    D0 = 0.0
    for t, (_, y, s) in enumerate(parts):
        mean = s @ y / s.sum()
        if loss == "squared":
            part = s @ (y - mean) ** 2 / 2
        else:
            q = np.array([mean, 1 - mean])
            part = -s.sum() * (q[q > 0] @ np.log(q[q > 0]))
        D0 += c[t] * part / total[t]
    return D0
