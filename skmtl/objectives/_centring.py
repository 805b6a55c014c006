"""Means that are taken out of X before anything is multiplied with it."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from skmtl.data import PACK_BYTES, column_means


def without_means(data, omega, c, of_rows):
    """Take means of the features out of the data, as far as it is worth a copy.

    Returns (data, what was subtracted, (p, T) or (p, 1); the means that are left, (p,
    T); those that are still to be taken out before a product, (p, T) or (p, 1)). Means
    far from 0 would cost the digits of the products that follow; intercepts make up for
    what is left of small ones. They are weighted, so that rows without weight cannot
    move them: by `of_rows` (n,) where one mean serves all tasks, else by `omega`, of
    label shape, with sums `c` (T,).
    """
    p, T = data.n_features, data.n_tasks
    shift, mean = np.zeros((p, 1)), np.zeros((p, T))
    packed = not sparse.issparse(data.X) and data.X.nbytes <= PACK_BYTES
    if packed and (data.shared or T == 1):
        # One copy serves all tasks, whose own means are close to this one.
        found = column_means(data.X, of_rows)
        if np.all(2.0 * len(data.X) * found**2 <= data.squares):
            mean[:] = found[:, None]  # none is larger than the deviation
            return data, shift, mean, np.zeros_like(shift)
        return replace(data, X=data.X - found), found[:, None], mean, shift
    if packed:
        shift, data = data.centred(omega)
        if data.small_blocks:  # to the last digit
            return data, shift, mean, mean
    mean[:] = data.rmatvec(omega) / c
    return data, shift, mean, mean
