"""All fits of a model along decreasing alphas."""

import warnings
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skmtl.linear_model.path import PathFits, check_has_alpha


@dataclass(frozen=True)
class PathResult:
    """What `mtl_path` found.

    Attributes
    ----------
    alphas : ndarray of shape (n_alphas,)
        Strengths, decreasing.
    coefs : ndarray of shape (n_alphas, n_tasks, n_features)
        Coefficients in the units of the labels; where a task has several classes, with
        the rows that `coef_rows_` of a fitted classifier names.
    intercepts : ndarray of shape (n_alphas, n_tasks)
        Intercepts.
    dual_gaps : ndarray of shape (n_alphas,)
        Upper bounds of the distance to the optimum, as `dual_gap_` of one fit; NaN for
        a model that is not convex.
    n_iters : ndarray of shape (n_alphas,)
        Sweeps done for each alpha.
    converged : ndarray of shape (n_alphas,)
        Whether each gap is as small as `tol` asks.
    tasks : ndarray of shape (n_tasks,)
        Task labels.
    feature_names : ndarray of shape (n_features,)
        Names of the features, or their positions where X has none.
    coef_rows : list of (task, class), or None
        What each row of `coefs[k]` belongs to; None for a regressor.
    """

    alphas: np.ndarray
    coefs: np.ndarray
    intercepts: np.ndarray
    dual_gaps: np.ndarray
    n_iters: np.ndarray
    converged: np.ndarray
    tasks: np.ndarray
    feature_names: np.ndarray
    coef_rows: list | None = None

    def to_frame(self):
        """Return a DataFrame with a row per alpha, task and feature.

        Returns
        -------
        DataFrame
            With the columns alpha, task, feature and coef; of a classifier where some
            task has more than two classes also the column class. Needs pandas.
        """
        import pandas

        several = self.coefs.shape[1] > len(self.tasks)
        rows = self.coef_rows if several else [(t,) for t in self.tasks.tolist()]
        columns = {
            "alpha": np.repeat(self.alphas, self.coefs[0].size),
            "task": [row[0] for row in rows],
            "class": [row[-1] for row in rows],
            "feature": np.tile(self.feature_names, self.coefs[..., 0].size),
            "coef": self.coefs.ravel(),
        }
        times, n_features = len(self.alphas), self.coefs.shape[2]
        for name in ("task", "class"):
            columns[name] = np.tile(np.repeat(columns[name], n_features), times)
        if not several:
            del columns["class"]
        return pandas.DataFrame(columns)

    def plot(self, ax=None):
        """Draw the size of each feature's coefficients against alpha.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        PathDisplay
            The display, drawn.
        """
        from skmtl.plotting import PathDisplay

        return PathDisplay.from_path(self, ax=ax)


def mtl_path(estimator, X, y, *, task=None, sample_weight=None, alphas=100, eps=1e-3):
    """Fit a model for many alphas, each fit started from the one before.

    The data are checked, centred and, where that pays, turned into `TaskStatistics`
    once for all alphas. The answers are those of separate fits, to within their duality
    gaps.

    Parameters
    ----------
    estimator : linear estimator of skmtl with an ``alpha``
        What to fit; its own alpha does not matter. It is cloned, never changed.
    X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        The features.
    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        One label per row, or one column per task with NaN where not observed.
    task : array-like of shape (n_samples,) or scalar, default=None
        The task of each row, where y has one label per row.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
        Weights of the labels.
    alphas : int or array-like of shape (n_alphas,), default=100
        Number of alphas, evenly spaced on a log scale from the smallest that leaves the
        model empty down to `eps` times that; or the alphas themselves.
    eps : float, default=1e-3
        The last alpha as a share of the first, where `alphas` is a number.

    Returns
    -------
    PathResult
        With the attributes ``alphas`` (decreasing), ``coefs`` (n_alphas, n_tasks,
        n_features), ``intercepts``, ``dual_gaps``, ``n_iters``, ``converged``,
        ``tasks`` and ``feature_names``, and the methods ``to_frame()`` and ``plot()``.

    Raises
    ------
    TypeError
        If the estimator has no alpha to vary.
    ValueError
        If `alphas` or `eps` make no path.

    See Also
    --------
    AlphaPathCV : Choose alpha by cross-validation along the path.

    Examples
    --------
    >>> from skmtl import GroupLassoRegressor, make_group_sparse_tasks, mtl_path
    >>> X, y, task, _ = make_group_sparse_tasks(n_tasks=3, random_state=0)
    >>> path = mtl_path(GroupLassoRegressor(), X, y, task=task, alphas=20)
    >>> path.coefs.shape == (20, 3, X.shape[1])
    True
    >>> bool(path.coefs[0].any()), bool(path.coefs[-1].any())
    (False, True)
    """
    check_has_alpha(estimator, "mtl_path")
    check_alphas(alphas, eps)
    model = clone(estimator)
    model._validate_params()
    labels = model._check_labels(X, y, task, sample_weight)
    values = model._check_X(X, reset=True)
    fits = PathFits.of_rows(model, values, labels)
    alphas = read_alphas(fits, alphas, eps)
    results = list(fits.solve(alphas))
    warn_of_path(type(model).__name__, results, model.max_iter)
    fitted = [fits.fitted(a, r) for a, r in zip(alphas, results, strict=True)]
    names = getattr(model, "feature_names_in_", np.arange(values.shape[1]))
    return PathResult(
        alphas,
        np.stack([m.coef_ for m in fitted]),
        np.stack([m.intercept_ for m in fitted]),
        np.array([getattr(m, "dual_gap_", np.nan) for m in fitted]),
        np.array([m.n_iter_ for m in fitted]),
        np.array([m.converged_ for m in fitted]),
        labels.tasks,
        names,
        getattr(fitted[0], "coef_rows_", None),
    )


def check_alphas(alphas, eps):
    """Raise unless they describe a decreasing sequence of alphas."""
    if isinstance(alphas, Integral) and not isinstance(alphas, bool):
        if alphas < 1:
            raise ValueError(f"alphas must be at least 1, got {alphas}.")
        if not (isinstance(eps, Real) and 0 < eps < 1):
            raise ValueError(f"eps must be between 0 and 1, got {eps!r}.")
        return
    values = np.asarray(alphas)
    if values.dtype.kind not in "iuf" or values.ndim != 1 or not len(values):
        raise ValueError(
            "alphas must be a number of alphas or a one-dimensional array of them, got "
            f"{alphas!r}."
        )
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError(f"alphas must be finite and at least 0, got {alphas!r}.")


def read_alphas(fits, alphas, eps):
    """Return decreasing alphas: those given, or a grid for these data."""
    if isinstance(alphas, Integral):
        return fits.alpha_grid(alphas, eps)
    alphas = np.unique(np.asarray(alphas, dtype=float))[::-1]
    fits.model._at_alpha(alphas[-1])._validate_params()  # some take no 0
    return alphas


def warn_of_path(name, results, max_iter):
    """Give one `ConvergenceWarning` for all fits that did not reach their gap."""
    poor = [r for r in results if not r.converged]
    if not poor:
        return
    worst = max(poor, key=lambda r: r.gap / max(r.target, np.finfo(float).tiny))
    warnings.warn(
        f"{name}: {len(poor)} of {len(results)} fits along the path did not converge; "
        f"the worst has a duality gap of {worst.gap:.2e} > tol * D0 = "
        f"{worst.target:.2e} after {worst.n_iter} iterations (max_iter={max_iter}). "
        f"{worst.message} Or end the path at a larger alpha.",
        ConvergenceWarning,
        stacklevel=3,
    )
