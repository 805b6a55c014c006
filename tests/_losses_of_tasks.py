"""Small named problems with labels of several kinds."""

import numpy as np
from _problems import Problem, make_problem

KINDS = ("squared", "logistic", "poisson", "huber")
LAYOUTS = ("wide_nan", "wide_weighted", "ragged", "weighted", "n_below_p", "one_task")


def for_loss(y, kind):
    """Return labels of that kind, NaN where y is."""
    if kind == "logistic":
        return np.where(np.isnan(y), np.nan, y > np.nanmedian(y))
    if kind == "poisson":
        extra = np.arange(len(y)) % 3 == 0
        return np.floor(np.exp(np.clip(0.7 * y, -9, 4))) + extra
    return 3.0 * y if kind == "huber" else y


def problem_for(name, kind):
    """Return (problem, {task: kind}); kind "mixed": tasks take turns."""
    problem = make_problem(name)
    y, task = problem.y.copy(), problem.extra.get("task")
    T = y.shape[1] if y.ndim == 2 else len(np.unique(task)) if task is not None else 1
    kinds = {t: KINDS[(t + 1) % 4] if kind == "mixed" else kind for t in range(T)}
    for t in range(T):
        cells = (slice(None), t)
        if y.ndim == 1:
            cells = np.ones(len(y), bool) if task is None else task == t
        y[cells] = for_loss(y[cells], kinds[t])
    return Problem(problem.X, y, problem.extra), kinds
