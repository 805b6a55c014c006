"""What all objectives share: points and the weights of tasks."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Point:
    """W, its image Z, the value of f there, and what the objective keeps beside."""

    W: np.ndarray
    Z: np.ndarray
    value: float
    u: np.ndarray | None = None
    intercept: np.ndarray | None = None
    feasible: bool = True  # u is a dual point; else the intercepts defied arithmetic
    G: np.ndarray | None = None  # the gradient, once somebody asked for it
    _penalty: tuple = field(default=(None, 0.0), init=False, repr=False)

    def penalised(self, penalty):
        """Return the penalty of W, which solvers ask for again and again."""
        if self._penalty[0] is not penalty:
            self._penalty = penalty, penalty.value(self.W)
        return self._penalty[1]

    def objective(self, penalty):
        """Return f + Omega."""
        return self.value + self.penalised(penalty)


def task_weights(tasks, sum_weight, task_weight):
    """Return c_t of section 'objective': None -> 1, "n_samples" -> S_t / mean(S)."""
    if task_weight is None:
        return np.ones(len(tasks))
    if isinstance(task_weight, str):
        return sum_weight / sum_weight.mean()
    missing = [t for t in tasks.tolist() if t not in task_weight]
    if missing:
        raise ValueError(
            f"task_weight has no weight for task {missing[0]!r}; a mapping must cover "
            "every task."
        )
    c = np.array([task_weight[t] for t in tasks.tolist()], dtype=float)
    bad = ~np.isfinite(c) | (c <= 0)
    if bad.any():
        raise ValueError(
            f"task_weight of task {tasks[bad][0].item()!r} is {c[bad][0]:g}; weights "
            "must be positive and finite. Leave a task out by dropping its rows."
        )
    return c
