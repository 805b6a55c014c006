"""Clustered tasks: the penalty, the two methods, and the groups that are found."""

from numbers import Integral, Real

import numpy as np

from skmtl._compat import Interval, StrOptions
from skmtl.linear_model.base import LinearTaskModel
from skmtl.linear_model.cluster_labels import group_by_affinity, group_means
from skmtl.linear_model.k_means import solve_k_means
from skmtl.penalties import (
    ByClass,
    Centred,
    ClusterMeans,
    FoundClusters,
    SpectralBox,
)


class TaskClustering(LinearTaskModel):
    """The penalty, and the groups that the coefficients tell of."""

    _parameter_constraints: dict = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "beta": [Interval(Real, 0, None, closed="neither")],
        "method": [StrOptions({"convex", "kmeans"})],
        "centred": ["boolean"],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    @property
    def _several(self):
        """Whether tasks have more than two classes, and a column for each."""
        return self._columns is not None and not self._columns.single

    def _penalty(self):
        if self.method == "kmeans":  # at the groups that were found
            labels = getattr(self, "cluster_labels_", np.zeros(1, dtype=int))
            return FoundClusters(self._groups(labels[labels >= 0]))
        return self._relaxation()

    def _groups(self, labels):
        """Return the penalty of given groups."""
        columns = self._columns.by_class() if self._several else None
        return ClusterMeans(self.alpha, self.beta, labels, columns)

    def _relaxation(self):
        """Return the convex penalty; with centred=True one cluster is the mean."""
        if self.centred:
            rest = SpectralBox(self.alpha, self.beta, self.n_clusters - 1)
            penalty = Centred(rest, self.beta)
        else:
            penalty = SpectralBox(self.alpha, self.beta, self.n_clusters)
        return ByClass(penalty, self._columns.by_class()) if self._several else penalty

    def _solve(self, objective, W0, callback, max_iter=None, labels=None):
        if self.method == "convex":
            return super()._solve(objective, W0, callback, max_iter)
        return solve_k_means(
            objective,
            self._relaxation(),
            self._groups(labels),
            self.n_clusters,
            solver=self._solver_for(self._penalty()),
            n_init=self.n_init,
            random_state=self.random_state,
            tol=self.tol,
            max_iter=self.max_iter if max_iter is None else max_iter,
            W0=W0,
            callback=callback,
        )

    def _continue(self, objective, first, callback=None):
        if self.method == "convex":
            return super()._continue(objective, first, callback)
        rest = max(self.max_iter - first.n_iter, 1)
        found = self._solve(objective, first.W, callback, rest, first.parts)
        return found.after(first)

    def _solver_for(self, penalty):
        if self.method == "kmeans" and self.solver == "cvxpy":
            raise ValueError(
                "solver='cvxpy' is for convex models, and method='kmeans' is none. Use "
                "solver='auto', or method='convex'."
            )
        return super()._solver_for(penalty)

    def _result_attributes(self, result, c, y_scale):
        found = super()._result_attributes(result, c, y_scale)
        W = result.W
        if self.method == "kmeans":
            del found["dual_gap_"]
            found["stationarity_"] = float(result.stationarity or 0.0)
            labels = getattr(result, "parts", np.zeros(0, dtype=int))
            members = labels[:, None] == labels
            M = members / np.maximum(members.sum(axis=1), 1)
        elif W.shape[1] == 0:
            labels, M = np.zeros(0, dtype=int), np.zeros((0, 0))
        else:
            M = self._relaxation().affinity(W)
            labels = group_by_affinity(M, self.n_clusters)
        return {
            **found,
            "cluster_labels_": labels,
            "task_affinity_": M,
            "cluster_centers_": self._centers(labels, W, c),
        }

    def _centers(self, labels, W, c):
        """Return the mean coefficients of each group; of each class, if several."""
        if not self._several or not len(labels):
            return group_means(labels, W.T, c)
        points = self._groups(labels).points(W)
        means = group_means(labels, points, c)
        return means.reshape(len(means), -1, len(W))
