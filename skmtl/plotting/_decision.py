"""What are decisions by predicted risks worth?"""

import numpy as np

from skmtl.plotting._risks import RiskDisplay
from skmtl.risks import THRESHOLDS, net_benefit


class DecisionCurveDisplay(RiskDisplay):
    """Net benefit of treating by predicted risk, against the threshold, per task.

    If everybody with a risk of at least q is treated, the net benefit is the share of
    all rows that are treated rightly, less q / (1 - q) times the share treated in vain
    (Vickers and Elkin, 2006, [1]_): whoever treats at a risk of 10 % thinks that
    to miss one case is as bad as to treat nine in vain. A model is worth using at the
    thresholds where its curve is above those of treating all and of treating nobody.

    Parameters
    ----------
    outcomes : list of Outcome
        Truth and risks of each model and task; risks beyond 0 and 1 count as 0 and 1.

    Attributes
    ----------
    frame_ : DataFrame
        What is drawn, a row per model, task and threshold. Needs pandas.
    ax_ : ndarray of Axes
        The axes, one per task.
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

    _names = ("treated from this risk on", "net benefit")

    def _columns(self, outcome):
        """Return the curves of one model in one task."""
        found = net_benefit(
            outcome.positive, outcome.answer, THRESHOLDS, sample_weight=outcome.weight
        )
        names = ("net_benefit", "treat_all")
        return {"threshold": THRESHOLDS, **dict(zip(names, found, strict=True))}

    def _draw(self, ax, outcome, colour):
        """Draw one curve; return its line and no note."""
        benefit = self._columns(outcome)["net_benefit"]
        (line,) = ax.plot(THRESHOLDS, benefit, color=colour)
        return line, ""

    def _finish(self, ax, outcomes):
        """Draw the two rules that need no model; return their lines."""
        first = outcomes[0]
        share = np.average(first.positive, weights=first.weight)
        everybody = self._columns(first)["treat_all"]
        look = {"color": "0.45", "label": "treat everybody"}
        (line,) = ax.plot(THRESHOLDS, everybody, linestyle="--", **look)
        look["label"] = "treat nobody"
        rules = [line, ax.axhline(0.0, linestyle=":", **look)]
        last = max(THRESHOLDS[0], *(o.answer.max() for o in outcomes))
        ax.set(xlim=(0, min(1.0, 1.05 * last)), ylim=(-0.15 * share, 1.1 * share))
        return rules
