"""Sparse coefficients that change little from one task to the next."""

from dataclasses import dataclass

import numpy as np

from skmtl import _kernels
from skmtl.penalties.dual_search import feasible_share
from skmtl.penalties.norms import L2, row_norms, soft


def chain_prox(V, lam):
    """Return the prox of sum_t lam_jt |v_jt - v_j(t+1)| for each row of V (p, T).

    `lam` is a number or broadcasts to (p, T - 1).
    """
    p, T = V.shape
    out = np.empty((p, T))
    lam = np.ascontiguousarray(np.broadcast_to(lam, (p, T - 1)), dtype=float)
    _kernels.tv1d_rows(np.ascontiguousarray(V), lam, out)
    return out


@dataclass(frozen=True, eq=False)
class Progression:
    """alpha * ||W||_1 + beta * sum_t ||w_t - w_(t+1)||_1 + gamma * sum_j ||W_j||_2.

    Parameters
    ----------
    alpha, beta, gamma : float
    order : ndarray of shape (T,) or None
        Positions of the columns along the chain; None: as they are.
    ties : ndarray of shape (T - 1,) or None
        1 where successive columns are tied and 0 where a new chain begins; None: one
        chain.
    """

    alpha: float
    beta: float
    gamma: float
    order: np.ndarray | None = None
    ties: np.ndarray | None = None

    row_separable = True
    solvers = ("newton", "fista")
    free = np.zeros(0, dtype=int)

    @property
    def _tied(self):
        """Strength of the differences along the chain."""
        return self.beta if self.ties is None else self.beta * self.ties

    def _along(self, V):
        """Return the columns in the order of the chain."""
        return V if self.order is None else V[:, self.order]

    def _back(self, V):
        """Return columns in the order of the chain as the tasks have them."""
        if self.order is None:
            return V
        out = np.empty_like(V)
        out[:, self.order] = V
        return out

    def _row_values(self, V):
        """Return the penalty of each row of V, in the order of the chain, (p,)."""
        size = self.alpha * np.abs(V).sum(axis=1)
        size += (self._tied * np.abs(np.diff(V, axis=1))).sum(axis=1)
        return size + self.gamma * row_norms(V)

    def _row_prox(self, V, step):
        """Return the prox of V in the order of the chain; the three steps compose."""
        P = chain_prox(V, step * self._tied) if self.beta > 0 else V
        P = soft(P, step * self.alpha)
        return L2.prox(P, np.broadcast_to(step * self.gamma, (len(V), 1))[:, 0])

    def value(self, W):
        """Return the penalty of W."""
        return float(self._row_values(self._along(W)).sum())

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P).

        `step` is a number, or one per row, shape (p, 1).
        """
        return self._back(self._row_prox(self._along(V), step))

    def alpha_max(self, G):
        """Return the smallest alpha with solution 0, given beta and gamma."""
        P = np.abs(chain_prox(self._along(G), self._tied))
        if self.gamma == 0:
            return float(P.max(initial=0.0))
        P = P[row_norms(P) > self.gamma]
        # With the k largest entries above alpha: k alpha^2 - 2 alpha total + squares =
        # gamma^2. The discriminant holds k squares - total^2 as a variance.
        g = -np.sort(-P, axis=1)
        k = np.arange(1, g.shape[1] + 1)
        total, squares = np.cumsum(g, axis=1), np.cumsum(g**2, axis=1)
        before = np.column_stack([g[:, :1], (total / k)[:, :-1]])
        spread = k * np.cumsum((g - before) ** 2 * ((k - 1) / k), axis=1)
        root = np.sqrt(np.maximum(k * self.gamma**2 - spread, 0.0))
        # The smaller root, without cancellation where it is near 0.
        alpha = (squares - self.gamma**2) / (total + root)
        following = np.column_stack([g[:, 1:], np.zeros(len(g))])
        first = np.argmax(following <= alpha * (1 + 1e-12), axis=1)
        return float(alpha[np.arange(len(g)), first].max(initial=0.0))

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)] for multiples of -G that are feasible."""
        G = self._along(G)
        share = feasible_share(lambda V: self._row_prox(V, 1.0), self._row_values, G)
        return [(share, 0.0)]

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the subdifferential at W, (p,).

        What is settled at W is taken off; the rest is free where neighbours are equal
        or coefficients 0, and its distance is what a prox leaves.
        """
        W, R = self._along(W), -self._along(G)
        found = row_norms(self._row_prox(R, 1.0))
        on = W.any(axis=1)
        W, R = W[on], R[on]
        signs = self._tied * np.sign(np.diff(W, axis=1))
        R = R - self.alpha * np.sign(W) - self.gamma * W / row_norms(W)[:, None]
        R[:, :-1] += signs
        R[:, 1:] -= signs
        R = chain_prox(R, np.where(signs == 0, self._tied, 0.0))
        found[on] = row_norms(np.where(W == 0, soft(R, self.alpha), R))
        return found

    def even(self, values):
        """Return values (p,) as they are: no rows are tied together."""
        return values
