"""The part of the coefficients that tied tasks have in common, minimised out."""

import numpy as np
from scipy.linalg import cho_solve, lapack

NEWTON_STEPS = 30
# Pivots of a matrix with a diagonal of 1 from which on its factor is to be trusted.
WELL_CONDITIONED = 1e-8


def settle_common(objective, labels, point):
    """Return the point with the mean of each component of tasks minimised out.

    `labels` (T,) are the components 0, 1, ... Where nothing penalises the mean, no
    dual point is feasible before: the gradient has to sum to 0 over each component.
    One linear system per component for the squared loss, Newton steps otherwise.
    """
    members = [np.flatnonzero(labels == k) for k in range(labels.max() + 1)]
    systems = None
    for _ in range(NEWTON_STEPS):
        G = objective.gradient(point)
        if systems is None or not objective.quadratic:
            systems = _Systems(objective.grams(point), members)
        step, decrement = systems.solve(G)
        if decrement <= 1e-15 * objective.null:
            break
        point = _descend(objective, point, step, decrement)
    return point


class _Systems:
    """The curvature of f along the common part of each component, (p, p) each."""

    def __init__(self, model, members):
        self.members, self.parts = members, []
        for tasks in members:
            scale = np.zeros(len(model.A))
            np.add.at(scale, model.index[tasks], model.scale[tasks])
            used = scale > 0
            A = model.A if used.all() else model.A[used]
            H = np.tensordot(scale[used], A, 1)
            unit = np.sqrt(np.maximum(np.diag(H), 0.0))  # scales of features: no rank
            unit[unit == 0] = 1.0
            self.parts.append((unit, _solver(H / unit / unit[:, None])))

    def solve(self, G):
        """Return (the Newton step, (p, T); twice what it gains)."""
        step, decrement = np.zeros_like(G), 0.0
        for tasks, (unit, solve) in zip(self.members, self.parts, strict=True):
            g = G[:, tasks].sum(axis=1)
            found = solve(g / unit) / unit
            step[:, tasks] = found[:, None]
            decrement += float(g @ found)
        return step, decrement


def _solver(H):
    """Return a function: r -> H^+ r, for H with a diagonal of 1."""
    factor, failed = lapack.dpotrf(H, lower=1)
    if not failed and np.diag(factor).min(initial=1.0) ** 2 > WELL_CONDITIONED:
        return lambda r: cho_solve((factor, True), r, check_finite=False)
    values, vectors = np.linalg.eigh(H)
    limit = len(H) * np.finfo(float).eps * max(values[-1], 0.0)
    values = np.where(values > limit, values, np.inf)
    return lambda r: vectors @ ((vectors.T @ r) / values)


def _descend(objective, point, step, decrement):
    """Return the first of a step, half a step, ... that decreases f enough."""
    tau = 1.0
    for _ in range(40):
        new = objective.at(point.W - tau * step, near=point)
        if new.value <= point.value - 0.25 * tau * decrement + 1e-15 * point.value:
            break
        tau *= 0.5
    return new
