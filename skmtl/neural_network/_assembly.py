"""The parts of a training put together, as the parameters of the estimator say."""

import numpy as np

from skmtl.neural_network import _parameters
from skmtl.neural_network._batches import BalancedBatches
from skmtl.neural_network._conflict import ConflictMonitor
from skmtl.neural_network._direction import Direction
from skmtl.neural_network._entries import Entries
from skmtl.neural_network._full_entries import FullEntries
from skmtl.neural_network._layers import CHUNK_ROWS, Dropout
from skmtl.neural_network._losses import ColumnLosses
from skmtl.neural_network._objective import Objective
from skmtl.neural_network._training import Patience, Trainer, Validation
from skmtl.neural_network._validation import weights_within


def assemble(estimator, X, problem, held, task_weight, watched, network, theta, rng):
    """Return (trainer, entries).

    `held` (n,) are the rows to hold out, `task_weight` (T,) the weights c_t, `watched`
    (T,) the tasks that early stopping looks at, `theta` where `network` starts.
    """
    columns = problem.columns
    weight = weights_within(problem.labels, held, task_weight)
    full = FullEntries.build(problem.labels, columns, weight, held, theta.dtype)
    entries = full or Entries.build(problem.labels, columns, weight, theta.dtype)
    stratum = entries.strata(columns)
    rows = np.flatnonzero(~held & (stratum >= 0))
    size = 200 if estimator.batch_size == "auto" else estimator.batch_size
    losses = ColumnLosses(problem.loss, columns)
    objective = Objective(network, losses, columns, task_weight, estimator.alpha)
    validation = monitor = None
    if held.any():
        counts = np.where(watched, task_weight, 0.0)
        held = np.flatnonzero(held)
        validation = Validation(X, entries, held, columns, counts, CHUNK_ROWS)
        if not validation.weight[validation.seen].any():
            raise ValueError(
                "early_stopping=True has labels of auxiliary tasks only to watch. Pass "
                "early_stopping=False, or more rows of other tasks."
            )
    if estimator.monitor_conflict:
        monitor = ConflictMonitor(objective, X, entries, rows)
    direction = Direction(
        objective,
        theta,
        _parameters.weighting_of(estimator).start(
            problem.labels.tasks.tolist(), estimator.learning_rate_init
        ),
        _parameters.combiner_of(estimator),
        Dropout(estimator.dropout, rng) if estimator.dropout else None,
        estimator.max_grad_norm,
        rng,
    )
    # The objective is a sum over tasks, and so is what may be too little progress.
    tol = estimator.tol * task_weight.sum()
    trainer = Trainer(
        objective=objective,
        theta=theta,
        direction=direction,
        optimizer=_parameters.optimizer_of(estimator, theta),
        schedule=_parameters.schedule_of(estimator),
        batches=BalancedBatches(rows, stratum[rows], min(size, len(rows))),
        patience=Patience(tol, estimator.n_iter_no_change),
        validation=validation,
        monitor=monitor,
    )
    return trainer, entries
