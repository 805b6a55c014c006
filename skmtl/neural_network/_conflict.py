"""Do gradients point the same way? Cosines between tasks, and between samples."""

import numpy as np

# Rows whose summed gradients stand for a task's, and rows of a task that are compared.
BATCH_ROWS = 256
SAMPLES = 16


class ConflictMonitor:
    """Cosines of gradients of the shared parameters, on rows chosen once.

    Parameters
    ----------
    objective : Objective
    X, entries :
        Training data.
    rows : ndarray
        Rows to choose from.
    """

    def __init__(self, objective, X, entries, rows):
        self.objective, self.columns = objective, objective.columns
        # Of its own, so that to look does not change the training.
        rows = np.random.RandomState(0).permutation(rows)
        chosen = rows[:BATCH_ROWS]
        self.X, self.batch = X[chosen], entries.of_rows(chosen)
        self.samples = [
            (X[[row]], entries.of_rows(np.array([row])), tasks)
            for row, tasks in _samples(entries, self.columns, rows).items()
        ]

    def measure(self, parts, dtype):
        """Return (cosines between tasks (T, T), mean cosine between samples (T,))."""
        n_tasks = self.columns.n_tasks
        shared = self.objective.network.shared
        J = np.empty((n_tasks, self.objective.network.n_parameters), dtype=dtype)
        rows = [self.objective.network.parts(row) for row in J]
        self.objective.jacobian(parts, self.X, self.batch, J)
        between_tasks = cosines(J[:, shared])
        total = np.zeros((n_tasks, shared.stop - shared.start))
        count = np.zeros(n_tasks)
        for X, batch, tasks in self.samples:
            if len(tasks) == 1:  # as in the long layout
                t = tasks[0]
                self.objective.task_gradient(parts, X, batch, t, rows[t])
            else:
                self.objective.jacobian(parts, X, batch, J)
            unit, some = unit_rows(J[tasks, shared])
            total[tasks] += unit
            count[tasks] += some
        squares = np.einsum("ij,ij->i", total, total)
        pairs = count * (count - 1.0)
        return between_tasks, np.where(
            pairs > 0, (squares - count) / np.maximum(pairs, 1.0), np.nan
        )


def _samples(entries, columns, rows):
    """Return {row: its tasks to look at}: the first rows that have labels of a task."""
    place = np.full(len(entries.start) - 1, len(rows))
    place[rows] = np.arange(len(rows))
    of_entry = np.repeat(place, np.diff(entries.start))
    task = columns.task[entries.column]
    found = {}
    for t in range(columns.n_tasks):
        places = np.unique(of_entry[task == t])
        for row in rows[places[places < len(rows)][:SAMPLES]].tolist():
            found.setdefault(row, []).append(t)
    return found


def unit_rows(J):
    """Return (rows of length 1, or 0 where they are 0; which are not)."""
    J = J.astype(float)
    norms = np.sqrt(np.einsum("ij,ij->i", J, J))
    return J / np.where(norms > 0, norms, 1.0)[:, None], norms > 0


def cosines(J):
    """Return the cosines between rows, NaN for rows of zeros."""
    unit, some = unit_rows(J)
    return np.where(np.outer(some, some), unit @ unit.T, np.nan)
