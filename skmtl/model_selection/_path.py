"""All fits of a model along decreasing alphas."""

from dataclasses import dataclass

import numpy as np

from skmtl.linear_model.path import fit_path


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
        from skmtl.plotting._path import PathDisplay

        return PathDisplay.from_path(self, ax=ax)


def mtl_path(estimator, X, y, *, task=None, sample_weight=None, alphas=100, eps=None):
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
    eps : float, default=None
        The last alpha as a share of the first, where `alphas` is a number. None is
        1e-3, and 1e-5 for squared penalties (`TaskGraphRegressor` with
        ``norm="squared"``, `TaskRelationshipRegressor`), which act over more decades.

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
    alphas, fitted, labels = fit_path(
        estimator,
        X,
        y,
        task=task,
        sample_weight=sample_weight,
        alphas=alphas,
        eps=eps,
        caller="mtl_path",
    )
    names = np.arange(fitted[0].n_features_in_)
    names = getattr(fitted[0], "feature_names_in_", names)
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
