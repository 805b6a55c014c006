"""The parts of tasks tied by a graph: graphs, penalties, linear systems, solvers."""

from pathlib import Path

import cvxpy as cp
import numpy as np
import pytest
from _problems import make_problem

from skmtl import TaskStatistics
from skmtl.data import TaskData
from skmtl.layouts import numeric_labels, read_labels
from skmtl.losses import Logistic, Poisson, Squared
from skmtl.objectives import DataObjective, StatisticsObjective
from skmtl.penalties import Graph, GraphNorm, SquaredGraph
from skmtl.quadratics import Gram
from skmtl.solvers import duality_gap, settle, solve
from skmtl.solvers.task_systems import task_system

SCHOOL = Path(__file__).resolve().parents[2] / "shared" / "data" / "school.csv.gz"


def ring_with_chord(n=6):
    """Return a connected graph with cycles and unequal weights."""
    first, second = np.arange(n), (np.arange(n) + 1) % n
    first, second = np.append(first, 0), np.append(second, n // 2)
    return Graph(n, first, second, 0.5 + np.arange(n + 1) / 3.0)


def islands():
    """Return components of three (a cycle), two and one nodes."""
    edges = np.array([(0, 1), (1, 2), (0, 2), (3, 4)]).T
    return Graph(6, *edges, np.array([2.0, 1.0, 0.7, 1.5]))


def star():
    """Return a tree that is no chain."""
    edges = np.array([(2, 0), (2, 1), (2, 3), (3, 4), (5, 3)]).T
    return Graph(6, *edges, np.array([1.0, 2.0, 0.5, 1.5, 3.0]))


GRAPHS = {
    "mean": Graph.all_pairs(6),
    "chain": Graph.chain([2, 0, 1, 5, 4, 3]),
    "ring": ring_with_chord(),
    "islands": islands(),
    "star": star(),
}
each_graph = pytest.mark.parametrize("name", GRAPHS)


# ------------------------------------------------------------------ graphs
@each_graph
def test_laplacian_and_its_inverse(name):
    graph, rng = GRAPHS[name], np.random.default_rng(0)
    L, W = graph.dense_laplacian(), rng.normal(size=(3, 6))
    A = graph.adjacency.toarray()
    np.testing.assert_allclose(L, np.diag(A.sum(axis=0)) - A, atol=1e-15)
    np.testing.assert_allclose(graph.laplacian_times(W), W @ L, atol=1e-12)
    B = graph.incidence.toarray()
    np.testing.assert_allclose(B @ np.diag(graph.weight) @ B.T, L, atol=1e-12)
    np.testing.assert_allclose(graph.differences(W), (W @ B).T, atol=1e-15)
    U = graph.centred(W)
    np.testing.assert_allclose(graph.potential()(U), U @ np.linalg.pinv(L), atol=1e-12)
    inverse = np.linalg.inv(L + 0.3 * np.eye(6))
    np.testing.assert_allclose(graph.potential(0.3)(W), W @ inverse, atol=1e-12)
    np.testing.assert_allclose((B @ graph.flows(U)).T, U, atol=1e-12)
    for k in np.unique(graph.components):
        members = graph.components == k
        np.testing.assert_allclose(U[:, members].sum(axis=1), 0, atol=1e-12)


def test_a_large_graph_has_a_sparse_factor():
    rng = np.random.default_rng(0)
    n = 900
    graph = Graph(n, np.arange(n - 1), np.arange(1, n), rng.uniform(1, 2, size=n - 1))
    U = graph.centred(rng.normal(size=(2, n)))
    np.testing.assert_allclose(
        graph.laplacian_times(graph.potential()(U)), U, atol=1e-8
    )
    found = graph.potential(0.5)(U)
    np.testing.assert_allclose(graph.laplacian_times(found) + 0.5 * found, U, atol=1e-9)


@each_graph
def test_forests(name):
    graph = GRAPHS[name]
    assert graph.is_forest == (name in {"chain", "star"})
    if graph.is_forest:
        order, parent = graph.parents()
        assert sorted(order) == list(range(6))
        assert (parent == -1).sum() == 1
        position = np.argsort(order)
        child = parent >= 0
        assert np.all(position[child] < position[parent[child]])


# ------------------------------------------------------------------ linear systems
def curvatures(n_grams, p, T, rank):
    """Return a quadratic of T tasks, whose matrices have a rank."""
    rng = np.random.default_rng(1)
    A = rng.normal(size=(n_grams, p, rank))
    A = A @ A.transpose(0, 2, 1)
    index = np.arange(T) if n_grams == T else np.arange(T) % n_grams
    return Gram(A, index, rng.uniform(0.5, 2, T), np.zeros((T, p)), np.zeros((T, p)), 0)


@each_graph
@pytest.mark.parametrize("n_grams", [1, 2, 6])
@pytest.mark.parametrize("ridge", [0.0, 0.2])
@pytest.mark.parametrize("strength", [0.0, 0.3, 1e6])
@pytest.mark.parametrize("rank", [3, 8])
def test_systems(name, n_grams, strength, ridge, rank):
    graph, p, T = GRAPHS[name], 5, 6
    model = curvatures(n_grams, p, T, rank)
    H = np.zeros((T * p, T * p))
    for t in range(T):
        own = slice(t * p, (t + 1) * p)
        H[own, own] = model.scale[t] * model.A[model.index[t]]
    M = strength * graph.dense_laplacian() + ridge * np.eye(T)
    H += np.kron(M, np.eye(p))
    R = (H @ np.random.default_rng(0).normal(size=T * p)).reshape(T, p)  # in its range
    system = task_system(model, None, graph, strength, ridge)
    D = system.solve(R, 1e-12)
    rest = H @ D.ravel() - R.ravel()
    limit = 1e-9 if strength < 1e6 else 1e-4
    assert np.abs(rest).max() <= limit * np.abs(R).max()
    assert system.exact == (name not in {"ring", "islands"} or strength == 0)


# ------------------------------------------------------------------ penalties
def penalties():
    """Return all kinds of penalties by name."""
    found = {}
    for name, graph in GRAPHS.items():
        for ridge in (0.0, 0.3):
            found[f"{name}-squared-{ridge}"] = SquaredGraph(graph, 0.7, ridge)
            for norm in ("l2", "l1"):
                found[f"{name}-{norm}-{ridge}"] = GraphNorm(graph, 0.7, ridge, norm)
    return found


PENALTIES = penalties()


def proves(penalty, V, step):
    """Assert that the prox is one: no point near it is better."""
    P = penalty.prox(V, step)
    rng = np.random.default_rng(2)

    def value(Q):
        return 0.5 * np.sum((Q - V) ** 2) + step * penalty.value(Q)

    best = value(P)
    for scale in (1e-3, 1e-2, 0.3):
        for _ in range(20):
            D = scale * rng.normal(size=V.shape)
            D *= rng.random(V.shape[1]) < 0.5
            assert value(P + D) >= best - 1e-9
    assert value(P + 0.05 * (V - P)) >= best - 1e-9
    assert value(0.95 * P) >= best - 1e-9
    return P


@pytest.mark.parametrize("name", PENALTIES)
def test_prox(name):
    penalty, rng = PENALTIES[name], np.random.default_rng(0)
    V, U = 2 * rng.normal(size=(2, 3, 6))
    for step in (0.05, 0.8):
        P, Q = proves(penalty, V, step), penalty.prox(U, step)
        assert np.sum((P - Q) ** 2) <= np.vdot(P - Q, V - U) + 1e-8  # firmly
        np.testing.assert_allclose(
            penalty.subdiff_distance(P, (P - V) / step), 0, atol=1e-6
        )
        assert penalty.subdiff_distance(P, -2 * P - 1).max() > 0.1
    if "-l" in name and penalty.ridge == 0:
        assert penalty.value(-3 * V) == pytest.approx(3 * penalty.value(V))


@pytest.mark.parametrize("name", ["mean-l1-0.3", "chain-l1-0.3", "star-squared-0.3"])
def test_prox_with_a_step_per_row(name):
    penalty, V = PENALTIES[name], np.random.default_rng(0).normal(size=(3, 6))
    steps = np.array([[0.1], [0.7], [2.0]])
    P = penalty.prox(V, steps)
    for j in range(3):
        alone = penalty.prox(V[j : j + 1], float(steps[j, 0]))
        np.testing.assert_allclose(P[j : j + 1], alone, atol=1e-10)


class NotSorted(GraphNorm):
    """Takes the order of the tasks for that of their values."""

    def prox(self, V, step):
        T = V.shape[1]
        return V - self.alpha * step / T * (2.0 * np.arange(T) - T + 1.0)


class EachEdge(GraphNorm):
    """Shrinks each difference by itself, once."""

    def prox(self, V, step):
        shrunk = self.clip(self.graph.differences(V)) * min(step, 0.5)
        return V - (self.graph.incidence @ shrunk).T


class NoTies(SquaredGraph):
    """Forgets that a task pulls its neighbours."""

    def prox(self, V, step):
        return V / (1.0 + step * (self.alpha * self.graph.degree + self.ridge))


@pytest.mark.parametrize("mutant", [
    NotSorted(GRAPHS["mean"], 0.7, 0.0, "l1"), EachEdge(GRAPHS["ring"], 0.7),
    EachEdge(GRAPHS["chain"], 0.7, 0.0, "l1"), NoTies(GRAPHS["ring"], 0.7),
])  # fmt: skip
def test_wrong_proxes_are_caught(mutant):
    V = 2 * np.random.default_rng(0).normal(size=(3, 6))
    with pytest.raises(AssertionError):
        proves(mutant, V, 0.8)


@pytest.mark.parametrize("name", PENALTIES)
def test_conjugates(name):
    penalty, rng = PENALTIES[name], np.random.default_rng(0)
    V, step = 2 * rng.normal(size=(3, 6)), 0.5
    P = penalty.prox(V, step)
    G = (P - V) / step  # -G is a subgradient at P
    value = penalty.value(P)
    best = min(
        value + conjugate + rho * np.vdot(P, G) + (1 - rho) * abs(np.vdot(P, G))
        for rho, conjugate in penalty.dual_points(G)
    )
    assert best >= -1e-12
    assert best <= 1e-5 * max(value, 1.0)  # Fenchel-Young with equality
    if penalty.ridge == 0:
        G = penalty.graph.centred(3 * rng.normal(size=(3, 6)))
    for rho, conjugate in penalty.dual_points(G):  # and never below the supremum
        for _ in range(50):
            W = rng.normal(size=(3, 6)) * rng.choice([0.1, 1, 10])
            assert -rho * np.vdot(G, W) - penalty.value(W) <= conjugate + 1e-9


@pytest.mark.parametrize("norm", ["l2", "l1"])
@each_graph
def test_flows_scale_as_far_as_they_can(name, norm):
    graph, rng = GRAPHS[name], np.random.default_rng(0)
    G = graph.centred(rng.normal(size=(3, 6)))
    penalty = GraphNorm(graph, 0.4, 0.0, norm)
    rho, share = penalty.dual_points(G)[-1][0], cp.Variable()
    V = cp.Variable((len(graph.weight), 3))
    dual = 2 if norm == "l2" else "inf"
    rules = [graph.incidence.toarray() @ V == -share * G.T]
    rules += [cp.norm(V, dual, axis=1) <= penalty.caps]
    cp.Problem(cp.Maximize(share), rules).solve(solver="CLARABEL")
    best = min(float(share.value), 1.0)
    assert rho <= best + 1e-6
    exact = graph.is_forest or (graph.complete and norm == "l1")
    assert rho >= best * (1 - 1e-6 if exact else 0.6)


def test_clusters_are_of_tied_tasks():
    penalty = GraphNorm(GRAPHS["islands"], 1.0)
    W = np.ones((2, 6))
    assert penalty.clusters(W).tolist() == [0, 0, 0, 1, 1, 2]
    W[1, 2] = 2.0
    assert penalty.clusters(W).tolist() == [0, 0, 1, 2, 2, 3]
    assert GraphNorm(GRAPHS["mean"], 0.0).clusters(np.ones((2, 6))).max() == 5


def test_merging_makes_entries_equal():
    graph = GRAPHS["chain"]
    W = np.random.default_rng(0).normal(size=(6, 2))
    same = np.zeros((5, 2), dtype=bool)
    same[:2, 1] = True
    merged = GraphNorm(graph, 1.0, 0.0, "l1").merge(W, same)
    np.testing.assert_array_equal(merged[:, 0], W[:, 0])
    tied = graph.path[:3]
    np.testing.assert_allclose(merged[tied, 1], W[tied, 1].mean())
    whole = GraphNorm(graph, 1.0).merge(W, same)
    np.testing.assert_array_equal(whole, W)
    same[:2] = True
    whole = GraphNorm(graph, 1.0).merge(W, same)
    np.testing.assert_allclose(whole[tied], W[tied].mean(axis=0)[None].repeat(3, 0))


# ------------------------------------------------------------------ the common part
@pytest.mark.parametrize("loss", [Squared(), Logistic(), Poisson()])
@pytest.mark.parametrize("name", ["ragged", "wide_nan", "sparse"])
def test_the_common_part_is_minimised_out(name, loss):
    problem = make_problem(name)
    y = problem.y
    if not isinstance(loss, Squared):
        y = problem.classes().y
    labels = numeric_labels(read_labels(y, problem.extra.get("task"), None))
    data = TaskData.pack(problem.X, labels)
    f = DataObjective(data, loss, np.ones(data.n_tasks))
    T = data.n_tasks
    graph = Graph(T, np.array([0]), np.array([2]), np.ones(1))
    penalty = SquaredGraph(graph, 0.1)
    rng = np.random.default_rng(0)
    point = f.at(0.1 * rng.normal(size=(f.n_features, T)))
    settled = settle(f, penalty, point)
    assert settled.value < point.value
    assert penalty.value(settled.W) == pytest.approx(penalty.value(point.W))
    G = f.gradient(settled)
    for k in np.unique(penalty.common):
        rest = G[:, penalty.common == k].sum(axis=1)
        assert np.abs(rest).max() <= 1e-6 * np.abs(f.gradient(point)).max()
    assert np.isfinite(duality_gap(f, penalty, settled))


# ------------------------------------------------------------------ School
@pytest.fixture(scope="module")
def school():
    """Return the School objective: features centred per task, in units of their sd."""
    pandas = pytest.importorskip("pandas")
    if not SCHOOL.exists():
        pytest.skip("the School data are not at ../shared/data")
    frame = pandas.read_csv(SCHOOL)
    task, y = frame.pop("school").to_numpy(), frame.pop("score").to_numpy(float)
    X = frame.to_numpy(float)
    for t in np.unique(task):
        X[task == t] -= X[task == t].mean(axis=0)
    spread = X.std(axis=0)
    s = TaskStatistics.from_rows(X / np.where(spread > 0, spread, 1.0), y, task=task)
    return StatisticsObjective(s, np.ones(s.n_tasks))


@pytest.mark.parametrize("alpha", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("kind", ["mean", "chain"])
def test_school_squared(school, kind, alpha):
    """One linear system is enough; seconds depend on the machine."""
    T = school.n_tasks
    graph = Graph.all_pairs(T) if kind == "mean" else Graph.chain(np.arange(T))
    penalty = SquaredGraph(graph, alpha)
    found = solve(school, penalty, solver="quadratic", tol=1e-9, max_iter=10)
    assert found.converged
    assert found.n_iter == 1


@pytest.mark.parametrize("alpha", [0.1, 1.0, 10.0, 100.0])
@pytest.mark.parametrize("ridge", [0.0, 0.01])
@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_school_fused_chain(school, norm, ridge, alpha):
    graph = Graph.chain(np.arange(school.n_tasks))
    penalty = GraphNorm(graph, alpha, ridge, norm)
    most = 300 if norm == "l2" else 5000
    found = solve(school, penalty, solver="admm", tol=1e-6, max_iter=most)
    assert found.converged
    fused = penalty.clusters(found.W).max() + 1
    assert fused == 1 if alpha == 100 else fused > 5
