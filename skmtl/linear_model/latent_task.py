"""Latent tasks: every task is a sparse combination of a few (GO-MTL)."""

from itertools import chain
from numbers import Integral, Real

import numpy as np

from skmtl._compat import Interval, StrOptions
from skmtl.linear_model.base import LinearTaskModel
from skmtl.linear_model.classification import LinearTaskClassifier
from skmtl.linear_model.factor_starts import factor_starts
from skmtl.linear_model.regression import LinearTaskRegressor
from skmtl.objectives import FactoredObjective
from skmtl.penalties import FactorNorms
from skmtl.solvers import solve_alternating, sparse_code_rounds


class _LatentTask(LinearTaskModel):
    """The factors, and the way between [L; S'] and what users see."""

    _parameter_constraints: dict = {
        "n_latent": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "beta": [Interval(Real, 0, None, closed="neither")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "solver": [StrOptions({"auto", "bcd", "fista"})],  # the convex halves
    }

    def _penalty(self):
        return FactorNorms(self.alpha, self.beta, self.n_features_in_)

    def _smooth(self, objective):
        return FactoredObjective(objective, min(self.n_latent, objective.n_tasks))

    def _solve(self, objective, W0, callback, max_iter=None):
        penalty = self._penalty()
        inner, k = objective.inner, objective.n_tasks
        starts = factor_starts(inner, k, self.n_init, self.random_state)
        if W0 is not None:
            # A direction that the last strength left out is 0 in both factors, where
            # no descent brings it back: only a start of its own does.
            starts = [W0] if W0.any(axis=0).all() else chain([W0], starts)
        solver = self._solver_for(penalty)
        return solve_alternating(
            objective,
            (sparse_code_rounds(objective, penalty, V, solver) for V in starts),
            tol=self.tol,
            max_iter=self.max_iter if max_iter is None else max(max_iter, 1),
            callback=callback,
        )

    def _coordinates(self, kept, y_scale):
        """Return the fitted factors of some tasks, which know no units."""
        return np.concatenate([self.components_.T, self.codes_[kept]])

    def _model_attributes(self, W, intercept, c, y_scale):
        p = self.n_features_in_
        L, S = _in_order(W[:p], W[p:].T)
        if not W.shape[1]:  # no task took part
            L, S = np.zeros((p, self.n_latent)), np.zeros((self.n_latent, 0))
        return {
            **super()._model_attributes(L @ S, intercept, c, y_scale),
            "components_": np.ascontiguousarray(L.T),
            "codes_": np.ascontiguousarray(S.T),
        }

    def _result_attributes(self, result, c, y_scale):
        found = super()._result_attributes(result, c, y_scale)
        del found["dual_gap_"]
        return {**found, "stationarity_": float(result.stationarity or 0.0)}


def _in_order(L, S):
    """Return the factors, the most used direction first, used positively on the whole.

    The product does not depend on it.
    """
    used = np.abs(S).sum(axis=1)
    order = np.argsort(-used * np.sqrt((L**2).sum(axis=0)), kind="stable")
    sign = np.where(S.sum(axis=1) < 0, -1.0, 1.0)[order]
    return L[:, order] * sign, S[order] * sign[:, None]


class LatentTaskRegressor(_LatentTask, LinearTaskRegressor):
    """Regression with tasks that are sparse combinations of a few latent tasks.

    Finds a stationary point of
    ``sum_t c_t / (2 S_t) sum_i s_ti (y_ti - x_ti . w_t - b_t)^2
    + alpha * ||S||_1 + beta / 2 * ||L||_F^2`` over W = L S, the columns of L
    (n_features, k) being the coefficients of latent tasks and those of S the codes of
    the tasks, with s the sample weights, S_t their sum in task t and c_t the weight of
    the task [1]_. Tasks that use the same latent tasks share them; those that use
    others are left alone.

    Parameters
    ----------
    n_latent : int, default=2
        Number of latent tasks k; more than the tasks count as that.
    alpha : float, default=1.0
        Strength on the codes; larger values have each task use fewer latent tasks. What
        counts is ``alpha^2 * beta``: a larger one with a smaller other is the same
        model in other units.
    beta : float, default=1.0
        Strength on the latent tasks; larger values shrink all coefficients.
    n_init : int, default=4
        Number of starts: groups of single-task coefficients, their singular vectors,
        then the latter turned by chance. After three rounds only the best goes on.
    random_state : int, RandomState instance or None, default=None
        Of the starts. Pass an int for the same answer each time.
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
        same. `alpha`, `beta`, `objective_`, `components_` and
        `codes_` then refer to the scaled labels, `coef_` and predictions to yours.
    task_weight : None, "n_samples" or mapping, default=None
        c_t: 1 for every task, proportional to its sum of weights, or given per task.
    unseen : {"raise", "shared"}, default="raise"
        What to do at prediction with a task that fit never saw: raise, or predict with
        the task-weighted mean of the coefficients and warn.
    solver : {"auto", "bcd", "fista"}, default="auto"
        Solver of the codes given the latent tasks; "auto" takes block coordinate
        descent.
    tol : float, default=1e-4
        Stop when `stationarity_` is at most tol; smaller is more exact and slower.
    max_iter : int, default=1000
        Most rounds of a start, each an update of both factors, apart and together.
    warm_start : bool, default=False
        Whether to start from the previous coefficients.

    Attributes
    ----------
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients, one row per task.
    components_ : ndarray of shape (k, n_features)
        Coefficients L' of the latent tasks; 0 for those that no task uses.
    codes_ : ndarray of shape (n_tasks, k)
        How much each task uses of each latent task; ``coef_ = codes_ @
        components_`` (of scaled labels).
        Tasks that use the same latent task are related; groups may overlap.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    stationarity_ : float
        The largest distance of codes or latent tasks to stationarity, relative to the
        slopes of their penalties. The problem is not convex, so there is no
        ``dual_gap_``: another stationary point may be better.
    objective_ : float
        The value of the objective; it never rises from round to round.
    n_iter_ : int
        Rounds done from the best start.
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
    SharedSubspaceRegressor : A subspace without sparse codes, convex.
    TaskClusteringRegressor : Groups that do not overlap.

    Notes
    -----
    Codes (a lasso per task) and latent tasks (one ridge regression) are updated in
    turn, each to a small duality gap, then both together by limited-memory BFGS while
    the codes keep their signs. The objective never rises.

    References
    ----------
    .. [1] A. Kumar, H. Daume III, "Learning task grouping and overlap in multi-task
       learning", ICML 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import LatentTaskRegressor
    >>> rng = np.random.default_rng(0)
    >>> latent = rng.normal(size=(2, 10))
    >>> uses = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 1]])  # the last uses both
    >>> X = rng.normal(size=(80, 10))
    >>> Y = X @ (uses @ latent).T + 0.5 * rng.normal(size=(80, 5))
    >>> model = LatentTaskRegressor(2, alpha=0.3, beta=0.3, random_state=0).fit(X, Y)
    >>> (np.abs(model.codes_) > 0.3).sum(axis=1)
    array([1, 1, 1, 1, 2])
    """

    _parameter_constraints: dict = {
        **LinearTaskRegressor._parameter_constraints,
        **_LatentTask._parameter_constraints,
    }

    def __init__(
        self,
        n_latent=2,
        *,
        alpha=1.0,
        beta=1.0,
        n_init=4,
        random_state=None,
        loss="squared",
        huber_delta=1.35,
        fit_intercept=True,
        scale_y=False,
        task_weight=None,
        unseen="raise",
        solver="auto",
        tol=1e-4,
        max_iter=1000,
        warm_start=False,
    ):
        self.n_latent = n_latent
        self.alpha = alpha
        self.beta = beta
        self.n_init = n_init
        self.random_state = random_state
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


class LatentTaskClassifier(_LatentTask, LinearTaskClassifier):
    """Classification with tasks that are sparse combinations of latent tasks.

    Finds a stationary point of
    ``sum_t c_t / S_t sum_i s_ti [log(1 + exp(z_ti)) - y_ti z_ti]
    + alpha * ||S||_1 + beta / 2 * ||L||_F^2`` over W = L S, the columns of L
    (n_features, k) being the coefficients of latent tasks and those of S the codes of
    the tasks, with ``z_ti = x_ti . w_t + b_t`` and y in {0, 1}; see
    `LatentTaskRegressor`. The last of a task's two sorted labels is the positive one. A
    task with more classes has a column of W for each, in the multinomial loss
    ``log(sum_k exp(z_k)) - z_y``. Classes may differ between tasks.

    Parameters
    ----------
    n_latent : int, default=2
        Number of latent tasks k; more than the tasks count as that.
    alpha : float, default=0.01
        Strength on the codes; larger values have each task use fewer latent tasks. What
        counts is ``alpha^2 * beta``: a larger one with a smaller other is the same
        model in other units.
    beta : float, default=0.01
        Strength on the latent tasks; larger values shrink all coefficients.
    n_init : int, default=4
        Number of starts: groups of single-task coefficients, their singular vectors,
        then the latter turned by chance. After three rounds only the best goes on.
    random_state : int, RandomState instance or None, default=None
        Of the starts. Pass an int for the same answer each time.
    fit_intercept : bool, default=True
        Whether to fit b_t, which is never penalised.
    class_weight : None, "balanced" or mapping, default=None
        Weights of the classes, multiplied into the sample weights; "balanced" makes the
        classes of each task count the same within the task.
    task_weight : None, "n_samples" or mapping, default=None
        c_t: 1 for every task, proportional to its sum of weights, or given per task.
    unseen : {"raise", "shared"}, default="raise"
        What to do at prediction with a task that fit never saw: raise, or predict with
        the task-weighted mean of the coefficients and warn.
    solver : {"auto", "bcd", "fista"}, default="auto"
        Solver of the codes given the latent tasks; "auto" takes block coordinate
        descent.
    tol : float, default=1e-4
        Stop when `stationarity_` is at most tol; smaller is more exact and slower.
    max_iter : int, default=1000
        Most rounds of a start, each an update of both factors, apart and together.
    warm_start : bool, default=False
        Whether to start from the previous coefficients.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of ndarray
        Sorted union of all classes; after a wide fit a list with an array per task.
    task_classes_ : dict
        The classes of each task.
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients of the log-odds, one row per task.
    components_ : ndarray of shape (k, n_features)
        Coefficients L' of the latent tasks; 0 for those that no task uses.
    codes_ : ndarray of shape (n_tasks, k)
        How much each task uses of each latent task; ``coef_ = codes_ @
        components_``.
        Tasks that use the same latent task are related; groups may overlap.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    stationarity_ : float
        The largest distance of codes or latent tasks to stationarity, relative to the
        slopes of their penalties. The problem is not convex, so there is no
        ``dual_gap_``: another stationary point may be better.
    objective_ : float
        The value of the objective; it never rises from round to round.
    n_iter_ : int
        Rounds done from the best start.
    converged_ : bool
        Whether ``stationarity_`` is as small as `tol` asks.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had any.

    See Also
    --------
    LatentTaskRegressor : The same for numbers, with references.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import LatentTaskClassifier
    >>> rng = np.random.default_rng(0)
    >>> latent = 2 * rng.normal(size=(2, 6))
    >>> uses = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 1]])  # the last uses both
    >>> X = rng.normal(size=(300, 6))
    >>> Y = X @ (uses @ latent).T + rng.logistic(size=(300, 5)) > 0
    >>> model = LatentTaskClassifier(2, alpha=0.02, beta=0.01, random_state=0)
    >>> model.fit(X, Y.astype(int)).codes_.shape
    (5, 2)
    """

    _parameter_constraints: dict = {
        **LinearTaskClassifier._parameter_constraints,
        **_LatentTask._parameter_constraints,
    }

    def __init__(
        self,
        n_latent=2,
        *,
        alpha=0.01,
        beta=0.01,
        n_init=4,
        random_state=None,
        fit_intercept=True,
        class_weight=None,
        task_weight=None,
        unseen="raise",
        solver="auto",
        tol=1e-4,
        max_iter=1000,
        warm_start=False,
    ):
        self.n_latent = n_latent
        self.alpha = alpha
        self.beta = beta
        self.n_init = n_init
        self.random_state = random_state
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.task_weight = task_weight
        self.unseen = unseen
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
