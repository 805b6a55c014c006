"""Means that are taken out of X before anything is multiplied with it."""

from dataclasses import replace

import numpy as np

from skmtl.data import column_means


def centred(data, omega):
    """Return (what was subtracted, (p, T) or (p, 1); data with a centred X).

    Means far from 0 would cost the digits of the products that follow. Weighted, so
    that rows without weight cannot move them.
    """
    if not (data.shared or data.n_tasks == 1):
        return data.centred(omega)
    # One copy serves all tasks, whose own means are close to this one.
    of_rows = omega.sum(axis=1) if data.shared else omega
    shift = column_means(data.X, of_rows)[:, None]
    squares = np.einsum("ij,ij->j", data.X, data.X)
    if np.all(2.0 * len(data.X) * shift[:, 0] ** 2 <= squares):
        return np.zeros_like(shift), data  # no mean is larger than the deviation
    return shift, replace(data, X=data.X - shift.T)
