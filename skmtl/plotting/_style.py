"""What all pictures share."""

import numpy as np

# Okabe and Ito's colours, told apart by people of any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
REFERENCE_COLOUR = "#444444"
MARKERS = ("o", "s", "D", "^", "v", "P")
# With more lines than colours, lines are thin and grey, and summaries are black.
GREY = "0.7"
# Blue below 0, red above, as dark on both sides: any colour vision tells them apart.
DIVERGING = "RdBu_r"
SEQUENTIAL = "Blues"
NOTHING = "0.88"
METRICS = {"r2": "R²", "d2": "D²", "roc_auc": "ROC AUC"}
# The longest name that is drawn in full, and how many names fit along an axis.
LONGEST = 26
MOST_NAMES = 45
# Width of a letter in inches, about.
LETTER = 0.085


def import_pyplot():
    """Return matplotlib.pyplot, or raise with the name of the extra."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            'Plots need matplotlib; pip install "skmtl[plot]" brings it.'
        ) from error
    return plt


def import_pandas():
    """Return pandas, or raise with the name of the extra."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            'frame_ needs pandas; pip install "skmtl[data]" brings it.'
        ) from error
    return pandas


def given_or_new(ax, size):
    """Return ax, or the axes of a new figure of a size in inches."""
    if ax is None:
        _, ax = import_pyplot().subplots(figsize=size, layout="constrained")
    return ax


def shortened(name, longest=LONGEST):
    """Return a name as text to draw, with an ellipsis in the middle of a long one."""
    name = " ".join(str(name).split())
    if len(name) > longest:
        head = (longest - 1) * 2 // 3
        name = f"{name[:head]}…{name[len(name) - (longest - 1 - head) :]}"
    name = f" {name}" if name.startswith("_") else name  # or legends leave it out
    return name.replace("$", r"\$")  # no formula


def name_ticks(axis, names, most=MOST_NAMES):
    """Put names at 0, 1, ... of an axis; of many, every second, third, ..."""
    step = -(-len(names) // most)
    places = np.arange(0, len(names), step)
    axis.set_ticks(places, [shortened(names[k]) for k in places])


def name_columns(ax, names):
    """Put names below the columns of a matrix, upright where they have no room."""
    name_ticks(ax.xaxis, names)
    width = ax.get_window_extent().width / ax.figure.dpi
    step = -(-len(names) // MOST_NAMES)
    room = step * width / max(len(names), 1)
    upright = LETTER * longest_name(names) > 0.9 * room
    ax.tick_params("x", rotation=90 if upright else 0, length=0)


def name_rows(ax, names):
    """Put names beside the rows of a matrix."""
    name_ticks(ax.yaxis, names)
    ax.tick_params("y", length=0)


def longest_name(names):
    """Return the number of letters of the longest name that is drawn."""
    return max((len(shortened(name)) for name in names), default=0)


def metric_name(scoring):
    """Return what to call a score in a picture."""
    name = (
        scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "score")
    )
    words = name.replace("neg_", "minus_", 1) if name.startswith("neg_") else name
    return METRICS.get(name, words.replace("_", " "))


def tidy(ax, grid="y"):
    """Leave the lines that help reading."""
    ax.grid(axis=grid, color="0.9", zorder=0)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def alpha_axis(ax, chosen):
    """Make x that of a path of alphas, as it is computed: from the largest down.

    A `chosen` alpha, if there is one, is marked.
    """
    if chosen is not None:
        ax.axvline(chosen, color="black", linestyle=":", label="chosen alpha")
    ax.set_xscale("log")
    ax.invert_xaxis()
    ax.set_xlabel("alpha")


def legend_beside(ax, **options):
    """Put the legend to the right of the axes, where it hides nothing."""
    place = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "frameon": False}
    return ax.legend(**(place | options))
