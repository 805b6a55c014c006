"""Singular values by way of the smaller side of a matrix."""

import numpy as np

# Rows that are off orthogonal by less than this, relative to the largest, are as good
# as those of a full decomposition.
ORTHOGONAL = 1e-12


def singular_rows(V):
    """Return (s, Q, B) with V = Q B, or V' = Q B if V has fewer columns than rows.

    Q is orthogonal, of the size of the smaller side; the rows of B are orthogonal to
    each other, and s, increasing or not, are their norms, the singular values. Since
    no sum of norms of rows of Q'V is below the trace norm, rounding can only make a
    certificate worse.
    """
    short = V if len(V) <= V.shape[1] else V.T
    largest = np.abs(V).max(initial=0.0)
    if not largest > 0:
        return np.zeros(len(short)), np.eye(len(short)), short
    scaled = short / largest
    _, Q = np.linalg.eigh(scaled @ scaled.T)
    B = Q.T @ scaled
    products = B @ B.T
    s = np.sqrt(np.diag(products))
    np.fill_diagonal(products, 0.0)
    # Squares have lost what is small next to the largest; the rows tell where.
    bound = ORTHOGONAL * s.max() * np.maximum(s, s[:, None])
    if np.any(np.abs(products) > bound):
        Q, s, Z = np.linalg.svd(scaled, full_matrices=False)
        B = s[:, None] * Z
    return s * largest, Q, B * largest


def singular_values(V):
    """Return the singular values of V, decreasing."""
    return -np.sort(-singular_rows(V)[0])


def change_spectrum(V, change):
    """Return the matrix with the singular vectors of V and values change(s) >= 0.

    Directions whose new value is 0 are left out, so that the rank is what it says.
    """
    s, Q, B = singular_rows(V)
    new = change(s)
    kept = new > 0
    short = (Q[:, kept] * (new[kept] / s[kept])) @ B[kept]
    return short if short.shape == V.shape else short.T
