"""Curvatures of the loss in all features, where they are worth having."""

import numpy as np

MANY_FEATURES = 1500  # beyond, a system per task costs more than it saves
SMALL_BYTES = 2**28


def gram_model(objective, point, *, few_rows=False):
    """Return f near the point as a quadratic held by Gram matrices, or None.

    None where there are fewer rows than features, unless `few_rows` is True and the
    matrices are small: steps that cost what the rows do are faster there.
    """
    p = objective.n_features
    small = 8 * objective.n_tasks * p**2 <= SMALL_BYTES
    if few_rows and small and getattr(objective, "grams_fit", False):
        return objective.grams(point)
    if p > MANY_FEATURES:
        return None
    model = objective.model(point, np.arange(p))
    return model if hasattr(model, "A") else None


def part_of_grams(gram, features):
    """Return the entries of Gram matrices for features; of all of them no copy."""
    if np.array_equal(features, np.arange(gram.shape[1])):
        return gram
    return gram[:, features][:, :, features].copy()


def few_values(scale):
    """Raise positive numbers a little, to a few different ones."""
    if scale.max() <= 1.1 * scale.min():
        return np.full_like(scale, scale.max())
    return 1.25 ** np.ceil(np.log(scale) / np.log(1.25) - 1e-9)
