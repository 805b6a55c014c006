"""How alike tasks are: a matrix, and the tree that it makes."""

import numpy as np
from scipy import sparse

from skmtl.model_selection._one_task import learned
from skmtl.plotting._fitted import CoefficientTable, checked_names
from skmtl.plotting._style import (
    DIVERGING,
    LETTER,
    NOTHING,
    SEQUENTIAL,
    given_or_new,
    import_pandas,
    longest_name,
    name_columns,
    name_rows,
)
from skmtl.summaries import cosines

# With more tasks than this there is no room for numbers.
MOST_NUMBERS = 10
# What families learn about tasks, the most telling first.
LEARNED = {
    "task_correlation_": "correlation of tasks, learned",
    "task_affinity_": "affinity of tasks, learned",
    "graph_": "weight of the edge",
}
BY_COEFFICIENTS = "cosine of coefficients"


class TaskSimilarityDisplay:
    """Matrix of similarities between tasks, with a dendrogram.

    The tasks are in the order of the dendrogram, which merges those first that are most
    alike (average linkage). Up to ten tasks have the numbers written in.

    Parameters
    ----------
    matrix : ndarray of shape (n_tasks, n_tasks)
        Symmetric; larger values mean more alike.
    labels : array-like of shape (n_tasks,)
        Names of the tasks.
    name : str, default="similarity"
        What the numbers are.
    linkage : ndarray of shape (n_tasks - 1, 4), default=None
        A tree over the tasks as `scipy.cluster.hierarchy.linkage` gives; None makes one
        from the matrix.

    Attributes
    ----------
    order_ : ndarray of shape (n_tasks,)
        Positions of the tasks, in the order in which they are drawn.
    linkage_ : ndarray of shape (n_tasks - 1, 4)
        The tree.
    frame_ : DataFrame of shape (n_tasks, n_tasks)
        The matrix as drawn, with names. Needs pandas.
    ax_ : Axes
        The axes of the matrix; the dendrogram is an inset above it.
    figure_ : Figure
        The figure.

    See Also
    --------
    TaskRelationshipRegressor : Learns correlations of tasks.
    CoefficientDisplay : The coefficients themselves.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from skmtl import TaskSimilarityDisplay
    >>> R = np.array([[1.0, 0.1, 0.9], [0.1, 1.0, 0.2], [0.9, 0.2, 1.0]])
    >>> display = TaskSimilarityDisplay.from_matrix(R, ["a", "b", "c"])
    >>> display.frame_
         b    a    c
    b  1.0  0.1  0.2
    a  0.1  1.0  0.9
    c  0.2  0.9  1.0
    >>> plt.close(display.figure_)
    """

    def __init__(self, matrix, labels, *, name="similarity", linkage=None):
        self.matrix = matrix
        self.labels = labels
        self.name = name
        self.linkage = linkage

    @classmethod
    def from_estimator(cls, estimator, *, measure="auto", ax=None):
        """Draw what a fitted model says of the tasks.

        Parameters
        ----------
        estimator : fitted estimator
            A model over tasks, a search over one, or a pipeline that ends in one.
        measure : str, default="auto"
            Where the numbers come from: the attribute ``"task_correlation_"``,
            ``"task_affinity_"`` or ``"graph_"``, or ``"coef_"``, the cosine of the
            angle between the coefficients of two tasks, which any linear model has; it
            depends on the units of the features. "auto" takes the first of these that
            the model has. The edges of a given graph say what was assumed, not what was
            learned. A `TaskTreeRegressor` has its own tree drawn.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        TaskSimilarityDisplay
            The display, drawn.
        """
        if measure not in ("auto", "coef_", *LEARNED):
            raise ValueError(
                f"measure must be 'auto', 'coef_' or one of {tuple(LEARNED)}, got "
                f"{measure!r}."
            )
        matrix, found = None, measure
        for found in LEARNED if measure == "auto" else [measure]:
            matrix = learned(estimator, found) if found in LEARNED else None
            if matrix is not None:
                break
        if matrix is None and measure in LEARNED:
            raise TypeError(f"{estimator!r} has no {measure}. Is it fitted?")
        tasks = learned(estimator, "tasks_")
        if matrix is not None:
            if sparse.issparse(matrix):
                matrix = matrix.toarray()
            name, labels = LEARNED[found], tasks
            if len(matrix) != len(tasks):  # a row per class
                labels = CoefficientTable.of(estimator).rows
            return cls(matrix, np.asarray(labels), name=name).plot(ax=ax)
        table = CoefficientTable.of(estimator)
        display = cls(
            cosines(table.parts["coef"]), np.array(table.rows), name=BY_COEFFICIENTS
        )
        display._take_tree(
            learned(estimator, "tree_"), learned(estimator, "tree_tasks_")
        )
        return display.plot(ax=ax)

    @classmethod
    def from_matrix(cls, matrix, labels=None, *, name="similarity", ax=None):
        """Draw a matrix of similarities.

        Parameters
        ----------
        matrix : array-like or DataFrame of shape (n_tasks, n_tasks)
            Symmetric; larger values mean more alike.
        labels : array-like of shape (n_tasks,), default=None
            Names of the tasks; None takes the columns of a DataFrame, or numbers them.
        name : str, default="similarity"
            What the numbers are.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        TaskSimilarityDisplay
            The display, drawn.
        """
        if labels is None:
            labels = getattr(matrix, "columns", range(len(matrix)))
        values = np.asarray(matrix, dtype=float)
        n_tasks = len(values)
        if not n_tasks or values.shape != (n_tasks, n_tasks):
            raise ValueError(
                "matrix must be square, with a row and a column for each task, got "
                f"shape {values.shape}."
            )
        if not np.isfinite(values).all():
            raise ValueError("matrix must be finite, but it has NaN or infinity.")
        if not np.allclose(values, values.T, atol=1e-8 * np.abs(values).max(initial=0)):
            raise ValueError(
                "matrix must be symmetric. Of one-sided gains take (G + G.T) / 2."
            )
        labels = checked_names(list(labels), n_tasks, "labels")
        return cls(values, labels, name=name).plot(ax=ax)

    def _take_tree(self, linkage, tasks):
        """Use a tree that was fitted, where its leaves are the tasks."""
        if linkage is None or len(tasks) != len(self.labels):
            return
        place = {str(label): k for k, label in enumerate(self.labels)}
        if set(map(str, tasks)) != set(place):
            return
        order = [place[str(task)] for task in tasks]
        self.matrix = self.matrix[np.ix_(order, order)]
        self.labels, self.linkage = self.labels[order], linkage

    @property
    def linkage_(self):
        """The tree."""
        if self.linkage is not None:
            return self.linkage
        return _linkage(self.matrix)

    @property
    def order_(self):
        """Positions of the tasks, in the order in which they are drawn."""
        from scipy.cluster.hierarchy import leaves_list

        tree = self.linkage_
        return leaves_list(tree) if len(tree) else np.arange(len(self.labels))

    @property
    def frame_(self):
        """The matrix as drawn, with names."""
        order = self.order_
        names = np.asarray(self.labels)[order]
        values = self.matrix[np.ix_(order, order)]
        return import_pandas().DataFrame(values, index=names, columns=names)

    def plot(self, ax=None):
        """Draw the matrix and the dendrogram.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : object
            The display, with `ax_` and `figure_`.
        """
        order, n_tasks = self.order_, len(self.labels)
        names = np.asarray(self.labels)[order]
        side = min(max(0.45 * n_tasks, 2.4), 6.5)
        room = LETTER * longest_name(names)
        ax = given_or_new(ax, (side + room + 1.2, side * 1.25 + room + 0.3))
        self.ax_, self.figure_ = ax, ax.figure
        values = self.matrix[np.ix_(order, order)].astype(float)
        image = _draw(ax, values, numbers=n_tasks <= MOST_NUMBERS)
        name_columns(ax, names)
        name_rows(ax, names)
        ax.spines[:].set_visible(False)
        if n_tasks > 1:
            _draw_tree(ax, self.linkage_, order)
        bar = self.figure_.colorbar(image, ax=ax, shrink=0.7, aspect=25)
        bar.set_label(self.name)
        bar.outline.set_visible(False)
        return self


def _between(matrix):
    """Return the values between two different tasks."""
    return matrix[~np.eye(len(matrix), dtype=bool)]


def _linkage(matrix):
    """Return the tree that merges the most similar tasks first."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    if len(matrix) == 1:
        return np.zeros((0, 4))
    symmetric = 0.5 * (matrix + matrix.T)
    distance = _between(symmetric).max() - symmetric
    if _is_correlation(matrix):
        distance = 1.0 - symmetric
    np.fill_diagonal(distance, 0.0)
    return linkage(squareform(np.maximum(distance, 0.0), checks=False), "average")


def _is_correlation(matrix):
    """Tell whether values are between -1 and 1 with a diagonal of 1."""
    return np.allclose(np.diag(matrix), 1.0) and np.abs(matrix).max() <= 1.0 + 1e-8


def _draw(ax, values, *, numbers):
    """Draw a matrix as colours, and its numbers."""
    import matplotlib

    if _is_correlation(values):
        shown, limit = values, 1.0
    else:  # how alike a task is to itself says nothing
        shown = np.ma.masked_array(values, np.eye(len(values), dtype=bool))
        limit = float(np.abs(_between(values)).max(initial=0.0)) or 1.0
    signed = bool((shown < 0).any())
    colours = matplotlib.colormaps[DIVERGING if signed else SEQUENTIAL]
    image = ax.imshow(
        shown,
        cmap=colours.with_extremes(bad=NOTHING),
        vmin=-limit if signed else 0.0,
        vmax=limit,
        interpolation="nearest",
    )
    if numbers:
        for (i, j), value in np.ndenumerate(values):
            if not np.ma.getmaskarray(shown)[i, j]:
                dark = abs(value) > 0.6 * limit
                colour = "white" if dark else "black"
                text = f"{value:.2f}".replace("-0.00", "0.00")
                ax.text(j, i, text, ha="center", va="center", color=colour, size=8)
    return image


def _draw_tree(ax, linkage, order):
    """Draw the dendrogram above a matrix, each leaf over its column."""
    from matplotlib.collections import LineCollection

    n_tasks = len(order)
    x, height = np.empty(2 * n_tasks - 1), np.empty(2 * n_tasks - 1)
    x[order] = np.arange(n_tasks)
    highest = linkage[-1, 2] or 1.0
    foot = -0.06 * highest  # so that what merges at 0 has a bracket to be seen
    height[:n_tasks], height[n_tasks:] = foot, linkage[:, 2]
    brackets = []
    for k, (a, b) in enumerate(linkage[:, :2].astype(int), start=n_tasks):
        x[k] = (x[a] + x[b]) / 2
        left, right = (x[a], height[a]), (x[b], height[b])
        brackets.append([left, (x[a], height[k]), (x[b], height[k]), right])
    top = ax.inset_axes([0.0, 1.015, 1.0, 0.2])
    top.add_collection(LineCollection(brackets, colors="0.3", linewidths=1.0))
    top.set_xlim(-0.5, n_tasks - 0.5)
    top.set_ylim(foot, 1.05 * highest)
    top.set_axis_off()
