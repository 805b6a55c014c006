"""Fill numba's cache with every kernel: ``python -m skmtl.warmup``."""

import sys

import numpy as np
from scipy import sparse


def warm_up():
    """Fit small problems that use every kernel; return how many."""
    from skmtl.linear_model import (
        GroupLassoClassifier,
        GroupLassoRegressor,
        TaskGraphRegressor,
        TaskProgressionRegressor,
        TaskTreeRegressor,
    )

    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
    wide = rng.normal(size=(6, 9))
    few_entries = sparse.csr_array(np.eye(12, 60) + np.eye(12, 60, 12))
    task = np.repeat([0, 1], 6)
    table, many = rng.normal(size=(60, 40)), rng.normal(size=(60, 40))
    many[0, 0] = np.nan
    fits = [
        (GroupLassoRegressor(0.1), X, Y, None),
        (GroupLassoRegressor(0.1), X, Y[:, 0], task),
        (GroupLassoClassifier(0.01), X, Y > 0, None),
        (GroupLassoClassifier(0.01), X, Y[:, 0] > 0, task),
        (GroupLassoClassifier(0.01), X, np.arange(12) % 3, None),
        (TaskGraphRegressor(0.1, graph="chain"), X, Y, None),
        (TaskGraphRegressor(0.1, norm="l1"), X, Y, None),
        (TaskProgressionRegressor(0.1), X, Y, None),
        (TaskTreeRegressor(0.1), X, Y, None),
        (GroupLassoRegressor(0.1), wide, Y[:6], None),
        (GroupLassoRegressor(0.1), wide, Y[:6, 0], task[3:9]),
        (GroupLassoRegressor(0.1), few_entries, Y, None),
        (GroupLassoRegressor(0.01), table, many, None),
    ]
    for model, features, labels, tasks in fits:
        model.fit(features, labels, task=tasks)
    return len(fits)


def main():
    """Fill the cache and say so."""
    sys.stdout.write(f"Compiled and cached the kernels of {warm_up()} kinds of fit.\n")


if __name__ == "__main__":
    main()
