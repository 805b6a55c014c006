"""Quadratics by Gram matrices."""

from dataclasses import dataclass

import numpy as np

from skmtl import _kernels
from skmtl.complements import MatrixComplement
from skmtl.quadratics._quadratic import Quadratic

# Newton steps hold this many numbers at most for the curvatures of the tasks.
LARGEST_COMPLEMENT = 20_000_000
# What their multiplications take in those of a sweep, which cannot do as many at once.
GRAM_PRICE = 0.4
HANDLING = 30_000  # so much time does one system take before it is looked at


@dataclass
class Gram(Quadratic):
    """Kept by its gradient: one sweep costs k^2 per changed entry, whatever n is.

    Attributes
    ----------
    A : ndarray of shape (G, k, k)
    index : ndarray of shape (T,)
        Which matrix belongs to each task.
    scale : ndarray of shape (T,)
        Factor of each task's matrix.
    W : ndarray of shape (T, k)
    state : ndarray of shape (T, k)
        The gradient at W.
    squares : float
        sum h residual^2 at the W the model was made at.
    exact : bool
        Whether it is the smooth part itself, and not only touches it there.
    own : bool
        Whether its curvature is that of the smooth part there.
    """

    A: np.ndarray
    index: np.ndarray
    scale: np.ndarray
    W: np.ndarray
    state: np.ndarray
    squares: float
    exact: bool = True
    own: bool = True

    def __post_init__(self):
        diagonal = np.einsum("gjj->gj", self.A)[self.index]
        self.curvature = diagonal * self.scale[:, None]
        self._W0, self._g0 = self.W.copy(), self.state.copy()

    def move_to(self, W):
        """Name the point that the model was made at anew, for other coordinates."""
        self.W, self._W0 = W, W.copy()

    def bends(self):
        """Return the curvature of each task along the step from where it was made."""
        return ((self.W - self._W0) * (self.state - self._g0)).sum(axis=1)

    def again(self, ratio, u, slope):
        """Touch f at W instead, with `ratio` (T,) times the curvature.

        Given the derivatives u of the loss there, and slope() for the gradient (T, k).
        """
        self.state, self.scale = np.ascontiguousarray(slope()), self.scale * ratio
        self.__post_init__()

    def sweep(self, arguments, bounds, n_sweeps):
        """Minimise over one block after the other, n_sweeps times."""
        _kernels.bcd_gram(
            self.A, self.index, self.scale, bounds, *arguments, n_sweeps,
            self.W, self.state,
        )  # fmt: skip

    def gradient(self):
        """Return the gradient at W, (T, k)."""
        return self.state

    def along(self, rows):
        """Return (A along some rows, which each task has, their factors)."""
        return self.A[:, rows][:, :, rows], self.index, self.scale

    def moved(self, rows, step):
        """Return the state after W[:, rows] += step, (T, k)."""
        if len(self.A) == 1:
            return self.state + self.scale[:, None] * (step @ self.A[0][rows])
        state = np.empty_like(self.state)
        for t, g in enumerate(self.index):
            state[t] = self.state[t] + self.scale[t] * (step[t] @ self.A[g][rows])
        return state

    def price(self, m):
        """Return how many sweeps the complement of m rows costs."""
        systems = len(_distinct(self.index, self.scale)[0])
        work = systems * (GRAM_PRICE * m**3 + HANDLING)
        return work / (self.W.size * self.W.shape[1])

    def complement(self, rows, unit):
        """Return A (I + A)^-1 of the curvature A along W[:, rows] in these units."""
        systems, index = _distinct(self.index, self.scale)
        if len(systems) * len(rows) ** 2 > LARGEST_COMPLEMENT:
            return None
        A = np.stack([
            self.A[self.index[t]][np.ix_(rows, rows)] * self.scale[t] for t in systems
        ])  # fmt: skip
        A *= unit * unit[:, None]
        return MatrixComplement.of(A, index)

    def value(self):
        """Return q(W)."""
        step = self.W - self._W0
        return 0.5 * self.squares + 0.5 * float(np.vdot(step, self.state + self._g0))


def _distinct(index, scale):
    """Return (a task of each different curvature, which of them each task has)."""
    pairs = np.column_stack([index, scale])
    _, first, found = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    return first, found.reshape(-1)
