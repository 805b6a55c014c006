"""Newton steps on the factors of a matrix of low rank, for norms of its spectrum.

A norm of the singular values of W is the least of a smooth function of ||U||^2 and
||V||^2 over the factors W = U V'. Given U (p, r), each row of V is a ridge regression
of r coefficients, so the problem becomes a smooth one in U alone, small where the rank
is low, and Newton's method by conjugate gradients solves it in a few steps. It is not
convex, and says nothing about directions outside U. Proximal steps do: each round
begins with some on the whole problem, and the duality gap decides as everywhere.
"""

import numpy as np

from skmtl.moments import grams_times
from skmtl.objectives import gram_model
from skmtl.penalties.spectrum import singular_rows
from skmtl.solvers.fista import accelerated_proximal_gradient
from skmtl.solvers.stopping import Monitor, fenchel_gap

FIRST_STEPS = 20  # proximal steps before factors are tried
MOST_STEPS = 1000
NEWTON_STEPS = 20
MOST_PRODUCTS = 200  # with the Hessian, in one Newton step
STALLED_STEPS = 3  # without a smaller gap
SHARES = (1.0, 0.25, 0.0625)  # of the way to what a quadratic model promised
SYSTEM_BYTES = 2**30


def newton_on_factors(objective, penalty, W0, monitor):
    """Minimise objective + penalty from W0; return the last `Point`.

    Where there are fewer rows than features, or systems would be too large, proximal
    gradient steps do it all.
    """
    point, steps, before, wide = objective.at(W0), FIRST_STEPS, np.inf, False
    tol = monitor.target / objective.null if objective.null > 0 else 0.0
    while not monitor.check(point):
        stalled = monitor.gap > 0.1 * before
        if stalled:  # let the safe steps do more of it
            steps = min(2 * steps, MOST_STEPS)
        before, wide = monitor.gap, stalled and not wide
        point = _proximal_steps(objective, penalty, point, steps, monitor, tol)
        model = _model(objective, point)
        if model is None:
            return accelerated_proximal_gradient(objective, penalty, point.W, monitor)
        if point.W.any() and monitor.remaining:
            point = _improve(objective, penalty, point, model, monitor, wide)
    return point


def _proximal_steps(objective, penalty, point, steps, monitor, tol):
    """Return the point after so many proximal steps, or fewer if a gap is reached."""
    inner = Monitor(objective, penalty, tol, min(steps, monitor.remaining))
    found = accelerated_proximal_gradient(objective, penalty, point.W, inner)
    monitor.n_iter += inner.n_iter
    return found


def _model(objective, point):
    """Return f as a quadratic held by Gram matrices, or None where it has none."""
    model = gram_model(objective, point)
    if model is None:
        return None
    T, p = model.W.shape
    return model if 8 * T * p * min(T, p) <= SYSTEM_BYTES else None


def _improve(objective, penalty, point, model, monitor, wide):
    """Return a point that is better by Newton steps on the factors, or this one."""
    target, budget = 0.3 * monitor.reachable, monitor.remaining
    if not objective.quadratic:  # the next model will be another
        target = max(target, 0.01 * monitor.gap)
    W, used = _solve_factors(model, penalty, point.W, target, budget, wide)
    monitor.n_iter += used
    start, step = point.value + penalty.value(point.W), W - point.W
    for share in SHARES:
        new = objective.at(point.W + share * step, near=point)
        if new.value + penalty.value(new.W) < start:
            # Directions that should be 0 are only nearly so; a proximal step tells.
            return _proximal_steps(objective, penalty, new, 1, monitor, 0.0)
    return point


def _left_factor(W):
    """Return U (p, r) of the balanced W = U V'."""
    s, Q, B = singular_rows(W)
    kept = s > 1e-12 * s.max()
    left = Q[:, kept] if len(Q) == len(W) else B[kept].T / s[kept]
    return left * np.sqrt(s[kept])


def _solve_factors(model, penalty, W, target, budget, wide):
    """Minimise the model plus the penalty; return (W (p, T), products it took).

    Stops at a duality gap of `target`, or where no more is to be had. `wide` starts
    from all directions that the gradient has, not from those of W alone.
    """
    problem = _Factors(model, penalty)
    here = problem.at(_left_factor(problem.ahead(W) if wide else W))
    best, W, used, stalled = np.inf, problem.product(here), 0, 0
    for _ in range(NEWTON_STEPS):
        gap = problem.gap(here)
        stalled = stalled + 1 if gap > 0.5 * best else 0
        if gap < best:
            best, W = gap, problem.product(here)
        if best <= target or stalled >= STALLED_STEPS or used >= budget:
            break
        step, products = problem.newton_step(here, budget - used)
        used += products
        moved = problem.descend(here, step)
        if moved is None:
            break
        here = moved
    return W, used


class _State:
    """U, the best V for it, and what the next step needs."""

    def __init__(self, U, V, G, MU, inverse, mu, value):
        self.U, self.V, self.G, self.MU, self.inverse = U, V, G, MU, inverse
        self.mu, self.value = mu, value
        self.gradient = G @ V + mu * U


class _Factors:
    """min over V of q(U V') + penalty, as a function of U (p, r)."""

    def __init__(self, model, penalty):
        self.A, self.index, self.scale = model.A, model.index, model.scale
        self.model, self.penalty = model, penalty
        self.ridge = getattr(penalty, "ridge", 0.0)
        W0, g0 = model.W.T, model.state.T
        self.q = self._bend(W0) - g0 - self.ridge * W0
        self.offset = 0.5 * model.squares + 0.5 * np.vdot(W0, self.q - g0)
        # The mean over the tasks is where conjugate gradients start from.
        share = np.bincount(self.index, self.scale, len(self.A)) / len(self.scale)
        mean = np.tensordot(share, self.A, 1)
        self.bends, self.axes = np.linalg.eigh(mean)
        self.bends = np.maximum(self.bends, 0.0) + self.ridge

    def ahead(self, W):
        """Return W after a Newton step with the mean curvature of the tasks."""
        g = self.axes.T @ (self._bend(W) - self.q)
        size = np.maximum(self.bends, 1e-12 * self.bends.max())[:, None]
        return W - self.axes @ (g / size)

    def _bend(self, W):
        """Return the Hessian of model and ridge times W (p, T)."""
        return grams_times(self.A, self.index, W) * self.scale + self.ridge * W

    def at(self, U):
        """Return the state at U."""
        (p, r), A = U.shape, self.A
        AU = (A.reshape(-1, p) @ U).reshape(len(A), p, r)
        K = (np.matmul(U.T, AU)[self.index]) * self.scale[:, None, None]
        K += self.ridge * (U.T @ U)
        a = float(np.vdot(U, U))
        _, on_V, _, _ = self.penalty.factor_strengths(a, 0.0)
        K[:, range(r), range(r)] += on_V
        qU = self.q.T @ U
        inverse = np.linalg.inv(K)
        V = _each(inverse, qU)
        V += _each(inverse, qU - _each(K, V))  # what rounding left
        W = U @ V.T
        G = self._bend(W) - self.q
        bound, _, mu, _ = self.penalty.factor_strengths(a, float(np.vdot(V, V)))
        value = 0.5 * float(np.vdot(W, G - self.q)) + bound
        return _State(U, V, G, AU, inverse, mu, value)

    def product(self, here):
        """Return W (p, T)."""
        return here.U @ here.V.T

    def gap(self, here):
        """Return the duality gap of the model at W."""
        W = self.product(here)
        G = here.G - self.ridge * W
        value = max(0.5 * float(np.vdot(W, G - self.q)) + self.offset, 0.0)
        kept = self.penalty.value(W)
        return fenchel_gap(
            lambda rho: (1.0 - rho) ** 2 * value, self.penalty, kept, W, G
        )

    def hessian_times(self, here, D):
        """Return the Hessian of the reduced function times D (p, r)."""
        U, V = here.U, here.V
        *_, slope = self.penalty.factor_strengths(1.0, 1.0)
        E = self._bend(D @ V.T)
        pull = here.G.T @ D + E.T @ U + 2.0 * slope * float(np.vdot(U, D)) * V
        V_step = -_each(here.inverse, pull)
        E += _each_left(here.MU, self.index, V_step) * self.scale
        E += self.ridge * (U @ V_step.T)
        out = E @ V + here.G @ V_step + here.mu * D
        return out + 2.0 * slope * float(np.vdot(V, V_step)) * U

    def newton_step(self, here, budget):
        """Return (a direction of descent by conjugate gradients, products it took)."""
        g, U = here.gradient, here.U
        sizes, turn = np.linalg.eigh(here.V.T @ here.V)
        scales = np.outer(self.bends, np.maximum(sizes, 0.0)) + here.mu

        def precondition(R):
            return self.axes @ ((self.axes.T @ R @ turn) / scales) @ turn.T

        size = np.linalg.norm(here.G @ here.V) + here.mu * np.linalg.norm(U)
        relative = np.linalg.norm(g) / max(size, np.finfo(float).tiny)
        x, r = np.zeros_like(g), -g
        z = precondition(r)
        d, rz = z, float(np.vdot(r, z))
        limit, n = min(0.1, np.sqrt(relative)) ** 2 * rz, 0
        while n < min(MOST_PRODUCTS, budget) and rz > limit:
            Hd = self.hessian_times(here, d)
            n += 1
            bend = float(np.vdot(d, Hd))
            if bend <= 1e-12 * here.mu * float(np.vdot(d, d)):  # as turns of U have
                return (x if n > 1 else d), n
            t = rz / bend
            x, r = x + t * d, r - t * Hd
            z = precondition(r)
            rz, last = float(np.vdot(r, z)), rz
            d = z + (rz / last) * d
        return x, max(n, 1)

    def descend(self, here, step):
        """Return the first state on the way back from the step that is better."""
        slope, tau = float(np.vdot(here.gradient, step)), 1.0
        slack = 1e-14 * abs(here.value + self.offset)
        for _ in range(20):
            new = self.at(here.U + tau * step)
            if new.value <= here.value + 1e-4 * tau * slope + slack:
                return new
            tau *= 0.5
        return None


def _each(K, V):
    """Return K_t v_t for every task, (T, r)."""
    return np.matmul(K, V[:, :, None])[:, :, 0]


def _each_left(M, index, V):
    """Return M_{index_t} v_t for every task, (p, T)."""
    if len(M) == 1:
        return M[0] @ V.T
    return np.matmul(M[index] if len(M) < len(V) else M, V[:, :, None])[:, :, 0].T
