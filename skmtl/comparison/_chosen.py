"""What a fitted model chose by itself, and whether it is empty."""

import numpy as np
from sklearn.pipeline import Pipeline

# Attributes in which estimators named ...CV keep what they chose.
CHOSEN = ("alpha_", "l1_ratio_", "C_", "n_features_", "best_threshold_")
# Attributes in which estimators keep the one that predicts for them.
ONE_INSIDE = ("best_estimator_", "estimator_", "regressor_")


def chosen_parameters(model):
    """Return {parameter: value} of what was tuned inside a fitted model.

    Models fitted per task have "task: parameter" for names, those inside an ensemble or
    before the last step of a pipeline "name: parameter"; {} means nothing was tuned.
    """
    found = {}
    if isinstance(getattr(model, "chosen_", None), dict):  # one of two for each task
        found = {f"{task}: model": name for task, name in model.chosen_.items()}
    if type(model).__name__.endswith("CV"):
        found = {
            name.removesuffix("_").removeprefix("best_"): _plain(getattr(model, name))
            for name in CHOSEN
            if hasattr(model, name)
        }
    if hasattr(model, "best_params_"):
        found = dict(model.best_params_)
    for prefix, inner in [*_steps_before(model), *_inside(model)]:
        for name, value in chosen_parameters(inner).items():
            found[f"{prefix}{name}"] = value
    return found


def is_empty(model):
    """Tell whether all linear models inside have coefficients of zero."""
    found = list(_coefficients(model))
    return bool(found) and not any(map(np.any, found))


def _coefficients(model):
    """Yield the coefficients of the linear models inside."""
    if hasattr(model, "coef_"):
        coef = model.coef_
        yield coef.toarray() if hasattr(coef, "toarray") else np.asarray(coef)
        return
    for _, inner in _inside(model):
        yield from _coefficients(inner)


def _steps_before(model):
    """Yield (prefix, fitted step) of all but the last step of a pipeline."""
    for name, step in model.steps[:-1] if isinstance(model, Pipeline) else ():
        yield f"{name}: ", step


def _inside(model):
    """Yield (prefix of its name, fitted estimator) of what predicts inside a model."""
    if hasattr(model, "fallback_"):
        yield "estimator: ", model.estimator_
        yield "fallback: ", model.fallback_
        return
    for name in ONE_INSIDE:
        if hasattr(model, name):
            yield "", getattr(model, name)
            return
    if isinstance(model, Pipeline):
        yield "", model.steps[-1][1]
        return
    several = getattr(model, "named_estimators_", getattr(model, "estimators_", None))
    if isinstance(several, list):
        several = dict(enumerate(several))
    if isinstance(several, dict):
        for name, inner in several.items():
            yield f"{name}: ", inner


def _plain(value):
    """Return a number for an array of one, a list for others."""
    values = np.asarray(value)
    return values.item() if values.size == 1 else values.tolist()
