"""Curvature of a quadratic on a support, beside that of a norm, as Newton needs it.

With A_t the scaled curvature of task t, its complement is C_t = A_t (I + A_t)^-1: what
is left of a direction after the norm's curvature has taken its share. It is held as
matrices, or by rows B with C = B'B where the support is larger than the number of rows.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, lapack, solve_triangular

SMALL = 64  # systems whose handling takes longer than their arithmetic
# Rows of more numbers than that are kept in single precision, unless the sum of their
# squares (of which no curvature is larger) would leave them too few digits.
SINGLE_SIZE = 50_000
SINGLE_BEND = 1e7


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
        m = A.shape[1]
        if len(A) > 1 and m <= SMALL:  # one call for all of them
            A[:, np.arange(m), np.arange(m)] += 1.0
            try:
                return cls(np.eye(m) - np.linalg.inv(A), index)
            except np.linalg.LinAlgError:
                return None
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

    @property
    def _one_each(self):
        """Whether every task has a system of its own, in their order."""
        return len(self.C) > 1 and np.array_equal(self.index, np.arange(len(self.C)))

    def times(self, Z):
        """Return C_t z_t for every task, (T, m)."""
        if len(self.C) == 1:
            return Z @ self.C[0]
        if self._one_each:
            return np.matmul(Z[:, None, :], self.C)[:, 0]
        out = np.empty_like(Z)
        for s in range(len(self.C)):
            tasks = self.index == s
            out[tasks] = Z[tasks] @ self.C[s]
        return out

    def weighted(self, U):
        """Return the sum over tasks of C_t * u_t u_t', (m, m)."""
        if self._one_each:
            return np.einsum("tij,ti,tj->ij", self.C, U, U, optimize=False)
        total = 0.0
        for s in range(len(self.C)):
            part = U if len(self.C) == 1 else U[self.index == s]
            total = total + self.C[s] * (part.T @ part)
        return total


@dataclass
class RowComplement:
    """Rows B with C = B'B, for all tasks; held as their transpose."""

    columns: np.ndarray  # (m, n)

    @classmethod
    def of(cls, columns):
        """Take the transpose (m, n) of rows with A = B'B, which is overwritten."""
        # Steps need few digits; what they leave undone the next one does.
        if columns.size > SINGLE_SIZE and np.vdot(columns, columns) < SINGLE_BEND:
            columns = columns.astype(np.float32)
        gram = columns.T @ columns
        gram.flat[:: len(gram) + 1] += 1.0
        factor = cholesky(gram, lower=True, overwrite_a=True, check_finite=False)
        found = solve_triangular(
            factor, columns.T, lower=True, overwrite_b=True, check_finite=False
        )
        return cls(np.ascontiguousarray(found.T))

    def times(self, Z):
        """Return C z_t for every task, (T, m)."""
        Z = Z.astype(self.columns.dtype, copy=False)
        return (Z @ self.columns) @ self.columns.T

    def diagonal(self):
        """Return the diagonal of C."""
        return np.einsum("mi,mi->m", self.columns, self.columns)
