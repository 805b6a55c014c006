"""Newton steps on the support, for the l2 norm of blocks.

On the blocks that are used, sum_b a_b ||W_b|| is smooth. With d_b = a_b / ||W_b|| and
w_b = W_b / ||W_b|| its Hessian is d_b (I - w_b w_b'): a diagonal, which couples nothing
and which the quadratic's curvature is factorised with, less a matrix of rank one per
block. So a step costs one factorisation for all tasks that share a curvature, and a
linear system in one unknown per block, whatever the number of tasks.

Without the correction of rank one the step minimises a majorant of the objective and
always descends; `damping` leaves out as much of it as is needed. Blocks that the step
would turn around are set to 0, and it is left to the sweeps to find them anew.
"""

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

FIRST_FACTOR = 1.0
TRIES = 3  # with ever more damping, for one step
FAILURES = 3  # in a row: rounding decides there
ROUNDING = 1e-15
CG_STEPS = 50


class SupportNewton:
    """Newton steps on a model with the blocks and strengths of one penalty.

    Parameters
    ----------
    arguments : tuple
        (starts, a2, a1, ridge, code, positive) as the kernels take them.
    """

    def __init__(self, arguments):
        self.starts, self.a2, self.a1, self.ridge, code, positive = arguments
        self._smooth = code == 0 and not positive and not self.a1.any()
        self._factor, self._failures, self._last = FIRST_FACTOR, 0, 0

    def due(self, model, sweeps):
        """Tell whether there are steps for such a norm and model, and it is their turn.

        Since the last one there have been as many of the sweeps as take its time.
        """
        if not self._smooth or self._failures >= FAILURES:
            return False
        if not hasattr(model, "complement"):
            return False
        used = np.count_nonzero(model.W.any(axis=0))
        if sweeps - self._last < model.price(used):
            return False
        self._last = sweeps
        return True

    def step(self, model, value, gap, g):
        """Move the model to a better point; return whether there was one.

        `value()` is the objective of the model where it is, `gap` its distance to the
        optimum at most and `g` (T, k) its gradient.
        """
        system = self._system(model, g)
        if system is None:
            return False
        before = value()
        share = gap / max(before, gap)
        old = model.W, model.state
        for _ in range(TRIES):
            damping = self._factor * min(share, 0.1)
            step = system.solve(damping, min(0.1, np.sqrt(share)))
            if step is None:
                break
            model.W = old[0].copy()
            model.W[:, system.rows] += step
            model.state = old[1]
            model.state = model.moved(system.rows, step)
            if value() <= before * (1.0 + ROUNDING):
                self._factor, self._failures = max(0.2 * self._factor, 0.01), 0
                return True
            self._factor *= 10.0
        model.W, model.state = old
        self._failures += 1
        return False

    def _system(self, model, g):
        """Return the equations at the model's W."""
        sizes = np.diff(self.starts)
        squares = np.add.reduceat((model.W**2).sum(axis=0), self.starts[:-1])
        used = squares > 0
        if not used.any():
            return None
        rows = np.flatnonzero(np.repeat(used, sizes))
        norms, sizes = np.sqrt(squares[used]), sizes[used]
        return _Equations.at(
            model, g, rows, sizes, norms, self.a2[used] / norms, self.ridge[used]
        )


class _Equations:
    """The Newton equations in units that make the norm's curvature one.

    y holds one number per block; `U` (T, m) the directions of the blocks.
    """

    def __init__(self, W, rows, sizes, unit, U, r, complement):
        self.W, self.rows, self.sizes = W, rows, sizes
        self.unit, self.U, self.r, self.complement = unit, U, r, complement
        self._first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self._gain = 1.0 - self._blocks((U * U).sum(axis=0))
        self._matrix = None

    @classmethod
    def at(cls, model, g, rows, sizes, norms, bend, ridge):
        """Return the equations for the blocks of `rows`, or None if too large."""
        W = model.W[:, rows]
        curvature = model.curvature[:, rows].max(axis=0)
        d, ridge = np.repeat(bend, sizes), np.repeat(ridge, sizes)
        r = g[:, rows] + (d + ridge) * W
        # Rows that nothing penalises have no unit of their own.
        total = np.maximum(d + ridge, 1e-12 * curvature)
        total[total == 0] = 1.0
        unit = 1.0 / np.sqrt(total)
        complement = model.complement(rows, unit)
        if complement is None:
            return None
        U = W * (np.sqrt(d) * unit / np.repeat(norms, sizes))
        return cls(W, rows, sizes, unit, U, r * unit, complement)

    def _blocks(self, values):
        """Sum values of rows over each block."""
        if len(self._first) == len(values):
            return values
        return np.add.reduceat(values, self._first)

    def _rows_of(self, y):
        """Repeat values of blocks over their rows."""
        return y if len(y) == len(self.rows) else np.repeat(y, self.sizes)

    def _inverse(self, Z):
        """Return (I + A)^-1 z_t for every task."""
        return Z - self.complement.times(Z)

    def solve(self, damping, accuracy):
        """Return the step (T, m), or None where the equations cannot be solved."""
        a = self._inverse(self.r)
        rhs = self._blocks((self.U * a).sum(axis=0))
        direct = hasattr(self.complement, "weighted")
        y = self._direct(rhs, damping) if direct else self._cg(rhs, damping, accuracy)
        if y is None or not np.all(np.isfinite(y)):
            return None
        step = -self.unit * (a + self._inverse(self._rows_of(y) * self.U))
        turned = self._blocks((self.W * (self.W + step)).sum(axis=0)) <= 0
        turned &= self._gain < 1.0  # what nothing penalises may change its sign
        gone = self._rows_of(turned)
        step[:, gone] = -self.W[:, gone]
        return step

    def _direct(self, rhs, damping):
        """Solve for y by factorisation."""
        if self._matrix is None:
            weighted = self.complement.weighted(self.U)
            if len(self.sizes) < len(self.rows):
                weighted = np.add.reduceat(weighted, self._first, axis=0)
                weighted = np.add.reduceat(weighted, self._first, axis=1)
            self._matrix = weighted
        matrix = self._matrix + np.diag(self._gain + damping + 1e-13)
        try:
            return cho_solve(cho_factor(matrix, check_finite=False), rhs)
        except LinAlgError:
            return None

    def _cg(self, rhs, damping, accuracy):
        """Solve for y by conjugate gradients, scaled by the diagonal."""

        def times(v):
            inside = self.complement.times(self._rows_of(v) * self.U)
            return (self._gain + damping) * v + self._blocks((self.U * inside).sum(0))

        squares = (self.U * self.U).sum(axis=0) * self.complement.diagonal()
        scale = self._gain + damping + self._blocks(squares)
        scale = np.maximum(scale, np.finfo(float).tiny)
        y, rest = np.zeros_like(rhs), rhs.copy()
        z = rest / scale
        direction, size = z, float(rest @ z)
        goal = accuracy**2 * size
        for _ in range(CG_STEPS):
            if size <= goal or size == 0.0:
                break
            image = times(direction)
            bend = float(direction @ image)
            if not bend > 0:
                break
            y += (size / bend) * direction
            rest -= (size / bend) * image
            z = rest / scale
            before, size = size, float(rest @ z)
            direction = z + (size / before) * direction
        return y
