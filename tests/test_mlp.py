"""The multi-task MLP as an estimator: answers, parameters, scikit-learn's checks."""

import pickle

import numpy as np
import pytest
from _networks import (
    QUICK,
    nonlinear_tasks,
    quick_fit,
)
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmtl import (
    MultiTaskMLPClassifier,
    MultiTaskMLPRegressor,
    make_related_tasks,
)


# ---------------------------------------------------------------- answers
def test_regressor_answers_in_every_layout():
    X, Y = nonlinear_tasks(n=60, T=3)
    wide = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y)
    assert wide.predict(X).shape == (60, 3)
    np.testing.assert_allclose(wide.predict(X, task=2), wide.predict(X)[:, 2])
    task = np.array(["a", "b", "c"])[np.arange(60) % 3]
    long = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y[:, 0], task=task)
    assert long.predict(X, task=task).shape == (60,)
    np.testing.assert_allclose(
        long.predict(X, task="b")[task == "b"], long.predict(X, task=task)[task == "b"]
    )
    single = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y[:, 0])
    assert single.predict(X).shape == (60,)
    assert single.head_coef_.shape == (1, 64)


def test_unseen_task_gets_the_average_of_the_heads():
    X, Y = nonlinear_tasks(n=60, T=3)
    options = {**QUICK, "task_weight": {0: 1.0, 1: 2.0, 2: 3.0}}
    model = quick_fit(MultiTaskMLPRegressor(unseen="shared", **options), X, Y)
    with pytest.warns(UserWarning, match="never seen"):
        shared = model.predict(X, task=9)
    np.testing.assert_allclose(shared, model.predict(X) @ [1, 2, 3] / 6)
    with pytest.raises(ValueError, match="never seen"):
        model.set_params(unseen="raise").predict(X, task=9)


def test_unseen_task_of_a_classifier():
    rng = np.random.default_rng(14)
    X = rng.normal(size=(90, 2))
    for n_classes in (2, 3):
        y, task = rng.integers(0, n_classes, 90), np.arange(90) % 3
        y[task == 2] = 1  # takes no part, and is no obstacle
        model = MultiTaskMLPClassifier(unseen="shared", **QUICK)
        with pytest.warns(UserWarning, match="one class only"):
            quick_fit(model, X, y, task=task)
        with pytest.warns(UserWarning, match="never seen"):
            shared = model.predict_proba(X, task=7)
        scores = [np.log(model.predict_proba(X, task=t)) for t in (0, 1)]
        mean = np.exp((scores[0] + scores[1]) / 2)
        expected = mean / mean.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(shared, expected, rtol=1e-9)


def test_classifier_with_different_classes_per_task_long():
    rng = np.random.default_rng(15)
    X = rng.normal(size=(120, 3))
    task = np.array(["two", "three", "one"])[np.arange(120) % 3]
    names = {"two": ["no", "yes"], "three": ["a", "b", "c"], "one": ["yes"]}
    y = np.array([rng.choice(names[t]) for t in task])
    model = MultiTaskMLPClassifier(**QUICK)
    with pytest.warns(UserWarning, match="one class only") as record:
        quick_fit(model, X, y, task=task)
    assert "'one'" in str(record[0].message)
    assert model.classes_.tolist() == ["a", "b", "c", "no", "yes"]
    assert model.head_rows_ == [
        ("three", "a"),
        ("three", "b"),
        ("three", "c"),
        ("two", "yes"),
    ]
    assert model.head_coef_.shape == (4, 64)
    assert model.task_weight_.tolist() == [0, 1, 1]
    assert np.isnan(model.history_["train_loss"][:, 0]).all()
    proba = model.predict_proba(X, task=task)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    assert np.all(proba[task == "two"][:, :3] == 0)
    assert np.all(proba[task == "one"] == [0, 0, 0, 0, 1])
    assert model.predict_proba(X, task="three").shape == (120, 3)
    for t, found in names.items():
        assert set(model.predict(X, task=t)) <= set(found)


def test_classifier_shapes_wide_and_single():
    rng = np.random.default_rng(16)
    X = rng.normal(size=(60, 3))
    Y = rng.integers(0, 2, size=(60, 2)).astype(float)
    Y[:, 1] += rng.integers(0, 2, size=60)
    Y[::5, 0] = np.nan
    model = quick_fit(MultiTaskMLPClassifier(**QUICK), X, Y)
    assert [p.shape for p in model.predict_proba(X)] == [(60, 2), (60, 3)]
    assert model.predict(X).shape == (60, 2)
    assert model.predict(X, task=1).shape == (60,)
    assert 0 <= model.score(X, Y) <= 1
    single = quick_fit(MultiTaskMLPClassifier(**QUICK), X, Y[:, 1])
    assert single.classes_.tolist() == [0, 1, 2]
    assert single.predict_proba(X).shape == (60, 3)


def test_heads_start_at_the_prevalence():
    rng = np.random.default_rng(17)
    X, y = rng.normal(size=(400, 2)), np.arange(400) < 8
    model = MultiTaskMLPClassifier(**{**QUICK, "learning_rate_init": 1e-12})
    quick_fit(model, X, y)
    np.testing.assert_allclose(model.head_intercept_, np.log(8 / 392), rtol=1e-6)


def test_all_tasks_of_one_class():
    model = MultiTaskMLPClassifier(warm_start=True, **QUICK)
    X = np.eye(4)
    for _ in range(2):
        with pytest.warns(UserWarning, match="one class only"):
            model.fit(X, np.array([["a", "b"]] * 4))
    assert model.predict(X).tolist() == [["a", "b"]] * 4
    assert [p.tolist() for p in model.predict_proba(X)] == [[[1.0]] * 4] * 2
    assert model.n_iter_ == 0


# ---------------------------------------------------------------- as an estimator
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_layer_sizes": (4, 0)}, "hidden_layer_sizes must hold positive"),
        ({"hidden_layer_sizes": (2.5,)}, "hidden_layer_sizes must hold positive"),
        ({"hidden_layer_sizes": 0}, "hidden_layer_sizes"),
        ({"activation": "gelu"}, "activation"),
        ({"alpha": -1}, "alpha"),
        ({"learning_rate_init": 0.0}, "learning_rate_init"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"batch_size": 0}, "batch_size"),
        ({"task_weight": {0: 1.0}}, "task_weight"),
        ({"task_weight": {0: 1.0, 1: -1.0}}, "task_weight"),
        ({"task_weight": "size"}, "task_weight"),
    ],
)
def test_bad_parameters_name_themselves(options, message):
    X, Y = nonlinear_tasks(n=30, T=2)
    with pytest.raises(ValueError, match=message):
        MultiTaskMLPRegressor(**options).fit(X, Y)


def test_features_of_other_orders_and_types_are_read():
    X, Y = nonlinear_tasks(n=40)
    a = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y).predict(X)
    frozen = np.asfortranarray(X)
    frozen.setflags(write=False)
    b = quick_fit(MultiTaskMLPRegressor(**QUICK), frozen, Y).predict(frozen)
    np.testing.assert_allclose(a, b, rtol=1e-9)
    integers = (10 * X).astype(int)
    quick_fit(MultiTaskMLPRegressor(5, **QUICK), integers, Y).predict(integers)


def test_pickle_and_clone():
    X, Y = nonlinear_tasks(n=60)
    model = quick_fit(MultiTaskMLPRegressor(**QUICK), X, Y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert len(pickle.dumps(model)) < 20_000  # no training data inside
    again = quick_fit(clone(model), X, Y)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_tables_and_labels_of_a_simulated_problem():
    X, y, task, _ = make_related_tasks(n_tasks=3, n_samples=60, random_state=0)
    model = MultiTaskMLPRegressor(learning_rate_init=0.01, random_state=0)
    model.fit(X, y, task=task)
    assert model.tasks_.tolist() == np.unique(task).tolist()
    assert model.score(X, y, task=task) > 0.5


NOT_EQUIVALENT = (
    "a row of weight 2 is not two rows for early stopping, which holds rows out at "
    "random; the instance without it passes"
)
NO_EARLY_STOPPING = {
    "hidden_layer_sizes": (16,),
    "learning_rate_init": 0.05,
    "max_iter": 20,
    "early_stopping": False,
    "batch_size": 10_000,
}


@parametrize_with_checks(
    [
        MultiTaskMLPRegressor(max_iter=10, learning_rate_init=0.05),
        MultiTaskMLPClassifier(max_iter=10, learning_rate_init=0.05),
        MultiTaskMLPRegressor(**NO_EARLY_STOPPING),
        MultiTaskMLPClassifier(**NO_EARLY_STOPPING),
    ],
    expected_failed_checks=lambda estimator: (
        {
            "check_sample_weight_equivalence_on_dense_data": NOT_EQUIVALENT,
            "check_sample_weight_equivalence_on_sparse_data": NOT_EQUIVALENT,
        }
        if estimator.early_stopping
        else {}
    ),
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:.*one class only:UserWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)
