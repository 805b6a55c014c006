"""How alike the coefficients of tasks are."""

import numpy as np
from scipy import sparse

from skmtl.baselines import IndependentTasks
from skmtl.comparison._company import default_learner
from skmtl.model_selection._one_task import learned


def coefficient_similarity(estimator, X, y, task, sample_weight, n_jobs):
    """Return (tasks, cosines between their coefficients (T, T))."""
    if estimator is None:
        estimator = default_learner(y).estimator
    model = IndependentTasks(estimator, n_jobs=n_jobs)
    metadata = {"task": task, "sample_weight": sample_weight}
    model.fit(X, y, **{name: v for name, v in metadata.items() if v is not None})
    if len(model.tasks_) < 2:
        raise ValueError(
            "There is one task only; at least 2 are needed. Pass task=, or y with a "
            "column per task."
        )
    rows = [_coefficients(t, own) for t, own in model.estimators_.items()]
    if len({len(row) for row in rows}) > 1:
        raise ValueError(
            "The tasks have different numbers of coefficients, as those with different "
            'numbers of classes have. Use method="transfer".'
        )
    coef = np.array(rows)
    spread = _deviations(X)
    if coef.shape[1] % len(spread) == 0:  # features as they are, for each class
        coef = coef * np.tile(spread, coef.shape[1] // len(spread))
    size = np.linalg.norm(coef, axis=1, keepdims=True)
    unit = coef / np.where(size > 0, size, 1.0)
    similarity = np.clip(unit @ unit.T, -1.0, 1.0)
    np.fill_diagonal(similarity, 1.0)
    return model.tasks_, similarity


def _coefficients(task, model):
    """Return the coefficients of one task in a row."""
    coef = learned(model, "coef_")
    if coef is None:
        raise TypeError(
            f"The model of task {task!r} ({type(model).__name__}) has no coef_, so its "
            'coefficients cannot be compared. Use method="transfer".'
        )
    coef = coef.toarray() if sparse.issparse(coef) else coef
    return np.ravel(coef)


def _deviations(X):
    """Return the standard deviations of the features over all rows."""
    if sparse.issparse(X):
        mean = np.asarray(X.mean(axis=0)).ravel()
        square = np.asarray(X.multiply(X).mean(axis=0)).ravel()
        return np.sqrt(np.maximum(square - mean**2, 0.0))
    X = X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(X)
    return np.std(X.astype(float), axis=0)
