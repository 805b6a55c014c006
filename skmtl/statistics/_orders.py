"""The order of tasks, and the names of features, of two statistics together."""

import numpy as np


def joint_order(a, b, layout):
    """Return the labels of either, in one order.

    Columns of wide tables stand in order of first appearance. Other tasks keep the
    order of both (that of categories, say), by label where neither decides; if they
    contradict each other all are sorted.
    """
    if layout == "wide":
        seen = set(a)
        return a + [v for v in b if v not in seen]
    left, right, found = a[::-1], b[::-1], []
    in_left, in_right = set(a), set(b)
    while left and right:
        heads = {v for v in (left[-1], right[-1]) if v == left[-1] or v not in in_left}
        ready = {v for v in heads if v == right[-1] or v not in in_right}
        if not ready:
            return sorted(set(a) | set(b))
        found.append(min(ready))
        for side, rest in ((left, in_left), (right, in_right)):
            if side[-1] == found[-1]:
                rest.remove(side.pop())
    return found + left[::-1] + right[::-1]


def column_names(X):
    """Return the names of the columns of a DataFrame, None unless all are strings."""
    names = list(getattr(X, "columns", ()))
    if not names or not all(isinstance(name, str) for name in names):
        return None
    return np.array(names, dtype=object)


def check_same_features(a, b):
    """Raise unless two arrays of feature names (or None) are the same."""
    if a is None and b is None:
        return
    if a is None or b is None:
        raise ValueError(
            "One of the statistics names its features and the other does not, so they "
            "cannot be matched. Collect both from DataFrames, or both from arrays."
        )
    if np.array_equal(a, b):
        return
    if set(a) == set(b):
        j = int(np.flatnonzero(a != b)[0])
        raise ValueError(
            "The statistics have the same features in another order: feature "
            f"{j} is {a[j]!r} in one and {b[j]!r} in the other. Sort the columns first."
        )
    extra = sorted(set(a) ^ set(b))
    raise ValueError(
        f"The statistics describe different features: {', '.join(map(repr, extra[:5]))}"
        " are in one only."
    )
