"""Norms of the differences between tasks that a graph ties together.

The dual variables are flows along the edges, V (E, p): Omega(W) is the largest
<W, (B V)'> over flows with a dual norm of alpha a_e at most on each edge e. Flows that
bring -G to the nodes certify a point; they are not unique where the graph has cycles.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from skmtl import _kernels
from skmtl.penalties.graph import Graph
from skmtl.penalties.norms import L2, row_norms, soft
from skmtl.penalties.progression import chain_prox

FLOW_STEPS = 3000
FLOW_ACCURACY = 1e-12
FLOW_MARGIN = 1e-6
# Differences are equal to 0 up to this share of the largest coefficient.
ROUNDING = 1e-13


@dataclass(frozen=True, eq=False)
class GraphNorm:
    """alpha * sum_e a_e ||w_s - w_t|| + ridge / 2 * ||W||_F^2.

    Parameters
    ----------
    graph : Graph
    alpha, ridge : float
    norm : {"l2", "l1"}
    flows : ndarray of shape (E, p) or None
        Flows from which the search for a certificate starts; a solver knows good ones.
    """

    graph: Graph
    alpha: float
    ridge: float = 0.0
    norm: str = "l2"
    flows: np.ndarray | None = None

    free = np.zeros(0, dtype=int)

    @property
    def row_separable(self):
        """Whether the prox acts row by row."""
        return self.norm == "l1"

    @property
    def _prox_is_exact(self):
        path = self.tied.path is not None
        return self.norm == "l1" and (self.tied.complete or path)

    @property
    def solvers(self):
        """Names of the solvers that can take it, the fastest first."""
        if not self._prox_is_exact:
            return ("admm",)
        return ("fista", "admm") if self.tied.complete else ("admm", "fista")

    @cached_property
    def tied(self):
        """The graph of the edges that alpha leaves any strength."""
        return self.graph if self.alpha > 0 else self.graph.without_edges()

    @property
    def common(self):
        """The component of each task where its mean is free, (T,); None: nothing is."""
        return self.tied.components if self.ridge == 0 else None

    @cached_property
    def caps(self):
        """The largest size of the flow along each edge, (E,)."""
        return self.alpha * self.tied.weight

    # ------------------------------------------------------------ edges, (E, p)
    def shrink(self, D, threshold):
        """Return the prox of threshold (E,) times the norm of each row."""
        if self.norm == "l1":
            return soft(D, threshold[:, None])
        return L2.prox(D, threshold)

    def clip(self, V):
        """Return the nearest flows that the edges can carry."""
        return V - self.shrink(V, self.caps)

    def _size(self, D):
        """Return the norm of each row."""
        return np.abs(D).sum(axis=1) if self.norm == "l1" else row_norms(D)

    def _dual_size(self, V):
        """Return the dual norm of each row."""
        if self.norm == "l1":
            return np.abs(V).max(axis=1, initial=0.0)
        return row_norms(V)

    # ------------------------------------------------------------ the penalty
    def value(self, W):
        """Return the penalty of W."""
        sizes = float(self.caps @ self._size(self.tied.differences(W)))
        return sizes + 0.5 * self.ridge * float(np.vdot(W, W))

    def prox(self, V, step):
        """Return argmin over P of ||P - V||^2 / 2 + step * value(P).

        Exact for the l1 norm on a chain or on all pairs, where `step` may be one per
        row, (p, 1); else as exact as flows are found.
        """
        shrink = 1.0 / (1.0 + step * self.ridge)
        return self._prox_of_gauge(V * shrink, step * shrink)

    def _prox_of_gauge(self, V, step):
        strength = self.alpha * step
        if self._prox_is_exact and self.tied.complete:
            return _pairs_prox(V, strength / self.tied.n_nodes)
        if self._prox_is_exact:
            order, P = self.tied.path, np.empty_like(V)
            P[:, order] = chain_prox(V[:, order], strength)
            return P
        stronger = replace(self, alpha=strength, flows=None)
        flows = stronger.best_flows(V)
        P = V.T - self.tied.incidence @ flows
        # Where an edge could carry more, its ends are equal but for inexact flows.
        D = P[self.tied.first] - P[self.tied.second]
        inside = stronger.caps[:, None] * (1.0 - FLOW_MARGIN)
        if self.norm == "l1":
            same = np.abs(flows) < inside
        else:
            D = np.broadcast_to(row_norms(D)[:, None], D.shape)
            same = row_norms(flows)[:, None] < inside
        same = same & (np.abs(D) <= FLOW_MARGIN * np.abs(V).max(initial=0.0))
        return np.ascontiguousarray(self.merge(P, same).T)

    def dual_points(self, G):
        """Return [(rho, conjugate of -rho G)] for the flows that are known or found.

        Without ridge G has to sum to 0 over each component (what it does not is
        rounding, where the common part was minimised out), and the flows are corrected
        to bring -G exactly; then both are scaled to what the edges can carry.
        """
        U = -G
        mean = U - self.tied.centred(U)
        if self._prox_is_exact and self.flows is None:
            return self._exact_dual_points(U, mean)
        V = self.flows
        if V is None and not (self.ridge == 0 and self.tied.is_forest):
            V = self.best_flows(U)
        points = []
        if self.ridge > 0 and V is not None:
            rest = U - (self.tied.incidence @ self.clip(V)).T
            points.append((1.0, float(np.vdot(rest, rest)) / (2.0 * self.ridge)))
        brought = 0.0 if V is None else (self.tied.incidence @ V).T
        flows = self.tied.flows(self.tied.centred(U - brought))
        return [*points, self._scaled(flows if V is None else V + flows, mean)]

    def _scaled(self, V, mean):
        """Return the dual point of flows that bring all but the mean of components."""
        sizes = self._dual_size(V)
        return self._share(self.caps / np.maximum(sizes, 1e-300), mean)

    def _share(self, room, mean):
        """Return the dual point for the least share that there is room for."""
        rho = float(room.min(initial=1.0))
        if self.ridge == 0:
            return rho, 0.0
        return rho, rho**2 * float(np.vdot(mean, mean)) / (2.0 * self.ridge)

    def _exact_dual_points(self, U, mean):
        """Return the dual points where formulas give them."""
        if self.tied.complete:
            sums = np.cumsum(-np.sort(mean - U, axis=1), axis=1)[:, :-1]
            k = np.arange(1, self.tied.n_nodes)
            room = self.alpha / self.tied.n_nodes * k * (self.tied.n_nodes - k)
        else:
            sums = np.cumsum((U - mean)[:, self.tied.path], axis=1)[:, :-1]
            room = self.alpha
        points = [self._share(room / np.maximum(np.abs(sums), 1e-300), mean)]
        if self.ridge > 0:  # Moreau: the prox is what no flow can bring
            rest = self._prox_of_gauge(U, 1.0)
            points.append((1.0, float(np.vdot(rest, rest)) / (2.0 * self.ridge)))
        return points

    def best_flows(self, U, start=None, fixed=None):
        """Return feasible flows that bring most of U (p, T): accelerated gradients.

        `fixed` (E,) or (E, p) marks flows that stay as they start.
        """
        V = self.flows if start is None else start
        V = np.zeros((len(self.caps), len(U))) if V is None else self.clip(V)
        first, B, U = V, self.tied.incidence, np.ascontiguousarray(U.T)
        bend, momentum, ahead = self.tied.flow_bend, 1.0, V
        small = FLOW_ACCURACY * max(float(np.abs(U).max(initial=0.0)), 1e-300)
        for _ in range(FLOW_STEPS):
            step = self.tied.differences((U - B @ ahead).T) / bend
            new = self.clip(ahead + step)
            if fixed is not None:
                new = np.where(fixed, first, new)
            moved = new - V
            if np.abs(new - ahead).max(initial=0.0) <= small:
                return new
            if np.vdot(ahead - new, moved) > 0:
                momentum, ahead = 1.0, new
            else:
                following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
                ahead = new + ((momentum - 1.0) / following) * moved
                momentum = following
            V = new
        return V

    # ------------------------------------------------------------ what is equal
    def clusters(self, W):
        """Return a number for each set of tied tasks with equal columns, (T,)."""
        return self.fused(~self.tied.differences(W).any(axis=1))

    def fused(self, same):
        """Return the components of the edges marked in `same` (E,), (T,)."""
        graph, T = self.tied, self.tied.n_nodes
        ends = graph.first[same], graph.second[same]
        links = sparse.coo_array((np.ones(len(ends[0])), ends), shape=(T, T))
        return connected_components(links, directed=False)[1]

    def merge(self, W, same):
        """Return W (T, p) with each set of fused entries at its mean.

        `same` (E, p) marks the entries of an edge that are fused.
        """
        T, p = W.shape
        if self.norm == "l2":
            labels = self.fused(same.all(axis=1))
            sums = np.zeros((labels.max(initial=-1) + 1, p))
            np.add.at(sums, labels, W)
            return (sums / np.bincount(labels)[:, None])[labels]
        e, j = np.nonzero(same)
        ends = self.tied.first[e] * p + j, self.tied.second[e] * p + j
        links = sparse.coo_array((np.ones(len(e)), ends), shape=(T * p, T * p))
        labels = connected_components(links, directed=False)[1]
        sums = np.bincount(labels, W.ravel()) / np.bincount(labels)
        return sums[labels].reshape(T, p)

    def subdiff_distance(self, W, G):
        """Return the distance of -G to the subdifferential at W, (p,)."""
        D = self.tied.differences(W)
        D = np.where(np.abs(D) > ROUNDING * np.abs(W).max(initial=0.0), D, 0.0)
        if self.norm == "l1":
            active, pull = D != 0, np.sign(D)
        else:
            sizes = row_norms(D)[:, None]
            active = np.broadcast_to(sizes > 0, D.shape)
            pull = D / np.where(sizes > 0, sizes, 1.0)
        U = -G - self.ridge * W
        V = self.best_flows(U, self.caps[:, None] * pull, fixed=active)
        return row_norms(U - (self.tied.incidence @ V).T)

    def even(self, values):
        """Return values (p,) as they are: no rows are tied together."""
        return values


def _pairs_prox(V, strength):
    """Return the prox of strength * sum over pairs |v_s - v_t|, row by row.

    The order does not change, and in that order the penalty is linear: what is left is
    a projection onto increasing values.
    """
    order = np.argsort(V, axis=1, kind="stable")
    T = V.shape[1]
    slope = strength * (2.0 * np.arange(T) - T + 1.0)
    ordered, P = np.take_along_axis(V, order, axis=1) - slope, np.empty_like(V)
    increasing = np.empty_like(ordered)
    _kernels.increasing_rows(np.ascontiguousarray(ordered), increasing)
    np.put_along_axis(P, order, increasing, axis=1)
    return P
