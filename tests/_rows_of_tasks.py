"""One table in the long and the wide layout, with classes and patients."""

import numpy as np

from skmtl import (
    MTLPipeline,
    attach_task,
)

N = 120
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3))
TASK = RNG.choice(["a", "b", "c"], N, p=[0.6, 0.3, 0.1])
LEVEL = {"a": 0.0, "b": 50.0, "c": -50.0}
y = X[:, 0] + [LEVEL[t] for t in TASK] + RNG.normal(size=N)
Z = (X[:, 0] + RNG.normal(size=N) > 0.5).astype(int)
PATIENT = RNG.integers(0, 40, N)
FRAME = attach_task(X, TASK, name="hospital")
Y = np.column_stack([X[:, 0], X[:, 1], -X[:, 0]]) + RNG.normal(size=(N, 3))
Y[RNG.random(Y.shape) < 0.3] = np.nan
YC = np.where(np.isnan(Y), np.nan, np.sign(Y) > 0)


def wrapped(model):
    """Carry the task in a column."""
    return MTLPipeline(model, task_col="hospital")


def by_hand(metric, truth, answer, task=TASK):
    """Return {task: metric} over the rows of each task."""
    return {t: metric(truth[task == t], answer[task == t]) for t in np.unique(task)}
