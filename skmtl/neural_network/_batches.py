"""Mini-batches balanced over tasks."""

import numpy as np


def rarest_task(entries, columns, n_rows):
    """Return for each row the rarest task that it has a label of, -1 without any."""
    counts = np.bincount(columns.task[entries.column], minlength=columns.n_tasks)
    rank = np.empty(columns.n_tasks, dtype=int)
    order = np.argsort(counts, kind="stable")
    rank[order] = np.arange(columns.n_tasks)
    rarest = np.full(n_rows, -1)
    labelled = np.flatnonzero(np.diff(entries.start))
    if len(labelled):
        ranks = rank[columns.task[entries.column]]
        rarest[labelled] = order[np.minimum.reduceat(ranks, entries.start[labelled])]
    return rarest


class BalancedBatches:
    """Spread the rows of every stratum (their rarest task) evenly over the steps.

    An epoch is ``ceil(n / batch_size)`` steps and visits every row. Rows of a stratum
    with fewer rows than steps are visited more than once, so that each step sees the
    stratum, but no stratum is raised above the average size: an epoch makes less than
    about 2 n visits. A visit is scaled by (steps / visits of its row in the epoch), so
    that the steps' gradients average to that of the objective, for every task.

    Parameters
    ----------
    rows : ndarray of shape (n,)
        Rows to visit.
    stratum : ndarray of shape (n,)
        Their strata, any integers.
    batch_size : int
    """

    def __init__(self, rows, stratum, batch_size):
        _, stratum, sizes = np.unique(stratum, return_inverse=True, return_counts=True)
        order = np.argsort(stratum, kind="stable")
        self.rows, self.stratum = rows[order], stratum[order]
        n, n_strata = len(rows), len(sizes)
        self.n_steps = -(-n // batch_size)
        visits = np.maximum(sizes, min(self.n_steps, -(-n // n_strata)))
        # The k-th visit of a stratum takes its k-th row in the epoch's order, in turn.
        self.of = np.repeat(np.arange(n_strata), visits)
        self.k = np.arange(len(self.of)) - np.repeat(np.cumsum(visits) - visits, visits)
        turn = self.k % sizes[self.of]
        self.member = (np.cumsum(sizes) - sizes)[self.of] + turn
        repeats = visits // sizes
        extra = visits - repeats * sizes
        self.scale = self.n_steps / (repeats[self.of] + (turn < extra[self.of]))
        self.pace = self.n_steps / visits[self.of]

    def epoch(self, rng):
        """Yield (rows, scale of each) for every step of an epoch."""
        shuffled = self.rows[
            np.argsort(self.stratum + rng.uniform(size=len(self.rows)))
        ]
        shift = rng.uniform(size=self.of[-1] + 1)
        step = ((self.k + shift[self.of]) * self.pace).astype(int)
        np.minimum(step, self.n_steps - 1, out=step)  # rounding may reach n_steps
        order = np.argsort(step, kind="stable")
        rows, scale = shuffled[self.member][order], self.scale[order]
        ends = np.cumsum(np.bincount(step, minlength=self.n_steps))
        start = 0
        for stop in ends:
            if stop > start:
                yield rows[start:stop], scale[start:stop]
            start = stop
