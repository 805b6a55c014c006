"""Penalties of two summands, P and Q, stacked into one array."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Stacked:
    """first(P) + second(Q) for V = [P; Q], P of shape (p, T)."""

    first: object
    second: object
    p: int

    @property
    def row_separable(self):
        """Whether both proxes act row by row."""
        return self.first.row_separable and self.second.row_separable

    @property
    def solvers(self):
        """Names of the solvers that can take both, the fastest first."""
        return tuple(s for s in self.first.solvers if s in self.second.solvers)

    def _parts(self, V):
        return (self.first, V[: self.p]), (self.second, V[self.p :])

    def value(self, V):
        """Return the penalty of both parts."""
        return sum(penalty.value(W) for penalty, W in self._parts(V))

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P)."""
        steps = (step, step) if np.ndim(step) == 0 else (step[: self.p], step[self.p :])
        parts = zip(self._parts(V), steps, strict=True)
        return np.concatenate([penalty.prox(W, t) for (penalty, W), t in parts])

    def alpha_max(self, G):
        """Return the smallest strength of the first part at which P stays 0."""
        return self.first.alpha_max(G[: self.p])

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)] for multiples feasible for both parts."""
        points = [penalty.dual_points(H)[0] for penalty, H in self._parts(G)]
        return [min(points)]

    def subdiff_distance(self, V, G):
        """Return the distance of -G to the subdifferential at V, (2 p,)."""
        (first, P), (second, Q) = self._parts(V)
        return np.concatenate([
            first.subdiff_distance(P, G[: self.p]),
            second.subdiff_distance(Q, G[self.p :]),
        ])  # fmt: skip

    @property
    def free(self):
        """Rows that are never penalised: none."""
        return np.zeros(0, dtype=int)

    # ------------------------------------------------------------ for the solvers
    def complete(self, rows):
        """Return `rows` in order; those of P come first."""
        return np.sort(rows)

    def restrict(self, rows):
        """Return the penalty of these rows alone, given as by `complete`."""
        of_first = rows < self.p
        return replace(
            self,
            first=self.first.restrict(rows[of_first]),
            second=self.second.restrict(rows[~of_first] - self.p),
            p=int(of_first.sum()),
        )

    def even(self, values):
        """Return values (2 p,) as they are: no rows are tied together."""
        return values

    def kernel_arguments(self, n_rows):
        """Return (starts, a2, a1, ridge, code, positive) of the blocks, for kernels.

        The second part has no norm but l1, so the code of the first serves for both.
        """
        _, a2, a1, ridge, code, positive = self.first.kernel_arguments(self.p)
        _, *second, _, _ = self.second.kernel_arguments(n_rows - self.p)
        joined = [
            np.concatenate(pair) for pair in zip((a2, a1, ridge), second, strict=True)
        ]
        return np.arange(n_rows + 1), *joined, code, positive
