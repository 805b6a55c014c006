"""The fits of one linear model to the same data for many alphas."""

import warnings
from copy import copy
from functools import partial
from numbers import Integral, Real

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skmtl.linear_model.base import LinearTaskModel
from skmtl.solvers import SolverResult
from skmtl.solvers.path import alpha_grid, largest_alpha, solve_path
from skmtl.statistics import TaskStatistics

# Where the limit of large alphas is looked for, as a multiple of the alpha that would
# do if nothing but intercepts were left unpenalised.
BEYOND = 1e3
# The last alpha as a share of the first, where neither user nor penalty says.
PATH_END = 1e-3
# Where that answer is reached at no alpha: the distance at which a path starts, as a
# share of the spread of the labels; how exactly that alpha is found, as a factor; and
# how far it is searched.
NEAR = 0.01
FINE = 1.5
MOST_DECADES = 20
MOST_RAISES = 3


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
    tasks : ndarray of shape (T,)
        Those that take part.
    c, y_scale : ndarray of shape (T,)
        Their weights, and units of their labels.
    complete : callable
        Turns the attributes of the joint fit into what users see.
    rows : callable or None
        Makes the same objective from rows, for what statistics cannot resolve.
    """

    def __init__(self, model, objective, tasks, c, y_scale, complete, rows=None):
        self.model, self.objective, self.rows = model, objective, rows
        self.tasks, self.c = tasks, c
        self.y_scale, self.complete = y_scale, complete

    @classmethod
    def of_rows(cls, model, X, labels):
        """Prepare checked X and labels; statistics take their place where they can."""
        model = copy(model)  # folds side by side may have other tasks
        data, y_scale, complete = model._problem(X, labels)
        if data is None:
            return cls(model, None, labels.tasks[:0], np.zeros(0), y_scale, complete)
        model._check_rows(data.tasks, data.n_labels)
        c = model._task_weights(data)
        if not model._takes_statistics(data):
            objective = model._rows_objective(data)
            return cls(model, objective, data.tasks, c, y_scale, complete)
        statistics = TaskStatistics.from_data(data)
        known = model._statistics_objective(statistics, c)

        def rows():
            return model._rows_objective(data, known)

        return cls(model, known, data.tasks, c, y_scale, complete, rows)

    @classmethod
    def of_statistics(cls, model, statistics, rows=None):
        """Prepare `TaskStatistics`."""
        s, model = statistics, copy(model)
        model._check_rows(s.tasks, s.n)
        objective, c, y_scale, head = model._statistics_problem(s)

        def complete(found):
            return {**head, **found}

        return cls(model, objective, s.tasks, c, y_scale, complete, rows)

    def alpha_grid(self, n_alphas, eps):
        """Return decreasing alphas from the first with the answer of any larger one.

        Families that come ever closer to that answer start where they are near it.
        `eps` is the last as a share of the first; None leaves it to the penalty.
        """
        if self.objective is None:
            return alpha_grid(0.0, n_alphas, eps or PATH_END)
        penalty = self.model._at_alpha(1.0)._penalty()
        eps = eps or getattr(penalty, "path_end", PATH_END)
        if hasattr(penalty, "alpha_max"):
            largest = self._first_at_limit(penalty)
        else:
            largest = self._first_near_limit()
        return alpha_grid(largest, n_alphas, eps)

    def _first_at_limit(self, penalty):
        """Return the smallest alpha with the answer of any larger one."""
        model, objective = self.model, self.objective
        nothing = np.zeros((objective.n_features, objective.n_tasks))
        bound = largest_alpha(objective, penalty, nothing)
        beyond = model._at_alpha(BEYOND * bound if bound > 0 else 1.0)
        limit = beyond._solve(objective, None, None).W
        return largest_alpha(objective, penalty, limit)

    def _first_near_limit(self):
        """Return about the smallest alpha whose answer is near that of any larger one.

        Near is what moves the predictions by 1 % of the spread of the labels, which
        means the same whether the limit is an empty model or a common one.
        """
        objective = self.objective
        if objective.null <= 0:
            return 0.0

        def fit(alpha, W0=None):
            model = self.model._at_alpha(alpha)
            model.tol = min(model.tol, NEAR**2 / 100)  # a gap is a squared distance
            return objective.at(model._solve(objective, W0, None).W)

        def distance(a, b):
            return np.sqrt(max(objective.bend(a, b), 0.0) / (2.0 * objective.null))

        # A squared penalty compares with the curvature of the loss, a norm with its
        # gradient; the larger of the two is on the safe side.
        nothing = objective.at(np.zeros((objective.n_features, objective.n_tasks)))
        sizes = objective.curvatures().max(), np.abs(objective.gradient(nothing)).max()
        alpha = BEYOND * max(max(sizes), np.finfo(float).tiny)
        limit = fit(alpha)
        for _ in range(MOST_RAISES):
            further = fit(BEYOND * alpha, limit.W)
            settled = distance(limit, further) <= 0.1 * NEAR
            alpha, limit = BEYOND * alpha, further
            if settled:
                break
        at = limit
        for _ in range(MOST_DECADES):
            low = fit(alpha / 10.0, at.W)
            if distance(low, limit) > NEAR:
                break
            alpha, at = alpha / 10.0, low
        else:
            return 0.0  # alpha does nothing
        factor = 10.0
        while factor > FINE:
            factor = np.sqrt(factor)
            middle = fit(alpha / factor, at.W)
            if distance(middle, limit) <= NEAR:
                alpha, at = alpha / factor, middle
        return alpha

    def solve(self, alphas):
        """Yield a `SolverResult` for each of the decreasing alphas."""
        if self.objective is None:
            n_features = self.model.n_features_in_
            yield from (SolverResult.of_no_task(n_features) for _ in alphas)
            return
        models = [self.model._at_alpha(alpha) for alpha in alphas]
        problems = [partial(m._solve, self.objective, callback=None) for m in models]
        exact = None
        for m, result in zip(models, solve_path(problems, alphas), strict=True):
            if not result.converged and self.rows is not None:
                exact = exact or self.rows()
                yield m._continue(exact, result)
            else:
                yield result

    def fitted(self, alpha, result):
        """Return the model fitted with an alpha."""
        model = self.model._at_alpha(alpha)
        found = model._result_attributes(result, self.c, self.y_scale)
        vars(model).update(self.complete(found))
        return model


def fit_path(estimator, X, y, *, task, sample_weight, alphas, eps, caller):
    """Return (alphas, a fitted model for each, the labels) of a path.

    The arguments are those of `mtl_path`; `caller` is named in errors.
    """
    check_has_alpha(estimator, caller)
    check_alphas(alphas, eps)
    model = clone(estimator)
    model._validate_params()
    labels = model._check_labels(X, y, task, sample_weight)
    values = model._check_X(X, reset=True)
    fits = PathFits.of_rows(model, values, labels)
    alphas = read_alphas(fits, alphas, eps)
    results = list(fits.solve(alphas))
    warn_of_path(type(model).__name__, results, model.max_iter)
    fitted = [fits.fitted(a, r) for a, r in zip(alphas, results, strict=True)]
    return alphas, fitted, labels


def check_alphas(alphas, eps):
    """Raise unless they describe a decreasing sequence of alphas."""
    if isinstance(alphas, Integral) and not isinstance(alphas, bool):
        if alphas < 1:
            raise ValueError(f"alphas must be at least 1, got {alphas}.")
        if eps is not None and not (isinstance(eps, Real) and 0 < eps < 1):
            raise ValueError(f"eps must be between 0 and 1, or None, got {eps!r}.")
        return
    values = np.asarray(alphas)
    if values.dtype.kind not in "iuf" or values.ndim != 1 or not len(values):
        raise ValueError(
            "alphas must be a number of alphas or a one-dimensional array of them, got "
            f"{alphas!r}."
        )
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError(f"alphas must be finite and at least 0, got {alphas!r}.")


def read_alphas(fits, alphas, eps):
    """Return decreasing alphas: those given, or a grid for these data."""
    if isinstance(alphas, Integral):
        return fits.alpha_grid(alphas, eps)
    alphas = np.unique(np.asarray(alphas, dtype=float))[::-1]
    fits.model._at_alpha(alphas[-1])._validate_params()  # some take no 0
    return alphas


def warn_of_path(name, results, max_iter):
    """Give one `ConvergenceWarning` for all fits that did not reach their gap."""
    poor = [r for r in results if not r.converged]
    if not poor:
        return
    worst = max(poor, key=lambda r: r.gap / max(r.target, np.finfo(float).tiny))
    warnings.warn(
        f"{name}: {len(poor)} of {len(results)} fits along the path did not converge; "
        f"the worst has a duality gap of {worst.gap:.2e} > tol * D0 = "
        f"{worst.target:.2e} after {worst.n_iter} iterations (max_iter={max_iter}). "
        f"{worst.message} Or end the path at a larger alpha.",
        ConvergenceWarning,
        stacklevel=4,
    )
