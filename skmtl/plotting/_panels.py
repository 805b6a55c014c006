"""Pictures in several panels, a task each."""

import numpy as np

from skmtl.plotting._style import import_pyplot, legend_beside

# With more tasks than this, a panel each would be too small to read.
MOST_PANELS = 12


def panels(n, ax, size):
    """Return n axes in rows.

    Parameters
    ----------
    n : int
        How many.
    ax : Axes, sequence of at least n, or None
        One is the frame in which they are drawn (as in scikit-learn's
        `PartialDependenceDisplay`), several are taken as they are, and None makes a
        figure.
    size : (float, float)
        Width and height of a panel of a new figure, in inches.

    Returns
    -------
    ndarray of shape (n,)
    """
    if ax is not None and np.ndim(ax):
        given = np.asarray(ax, dtype=object).ravel()
        if len(given) < n:
            raise ValueError(
                f"ax holds {len(given)} axes, and {n} panels are to be drawn. Pass "
                f"{n}, or a single one that frames them."
            )
        return given[:n]
    if n == 1:
        if ax is None:
            width, height = size
            size = (max(width, 7.0), max(height, 4.2))
            _, ax = import_pyplot().subplots(figsize=size, layout="constrained")
        return np.array([ax], dtype=object)
    n_columns = columns_for(n)
    n_rows = -(-n // n_columns)
    if ax is None:
        figure = import_pyplot().figure(
            figsize=(size[0] * n_columns, size[1] * n_rows), layout="constrained"
        )
        grid = figure.add_gridspec(n_rows, n_columns)
    else:
        place = ax.get_subplotspec()
        if place is None:
            raise ValueError(
                f"ax is not part of a grid, so {n} panels cannot be drawn in its "
                "place. Make it with subplots, or pass a sequence of axes."
            )
        ax.set_axis_off()
        figure, grid = ax.figure, place.subgridspec(n_rows, n_columns)
    cells = [divmod(k, n_columns) for k in range(n)]
    return np.array([figure.add_subplot(grid[cell]) for cell in cells], dtype=object)


def with_room(n_labels):
    """Return those of {task: number of labels} that have room, in their order.

    Of more than twelve they are the ones with the most labels.
    """
    largest = sorted(n_labels, key=lambda task: -n_labels[task])[:MOST_PANELS]
    return [task for task in n_labels if task in set(largest)]


def left_out(n_drawn, n_tasks):
    """Say that not all tasks are drawn; "" where they are."""
    if n_drawn == n_tasks:
        return ""
    return f"{n_drawn} of {n_tasks} tasks, those with the most labels"


def columns_for(n):
    """Return how many panels a row has: at most 4, and no row nearly empty."""
    if n <= 3:
        return n
    return min((4, 3), key=lambda columns: (-n % columns, -columns))


def outer_labels(axes, x, y):
    """Name the axes of panels once: below the lowest of each column, at the left."""
    n_columns = columns_for(len(axes))
    for k, ax in enumerate(axes):
        if k + n_columns >= len(axes):
            ax.set_xlabel(x)
        if k % n_columns == 0:
            ax.set_ylabel(y)


def legend_above(axes, handles, **options):
    """Put one legend over all panels of a figure."""
    if len(axes) == 1:
        return legend_beside(axes[0], handles=handles, **options)
    return axes[0].figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(len(handles), 4),
        frameon=False,
        **options,
    )
