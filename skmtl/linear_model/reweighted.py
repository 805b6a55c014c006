"""Group lasso whose shrinkage fades for large coefficients, by reweighting."""

from numbers import Real

import numpy as np

from skmtl._compat import Interval, StrOptions
from skmtl.linear_model.base import LinearTaskModel
from skmtl.linear_model.classification import LinearTaskClassifier
from skmtl.linear_model.regression import LinearTaskRegressor
from skmtl.penalties import Capped, ConcaveRows, Mcp, Scad, Sqrt
from skmtl.solvers import SOLVERS, solve_reweighted

SHAPES = {
    "mcp": lambda m: Mcp(m.alpha, m.gamma),
    "scad": lambda m: Scad(m.alpha, m.gamma),
    "sqrt": lambda m: Sqrt(m.alpha, m.eps),
    "capped": lambda m: Capped(m.alpha, m.theta),
}
SMALLEST_GAMMA = {"mcp": 1.0, "scad": 2.0}


class _ReweightedGroupLasso(LinearTaskModel):
    """The penalty, and stages in the place of one convex solution."""

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "penalty": [StrOptions(set(SHAPES))],
        "gamma": [Interval(Real, 1, None, closed="neither")],
        "theta": [Interval(Real, 0, None, closed="neither")],
        "eps": [Interval(Real, 0, None, closed="neither")],
        "solver": [StrOptions({"auto", "bcd", "fista"})],  # CVXPY is for convex ones
    }

    def _penalty(self):
        smallest = SMALLEST_GAMMA.get(self.penalty, 0.0)
        if self.gamma <= smallest:
            raise ValueError(
                f"gamma must be above {smallest:g} for penalty={self.penalty!r}, got "
                f"{self.gamma:g}: the penalty would bend more than it rises."
            )
        return ConcaveRows(SHAPES[self.penalty](self))

    def _solve(self, objective, W0, callback, max_iter=None):
        if W0 is None:
            W0 = np.zeros((objective.n_features, objective.n_tasks))
        penalty = self._penalty()
        return solve_reweighted(
            objective,
            penalty,
            SOLVERS[self._solver_for(penalty)],
            tol=self.tol,
            max_iter=self.max_iter if max_iter is None else max_iter,
            W0=W0,
            callback=callback,
        )

    def _result_attributes(self, result, c, y_scale):
        found = super()._result_attributes(result, c, y_scale)
        del found["dual_gap_"]
        found["stationarity_"] = float(result.stationarity or 0.0)
        return {
            **found,
            "selected_features_": np.flatnonzero(found["coef_"].any(axis=0)),
        }


class ReweightedGroupLassoRegressor(_ReweightedGroupLasso, LinearTaskRegressor):
    """Regression with joint selection of features and little shrinkage of large ones.

    Finds a stationary point of ``sum_t c_t / (2 S_t) sum_i s_ti (y_ti - x_ti . w_t -
    b_t)^2 + sum_j phi(||W_j||_2)`` where W_j are the coefficients of feature j in all
    tasks, s the sample weights, S_t their sum in task t, c_t the weight of the task and
    phi a concave function that rises with slope alpha at 0. The group lasso
    (phi = alpha r) shrinks all coefficients; here the larger ones are left alone, so
    that fewer features describe the data with less bias.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty; larger values select fewer features.
    penalty : {"mcp", "scad", "sqrt", "capped"}, default="mcp"
        How the strength falls with the size r of a feature's coefficients over all
        tasks. "mcp": linearly, to nothing at ``gamma * alpha``. "scad": the same, after
        ``alpha``. "sqrt": as ``1 / (2 sqrt(r + eps))``, never to nothing. "capped": all
        at once, at ``theta``.
    gamma : float, default=3.7
        For "mcp" (above 1) and "scad" (above 2): from ``gamma * alpha`` on coefficients
        are not shrunk. Larger values are closer to the group lasso.
    theta : float, default=0.1
        For "capped": the size from which on coefficients are not shrunk.
    eps : float, default=1e-3
        For "sqrt": smaller values are closer to a square root, and more likely to keep
        a feature at 0 that one of the first stages put there.
    loss : {"squared", "huber", "poisson", "logistic"} or mapping, default="squared"
        Loss of all tasks, or of each by its label (other keys are ignored). "huber" is
        squared for residuals up to `huber_delta` and straight beyond, for labels with
        outliers; "poisson" is ``exp(z) - y z`` for counts, or for rates with the
        exposure as `sample_weight`; "logistic" is the log-loss of labels 0 and 1. All
        are convex, so outcomes of several kinds share one penalty in one fit.
        Predictions are mean responses: values, rates, probabilities.
    huber_delta : float, default=1.35
        Residuals from which on the Huber loss is straight, in units of the labels
        (divided by `y_scale_`); smaller values are more robust, larger ones closer to
        least squares.
    fit_intercept : bool, default=True
        Whether to fit b_t, which is never penalised.
    scale_y : bool, default=False
        Whether to divide the labels of each task with squared or Huber loss by their
        standard deviation inside the fit, so that outcomes in different units weigh the
        same. `alpha`, `objective_`
        and `dual_gap_` then refer to the scaled labels, `coef_` and predictions to
        yours.
    task_weight : None, "n_samples" or mapping, default=None
        c_t: 1 for every task, proportional to its sum of weights, or given per task.
    unseen : {"raise", "shared"}, default="raise"
        What to do at prediction with a task that fit never saw: raise, or predict with
        the task-weighted mean of the coefficients and warn.
    solver : {"auto", "bcd", "fista"}, default="auto"
        Solver of the convex problem of each stage; "auto" takes block coordinate
        descent.
    tol : float, default=1e-4
        Stop when no feature is further than ``tol * alpha`` from stationarity; smaller
        is more exact and slower.
    max_iter : int, default=10000
        Most sweeps over the features (or proximal steps), over all stages.
    warm_start : bool, default=False
        Whether to start the first stage from the previous coefficients.

    Attributes
    ----------
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients, one row per task.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    selected_features_ : ndarray of shape (n_selected,)
        Positions of the features with a coefficient other than 0 in any task.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    stationarity_ : float
        The largest distance of a feature to stationarity. The problem is not convex, so
        there is no ``dual_gap_``: another stationary point may be better.
    objective_ : float
        The value of the objective; it never rises from stage to stage.
    n_iter_ : int
        Sweeps (or steps) done over all stages.
    converged_ : bool
        Whether ``stationarity_`` is as small as `tol` asks.
    y_scale_ : ndarray of shape (n_tasks,)
        What the labels were divided by; ones unless `scale_y`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had any.

    See Also
    --------
    GroupLassoRegressor : The convex model that it starts from.

    Notes
    -----
    Each stage is a convex group lasso whose weights are the slopes of the penalty at
    the last solution, solved to a duality gap of 1e-10 of half the null deviance. The
    first stage is the plain group lasso.

    References
    ----------
    .. [1] P. Breheny, J. Huang, "Group descent algorithms for nonconvex penalized
       linear and logistic regression models with grouped predictors", Statistics and
       Computing 25, 2015. :doi:`10.1007/s11222-013-9424-2`
    .. [2] P. Gong, J. Ye, C. Zhang, "Multi-stage multi-task feature learning", Journal
       of Machine Learning Research 14, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import GroupLassoRegressor, ReweightedGroupLassoRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 6))
    >>> Y = X[:, :1] * [2.0, 3.0] + 0.1 * rng.normal(size=(100, 2))
    >>> GroupLassoRegressor(0.5).fit(X, Y).coef_[:, 0].round(1)
    array([1.7, 2.6])
    >>> ReweightedGroupLassoRegressor(0.5).fit(X, Y).coef_[:, 0].round(1)
    array([2., 3.])
    """

    _parameter_constraints: dict = {
        **LinearTaskRegressor._parameter_constraints,
        **_ReweightedGroupLasso._parameter_constraints,
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        penalty="mcp",
        gamma=3.7,
        theta=0.1,
        eps=1e-3,
        loss="squared",
        huber_delta=1.35,
        fit_intercept=True,
        scale_y=False,
        task_weight=None,
        unseen="raise",
        solver="auto",
        tol=1e-4,
        max_iter=10_000,
        warm_start=False,
    ):
        self.alpha = alpha
        self.penalty = penalty
        self.gamma = gamma
        self.theta = theta
        self.eps = eps
        self.loss = loss
        self.huber_delta = huber_delta
        self.fit_intercept = fit_intercept
        self.scale_y = scale_y
        self.task_weight = task_weight
        self.unseen = unseen
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start


class ReweightedGroupLassoClassifier(_ReweightedGroupLasso, LinearTaskClassifier):
    """Classification with joint selection of features, little shrinkage of large ones.

    Finds a stationary point of ``sum_t c_t / S_t sum_i s_ti [log(1 + exp(z_ti)) - y_ti
    z_ti] + sum_j phi(||W_j||_2)`` with ``z_ti = x_ti . w_t + b_t`` and y in {0, 1},
    where phi is a concave function that rises with slope alpha at 0, as in
    `ReweightedGroupLassoRegressor`. The last of a task's two sorted labels is the
    positive one. A task with more classes has a column of W for each, in the
    multinomial loss ``log(sum_k exp(z_k)) - z_y``. Classes may differ between tasks.

    Parameters
    ----------
    alpha : float, default=0.01
        Strength of the penalty; larger values select fewer features.
    penalty : {"mcp", "scad", "sqrt", "capped"}, default="mcp"
        How the strength falls with the size r of a feature's coefficients over all
        tasks. "mcp": linearly, to nothing at ``gamma * alpha``. "scad": the same, after
        ``alpha``. "sqrt": as ``1 / (2 sqrt(r + eps))``, never to nothing. "capped": all
        at once, at ``theta``.
    gamma : float, default=30.0
        For "mcp" (above 1) and "scad" (above 2): from ``gamma * alpha`` on coefficients
        are not shrunk. Larger values are closer to the group lasso; the
        log-loss bends less than a squared loss, so more is needed here.
    theta : float, default=0.1
        For "capped": the size from which on coefficients are not shrunk.
    eps : float, default=1e-3
        For "sqrt": smaller values are closer to a square root, and more likely to keep
        a feature at 0 that one of the first stages put there.
    fit_intercept : bool, default=True
        Whether to fit b_t, which is never penalised.
    class_weight : None, "balanced" or mapping, default=None
        Weights of the classes, multiplied into the sample weights; "balanced" makes the
        classes of each task weigh the same within the task.
    task_weight : None, "n_samples" or mapping, default=None
        c_t: 1 for every task, proportional to its sum of weights, or given per task.
    unseen : {"raise", "shared"}, default="raise"
        What to do at prediction with a task that fit never saw: raise, or predict with
        the task-weighted mean of the coefficients and warn.
    solver : {"auto", "bcd", "fista"}, default="auto"
        Solver of the convex problem of each stage; "auto" takes block coordinate
        descent.
    tol : float, default=1e-4
        Stop when no feature is further than ``tol * alpha`` from stationarity; smaller
        is more exact and slower.
    max_iter : int, default=10000
        Most sweeps over the features (or proximal steps), over all stages.
    warm_start : bool, default=False
        Whether to start the first stage from the previous coefficients.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of ndarray
        Sorted union of all classes; after a wide fit a list with an array per task.
    task_classes_ : dict
        The classes of each task.
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients of the log-odds, a row per task; per class where a task has more
        than two.
    coef_rows_ : list of (task, class)
        What each row of `coef_` and `intercept_` belongs to; (task, positive class)
        where there are two.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts, of sum 0 over the classes of a task with more than two.
    selected_features_ : ndarray of shape (n_selected,)
        Positions of the features with a coefficient other than 0 in any task.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    stationarity_ : float
        The largest distance of a feature to stationarity. The problem is not convex, so
        there is no ``dual_gap_``: another stationary point may be better.
    objective_ : float
        The value of the objective; it never rises from stage to stage.
    n_iter_ : int
        Sweeps (or steps) done over all stages.
    converged_ : bool
        Whether ``stationarity_`` is as small as `tol` asks.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had any.

    See Also
    --------
    ReweightedGroupLassoRegressor : The same for numbers.

    Notes
    -----
    Each stage is a convex group lasso whose weights are the slopes of the penalty at
    the last solution, solved to a duality gap of 1e-10 of half the null deviance. The
    first stage is the plain group lasso.

    References
    ----------
    .. [1] P. Breheny, J. Huang, "Group descent algorithms for nonconvex penalized
       linear and logistic regression models with grouped predictors", Statistics and
       Computing 25, 2015. :doi:`10.1007/s11222-013-9424-2`
    .. [2] P. Gong, J. Ye, C. Zhang, "Multi-stage multi-task feature learning", Journal
       of Machine Learning Research 14, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import ReweightedGroupLassoClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 4))
    >>> Y = X[:, [0, 0]] + rng.logistic(size=(200, 2)) / 2 > 0
    >>> model = ReweightedGroupLassoClassifier(alpha=0.1).fit(X, Y.astype(int))
    >>> model.selected_features_
    array([0])
    """

    _parameter_constraints: dict = {
        **LinearTaskClassifier._parameter_constraints,
        **_ReweightedGroupLasso._parameter_constraints,
    }

    def __init__(
        self,
        alpha=0.01,
        *,
        penalty="mcp",
        gamma=30.0,
        theta=0.1,
        eps=1e-3,
        fit_intercept=True,
        class_weight=None,
        task_weight=None,
        unseen="raise",
        solver="auto",
        tol=1e-4,
        max_iter=10_000,
        warm_start=False,
    ):
        self.alpha = alpha
        self.penalty = penalty
        self.gamma = gamma
        self.theta = theta
        self.eps = eps
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.task_weight = task_weight
        self.unseen = unseen
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
