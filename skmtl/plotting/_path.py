"""Coefficients along a path of alphas."""

import numpy as np

from skmtl.linear_model.path import fit_path
from skmtl.plotting._lines import LinesDisplay
from skmtl.plotting._style import (
    COLOURS,
    alpha_axis,
    import_pandas,
    shortened,
)

# Features that are named in the picture; the others are thin grey lines.
N_NAMED = 6


class PathDisplay(LinesDisplay):
    """Sizes of the coefficients of each feature, against alpha.

    A line per feature: the Euclidean norm over tasks of its coefficients. A line that
    leaves 0 is a feature that enters the model. Up to six features have colours and
    names: those with the largest norms at the alpha that is marked, or at the end of
    the path.

    Parameters
    ----------
    alphas : ndarray of shape (n_alphas,)
        Strengths, decreasing.
    norms : ndarray of shape (n_alphas, n_features)
        Norms over tasks.
    names : array-like of shape (n_features,)
        Names of the features.
    alpha : float, default=None
        An alpha to mark, such as the one that `AlphaPathCV` chose.

    Attributes
    ----------
    frame_ : DataFrame
        What is drawn, a row per alpha and feature. Needs pandas.
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.

    See Also
    --------
    mtl_path : The fits that are drawn.
    AlphaCurveDisplay : Held-out losses along the path.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skmtl import GroupLassoRegressor, PathDisplay, make_group_sparse_tasks
    >>> from skmtl import mtl_path
    >>> X, y, task, _ = make_group_sparse_tasks(n_tasks=3, random_state=0)
    >>> path = mtl_path(GroupLassoRegressor(), X, y, task=task, alphas=20)
    >>> display = PathDisplay.from_path(path)
    >>> display.ax_.get_xscale()
    'log'
    >>> plt.close(display.figure_)
    """

    _legend_title = "feature"

    def __init__(self, alphas, norms, names, alpha=None):
        self.alphas = alphas
        self.norms = norms
        self.names = names
        self.alpha = alpha

    @property
    def frame_(self):
        """What is drawn, a row per alpha and feature."""
        pandas, names = import_pandas(), ["alpha", "feature"]
        index = pandas.MultiIndex.from_product([self.alphas, self.names], names=names)
        return pandas.Series(self.norms.ravel(), index, name="norm").reset_index()

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        task=None,
        sample_weight=None,
        alphas=100,
        eps=None,
        ax=None,
    ):
        """Fit a path to data, and draw it.

        Parameters
        ----------
        estimator : linear estimator of skmtl with an ``alpha``, or AlphaPathCV
            What to fit; it is cloned. Of a fitted `AlphaPathCV`, its `alphas_` are
            taken and its `alpha_` is marked.
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
            As in `mtl_path`; not used for a fitted `AlphaPathCV`.
        eps : float, default=None
            As in `mtl_path`.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        PathDisplay
            The display, drawn.
        """
        chosen = getattr(estimator, "alpha_", None)
        if chosen is not None:
            alphas = estimator.alphas_
        alphas, fitted, _ = fit_path(
            getattr(estimator, "estimator", estimator),
            X,
            y,
            task=task,
            sample_weight=sample_weight,
            alphas=alphas,
            eps=eps,
            caller="PathDisplay",
        )
        norms = np.array([np.linalg.norm(m.coef_, axis=0) for m in fitted])
        names = np.arange(norms.shape[1])
        names = getattr(fitted[0], "feature_names_in_", names)
        return cls(alphas, norms, names, chosen).plot(ax=ax)

    @classmethod
    def from_path(cls, path, *, alpha=None, ax=None):
        """Draw a path.

        Parameters
        ----------
        path : PathResult
            What `mtl_path` returned.
        alpha : float, default=None
            An alpha to mark.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        PathDisplay
            The display, drawn.
        """
        norms = np.sqrt((path.coefs**2).sum(axis=1))
        return cls(path.alphas, norms, path.feature_names, alpha).plot(ax=ax)

    @property
    def _named(self):
        """Positions of the features that are named, the largest first."""
        k = -1 if self.alpha is None else np.abs(self.alphas - self.alpha).argmin()
        norms = self.norms[k]
        largest = np.argsort(-norms, kind="stable")[:N_NAMED]
        return [j for j in largest.tolist() if norms[j] > 0]

    def _draw(self, ax):
        """Draw the norms."""
        named = self._named
        for j in range(self.norms.shape[1]):
            if j not in named:
                ax.plot(self.alphas, self.norms[:, j], color="0.75", linewidth=0.8)
        for j, colour in zip(named, COLOURS, strict=False):
            name = self.names[j]
            name = shortened(name if isinstance(name, str) else f"x{name}")
            ax.plot(self.alphas, self.norms[:, j], color=colour, label=name)
        alpha_axis(ax, self.alpha)
        ax.set_ylabel("norm over tasks of the coefficients")
