"""What a fitted model chose by itself, and whether it is empty."""

import numpy as np

# Attributes in which estimators named ...CV keep what they chose.
CHOSEN = ("alpha_", "l1_ratio_", "C_")


def chosen_parameters(model):
    """Return {parameter: value} of what was tuned inside a fitted model.

    Models fitted per task have "task: parameter" for names; {} means nothing was tuned.
    """
    if hasattr(model, "best_params_"):
        return dict(model.best_params_)
    found = {}
    if type(model).__name__.endswith("CV"):
        found = {
            name.removesuffix("_"): _plain(getattr(model, name))
            for name in CHOSEN
            if hasattr(model, name)
        }
    for prefix, inner in _inside(model):
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


def _inside(model):
    """Yield (prefix of its name, fitted estimator) directly inside a model."""
    if hasattr(model, "best_estimator_"):
        yield "", model.best_estimator_
    elif hasattr(model, "estimator_"):
        yield "", model.estimator_
    elif isinstance(getattr(model, "estimators_", None), dict):
        for task, inner in model.estimators_.items():
            yield f"{task}: ", inner
    elif hasattr(model, "steps"):
        yield "", model.steps[-1][1]


def _plain(value):
    """Return a number for an array of one, a list for others."""
    values = np.asarray(value)
    return values.item() if values.size == 1 else values.tolist()
