"""Models that learn how the tasks are related."""

from skmtl.linear_model.classification import LinearTaskClassifier
from skmtl.linear_model.regression import LinearTaskRegressor
from skmtl.linear_model.related_tasks import RelatedTasks


class TaskRelationshipRegressor(RelatedTasks, LinearTaskRegressor):
    """Regression that learns how the tasks are related.

    Minimises ``sum_t c_t / (2 S_t) sum_i s_ti (y_ti - x_ti . w_t - b_t)^2
    + alpha / 2 * tr(W C^-1 W') + ridge / 2 * ||W||_F^2``
    over the coefficients W (one column per task) and the covariance C >= 0 of the
    tasks, of trace 1, with s the sample weights, S_t their sum in task t and c_t the
    weight of the task. Tasks with a positive entry in C pull each other's coefficients
    together, with a negative one apart, and with none leave each other alone. Jointly
    convex: with the best C the second term is ``alpha / 2`` times the squared sum of
    the singular values of W, which gives the duality gap.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the relations; larger values shrink more, and towards fewer
        directions that all tasks share.
    ridge : float, default=0
        Strength of the squared norm; larger values shrink each task by itself.
    relationship : {"covariance", "precision"}, default="covariance"
        What is learned of the tasks: a covariance, in a convex problem; or its inverse
        with entries that are exactly 0 between tasks that are unrelated given the
        others, by a problem that is not convex. See the notes.
    sparsity : float, default=0.5
        For "precision": strength of the l1 norm of its entries off the diagonal; larger
        values relate fewer tasks.
    eps : float, default=0.01
        For "precision": the size of squared coefficients from which on relations shape
        the penalty. Smaller values learn more of them, and shrink large coefficients
        less.
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
        same. Strengths, `objective_`, `dual_gap_` and relations then refer to the
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
        takes the first; with relationship="precision" "fista" is the only other choice.
    tol : float, default=1e-4
        Stop when the duality gap is at most tol times half the null deviance; smaller
        is more exact and slower. With "precision": when no feature is further than
        ``tol * alpha`` from stationarity.
    max_iter : int, default=10000
        Most steps, each about as much work as a gradient.
    warm_start : bool, default=False
        Whether to start from the previous coefficients.

    Attributes
    ----------
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients, one row per task.
    task_covariance_ : ndarray of shape (n_tasks, n_tasks)
        Learned covariance of the coefficients between tasks, of trace 1, that is
        ``(W'W)^(1/2)`` over its trace for "covariance". Without any coefficients: no
        relations.
    task_correlation_ : ndarray of shape (n_tasks, n_tasks)
        The same as correlations in [-1, 1], which may be negative; 0 for a task without
        coefficients. An outlier task has small ones with all others.
    task_precision_ : ndarray of shape (n_tasks, n_tasks)
        With "precision" only: in units of ``1 / eps``, 1 on the diagonal where there
        are no coefficients.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    dual_gap_ : float
        Upper bound of ``objective_`` minus the optimum; with "covariance".
    objective_ : float
        The value of the objective.
    n_iter_ : int
        Steps done.
    converged_ : bool
        Whether ``dual_gap_`` (or ``stationarity_``) is as small as `tol` asks.
    stationarity_ : float
        With "precision", in the place of ``dual_gap_``: the largest distance of a
        feature to stationarity. Another stationary point may be better.
    y_scale_ : ndarray of shape (n_tasks,)
        What the labels were divided by; ones unless `scale_y`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had any.

    See Also
    --------
    TaskRelationshipClassifier : The same for classes.
    TraceNormRegressor : The norm itself, which sets the rank.

    Notes
    -----
    With relationship="precision" the second term is the least over K (positive
    definite) of ``alpha / 2 * [tr(W K W') + p * eps * (tr K - log det K - T + sparsity
    * sum_(s != t) |K_st|)]`` for p features and T tasks. K = I, a ridge of strength
    alpha, is best for small coefficients. Starting from the convex model, K (a
    graphical lasso) and W are found in turn; the objective never rises.

    References
    ----------
    .. [1] Y. Zhang, D.-Y. Yeung, "A convex formulation for learning task relationships
       in multi-task learning", Uncertainty in Artificial Intelligence, 2010.
    .. [2] Y. Zhang, J. Schneider, "Learning multiple tasks with a sparse matrix-normal
       penalty", Advances in Neural Information Processing Systems 23, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import TaskRelationshipRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, (v, w) = rng.normal(size=(100, 8)), np.repeat(np.eye(2), 4, axis=1)
    >>> coef = np.array([v, v, -v, w])  # two alike, one opposite, one unrelated
    >>> Y = X @ coef.T + rng.normal(size=(100, 4))
    >>> model = TaskRelationshipRegressor(alpha=0.05).fit(X, Y)
    >>> model.task_correlation_.round(1) + 0.0
    array([[ 1. ,  0.9, -0.9,  0. ],
           [ 0.9,  1. , -1. ,  0. ],
           [-0.9, -1. ,  1. ,  0. ],
           [ 0. ,  0. ,  0. ,  1. ]])
    """

    _parameter_constraints: dict = {
        **LinearTaskRegressor._parameter_constraints,
        **RelatedTasks._parameter_constraints,
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        ridge=0,
        relationship="covariance",
        sparsity=0.5,
        eps=0.01,
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
        self.relationship = relationship
        self.sparsity = sparsity
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


class TaskRelationshipClassifier(RelatedTasks, LinearTaskClassifier):
    """Classification that learns how the tasks are related.

    Minimises ``sum_t c_t / S_t sum_i s_ti [log(1 + exp(z_ti)) - y_ti z_ti]
    + alpha / 2 * tr(W C^-1 W') + ridge / 2 * ||W||_F^2`` over the coefficients W and
    the covariance C >= 0 of the tasks, of trace 1, with ``z_ti = x_ti . w_t + b_t`` and
    y in {0, 1}. The penalties are those of `TaskRelationshipRegressor`. The classes may
    differ between tasks; with two, the last of the sorted labels is the positive one.

    Parameters
    ----------
    alpha : float, default=0.01
        Strength of the relations; larger values shrink more, and towards fewer
        directions that all tasks share.
    ridge : float, default=0
        Strength of the squared norm; larger values shrink each task by itself.
    relationship : {"covariance", "precision"}, default="covariance"
        What is learned of the tasks: a covariance, in a convex problem; or its inverse
        with entries that are exactly 0 between tasks that are unrelated given the
        others, by a problem that is not convex. See the notes.
    sparsity : float, default=0.5
        For "precision": strength of the l1 norm of its entries off the diagonal; larger
        values relate fewer tasks.
    eps : float, default=0.01
        For "precision": the size of squared coefficients from which on relations shape
        the penalty. Smaller values learn more of them, and shrink large coefficients
        less.
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
        takes the first; with relationship="precision" "fista" is the only other choice.
    tol : float, default=1e-4
        Stop when the duality gap is at most tol times half the null deviance; smaller
        is more exact and slower. With "precision": when no feature is further than
        ``tol * alpha`` from stationarity.
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
    task_covariance_ : ndarray of shape (n_tasks, n_tasks)
        Learned covariance of the coefficients between tasks, of trace 1, that is
        ``(W'W)^(1/2)`` over its trace for "covariance". Without any coefficients: no
        relations.
    task_correlation_ : ndarray of shape (n_tasks, n_tasks)
        The same as correlations in [-1, 1], which may be negative; 0 for a task without
        coefficients. An outlier task has small ones with all others.
    task_precision_ : ndarray of shape (n_tasks, n_tasks)
        With "precision" only: in units of ``1 / eps``, 1 on the diagonal where there
        are no coefficients.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    dual_gap_ : float
        Upper bound of ``objective_`` minus the optimum; with "covariance".
    objective_ : float
        The value of the objective.
    n_iter_ : int
        Steps done.
    converged_ : bool
        Whether ``dual_gap_`` (or ``stationarity_``) is as small as `tol` asks.
    stationarity_ : float
        With "precision", in the place of ``dual_gap_``: the largest distance of a
        feature to stationarity. Another stationary point may be better.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had any.

    See Also
    --------
    TaskRelationshipRegressor : The same for numbers, with notes and references.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import TaskRelationshipClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 4))
    >>> Y = np.column_stack([X[:, 0] > 0, X[:, 0] < 0, X[:, 1] > 0]).astype(int)
    >>> model = TaskRelationshipClassifier(alpha=0.001).fit(X, Y)
    >>> model.task_correlation_.round(1) + 0.0
    array([[ 1., -1.,  0.],
           [-1.,  1.,  0.],
           [ 0.,  0.,  1.]])
    """

    _parameter_constraints: dict = {
        **LinearTaskClassifier._parameter_constraints,
        **RelatedTasks._parameter_constraints,
    }

    def __init__(
        self,
        alpha=0.01,
        *,
        ridge=0,
        relationship="covariance",
        sparsity=0.5,
        eps=0.01,
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
        self.relationship = relationship
        self.sparsity = sparsity
        self.eps = eps
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.task_weight = task_weight
        self.unseen = unseen
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
