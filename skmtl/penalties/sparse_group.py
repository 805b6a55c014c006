"""The sparse-group norm over blocks of rows; group lasso and lasso are its ends."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from skmtl.penalties.blocks import Blocks
from skmtl.penalties.norms import NORMS, soft


def _positive_part(V, threshold):
    """Shrink by `threshold` and cut at 0."""
    return np.maximum(V - threshold, 0.0)


@dataclass(frozen=True, eq=False)
class SparseGroup:
    """alpha * sum_g weight_g * ((1 - l1_ratio) * v_g * N(W_g) + l1_ratio * ||W_g||_1).

    g runs over blocks of rows of W, v_g is the square root of the number of rows and N
    the l2 or the largest-magnitude norm. l1_ratio = 0 uses a block in all tasks or in
    none, 1 is the lasso (tasks are independent).

    Parameters
    ----------
    alpha : float
    l1_ratio : float in [0, 1]
    norm : {"l2", "linf"}
    positive : bool
        Whether W >= 0 is required.
    weight : ndarray of shape (n_blocks,) or None
        0: never penalised; inf: never used.
    blocks : Blocks or None
        None: every row is a block.
    """

    alpha: float
    l1_ratio: float = 0.0
    norm: str = "l2"
    positive: bool = False
    weight: np.ndarray | None = None
    blocks: Blocks | None = None

    row_separable = True
    solvers = ("bcd", "fista")

    @property
    def _group(self):
        return self.alpha * (1.0 - self.l1_ratio)

    @property
    def _l1(self):
        return self.alpha * self.l1_ratio

    @property
    def _shrink(self):
        return _positive_part if self.positive else soft

    @cached_property
    def _strengths(self):
        """{number of rows: [(rows, a2, a1, weights, root of their number)]}."""
        return {}

    def _classes(self, n_rows):
        """Return the strengths of blocks of equal size, for W of so many rows."""
        if n_rows in self._strengths:
            return self._strengths[n_rows]
        found = []
        classes = [(slice(None), None)] if self.blocks is None else self.blocks.classes
        for ids, rows in classes:
            B = n_rows if rows is None else len(rows)
            w = np.ones(B) if self.weight is None else self.weight[ids]
            root = 1.0 if rows is None else np.sqrt(rows.shape[1])
            never = np.isinf(w)
            finite = np.where(never, 0.0, w)
            a2 = np.where(never, np.inf, self._group * root * finite)
            found.append((rows, a2, self._l1 * finite, w, root))
        self._strengths[n_rows] = found
        return found

    def _flat(self, *arrays):
        """Yield (N, rows, a2, a1, weights, root, one (B, q) array per array (p, T))."""
        N = NORMS[self.norm]
        for rows, a2, a1, w, root in self._classes(len(arrays[0])):
            flat = arrays
            if rows is not None:
                flat = [V[rows].reshape(len(rows), -1) for V in arrays]
            yield N, rows, a2, a1, w, root, flat

    def value(self, W):
        """Return the penalty of W."""
        if self.positive and (W < 0).any():
            return np.inf
        total = 0.0
        for N, _, a2, a1, _, _, (F,) in self._flat(W):
            size = N.value(F)
            if self.weight is None:
                total += float(a2 @ size)
            else:  # 0 * inf is nothing here
                used = size > 0
                total += float(a2[used] @ size[used])
            if self._l1 > 0:
                total += float(a1 @ np.abs(F).sum(axis=1))
        return total

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P).

        `step` is a number, or one per row, shape (p, 1), equal within blocks.
        """
        out = np.empty_like(V)
        for N, rows, a2, a1, _, _, (F,) in self._flat(V):
            t = (
                step
                if np.ndim(step) == 0
                else step[:, 0]
                if rows is None
                else step[rows[:, 0], 0]
            )
            P = N.prox(self._shrink(F, (t * a1)[:, None]), t * a2)
            if rows is None:
                return P
            out[rows] = P.reshape(*rows.shape, -1)
        return out

    def dual_norm(self, G):
        """Return the smallest alpha at which prox(-G, 1) vanishes where penalised."""
        norm = 0.0
        for N, _, _, _, w, root, (F,) in self._flat(G):
            if self.weight is not None:
                counted = (w > 0) & np.isfinite(w)
                F, w = F[counted], w[counted]
            A = np.maximum(-F, 0.0) if self.positive else np.abs(F)
            gamma = np.full(len(F), (1.0 - self.l1_ratio) * root)
            norm = max(norm, (N.dual(A, self.l1_ratio, gamma) / w).max(initial=0.0))
        return float(norm)

    def alpha_max(self, G):
        """Return the smallest alpha with solution 0, from the gradient at 0."""
        return self.dual_norm(G)

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)] for multiples of -G that are feasible."""
        norm = self.dual_norm(G)
        return [(min(1.0, self.alpha / norm) if norm > 0 else 1.0, 0.0)]

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the subdifferential at W, (p,).

        Rows of one block share its distance.
        """
        distance = np.empty(len(W))
        for N, rows, a2, a1, _, _, (F, R) in self._flat(W, -G):
            plain = not (self.positive or self._l1)
            found = N.beyond(R if plain else self._shrink(R, a1[:, None]), a2)
            on = F.any(axis=1)
            found[on] = N.face_distance(R[on], F[on], a2[on], a1[on], self._shrink)
            if rows is None:
                return found
            distance[rows] = found[:, None]
        return distance

    @cached_property
    def free(self):
        """Rows that are never penalised, (k,)."""
        if self.weight is None:
            return np.zeros(0, dtype=int)
        per_row = (
            self.weight if self.blocks is None else self.weight[self.blocks.labels]
        )
        return np.flatnonzero(per_row == 0)

    # ------------------------------------------------------------ for the solvers
    def complete(self, rows):
        """Return `rows` and all that share a block with them, block after block."""
        return np.sort(rows) if self.blocks is None else self.blocks.complete(rows)

    def restrict(self, rows):
        """Return the penalty of these rows alone, given as by `complete`."""
        if self.blocks is None:
            if self.weight is None:
                return self
            return replace(self, weight=self.weight[rows])
        blocks, ids = self.blocks.restrict(rows)
        weight = None if self.weight is None else self.weight[ids]
        return replace(self, weight=weight, blocks=blocks)

    def even(self, values):
        """Raise values (p,) to the largest in their block."""
        return values if self.blocks is None else self.blocks.largest(values)

    def kernel_arguments(self, n_rows):
        """Return (starts, a2, a1, ridge, code, positive) of the blocks, for kernels."""
        starts = np.arange(n_rows + 1) if self.blocks is None else self.blocks.starts
        B = len(starts) - 1
        a2, a1 = np.empty(B), np.empty(B)
        ids = (
            [slice(None)]
            if self.blocks is None
            else [i for i, _ in self.blocks.classes]
        )
        for i, (_, _, s2, s1, _, _, _) in zip(
            ids, self._flat(np.empty((n_rows, 0))), strict=True
        ):
            a2[i], a1[i] = s2, s1
        return starts, a2, a1, np.zeros(B), NORMS[self.norm].code, self.positive
