"""Summaries of tables of numbers in which NaN stands for nothing."""

import numpy as np


def nanmean(values, axis):
    """Return the mean over what is not NaN; NaN, without a warning, where all is."""
    with np.errstate(invalid="ignore"):
        return np.nansum(values, axis=axis) / np.isfinite(values).sum(axis=axis)


def nandeviation(values, axis):
    """Return the standard deviation (n - 1) over what is not NaN; NaN of fewer than 2.

    It is that of a sample, as of the folds of a cross-validation.
    """
    n = np.isfinite(values).sum(axis=axis)
    off = values - np.expand_dims(nanmean(values, axis), axis)
    return np.sqrt(np.nansum(off**2, axis=axis) / np.where(n > 1, n - 1, np.nan))


def cosines(rows):
    """Return the cosine between rows; 0 with a row of zeros, which is 1 with itself."""
    size = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / np.where(size > 0, size, 1.0)
    cosine = np.clip(unit @ unit.T, -1.0, 1.0)
    np.fill_diagonal(cosine, 1.0)
    return cosine
