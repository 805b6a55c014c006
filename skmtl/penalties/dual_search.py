"""How far a dual candidate may be scaled where no formula tells.

For a gauge Omega and a pull G the largest feasible multiple is
    rho = min over R with <R, G> > 0 of Omega(R) / <R, G>,
and the prox finds a better R from any rho that is too large: prox(rho G) minimises
||R||^2 / 2 + Omega(R) - rho <R, G>, which is below 0 there. So rho falls, never below
the answer, and is the answer once the prox vanishes (Dinkelbach's method).
"""

import numpy as np

STEPS = 100


def feasible_share(prox, row_values, G, rho=1.0):
    """Return the largest share in [0, rho] of G (p, T) at which a row-wise prox is 0.

    `prox` is that of a step of 1; `row_values` gives Omega of each row, (p,).
    """
    rows = np.arange(len(G))
    for _ in range(STEPS):
        R = prox(rho * G[rows])
        beyond = R.any(axis=1)
        rows, R = rows[beyond], R[beyond]
        if not len(rows):
            break
        pull = np.einsum("jt,jt->j", R, G[rows])
        size = row_values(R)
        found = np.divide(size, pull, out=np.full(len(rows), rho), where=pull > 0)
        new = float(found.min())
        if not new < rho * (1.0 - 1e-15):
            break
        rho = new
    return rho


def gauge_of_polar(prox, row_values, G):
    """Return 1 / rho for the largest feasible rho, whatever its size."""
    squares = np.einsum("jt,jt->j", G, G)
    if not (squares > 0).any():
        return 0.0
    rows = np.flatnonzero(squares > 0)
    start = float((row_values(G[rows]) / squares[rows]).min())
    return 1.0 / feasible_share(prox, row_values, G, start)
