"""What pictures read from fitted models: coefficients, and the names of things."""

from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import NotFittedError

from skmtl.model_selection._one_task import learned, without_search


@dataclass(frozen=True)
class CoefficientTable:
    """Coefficients of a model, named.

    Attributes
    ----------
    parts : dict of str -> ndarray of shape (n_rows, n_features)
        "coef", or "shared" and "specific".
    tasks : ndarray of shape (n_rows,)
        The task of each row.
    classes : list or None
        Its class, where tasks have more than two of them.
    features : ndarray of shape (n_features,)
    """

    parts: dict
    tasks: np.ndarray
    classes: list | None
    features: np.ndarray

    @property
    def rows(self):
        """A name for each row."""
        if self.classes is None:
            return [str(task) for task in self.tasks]
        pairs = zip(self.tasks, self.classes, strict=True)
        return [f"{task}: {name}" for task, name in pairs]

    @classmethod
    def of(cls, estimator, *, split=False, features=None):
        """Read the coefficients of a fitted model; its two parts with `split`."""
        if split:
            names = ("shared", "specific")
            parts = {name: learned(estimator, f"coef_{name}_") for name in names}
            if any(part is None for part in parts.values()):
                raise TypeError(
                    "parts='split' needs a model with coef_shared_ and coef_specific_, "
                    f"such as SharedSpecificRegressor, got {estimator!r}."
                )
        else:
            parts = {"coef": coefficients(estimator)}
        n_rows, n_features = next(iter(parts.values())).shape
        tasks, classes = learned(estimator, "tasks_"), None
        pairs = _row_names(estimator)
        tasks = np.arange(n_rows) if tasks is None else np.asarray(tasks)
        if n_rows != len(tasks):
            if pairs is None:
                tasks = np.arange(n_rows)
            else:
                tasks, classes = (list(values) for values in zip(*pairs, strict=True))
                tasks = np.array(tasks)
        if features is None:
            features = feature_names(estimator, n_features)
        return cls(parts, tasks, classes, checked_names(features, n_features))


def checked_names(names, n, what="feature_names"):
    """Return n names as an array, or raise."""
    found = np.asarray(names)
    if found.shape != (n,):
        raise ValueError(f"{what} must hold {n} names, got shape {found.shape}.")
    return found


def coefficients(estimator):
    """Return the coefficients of a fitted model, a row per task (or class of one)."""
    coef = learned(estimator, "coef_")
    alone = learned(estimator, "estimators_")
    if coef is None and isinstance(alone, dict):  # one model per task
        each = [learned(model, "coef_") for model in alone.values()]
        each = [c if c is None else np.atleast_2d(c) for c in each]
        if all(c is not None and c.shape[1] == each[0].shape[1] for c in each):
            coef = np.concatenate(each)
    if coef is None:
        raise TypeError(
            f"A fitted linear model with coef_ is needed, got {estimator!r}. Is it "
            "fitted?"
        )
    return np.atleast_2d(coef)


def _row_names(estimator):
    """Return the (task, class) of each row of coefficients, or None."""
    pairs, alone = learned(estimator, "coef_rows_"), learned(estimator, "estimators_")
    if pairs is not None or not isinstance(alone, dict):
        return pairs
    return [
        (task, name)
        for task, model in alone.items()
        for name in _named_classes(learned(model, "classes_"))
    ]


def _named_classes(classes):
    """Return the classes that have a row of coefficients: of two the last."""
    if classes is None:
        return [None]
    return classes[-1:] if len(classes) == 2 else classes


def feature_names(estimator, n_features):
    """Return the names of the features that the last step of a model saw."""
    model = without_search(estimator)
    steps = getattr(model, "steps", None)
    names = None
    if steps and len(steps) > 1:
        names = _names_after(model)
        names = _names_seen(without_search(steps[-1][1])) if names is None else names
    else:
        names = _names_seen(model if not steps else without_search(steps[-1][1]))
    if names is None or len(names) != n_features:
        return np.array([f"x{j}" for j in range(n_features)])
    return np.asarray(names)


def _names_seen(model):
    return getattr(model, "feature_names_in_", None)


def _names_after(pipeline):
    """Return the names of what the transformers of a pipeline put out, or None."""
    try:
        return pipeline[:-1].get_feature_names_out()
    except (AttributeError, ValueError, NotFittedError):  # some of them know none
        return None


def spreads(X, n_features):
    """Return the standard deviation of each feature; NaN and sparse X are fine."""
    from sklearn.preprocessing import StandardScaler

    X = X if hasattr(X, "shape") else np.asarray(X)
    if len(X.shape) != 2 or X.shape[1] != n_features:
        raise ValueError(
            f"X has shape {tuple(X.shape)}, and the coefficients are of {n_features} "
            "features. Pass X as the last step of a pipeline saw it."
        )
    return np.sqrt(StandardScaler(with_mean=False).fit(X).var_)
