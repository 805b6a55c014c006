"""The objective written down once more, in expressions of CVXPY.

From the rows (or the statistics) and the definitions alone: no gradient, prox or dual
norm of the package takes part, so that answers found this way can tell on them. Each
kind of data, loss and penalty registers its expression here, by type. CVXPY itself is
handed in as `cp`, since it is optional and slow to import.
"""

from functools import singledispatch

import numpy as np
from scipy import sparse

from skmtl.losses import Huber, Logistic, Multinomial, Poisson, Squared
from skmtl.objectives import (
    ClassObjective,
    CoupledObjective,
    DataObjective,
    StackedClasses,
    StatisticsObjective,
    SumObjective,
)
from skmtl.penalties import (
    ByClass,
    ByTask,
    Centred,
    ClusterMeans,
    GraphNorm,
    Progression,
    SparseGroup,
    SpectralBox,
    SquaredGraph,
    SquaredNorm,
    SquaredTraceNorm,
    Stacked,
    TaskPrecision,
    TaskTree,
    TraceNorm,
    WithRidge,
)


# ---------------------------------------------------------------- data
@singledispatch
def smooth_part(objective, cp, W):
    """Return f(W), the intercepts minimised out, for an expression W (p, T)."""
    raise TypeError(f"{type(objective).__name__} has no expression for CVXPY.")


@smooth_part.register
def _(f: DataObjective, cp, W):
    data, total = f.data, 0.0
    loss_of = {t: loss for loss, tasks in f.parts for t in tasks.tolist()}
    nothing = f.at(np.zeros((f.n_features, f.n_tasks)))
    b = nothing.intercept
    if f.fit_intercept:  # as what is added to the best constants, which may be large
        b = b + cp.Variable(f.n_tasks)
    for task, rows, X in data.blocks():
        X = sparse.csc_matrix(X) if sparse.issparse(X) else X
        for t in range(f.n_tasks) if task is None else [task]:
            cells = (rows, t) if data.shared else rows
            y, omega = data.y[cells], f.omega[cells]
            seen = omega > 0
            z = X[seen] @ W[:, t] + b[t]
            total += loss_sum(loss_of[t], cp, y[seen], z, omega[seen])
    return total


@smooth_part.register
def _(f: ClassObjective, cp, W):
    data, spans, total = f.data.by_task, f.data.spans, 0.0
    b = f.at(np.zeros((f.n_features, f.n_tasks))).intercept
    if f.fit_intercept:
        b = b + cp.Variable(f.n_tasks)
    for task, rows, X in data.blocks():
        X = sparse.csc_matrix(X) if sparse.issparse(X) else X
        for t in range(data.n_tasks) if task is None else [task]:
            cells = (rows, t) if data.shared else rows
            y, omega = data.y[cells], f.omega[cells]
            seen, (first, last) = omega > 0, spans[t]
            z = X[seen] @ W[:, first:last]
            z = z + np.ones((int(seen.sum()), 1)) @ cp.reshape(
                b[first:last], (1, last - first), order="C"
            )
            loss = Multinomial() if last - first > 1 else Logistic()
            z = z if last - first > 1 else z[:, 0]
            total += loss_sum(loss, cp, y[seen], z, omega[seen])
    return total


@smooth_part.register
def _(f: StatisticsObjective, cp, W):
    total = 0.5 * f.yy - cp.sum(cp.multiply(f.q, W))
    for t in range(f.n_tasks):
        gram = cp.psd_wrap(f.gram[f.index[t]] * f.scale[t])
        total += cp.quad_form(W[:, t], gram) / 2
    return total


@smooth_part.register
def _(f: StackedClasses, cp, V):
    p = f.inner.n_features
    parts = [V[k * p : (k + 1) * p, [t]] for t in range(f.n_tasks) for k in range(f.K)]
    return smooth_part(f.inner, cp, cp.hstack(parts))


@smooth_part.register
def _(f: SumObjective, cp, W):
    p = f.inner.n_features
    return smooth_part(f.inner, cp, W[:p] + W[p:])


@smooth_part.register
def _(f: CoupledObjective, cp, W):
    edges = zip(f.graph.first, f.graph.second, f.graph.weight, strict=True)
    tied = sum(a * cp.sum_squares(W[:, s] - W[:, t]) for s, t, a in edges)
    return smooth_part(f.inner, cp, W) + f.beta / 2 * tied


# ---------------------------------------------------------------- losses
@singledispatch
def loss_sum(loss, cp, y, z, omega):
    """Return sum_i omega_i l(y_i, z_i) for an expression z (n,)."""
    raise TypeError(f"{type(loss).__name__} has no expression for CVXPY.")


@loss_sum.register
def _(loss: Squared, cp, y, z, omega):
    return cp.sum_squares(cp.multiply(np.sqrt(omega), z - y)) / 2


@loss_sum.register
def _(loss: Huber, cp, y, z, omega):
    return omega @ cp.huber(z - y, loss.delta) / 2


@loss_sum.register
def _(loss: Logistic, cp, y, z, omega):
    return omega @ cp.logistic(z) - (omega * y) @ z


@loss_sum.register
def _(loss: Poisson, cp, y, z, omega):
    return omega @ cp.exp(z) - (omega * y) @ z


@loss_sum.register
def _(loss: Multinomial, cp, y, z, omega):  # z (n, K)
    own = np.eye(z.shape[1])[y.astype(int)]
    return omega @ cp.log_sum_exp(z, axis=1) - cp.sum(
        cp.multiply(omega[:, None] * own, z)
    )


# ---------------------------------------------------------------- penalties
@singledispatch
def penalty_and_rules(penalty, cp, W):
    """Return (Omega(W), constraints) for an expression W (p, T)."""
    raise TypeError(f"{type(penalty).__name__} has no expression for CVXPY.")


@penalty_and_rules.register
def _(penalty: SparseGroup, cp, W):
    p, order = W.shape[0], 2 if penalty.norm == "l2" else "inf"
    blocks = np.arange(p) if penalty.blocks is None else penalty.blocks.labels
    total, rules = 0.0, [W >= 0] if penalty.positive else []
    for g in range(blocks.max() + 1):
        rows = np.flatnonzero(blocks == g)
        block, v = W[rows, :], 1.0 if penalty.weight is None else penalty.weight[g]
        if np.isinf(v):
            rules.append(block == 0)
            continue
        norm = cp.norm(cp.vec(block, order="C"), order)
        group = (1.0 - penalty.l1_ratio) * np.sqrt(len(rows)) * norm
        l1 = penalty.l1_ratio * cp.sum(cp.abs(block))
        total += penalty.alpha * v * (group + l1)
    return total, rules


@penalty_and_rules.register
def _(penalty: ByTask, cp, W):
    if penalty.task is None:
        return penalty.alpha * cp.sum(cp.norm(W, 2, axis=0)), []
    parts = [W[:, penalty.task == t] for t in np.unique(penalty.task)]
    return penalty.alpha * sum(cp.norm(part, "fro") for part in parts), []


@penalty_and_rules.register
def _(penalty: TraceNorm, cp, W):
    return penalty.alpha * cp.normNuc(W), []


@penalty_and_rules.register
def _(penalty: WithRidge, cp, W):
    value, rules = penalty_and_rules(penalty.gauge, cp, W)
    rows = np.setdiff1d(np.arange(W.shape[0]), penalty.gauge.free)
    return value + penalty.ridge / 2 * cp.sum_squares(W[rows, :]), rules


@penalty_and_rules.register
def _(penalty: Stacked, cp, W):
    first, rules = penalty_and_rules(penalty.first, cp, W[: penalty.p])
    second, more = penalty_and_rules(penalty.second, cp, W[penalty.p :])
    return first + second, rules + more


@penalty_and_rules.register
def _(penalty: SpectralBox, cp, W):
    side = W.T if W.shape[1] <= W.shape[0] else W  # M on the smaller side
    d, alpha, beta = side.shape[0], penalty.alpha, penalty.beta
    M = cp.Variable((d, d), PSD=True)
    rules = [np.eye(d) - M >> 0, cp.trace(M) == min(penalty.k, d)]
    inner = beta * np.eye(d) + alpha * M
    return beta * (alpha + beta) * cp.matrix_frac(side, inner), rules


@penalty_and_rules.register
def _(penalty: Centred, cp, W):
    T = W.shape[1]
    rest, rules = penalty_and_rules(penalty.inner, cp, W @ (np.eye(T) - 1.0 / T))
    return rest + penalty.beta / T * cp.sum_squares(W @ np.ones(T)), rules


@penalty_and_rules.register
def _(penalty: Progression, cp, W):
    T = W.shape[1]
    chain = np.arange(T) if penalty.order is None else penalty.order
    value = penalty.alpha * cp.sum(cp.abs(W))
    value += penalty.gamma * cp.sum(cp.norm(W, 2, axis=1))
    if T > 1:
        tied = np.ones(T - 1) if penalty.ties is None else penalty.ties
        steps = W[:, chain[1:]] - W[:, chain[:-1]]
        value += penalty.beta * cp.sum(cp.abs(steps) @ tied)
    return value, []


@penalty_and_rules.register
def _(penalty: TaskTree, cp, W):
    below = [[t] if t < W.shape[1] else [] for t in range(len(penalty.parent))]
    for v, u in enumerate(penalty.parent):
        if u >= 0:
            below[u] += below[v]
    groups = zip(penalty.weight, below, strict=True)
    terms = [w * cp.sum(cp.norm(W[:, g], 2, axis=1)) for w, g in groups if w > 0]
    return penalty.alpha * sum(terms), []


@penalty_and_rules.register
def _(penalty: ClusterMeans, cp, W):
    total = penalty.beta * cp.sum_squares(W)
    for k in range(penalty.labels.max() + 1):
        group = W[:, np.flatnonzero(penalty.labels == k)]
        size = group.shape[1]
        apart = group @ (np.eye(size) - 1.0 / size)
        total += penalty.alpha * cp.sum_squares(apart)
    return total, []


@penalty_and_rules.register
def _(penalty: SquaredNorm, cp, W):
    return penalty.ridge / 2 * cp.sum_squares(W), []


@penalty_and_rules.register
def _(penalty: SquaredTraceNorm, cp, W):
    value = penalty.alpha / 2 * cp.square(cp.normNuc(W))
    return value + penalty.ridge / 2 * cp.sum_squares(W), []


@penalty_and_rules.register
def _(penalty: TaskPrecision, cp, W):
    return cp.sum_squares(W @ (penalty.axes * np.sqrt(penalty.sizes))) / 2, []


@penalty_and_rules.register
def _(penalty: SquaredGraph, cp, W):
    squares = edge_sum(penalty.graph, cp, W, lambda d: cp.sum_squares(d)) / 2
    return penalty.alpha * squares + penalty.ridge / 2 * cp.sum_squares(W), []


@penalty_and_rules.register
def _(penalty: GraphNorm, cp, W):
    order = 2 if penalty.norm == "l2" else 1
    sizes = edge_sum(penalty.graph, cp, W, lambda d: cp.norm(d, order))
    return penalty.alpha * sizes + penalty.ridge / 2 * cp.sum_squares(W), []


def edge_sum(graph, cp, W, size):
    """Return the weighted sum over the edges of the size of the difference."""
    edges = zip(graph.first, graph.second, graph.weight, strict=True)
    return sum((a * size(W[:, s] - W[:, t]) for s, t, a in edges), cp.Constant(0.0))


@penalty_and_rules.register
def _(penalty: ByClass, cp, W):
    stacked = cp.vstack([W[:, own] for own in penalty.columns])
    return penalty_and_rules(penalty.inner, cp, stacked)
