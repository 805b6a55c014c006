"""The trace norm: few directions are shared by all tasks."""

from dataclasses import dataclass

import numpy as np

from skmtl.penalties.norms import row_norms


@dataclass(frozen=True, eq=False)
class TraceNorm:
    """alpha * the sum of the singular values of W."""

    alpha: float

    row_separable = False
    solvers = ("fista",)

    def value(self, W):
        """Return the penalty of W."""
        return self.alpha * float(np.linalg.svd(W, compute_uv=False).sum())

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P)."""
        U, s, Z = np.linalg.svd(V, full_matrices=False)
        left = np.maximum(s - step * self.alpha, 0.0)
        rank = np.count_nonzero(left)
        return (U[:, :rank] * left[:rank]) @ Z[:rank]

    def alpha_max(self, G):
        """Return the smallest alpha with solution 0, from the gradient at 0."""
        return float(np.linalg.norm(G, 2)) if G.size else 0.0

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)] for multiples of -G that are feasible."""
        norm = self.alpha_max(G)
        return [(min(1.0, self.alpha / norm) if norm > 0 else 1.0, 0.0)]

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the subdifferential at W, by rows, (p,)."""
        U, s, Z = np.linalg.svd(W, full_matrices=False)
        rank = np.count_nonzero(s > 1e-10 * s.max(initial=0.0)) if s.any() else 0
        U, Z = U[:, :rank], Z[:rank]
        R = -G - self.alpha * U @ Z
        outside = R - U @ (U.T @ R)
        outside -= outside @ Z.T @ Z
        A, t, B = np.linalg.svd(outside, full_matrices=False)
        allowed = (A * np.minimum(t, self.alpha)) @ B
        return row_norms(R - allowed)
