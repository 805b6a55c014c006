"""Coefficients in two parts: one that the tasks share, one of each task's own."""

from numbers import Real

import numpy as np

from skmtl._compat import Interval, StrOptions
from skmtl.linear_model.base import LinearTaskModel
from skmtl.linear_model.classification import LinearTaskClassifier
from skmtl.linear_model.regression import LinearTaskRegressor
from skmtl.objectives import SumObjective
from skmtl.penalties import ByTask, SparseGroup, Stacked, TraceNorm

SHARED_PARTS = {
    "rows": SparseGroup,
    "rows_linf": lambda alpha: SparseGroup(alpha, norm="linf"),
    "low_rank": TraceNorm,
}
SPECIFIC_PARTS = {
    "elements": lambda beta, task: SparseGroup(beta, l1_ratio=1.0),
    "tasks": ByTask,
}


class _SharedSpecific(LinearTaskModel):
    """The two penalties, and the way between [P; Q] and what users see."""

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "beta": [Interval(Real, 0, None, closed="neither")],
        "shared": [StrOptions(set(SHARED_PARTS))],
        "specific": [StrOptions(set(SPECIFIC_PARTS))],
    }

    def _penalty(self):
        first = SHARED_PARTS[self.shared](self.alpha)
        several = self._columns is not None and not self._columns.single
        task = self._columns.task if several else None
        second = SPECIFIC_PARTS[self.specific](self.beta, task)
        return Stacked(first, second, self.n_features_in_)

    def _smooth(self, objective):
        return SumObjective(objective)

    def _coordinates(self, kept, y_scale):
        """Return the fitted coefficients of some tasks in those of the solver."""
        parts = (self.coef_shared_[kept], self.coef_specific_[kept])
        return np.concatenate([(part / y_scale[:, None]).T for part in parts])

    def _model_attributes(self, W, intercept, c, y_scale):
        p = self.n_features_in_
        P, Q = W[:p], W[-p:]
        found = super()._model_attributes(P + Q, intercept, c, y_scale)
        for name, part in {"coef_shared_": P, "coef_specific_": Q}.items():
            found[name] = np.ascontiguousarray(part.T * y_scale[:, None])
        return found

    @property
    def _shared_coef(self):
        return self._mean_over_tasks(self.coef_shared_)

    @property
    def outlier_tasks_(self):
        """Labels of the tasks with a part of their own."""
        return self.tasks_[np.unique(self._row_task[self.coef_specific_.any(axis=1)])]


class SharedSpecificRegressor(_SharedSpecific, LinearTaskRegressor):
    """Regression with a part that the tasks share and one of each task's own.

    Minimises ``sum_t c_t / (2 S_t) sum_i s_ti (y_ti - x_ti . w_t - b_t)^2
    + alpha * Omega_shared(P) + beta * Omega_specific(Q)`` over ``W = P + Q``, with s
    the sample weights, S_t their sum in task t and c_t the weight of the task. The
    shared part is sparse by rows (``sum_j ||P_j||_2``, or ``sum_j max_t |P_jt|``) or of
    low rank (the trace norm); the specific one is sparse by elements (``||Q||_1``) or
    by tasks (``sum_t ||q_t||_2``). Rows with elements is the dirty model, low rank with
    tasks robust multi-task learning, rows with tasks robust feature learning, low rank
    with elements sparse plus low rank.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength on the shared part; larger values leave more to the specific one.
    beta : float, default=1.0
        Strength on the specific part; larger values make the tasks more alike. With
        rows and elements, ``beta >= alpha`` empties the specific part and ``alpha >=
        sqrt(n_tasks) * beta`` the shared one.
    shared : {"rows", "rows_linf", "low_rank"}, default="rows"
        What the tasks share: features (with sizes that are free or of one bound), or a
        few directions.
    specific : {"elements", "tasks"}, default="elements"
        What a task may have of its own: single coefficients, or everything, in a few
        outlier tasks.
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
        same.
    task_weight : None, "n_samples" or mapping, default=None
        c_t: 1 for every task, proportional to its sum of weights, or given per task.
    unseen : {"raise", "shared"}, default="raise"
        What to do at prediction with a task that fit never saw: raise, or predict with
        the task-weighted mean of the shared part and warn.
    solver : {"auto", "bcd", "fista", "cvxpy"}, default="auto"
        Block coordinate descent (rows with elements only), accelerated proximal
        gradient, or the slow reference CVXPY (extra ``reference``), which leaves small
        numbers where the others find exact zeros and does not heed `tol`. "auto" takes
        the first where it can.
    tol : float, default=1e-4
        Stop when the duality gap is at most tol times half the null deviance; smaller
        is more exact and slower.
    max_iter : int, default=10000
        Most sweeps over the features (or proximal steps).
    warm_start : bool, default=False
        Whether to start from the previous coefficients.

    Attributes
    ----------
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients, the sum of both parts.
    coef_shared_ : ndarray of shape (n_tasks, n_features)
        The shared part P. The optimum fixes the sum; where the penalties tie, the split
        is one of several.
    coef_specific_ : ndarray of shape (n_tasks, n_features)
        The specific part Q.
    outlier_tasks_ : ndarray
        Labels of the tasks with a specific part other than 0.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    dual_gap_ : float
        Upper bound of ``objective_`` minus the optimum.
    objective_ : float
        The value of the objective.
    n_iter_ : int
        Sweeps (or steps) done.
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
    GroupLassoRegressor : Without a part of each task's own.

    References
    ----------
    .. [1] A. Jalali, P. Ravikumar, S. Sanghavi, C. Ruan, "A dirty model for multi-task
       learning", Advances in Neural Information Processing Systems 23, 2010.
    .. [2] J. Chen, J. Zhou, J. Ye, "Integrating low-rank and group-sparse structures
       for robust multi-task learning", KDD 2011. :doi:`10.1145/2020408.2020423`
    .. [3] P. Gong, J. Ye, C. Zhang, "Robust multi-task feature learning", KDD 2012.
       :doi:`10.1145/2339530.2339672`

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import SharedSpecificRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, coef = rng.normal(size=(200, 5)), np.array([[2.0, 0, 0, 0, 0]] * 3)
    >>> coef[2, 4] = 1.0  # one task needs a feature more
    >>> Y = X @ coef.T + 0.1 * rng.normal(size=(200, 3))
    >>> model = SharedSpecificRegressor(alpha=0.2, beta=0.15).fit(X, Y)
    >>> model.coef_shared_.any(axis=0)
    array([ True, False, False, False, False])
    >>> model.outlier_tasks_
    array([2])
    """

    _parameter_constraints: dict = {
        **LinearTaskRegressor._parameter_constraints,
        **_SharedSpecific._parameter_constraints,
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        beta=1.0,
        shared="rows",
        specific="elements",
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
        self.beta = beta
        self.shared = shared
        self.specific = specific
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


class SharedSpecificClassifier(_SharedSpecific, LinearTaskClassifier):
    """Classification with a part that the tasks share and one of each task's own.

    Minimises ``sum_t c_t / S_t sum_i s_ti [log(1 + exp(z_ti)) - y_ti z_ti]
    + alpha * Omega_shared(P) + beta * Omega_specific(Q)`` over ``W = P + Q``, with
    ``z_ti = x_ti . w_t + b_t`` and y in {0, 1}. The parts and their penalties are those
    of `SharedSpecificRegressor`. The last of a task's two sorted labels is the positive
    one. A task with more classes has a column of W for each, in the multinomial loss
    ``log(sum_k exp(z_k)) - z_y``, and `specific` "tasks" takes its columns as one.
    Classes may differ between tasks.

    Parameters
    ----------
    alpha : float, default=0.01
        Strength on the shared part; larger values leave more to the specific one.
    beta : float, default=0.01
        Strength on the specific part; larger values make the tasks more alike.
    shared : {"rows", "rows_linf", "low_rank"}, default="rows"
        What the tasks share: features (with sizes that are free or of one bound), or a
        few directions.
    specific : {"elements", "tasks"}, default="elements"
        What a task may have of its own: single coefficients, or everything, in a few
        outlier tasks.
    fit_intercept : bool, default=True
        Whether to fit b_t, which is never penalised.
    class_weight : None, "balanced" or mapping, default=None
        Weights of the classes, multiplied into the sample weights; "balanced" makes the
        classes of each task weigh the same within the task.
    task_weight : None, "n_samples" or mapping, default=None
        c_t: 1 for every task, proportional to its sum of weights, or given per task.
    unseen : {"raise", "shared"}, default="raise"
        What to do at prediction with a task that fit never saw: raise, or predict with
        the task-weighted mean of the shared part and warn.
    solver : {"auto", "bcd", "fista", "cvxpy"}, default="auto"
        Block coordinate descent (rows with elements only), accelerated proximal
        gradient, or the slow reference CVXPY (extra ``reference``), which leaves small
        numbers where the others find exact zeros and does not heed `tol`. "auto" takes
        the first where it can.
    tol : float, default=1e-4
        Stop when the duality gap is at most tol times half the null deviance; smaller
        is more exact and slower.
    max_iter : int, default=10000
        Most sweeps over the features (or proximal steps).
    warm_start : bool, default=False
        Whether to start from the previous coefficients.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of ndarray
        Sorted union of all classes; after a wide fit a list with an array per task.
    task_classes_ : dict
        The classes of each task.
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients of the log-odds, the sum of both parts; a row per task, per class
        where a task has more than two.
    coef_rows_ : list of (task, class)
        What each row of `coef_` and `intercept_` belongs to; (task, positive class)
        where there are two.
    coef_shared_ : ndarray of shape (n_tasks, n_features)
        The shared part P.
    coef_specific_ : ndarray of shape (n_tasks, n_features)
        The specific part Q.
    outlier_tasks_ : ndarray
        Labels of the tasks with a specific part other than 0.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts, of sum 0 over the classes of a task with more than two.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    dual_gap_ : float
        Upper bound of ``objective_`` minus the optimum.
    objective_ : float
        The value of the objective.
    n_iter_ : int
        Sweeps (or steps) done.
    converged_ : bool
        Whether ``dual_gap_`` is as small as `tol` asks.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had any.

    See Also
    --------
    SharedSpecificRegressor : The same for numbers, with references.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import SharedSpecificClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 4))
    >>> Y = np.column_stack([X[:, 0] > 0, X[:, 0] > 0, X[:, 0] + X[:, 3] > 0])
    >>> model = SharedSpecificClassifier(alpha=0.06, beta=0.04).fit(X, Y.astype(int))
    >>> model.coef_shared_.any(axis=0)
    array([ True, False, False, False])
    >>> model.outlier_tasks_
    array([2])
    """

    _parameter_constraints: dict = {
        **LinearTaskClassifier._parameter_constraints,
        **_SharedSpecific._parameter_constraints,
    }

    def __init__(
        self,
        alpha=0.01,
        *,
        beta=0.01,
        shared="rows",
        specific="elements",
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
        self.beta = beta
        self.shared = shared
        self.specific = specific
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.task_weight = task_weight
        self.unseen = unseen
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
