"""Paired gains over folds: intervals, p values, and verdicts over a whole table."""

from dataclasses import dataclass

import numpy as np

from skmtl.summaries import nanmean

LEVEL = 0.05


@dataclass(frozen=True)
class PairedGain:
    """Mean gain over folds with its uncertainty; arrays of one shape.

    Attributes
    ----------
    mean, low, high : ndarray
        The mean gain and the ends of its interval of level 1 - `LEVEL`.
    p : ndarray
        Two-sided p value of "no gain".
    error : ndarray
        The standard error of the mean.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    error: np.ndarray


def corrected_resampled_t(gains, ratio):
    """Test the mean of paired gains by the corrected resampled t statistic.

    The training parts of folds overlap, so their gains are correlated and the usual
    variance of a mean, var / J, is too small. Nadeau and Bengio (2003) replace 1 / J by
    1 / J + n_test / n_train, with J - 1 degrees of freedom.

    Parameters
    ----------
    gains : ndarray of shape (..., J)
        One gain per fold; NaN where a fold has none.
    ratio : ndarray of shape (...)
        Test rows per training row.

    Returns
    -------
    PairedGain
        Arrays of shape (...). Everything but the mean is NaN with fewer than two folds.
        Gains without any variance have p value 0, or 1 if they are all zero.
    """
    gains, ratio = np.asarray(gains, dtype=float), np.asarray(ratio, dtype=float)
    from scipy.stats import t as student

    n_folds = np.isfinite(gains).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(gains, axis=-1) / n_folds
        spread = np.nansum((gains - mean[..., None]) ** 2, axis=-1) / (n_folds - 1)
        error = np.sqrt((1 / n_folds + ratio) * spread)
        statistic = np.abs(mean) / error
        p = 2 * student.sf(statistic, n_folds - 1)
        p = np.where(error == 0, np.where(mean == 0, 1.0, 0.0), p)
        reach = student.isf(LEVEL / 2, n_folds - 1) * error
    enough = (n_folds > 1) & np.isfinite(error)
    return PairedGain(
        mean,
        np.where(enough, mean - reach, np.nan),
        np.where(enough, mean + reach, np.nan),
        np.where(enough, p, np.nan),
        np.where(enough, error, np.nan),
    )


def holm(p):
    """Return p values adjusted by Holm's method over all that are not NaN."""
    p = np.asarray(p, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(p.ravel()))
    order = tested[np.argsort(p.ravel()[tested], kind="stable")]
    steps = p.ravel()[order] * np.arange(len(order), 0, -1)
    adjusted.ravel()[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def verdicts(gain, p_adjusted):
    """Return "helps", "hurts" or "no evidence" for each gain."""
    evident = np.asarray(p_adjusted) <= LEVEL  # NaN is not
    sign = np.where(np.asarray(gain) > 0, "helps", "hurts")
    return np.where(evident, sign, "no evidence")


@dataclass(frozen=True)
class Gains:
    """Gains of M models over the reference among them, for T tasks.

    Attributes
    ----------
    by_task : PairedGain of arrays (M, T)
        In units of the loss; NaN for the reference.
    scale : ndarray of shape (T,)
        What a gain is divided by before averaging over tasks.
    relative : bool
        Whether that is the mean loss of the reference (NaN where it has none);
        otherwise it is 1.
    overall : PairedGain of arrays (M,)
        The gain divided by `scale`, averaged over tasks.
    p_holm : ndarray of shape (M, T)
        Adjusted for all models and tasks together.
    verdict : ndarray of shape (M, T)
        "reference", "helps", "no evidence" or "hurts".
    """

    by_task: PairedGain
    scale: np.ndarray
    relative: bool
    overall: PairedGain
    p_holm: np.ndarray
    verdict: np.ndarray


def paired_gains(loss, reference, n_train, n_test, *, relative):
    """Return the `Gains` of losses (M, T, J) over those of the model at `reference`.

    Differences below 1e-9 of the loss are those of rounding and count as none.
    """
    base = loss[reference]
    gains = base - loss
    gains[np.abs(gains) <= 1e-9 * (np.abs(base) + np.abs(loss))] = 0.0
    gains[reference] = np.nan
    usable = np.isfinite(base)
    train, test = (np.where(usable, n, 0).sum(axis=1) for n in (n_train, n_test))
    with np.errstate(invalid="ignore", divide="ignore"):
        by_task = corrected_resampled_t(
            gains, np.broadcast_to(test / train, gains.shape[:2])
        )
        scale = nanmean(base, axis=1) if relative else np.ones(len(base))
        scale = np.where(scale > 0, scale, np.nan)
        per_fold = nanmean(gains / scale[:, None], axis=1)
        ratio = np.full(len(loss), test.sum() / train.sum())
    p_holm = holm(by_task.p)
    verdict = verdicts(by_task.mean, p_holm).astype(object)
    verdict[reference] = "reference"
    overall = corrected_resampled_t(per_fold, ratio)
    return Gains(by_task, scale, relative, overall, p_holm, verdict)


def relative_gains(gains):
    """Return the gains (M, T) of tasks relative to their scale, and their errors."""
    with np.errstate(invalid="ignore", divide="ignore"):
        error = gains.by_task.error / gains.scale
        return np.where(
            np.isfinite(error), gains.by_task.mean / gains.scale, np.nan
        ), error


def shrunken_gains(gains):
    """Return the relative gains (M, T) shrunken to their mean over tasks, and errors.

    Empirical Bayes (Morris, 1983): the true gains of tasks spread around a centre,
    estimated by `gains.overall`, with a variance that is estimated by moments: what the
    variance of the measured gains exceeds the mean of their squared errors by. Where
    tasks differ by no more than their errors, each gain is pulled by a share of
    (n - 3) / (n - 1) to the centre; where they differ far more, it stays where it is,
    and so do those of three tasks or less. A gain that is NaN stays NaN, and tells
    nothing of the others.
    """
    own, error = relative_gains(gains)
    noise, centre = error**2, gains.overall
    with np.errstate(invalid="ignore", divide="ignore"):
        n_tasks = np.isfinite(own).sum(axis=1, keepdims=True)
        around = own - nanmean(own, axis=1)[:, None]
        variance = np.nansum(around**2, axis=1, keepdims=True) / (n_tasks - 1)
        spread = np.fmax(variance - nanmean(noise, axis=1)[:, None], 0.0)
        pull = (n_tasks - 3) / (n_tasks - 1) * noise / (noise + spread)
        # With three tasks or less, or gains without any error, there is no pull.
        pull = np.where((n_tasks > 3) & (noise > 0), pull, 0.0)
        mean = np.where(pull > 0, own + pull * (centre.mean[:, None] - own), own)
        others = np.where(pull > 0, centre.error[:, None] ** 2 + spread / n_tasks, 0.0)
    return mean, np.sqrt((1 - pull) * noise + pull**2 * others)
