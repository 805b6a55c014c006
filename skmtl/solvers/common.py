"""The part of the coefficients that tied tasks have in common, minimised out."""

import numpy as np

NEWTON_STEPS = 30


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
        self.members = members
        self.units, self.values, self.vectors = [], [], []
        for tasks in members:
            H = np.zeros(model.A.shape[1:])
            scale = np.zeros(len(model.A))
            np.add.at(scale, model.index[tasks], model.scale[tasks])
            for g in np.flatnonzero(scale):
                H += scale[g] * model.A[g]
            unit = np.sqrt(np.maximum(np.diag(H), 0.0))  # scales of features: no rank
            unit[unit == 0] = 1.0
            values, vectors = np.linalg.eigh(H / unit / unit[:, None])
            self.units.append(unit)
            limit = len(unit) * np.finfo(float).eps * max(values[-1], 0.0)
            self.values.append(np.where(values > limit, values, np.inf))
            self.vectors.append(vectors)

    def solve(self, G):
        """Return (the Newton step, (p, T); half of what it gains twice)."""
        step, decrement = np.zeros_like(G), 0.0
        for k, tasks in enumerate(self.members):
            g, Q = G[:, tasks].sum(axis=1), self.vectors[k]
            found = Q @ ((Q.T @ (g / self.units[k])) / self.values[k]) / self.units[k]
            step[:, tasks] = found[:, None]
            decrement += float(g @ found)
        return step, decrement


def _descend(objective, point, step, decrement):
    """Return the first of a step, half a step, ... that decreases f enough."""
    tau = 1.0
    for _ in range(40):
        new = objective.at(point.W - tau * step, near=point)
        if new.value <= point.value - 0.25 * tau * decrement + 1e-15 * point.value:
            break
        tau *= 0.5
    return new
