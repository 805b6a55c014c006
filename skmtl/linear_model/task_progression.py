"""Tasks in an order: coefficients change little from one to the next."""

from numbers import Real

import numpy as np
from scipy import sparse

from skmtl._compat import Interval, StrOptions
from skmtl.linear_model.base import LinearTaskModel
from skmtl.linear_model.classification import LinearTaskClassifier
from skmtl.linear_model.joint_tasks import JointTasksMixin
from skmtl.linear_model.regression import LinearTaskRegressor
from skmtl.linear_model.task_order import chain_positions, check_ordered
from skmtl.objectives import CoupledObjective
from skmtl.penalties import Progression, WithRidge

_STRENGTH = Interval(Real, 0, None, closed="left")


class _TaskProgression(JointTasksMixin, LinearTaskModel):
    """The chain, in the penalty or in the smooth part."""

    _parameter_constraints: dict = {
        "alpha": [_STRENGTH],
        "beta": [_STRENGTH],
        "gamma": [_STRENGTH],
        "smooth": [StrOptions({"l1", "squared"})],
        "ridge": [_STRENGTH],
        "order": ["array-like", None],
    }

    def _know_tasks(self, joint, every, layout):
        name = type(self).__name__
        if len(joint) > 1:
            check_ordered(every, self.order, layout, name)
        self._chain = chain_positions(joint, self.order, name)

    def _penalty(self):
        if self.alpha == self.gamma == self.ridge == 0:
            raise ValueError(
                f"{type(self).__name__} with alpha=0, gamma=0 and ridge=0 leaves what "
                "the tasks have in common unpenalised. Give one of them a small value, "
                "or use TaskGraph with graph='chain', which certifies that case."
            )
        beta = self.beta if self.smooth == "l1" else 0.0
        gauge = Progression(self.alpha, beta, self.gamma, self._chain)
        return WithRidge(gauge, self.ridge) if self.ridge > 0 else gauge

    def _rows_objective(self, data, known=None):
        return self._coupled(super()._rows_objective(data, known), data.tasks)

    def _statistics_objective(self, statistics, c, y_scale=1.0):
        objective = super()._statistics_objective(statistics, c, y_scale)
        return self._coupled(objective, statistics.tasks)

    def _coupled(self, objective, tasks):
        """Return the objective with the squared differences, where they are smooth."""
        if self.smooth == "l1" or self.beta == 0 or len(tasks) == 1:
            return objective
        chain = chain_positions(tasks, self.order, type(self).__name__)
        return CoupledObjective(objective, self.beta * laplacian(chain), 4 * self.beta)


def laplacian(chain):
    """Return L with tr(W L W') the squared differences along a chain of tasks."""
    T = len(chain)
    rows = np.repeat(np.arange(T - 1), 2)
    columns = np.column_stack([chain[:-1], chain[1:]]).ravel()
    signs = np.tile([1.0, -1.0], T - 1)
    D = sparse.csr_array((signs, (rows, columns)), shape=(T - 1, T))
    return (D.T @ D).tocsr()
