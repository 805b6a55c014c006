"""Curvature of a quadratic on a support, beside that of a norm, as Newton needs it.

With A_t the scaled curvature of task t, its complement is C_t = A_t (I + A_t)^-1: what
is left of a direction after the norm's curvature has taken its share. It is held as
matrices, or by rows B with C = B'B where the support is larger than the number of rows.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, lapack, solve_triangular


@dataclass
class MatrixComplement:
    """One matrix C (m, m) for each of the systems; task t belongs to index[t]."""

    C: np.ndarray  # (systems, m, m)
    index: np.ndarray

    @classmethod
    def of(cls, A, index):
        """Take the curvatures A (systems, m, m), which are overwritten.

        Returns None where rounding has left too little of them to be inverted.
        """
        C = np.empty_like(A)
        for s in range(len(A)):
            A[s].flat[:: len(A[s]) + 1] += 1.0
            factor, failed = lapack.dpotrf(A[s], lower=1)
            if failed:
                return None
            inverse, _ = lapack.dpotri(factor, lower=1)
            C[s] = -np.tril(inverse)
            C[s] += np.tril(C[s], -1).T
            C[s].flat[:: len(A[s]) + 1] += 1.0
        return cls(C, index)

    def times(self, Z):
        """Return C_t z_t for every task, (T, m)."""
        if len(self.C) == 1:
            return Z @ self.C[0]
        out = np.empty_like(Z)
        for s in range(len(self.C)):
            tasks = self.index == s
            out[tasks] = Z[tasks] @ self.C[s]
        return out

    def weighted(self, U):
        """Return the sum over tasks of C_t * u_t u_t', (m, m)."""
        total = 0.0
        for s in range(len(self.C)):
            part = U if len(self.C) == 1 else U[self.index == s]
            total = total + self.C[s] * (part.T @ part)
        return total


@dataclass
class RowComplement:
    """Rows B with C = B'B, for all tasks."""

    B: np.ndarray  # (n, m)

    @classmethod
    def of(cls, B):
        """Take rows with A = B'B."""
        factor = cholesky(B @ B.T + np.eye(len(B)), lower=True, check_finite=False)
        return cls(solve_triangular(factor, B, lower=True, check_finite=False))

    def times(self, Z):
        """Return C z_t for every task, (T, m)."""
        return (Z @ self.B.T) @ self.B

    def diagonal(self):
        """Return the diagonal of C."""
        return np.einsum("im,im->m", self.B, self.B)
