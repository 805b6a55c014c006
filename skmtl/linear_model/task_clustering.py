"""Clustered tasks: tasks fall into a few groups of similar coefficients."""

from skmtl.linear_model.classification import LinearTaskClassifier
from skmtl.linear_model.clustered_tasks import TaskClustering
from skmtl.linear_model.regression import LinearTaskRegressor


class TaskClusteringRegressor(TaskClustering, LinearTaskRegressor):
    """Regression with tasks that fall into groups of similar tasks.

    Minimises ``sum_t c_t / (2 S_t) sum_i s_ti (y_ti - x_ti . w_t - b_t)^2
    + beta (alpha + beta) * min over M of tr(W (beta I + alpha M)^-1 W')`` over
    W and M (n_tasks, n_tasks) of trace k with eigenvalues in [0, 1], with s the sample
    weights, S_t their sum in task t and c_t the weight of the task [1]_. For M that
    averages over k groups of tasks this is ``alpha * sum_t ||w_t - mean of its
    group||^2 + beta * ||W||_F^2``, which ``method="kmeans"`` minimises over the groups;
    allowing any M makes the problem convex.

    Parameters
    ----------
    n_clusters : int, default=2
        Number of groups k. More than ``min(n_features, n_tasks)`` count as that, which
        leaves a ridge penalty.
    alpha : float, default=1.0
        Strength that draws the tasks of a group together; larger values make them more
        alike. 0 leaves a ridge regression per task, of strength ``2 * beta``. In the
        convex model an alpha far above beta adds nothing.
    beta : float, default=1.0
        Strength that shrinks all coefficients, above 0. The convex penalty is at most
        beta times the squared trace norm of W, so a small beta shares little.
    method : {"convex", "kmeans"}, default="convex"
        The convex relaxation with a certificate, or the k-means model itself, by
        alternation from several starts, without one.
    centred : bool, default=False
        Whether one of the k directions of the convex relaxation is kept for the mean of
        all tasks, as by Jacob et al. (2009): a tighter relaxation of the same model.
        With ``n_clusters=1`` all tasks are drawn to their mean.
    n_init : int, default=10
        Number of starts of ``method="kmeans"``.
    random_state : int, RandomState instance or None, default=None
        Of the starts of ``method="kmeans"``. Pass an int for the same answer each time.
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
        same. `alpha`, `beta`, `objective_`, `dual_gap_`, the groups and
        their centres then refer to the scaled labels, `coef_` and predictions to yours.
    task_weight : None, "n_samples" or mapping, default=None
        c_t: 1 for every task, proportional to its sum of weights, or given per task.
    unseen : {"raise", "shared"}, default="raise"
        What to do at prediction with a task that fit never saw: raise, or predict with
        the task-weighted mean of the coefficients and warn.
    solver : {"auto", "lbfgs", "fista", "cvxpy"}, default="auto"
        Limited-memory BFGS on one ridge regression per task, accelerated proximal
        gradient, or the slow reference CVXPY (extra ``reference``), which does not heed
        `tol`. "auto" takes the first, which leaves the second to problems of more
        features than rows.
    tol : float, default=1e-4
        Stop when the duality gap is at most tol times half the null deviance; smaller
        is more exact and slower. For ``method="kmeans"``: when `stationarity_` is at
        most tol.
    max_iter : int, default=10000
        Most iterations; for ``method="kmeans"`` most rounds of a start.
    warm_start : bool, default=False
        Whether to start from the previous coefficients.

    Attributes
    ----------
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients, one row per task.
    cluster_labels_ : ndarray of shape (n_tasks,)
        Group of each task, numbered as they come up; -1 for a task that took no part.
        From the convex model, by k-means on the leading eigenvectors of
        `task_affinity_`: a reading of the fit, no part of it.
    task_affinity_ : ndarray of shape (n_tasks, n_tasks)
        M: near 1 / (number of tasks of the group) for two tasks of one group, near 0
        for others.
    cluster_centers_ : ndarray of shape (n_groups, n_features)
        Task-weighted mean of the coefficients in each group, in the
        units of the scaled labels.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    dual_gap_ : float
        Upper bound of ``objective_`` minus the optimum. Not set by ``method="kmeans"``.
    stationarity_ : float
        Of ``method="kmeans"``: the largest row of the gradient at the groups that were
        found, relative to that of the loss at 0. Other groups may be better.
    objective_ : float
        The value of the objective.
    n_iter_ : int
        Iterations done.
    converged_ : bool
        Whether ``dual_gap_`` (`stationarity_`) is as small as `tol` asks.
    y_scale_ : ndarray of shape (n_tasks,)
        What the labels were divided by; ones unless `scale_y`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had any.

    See Also
    --------
    SharedSubspaceRegressor : The same penalty, read as a subspace of features.

    Notes
    -----
    The penalty is smooth, and its minimum over M is known in closed form: it is a
    function of the singular values of W, with a conjugate that is finite everywhere, so
    the duality gap needs no scaling.

    References
    ----------
    .. [1] J. Zhou, J. Chen, J. Ye, "Clustered multi-task learning via alternating
       structure optimization", Advances in Neural Information Processing Systems 24,
       2011.
    .. [2] L. Jacob, F. Bach, J.-P. Vert, "Clustered multi-task learning: a convex
       formulation", Advances in Neural Information Processing Systems 21, 2009.

    Examples
    --------
    >>> from skmtl import TaskClusteringRegressor
    >>> from skmtl.datasets import make_clustered_tasks
    >>> X, y, task, _, groups = make_clustered_tasks(
    ...     n_tasks=6, n_clusters=2, return_labels=True, random_state=0
    ... )
    >>> model = TaskClusteringRegressor(2, alpha=0.3, beta=0.01).fit(X, y, task=task)
    >>> groups
    array([1, 0, 1, 1, 0, 0])
    >>> model.cluster_labels_
    array([0, 1, 0, 0, 1, 1])
    >>> model.cluster_centers_.shape
    (2, 20)
    """

    _parameter_constraints: dict = {
        **LinearTaskRegressor._parameter_constraints,
        **TaskClustering._parameter_constraints,
    }

    def __init__(
        self,
        n_clusters=2,
        *,
        alpha=1.0,
        beta=1.0,
        method="convex",
        centred=False,
        n_init=10,
        random_state=None,
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
        self.n_clusters = n_clusters
        self.alpha = alpha
        self.beta = beta
        self.method = method
        self.centred = centred
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


class TaskClusteringClassifier(TaskClustering, LinearTaskClassifier):
    """Classification with tasks that fall into groups of similar tasks.

    Minimises ``sum_t c_t / S_t sum_i s_ti [log(1 + exp(z_ti)) - y_ti z_ti]
    + beta (alpha + beta) * min over M of tr(W (beta I + alpha M)^-1 W')`` over
    W and M (n_tasks, n_tasks) of trace k with eigenvalues in [0, 1], with ``z_ti = x_ti
    . w_t + b_t`` and y in {0, 1}; see `TaskClusteringRegressor`. The last of a
    task's two sorted labels is the positive one. With more classes, which all tasks
    must have then, the loss is the multinomial ``log(sum_k exp(z_k)) - z_y`` and a
    task's coefficients for all its classes make up its w_t.

    Parameters
    ----------
    n_clusters : int, default=2
        Number of groups k. More than ``min(n_features, n_tasks)`` count as that, which
        leaves a ridge penalty.
    alpha : float, default=0.01
        Strength that draws the tasks of a group together; larger values make them more
        alike. 0 leaves a ridge regression per task, of strength ``2 * beta``. In the
        convex model an alpha far above beta adds nothing.
    beta : float, default=0.01
        Strength that shrinks all coefficients, above 0. The convex penalty is at most
        beta times the squared trace norm of W, so a small beta shares little.
    method : {"convex", "kmeans"}, default="convex"
        The convex relaxation with a certificate, or the k-means model itself, by
        alternation from several starts, without one.
    centred : bool, default=False
        Whether one of the k directions of the convex relaxation is kept for the mean of
        all tasks, as by Jacob et al. (2009): a tighter relaxation of the same model.
        With ``n_clusters=1`` all tasks are drawn to their mean.
    n_init : int, default=10
        Number of starts of ``method="kmeans"``.
    random_state : int, RandomState instance or None, default=None
        Of the starts of ``method="kmeans"``. Pass an int for the same answer each time.
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
    solver : {"auto", "lbfgs", "fista", "cvxpy"}, default="auto"
        Limited-memory BFGS on one ridge regression per task, accelerated proximal
        gradient, or the slow reference CVXPY (extra ``reference``), which does not heed
        `tol`. "auto" takes the first, which leaves the second to problems of more
        features than rows.
    tol : float, default=1e-4
        Stop when the duality gap is at most tol times half the null deviance; smaller
        is more exact and slower. For ``method="kmeans"``: when `stationarity_` is at
        most tol.
    max_iter : int, default=10000
        Most iterations; for ``method="kmeans"`` most rounds of a start.
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
    cluster_labels_ : ndarray of shape (n_tasks,)
        Group of each task, numbered as they come up; -1 for a task that took no part.
        From the convex model, by k-means on the leading eigenvectors of
        `task_affinity_`: a reading of the fit, no part of it.
    task_affinity_ : ndarray of shape (n_tasks, n_tasks)
        M: near 1 / (number of tasks of the group) for two tasks of one group, near 0
        for others.
    cluster_centers_ : ndarray of shape (n_groups, n_features)
        Task-weighted mean of the coefficients in each group.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    dual_gap_ : float
        Upper bound of ``objective_`` minus the optimum. Not set by ``method="kmeans"``.
    stationarity_ : float
        Of ``method="kmeans"``: the largest row of the gradient at the groups that were
        found, relative to that of the loss at 0. Other groups may be better.
    objective_ : float
        The value of the objective.
    n_iter_ : int
        Iterations done.
    converged_ : bool
        Whether ``dual_gap_`` (`stationarity_`) is as small as `tol` asks.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had any.

    See Also
    --------
    TaskClusteringRegressor : The same for numbers, with references.

    Examples
    --------
    >>> from skmtl import TaskClusteringClassifier
    >>> from skmtl.datasets import make_clustered_tasks
    >>> X, y, task, _, groups = make_clustered_tasks(
    ...     n_tasks=6, n_clusters=2, task_type="classification", return_labels=True,
    ...     n_samples=200, random_state=0,
    ... )
    >>> model = TaskClusteringClassifier(2, alpha=0.05, beta=0.001)
    >>> model.fit(X, y, task=task).cluster_labels_
    array([0, 1, 0, 0, 1, 1])
    >>> groups
    array([1, 0, 1, 1, 0, 0])
    """

    _parameter_constraints: dict = {
        **LinearTaskClassifier._parameter_constraints,
        **TaskClustering._parameter_constraints,
    }

    def __init__(
        self,
        n_clusters=2,
        *,
        alpha=0.01,
        beta=0.01,
        method="convex",
        centred=False,
        n_init=10,
        random_state=None,
        fit_intercept=True,
        class_weight=None,
        task_weight=None,
        unseen="raise",
        solver="auto",
        tol=1e-4,
        max_iter=10_000,
        warm_start=False,
    ):
        self.n_clusters = n_clusters
        self.alpha = alpha
        self.beta = beta
        self.method = method
        self.centred = centred
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
