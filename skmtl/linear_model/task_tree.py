"""Tasks at the leaves of a tree: near ones use the same features."""

from numbers import Real

import numpy as np

from skmtl._compat import Interval, StrOptions
from skmtl.linear_model.base import LinearTaskModel
from skmtl.linear_model.classification import LinearTaskClassifier
from skmtl.linear_model.joint_tasks import JointTasksMixin
from skmtl.linear_model.regression import LinearTaskRegressor
from skmtl.linear_model.tree_of_tasks import (
    grow_tree,
    keep_leaves,
    read_tree,
    tree_nodes,
    with_columns,
)
from skmtl.penalties import TaskTree


class _TaskTree(JointTasksMixin, LinearTaskModel):
    """The tree, as it is passed or from first fits, and its penalty."""

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "tree": [StrOptions({"auto"}), "array-like", list, tuple],
    }
    _to_grow = False

    def _know_tasks(self, joint, every, layout):
        self._to_grow = isinstance(self.tree, str)
        if self._to_grow:
            self._linkage, self._leaves = np.zeros((0, 4)), joint
            return
        name = type(self).__name__
        self._linkage, self._leaves = read_tree(self.tree, every, name)
        place = {label: v for v, label in enumerate(self._leaves.tolist())}
        missing = [label for label in joint.tolist() if label not in place]
        if missing:
            raise ValueError(
                f"The tree of {name} has no leaf for task {missing[0]!r}; it must hold "
                "every task of the data, by labels of the same kind."
            )
        self._cut([place[label] for label in joint.tolist()])

    def _cut(self, kept):
        """Make the nodes over the leaves at positions `kept` and over their columns."""
        nodes = keep_leaves(*tree_nodes(self._linkage), kept)
        columns = self._columns
        single = columns is None or columns.single
        self._nodes = nodes if single else with_columns(*nodes, columns.task)

    def _rows_objective(self, data, known=None):
        objective = super()._rows_objective(data, known)
        return self._grown(objective, data.n_labels.min())

    def _statistics_objective(self, statistics, c, y_scale=1.0):
        objective = super()._statistics_objective(statistics, c, y_scale)
        return self._grown(objective, statistics.n.min())

    def _grown(self, objective, fewest_labels):
        """Return the objective, of which the tree is grown where it is to be."""
        if self._to_grow:
            columns, T = self._columns, len(self._leaves)
            task = np.arange(T) if columns is None else columns.task
            self._linkage = grow_tree(objective, task, fewest_labels)
            self._cut(np.arange(T))
            self._to_grow = False
        return objective

    def _penalty(self):
        return TaskTree(self.alpha, *self._nodes)

    def _result_attributes(self, result, c, y_scale):
        tree = {"tree_": self._linkage, "tree_tasks_": self._leaves}
        return {**super()._result_attributes(result, c, y_scale), **tree}


class TaskTreeRegressor(_TaskTree, LinearTaskRegressor):
    """Regression with features selected jointly by tasks that are near in a tree.

    Minimises ``sum_t c_t / (2 S_t) sum_i s_ti (y_ti - x_ti . w_t - b_t)^2
    + alpha * sum_j sum_v omega_v ||W_{j, G_v}||_2``
    where v are the nodes of a tree whose leaves are the tasks, ``W_{j, G_v}`` the
    coefficients of feature j in the tasks below v, s the sample weights, S_t their sum
    in task t and c_t the weight of the task. With h_v in [0, 1] the height of a node,
    ``omega_v = (1 - h_v) * (product of the heights of the nodes above v)``, and that
    product alone for a leaf: every task pays alpha in all, however deep its leaf is.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty; larger values select fewer features.
    tree : "auto", linkage, (linkage, labels) or nested lists, default="auto"
        Who is near whom. "auto": average linkage of the sizes of the coefficients of a
        ridge fit per task, in units of the features, with distances between 0 (in
        proportion) and 1 (no feature in common). A linkage of
        `scipy.cluster.hierarchy`, shape (n_tasks - 1, 4), has the tasks as its leaves,
        in the order of `tasks_` or of `labels`. Nested lists hold task labels:
        ``[["a", "b"], ["c", "d", "e"]]``, with heights by level. Heights are read as
        shares: tasks merged at 0 use features together, at 1 each for itself; where the
        root is higher than 1 all are divided by its height. Leaves that the data lack
        are cut off.
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
        exact zeros and does not heed `tol`. "auto" takes the first.
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
    tree_ : ndarray of shape (n_leaves - 1, 4)
        The tree as a linkage, for `scipy.cluster.hierarchy.dendrogram`.
    tree_tasks_ : ndarray of shape (n_leaves,)
        Labels of its leaves.
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
    TaskTreeClassifier : The same for classes.
    GroupLassoRegressor : All tasks alike: the tree of a root alone.

    References
    ----------
    .. [1] S. Kim and E. P. Xing (2012). Tree-guided group lasso for multi-response
       regression with structured sparsity, with an application to eQTL mapping. Annals
       of Applied Statistics 6, 1095-1117. https://doi.org/10.1214/12-AOAS549

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import TaskTreeRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 4))
    >>> coef = np.array([[1, 2, 0, 0], [2, 1, 0, 0], [0, 0, 2, 1], [0, 0, 1, 2.0]])
    >>> Y = X @ coef.T + rng.normal(size=(100, 4))
    >>> model = TaskTreeRegressor(alpha=0.3).fit(X, Y)
    >>> model.tree_[:2, :2].astype(int)  # who is merged first
    array([[0, 1],
           [2, 3]])
    >>> (model.coef_ != 0).astype(int)
    array([[1, 1, 0, 0],
           [1, 1, 0, 0],
           [0, 0, 1, 1],
           [0, 0, 1, 1]])
    """

    _parameter_constraints: dict = {
        **LinearTaskRegressor._parameter_constraints,
        **_TaskTree._parameter_constraints,
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        tree="auto",
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
        self.tree = tree
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


class TaskTreeClassifier(_TaskTree, LinearTaskClassifier):
    """Classification with features selected jointly by tasks that are near in a tree.

    Minimises ``sum_t c_t / S_t sum_i s_ti [log(1 + exp(z_ti)) - y_ti z_ti]
    + alpha * sum_j sum_v omega_v ||W_{j, G_v}||_2`` with ``z_ti = x_ti . w_t + b_t``
    and y in {0, 1}; the tree and its weights are those of `TaskTreeRegressor`. The last
    of the two sorted labels of a task is the positive one. A task with more classes has
    a column of W for each, in a log-loss of the softmax, and a norm over them at its
    leaf; classes may differ between tasks.

    Parameters
    ----------
    alpha : float, default=0.01
        Strength of the penalty; larger values select fewer features.
    tree : "auto", linkage, (linkage, labels) or nested lists, default="auto"
        Who is near whom. "auto": average linkage of the sizes of the coefficients of a
        ridge fit per task, in units of the features, with distances between 0 (in
        proportion) and 1 (no feature in common). A linkage of
        `scipy.cluster.hierarchy`, shape (n_tasks - 1, 4), has the tasks as its leaves,
        in the order of `tasks_` or of `labels`. Nested lists hold task labels:
        ``[["a", "b"], ["c", "d", "e"]]``, with heights by level. Heights are read as
        shares: tasks merged at 0 use features together, at 1 each for itself; where the
        root is higher than 1 all are divided by its height. Leaves that the data lack
        are cut off.
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
        exact zeros and does not heed `tol`. "auto" takes the first.
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
    tree_ : ndarray of shape (n_leaves - 1, 4)
        The tree as a linkage, for `scipy.cluster.hierarchy.dendrogram`.
    tree_tasks_ : ndarray of shape (n_leaves,)
        Labels of its leaves.
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
    TaskTreeRegressor : The same for numbers, with a reference.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import TaskTreeClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 4))
    >>> coef = np.array([[1, 2, 0, 0], [2, 1, 0, 0], [0, 0, 2, 1], [0, 0, 1, 2.0]])
    >>> Y = (X @ coef.T + rng.normal(size=(200, 4)) > 0).astype(int)
    >>> model = TaskTreeClassifier(alpha=0.1, tree=[[0, 1], [2, 3]]).fit(X, Y)
    >>> (model.coef_ != 0).astype(int)
    array([[1, 1, 0, 0],
           [1, 1, 0, 0],
           [0, 0, 1, 1],
           [0, 0, 1, 1]])
    """

    _parameter_constraints: dict = {
        **LinearTaskClassifier._parameter_constraints,
        **_TaskTree._parameter_constraints,
    }

    def __init__(
        self,
        alpha=0.01,
        *,
        tree="auto",
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
        self.tree = tree
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.task_weight = task_weight
        self.unseen = unseen
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
