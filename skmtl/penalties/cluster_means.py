"""Tasks of known groups, drawn to the mean of their group."""

from dataclasses import dataclass

import numpy as np

from skmtl.penalties.norms import row_norms


@dataclass(frozen=True, eq=False)
class ClusterMeans:
    """alpha * sum_t ||w_t - mean of the group of t||^2 + beta * ||W||_F^2, beta > 0.

    `labels` (T,) counts the groups from 0. Where tasks have several classes `columns`
    (K, T) tells which columns of W these are, and w_t is all of them.
    """

    alpha: float
    beta: float
    labels: np.ndarray
    columns: np.ndarray | None = None

    row_separable = True
    solvers = ("lbfgs", "fista")

    def _split(self, W):
        """Return (means of the groups in the place of their columns, the rest)."""
        labels = self.labels
        if self.columns is not None:  # a group of columns for each class
            K, T = self.columns.shape
            labels = np.empty(K * T, dtype=int)
            labels[self.columns] = self.labels * K + np.arange(K)[:, None]
        members = np.eye(labels.max() + 1)[labels]
        means = (W @ members / members.sum(axis=0))[:, labels]
        return means, W - means

    def points(self, W):
        """Return the coefficients of each task as a row, (T, p) or (T, K p)."""
        if self.columns is None:
            return np.ascontiguousarray(W.T)
        return np.concatenate([W[:, own] for own in self.columns]).T

    def value(self, W):
        """Return the penalty of W."""
        rest = self._split(W)[1]
        return float(self.alpha * np.vdot(rest, rest) + self.beta * np.vdot(W, W))

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P)."""
        means, rest = self._split(V)
        near = 1.0 + 2.0 * step * (self.alpha + self.beta)
        return means / (1.0 + 2.0 * step * self.beta) + rest / near

    def gradient(self, W):
        """Return the gradient, (p, T)."""
        means, rest = self._split(W)
        return 2.0 * (self.beta * means + (self.alpha + self.beta) * rest)

    def curvature(self, W):
        """Return C (p, p) such that V -> tr(V' C V) / 2 bends no less."""
        return 2.0 * (self.alpha + self.beta) * np.eye(len(W))

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)]: it is finite everywhere."""
        means, rest = self._split(G)
        conjugate = np.vdot(means, means) / self.beta
        conjugate += np.vdot(rest, rest) / (self.alpha + self.beta)
        return [(1.0, float(conjugate) / 4.0)]

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the gradient at W, by rows, (p,)."""
        return row_norms(G + self.gradient(W))

    @property
    def free(self):
        """Rows that are never penalised: none."""
        return np.zeros(0, dtype=int)

    def even(self, values):
        """Return values (p,) as they are: no rows are tied together."""
        return values


@dataclass(frozen=True, eq=False)
class FoundClusters:
    """`ClusterMeans` of groups that were chosen with W: not convex, no dual point."""

    given: ClusterMeans

    solvers = ("lbfgs", "fista")

    def value(self, W):
        """Return the penalty of W."""
        return self.given.value(W)

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the gradient at W, by rows, (p,)."""
        return self.given.subdiff_distance(W, G)
