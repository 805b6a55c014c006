"""A subspace of features that all tasks share: convex alternating structure."""

from numbers import Integral, Real

from skmtl._compat import Interval
from skmtl.linear_model.base import LinearTaskModel
from skmtl.linear_model.classification import LinearTaskClassifier
from skmtl.linear_model.regression import LinearTaskRegressor
from skmtl.penalties import SpectralBox


class _SharedSubspace(LinearTaskModel):
    """The penalty, and the subspace that it spares."""

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "beta": [Interval(Real, 0, None, closed="neither")],
    }

    def _penalty(self):
        return SpectralBox(self.alpha, self.beta, self.n_components)

    def _result_attributes(self, result, c, y_scale):
        found = super()._result_attributes(result, c, y_scale)
        return {**found, "subspace_": self._penalty().subspace(result.W)}


class SharedSubspaceRegressor(_SharedSubspace, LinearTaskRegressor):
    """Regression with coefficients that are mostly in a small shared subspace.

    Minimises ``sum_t c_t / (2 S_t) sum_i s_ti (y_ti - x_ti . w_t - b_t)^2
    + beta (alpha + beta) * min over M of tr(W' (beta I + alpha M)^-1 W)`` over
    W and M (n_features, n_features) of trace k with eigenvalues in [0, 1], with s the
    sample weights, S_t their sum in task t and c_t the weight of the task [1]_. For M
    that projects onto k directions this is ``alpha * ||what of W is outside||^2 + beta
    * ||W||_F^2``, alternating structure optimisation [2]_; allowing any M makes the
    problem convex.

    Parameters
    ----------
    n_components : int, default=2
        Number of shared directions k. More than ``min(n_features, n_tasks)`` count as
        that, which leaves a ridge penalty.
    alpha : float, default=1.0
        Strength that shrinks what is outside the subspace; larger values make the tasks
        keep to it. 0 leaves a ridge regression per task, of strength ``2 * beta``; an
        alpha far above beta adds nothing.
    beta : float, default=1.0
        Strength that shrinks all coefficients, above 0. The penalty is at most beta
        times the squared trace norm of W, so a small beta shares little.
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
        same. `alpha`, `beta`, `objective_`, `dual_gap_` and `subspace_`
        then refer to the scaled labels, `coef_` and predictions to yours.
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
        is more exact and slower.
    max_iter : int, default=10000
        Most iterations.
    warm_start : bool, default=False
        Whether to start from the previous coefficients.

    Attributes
    ----------
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients, one row per task.
    subspace_ : ndarray of shape (n_directions, n_features)
        The directions that are spared, k of them or ``min(n_features, n_tasks)``, as
        orthonormal rows, the most used first.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    dual_gap_ : float
        Upper bound of ``objective_`` minus the optimum.
    objective_ : float
        The value of the objective.
    n_iter_ : int
        Iterations done.
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
    TaskClusteringRegressor : The same penalty, read as groups of tasks.
    LatentTaskRegressor : Every task uses a few of the directions only.

    Notes
    -----
    `TaskClusteringRegressor` with as many clusters has M between tasks in the place of
    M between features; the least value, and with it the fit, is the same. Either is a
    function of the singular values s of W: least for few large ones, between ``beta *
    sum s^2``, which it is for up to k of them, and ``(alpha + beta) * sum s^2``. As
    alpha grows it tends to beta times a squared norm of s, ``(sum s)^2`` for k = 1.

    References
    ----------
    .. [1] J. Chen, L. Tang, J. Liu, J. Ye, "A convex formulation for learning shared
       structures from multiple tasks", ICML 2009. :doi:`10.1145/1553374.1553392`
    .. [2] R. K. Ando, T. Zhang, "A framework for learning predictive structures from
       multiple tasks and unlabeled data", Journal of Machine Learning Research 6, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import SharedSubspaceRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, directions = rng.normal(size=(300, 5)), np.eye(2, 5)
    >>> Y = X @ (rng.normal(size=(6, 2)) @ directions).T + rng.normal(size=(300, 6))
    >>> model = SharedSubspaceRegressor(2, alpha=1.0, beta=0.01).fit(X, Y)
    >>> bool(np.abs(model.subspace_[:, 2:]).max() < 0.2)
    True
    """

    _parameter_constraints: dict = {
        **LinearTaskRegressor._parameter_constraints,
        **_SharedSubspace._parameter_constraints,
    }

    def __init__(
        self,
        n_components=2,
        *,
        alpha=1.0,
        beta=1.0,
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
        self.n_components = n_components
        self.alpha = alpha
        self.beta = beta
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


class SharedSubspaceClassifier(_SharedSubspace, LinearTaskClassifier):
    """Classification with coefficients that are mostly in a small shared subspace.

    Minimises ``sum_t c_t / S_t sum_i s_ti [log(1 + exp(z_ti)) - y_ti z_ti]
    + beta (alpha + beta) * min over M of tr(W' (beta I + alpha M)^-1 W)`` over
    W and M (n_features, n_features) of trace k with eigenvalues in [0, 1], with
    ``z_ti = x_ti . w_t + b_t`` and y in {0, 1}; see `SharedSubspaceRegressor`. The
    last of a task's two sorted labels is the positive one. A task with more classes has
    a column of W for each, in the multinomial loss ``log(sum_k exp(z_k)) - z_y``.
    Classes may differ between tasks.

    Parameters
    ----------
    n_components : int, default=2
        Number of shared directions k. More than ``min(n_features, n_tasks)`` count as
        that, which leaves a ridge penalty.
    alpha : float, default=0.01
        Strength that shrinks what is outside the subspace; larger values make the tasks
        keep to it. 0 leaves a ridge regression per task, of strength ``2 * beta``; an
        alpha far above beta adds nothing.
    beta : float, default=0.01
        Strength that shrinks all coefficients, above 0. The penalty is at most beta
        times the squared trace norm of W, so a small beta shares little.
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
        is more exact and slower.
    max_iter : int, default=10000
        Most iterations.
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
    subspace_ : ndarray of shape (n_directions, n_features)
        The directions that are spared, k of them or ``min(n_features, n_tasks)``, as
        orthonormal rows, the most used first.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    dual_gap_ : float
        Upper bound of ``objective_`` minus the optimum.
    objective_ : float
        The value of the objective.
    n_iter_ : int
        Iterations done.
    converged_ : bool
        Whether ``dual_gap_`` is as small as `tol` asks.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had any.

    See Also
    --------
    SharedSubspaceRegressor : The same for numbers, with references.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import SharedSubspaceClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, angle = rng.normal(size=(300, 5)), np.linspace(0, np.pi, 6)
    >>> coef = 3 * np.column_stack([np.cos(angle), np.sin(angle)])
    >>> Y = X[:, :2] @ coef.T + rng.logistic(size=(300, 6)) > 0
    >>> model = SharedSubspaceClassifier(2, alpha=0.1, beta=0.001).fit(X, Y.astype(int))
    >>> bool(np.abs(model.subspace_[:, 2:]).max() < 0.2)
    True
    """

    _parameter_constraints: dict = {
        **LinearTaskClassifier._parameter_constraints,
        **_SharedSubspace._parameter_constraints,
    }

    def __init__(
        self,
        n_components=2,
        *,
        alpha=0.01,
        beta=0.01,
        fit_intercept=True,
        class_weight=None,
        task_weight=None,
        unseen="raise",
        solver="auto",
        tol=1e-4,
        max_iter=10_000,
        warm_start=False,
    ):
        self.n_components = n_components
        self.alpha = alpha
        self.beta = beta
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.task_weight = task_weight
        self.unseen = unseen
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
