"""What pictures of predicted risks share: reading labels and risks of one task."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_array

from skmtl.plotting._style import COLOURS, MARKERS, REFERENCE_COLOUR, import_pyplot


class RiskDisplay:
    """Labels of one task with two classes, and the risks that models predict.

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
    """

    def __init__(self, y_true, risks, sample_weight=None, reference=None):
        self.y_true = y_true
        self.risks = risks
        self.sample_weight = sample_weight
        self.reference = reference

    @classmethod
    def from_predictions(cls, y_true, risks, *, sample_weight=None, name=None, ax=None):
        """Draw risks that are already there.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels of one task, of two classes. The last one in sorted order is
            what the risk is of. Missing ones (NaN) are left out.
        risks : array-like of shape (n_samples,), or dict of str -> array-like
            Predicted probabilities of that class; of several models as a dict.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the labels.
        name : str, default=None
            Name of the model, if `risks` is one array. None: "model".
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display
            The display, drawn.

        Raises
        ------
        ValueError
            If there are not two classes, lengths differ, or risks are not finite.
        """
        if not isinstance(risks, dict):
            risks = {"model" if name is None else name: risks}
        return cls(*read_risks(y_true, risks, sample_weight)).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, task=None, sample_weight=None, name=None, ax=None
    ):
        """Draw the risks that a fitted model predicts.

        Parameters
        ----------
        estimator : estimator
            A fitted classifier, or a regressor whose prediction for the task is a risk
            (``loss="logistic"``).
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Rows that the model was not fitted to.
        y : array-like of shape (n_samples,)
            Their labels of one task.
        task : scalar, default=None
            That task; None for a model that is not told, or reads it from X.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the labels.
        name : str, default=None
            Name of the model. None: that of its class.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display
            The display, drawn.
        """
        told = {} if task is None else {"task": task}
        if is_classifier(estimator):
            risk = np.asarray(estimator.predict_proba(X, **told))[..., -1]
        else:
            risk = estimator.predict(X, **told)
        name = type(estimator).__name__ if name is None else name
        return cls.from_predictions(
            y, risk, sample_weight=sample_weight, name=name, ax=ax
        )

    @classmethod
    def from_report(cls, report, task, *, ax=None):
        """Draw the out-of-fold risks of all models of a comparison.

        Parameters
        ----------
        report : ComparisonReport
            What `compare` returned.
        task : scalar
            A task with two classes, or with labels 0 and 1.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display
            The display, drawn.

        Raises
        ------
        ValueError
            If the report has no such task.
        """
        return cls(*report.risks(task), report.reference_).plot(ax=ax)

    def _axes(self, ax):
        """Take the axes, or make a figure."""
        if ax is None:
            size = (5, 4)
            _, ax = import_pyplot().subplots(figsize=size, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        ax.grid(color="0.92", zorder=0)
        ax.spines[["top", "right"]].set_visible(False)
        return ax

    def _styles(self):
        """Yield (name, risks, colour, marker) of each model."""
        if self.reference in self.risks:
            yield self.reference, self.risks[self.reference], REFERENCE_COLOUR, "x"
        others = [name for name in self.risks if name != self.reference]
        for k, name in enumerate(others):
            colour, marker = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
            yield name, self.risks[name], colour, marker


def read_risks(y_true, risks, sample_weight):
    """Return (labels 0 or 1, {name: risks from 0 to 1}, weights or None), checked."""
    y = np.ravel(np.asarray(y_true))
    seen = np.array([v is not None and v == v for v in y.tolist()])
    classes = np.unique(np.array(y[seen].tolist()))
    if len(classes) != 2:
        raise ValueError(
            f"y_true must hold two classes, got {len(classes)}: {classes[:5].tolist()}."
        )
    found = {}
    for name, risk in risks.items():
        risk = check_array(risk, ensure_2d=False, dtype=float, input_name=f"{name!r}")
        if risk.shape != y.shape:
            raise ValueError(
                f"risks of {name!r} must be one number per label, {y.shape}, got an "
                f"array of shape {risk.shape}."
            )
        found[name] = np.clip(risk[seen], 0.0, 1.0)
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight, dtype=float)
        if sample_weight.shape != y.shape:
            raise ValueError(
                f"sample_weight must be one number per label, {y.shape}, got an array "
                f"of shape {sample_weight.shape}."
            )
        sample_weight = sample_weight[seen]
    y = (np.array(y[seen].tolist()) == classes[1]).astype(float)
    return y, found, sample_weight
