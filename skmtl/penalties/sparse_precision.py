"""The graphical lasso by the alternating direction method of multipliers.

Every step is an eigenvalue problem and a threshold, so covariances that are close to
singular, as those of few shared directions are, cost steps but never break it.
"""

import numpy as np

TOL = 1e-11  # duality gap per row of the matrix
STEPS = 2000
STEPS_PER_CHECK = 10
STALLED_CHECKS = 20  # so many without a smaller gap: the rest is rounding
RELAXATION = 1.6


def sparse_precision(S, sparsity, start=None):
    """Return argmin over K of tr(S K) - log det K + sparsity * sum_(s != t) |K_st|.

    S (T, T) positive definite; `start` is a pair as returned. Returns (K, multipliers),
    K symmetric and positive definite.
    """
    T, unit = len(S), np.trace(S) / len(S)
    S, limit = S / unit, np.full((T, T), sparsity / unit)
    np.fill_diagonal(limit, 0.0)
    if sparsity == 0.0 or T == 1:
        K = np.linalg.inv(S) / unit
        return 0.5 * (K + K.T), np.zeros((T, T))
    Z, V = (np.diag(1.0 / np.diag(S)), np.zeros((T, T)))
    if start is not None:
        Z, V = start[0] * unit, start[1] / unit
    mu = 1.0  # V holds mu times the scaled multipliers, so that mu may change
    best, least, stalled = Z, np.inf, 0
    for k in range(1, STEPS + 1):
        d, Q = np.linalg.eigh(mu * Z - V - S)
        X = (Q * ((d + np.sqrt(d * d + 4.0 * mu)) / (2.0 * mu))) @ Q.T
        mixed = RELAXATION * X + (1.0 - RELAXATION) * Z
        before, raw = Z, mixed + V / mu
        Z = np.sign(raw) * np.maximum(np.abs(raw) - limit / mu, 0.0)
        V = V + mu * (mixed - Z)
        if k % STEPS_PER_CHECK:
            continue
        gap = _gap(S, limit, Z)
        stalled = 0 if gap < 0.9 * least or np.isinf(gap) else stalled + 1
        if gap < least:
            best, least = Z, gap
        if least <= TOL * T or stalled >= STALLED_CHECKS:
            break
        apart = np.linalg.norm(X - Z) * np.linalg.norm(V)
        moved = np.linalg.norm(Z - before) * np.linalg.norm(Z) * mu
        mu *= 2.0 if apart > 10.0 * moved else 0.5 if moved > 10.0 * apart else 1.0
    return 0.5 * (best + best.T) / unit + 0.0, V * unit


def _gap(S, limit, K):
    """Return the duality gap at K, infinite where K is not positive definite."""
    sign, size = np.linalg.slogdet(K)
    if sign <= 0 or np.linalg.eigvalsh(K)[0] <= 0:
        return np.inf
    towards = np.clip(np.linalg.inv(K) - S, -limit, limit)
    for share in (1.0, 0.9, 0.5, 0.0):  # S itself is feasible
        dual = S + share * towards
        if np.linalg.eigvalsh(dual)[0] > 0:
            break
    other = np.linalg.slogdet(dual)[1]
    return float(np.vdot(S, K) + (limit * np.abs(K)).sum() - size - other - len(S))
