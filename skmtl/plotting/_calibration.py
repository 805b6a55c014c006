"""Are predicted risks what happens?"""

import numpy as np

from skmtl.plotting._risks import RiskDisplay
from skmtl.risks import calibration_bins, recalibration

N_BINS = 10


class TaskCalibrationDisplay(RiskDisplay):
    """Observed shares against predicted risks, of one task.

    Rows are sorted by their predicted risk and cut into ten bins of about equal
    weight. A mark is a bin: its mean risk, and the share of its rows that have the
    outcome. Calibrated risks are on the diagonal; above it risks are too low, below it
    too high. The slope in the legend is that of the true log-odds on the predicted
    ones: 1 if calibrated, below 1 if risks are too extreme.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,)
        Labels 0 or 1.
    risks : dict of str -> ndarray of shape (n_samples,)
        Predicted probabilities of label 1, by the name of the model.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the labels.
    reference : str, default=None
        The model to be drawn in grey, as in a `TransferDisplay`.

    Attributes
    ----------
    frame_ : DataFrame
        What is drawn, a row per model and bin. Needs pandas.
    slopes_ : dict of str -> float
        Calibration slope of each model; NaN where it is not defined.
    ax_ : Axes
        The axes.
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
    >>> round(display.slopes_["model"], 1)
    1.0
    >>> plt.close(display.figure_)
    """

    def _bins(self, risk):
        return calibration_bins(
            self.y_true, risk, N_BINS, sample_weight=self.sample_weight
        )

    @property
    def frame_(self):
        """What is drawn, a row per model and bin."""
        import pandas

        names = ("risk", "share", "weight")
        parts = [
            pandas.DataFrame(
                {"model": name, **dict(zip(names, self._bins(risk), strict=True))}
            )
            for name, risk in self.risks.items()
        ]
        return pandas.concat(parts, ignore_index=True)

    @property
    def slopes_(self):
        """Calibration slope of each model."""
        n = len(self.y_true)
        weight = np.ones(n) if self.sample_weight is None else self.sample_weight
        return {
            name: recalibration(self.y_true, risk, weight, np.arange(n))[0]
            for name, risk in self.risks.items()
        }

    def plot(self, ax=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : object
            The display, with `ax_` and `figure_`.
        """
        ax, slopes, largest = self._axes(ax), self.slopes_, 0.0
        ends = []
        for name, risk, colour, marker in self._styles():
            mean, share, _ = self._bins(risk)
            slope = f"{slopes[name]:.2f}" if np.isfinite(slopes[name]) else "undefined"
            ax.plot(
                mean,
                share,
                color=colour,
                marker=marker,
                markersize=5,
                label=f"{name} (slope {slope})",
                zorder=3,
            )
            ends += [mean.max(), share.max()]
        largest = min(1.0, 1.08 * max(ends))
        ax.plot([0, 1], [0, 1], color="0.4", linestyle=":", label="calibrated")
        ax.set_xlim(0, largest)
        ax.set_ylim(-0.02 * largest, largest)
        ax.set_xlabel("predicted risk, mean of the bin")
        ax.set_ylabel("share with the outcome")
        ax.legend(frameon=False, fontsize="small")
        return self
