"""The binary labels of a comparison."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Outcomes:
    """The binary labels of a comparison.

    Attributes
    ----------
    tasks : ndarray of int
        Positions of the binary tasks.
    task_of, truth, weight, unit : ndarray of shape (m,)
        Task, label (0 or 1 where binary), weight, and row or group of each prediction.
    """

    tasks: np.ndarray
    task_of: np.ndarray
    truth: np.ndarray
    weight: np.ndarray
    unit: np.ndarray

    def of(self, predicted, t):
        """Return (labels, risks, weights, units) of one task."""
        rows = self.task_of == t
        risk = predicted[rows] if predicted.ndim == 1 else predicted[rows, 1]
        return self.truth[rows], risk, self.weight[rows], self.unit[rows]


def read_outcomes(table, label):
    """Return the binary labels among those at these positions in the table's list."""
    row, task_of, truth = table.row[label], table.task_of[label], table.truth[label]
    several = table.classes or [()] * table.n_tasks
    binary = [
        len(own) <= 2 and np.array_equal(np.unique(truth[task_of == t]), [0, 1])
        for t, own in enumerate(several)
    ]
    return Outcomes(
        tasks=np.flatnonzero(binary),
        task_of=task_of,
        truth=truth.astype(float),
        weight=table.weight[label],
        unit=row if table.groups is None else table.groups[row],
    )
