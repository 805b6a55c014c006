"""Chunks of rows, and tasks that come later: partial_fit and fit_new_task."""

import copy
import pickle
import warnings
from functools import partial

import numpy as np
import pytest
from _networks import QUICK, nonlinear_tasks, quick_fit
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skmtl import MultiTaskMLPClassifier, MultiTaskMLPRegressor
from skmtl.neural_network import Sluice, SoftSharing
from skmtl.neural_network.sharing._network import Network

SETTINGS = [
    {},
    {"sharing": "sluice"},
    {"loss_weighting": "dwa", "solver": "sgd"},
    {"gradient": "pcgrad", "loss_weighting": "uncertainty", "dropout": 0.2},
    {"learning_rate": "cosine", "max_grad_norm": 1.0, "auxiliary_tasks": [1]},
]


# ---------------------------------------------------------------- partial_fit
@pytest.mark.parametrize("settings", SETTINGS)
def test_calls_with_all_rows_are_epochs_of_a_fit(settings):
    X, Y = nonlinear_tasks(n=90, T=3)
    Y[::5, 2] = np.nan
    options = {**QUICK, "early_stopping": False, "batch_size": 20, **settings}
    whole = quick_fit(MultiTaskMLPRegressor((8, 8), **options), X, Y)
    parts = MultiTaskMLPRegressor((8, 8), **options)
    for k in range(4):
        parts.partial_fit(X, Y)
        assert parts.n_iter_ == k + 1
    np.testing.assert_allclose(parts.predict(X), whole.predict(X), rtol=1e-9)
    np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_)
    for name, table in whole.history_.items():
        np.testing.assert_allclose(parts.history_[name], table)


def test_chunks_of_some_tasks():
    X, Y = nonlinear_tasks(n=400, T=3)
    task = np.array(["a", "b", "c"])[np.arange(400) % 3]
    y = Y[np.arange(400), np.arange(400) % 3]
    model = MultiTaskMLPRegressor(alpha=1e-3, learning_rate_init=0.01, random_state=0)
    model.partial_fit(X, y, task=task)
    scale = model.y_scale_.copy()
    for _ in range(40):
        for some in ("ab", "c", "bc"):
            rows = np.isin(task, list(some))
            model.partial_fit(X[rows], y[rows], task=task[rows])
    assert model.score(X, y, task=task) > 0.9
    np.testing.assert_array_equal(model.y_scale_, scale)
    losses = model.history_["train_loss"]
    assert losses.shape == (121, 3)
    assert np.isnan(losses[1]).tolist() == [False, False, True]
    assert np.isfinite(model.loss_curve_).all()


def test_wide_chunks_may_lack_columns_and_be_in_another_order():
    import pandas as pd

    X, Y = nonlinear_tasks(n=60, T=3)
    Y = pd.DataFrame(Y, columns=["a", "b", "c"])
    model = MultiTaskMLPRegressor((8,), **QUICK).partial_fit(X, Y)
    other = pickle.loads(pickle.dumps(model))
    model.partial_fit(X, Y[["c", "a"]])
    other.partial_fit(X, Y.assign(b=np.nan))
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


def test_classes_are_known_from_the_first_call():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    task = np.arange(200) % 2
    y = np.where(task == 0, X[:, 0] > 0, np.digitize(X[:, 1], [-0.5, 0.5]) + 5)
    model = MultiTaskMLPClassifier(learning_rate_init=0.02, random_state=0)
    first = np.flatnonzero((y == 0) | (y == 5))[:20]
    classes = {0: [1, 0], 1: [5, 6, 7]}
    model.partial_fit(X[first], y[first], classes, task=task[first])
    assert model.classes_.tolist() == [0, 1, 5, 6, 7]
    for _ in range(60):
        model.partial_fit(X, y, task=task)
    assert model.score(X, y, task=task) > 0.9
    before = model.predict(X, task=task)
    with pytest.raises(ValueError, match="Task 1 has the class 9"):
        model.partial_fit(X, np.where(y == 7, 9, y), task=task)
    np.testing.assert_array_equal(model.predict(X, task=task), before)
    with pytest.raises(ValueError, match="classes has no entry for task 1"):
        MultiTaskMLPClassifier().partial_fit(X, y, {0: [0, 1]}, task=task)
    without = MultiTaskMLPClassifier().partial_fit(X, y, task=task)
    assert without.classes_.tolist() == [0, 1, 5, 6, 7]


def test_partial_fit_goes_on_from_a_fit_and_fit_starts_anew():
    X, Y = nonlinear_tasks(n=100, T=2)
    options = {**QUICK, "early_stopping": False, "max_iter": 30}
    model = quick_fit(MultiTaskMLPRegressor(**options), X, Y)
    loss, fitted = model.loss_, model.predict(X)
    for _ in range(5):
        model.partial_fit(X, Y)
    assert model.loss_ < loss
    assert model.n_iter_ == 35
    np.testing.assert_array_equal(quick_fit(model, X, Y).predict(X), fitted)


def test_failed_calls_leave_the_state_as_it_was():
    X, Y = nonlinear_tasks(n=60, T=2)
    model = MultiTaskMLPRegressor((8,), **QUICK).partial_fit(X, Y)
    twin = copy.deepcopy(model)
    for bad, message in [
        ((X[:, :2], Y), "features"),
        ((X, Y[:, 0]), "layout"),
        ((X, np.column_stack([Y, Y[:, 0]])), "fit_new_task"),
        ((X, np.full_like(Y, np.nan)), "missing"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.partial_fit(*bad)
    model.set_params(learning_rate_init=1e300)
    with pytest.raises(ValueError, match="not finite"):
        model.partial_fit(X, Y)
    model.set_params(learning_rate_init=0.01)
    np.testing.assert_array_equal(model.predict(X), twin.predict(X))
    np.testing.assert_array_equal(
        model.partial_fit(X, Y).predict(X), twin.partial_fit(X, Y).predict(X)
    )
    with (
        pytest.warns(UserWarning, match="one class only"),
        pytest.raises(ValueError, match="nothing to train"),
    ):
        MultiTaskMLPClassifier().partial_fit(X, np.zeros(60, dtype=int))


def test_single_precision_streams():
    X, Y = nonlinear_tasks(n=60, T=2)
    model = MultiTaskMLPRegressor((8,), **QUICK)
    model.partial_fit(X.astype(np.float32), Y).partial_fit(X, Y)
    assert model.head_coef_.dtype == np.float32


# ---------------------------------------------------------------- fit_new_task
def trained(**options):
    """Return a network of three tasks, and labels of a fourth like them."""
    X, Y = nonlinear_tasks(n=600, T=4)
    task = np.array(["a", "b", "c"])[np.arange(500) % 3]
    y = Y[np.arange(500), np.arange(500) % 3]
    settings = {"learning_rate_init": 0.01, "alpha": 1e-3, "random_state": 0}
    model = MultiTaskMLPRegressor(**{**settings, **options})
    model.fit(X[:500], y, task=task)
    return model, X, task, Y[:, 3]


NEWCOMERS = [
    ("hard", "frozen"),
    ("hard", "fine-tuned"),
    ("soft", "frozen"),
    ("cross-stitch", "frozen"),
    ("cross-stitch", "fine-tuned"),
    ("sluice", "frozen"),
    ("sluice", "fine-tuned"),
]


@pytest.mark.parametrize(("sharing", "trunk"), NEWCOMERS)
def test_a_new_task_learns_from_few_rows(sharing, trunk):
    model, X, task, y = trained(sharing=sharing, random_state=3)
    before = model.predict(X[:500], task=task)
    coefs = [W.copy() for W in model.coefs_]
    few, test = slice(500, 560), slice(560, 600)
    # Six rows held out would decide by chance when to stop.
    model.set_params(early_stopping=False)
    alone = clone(model).set_params(sharing="hard").fit(X[few], y[few])
    alone = alone.score(X[test], y[test])
    assert model.fit_new_task(X[few], y[few], task="d", trunk=trunk) is model
    score = model.score(X[test], y[test], task="d")
    assert score > max(0.85, alone)
    assert model.tasks_.tolist() == ["a", "b", "c", "d"]
    assert model.head_rows_ == ["a", "b", "c", "d"]
    assert model.task_weight_.shape == model.y_mean_.shape == (4,)
    losses = model.history_["train_loss"]
    assert np.isnan(losses[:, :3]).all()
    assert np.isfinite(losses[:, 3]).all()
    off = np.abs(model.predict(X[:500], task=task) - before).max()
    assert off < 1e-10 if trunk == "frozen" else off > 1.0
    others = [W if sharing == "hard" else W[:3] for W in model.coefs_]
    same = all(np.array_equal(a, b) for a, b in zip(coefs, others, strict=True))
    assert same == (trunk == "frozen")


@pytest.mark.parametrize("sharing", ["cross-stitch", Sluice(n_subspaces=2)])
def test_old_tasks_take_nothing_from_a_new_one(sharing):
    model, X, _, y = trained(sharing=sharing)
    before = [A.copy() for A in model.mixing_]
    model.set_params(early_stopping=False)
    model.fit_new_task(X[500:], y[500:], task="d")
    old, after = before[0], model.mixing_[0]
    np.testing.assert_array_equal(after[: len(old), : len(old)], old)
    assert not after[: len(old), len(old) :].any()
    start = model._network._start()[0]
    assert 1e-3 < np.abs(after[len(old) :] - start[len(old) :]).max() < 1.0
    if len(before) > 1:  # the mixture of layers that a head sees
        np.testing.assert_array_equal(model.mixing_[1][:3], before[1])


def test_a_new_task_of_soft_sharing_is_pulled_to_the_mean():
    far = {}
    for strength in (0.0, 1e3):
        model, X, _, y = trained(sharing=SoftSharing(strength), random_state=3)
        mean = model.coefs_[0].mean(axis=0)
        model.set_params(early_stopping=False)
        model.fit_new_task(X[500:], y[500:], task="d")
        far[strength] = np.abs(model.coefs_[0][3] - mean).max()
    assert far[1e3] < 0.02 < 0.2 < far[0.0]
    with pytest.raises(ValueError, match="no meaning with soft sharing"):
        model.fit_new_task(X, y, task="e", trunk="fine-tuned")


@pytest.mark.parametrize("options", [{"gradient": "pcgrad"}, {"dropout": 0.1}])
def test_new_towers_train_by_every_path(options):
    model, X, _, y = trained(sharing="cross-stitch", early_stopping=False, **options)
    old = model.coefs_[0].copy()
    model.fit_new_task(X[500:], y[500:], task="d")
    np.testing.assert_array_equal(model.coefs_[0][:3], old)
    assert model.score(X[500:], y[500:], task="d") > 0.8


def test_a_kind_without_a_rule_for_new_tasks_says_so():
    model, X, _, y = trained(max_iter=500)
    model._network.newcomer = partial(Network.newcomer, model._network)
    with pytest.raises(ValueError, match="what a new task shall take from the others"):
        model.fit_new_task(X, y, task="d")
    assert model.tasks_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("sharing", ["hard", "soft", "cross-stitch", "sluice"])
def test_new_tasks_go_before_auxiliary_ones(sharing):
    model, X, task, y = trained(
        auxiliary_tasks=["b"], sharing=sharing, early_stopping=False
    )
    rows = task != "b"
    before = model.predict(X[:500][rows], task=task[rows])
    model.fit_new_task(X[500:], y[500:], task="d")
    assert model.tasks_.tolist() == ["a", "c", "d"]
    assert model.head_rows_ == ["a", "c", "d", "b"]
    after = model.predict(X[:500][rows], task=task[rows])
    np.testing.assert_allclose(after, before, rtol=1e-9)
    assert model.score(X[500:], y[500:], task="d") > 0.9
    np.testing.assert_array_equal(model.partial_fit(X, y, task="d").tasks_[-1:], ["d"])


@pytest.mark.parametrize("sharing", ["hard", "soft", "cross-stitch", "sluice"])
def test_a_new_task_of_several_classes_leaves_the_others(sharing):
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(400, 4)), np.array(["a", "b"])[np.arange(400) % 2]
    y = np.digitize(X[:, 0] + X[:, 1], [-0.7, 0.7])
    model = MultiTaskMLPClassifier((8, 8), **{**QUICK, "sharing": sharing})
    model.set_params(early_stopping=False, max_iter=30, learning_rate_init=0.01)
    quick_fit(model, X, y, task=task)
    before = model.predict_proba(X, task=task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit_new_task(X, y, task="d")
    np.testing.assert_allclose(model.predict_proba(X, task=task), before, rtol=1e-9)
    assert model.score(X, y, task="d") > 0.7


def test_new_column_of_a_wide_model():
    X, Y = nonlinear_tasks(n=300, T=3)
    model = MultiTaskMLPRegressor(alpha=1e-3, learning_rate_init=0.01, random_state=0)
    model.fit(X, Y[:, :2]).fit_new_task(X, Y[:, 2], task=2)
    assert model.predict(X).shape == (300, 3)
    assert model.score(X, Y) > 0.8


def test_new_outcome_of_another_kind():
    model, X, _, y = trained(loss={"a": "squared", "b": "squared", "c": "squared"})
    high = (y > np.median(y)).astype(float)
    with pytest.raises(ValueError, match="loss has no entry for task 'd'"):
        model.fit_new_task(X, high, task="d")
    model.set_params(loss={**model.loss, "d": "logistic"})
    model.fit_new_task(X, high, task="d")
    p = model.predict(X, task="d")
    assert np.all((p > 0) & (p < 1))
    assert np.mean((p > 0.5) == high) > 0.85


@pytest.mark.parametrize("sharing", ["hard", "sluice"])
@pytest.mark.parametrize("labels", ["two", "three", "one"])
def test_new_classes(labels, sharing):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 3))
    task = np.array(["p", "q"])[np.arange(300) % 2]
    y = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")
    model = MultiTaskMLPClassifier(
        sharing=sharing, learning_rate_init=0.01, random_state=0
    )
    model.fit(X, y, task=task)
    before = model.predict_proba(X, task="q")
    cuts = {"two": [0.0], "three": [-0.7, 0.7], "one": []}[labels]
    new = np.array(["low", "mid", "top"])[np.digitize(X[:, 0] + X[:, 1], cuts)]
    if labels == "one":
        with pytest.warns(UserWarning, match="one class only"):
            model.fit_new_task(X, new, task="r")
    else:
        model.fit_new_task(X, new, task="r")
    assert model.score(X, new, task="r") > 0.85
    np.testing.assert_allclose(model.predict_proba(X, task="q"), before, rtol=1e-9)
    assert set(model.classes_) == {"yes", "no", *new}
    assert model.predict_proba(X, task=np.repeat(["p", "r"], 150)).shape == (
        300,
        len(model.classes_),
    )
    assert len(model.head_rows_) == len(model.head_coef_)


@pytest.mark.parametrize("sharing", ["hard", "soft", "sluice"])
def test_sparse_rows_and_networks_without_hidden_layers(sharing):
    from scipy import sparse

    X, Y = nonlinear_tasks(n=80, T=2)
    X[np.abs(X) < 0.5] = 0.0
    for hidden in ((), (8,)):
        model = MultiTaskMLPRegressor(hidden, sharing=sharing, **QUICK)
        quick_fit(model, X, Y)
        other = copy.deepcopy(model)
        for one, rows in [(model, X), (other, sparse.csr_array(X))]:
            with pytest.warns(UserWarning, match="max_iter"):
                one.fit_new_task(rows, Y[:, 0], task=7)
        np.testing.assert_allclose(model.predict(X), other.predict(X), rtol=1e-8)


def test_tasks_that_cannot_be_added():
    model, X, _, y = trained(max_iter=500)
    before = model.predict(X, task="a")
    for bad, message in [
        ({"task": "a"}, "knows task 'a' already"),
        ({"task": 4}, "of kind 'int'"),
        ({"task": "d", "trunk": "melted"}, "trunk must be"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.fit_new_task(X, y, **bad)
    with pytest.raises(ValueError, match="features"):
        model.fit_new_task(X[:, :2], y, task="d")
    np.testing.assert_array_equal(model.predict(X, task="a"), before)
    X, Y = nonlinear_tasks(n=40, T=2)
    empty = MultiTaskMLPClassifier()
    with pytest.warns(UserWarning, match="one class only"):
        empty.fit(X, np.zeros((40, 2), dtype=int))
    with pytest.raises(ValueError, match="needs a trained network"):
        empty.fit_new_task(X, X[:, 0] > 0, task=2)
    single = quick_fit(MultiTaskMLPRegressor((4,), **QUICK), X, Y[:, 0])
    with pytest.raises(ValueError, match="tasks have labels"):
        single.fit_new_task(X, Y[:, 0], task=1)
