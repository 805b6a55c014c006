"""Are predicted risks what happens?"""

import numpy as np

from skmtl.plotting._risks import RiskDisplay
from skmtl.risks import calibration_bins, recalibration

N_BINS = 10


class TaskCalibrationDisplay(RiskDisplay):
    """Observed shares against predicted risks, of each task with two classes.

    Rows are sorted by their predicted risk and cut into ten bins of about equal
    weight. A mark is a bin: its mean risk, and the share of its rows that have the
    outcome. Calibrated risks are on the diagonal; above it risks are too low, below it
    too high. The slope in the legend is that of the true log-odds on the predicted
    ones: 1 if calibrated, below 1 if risks are too extreme.

    Parameters
    ----------
    outcomes : list of Outcome
        Truth and risks of each model and task; risks beyond 0 and 1 count as 0 and 1.

    Attributes
    ----------
    frame_ : DataFrame
        What is drawn, a row per model, task and bin. Needs pandas.
    slopes_ : dict of (model, task) -> float
        Calibration slopes; NaN where not defined.
    ax_ : ndarray of Axes
        The axes, one per task.
    figure_ : Figure
        The figure.

    See Also
    --------
    DecisionCurveDisplay : What decisions by these risks are worth.
    ComparisonReport.to_frame : Slopes, intercepts and Brier scores, part "risk".

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from skmtl import TaskCalibrationDisplay
    >>> rng = np.random.default_rng(0)
    >>> risk = rng.uniform(size=2000)
    >>> died = rng.uniform(size=2000) < risk
    >>> display = TaskCalibrationDisplay.from_predictions(died, risk)
    >>> round(display.slopes_["model", 0], 1)
    1.0
    >>> plt.close(display.figure_)
    """

    _names = ("predicted risk, mean of the bin", "share with the outcome")

    def _columns(self, outcome):
        """Return the bins of one model in one task."""
        bins = calibration_bins(
            outcome.positive, outcome.answer, N_BINS, sample_weight=outcome.weight
        )
        return dict(zip(("risk", "share", "weight"), bins, strict=True))

    @property
    def slopes_(self):
        """Calibration slopes."""
        return {(o.model, o.task): _slope(o) for o in self.outcomes}

    def _draw(self, ax, outcome, colour):
        """Draw one curve; return its line and its slope."""
        bins = self._columns(outcome)
        slope = _slope(outcome)
        said = f"slope {slope:.2f}" if np.isfinite(slope) else "no slope"
        (line,) = ax.plot(
            bins["risk"],
            bins["share"],
            color=colour,
            marker="o",
            markersize=4,
            zorder=3,
        )
        return line, said

    def _finish(self, ax, outcomes):
        """Draw where calibrated risks are; return that line."""
        ends = [
            self._columns(o)[key].max() for o in outcomes for key in ("risk", "share")
        ]
        last = min(1.02, 1.08 * max(ends))
        look = {"color": "0.4", "linestyle": ":", "label": "calibrated"}
        rule = ax.plot([0, 1], [0, 1], **look)
        ax.set(xlim=(-0.02 * last, last), ylim=(-0.02 * last, last))
        return rule


def _slope(outcome):
    """Return the calibration slope of one model in one task."""
    units = np.arange(len(outcome.truth))
    found = recalibration(outcome.positive, outcome.answer, outcome.weight, units)
    return found[0]
