"""Coefficients of all tasks at a glance."""

from numbers import Integral

import numpy as np

from skmtl.model_selection._one_task import learned
from skmtl.plotting._fitted import CoefficientTable, checked_names, spreads
from skmtl.plotting._panels import panels
from skmtl.plotting._style import (
    DIVERGING,
    LETTER,
    NOTHING,
    given_or_new,
    import_pandas,
    longest_name,
    name_columns,
    name_rows,
)


class CoefficientDisplay:
    """Heat map of coefficients, a column per task and a row per feature.

    Colours are centred at 0: red is positive, blue negative, and grey exactly 0. The
    features with the largest coefficients (Euclidean norm over tasks) are shown, the
    largest first; features that no task uses are left out.

    Parameters
    ----------
    table : CoefficientTable
        Coefficients by part, and the names of tasks, classes and features.
    n_features : int, default=30
        How many features to show at most.
    sort : bool, default=True
        Whether to sort the features by size and leave out those that no task uses; else
        they keep their order.
    unit : str, default="coefficient"
        What the numbers are.

    Attributes
    ----------
    frame_ : DataFrame
        What is drawn, a row per task and feature with a column per part ("coef", or
        "shared" and "specific"); where tasks have more than two classes, also a column
        "class". Needs pandas.
    ax_ : Axes, or ndarray of Axes
        The axes; one per part, where there are two.
    figure_ : Figure
        The figure.

    See Also
    --------
    PathDisplay : Sizes of coefficients along a path of alphas.
    TaskSimilarityDisplay : How alike the tasks are.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skmtl import CoefficientDisplay, GroupLassoRegressor
    >>> from skmtl import make_group_sparse_tasks
    >>> X, y, task, _ = make_group_sparse_tasks(n_tasks=3, random_state=0)
    >>> model = GroupLassoRegressor(alpha=0.1).fit(X, y, task=task)
    >>> display = CoefficientDisplay.from_estimator(model, n_features=5)
    >>> display.frame_.shape
    (15, 3)
    >>> plt.close(display.figure_)
    """

    def __init__(self, table, *, n_features=30, sort=True, unit="coefficient"):
        if not (isinstance(n_features, Integral) and n_features >= 1):
            raise ValueError(
                f"n_features must be a whole number of at least 1, got {n_features!r}."
            )
        self.table = table
        self.n_features = n_features
        self.sort = sort
        self.unit = unit

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X=None,
        *,
        parts="sum",
        standardize=False,
        feature_names=None,
        n_features=30,
        sort=True,
        ax=None,
    ):
        """Draw the coefficients of a fitted model.

        Parameters
        ----------
        estimator : fitted estimator
            A linear model with ``coef_``, a search over one, a pipeline that ends in
            one, or `IndependentTasks` of single-task ones.
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features), \
default=None
            Data from which `standardize` takes the spread of the features, as the last
            step of a pipeline saw them. None: they are standardised already.
        parts : {"sum", "split"}, default="sum"
            "split" draws ``coef_shared_`` and ``coef_specific_`` side by side, of a
            model that has both.
        standardize : bool, default=False
            Whether to show coefficients per standard deviation of the feature in X, and
            of the labels where the model divided them by ``y_scale_``, so that features
            and tasks in units of their own compare.
        feature_names : array-like of shape (n_features,), default=None
            Names of the features; None takes those seen in fit.
        n_features : int, default=30
            How many features to show at most.
        sort : bool, default=True
            Whether to sort the features by size and leave out those that no task uses;
            else they keep their order.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure. With ``parts="split"`` it is the frame
            of both pictures, or a sequence of two.

        Returns
        -------
        CoefficientDisplay
            The display, drawn.
        """
        if parts not in ("sum", "split"):
            raise ValueError(f"parts must be 'sum' or 'split', got {parts!r}.")
        table = CoefficientTable.of(
            estimator, split=parts == "split", features=feature_names
        )
        unit = "coefficient"
        if standardize:
            _standardize(table, X, learned(estimator, "y_scale_"))
            unit = "coefficient, standardised"
        display = cls(table, n_features=n_features, sort=sort, unit=unit)
        return display.plot(ax=ax)

    @classmethod
    def from_coefficients(
        cls,
        coef,
        *,
        tasks=None,
        feature_names=None,
        n_features=30,
        sort=True,
        ax=None,
    ):
        """Draw coefficients that are known, as those of simulated tasks are.

        Parameters
        ----------
        coef : array-like of shape (n_tasks, n_features)
            The coefficients.
        tasks : array-like of shape (n_tasks,), default=None
            Names of the tasks; None numbers them.
        feature_names : array-like of shape (n_features,), default=None
            Names of the features; None numbers them.
        n_features : int, default=30
            How many features to show at most.
        sort : bool, default=True
            Whether to sort the features by size and leave out those that no task uses;
            else they keep their order.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        CoefficientDisplay
            The display, drawn.
        """
        coef = np.atleast_2d(np.asarray(coef, dtype=float))
        if coef.ndim != 2 or not coef.size:
            raise ValueError(
                "coef must have a row per task and a column per feature, got shape "
                f"{coef.shape}."
            )
        if not np.isfinite(coef).all():
            raise ValueError("coef must be finite, but it has NaN or infinity.")
        n_tasks, n_all = coef.shape
        tasks = np.arange(n_tasks) if tasks is None else tasks
        names = [f"x{j}" for j in range(n_all)]
        names = names if feature_names is None else feature_names
        table = CoefficientTable(
            {"coef": coef},
            checked_names(tasks, n_tasks, "tasks"),
            None,
            checked_names(names, n_all),
        )
        return cls(table, n_features=n_features, sort=sort).plot(ax=ax)

    @property
    def _shown(self):
        """Positions of the features that are drawn, from above."""
        squares = sum(part**2 for part in self.table.parts.values()).sum(axis=0)
        largest = np.argsort(-squares, kind="stable")[: self.n_features]
        if not self.sort:
            return np.sort(largest)
        used = largest[squares[largest] > 0]
        return used if len(used) else largest  # an empty picture would say nothing

    def _left_out(self):
        """Say how many features are not drawn."""
        squares = sum(part**2 for part in self.table.parts.values()).sum(axis=0)
        n, n_shown = len(squares), len(self._shown)
        if n_shown == n:
            return ""
        others = "0" if np.count_nonzero(squares) <= n_shown else "smaller"
        return f"{n_shown} of {n} features, others are {others}"

    @property
    def frame_(self):
        """What is drawn, a row per task and feature."""
        table, shown = self.table, self._shown
        columns = {"task": np.repeat(table.tasks, len(shown))}
        if table.classes is not None:
            columns["class"] = [name for name in table.classes for _ in shown]
        columns["feature"] = np.tile(table.features[shown], len(table.tasks))
        for name, part in table.parts.items():
            columns[name] = part[:, shown].ravel()
        return import_pandas().DataFrame(columns)

    def plot(self, ax=None):
        """Draw the coefficients.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure. Two parts are drawn within it, or on a
            sequence of two.

        Returns
        -------
        self : object
            The display, with `ax_` and `figure_`.
        """
        table, shown = self.table, self._shown
        names, rows = table.features[shown], table.rows
        widest = 9.0 if len(table.parts) == 1 else 5.0
        size = (
            1.4
            + LETTER * longest_name(names)
            + min(max(0.32 * len(rows), 2.4), widest),
            1.0 + LETTER * longest_name(rows) + min(max(0.2 * len(names), 2.4), 9.0),
        )
        if len(table.parts) == 1:
            axes = [given_or_new(ax, size)]
        else:
            axes = panels(len(table.parts), ax, size)
        values = {name: part[:, shown].T for name, part in table.parts.items()}
        limit = max(np.abs(part).max(initial=0.0) for part in values.values()) or 1.0
        for each, (name, part) in zip(axes, values.items(), strict=True):
            image = _draw(each, part, limit)
            name_columns(each, rows)
            name_rows(each, names)
            if len(values) > 1:
                each.set_title(f"{name} part")
        for each in axes[1:]:
            each.tick_params("y", labelleft=False)
        axes[0].set_xlabel(self._left_out(), loc="left", color="0.3")
        self.figure_ = axes[0].figure
        bar = self.figure_.colorbar(image, ax=list(axes), shrink=0.8, aspect=25)
        bar.set_label(f"{self.unit} (grey: 0)")
        bar.outline.set_visible(False)
        self.ax_ = axes[0] if len(axes) == 1 else axes
        return self


def _standardize(table, X, y_scale):
    """Put the coefficients of a table into units of standard deviations, in place."""
    factor = 1.0 if X is None else spreads(X, len(table.features))
    for name, part in table.parts.items():
        if y_scale is not None and len(y_scale) == len(part):
            part = part / y_scale[:, None]
        table.parts[name] = part * factor


def _draw(ax, values, limit):
    """Draw values (n_features, n_rows) as colours; exact zeros are grey."""
    import matplotlib

    colours = matplotlib.colormaps[DIVERGING].with_extremes(bad=NOTHING)
    values = np.ma.masked_equal(values, 0.0)
    image = ax.imshow(
        values,
        cmap=colours,
        vmin=-limit,
        vmax=limit,
        aspect="auto",
        interpolation="nearest",
    )
    ax.spines[:].set_visible(False)
    return image
