"""Means that are taken out of X before anything is multiplied with it."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from skmtl.data import PACK_BYTES, column_means


def without_means(data, omega, c, centre):
    """Take means of the features out of the data, as far as it is worth a copy.

    Returns (data, what was subtracted, (p, T) or (p, 1); the means that are left, (p,
    T); those that are still to be taken out before a product, (p, T) or (p, 1)). Means
    far from 0 would cost the digits of the products that follow. They are weighted, so
    that rows without weight cannot move them: `omega` has label shape, or (n, 1) where
    all labels of a row have one weight, and `c` (T,) are its sums. Without `centre`
    nothing is.
    """
    p, T = data.n_features, data.n_tasks
    shift, mean = np.zeros((p, 1)), np.zeros((p, T))
    far, left = mean, None
    if not centre:
        return data, shift, mean, far
    if not sparse.issparse(data.X) and data.X.nbytes <= PACK_BYTES:
        shift, data, left = _centred(data, omega)
        if data.shared:
            far = np.zeros_like(shift)
        if data.small_blocks:  # to the last digit
            return data, shift, mean, far
    mean[:] = data.rmatvec(omega) / c[: omega.shape[-1]] if left is None else left
    return data, shift, mean, far


def _centred(data, omega):
    """Return (what was subtracted; the data; what is left of the means, if known)."""
    if not (data.shared or data.n_tasks == 1):
        return *data.centred(omega), None
    # One copy serves all tasks, whose own means are close to this one.
    of_rows = omega.sum(axis=1) if data.shared else omega
    shift = column_means(data.X, of_rows)[:, None]
    if np.all(2.0 * len(data.X) * shift[:, 0] ** 2 <= data.squares):
        # No mean is larger than the deviation, and X stays: it is what all rows have.
        alone = omega.ndim == 1 or omega.shape[1] == 1
        return np.zeros_like(shift), data, shift if alone else None
    return shift, replace(data, X=data.X - shift.T), None
