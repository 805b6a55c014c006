"""Tasks whose relations are learned: what both estimators share."""

from numbers import Real

import numpy as np

from skmtl._compat import Interval, StrOptions
from skmtl.linear_model.base import LinearTaskModel
from skmtl.penalties import LearnedPrecision, SquaredTraceNorm
from skmtl.solvers import SOLVERS
from skmtl.solvers.alternating import solve_alternating
from skmtl.solvers.majorants import majorant_rounds


def _by_its_fastest(objective, penalty, W0, monitor):
    """Minimise objective + penalty from W0 by the solver that suits the penalty."""
    return SOLVERS[penalty.solvers[0]](objective, penalty, W0, monitor)


class RelatedTasks(LinearTaskModel):
    """The penalty, and the relations between tasks that it stands for."""

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "ridge": [Interval(Real, 0, None, closed="left")],
        "relationship": [StrOptions({"covariance", "precision"})],
        "sparsity": [Interval(Real, 0, None, closed="left")],
        "eps": [Interval(Real, 0, None, closed="neither")],
    }

    @property
    def _learns_precision(self):
        return self.relationship == "precision"

    def _penalty(self):
        if self.alpha == 0 and (self.ridge == 0 or self._learns_precision):
            raise ValueError(
                f"{type(self).__name__} with alpha=0 relates no tasks"
                + (" and, with ridge=0, has no penalty left" * (self.ridge == 0))
                + ". Use IndependentTasks around a model of your choice, or a small "
                "alpha."
            )
        if self._learns_precision:
            return LearnedPrecision(self.alpha, self.eps, self.sparsity, self.ridge)
        return SquaredTraceNorm(self.alpha, self.ridge)

    def _solve(self, objective, W0, callback, max_iter=None):
        if not self._learns_precision:
            return super()._solve(objective, W0, callback, max_iter)
        penalty = self._penalty()
        if self.solver not in {"auto", *penalty.solvers}:
            raise ValueError(
                f"relationship='precision' is not convex: solver={self.solver!r} "
                "cannot take it. It must be 'auto' or 'fista'."
            )
        if W0 is None:
            W0 = np.zeros((objective.n_features, objective.n_tasks))
        solver = _by_its_fastest if self.solver == "auto" else SOLVERS[self.solver]
        return solve_alternating(
            objective,
            [majorant_rounds(objective, penalty, solver, W0)],
            tol=self.tol,
            max_iter=self.max_iter if max_iter is None else max(max_iter, 1),
            callback=callback,
        )

    def _result_attributes(self, result, c, y_scale):
        found = super()._result_attributes(result, c, y_scale)
        if self._learns_precision:
            del found["dual_gap_"]
            found["stationarity_"] = float(result.stationarity or 0.0)
        return found

    def _scaled_coef(self):
        """Return the coefficients in the units of the fit, (n_tasks, n_features)."""
        scale = getattr(self, "y_scale_", None)
        return self.coef_ if scale is None else self.coef_ / scale[:, None]

    @property
    def task_precision_(self):
        """Inverse of the covariance, with exact zeros, by relationship="precision"."""
        if not self._learns_precision:
            raise AttributeError(
                "task_precision_ is learned with relationship='precision' only."
            )
        return self._penalty().precision(self._scaled_coef().T)

    @property
    def task_covariance_(self):
        """Covariance of the coefficients between tasks, (n_tasks, n_tasks), trace 1."""
        if self._learns_precision:
            C = np.linalg.inv(self.task_precision_)
        else:
            U, s, _ = np.linalg.svd(self._scaled_coef(), full_matrices=False)
            C = (U * s) @ U.T if s.any() else np.eye(len(U))
        return 0.5 * (C + C.T) / np.trace(C)

    @property
    def task_correlation_(self):
        """The same as correlations; 0 between others and a task of no coefficients."""
        C = self.task_covariance_
        size = np.sqrt(np.maximum(np.diag(C), 0.0))
        used = size > 1e-8 * size.max()
        size = np.where(used, size, 1.0)
        R = np.where(used & used[:, None], C / np.outer(size, size), 0.0)
        R = np.clip(R, -1.0, 1.0)
        np.fill_diagonal(R, 1.0)
        return R
