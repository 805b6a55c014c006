"""The function behind relative entropies, to all digits."""

import numpy as np

from skmtl import _kernels


def excess(d):
    """Return (1 + d) log(1 + d) - d for d >= -1, to all digits where d is small."""
    d = np.asarray(d, dtype=float)
    out = np.ascontiguousarray(d).reshape(-1).copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log1p(out)
    _kernels.excess(logs, out)
    return out.reshape(d.shape)
