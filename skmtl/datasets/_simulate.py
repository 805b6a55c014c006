"""What every simulator shares: checked arguments and labels drawn from true weights."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_scalar

_LAYOUTS = ("long", "wide")
_TASK_TYPES = ("regression", "classification")


def check_count(name, value, *, low=1, high=None):
    """Return an integer argument, or say which range it left."""
    return int(check_scalar(value, name, Integral, min_val=low, max_val=high))


def check_size(name, value):
    """Return a finite number >= 0 (a scale, a standard deviation)."""
    value = float(check_scalar(value, name, Real, min_val=0))
    if not np.isfinite(value):
        raise ValueError(f"{name} must be a finite number >= 0. Got {value}.")
    return value


def _check_choice(name, value, choices):
    """Say which values a string argument can take if it takes another."""
    if value not in choices:
        allowed = " or ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} must be {allowed}. Got {value!r}.")


def _check_missing(missing, layout):
    """Return the fraction of labels to hide, which only the wide layout can show."""
    missing = check_size("missing", missing)
    if missing >= 1:
        raise ValueError(
            f"missing is the fraction of labels to hide and must be below 1. "
            f"Got {missing}."
        )
    if missing > 0 and layout == "long":
        raise ValueError(
            f"missing={missing} needs layout='wide': in the long layout a label that "
            "was not observed is a row that is not there. Pass a sequence as "
            "n_samples to give tasks fewer rows."
        )
    return missing


def _check_n_samples(n_samples, n_tasks, layout):
    """Return the number of rows of each task."""
    if isinstance(n_samples, Integral):
        return [check_count("n_samples", n_samples)] * n_tasks
    if layout == "wide":
        raise ValueError(
            "n_samples must be one int in the wide layout, whose tasks share their "
            f"rows. Got {n_samples!r}. Pass layout='long' or use missing=."
        )
    if not np.iterable(n_samples) or isinstance(n_samples, str):
        raise TypeError(
            "n_samples must be an int or a sequence of one int a task. "
            f"Got {n_samples!r}."
        )
    sizes = [check_count(f"n_samples[{t}]", n) for t, n in enumerate(n_samples)]
    if len(sizes) != n_tasks:
        raise ValueError(
            f"n_samples must have one entry a task: n_tasks={n_tasks}, but "
            f"{len(sizes)} entries were given."
        )
    return sizes


class TaskSampler:
    """The arguments common to all simulators, checked before anything is drawn."""

    def __init__(self, n_tasks, n_samples, *, noise, missing, task_type, layout):
        _check_choice("layout", layout, _LAYOUTS)
        _check_choice("task_type", task_type, _TASK_TYPES)
        self.sizes = _check_n_samples(n_samples, n_tasks, layout)
        self.noise = check_size("noise", noise)
        self.missing = _check_missing(missing, layout)
        self.binary = task_type == "classification"
        self.wide = layout == "wide"

    def draw(self, coef, rng):
        """Return ``(X, y, task, coef)`` or, wide, ``(X, Y, coef)``."""
        if self.wide:
            return self._draw_wide(coef, rng)
        X = rng.standard_normal((sum(self.sizes), coef.shape[1]))
        task = np.repeat(np.arange(len(coef)), self.sizes)
        blocks = np.split(X, np.cumsum(self.sizes)[:-1])
        signal = np.concatenate([X_t @ w for X_t, w in zip(blocks, coef, strict=True)])
        y = self._labels(signal, rng)
        return X, (y.astype(np.int64) if self.binary else y), task, coef

    def _draw_wide(self, coef, rng):
        n = self.sizes[0]
        X = rng.standard_normal((n, coef.shape[1]))
        Y = self._labels(X @ coef.T, rng)
        # Every task keeps a label, and the mask does not depend on the labels.
        n_hidden = min(round(self.missing * n), n - 1)
        for labels in Y.T:
            labels[rng.permutation(n)[:n_hidden]] = np.nan
        return X, Y, coef

    def _labels(self, signal, rng):
        """Signal plus normal errors; or 1 where signal plus logistic errors is > 0."""
        # Drawn at noise=0 too, so that noise changes neither X nor what is missing.
        if self.binary:
            latent = signal + self.noise * rng.logistic(size=signal.shape)
            return (latent > 0).astype(float)
        return signal + self.noise * rng.standard_normal(signal.shape)
