"""The fitted attributes of a network."""

import numpy as np

from skmtl.neural_network.sharing import Parts


def parts_of(estimator):
    """Return the parameters of a fitted estimator by name."""
    return Parts(
        estimator.coefs_,
        estimator.intercepts_,
        estimator.head_coef_,
        estimator.head_intercept_,
        estimator.mixing_,
    )


def describe_parts(network, parts):
    """Return the attributes that hold a network."""
    return {
        "_network": network,
        "coefs_": parts.weights,
        "intercepts_": parts.biases,
        "head_coef_": parts.head,
        "head_intercept_": parts.head_bias,
        "mixing_": parts.mixing,
        "_stream": None,
    }


def describe(trainer, kept, n_tasks):
    """Return the fitted attributes as they are after the last epoch."""
    network = trainer.objective.network
    task_weight = np.zeros(n_tasks)
    task_weight[kept] = trainer.objective.task_weight
    return {
        **describe_parts(network, network.parts(trainer.theta.copy())),
        "task_weight_": task_weight,
        **describe_training(trainer, kept, n_tasks),
    }


def describe_training(trainer, kept, n_tasks):
    """Return the attributes that say how a training went."""
    history, patience = trainer.history, trainer.patience
    return {
        "n_iter_": len(history.train),
        "best_epoch_": patience.best_epoch,
        "best_loss_": float(patience.best),
        "loss_": history.objective[-1],
        "loss_curve_": list(history.objective),
        "validation_loss_curve_": list(history.validation_objective) or None,
        "history_": tables(history, kept, n_tasks),
        "converged_": trainer.converged,
    }


def tables(history, kept, n_tasks):
    """Return what was recorded, with NaN for tasks that took no part."""
    found = {
        "train_loss": by_task(history.train, kept, n_tasks),
        "validation_loss": by_task(history.validation, kept, n_tasks),
        "loss_weight": by_task(history.weights, kept, n_tasks),
    }
    if history.task_cosine:
        square = np.full((len(history.task_cosine), n_tasks, n_tasks), np.nan)
        square[:, kept[:, None], kept] = history.task_cosine
        found["task_cosine"] = square
        found["sample_cosine"] = by_task(history.sample_cosine, kept, n_tasks)
    return found


def by_task(values, kept, n_tasks):
    """Return values of epochs as (n_epochs, T), NaN for tasks that took no part."""
    table = np.full((len(values), n_tasks), np.nan)
    if values:
        table[:, kept] = values
    return table


def no_network(n_tasks):
    """Return the fitted attributes where no task is left to train on."""
    nothing = np.zeros((0, n_tasks))
    return {
        **describe_parts(None, Parts([], [], np.zeros((0, 0)), np.zeros(0), [])),
        "task_weight_": np.zeros(n_tasks),
        "n_iter_": 0,
        "best_epoch_": 0,
        "best_loss_": np.nan,
        "loss_": np.nan,
        "loss_curve_": [],
        "validation_loss_curve_": None,
        "history_": {
            "train_loss": nothing,
            "validation_loss": nothing,
            "loss_weight": nothing,
        },
        "converged_": True,
    }
