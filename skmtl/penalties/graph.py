"""Graphs whose nodes are tasks, and the linear algebra of their Laplacians."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse.csgraph import breadth_first_order, connected_components
from scipy.sparse.linalg import splu

# Up to this many nodes a dense factor is faster than a sparse one.
DENSE_NODES = 400


@dataclass(frozen=True, eq=False)
class Graph:
    """Edges between tasks, each once.

    Attributes
    ----------
    n_nodes : int
    first, second : ndarray of shape (E,)
        The ends of each edge.
    weight : ndarray of shape (E,)
        Positive.
    complete : bool
        Whether all pairs are tied with weight 1 / n_nodes; formulas then take the
        place of sums over pairs.
    path : ndarray of shape (T,) or None
        The tasks in order, where the edges tie successive ones.
    """

    n_nodes: int
    first: np.ndarray
    second: np.ndarray
    weight: np.ndarray
    complete: bool = False
    path: np.ndarray | None = None

    @classmethod
    def all_pairs(cls, n_nodes):
        """Return the graph that ties every task to the mean of all."""
        first, second = np.triu_indices(n_nodes, 1)
        weight = np.full(len(first), 1.0 / max(n_nodes, 1))
        return cls(n_nodes, first, second, weight, complete=n_nodes > 1)

    @classmethod
    def chain(cls, order):
        """Return the graph of successive tasks; `order` (T,) holds their positions."""
        order = np.asarray(order)
        weight = np.ones(max(len(order) - 1, 0))
        return cls(len(order), order[:-1], order[1:], weight, path=order)

    def __reduce__(self):
        """Pickle the edges alone: factors are made again where they are needed."""
        fields = self.n_nodes, self.first, self.second, self.weight
        return Graph, (*fields, self.complete, self.path)

    @cached_property
    def adjacency(self):
        """The weights as a symmetric sparse array, (T, T)."""
        shape = (self.n_nodes, self.n_nodes)
        half = sparse.coo_array((self.weight, (self.first, self.second)), shape=shape)
        return (half + half.T).tocsr()

    @cached_property
    def components(self):
        """The connected component of each task, (T,)."""
        return connected_components(self.adjacency, directed=False)[1]

    @cached_property
    def degree(self):
        """Sum of the weights at each task, (T,)."""
        ends = np.concatenate([self.first, self.second])
        return np.bincount(ends, np.tile(self.weight, 2), self.n_nodes)

    def without_edges(self):
        """Return the same tasks, each by itself."""
        none = np.zeros(0, dtype=int)
        return Graph(self.n_nodes, none, none, np.zeros(0))

    # ------------------------------------------------------------ linear algebra
    def differences(self, W):
        """Return w_s - w_t for every edge, as rows (E, p)."""
        rows = np.ascontiguousarray(W.T)
        return rows[self.first] - rows[self.second]

    @cached_property
    def incidence(self):
        """B (T, E): +1 where an edge starts and -1 where it ends."""
        n_edges = len(self.weight)
        ends = np.concatenate([self.first, self.second])
        signs = np.repeat([1.0, -1.0], n_edges)
        shape = (self.n_nodes, n_edges)
        places = (ends, np.tile(np.arange(n_edges), 2))
        return sparse.coo_array((signs, places), shape=shape).tocsr()

    def laplacian_times(self, W):
        """Return W L, (p, T)."""
        if self.complete:
            return W - W.mean(axis=1, keepdims=True)
        return W * self.degree - np.ascontiguousarray((self.adjacency @ W.T).T)

    def dense_laplacian(self):
        """Return L as a dense array, (T, T)."""
        L = -self.adjacency.toarray()
        L[np.diag_indices(self.n_nodes)] += self.degree
        return L

    @cached_property
    def spectrum(self):
        """Eigenvalues and eigenvectors of the Laplacian."""
        values, vectors = np.linalg.eigh(self.dense_laplacian())
        return np.maximum(values, 0.0), vectors

    def centred(self, U):
        """Return U (p, T) less its mean over each component."""
        labels = self.components
        sums = np.zeros((labels.max() + 1, len(U)))
        np.add.at(sums, labels, U.T)
        return U - (sums / np.bincount(labels)[:, None])[labels].T

    def parents(self):
        """Return (order, parent) of a forest, or None where there are cycles.

        `order` (T,) holds all tasks, children first, `parent` (T,) is -1 at the root of
        each component.
        """
        n_components = int(self.components.max(initial=-1)) + 1
        if len(self.weight) > self.n_nodes - n_components:
            return None
        parent, orders = np.full(self.n_nodes, -1), []
        for root in np.unique(self.components, return_index=True)[1]:
            order, before = breadth_first_order(self.adjacency, root, directed=False)
            parent[order[1:]] = before[order[1:]]
            orders.append(order)
        return np.concatenate(orders)[::-1], parent

    @cached_property
    def is_forest(self):
        """Whether there are no cycles, so that flows are unique."""
        return self.parents() is not None

    @cached_property
    def flow_bend(self):
        """A bound of the largest eigenvalue of B'B."""
        ends = np.concatenate([self.first, self.second])
        count = np.bincount(ends, minlength=self.n_nodes)
        return float((count[self.first] + count[self.second]).max(initial=1))

    @cached_property
    def _inverse(self):
        return self.potential()

    def flows(self, U):
        """Return the least flows V (E, p) with B V = U' for U that sums to 0, (p, T).

        Least in the squared norm with weights 1 / a.
        """
        return self.weight[:, None] * self.differences(self._inverse(U))

    def potential(self, ridge=0.0):
        """Return a function: U (p, T) -> U (L + ridge I)^+.

        Without ridge U has to sum to 0 over each component.
        """
        if self.complete:
            if ridge == 0.0:
                return lambda U: U - U.mean(axis=1, keepdims=True)

            def of_mean(U):
                mean = U.mean(axis=1, keepdims=True)
                return (U - mean) / (1.0 + ridge) + mean / ridge

            return of_mean
        kept = np.arange(self.n_nodes)
        if ridge == 0.0:  # one node of each component has potential 0
            roots = np.unique(self.components, return_index=True)[1]
            kept = np.setdiff1d(kept, roots)
        solve = _factorised(self, kept, ridge)

        def function(U):
            potential = np.zeros_like(U)
            if len(kept):
                potential[:, kept] = solve(U.T[kept]).T
            return potential if ridge > 0.0 else self.centred(potential)

        return function


def _factorised(graph, kept, ridge):
    """Return a solver of the equations of L + ridge I for some of the nodes."""
    if not len(kept):
        return None
    if graph.n_nodes <= DENSE_NODES:
        L = graph.dense_laplacian()[np.ix_(kept, kept)]
        L[np.diag_indices(len(kept))] += ridge
        factor = cho_factor(L, check_finite=False)
        return lambda R: cho_solve(factor, R, check_finite=False)
    L = sparse.csr_array(sparse.diags(graph.degree + ridge)) - graph.adjacency
    factor = splu(sparse.csc_matrix(L.tocsr()[kept][:, kept]))
    return lambda R: factor.solve(np.ascontiguousarray(R))
