"""Coefficients that differ little between tasks that a graph ties together."""

from skmtl.linear_model.classification import LinearTaskClassifier
from skmtl.linear_model.regression import LinearTaskRegressor
from skmtl.linear_model.tied_tasks import TiedTasks


class TaskGraphRegressor(TiedTasks, LinearTaskRegressor):
    """Regression in which a graph ties the tasks: alike, or equal in clusters.

    Minimises ``sum_t c_t / (2 S_t) sum_i s_ti (y_ti - x_ti . w_t - b_t)^2 + alpha *
    Omega(W) + ridge / 2 * ||W||_F^2``, with s the sample weights, S_t their sum in task
    t and c_t the weight of the task. Omega sums over the edges between tasks s and t,
    each once with its weight a_st: ``a_st / 2 * ||w_s - w_t||_2^2`` (mean-regularised
    multi-task learning for ``graph="mean"``), or ``a_st * ||w_s - w_t||_2``, or
    ``a_st * ||w_s - w_t||_1``.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength; larger values make tied tasks more alike. 0 fits each task by itself;
        beyond all bounds a connected component of tasks has one set of coefficients
        (with intercepts of their own).
    graph : {"mean", "chain", "knn"}, array, DataFrame, list or mapping, \
default="mean"
        Which tasks are tied, and how strongly. "mean": all pairs, with weights of 1 /
        n_tasks, so that squared differences are those from the mean of all tasks.
        "chain": successive tasks. "knn": each task and the `n_neighbors` most like it,
        by `task_features` or, without these, by ridge fits of each task; the weight
        falls with the distance, from 1 to 0.6 for the farthest neighbour. Or symmetric
        weights of at least 0: an array (n_tasks, n_tasks) in the order of
        `tasks_`, a DataFrame with task labels as index and columns, or edges by label,
        ``[(task, task), (task, task, weight), ...]`` or a mapping ``{(task, task):
        weight}``. Labelled ones must name every task of the data and may name others,
        which cross-validation needs where a fold lacks a task.
    ridge : float, default=0
        Strength of the squared norm; larger values shrink the coefficients. With 0
        nothing penalises what tied tasks have in common, for which they then need more
        rows than features.
    norm : {"squared", "l2", "l1"}, default="squared"
        Size of a difference. "squared" pulls tied tasks together and leaves all
        different; "l2" (the network lasso) makes tasks equal as a whole, in clusters,
        and "l1" feature by feature.
    order : array-like of task labels, default=None
        The order of a chain, where labels are text or do not sort as they should. It
        must name every task of the data and may name others.
    n_neighbors : int, default=5
        For ``graph="knn"``; larger values tie more tasks.
    task_features : array-like, DataFrame or mapping, default=None
        For ``graph="knn"``: numbers that describe each task, one row per task in the
        order of `tasks_`, or by label (the index of a DataFrame, the keys of a
        mapping). They are standardised.
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
        same. The tasks are then alike in those units.
    task_weight : None, "n_samples" or mapping, default=None
        c_t: 1 for every task, proportional to its sum of weights, or given per task.
    unseen : {"raise", "shared"}, default="raise"
        What to do at prediction with a task that fit never saw: raise, or predict with
        the mean of the coefficients (and the task-weighted mean of the intercepts) and
        warn.
    solver : {"auto", "quadratic", "fista", "admm", "cvxpy"}, default="auto"
        For squared differences one linear system ("quadratic", Newton steps for other
        losses) or accelerated proximal gradient ("fista"); for the other norms
        alternating directions ("admm") or, where the prox is exact ("l1" on "mean" or
        on a chain), "fista". Or the slow reference CVXPY (extra ``reference``), which
        leaves small numbers where the others find exact zeros and does not heed `tol`.
        "auto" takes the first that can.
    tol : float, default=1e-4
        Stop when the duality gap is at most tol times half the null deviance; smaller
        is more exact and slower. With norms that are not squared the gap closes
        slowly: ask for 1e-4 to 1e-6.
    max_iter : int, default=10000
        Most steps.
    warm_start : bool, default=False
        Whether to start from the previous coefficients.

    Attributes
    ----------
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients.
    coef_shared_ : ndarray of shape (n_features,)
        Their mean over the tasks.
    cluster_labels_ : ndarray of shape (n_tasks,)
        Unless ``norm="squared"``: a number for each set of tied tasks with the same
        coefficients, from 0 in the order of `tasks_`.
    graph_ : sparse array of shape (n_tasks, n_tasks)
        The weights between the tasks, in the order of `tasks_`.
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
    GroupLassoRegressor : Tasks that share features rather than coefficients.

    References
    ----------
    .. [1] T. Evgeniou, M. Pontil, "Regularized multi-task learning", KDD 2004.
       :doi:`10.1145/1014052.1014067`
    .. [2] D. Hallac, J. Leskovec, S. Boyd, "Network lasso: clustering and optimization
       in large graphs", KDD 2015. :doi:`10.1145/2783258.2783313`

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import TaskGraphRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, coef = rng.normal(size=(60, 2)), np.array([[1, 0], [1, 0], [3, 1]])
    >>> Y = X @ coef.T + rng.normal(size=(60, 3))
    >>> TaskGraphRegressor(alpha=1e6).fit(X, Y).coef_.std(axis=0).round(4)
    array([0., 0.])
    >>> TaskGraphRegressor(alpha=1.5, norm="l2").fit(X, Y).cluster_labels_
    array([0, 0, 1])
    """

    _parameter_constraints: dict = {
        **LinearTaskRegressor._parameter_constraints,
        **TiedTasks._parameter_constraints,
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        graph="mean",
        ridge=0.0,
        norm="squared",
        order=None,
        n_neighbors=5,
        task_features=None,
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
        self.graph = graph
        self.ridge = ridge
        self.norm = norm
        self.order = order
        self.n_neighbors = n_neighbors
        self.task_features = task_features
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


class TaskGraphClassifier(TiedTasks, LinearTaskClassifier):
    """Classification in which a graph ties the tasks: alike, or equal in clusters.

    Minimises ``sum_t c_t / S_t sum_i s_ti [log(1 + exp(z_ti)) - y_ti z_ti] + alpha *
    Omega(W) + ridge / 2 * ||W||_F^2``, with ``z_ti = x_ti . w_t + b_t``, y in {0, 1}
    and the penalties of `TaskGraphRegressor`. Each task has two classes; the last of
    its sorted labels is the positive one.

    Parameters
    ----------
    alpha : float, default=0.01
        Strength; larger values make tied tasks more alike. 0 fits each task by itself;
        beyond all bounds a connected component of tasks has one set of coefficients
        (with intercepts of their own).
    graph : {"mean", "chain", "knn"}, array, DataFrame, list or mapping, \
default="mean"
        Which tasks are tied, and how strongly. "mean": all pairs, with weights of 1 /
        n_tasks, so that squared differences are those from the mean of all tasks.
        "chain": successive tasks. "knn": each task and the `n_neighbors` most like it,
        by `task_features` or, without these, by ridge fits of each task; the weight
        falls with the distance, from 1 to 0.6 for the farthest neighbour. Or symmetric
        weights of at least 0: an array (n_tasks, n_tasks) in the order of
        `tasks_`, a DataFrame with task labels as index and columns, or edges by label,
        ``[(task, task), (task, task, weight), ...]`` or a mapping ``{(task, task):
        weight}``. Labelled ones must name every task of the data and may name others,
        which cross-validation needs where a fold lacks a task.
    ridge : float, default=0
        Strength of the squared norm; larger values shrink the coefficients. With 0
        nothing penalises what tied tasks have in common, for which they then need more
        rows than features.
    norm : {"squared", "l2", "l1"}, default="squared"
        Size of a difference. "squared" pulls tied tasks together and leaves all
        different; "l2" (the network lasso) makes tasks equal as a whole, in clusters,
        and "l1" feature by feature.
    order : array-like of task labels, default=None
        The order of a chain, where labels are text or do not sort as they should. It
        must name every task of the data and may name others.
    n_neighbors : int, default=5
        For ``graph="knn"``; larger values tie more tasks.
    task_features : array-like, DataFrame or mapping, default=None
        For ``graph="knn"``: numbers that describe each task, one row per task in the
        order of `tasks_`, or by label (the index of a DataFrame, the keys of a
        mapping). They are standardised.
    fit_intercept : bool, default=True
        Whether to fit b_t, which is never penalised.
    class_weight : None, "balanced" or mapping, default=None
        Weights of the classes, multiplied into the sample weights; "balanced" makes the
        classes of each task count the same within the task.
    task_weight : None, "n_samples" or mapping, default=None
        c_t: 1 for every task, proportional to its sum of weights, or given per task.
    unseen : {"raise", "shared"}, default="raise"
        What to do at prediction with a task that fit never saw: raise, or predict with
        the mean of the coefficients (and the task-weighted mean of the intercepts) and
        warn.
    solver : {"auto", "quadratic", "fista", "admm", "cvxpy"}, default="auto"
        For squared differences one linear system ("quadratic", Newton steps for other
        losses) or accelerated proximal gradient ("fista"); for the other norms
        alternating directions ("admm") or, where the prox is exact ("l1" on "mean" or
        on a chain), "fista". Or the slow reference CVXPY (extra ``reference``), which
        leaves small numbers where the others find exact zeros and does not heed `tol`.
        "auto" takes the first that can.
    tol : float, default=1e-4
        Stop when the duality gap is at most tol times half the null deviance; smaller
        is more exact and slower. With norms that are not squared the gap closes
        slowly: ask for 1e-4 to 1e-6.
    max_iter : int, default=10000
        Most steps.
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
    coef_shared_ : ndarray of shape (n_features,)
        Their mean over the tasks.
    cluster_labels_ : ndarray of shape (n_tasks,)
        Unless ``norm="squared"``: a number for each set of tied tasks with the same
        coefficients, from 0 in the order of `tasks_`.
    graph_ : sparse array of shape (n_tasks, n_tasks)
        The weights between the tasks, in the order of `tasks_`.
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
    TaskGraphRegressor : The same for numbers, with references.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import TaskGraphClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(150, 2))
    >>> Y = np.column_stack([X[:, 0] > 0, X[:, 0] > 0.2, X[:, 1] > 0]).astype(int)
    >>> model = TaskGraphClassifier(alpha=0.1, ridge=0.01, norm="l2").fit(X, Y)
    >>> model.cluster_labels_
    array([0, 0, 1])
    """

    _parameter_constraints: dict = {
        **LinearTaskClassifier._parameter_constraints,
        **TiedTasks._parameter_constraints,
    }

    def __init__(
        self,
        alpha=0.01,
        *,
        graph="mean",
        ridge=0.0,
        norm="squared",
        order=None,
        n_neighbors=5,
        task_features=None,
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
        self.graph = graph
        self.ridge = ridge
        self.norm = norm
        self.order = order
        self.n_neighbors = n_neighbors
        self.task_features = task_features
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.task_weight = task_weight
        self.unseen = unseen
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
