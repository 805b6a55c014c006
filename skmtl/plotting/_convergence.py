"""How fits came to their end: certificates by iteration, losses by epoch."""

from dataclasses import dataclass

import numpy as np

from skmtl.model_selection._one_task import learned
from skmtl.plotting._lines import LinesDisplay
from skmtl.plotting._style import (
    COLOURS,
    GREY,
    import_pandas,
    shortened,
)

# What networks record of each task: names in `history_`, and of the line's style.
OF_TASKS = {
    "loss": {"train_loss": "training", "validation_loss": "held out"},
    "weight": {"loss_weight": "weight"},
    "conflict": {"task_cosine": "with other tasks", "sample_cosine": "within the task"},
}
Y_NAMES = {
    "loss": "loss (training: mean over the epoch)",
    "weight": "weight of the task's loss",
    "conflict": "mean cosine of gradients",
}
MEASURES = {"dual_gap": "duality gap", "stationarity": "distance to stationarity"}
STYLES = ("-", "--")


@dataclass(frozen=True)
class Curve:
    """One line: a measure of a model (and task) by iteration."""

    model: str
    measure: str
    task: object
    x: np.ndarray
    y: np.ndarray


class ConvergenceDisplay(LinesDisplay):
    """How a fit converged: its certificate by iteration, or losses by epoch.

    For a linear model, the duality gap at each check of the solver on a log scale, how
    far the objective was above its last value, and the gap that ``tol`` asked for; for
    one that is not convex, the distance to stationarity. For a network, the loss of
    each task by epoch. For several models, the gap (or the training objective) of each.

    Parameters
    ----------
    curves : list of Curve
        The lines.
    y_name : str
        What they show.
    target : float, default=None
        The value to reach, if there is one.
    log : bool, default=True
        Whether the scale is logarithmic.
    x_name : str, default="iteration"
        What is counted.

    Attributes
    ----------
    frame_ : DataFrame
        What is drawn: model, measure, task (missing where all tasks are meant),
        iteration, value. Needs pandas.
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.

    See Also
    --------
    duality_gap : The gap of a fitted model, recomputed.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skmtl import ConvergenceDisplay, GroupLassoRegressor
    >>> from skmtl import make_group_sparse_tasks
    >>> X, y, task, _ = make_group_sparse_tasks(n_tasks=3, random_state=0)
    >>> model = GroupLassoRegressor(alpha=0.1).fit(X, y, task=task)
    >>> display = ConvergenceDisplay.from_estimator(model)
    >>> last = display.frame_.query("measure == 'dual_gap'")["value"].iloc[-1]
    >>> bool(last == model.dual_gap_)
    True
    >>> plt.close(display.figure_)
    """

    def __init__(self, curves, y_name, *, target=None, log=True, x_name="iteration"):
        self.curves = curves
        self.y_name = y_name
        self.target = target
        self.log = log
        self.x_name = x_name

    @classmethod
    def from_estimator(cls, estimator, *, measure=None, ax=None):
        """Draw what a fitted model recorded of its fit.

        Parameters
        ----------
        estimator : fitted estimator or dict of str -> fitted estimator
            A linear model of skmtl, `MultiTaskMLPRegressor` or
            `MultiTaskMLPClassifier`, a search over one, or a pipeline that ends in one;
            or several of a kind by name. Solvers count iterations differently (sweeps,
            steps, rounds), so they compare by where they end up.
        measure : {"loss", "weight", "conflict"}, default=None
            What to draw of a network: the losses of its tasks (also by None), their
            weights, or how far the gradients of a task point the same way as those of
            the other tasks and as each other's (needs ``monitor_conflict=True``).
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ConvergenceDisplay
            The display, drawn.
        """
        if measure not in (None, *OF_TASKS):
            raise ValueError(f"measure must be in {tuple(OF_TASKS)}, got {measure!r}.")
        network = learned(estimator, "history_") is not None
        if measure is not None and not network:
            raise ValueError(
                f"measure={measure!r} is for a single network. Leave it out for linear "
                "models, and for several models by name."
            )
        if isinstance(estimator, dict):
            display = _of_several(estimator)
        elif learned(estimator, "_history") is not None:
            display = _of_solver(estimator)
        elif network:
            display = _of_network(estimator, measure or "loss")
        else:
            raise TypeError(
                "A fitted linear model or network of skmtl is needed, got "
                f"{estimator!r}."
            )
        return display.plot(ax=ax)

    @property
    def frame_(self):
        """What is drawn, a row per point."""
        pandas = import_pandas()
        parts = [
            pandas.DataFrame(
                {
                    "model": c.model,
                    "measure": c.measure,
                    "task": [c.task] * len(c.x),
                    "iteration": c.x.astype(int),
                    "value": c.y,
                }
            )
            for c in self.curves
        ]
        return pandas.concat(parts, ignore_index=True)

    def _draw(self, ax):
        """Draw the curves."""
        from matplotlib.ticker import MaxNLocator

        tasks = list(dict.fromkeys(c.task for c in self.curves))
        if tasks == [None]:
            self._draw_lines(ax)
        else:
            self._draw_tasks(ax, tasks)
        positive = any((c.y > 0).any() for c in self.curves)
        if self.log and positive:
            ax.set_yscale("log")
        if self.target is not None and (self.target > 0 or not self.log):
            ax.axhline(self.target, color="black", linestyle=":", label="asked for")
        ax.set_xlabel(self.x_name)
        ax.set_ylabel(self.y_name)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))

    def _draw_lines(self, ax):
        """Draw every curve in its own colour."""
        names = dict.fromkeys(c.model for c in self.curves)
        for k, c in enumerate(self.curves):
            label = MEASURES.get(c.measure, c.measure.replace("_", " "))
            label = c.model if len(names) > 1 else label
            look = {"color": COLOURS[k % len(COLOURS)], "label": shortened(label, 34)}
            look["linestyle"] = STYLES[k // len(COLOURS) % 2]
            # Zeros have no place on a log scale; the line ends where they start.
            y = np.where(c.y > 0, c.y, np.nan) if self.log else c.y
            ax.plot(c.x, y, marker="o", markersize=3, **look)

    def _draw_tasks(self, ax, tasks):
        """Draw a colour per task and a line style per measure; of many, their mean."""
        measures = list(dict.fromkeys(c.measure for c in self.curves))
        named = len(tasks) <= len(COLOURS)
        for c in self.curves:
            look = {"color": GREY, "linewidth": 0.6}
            if named:
                look = {"color": COLOURS[tasks.index(c.task)]}
                if c.measure == measures[0]:
                    look["label"] = shortened(c.task)
            ax.plot(c.x, c.y, linestyle=STYLES[measures.index(c.measure)], **look)
        for measure, style in zip(measures, STYLES, strict=False):
            label = measure
            if not named:
                own = [c for c in self.curves if c.measure == measure]
                mean = np.mean([c.y for c in own], axis=0)
                look = {"color": "black", "linewidth": 2, "linestyle": style}
                label = f"mean of {len(tasks)} tasks" + (
                    f",\n{measure}" if len(measures) > 1 else ""
                )
                ax.plot(own[0].x, mean, label=label, **look)
            elif len(measures) > 1:
                ax.plot([], [], color="black", linestyle=style, label=label)


def _solver_record(model):
    """Return (iterations, objective, gap or stationarity, name of the latter)."""
    record = learned(model, "_history")
    name = "stationarity" if learned(model, "dual_gap_") is None else "dual_gap"
    return *record.T, name


def _of_solver(model):
    """Return the display of one linear model."""
    x, value, gap, name = _solver_record(model)
    curves = [Curve("model", name, None, x, gap)]
    y_name = MEASURES[name]
    above = value - value[-1:]
    if (above > 0).sum() > 1:  # a line needs two points
        curves.append(Curve("model", "objective_above_last_value", None, x, above))
        y_name += "; objective above its last value"
    return ConvergenceDisplay(curves, y_name, target=learned(model, "_target"))


def _of_several(models):
    """Return the display of several models: the gap, or the training objective."""
    solvers = [learned(model, "_history") is not None for model in models.values()]
    losses = [learned(model, "loss_curve_") is not None for model in models.values()]
    if all(solvers) and models:
        curves = []
        for label, model in models.items():
            x, _, gap, name = _solver_record(model)
            curves.append(Curve(label, name, None, x, gap))
        kinds = sorted({MEASURES[c.measure] for c in curves})
        return ConvergenceDisplay(curves, " or ".join(kinds))
    if all(losses) and models:
        curves = []
        for label, model in models.items():
            y = np.asarray(learned(model, "loss_curve_"), dtype=float)
            curves.append(Curve(label, "objective", None, 1 + np.arange(len(y)), y))
        name = "training objective"
        return ConvergenceDisplay(curves, name, log=False, x_name="epoch")
    raise TypeError(
        "Several models must all be fitted linear models of skmtl, or all networks."
    )


def _of_network(model, measure):
    """Return the display of one network."""
    history = learned(model, "history_")
    auxiliary = learned(model, "auxiliary_tasks_")
    tasks = list(np.asarray(learned(model, "tasks_")).tolist())
    tasks += [] if auxiliary is None else np.asarray(auxiliary).tolist()
    curves = []
    for key, name in OF_TASKS[measure].items():
        values = history.get(key, np.zeros((0, len(tasks))))
        if values.ndim == 3:  # (epochs, T, T): the mean over the other tasks
            off = ~np.eye(values.shape[1], dtype=bool)
            n = np.maximum((np.isfinite(values) & off).sum(axis=2), 1)
            values = np.nansum(values * off, axis=2) / n
        curves += [
            Curve("model", name, task, 1 + np.arange(len(values)), values[:, t])
            for t, task in enumerate(tasks)
            if len(values) and np.isfinite(values[:, t]).any()
        ]
    if not curves:
        raise ValueError(
            f"The network recorded no {measure}. "
            + ("Fit it with monitor_conflict=True." if measure == "conflict" else "")
        )
    return ConvergenceDisplay(curves, Y_NAMES[measure], log=False, x_name="epoch")
