"""The function behind relative entropies, to all digits."""

import numpy as np


def excess(d):
    """Return (1 + d) log(1 + d) - d for d >= -1, to all digits where d is small."""
    small = np.abs(d) < 0.03
    with np.errstate(divide="ignore", invalid="ignore"):
        full = np.where(d > -1.0, (1.0 + d) * np.log1p(d) - d, 1.0)
    x, series = np.where(small, d, 0.0), 0.0
    for k in range(12, 1, -1):  # sum of (-d)^k / (k (k - 1))
        series = 1.0 / (k * (k - 1)) - x * series
    return np.where(small, x * x * series, full)
