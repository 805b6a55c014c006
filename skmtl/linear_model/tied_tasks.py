"""What the models with a graph between tasks share, regressors and classifiers."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from scipy import sparse

from skmtl._compat import Interval, StrOptions
from skmtl.linear_model.base import LinearTaskModel
from skmtl.linear_model.graph_of_tasks import (
    nearest_neighbours,
    read_descriptors,
    read_graph,
)
from skmtl.linear_model.joint_tasks import JointTasksMixin
from skmtl.linear_model.task_order import check_ordered
from skmtl.objectives import Columns, StackedClasses, unstack
from skmtl.penalties import Graph, GraphNorm, SquaredGraph
from skmtl.solvers import SolverResult, solve

# Ridge of the fits that neighbours are found from, as a share of the mean curvature.
FIRST_RIDGE = 0.1


@dataclass(frozen=True)
class TiedResult(SolverResult):
    """A result with the graph that ties the tasks.

    `clusters` numbers the tasks with equal coefficients, where differences can vanish.
    """

    graph: Graph | None = None
    clusters: np.ndarray | None = None


class TiedTasks(JointTasksMixin, LinearTaskModel):
    """The graph, the penalty, and what is learned of the tasks beside coef_.

    The graph belongs to the tasks of the data at hand (a fold may lack one), so it is
    made with the objective and stays with it.
    """

    _parameter_constraints: dict = {
        "graph": [str, "array-like", "sparse matrix", Mapping],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "ridge": [Interval(Real, 0, None, closed="left")],
        "norm": [StrOptions({"squared", "l2", "l1"})],
        "order": ["array-like", None],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "task_features": ["array-like", Mapping, None],
    }

    # ------------------------------------------------------------ the graph
    def _know_tasks(self, joint, every, layout):
        """Check what goes with the graph."""
        named = self.graph if isinstance(self.graph, str) else None
        if self.order is not None and named != "chain":
            raise ValueError("order belongs to graph='chain'; leave it out.")
        if self.task_features is not None and named != "knn":
            raise ValueError("task_features belongs to graph='knn'; leave it out.")
        if named == "chain" and len(joint) > 1:
            name = f"{type(self).__name__} with graph='chain'"
            check_ordered(every, self.order, layout, name)

    def _rows_objective(self, data, known=None):
        objective = super()._rows_objective(data, known)
        # Equal classes are tied; raises where those of the tasks differ.
        n_classes = len(Columns(data.tasks, data.classes).by_class())
        if n_classes > 1:
            objective = StackedClasses(objective, n_classes)
        return self._tied(objective, data.tasks)

    def _statistics_objective(self, statistics, c, y_scale=1.0):
        objective = super()._statistics_objective(statistics, c, y_scale)
        return self._tied(objective, statistics.tasks)

    def _tied(self, objective, tasks):
        """Give the objective the graph between its tasks."""
        if self.task_features is not None:
            described = read_descriptors(self.task_features, tasks)
            objective.graph = nearest_neighbours(described, self.n_neighbors)
        else:
            objective.graph = read_graph(
                self.graph, tasks, order=self.order, name=type(self).__name__
            )
        return objective

    def _graph_of(self, objective):
        """Return the graph, which neighbours in a first fit may have to tell."""
        if objective.graph is None:
            known = getattr(objective, "known", None)
            if known is not None:  # the same problem, from statistics
                objective.graph = self._graph_of(known)
            else:
                first = _first_fit(objective)
                objective.graph = nearest_neighbours(first, self.n_neighbors)
        return objective.graph

    # ------------------------------------------------------------ the fit
    def _penalty_on(self, graph):
        """Return the penalty for a graph."""
        if self.norm == "squared":
            return SquaredGraph(graph, self.alpha, self.ridge)
        return GraphNorm(graph, self.alpha, self.ridge, self.norm)

    def _penalty(self):
        """Return the penalty of the last fit; before any, that of a task by itself."""
        return self._penalty_on(getattr(self, "_graph", Graph.all_pairs(1)))

    def _solve(self, objective, W0, callback, max_iter=None):
        graph = self._graph_of(objective)
        penalty = self._penalty_on(graph)
        result = solve(
            objective,
            penalty,
            solver=self._solver_for(penalty),
            tol=self.tol,
            max_iter=self.max_iter if max_iter is None else max_iter,
            W0=W0,
            callback=callback,
        )
        clusters = None
        if self.norm != "squared":
            clusters = penalty.clusters(result.W)
        return TiedResult(**vars(result), graph=graph, clusters=clusters)

    def _coordinates(self, kept, y_scale):
        W = super()._coordinates(kept, y_scale)
        n_classes = self._n_stacked
        if n_classes == 1:
            return W
        parts = W.reshape(len(W), -1, n_classes).transpose(2, 0, 1)
        return np.ascontiguousarray(parts.reshape(n_classes * len(W), -1))

    @property
    def _n_stacked(self):
        """Number of columns of W per task."""
        return 1 if self._columns is None else len(self._columns.by_class())

    def _model_attributes(self, W, intercept, c, y_scale):
        W = unstack(W, len(W) // self.n_features_in_) if W.size else W
        return super()._model_attributes(W, intercept, c, y_scale)

    def _result_attributes(self, result, c, y_scale):
        found = super()._result_attributes(result, c, y_scale)
        if not isinstance(result, TiedResult):  # no task takes part
            nothing = None if self.norm == "squared" else np.zeros(0, dtype=int)
            result = TiedResult(
                **vars(result), graph=Graph.all_pairs(0), clusters=nothing
            )
        return {
            **found,
            "_graph": result.graph,
            "_clusters": result.clusters,
        }

    # ------------------------------------------------------------ what was learned
    @property
    def _joint(self):
        """Which tasks took part in the joint fit, (T,)."""
        return self._task_share > 0

    @property
    def graph_(self):
        """Weights between the tasks, in the order of `tasks_`."""
        joint, T = np.flatnonzero(self._joint), len(self._task_share)
        half = self._graph.adjacency.tocoo()
        places = joint[half.row], joint[half.col]
        return sparse.coo_array((half.data, places), shape=(T, T)).tocsr()

    @property
    def coef_shared_(self):
        """The mean of the coefficients over the tasks of the joint fit, (p,).

        One row per class, where the tasks have several: (K, p).
        """
        joint = np.flatnonzero(self._joint)
        rows = self.coef_[np.isin(self._row_task, joint)]
        if not len(joint):
            return np.zeros(self.coef_.shape[1])
        mean = rows.reshape(len(joint), -1, rows.shape[1]).mean(axis=0)
        return mean[0] if len(mean) == 1 else mean

    @property
    def cluster_labels_(self):
        """A number for each set of tied tasks with the same coefficients, (T,).

        -1 for tasks with one class only, which take no part in the joint fit.
        """
        if getattr(self, "_clusters", None) is None:
            raise AttributeError(
                f"{type(self).__name__} has cluster_labels_ once it is fitted with "
                "norm='l2' or 'l1'; squared differences never vanish."
            )
        labels = np.full(len(self._joint), -1)  # left out of the joint fit
        _, first, own = np.unique(
            self._clusters, return_index=True, return_inverse=True
        )
        labels[self._joint] = np.argsort(np.argsort(first))[own]
        return labels

    @property
    def _shared_coef(self):
        return self.coef_shared_


def _first_fit(objective):
    """Return the coefficients of ridge fits of each task, as descriptors (T, p).

    In units of the features, so that distances are between predictions.
    """
    curvatures = objective.curvatures()
    ridge = FIRST_RIDGE * float(curvatures.mean()) or 1.0
    alone = SquaredGraph(Graph.all_pairs(objective.n_tasks).without_edges(), 0.0, ridge)
    found = solve(objective, alone, solver="quadratic", tol=1e-8, max_iter=1000)
    return (found.W * np.sqrt(curvatures)[:, None]).T
