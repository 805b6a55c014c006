"""Tasks in an order: coefficients change little from one to the next."""

from numbers import Real

import numpy as np

from skmtl._compat import Interval, StrOptions
from skmtl.linear_model.base import LinearTaskModel
from skmtl.linear_model.classification import LinearTaskClassifier
from skmtl.linear_model.joint_tasks import JointTasksMixin
from skmtl.linear_model.regression import LinearTaskRegressor
from skmtl.linear_model.task_order import chain_positions, check_ordered
from skmtl.objectives import Columns, CoupledObjective
from skmtl.penalties import Graph, Progression, WithRidge

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
        if len(joint) > 1:
            check_ordered(every, self.order, layout, type(self).__name__)
        self._chains = self._chains_of(joint, self._columns)

    def _chains_of(self, tasks, columns):
        """Return the columns of W along the chain, one chain per class, (K, T)."""
        chain = chain_positions(tasks, self.order, type(self).__name__)
        if columns is None:
            return chain[None]
        return columns.by_class()[:, chain]  # raises where classes differ

    def _penalty(self):
        if self.alpha == self.gamma == self.ridge == 0:
            raise ValueError(
                f"{type(self).__name__} with alpha=0, gamma=0 and ridge=0 leaves what "
                "the tasks have in common unpenalised. Give one of them a small value, "
                "or use TaskGraph with graph='chain', which certifies that case."
            )
        K, T = self._chains.shape
        ties = None
        if K > 1:
            ties = np.tile(np.arange(1, T + 1) < T, K)[:-1].astype(float)
        beta = self.beta if self.smooth == "l1" else 0.0
        gauge = Progression(self.alpha, beta, self.gamma, self._chains.ravel(), ties)
        return WithRidge(gauge, self.ridge) if self.ridge > 0 else gauge

    def _rows_objective(self, data, known=None):
        objective = super()._rows_objective(data, known)
        columns = None if data.classes is None else Columns(data.tasks, data.classes)
        return self._coupled(objective, data.tasks, columns)

    def _statistics_objective(self, statistics, c, y_scale=1.0):
        objective = super()._statistics_objective(statistics, c, y_scale)
        return self._coupled(objective, statistics.tasks, None)

    def _coupled(self, objective, tasks, columns):
        """Return the objective with the squared differences, where they are smooth."""
        if self.smooth == "l1" or self.beta == 0 or len(tasks) == 1:
            return objective
        chains = self._chains_of(tasks, columns)
        first, second = chains[:, :-1].ravel(), chains[:, 1:].ravel()
        graph = Graph(chains.size, first, second, np.ones(len(first)))
        return CoupledObjective(objective, graph, self.beta)


class TaskProgressionRegressor(_TaskProgression, LinearTaskRegressor):
    """Regression for tasks in an order, with coefficients that change little.

    Minimises ``sum_t c_t / (2 S_t) sum_i s_ti (y_ti - x_ti . w_t - b_t)^2
    + alpha * ||W||_1 + beta * sum_t ||w_t - w_{t+1}||_1 + gamma * sum_j ||W_j||_2
    + ridge / 2 * ||W||_F^2``
    where W_j are the coefficients of feature j in all tasks, s the sample weights, S_t
    their sum in task t and c_t the weight of the task. With ``smooth="squared"`` the
    differences count as ``beta / 2 * sum_t ||w_t - w_{t+1}||_2^2``. Made for the same
    outcome at successive visits of a disease: the first form is the convex fused sparse
    group lasso, the second the temporal group lasso.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the l1 norm; larger values let each task use fewer features.
    beta : float, default=1.0
        Strength on differences between successive tasks; larger values make
        coefficients change less, and at fewer places where ``smooth="l1"``.
    gamma : float, default=1.0
        Strength of the norm over tasks; larger values let the tasks together use fewer
        features.
    smooth : {"l1", "squared"}, default="l1"
        Differences in absolute value, so that coefficients stay the same over runs of
        tasks (cFSGL), or squared, so that they drift (TGL).
    ridge : float, default=0
        Strength of the squared norm; larger values shrink more.
    order : array-like of task labels or None, default=None
        The tasks from first to last. None: numbers in their order, columns of a wide y
        as they stand; labels that are text raise, since months or visits do not sort by
        letters. Labels that the data lack are skipped, and their neighbours become
        neighbours.
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
        same. Strengths, `objective_` and `dual_gap_` then refer to the scaled labels.
    task_weight : None, "n_samples" or mapping, default=None
        c_t: 1 for every task, proportional to its sum of weights, or given per task.
    unseen : {"raise", "shared"}, default="raise"
        What to do at prediction with a task that fit never saw: raise, or predict with
        the task-weighted mean of the coefficients and warn.
    solver : {"auto", "newton", "fista", "cvxpy"}, default="auto"
        Accelerated proximal gradient steps on Newton models of the loss (which is its
        own model where it is squared), or on the loss itself, or the slow reference
        CVXPY (extra ``reference``), which leaves small numbers where the others find
        exact zeros and ties and does not heed `tol`. "auto" takes the first.
    tol : float, default=1e-4
        Stop when the duality gap is at most tol times half the null deviance; smaller
        is more exact and slower.
    max_iter : int, default=10000
        Most proximal steps.
    warm_start : bool, default=False
        Whether to start from the previous coefficients.

    Attributes
    ----------
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients.
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
        What the labels were divided by.
    statistics_ : TaskStatistics
        What `partial_fit` and `fit_statistics` have seen; only after those.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had any.

    See Also
    --------
    TaskProgressionClassifier : The same for classes.
    GroupLassoRegressor : Tasks without an order (``beta=0``).

    References
    ----------
    .. [1] J. Zhou, J. Liu, V. A. Narayan and J. Ye (2012). Modeling disease progression
       via fused sparse group lasso. KDD. https://doi.org/10.1145/2339530.2339702
    .. [2] J. Zhou, J. Liu, V. A. Narayan and J. Ye (2013). Modeling disease progression
       via multi-task learning. NeuroImage 78, 233-248.
       https://doi.org/10.1016/j.neuroimage.2013.03.073

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import TaskProgressionRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, visit = rng.normal(size=(400, 3)), np.tile(np.arange(4), 100)
    >>> effect = np.array([1.0, 1.0, 3.0, 3.0])  # of the first feature, at each visit
    >>> y = effect[visit] * X[:, 0] + 0.1 * rng.normal(size=400)
    >>> model = TaskProgressionRegressor(alpha=0.02, beta=0.02, gamma=0.02)
    >>> model.fit(X, y, task=visit).coef_.round(1) + 0.0
    array([[1., 0., 0.],
           [1., 0., 0.],
           [3., 0., 0.],
           [3., 0., 0.]])
    """

    _parameter_constraints: dict = {
        **LinearTaskRegressor._parameter_constraints,
        **_TaskProgression._parameter_constraints,
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        beta=1.0,
        gamma=1.0,
        smooth="l1",
        ridge=0,
        order=None,
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
        self.gamma = gamma
        self.smooth = smooth
        self.ridge = ridge
        self.order = order
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


class TaskProgressionClassifier(_TaskProgression, LinearTaskClassifier):
    """Classification for tasks in an order, with coefficients that change little.

    Minimises ``sum_t c_t / S_t sum_i s_ti [log(1 + exp(z_ti)) - y_ti z_ti]
    + alpha * ||W||_1 + beta * sum_t ||w_t - w_{t+1}||_1 + gamma * sum_j ||W_j||_2
    + ridge / 2 * ||W||_F^2`` with ``z_ti = x_ti . w_t + b_t`` and y in {0, 1}; the
    penalties are those of `TaskProgressionRegressor`. The last of the two sorted labels
    is the positive one. With more classes each has a column of W, in a log-loss of the
    softmax; the chains tie equal classes, so all tasks need to have the same ones.

    Parameters
    ----------
    alpha : float, default=0.01
        Strength of the l1 norm; larger values let each task use fewer features.
    beta : float, default=0.01
        Strength on differences between successive tasks; larger values make
        coefficients change less, and at fewer places where ``smooth="l1"``.
    gamma : float, default=0.01
        Strength of the norm over tasks; larger values let the tasks together use fewer
        features.
    smooth : {"l1", "squared"}, default="l1"
        Differences in absolute value, so that coefficients stay the same over runs of
        tasks (cFSGL), or squared, so that they drift (TGL).
    ridge : float, default=0
        Strength of the squared norm; larger values shrink more.
    order : array-like of task labels or None, default=None
        The tasks from first to last. None: numbers in their order, columns of a wide y
        as they stand; labels that are text raise, since months or visits do not sort by
        letters. Labels that the data lack are skipped, and their neighbours become
        neighbours.
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
    solver : {"auto", "newton", "fista", "cvxpy"}, default="auto"
        Accelerated proximal gradient steps on Newton models of the loss (which is its
        own model where it is squared), or on the loss itself, or the slow reference
        CVXPY (extra ``reference``), which leaves small numbers where the others find
        exact zeros and ties and does not heed `tol`. "auto" takes the first.
    tol : float, default=1e-4
        Stop when the duality gap is at most tol times half the null deviance; smaller
        is more exact and slower.
    max_iter : int, default=10000
        Most proximal steps.
    warm_start : bool, default=False
        Whether to start from the previous coefficients.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of ndarray
        Sorted union of all classes; after a wide fit a list with an array per task.
    task_classes_ : dict
        The classes of each task.
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients of the log-odds.
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
    TaskProgressionRegressor : The same for numbers, with references.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import TaskProgressionClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, visit = rng.normal(size=(400, 3)), np.tile(np.arange(4), 100)
    >>> y = np.array([1.0, 1.0, 3.0, 3.0])[visit] * X[:, 0] + rng.normal(size=400) > 0
    >>> model = TaskProgressionClassifier(alpha=0.02, beta=0.02, gamma=0.02)
    >>> (model.fit(X, y, task=visit).coef_ != 0).sum(axis=0)
    array([4, 0, 0])
    """

    _parameter_constraints: dict = {
        **LinearTaskClassifier._parameter_constraints,
        **_TaskProgression._parameter_constraints,
    }

    def __init__(
        self,
        alpha=0.01,
        *,
        beta=0.01,
        gamma=0.01,
        smooth="l1",
        ridge=0,
        order=None,
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
        self.gamma = gamma
        self.smooth = smooth
        self.ridge = ridge
        self.order = order
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.task_weight = task_weight
        self.unseen = unseen
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
