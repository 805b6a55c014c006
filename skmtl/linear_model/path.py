"""The fits of one linear model to the same data for many alphas."""

import numpy as np

from skmtl.linear_model.base import LinearTaskModel
from skmtl.solvers import SolverResult
from skmtl.solvers.path import alpha_grid, largest_alpha, solve_path
from skmtl.statistics import TaskStatistics


def check_has_alpha(estimator, caller):
    """Raise unless the estimator is a linear model whose penalty scales with alpha."""
    name = type(estimator).__name__
    if hasattr(estimator, "steps"):
        raise TypeError(
            f"{caller} takes a linear model of skmtl, got a {name}. Put the steps in "
            "front: make_mtl_pipeline(StandardScaler(), AlphaPathCV(model))."
        )
    known = isinstance(estimator, LinearTaskModel)
    if not known or "alpha" not in estimator.get_params(deep=False):
        raise TypeError(
            f"{caller} varies the alpha of a linear model of skmtl, and {name} is none "
            "that has one. Use sklearn.model_selection.GridSearchCV."
        )


class PathFits:
    """Fits for any alphas to data that were prepared once.

    Parameters
    ----------
    model : linear model with an alpha
        Its other parameters hold for all fits.
    objective : as in `skmtl.objectives`, or None where no task takes part
    c, y_scale : ndarray of shape (T,)
        Weights of the tasks and units of their labels.
    complete : callable
        Turns the attributes of the joint fit into what users see.
    rows : callable or None
        Makes the same objective from rows, for what statistics cannot resolve.
    """

    def __init__(self, model, objective, c, y_scale, complete, rows=None):
        self.model, self.objective, self.rows = model, objective, rows
        self.c, self.y_scale, self.complete = c, y_scale, complete

    @classmethod
    def of_rows(cls, model, X, labels):
        """Prepare checked X and labels; statistics take their place where they can."""
        data, y_scale, complete = model._problem(X, labels)
        if data is None:
            return cls(model, None, np.zeros(0), y_scale, complete)
        model._check_rows(data.tasks, data.n_labels)
        c = model._task_weights(data)
        if not model._takes_statistics(data):
            return cls(model, model._rows_objective(data), c, y_scale, complete)
        statistics = TaskStatistics.from_data(data)
        known = model._statistics_objective(statistics, c)

        def rows():
            return model._rows_objective(data, known)

        return cls(model, known, c, y_scale, complete, rows)

    @classmethod
    def of_statistics(cls, model, statistics, rows=None):
        """Prepare `TaskStatistics`."""
        s = statistics
        model._check_rows(s.tasks, s.n)
        objective, c, y_scale, head = model._statistics_problem(s)
        return cls(model, objective, c, y_scale, lambda found: {**head, **found}, rows)

    def alpha_grid(self, n_alphas, eps):
        """Return decreasing alphas, the first of which gives an empty model."""
        largest = 0.0
        if self.objective is not None:
            penalty = self.model._at_alpha(1.0)._penalty()
            if not hasattr(penalty, "alpha_max"):
                raise ValueError(
                    f"{type(self.model).__name__} has no finite alpha at which its "
                    "limit is reached, so there is no natural grid. Pass alphas as an "
                    "array."
                )
            largest = largest_alpha(self.objective, penalty)
        return alpha_grid(largest, n_alphas, eps)

    def solve(self, alphas):
        """Yield a `SolverResult` for each of the decreasing alphas."""
        if self.objective is None:
            n_features = self.model.n_features_in_
            yield from (SolverResult.of_no_task(n_features) for _ in alphas)
            return
        model = self.model
        models = [model._at_alpha(alpha) for alpha in alphas]
        penalties = [m._penalty() for m in models]
        solvers = [model._solver_for(penalty) for penalty in penalties]
        results = solve_path(
            self.objective, penalties, solvers, tol=model.tol, max_iter=model.max_iter
        )
        exact = None
        for m, result in zip(models, results, strict=True):
            if not result.converged and self.rows is not None:
                exact = exact or self.rows()
                yield m._continue(exact, result)
            else:
                yield result

    def user_units(self, result):
        """Return (coefficients (T, p), intercepts (T,)) in the units of the labels."""
        scale = self.y_scale
        return result.W.T * scale[:, None], result.intercept * scale

    def fitted(self, alpha, result):
        """Return the model fitted with an alpha."""
        model = self.model._at_alpha(alpha)
        found = model._result_attributes(result, self.c, self.y_scale)
        vars(model).update(self.complete(found))
        return model
