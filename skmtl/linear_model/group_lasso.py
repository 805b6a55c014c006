"""Block-sparse group lasso: a feature is used by all tasks or by none."""

from collections.abc import Mapping
from numbers import Real

import numpy as np

from skmtl._compat import Interval, StrOptions
from skmtl.linear_model.base import LinearTaskModel
from skmtl.linear_model.classification import LinearTaskClassifier
from skmtl.linear_model.feature_groups import blocks_and_weights
from skmtl.linear_model.regression import LinearTaskRegressor
from skmtl.penalties import SparseGroup, WithRidge


class _GroupLasso(LinearTaskModel):
    """The penalty and what it selects."""

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "ridge": [Interval(Real, 0, None, closed="left")],
        "norm": [StrOptions({"l2", "linf"})],
        "groups": ["array-like", callable, None],
        "penalty_weights": ["array-like", Mapping, None],
        "positive": ["boolean"],
    }

    def _penalty(self):
        if self.alpha == 0 and self.ridge == 0:
            raise ValueError(
                f"{type(self).__name__} with alpha=0 and ridge=0 has no penalty left. "
                "Use IndependentTasks around an unpenalised model, or a small penalty."
            )
        blocks, weight = blocks_and_weights(self)
        gauge = SparseGroup(
            self.alpha, self.l1_ratio, self.norm, self.positive, weight, blocks
        )
        if self.positive and len(gauge.free):
            raise ValueError(
                "positive=True does not go with features of penalty weight 0: no "
                "certificate exists for them. Give them a small weight instead."
            )
        return WithRidge(gauge, self.ridge) if self.ridge > 0 else gauge

    def _check_rows(self, tasks, n_labels):
        super()._check_rows(tasks, n_labels)
        free, fewest = len(self._penalty().free), n_labels.min()
        if free >= fewest:
            raise ValueError(
                f"{free} features have penalty weight 0, but task "
                f"{tasks[n_labels.argmin()].item()!r} has {fewest} rows; "
                "more rows than that are needed to fit them. Penalise some of them."
            )

    def _result_attributes(self, result, c, y_scale):
        found = super()._result_attributes(result, c, y_scale)
        return {
            **found,
            "selected_features_": np.flatnonzero(found["coef_"].any(axis=0)),
        }


class GroupLassoRegressor(_GroupLasso, LinearTaskRegressor):
    """Regression with features selected jointly for all tasks.

    Minimises ``sum_t c_t / (2 S_t) sum_i s_ti (y_ti - x_ti . w_t - b_t)^2
    + alpha * ((1 - l1_ratio) * sum_j ||W_j||_2 + l1_ratio * ||W||_1)
    + ridge / 2 * ||W||_F^2``
    where W_j are the coefficients of feature j in all tasks, s the sample weights, S_t
    their sum in task t and c_t the weight of the task. With `groups` the sum runs over
    groups g of features, ``sqrt(size of g) * ||W_g||`` taking the place of ``||W_j||``;
    ``norm="linf"`` takes the largest magnitude for the l2 norm; `penalty_weights`
    multiplies the terms.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty; larger values select fewer features. In units of label
        times feature, so it means the same for any number of rows. With one shared X
        and complete labels it is the alpha of `sklearn.linear_model.MultiTaskLasso`.
    l1_ratio : float, default=0
        Share of the elementwise l1 norm, in [0, 1]: 0 selects features for all tasks
        together, 1 for each task alone, between them a selected feature may still be
        left out by some tasks. NB in `sklearn.linear_model.MultiTaskElasticNet` the
        name means something else; its ``(alpha=a, l1_ratio=r)`` is ``(alpha=a * r,
        ridge=a * (1 - r))`` here.
    ridge : float, default=0
        Strength of the squared norm; larger values shrink more and keep correlated
        features together.
    norm : {"l2", "linf"}, default="l2"
        Norm of the coefficients of a block: Euclidean, or the largest magnitude, with
        which the tasks of a used feature are free up to a common size.
    groups : array-like of shape (n_features,), callable or None, default=None
        A label per feature, or a function from the name of a feature to its label;
        features of one label (the levels of a one-hot code, a spline) are selected
        together. None: each feature alone.
    penalty_weights : array-like, mapping or None, default=None
        Factor of both norms for each feature (for each group, in sorted order of the
        labels), or by name, 1 where not named. 0: never penalised, not by `ridge`
        either, for features that must stay in, such as age and sex; inf: never used.
    positive : bool, default=False
        Whether all coefficients must be at least 0.
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
        same. `alpha`, `objective_` and `dual_gap_` then refer to the scaled labels,
        `coef_` and predictions to yours.
    task_weight : None, "n_samples" or mapping, default=None
        c_t: 1 for every task, proportional to its sum of weights, or given per task.
    unseen : {"raise", "shared"}, default="raise"
        What to do at prediction with a task that fit never saw: raise, or predict with
        the task-weighted mean of the coefficients and warn.
    solver : {"auto", "bcd", "fista", "cvxpy"}, default="auto"
        Block coordinate descent on working sets, accelerated proximal gradient, or the
        slow reference CVXPY (extra ``reference``), which leaves small numbers where the
        others find exact zeros and does not heed `tol`. "auto" takes the first.
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
        Coefficients, one row per task.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    selected_features_ : ndarray of shape (n_selected,)
        Positions of the features with a coefficient other than 0 in any task.
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
    statistics_ : TaskStatistics
        After `partial_fit` or `fit_statistics`: what was fitted.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had any.

    See Also
    --------
    GroupLassoClassifier : The same for classes.
    sklearn.linear_model.MultiTaskLasso : One shared X, complete labels.

    Notes
    -----
    Where a task has more rows than features the fit reads the data once into
    `TaskStatistics` and its cost no longer depends on the number of rows; otherwise it
    works on the features that matter only. It helps when the tasks need the same few
    features; tasks that need different ones are better served with ``l1_ratio`` near 1
    or by separate models.

    References
    ----------
    .. [1] G. Obozinski, B. Taskar, M. I. Jordan, "Joint covariate selection and joint
       subspace selection for multiple classification problems", Statistics and
       Computing 20, 2010. :doi:`10.1007/s11222-008-9111-x`

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import GroupLassoRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, site = rng.normal(size=(60, 4)), np.repeat(["A", "B"], 30)
    >>> y = X[:, 0] * np.where(site == "A", 2.0, 3.0) + 0.1 * rng.normal(size=60)
    >>> model = GroupLassoRegressor(alpha=0.1).fit(X, y, task=site)
    >>> model.selected_features_
    array([0])
    >>> model.predict(X[:2], task="B").shape
    (2,)
    """

    _parameter_constraints: dict = {
        **LinearTaskRegressor._parameter_constraints,
        **_GroupLasso._parameter_constraints,
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        l1_ratio=0.0,
        ridge=0.0,
        norm="l2",
        groups=None,
        penalty_weights=None,
        positive=False,
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
        self.l1_ratio = l1_ratio
        self.ridge = ridge
        self.norm = norm
        self.groups = groups
        self.penalty_weights = penalty_weights
        self.positive = positive
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


class GroupLassoClassifier(_GroupLasso, LinearTaskClassifier):
    """Classification with features selected jointly for all tasks.

    Minimises ``sum_t c_t / S_t sum_i s_ti [log(1 + exp(z_ti)) - y_ti z_ti]
    + alpha * ((1 - l1_ratio) * sum_j ||W_j||_2 + l1_ratio * ||W||_1)
    + ridge / 2 * ||W||_F^2`` with ``z_ti = x_ti . w_t + b_t`` and y in {0, 1}, where
    W_j are the coefficients of feature j in all tasks, s the sample weights, S_t their
    sum in task t and c_t the weight of the task. The last of a task's two sorted labels
    is the positive one. A task with more classes has a column of W for each, in the
    multinomial loss ``log(sum_k exp(z_k)) - z_y``. Classes may differ between tasks.

    Parameters
    ----------
    alpha : float, default=0.01
        Strength of the penalty; larger values select fewer features. In units of the
        features, independent of the number of rows. (At 1, the default of the
        regressor, a mean log-loss leaves nothing selected.)
    l1_ratio : float, default=0
        Share of the elementwise l1 norm, in [0, 1]: 0 selects features for all tasks
        together, 1 for each task alone.
    ridge : float, default=0
        Strength of the squared norm; larger values shrink more.
    norm : {"l2", "linf"}, default="l2"
        Norm of the coefficients of a block: Euclidean, or the largest magnitude, with
        which the tasks of a used feature are free up to a common size.
    groups : array-like of shape (n_features,), callable or None, default=None
        A label per feature, or a function from the name of a feature to its label;
        features of one label (the levels of a one-hot code, a spline) are selected
        together. None: each feature alone.
    penalty_weights : array-like, mapping or None, default=None
        Factor of both norms for each feature (for each group, in sorted order of the
        labels), or by name, 1 where not named. 0: never penalised, not by `ridge`
        either, for features that must stay in, such as age and sex; inf: never used.
    positive : bool, default=False
        Whether all coefficients must be at least 0.
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
    solver : {"auto", "bcd", "fista", "cvxpy"}, default="auto"
        Newton steps by block coordinate descent, accelerated proximal gradient, or the
        slow reference CVXPY (extra ``reference``), which leaves small numbers where the
        others find exact zeros and does not heed `tol`. "auto" takes the first.
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
        The classes of each task; one with a single class is left out of the joint fit.
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
        Task labels.
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
    GroupLassoRegressor : The same for numbers.

    References
    ----------
    .. [1] G. Obozinski, B. Taskar, M. I. Jordan, "Joint covariate selection and joint
       subspace selection for multiple classification problems", Statistics and
       Computing 20, 2010. :doi:`10.1007/s11222-008-9111-x`

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import GroupLassoClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(80, 4))
    >>> Y = np.column_stack([X[:, 0] > 0, X[:, 0] + X[:, 1] > 0]).astype(int)
    >>> model = GroupLassoClassifier(alpha=0.1).fit(X, Y)
    >>> model.selected_features_
    array([0, 1])
    >>> [p.shape for p in model.predict_proba(X)]
    [(80, 2), (80, 2)]
    """

    _parameter_constraints: dict = {
        **LinearTaskClassifier._parameter_constraints,
        **_GroupLasso._parameter_constraints,
    }

    def __init__(
        self,
        alpha=0.01,
        *,
        l1_ratio=0.0,
        ridge=0.0,
        norm="l2",
        groups=None,
        penalty_weights=None,
        positive=False,
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
        self.l1_ratio = l1_ratio
        self.ridge = ridge
        self.norm = norm
        self.groups = groups
        self.penalty_weights = penalty_weights
        self.positive = positive
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.task_weight = task_weight
        self.unseen = unseen
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
