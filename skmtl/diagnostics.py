"""Certificates of fitted models, recomputed from the data."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmtl.solvers import duality_gap as _gap_at
from skmtl.solvers import settle


def _at_solution(estimator, X, y, task, sample_weight):
    """Return (objective, penalty, point at coef_, extra loss of intercept_).

    None if no task took part in the fit: nothing was minimised.
    """
    check_is_fitted(estimator)
    estimator = getattr(estimator, "best_estimator_", estimator)
    if not hasattr(estimator, "_rows_objective"):
        raise TypeError(
            f"{type(estimator).__name__} is no convex linear model of skmtl, so it has "
            "no objective to recompute. Pass the fitted final step of a pipeline with "
            "the data that this step saw."
        )
    labels = estimator._check_labels(X, y, task, sample_weight)
    if labels.tasks.tolist() != estimator.tasks_.tolist():
        raise ValueError(
            f"The data hold the tasks {labels.tasks.tolist()[:5]}, the model was "
            f"fitted to {estimator.tasks_.tolist()[:5]}; pass those data."
        )
    data, y_scale = estimator._pack(estimator._check_X(X, reset=False), labels)
    if not data.n_tasks:
        return None
    kept = estimator._rows_of(data)
    objective = estimator._rows_objective(data)
    W = estimator._coordinates(kept, y_scale)
    point = objective.at(W)
    # The certificate is of W with its best intercepts; what the fitted ones lose is
    # extra.
    off = estimator.intercept_[kept] / y_scale - objective.intercepts(point)
    return objective, estimator._penalty(), point, objective.loss_of_shift(point, off)


def objective(estimator, X, y, *, task=None, sample_weight=None):
    """Return the value of a fitted model's objective on data.

    Parameters
    ----------
    estimator : fitted linear estimator of skmtl
        The model, or an `AlphaPathCV` of it; for a pipeline pass its final step and
        transformed data.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The features the model was fitted to.
    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        The labels.
    task : array-like of shape (n_samples,) or scalar, default=None
        The task of each row.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
        Weights.

    Returns
    -------
    float
        Loss plus penalty, as the class's docstring defines them (of the scaled labels
        where ``scale_y=True``).

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import GroupLassoRegressor, objective
    >>> X, y = np.eye(3), np.array([0.0, 3.0, 0.0])
    >>> model = GroupLassoRegressor(alpha=10.0).fit(X, y)
    >>> round(objective(model, X, y), 6)
    1.0
    """
    found = _at_solution(estimator, X, y, task, sample_weight)
    if found is None:
        return 0.0
    _, penalty, point, extra = found
    return float(point.value + extra + penalty.value(point.W))


def duality_gap(estimator, X, y, *, task=None, sample_weight=None):
    """Return an upper bound of how far a fitted model's objective is from its optimum.

    Nothing is read back from the fit but the coefficients: the dual variables are made
    anew from the residuals on the data given.

    Parameters
    ----------
    estimator : fitted linear estimator of skmtl
        The model, or an `AlphaPathCV` of it; for a pipeline pass its final step and
        transformed data.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The features the model was fitted to.
    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        The labels.
    task : array-like of shape (n_samples,) or scalar, default=None
        The task of each row.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
        Weights.

    Returns
    -------
    float
        The absolute gap; compare it with ``tol`` times half the null deviance.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import GroupLassoRegressor, duality_gap
    >>> X, y = np.eye(3), np.array([0.0, 3.0, 0.0])
    >>> model = GroupLassoRegressor(alpha=0.1, tol=1e-10).fit(X, y)
    >>> duality_gap(model, X, y) < 1e-9
    True
    """
    found = _at_solution(estimator, X, y, task, sample_weight)
    if found is None:
        return 0.0
    f, penalty, point, extra = found
    if not hasattr(penalty, "dual_points"):
        raise TypeError(
            f"The penalty of {type(estimator).__name__} is not convex, so nothing "
            "bounds the distance to its optimum. kkt_residual tells how far it is from "
            "a stationary point."
        )
    settled = settle(f, penalty, point)
    lost = point.value + penalty.value(point.W)
    lost -= settled.value + penalty.value(settled.W)
    return float(_gap_at(f, penalty, settled) + max(lost, 0.0) + extra)


def kkt_residual(estimator, X, y, *, task=None, sample_weight=None):
    """Return how far each feature is from its optimality condition.

    Parameters
    ----------
    estimator : fitted linear estimator of skmtl
        The model, or an `AlphaPathCV` of it; for a pipeline pass its final step and
        transformed data.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The features the model was fitted to.
    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        The labels.
    task : array-like of shape (n_samples,) or scalar, default=None
        The task of each row.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
        Weights.

    Returns
    -------
    ndarray of shape (n_features,)
        Distance of the negative gradient of the loss to the subdifferential of the
        penalty, in units of alpha; 0 everywhere at the optimum.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import GroupLassoRegressor, kkt_residual
    >>> X, y = np.eye(3), np.array([0.0, 3.0, 0.0])
    >>> model = GroupLassoRegressor(alpha=0.1, tol=1e-12).fit(X, y)
    >>> bool(kkt_residual(model, X, y).max() < 1e-6)
    True
    """
    found = _at_solution(estimator, X, y, task, sample_weight)
    if found is None:
        return np.zeros(estimator.n_features_in_)
    f, penalty, point, _ = found
    distance = penalty.subdiff_distance(point.W, f.gradient(point))
    # A model in several parts has several conditions per feature.
    return distance.reshape(-1, estimator.n_features_in_).max(axis=0)
