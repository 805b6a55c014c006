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
    if table.classes is not None:
        binary = [len(own) == 2 for own in table.classes]
    else:
        own = [np.unique(table.truth[table.task_of == t]) for t in range(table.n_tasks)]
        binary = [np.array_equal(found, [0, 1]) for found in own]
    row = table.row[label]
    return Outcomes(
        tasks=np.flatnonzero(binary),
        task_of=table.task_of[label],
        truth=table.truth[label].astype(float),
        weight=table.weight[label],
        unit=row if table.groups is None else table.groups[row],
    )
