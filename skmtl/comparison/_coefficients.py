"""How alike the coefficients of tasks are."""

import numpy as np
from scipy import sparse
from sklearn.preprocessing import StandardScaler

from skmtl.baselines import IndependentTasks
from skmtl.comparison._company import default_learner
from skmtl.summaries import cosines


def coefficient_similarity(estimator, X, y, task, sample_weight, n_jobs):
    """Return (tasks, cosines between their coefficients (T, T))."""
    if estimator is None:
        estimator = default_learner(y).estimator
    X = X if hasattr(X, "shape") else np.asarray(X)
    model = IndependentTasks(estimator, n_jobs=n_jobs)
    metadata = {"task": task, "sample_weight": sample_weight}
    model.fit(X, y, **{name: v for name, v in metadata.items() if v is not None})
    if len(model.tasks_) < 2:
        raise ValueError(
            "There is one task only; at least 2 are needed. Pass task=, or y with a "
            "column per task."
        )
    for t, classes in getattr(model, "task_classes_", {}).items():
        if len(classes) < 2:
            raise ValueError(
                f"Task {t!r} has labels of one class only, and so no coefficients. "
                "Drop it."
            )
    rows = [_coefficients(t, own, X) for t, own in model.estimators_.items()]
    if len({len(row) for row in rows}) > 1:
        raise ValueError(
            "The tasks have different numbers of coefficients, as those with different "
            'numbers of classes have. Use method="transfer".'
        )
    return model.tasks_, cosines(np.array(rows))


def _coefficients(task, model, X):
    """Return the coefficients of one task in a row, per deviation of a feature in X."""
    linear, Z = _linear_part(model, X)
    if linear is None:
        raise TypeError(
            f"The model of task {task!r} ({type(model).__name__}) has no coef_, so its "
            'coefficients cannot be compared. Use method="transfer".'
        )
    coef = linear.coef_
    coef = coef.toarray() if sparse.issparse(coef) else np.asarray(coef)
    if coef.shape[-1] != Z.shape[1]:
        raise TypeError(
            f"The model of task {task!r} ({type(model).__name__}) has coefficients of "
            f"{coef.shape[-1]} features, and is given {Z.shape[1]}: tasks that choose "
            'features of their own cannot be compared. Use method="transfer".'
        )
    spread = np.sqrt(StandardScaler(with_mean=False).fit(Z).var_)
    return np.ravel(coef * spread)


def _linear_part(model, X):
    """Return (the fitted estimator inside that has coef_, or None; X as it sees it)."""
    while model is not None and not hasattr(model, "coef_"):
        steps = getattr(model, "steps", None)
        if hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif steps:
            X = model[:-1].transform(X) if len(steps) > 1 else X
            model = steps[-1][1]
        else:
            model = getattr(model, "estimator_", None)
    return model, X
