"""Scores of models per task, and their gains over a reference."""

import numpy as np

from skmtl.plotting._style import (
    COLOURS,
    LETTER,
    MARKERS,
    REFERENCE_COLOUR,
    import_pyplot,
    metric_name,
    shortened,
    tidy,
)

# With more tasks than this, the tasks of a model are dots on one line.
MAX_TASK_ROWS = 12
LOSSES = {"r2": "squared error", "d2": "loss", "roc_auc": "log-loss"}


class TransferDisplay:
    """Scores of models per task, and their gains over a reference.

    Scores are on the left, paired gains with their intervals on the right, where the
    vertical line is "no gain". Filled marks are gains with a verdict, hollow ones are
    no evidence. Up to 12 tasks have a row each. More tasks are dots on one row per
    model, with a diamond and an interval for the mean over tasks.

    Parameters
    ----------
    frame : DataFrame
        A row per model and task, as ``report.to_frame()`` gives.
    models : DataFrame
        A row per model, as ``report.to_frame("models")`` gives.

    Attributes
    ----------
    frame_ : DataFrame
        What is drawn, per model and task.
    models_ : DataFrame
        What is drawn, per model.
    ax_ : ndarray of Axes
        The axes: of scores and gains, or of the gains alone.
    figure_ : Figure
        The figure.

    See Also
    --------
    ComparisonReport.plot : The same, from the report.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.linear_model import Ridge
    >>> from skmtl import IndependentTasks, PooledTasks, TransferDisplay, compare
    >>> from skmtl import make_group_sparse_tasks
    >>> X, y, task, _ = make_group_sparse_tasks(n_tasks=2, random_state=0)
    >>> models = {"alone": IndependentTasks(Ridge()), "pooled": PooledTasks(Ridge())}
    >>> report = compare(models, X, y, task=task, random_state=0)
    >>> display = TransferDisplay.from_report(report)
    >>> len(display.ax_)
    2
    >>> plt.close(display.figure_)
    """

    def __init__(self, frame, models):
        self.frame_ = frame
        self.models_ = models

    @classmethod
    def from_report(cls, report, *, ax=None):
        """Draw a comparison.

        Parameters
        ----------
        report : ComparisonReport
            What `compare` returned.
        ax : matplotlib Axes or sequence of two, default=None
            Where to draw; see `plot`.

        Returns
        -------
        TransferDisplay
            The display, drawn.
        """
        display = cls(report.to_frame(), report.to_frame("models"))
        return display.plot(ax=ax)

    def plot(self, ax=None):
        """Draw the scores and the gains.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of two, default=None
            Scores go on the first and gains on the second; on a single one go the
            gains (the scores, if there is one model only). None makes a figure.

        Returns
        -------
        self : object
            The display, with `ax_` and `figure_`.
        """
        few = self.frame_["task"].nunique() <= MAX_TASK_ROWS
        rows = (_TaskRows if few else _ModelRows)(self.frame_, self.models_)
        new, alone = ax is None, len(rows.styles) == 1
        if new:
            n = 1 if alone else 2
            size = (0.4 + 4.1 * n + LETTER * rows.longest, rows.height)
            _, ax = import_pyplot().subplots(1, n, figsize=size, layout="constrained")
        self.ax_ = np.atleast_1d(np.asarray(ax, dtype=object))
        self.figure_ = self.ax_[0].figure
        scores, gains = self.ax_[:-1], self.ax_[-1:]
        if alone:
            scores, gains = self.ax_[:1], self.ax_[1:]
        for each in scores:
            rows.draw_scores(each)
            each.set_xlabel(f"{rows.metric}, mean over the test parts")
        for each in gains:
            rows.draw_gains(each)
            _mark_zero(each)
            each.set_xlabel(rows.gain_label)
            each.tick_params(labelleft=not len(scores))
        for each in self.ax_:
            rows.finish(each)
        rows.draw_legend(self.figure_ if new else self.ax_[0], outside=new)
        return self


def _mark(colour, marker):
    """Return the look of a model's score; the reference is a bar."""
    size, edge = (12, 2) if marker == "|" else (6, 1)
    return {
        "color": colour,
        "marker": marker,
        "markersize": size,
        "markeredgewidth": edge,
    }


def _mark_zero(ax):
    """Draw the line of no gain, with room on both sides, and say which is better."""
    low, high = ax.get_xlim()
    room = 0.2 * (high - low)
    ax.set_xlim(min(low, -room), max(high, room))
    ax.axvline(0, color="black", linewidth=1.2, zorder=1)
    for text, side, x in (("worse ◂", "right", -5), ("▸ better", "left", 5)):
        ax.annotate(
            text,
            (0, 1),
            xycoords=("data", "axes fraction"),
            xytext=(x, 3),
            textcoords="offset points",
            ha=side,
            color="0.3",
        )


class _Rows:
    """What both pictures draw: scores, gains and the look of each model."""

    def __init__(self, frame, models):
        self.frame = frame
        self.models = models
        self.reference = frame["model"][frame["verdict"] == "reference"].iloc[0]
        name = frame["metric"].iloc[0]
        self.metric = metric_name(name)
        self.relative = bool(frame["relative_gain"].notna().any())
        self.unit = self.metric.removeprefix("minus ")  # less of an error is a gain
        if self.relative:
            self.unit = f"% of its {LOSSES[name]}"
        others = [m for m in models["model"] if m != self.reference]
        self.styles = {self.reference: (REFERENCE_COLOUR, "|")}
        for k, name in enumerate(others):
            look = (COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)])
            self.styles[name] = look

    @property
    def gain_label(self):
        """What the gains are, and how to read the marks."""
        head = f"gain over {shortened(self.reference)}"
        return f"{head},\nin {self.unit}\n{self.key}"

    @property
    def longest(self):
        """Letters of the longest name beside the axes."""
        return max(len(line) for name in self.names for line in name.split("\n"))

    def of(self, name):
        """Return the rows of a model in the frame of tasks."""
        return self.frame[self.frame["model"] == name]

    def task_gains(self, rows):
        """Return (gain, lengths down and up) of rows of the frame of tasks."""
        if self.relative:
            return self._gains(rows, "relative_gain", "relative_low", "relative_high")
        return self._gains(rows, "gain", "gain_low", "gain_high")

    def mean_gains(self, rows):
        """Return (gain, lengths down and up) of rows of the frame of models."""
        return self._gains(rows, "gain", "gain_low", "gain_high")

    def _gains(self, rows, *names):
        factor = 100 if self.relative else 1
        gain, low, high = (factor * rows[name].to_numpy(float) for name in names)
        return gain, np.array([gain - low, high - gain])


class _TaskRows(_Rows):
    """A row per task, the models beside each other in it."""

    key = "bar: 95 % interval\nfilled: helps or hurts, hollow: no evidence"

    def __init__(self, frame, models):
        super().__init__(frame, models)
        labels = frame.groupby("task", sort=False)["n_labels"].first()
        self.tasks = labels.index.to_numpy()
        self.names = [
            f"{shortened(task)}\n({n:,} labels)" for task, n in labels.items()
        ]
        n_lines = len(self.tasks) * (len(self.styles) + 1)
        self.height = 1.9 + 0.19 * max(n_lines, 9)

    def _places(self):
        """Yield (model, its rows of the frame, their heights, colour, marker)."""
        n_models = len(self.styles)
        place = {task: k for k, task in enumerate(self.tasks)}
        for k, (name, (colour, marker)) in enumerate(self.styles.items()):
            own = self.of(name)
            shift = 0.8 * ((k + 0.5) / n_models - 0.5)
            y = np.array([place[task] for task in own["task"]]) + shift
            yield name, own, y, colour, marker

    def draw_scores(self, ax):
        for _, own, y, colour, marker in self._places():
            ax.plot(own["score"], y, linestyle="", **_mark(colour, marker))

    def draw_gains(self, ax):
        for name, own, y, colour, marker in self._places():
            if name == self.reference:
                continue
            gain, reach = self.task_gains(own)
            ax.errorbar(gain, y, xerr=reach, fmt="none", ecolor=colour, elinewidth=1.5)
            evident = own["verdict"].isin(["helps", "hurts"]).to_numpy()
            for filled, rows in ((True, evident), (False, ~evident)):
                ax.plot(
                    gain[rows],
                    y[rows],
                    marker,
                    color=colour,
                    markerfacecolor=colour if filled else "white",
                    markersize=6,
                )

    def draw_legend(self, where, *, outside):
        from matplotlib.lines import Line2D

        handles = [
            Line2D([], [], label=shortened(name, 34), linestyle="", **_mark(*style))
            for name, style in self.styles.items()
        ]
        options = {"loc": "outside upper center", "ncols": min(len(handles), 4)}
        where.legend(handles=handles, frameon=False, **(options if outside else {}))

    def finish(self, ax):
        ax.set_yticks(range(len(self.tasks)), self.names)
        ax.set_ylim(len(self.tasks) - 0.5, -0.5)
        for k in range(1, len(self.tasks)):
            ax.axhline(k - 0.5, color="0.85", linewidth=0.8, zorder=0)
        tidy(ax, grid="x")


class _ModelRows(_Rows):
    """A row per model, the tasks as dots on it."""

    key = "dot: a task (filled: helps or hurts)\ndiamond: mean, 95 % interval"

    def __init__(self, frame, models):
        super().__init__(frame, models)
        self.models_drawn = list(self.styles)
        self.names = [shortened(name, 34) for name in self.styles]
        self.height = 1.7 + 0.75 * max(len(self.names), 3)
        n_tasks = frame["task"].nunique()
        # Dots of one task are at the same height in every row.
        self.spread = 0.3 * np.random.default_rng(0).uniform(-1, 1, n_tasks)

    def _dots(self, ax, name, values, filled):
        colour, k = self.styles[name][0], self.models_drawn.index(name)
        for rows, face in ((filled, colour), (~filled, "none")):
            ax.plot(
                values[rows],
                k + self.spread[rows],
                "o",
                color=colour,
                markerfacecolor=face,
                markersize=3.5,
                alpha=0.8 if face == colour else 0.45,
            )

    def draw_scores(self, ax):
        for k, name in enumerate(self.models_drawn):
            values = self.of(name)["score"].to_numpy(float)
            self._dots(ax, name, values, np.zeros(len(values), dtype=bool))
            mean = self.models.loc[self.models["model"] == name, "score"]
            ax.plot(mean, [k], "D", color="black", markersize=6)

    def draw_gains(self, ax):
        for k, name in enumerate(self.models_drawn):
            if name == self.reference:
                place = ax.get_yaxis_transform()
                ax.text(
                    0.02,
                    k,
                    "reference",
                    va="center",
                    color=REFERENCE_COLOUR,
                    transform=place,
                )
                continue
            own = self.of(name)
            evident = own["verdict"].isin(["helps", "hurts"]).to_numpy()
            self._dots(ax, name, self.task_gains(own)[0], evident)
            mean, reach = self.mean_gains(self.models[self.models["model"] == name])
            ax.errorbar(
                mean,
                [k],
                xerr=reach,
                fmt="D",
                color="black",
                markersize=5,
                elinewidth=2,
                capsize=6,
            )

    def draw_legend(self, where, *, outside):
        """Draw none: every row has its name."""

    def finish(self, ax):
        ax.set_yticks(range(len(self.names)), self.names)
        ax.set_ylim(len(self.names) - 0.5, -0.5)
        tidy(ax, grid="x")
