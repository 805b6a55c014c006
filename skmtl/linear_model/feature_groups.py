"""What a user says of groups of features and their weights, checked."""

from collections.abc import Mapping

import numpy as np

from skmtl.penalties import Blocks
from skmtl.task_labels import missing_mask


def feature_names(estimator):
    """Return the names of the features seen in fit, x0, x1, ... without any."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        return [f"x{j}" for j in range(estimator.n_features_in_)]
    return [str(name) for name in names]


def blocks_and_weights(estimator):
    """Return (Blocks, weight of each block) as an estimator says, None where usual."""
    groups, weights = estimator.groups, estimator.penalty_weights
    if groups is None and weights is None:
        return None, None
    blocks, labels = read_groups(groups, feature_names(estimator))
    return blocks, read_weights(weights, labels)


def read_groups(groups, names):
    """Return (Blocks or None, the label of each block) for `groups` of an estimator."""
    if groups is None:
        return None, names
    if callable(groups):
        groups = [groups(name) for name in names]
    groups = list(groups)
    labels = np.asarray(groups)
    if labels.shape != (len(names),):
        raise ValueError(
            f"groups must hold one label per feature: X has {len(names)} features, "
            f"groups has shape {labels.shape}."
        )
    bare = np.flatnonzero(missing_mask(np.array(groups, dtype=object)))
    if len(bare):
        raise ValueError(
            f"groups has no label for feature {names[bare[0]]!r}; one that goes with "
            "no other needs a label of its own."
        )
    texts = [isinstance(label, str) for label in groups]
    if any(texts) != all(texts):
        raise ValueError(
            "groups must be all text or all numbers, got "
            f"{groups[texts.index(True)]!r} and {groups[texts.index(False)]!r}."
        )
    found, numbers = np.unique(labels, return_inverse=True)
    return Blocks(numbers.reshape(-1)), found.tolist()


def read_weights(weights, labels):
    """Return the weight of each block as an array, None where all are 1."""
    if weights is None:
        return None
    if isinstance(weights, Mapping):
        unknown = [name for name in weights if name not in set(labels)]
        if unknown:
            raise ValueError(
                f"penalty_weights names {unknown[0]!r}, which is no feature (or group) "
                f"of X. Known: {', '.join(map(repr, labels[:5]))}, ..."
            )
        weights = [weights.get(name, 1.0) for name in labels]
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (len(labels),):
        raise ValueError(
            f"penalty_weights must hold one weight per feature (or group): there are "
            f"{len(labels)}, penalty_weights has shape {weights.shape}."
        )
    wrong = ~(weights >= 0)
    if wrong.any():
        raise ValueError(
            f"penalty_weights of {labels[np.flatnonzero(wrong)[0]]!r} is "
            f"{weights[wrong][0]:g}; weights must be 0 (never penalised) or more (inf: "
            "never used)."
        )
    return weights
