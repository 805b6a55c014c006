"""What are decisions by predicted risks worth?"""

import numpy as np

from skmtl.plotting._risks import RiskDisplay
from skmtl.risks import THRESHOLDS, net_benefit


class DecisionCurveDisplay(RiskDisplay):
    """Net benefit of treating by predicted risk, against the threshold, of one task.

    If everybody with a risk of at least q is treated, the net benefit is the share of
    all rows that are treated rightly, less q / (1 - q) times the share treated in vain
    (Vickers and Elkin, 2006, [1]_): whoever treats at a risk of 10 % thinks that
    to miss one case is as bad as to treat nine in vain. A model is worth using at the
    thresholds where its curve is above those of treating all and of treating nobody.

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
        What is drawn, a row per model and threshold. Needs pandas.
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.

    See Also
    --------
    TaskCalibrationDisplay : Whether the risks are what happens.

    References
    ----------
    .. [1] A. J. Vickers and E. B. Elkin (2006). Decision curve analysis: a novel method
       for evaluating prediction models. Medical Decision Making 26, 565-574.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from skmtl import DecisionCurveDisplay
    >>> rng = np.random.default_rng(0)
    >>> risk = rng.uniform(size=2000)
    >>> died = rng.uniform(size=2000) < risk
    >>> display = DecisionCurveDisplay.from_predictions(died, risk)
    >>> frame = display.frame_
    >>> bool((frame["net_benefit"] >= frame["treat_all"] - 1e-12).all())
    True
    >>> plt.close(display.figure_)
    """

    def _curve(self, risk):
        return net_benefit(
            self.y_true, risk, THRESHOLDS, sample_weight=self.sample_weight
        )

    @property
    def frame_(self):
        """What is drawn, a row per model and threshold."""
        import pandas

        names = ("net_benefit", "treat_all")
        parts = [
            pandas.DataFrame(
                {
                    "model": name,
                    "threshold": THRESHOLDS,
                    **dict(zip(names, self._curve(risk), strict=True)),
                }
            )
            for name, risk in self.risks.items()
        ]
        return pandas.concat(parts, ignore_index=True)

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
        ax = self._axes(ax)
        share = np.average(self.y_true, weights=self.sample_weight)
        last = min(1.0, 1.05 * max(risk.max() for risk in self.risks.values()))
        for name, risk, colour, _ in self._styles():
            ax.plot(THRESHOLDS, self._curve(risk)[0], color=colour, label=name)
        all_treated = share - (1 - share) * THRESHOLDS / (1 - THRESHOLDS)
        ax.plot(THRESHOLDS, all_treated, color="0.45", linestyle="--", label="all")
        ax.axhline(0.0, color="0.45", linestyle=":", label="nobody")
        ax.set_xlim(0, last)
        ax.set_ylim(-0.15 * share, 1.1 * share)
        ax.set_xlabel("threshold of risk above which is treated")
        ax.set_ylabel("net benefit")
        ax.legend(frameon=False, fontsize="small", title="treat by")
        return self
