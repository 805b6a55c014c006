"""What all quadratics have in common."""

import numpy as np

from skmtl.quadratics._columns import block_bounds

SMALL = 64  # systems whose handling takes longer than their arithmetic


def inverses(A):
    """Return the pseudo-inverses of curvatures A (G, m, m).

    The scales of the rows are no rank: they are taken out before. Without curvature
    there is no step.
    """
    unit = np.sqrt(np.maximum(np.einsum("gjj->gj", A), 0.0))  # less is rounding
    unit[unit == 0] = np.inf
    both = unit[:, :, None] * unit[:, None, :]
    cutoff = A.shape[1] * np.finfo(float).eps
    return np.linalg.pinv(A / both, cutoff, hermitian=True) / both


class Quadratic:
    """A quadratic of W (T, k) whose tasks are apart.

    Kinds of it have `W`, `state`, the curvature (T, k) along each row, `gradient`,
    `moved(rows, step)`, the state after W[:, rows] += step, and `along(rows)`: the
    curvatures (G, m, m) along some rows, which of them each task has (T,), and its
    factor (T,). `rows` are an array or a slice.
    """

    def bounds(self, starts):
        """Return the curvature of each task along each block of rows, (T, n_blocks)."""

        def largest(s, e):
            A, index, scale = self.along(slice(s, e))
            return np.linalg.eigvalsh(A)[:, -1][index] * scale

        return block_bounds(self.curvature, starts, largest)

    def newton_step(self, rows):
        """Return the step (T, m) of W[:, rows] to the minimum, the others fixed."""
        A, index, scale = self.along(rows)
        slope = self.gradient()[:, rows] / scale[:, None]
        if len(A) > 1 and A.shape[1] <= SMALL:  # one call for all of them
            return -np.einsum("tij,tj->ti", inverses(A)[index], slope)
        step = np.empty_like(slope)
        for s in range(len(A)):
            tasks = index == s
            step[tasks] = -slope[tasks] @ inverses(A[s : s + 1])[0]
        return step

    def settle(self, rows):
        """Move to the minimum over some rows, the others fixed."""
        step = self.newton_step(rows)
        self.state = self.moved(rows, step)
        self.W[:, rows] += step
