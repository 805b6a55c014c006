"""Weights of classes in the network: within a task, and as weights of rows."""

import numpy as np
import pytest
from _networks import QUICK, quick_fit

from skmtl import GroupLassoClassifier, MultiTaskMLPClassifier

RNG = np.random.default_rng(0)
X = RNG.normal(size=(240, 3))
TASK = np.array(["a", "b", "c"])[np.arange(240) % 3]
Z = X[:, 0] - X[:, 1] + RNG.logistic(size=240)
Y = np.where(Z > 1.5, "ill", "well")  # rare
WIDE = np.where(RNG.uniform(size=(240, 2)) < 0.2, np.nan, (Z > 1)[:, None] * 1.0)
THREE = np.where(TASK == "c", np.where(Z < -1.5, "dead", Y), Y)
BASE = RNG.uniform(0.5, 2.0, 240)

# All rows in every step, and steps until nothing changes: a convex problem is solved.
SOLVED = {
    "alpha": 0.05,
    "batch_size": 500,
    "early_stopping": False,
    "solver": "sgd",
    "learning_rate_init": 0.2,
    "tol": 1e-14,
    "n_iter_no_change": 400,
    "max_iter": 5000,
    "random_state": 0,
}


def balanced(y, task, weight):
    """Return what "balanced" means: equal sums of weights of a task's classes."""
    factor = np.ones(len(y))
    for t in np.unique(task):
        own = task == t
        classes = np.unique(y[own])
        for c in classes:
            rows = own & (y == c)
            factor[rows] = weight[own].sum() / (len(classes) * weight[rows].sum())
    return factor


@pytest.mark.parametrize("y", [Y, THREE], ids=["two", "three"])
@pytest.mark.parametrize("how", ["balanced", "mapping"])
def test_class_weights_are_weights_of_rows(y, how):
    weights = {"ill": 3.0, "well": 1.0, "dead": 0.5}
    weights = {c: weights[c] for c in np.unique(y)}
    if how == "mapping":
        y = y[TASK == "c"]
        data, extra, base = X[TASK == "c"], {"task": TASK[TASK == "c"]}, None
        factor = np.array([weights[c] for c in y])
    else:
        weights, data, extra, base = "balanced", X, {"task": TASK}, BASE
        factor = BASE * balanced(y, TASK, BASE)
    model = MultiTaskMLPClassifier((8,), class_weight=weights, **QUICK)
    plain = MultiTaskMLPClassifier((8,), **QUICK)
    quick_fit(model, data, y, sample_weight=base, **extra)
    quick_fit(plain, data, y, sample_weight=factor, **extra)
    for one, other in zip(model.coefs_, plain.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
    t = TASK[0] if how == "balanced" else "c"
    np.testing.assert_allclose(
        model.predict_proba(X, task=t), plain.predict_proba(X, task=t), rtol=1e-6
    )


@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize("class_weight", ["balanced", None])
def test_without_hidden_layers_it_is_the_linear_classifier(layout, class_weight):
    y, extra = (Y, {"task": TASK}) if layout == "long" else (WIDE, {})
    network = MultiTaskMLPClassifier((), class_weight=class_weight, **SOLVED)
    network.fit(X, y, **extra)
    linear = GroupLassoClassifier(
        alpha=0.0, ridge=0.05, class_weight=class_weight, tol=1e-12
    ).fit(X, y, **extra)
    np.testing.assert_allclose(network.head_coef_, linear.coef_, atol=1e-5)
    np.testing.assert_allclose(network.head_intercept_, linear.intercept_, atol=1e-5)


def test_a_weight_of_two_is_a_row_twice():
    settings = {**SOLVED, "class_weight": "balanced"}
    twice = np.concatenate([np.arange(240), np.flatnonzero(BASE > 1)])
    weighted = MultiTaskMLPClassifier((), **settings)
    weighted.fit(X, Y, task=TASK, sample_weight=np.where(BASE > 1, 2.0, 1.0))
    repeated = MultiTaskMLPClassifier((), **settings)
    repeated.fit(X[twice], Y[twice], task=TASK[twice])
    np.testing.assert_allclose(weighted.head_coef_, repeated.head_coef_, atol=1e-5)


def test_a_rare_class_is_found_more_often():
    found = {}
    for weight in (None, "balanced"):
        model = MultiTaskMLPClassifier(
            (8,), class_weight=weight, learning_rate_init=0.01, random_state=0
        )
        model.fit(X, Y, task=TASK)
        found[weight] = np.mean(model.predict(X, task=TASK)[Y == "ill"] == "ill")
    assert found["balanced"] > found[None] + 0.1


def test_chunks_take_weights_by_name_only():
    model = MultiTaskMLPClassifier((4,), class_weight="balanced", random_state=0)
    with pytest.raises(ValueError, match="needs all labels at once"):
        model.partial_fit(X, Y, task=TASK)
    model.set_params(class_weight={"ill": 3.0, "well": 1.0})
    weights = np.where(Y == "ill", 3.0, 1.0)
    plain = MultiTaskMLPClassifier((4,), random_state=0)
    for rows in (slice(0, 120), slice(120, 240)):
        model.partial_fit(X[rows], Y[rows], task=TASK[rows])
        plain.partial_fit(
            X[rows], Y[rows], task=TASK[rows], sample_weight=weights[rows]
        )
    np.testing.assert_allclose(
        model.predict_proba(X, task=TASK), plain.predict_proba(X, task=TASK), rtol=1e-6
    )


@pytest.mark.parametrize("weight", [0.0, -1.0, np.inf])
def test_bad_class_weights(weight):
    model = MultiTaskMLPClassifier(class_weight={"ill": weight, "well": 1.0})
    with pytest.raises(ValueError, match="class_weight of class 'ill' must be"):
        model.fit(X, Y, task=TASK)
