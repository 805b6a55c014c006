"""How good predicted risks are: Brier score, calibration, and decisions by them."""

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

# Thresholds of risk at which decisions are judged.
THRESHOLDS = np.linspace(0.01, 0.99, 99)
# Recalibration works on log-odds; risks are kept this far from 0 and 1 there.
CLIP = 1e-6
MAX_STEPS = 50
LARGEST_SLOPE = 1e3  # beyond it the outcomes are separated, and there is no slope
Z = norm.isf(0.025)


def risk_measures(y, p, weight, unit):
    """Return {name: number} of predicted risks; those beyond 0 and 1 count as 0 and 1.

    Parameters
    ----------
    y, p, weight : ndarray of shape (m,)
        Labels 0 or 1, risks and weights.
    unit : ndarray of shape (m,)
        What is drawn independently: rows, or groups of them. A row may come up several
        times, once per repeat of the folds.
    """
    p = np.clip(p, 0.0, 1.0)
    share = np.average(y, weights=weight)
    brier, null = np.average((y - p) ** 2, weights=weight), share * (1 - share)
    slope, intercept, error = recalibration(y, p, weight, unit)
    return {
        "n_labels": len(np.unique(unit)),
        "prevalence": share,
        "mean_risk": np.average(p, weights=weight),
        "brier": brier,
        "brier_skill": 1 - brier / null if null > 0 else np.nan,
        "slope": slope,
        "slope_low": slope - Z * error,
        "slope_high": slope + Z * error,
        "intercept": intercept,
        "in_the_large": in_the_large(y, p, weight),
    }


def recalibration(y, p, weight, unit):
    """Return (slope, intercept, standard error of the slope) of logistic recalibration.

    The model is logit P(y = 1) = intercept + slope * logit(p). The standard error
    allows for labels of one unit that belong together, and that come up repeatedly; it
    holds for the given predictions. NaN where risks do not vary, where there is one
    class, or where the risks separate the classes.
    """
    z = _log_odds(p)
    nothing = (np.nan, np.nan, np.nan)
    scale = z.std()
    if np.ptp(y) == 0 or scale <= 1e-9:
        return nothing
    centre = z.mean()
    Z1 = np.column_stack([np.ones(len(z)), (z - centre) / scale])
    coef = _fit(Z1, y, weight)
    if coef is None or abs(coef[1] / scale) > LARGEST_SLOPE:
        return nothing
    mu = expit(Z1 @ coef)
    bread = np.linalg.inv(Z1.T @ (Z1 * (weight * mu * (1 - mu))[:, None]))
    code = np.unique(unit, return_inverse=True)[1]
    pull = (weight * (y - mu))[:, None] * Z1
    total = np.column_stack([np.bincount(code, column) for column in pull.T])
    covariance = bread @ (total.T @ total) @ bread
    slope = coef[1] / scale
    intercept = coef[0] - slope * centre
    return float(slope), float(intercept), float(np.sqrt(covariance[1, 1]) / scale)


def in_the_large(y, p, weight):
    """Return the shift of all log-odds that makes the mean risk the prevalence.

    Above 0 risks are too low on average, below 0 too high.
    """
    if np.ptp(y) == 0:
        return np.nan
    coef = _fit(np.ones((len(y), 1)), y, weight, offset=_log_odds(p))
    return np.nan if coef is None else float(coef[0])


def calibration_bins(y, p, n_bins, *, sample_weight=None):
    """Return (mean risk, share of positives, weight) of bins of about equal weight.

    Equal risks are never in two bins. Without weights these are the bins of
    `sklearn.calibration.calibration_curve` with ``strategy="quantile"``, up to rows
    at their edges.
    """
    weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
    code = np.unique(p, return_inverse=True)[1]
    mass = np.bincount(code, weight)
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    bin_of = np.minimum((n_bins * middle).astype(int), n_bins - 1)[code]
    total = np.bincount(bin_of, weight, n_bins)
    used = total > 0
    risk, share = (
        np.bincount(bin_of, weight * v, n_bins)[used] / total[used] for v in (p, y)
    )
    return risk, share, total[used]


def net_benefit(y, p, thresholds, *, sample_weight=None):
    """Return (net benefit, that of treating all) at thresholds of risk.

    Whoever has a risk of at least q is treated: the net benefit is the share of true
    positives less q / (1 - q) times that of false positives. To treat nobody has 0.
    """
    weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
    order = np.argsort(-p, kind="stable")
    sick = np.append(0.0, np.cumsum((weight * y)[order])) / weight.sum()
    well = np.append(0.0, np.cumsum((weight * (1 - y))[order])) / weight.sum()
    n_treated = np.searchsorted(-p[order], -thresholds, side="right")
    price = thresholds / (1 - thresholds)
    return sick[n_treated] - price * well[n_treated], sick[-1] - price * well[-1]


def _log_odds(p):
    """Return the log-odds of risks."""
    return logit(np.clip(p, CLIP, 1 - CLIP))


def _fit(Z, y, weight, offset=0.0):
    """Return the coefficients of a logistic regression by Newton steps, or None."""
    coef = np.zeros(Z.shape[1])
    loss = _loss(Z @ coef + offset, y, weight)
    for _ in range(MAX_STEPS):
        mu = expit(Z @ coef + offset)
        gradient = Z.T @ (weight * (y - mu))
        bend = Z.T @ (Z * (weight * mu * (1 - mu))[:, None])
        if np.linalg.cond(bend) > 1e12:
            return None
        step = np.linalg.solve(bend, gradient)
        if np.abs(step).max() <= 1e-10:
            return coef + step
        size, target = 1.0, loss
        while size > 1e-6:  # a full step may overshoot far from the answer
            loss = _loss(Z @ (coef + size * step) + offset, y, weight)
            if loss <= target + 1e-12 * abs(target):
                break
            size /= 2
        coef = coef + size * step
    return None


def _loss(z, y, weight):
    """Return the logistic loss."""
    return weight @ (np.logaddexp(0.0, z) - y * z)
