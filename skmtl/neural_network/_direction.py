"""The direction of a step: weighted losses, combined gradients, dropout, clipping."""

import numpy as np

from skmtl.neural_network._optimizers import clip


class Direction:
    """Turns a batch into the gradient that the optimiser follows.

    Parameters
    ----------
    objective : Objective
    theta : ndarray
        Parameters, changed by others.
    weighting : state of a loss weighting
    combiner : combination of gradients
    dropout : Dropout or None
    max_norm : float or None
    rng : RandomState
    """

    def __init__(self, objective, theta, weighting, combiner, dropout, max_norm, rng):
        self.objective, self.theta, self.weighting = objective, theta, weighting
        self.combiner, self.dropout, self.max_norm = combiner, dropout, max_norm
        self.rng = rng
        network = objective.network
        self.parts = network.parts(theta)
        self.gradient = np.empty_like(theta)
        self.gradient_parts = network.parts(self.gradient)
        self.by_task = None
        self.plain = getattr(combiner, "plain", False)
        if weighting.needs_norms or not self.plain:
            shape = (objective.columns.n_tasks, len(theta))
            self.by_task = np.empty(shape, dtype=theta.dtype)

    def __call__(self, X, batch, rate):
        """Write `gradient`; return the losses of the tasks (T,) before weighing."""
        weighting = self.weighting
        scale = None if weighting.constant else weighting.weights
        norms = None
        if self.by_task is None:
            losses = self.objective.gradient(
                self.theta,
                self.parts,
                X,
                batch,
                self.gradient,
                self.gradient_parts,
                scale,
                self.dropout,
            )
        else:
            losses, norms = self._combined(X, batch, scale)
        if self.objective.network.frozen is not None:
            self.gradient[self.objective.network.frozen] = 0.0
        if self.max_norm is not None:
            clip(self.gradient, self.max_norm)
        if not weighting.constant:
            columns = self.objective.columns
            there = batch.column_sums(batch.weight, len(columns))
            seen = np.add.reduceat(there, columns.first) > 0
            weighting.after_step(losses.astype(float), seen, norms, rate)
        return losses

    def _combined(self, X, batch, scale):
        """Write the combination of the tasks' gradients; return losses and norms."""
        J, network = self.by_task, self.objective.network
        losses = self.objective.jacobian(self.parts, X, batch, J, scale, self.dropout)
        np.sum(J, axis=0, out=self.gradient)
        shared = J[:, network.shared]
        if not self.plain:
            gramian = (shared @ shared.T).astype(float)
            if np.isfinite(gramian).all():  # otherwise training diverges, and says so
                weights = self.combiner.weights(gramian, self.rng)
                weights = weights.astype(J.dtype, copy=False)
                np.matmul(weights, shared, out=self.gradient[network.shared])
        self.objective.add_penalty_gradient(
            self.theta, self.parts, self.gradient, self.gradient_parts
        )
        last = J[:, network.last_shared].astype(float)
        return losses, np.sqrt(np.einsum("ij,ij->i", last, last))
