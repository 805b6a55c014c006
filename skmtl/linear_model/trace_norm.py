"""Coefficients of low rank: all tasks are combinations of a few directions."""

from numbers import Real

import numpy as np

from skmtl._compat import Interval
from skmtl.linear_model.base import LinearTaskModel
from skmtl.linear_model.classification import LinearTaskClassifier
from skmtl.linear_model.regression import LinearTaskRegressor
from skmtl.penalties import TraceNorm, WithRidge

# Singular values below this share of the largest are rounding.
NOTHING = 1e-10


class _TraceNorm(LinearTaskModel):
    """The penalty, and the directions that it leaves."""

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "ridge": [Interval(Real, 0, None, closed="left")],
    }

    def _penalty(self):
        if self.alpha == 0 and self.ridge == 0:
            raise ValueError(
                f"{type(self).__name__} with alpha=0 and ridge=0 has no penalty left. "
                "Use IndependentTasks around an unpenalised model, or a small penalty."
            )
        gauge = TraceNorm(self.alpha)
        return WithRidge(gauge, self.ridge) if self.ridge > 0 else gauge

    @property
    def components_(self):
        """Orthonormal directions that the coefficients combine, (rank, n_features)."""
        scale = getattr(self, "y_scale_", None)
        coef = self.coef_ if scale is None else self.coef_ / scale[:, None]
        _, s, Z = np.linalg.svd(coef, full_matrices=False)
        Z = Z[s > NOTHING * s.max(initial=0.0)]
        largest = np.abs(Z).argmax(axis=1)
        return Z * np.sign(Z[np.arange(len(Z)), largest])[:, None]

    @property
    def rank_(self):
        """Rank of the coefficients."""
        return len(self.components_)


class TraceNormRegressor(_TraceNorm, LinearTaskRegressor):
    """Regression with coefficients of low rank.

    Minimises ``sum_t c_t / (2 S_t) sum_i s_ti (y_ti - x_ti . w_t - b_t)^2
    + alpha * ||W||_* + ridge / 2 * ||W||_F^2``
    where ``||W||_*``, the trace (or nuclear) norm, is the sum of the singular values of
    the coefficients W of all tasks, s are the sample weights, S_t their sum in task t
    and c_t the weight of the task. It is to the rank what the l1 norm is to the number
    of non-zero entries: the tasks come to be combinations of a few directions in the
    space of the features, which are learned with them.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the trace norm; larger values leave fewer directions. In units of
        label times feature, so it means the same for any number of rows.
    ridge : float, default=0
        Strength of the squared norm; larger values shrink more.
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
        same. Strengths, `objective_`, `dual_gap_` and `components_` then refer to the
        scaled labels, `coef_` and predictions to yours.
    task_weight : None, "n_samples" or mapping, default=None
        c_t: 1 for every task, proportional to its sum of weights, or given per task.
    unseen : {"raise", "shared"}, default="raise"
        What to do at prediction with a task that fit never saw: raise, or predict with
        the task-weighted mean of the coefficients and warn.
    solver : {"auto", "factors", "fista", "cvxpy"}, default="auto"
        Newton steps on the factors of a W of low rank between proximal gradient steps,
        these alone, or the slow reference CVXPY (extra ``reference``), which leaves
        small numbers where the others find exact zeros and does not heed `tol`. "auto"
        takes the first.
    tol : float, default=1e-4
        Stop when the duality gap is at most tol times half the null deviance; smaller
        is more exact and slower.
    max_iter : int, default=10000
        Most steps, each about as much work as a gradient.
    warm_start : bool, default=False
        Whether to start from the previous coefficients.

    Attributes
    ----------
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients, one row per task.
    rank_ : int
        Rank of the coefficients.
    components_ : ndarray of shape (rank, n_features)
        The directions that all tasks share, orthonormal, the most used one first;
        ``coef_ @ components_.T`` says how much of each a task takes.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    dual_gap_ : float
        Upper bound of ``objective_`` minus the optimum.
    objective_ : float
        The value of the objective.
    n_iter_ : int
        Steps done.
    converged_ : bool
        Whether ``dual_gap_`` is as small as `tol` asks.
    y_scale_ : ndarray of shape (n_tasks,)
        What the labels were divided by; ones unless `scale_y`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had any.

    See Also
    --------
    TraceNormClassifier : The same for classes.
    TaskRelationshipRegressor : The squared norm, which never leaves a task out.
    SharedSpecificRegressor : Low rank, and outlier tasks or single coefficients.

    Notes
    -----
    The singular vectors depend on the scales of the features: standardise them.

    References
    ----------
    .. [1] A. Argyriou, T. Evgeniou, M. Pontil, "Convex multi-task feature learning",
       Machine Learning 73, 2008. :doi:`10.1007/s10994-007-5040-8`
    .. [2] T. K. Pong, P. Tseng, S. Ji, J. Ye, "Trace norm regularization:
       reformulations, algorithms, and multi-task learning", SIAM Journal on
       Optimization 20, 2010. :doi:`10.1137/090763184`

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import TraceNormRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, direction = rng.normal(size=(200, 4)), np.array([2.0, 2.0, 1.0, 0.0]) / 3
    >>> Y = np.outer(X @ direction, [3.0, -2.0, 1.0]) + 0.1 * rng.normal(size=(200, 3))
    >>> model = TraceNormRegressor(alpha=0.2).fit(X, Y)
    >>> model.rank_
    1
    >>> model.components_.round(1) + 0.0
    array([[0.7, 0.7, 0.3, 0. ]])
    """

    _parameter_constraints: dict = {
        **LinearTaskRegressor._parameter_constraints,
        **_TraceNorm._parameter_constraints,
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        ridge=0,
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
        self.ridge = ridge
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


class TraceNormClassifier(_TraceNorm, LinearTaskClassifier):
    """Classification with coefficients of low rank.

    Minimises ``sum_t c_t / S_t sum_i s_ti [log(1 + exp(z_ti)) - y_ti z_ti]
    + alpha * ||W||_* + ridge / 2 * ||W||_F^2``, with ``z_ti = x_ti . w_t + b_t`` and y
    in {0, 1}. The penalty is that of `TraceNormRegressor`. The classes may differ
    between tasks; with two, the last of the sorted labels is the positive one.

    Parameters
    ----------
    alpha : float, default=0.01
        Strength of the trace norm; larger values leave fewer directions.
    ridge : float, default=0
        Strength of the squared norm; larger values shrink more.
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
    solver : {"auto", "factors", "fista", "cvxpy"}, default="auto"
        Newton steps on the factors of a W of low rank between proximal gradient steps,
        these alone, or the slow reference CVXPY (extra ``reference``), which leaves
        small numbers where the others find exact zeros and does not heed `tol`. "auto"
        takes the first.
    tol : float, default=1e-4
        Stop when the duality gap is at most tol times half the null deviance; smaller
        is more exact and slower.
    max_iter : int, default=10000
        Most steps, each about as much work as a gradient.
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
    rank_ : int
        Rank of the coefficients.
    components_ : ndarray of shape (rank, n_features)
        The directions that all tasks share, orthonormal, the most used one first;
        ``coef_ @ components_.T`` says how much of each a task takes.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    dual_gap_ : float
        Upper bound of ``objective_`` minus the optimum.
    objective_ : float
        The value of the objective.
    n_iter_ : int
        Steps done.
    converged_ : bool
        Whether ``dual_gap_`` is as small as `tol` asks.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had any.

    See Also
    --------
    TraceNormRegressor : The same for numbers, with references.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import TraceNormClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 4))
    >>> Y = np.column_stack([X[:, 0] > 0, X[:, 0] < 0.5, X[:, 0] > -0.5])
    >>> model = TraceNormClassifier(alpha=0.05).fit(X, Y.astype(int))
    >>> model.rank_
    1
    """

    _parameter_constraints: dict = {
        **LinearTaskClassifier._parameter_constraints,
        **_TraceNorm._parameter_constraints,
    }

    def __init__(
        self,
        alpha=0.01,
        *,
        ridge=0,
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
        self.ridge = ridge
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.task_weight = task_weight
        self.unseen = unseen
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
