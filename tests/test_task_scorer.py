"""Scores of each task, whatever the layout."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from _rows_of_tasks import (
    TASK,
    YC,
    N,
    X,
    Y,
    Z,
    by_hand,
    y,
)
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    make_scorer,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)
from sklearn.model_selection import (
    GridSearchCV,
)
from sklearn.multioutput import MultiOutputClassifier

from skmtl import (
    IndependentTasks,
    PooledTasks,
    TaskKFold,
    TaskScorer,
)


# ---------------------------------------------------------------- TaskScorer
@pytest.mark.parametrize(
    "scoring", ["r2", r2_score, make_scorer(r2_score)], ids=["name", "metric", "scorer"]
)
def test_each_task_is_scored_by_itself(scoring):
    model = PooledTasks(Ridge()).fit(X, y, task=TASK)
    expected = by_hand(r2_score, y, model.predict(X, task=TASK))
    found = TaskScorer(scoring, aggregate=None)(model, X, y, task=TASK)
    assert list(found) == ["task_a", "task_b", "task_c", "mean", "worst"]
    assert [found[f"task_{t}"] for t in "abc"] == pytest.approx(list(expected.values()))
    mean, worst = np.mean(list(expected.values())), min(expected.values())
    assert TaskScorer(scoring)(model, X, y, task=TASK) == pytest.approx(mean)
    assert found["mean"] == pytest.approx(mean)
    worst_found = TaskScorer(scoring, aggregate="worst")(model, X, y, task=TASK)
    assert worst_found == found["worst"] == pytest.approx(worst)
    assert model.score(X, y, task=TASK) > 0.95 > mean  # rows of all tasks: the levels


def test_losses_are_negated_and_loss_functions_refused():
    model = IndependentTasks(Ridge()).fit(X, y, task=TASK)
    found = TaskScorer("neg_mean_squared_error", aggregate="worst")
    expected = by_hand(mean_squared_error, y, model.predict(X, task=TASK))
    assert found(model, X, y, task=TASK) == pytest.approx(-max(expected.values()))
    with pytest.raises(ValueError, match="greater_is_better=False"):
        TaskScorer(mean_squared_error)


@pytest.mark.parametrize("target", [Z, np.array(["no", "yes"])[Z]])
def test_scores_of_classes_and_probabilities(target):
    model = IndependentTasks(LogisticRegression()).fit(X, target, task=TASK)
    positive = model.predict_proba(X, task=TASK)[:, 1]
    found = TaskScorer("roc_auc", aggregate=None)(model, X, target, task=TASK)
    for label, score in by_hand(roc_auc_score, target, positive).items():
        assert found[f"task_{label}"] == pytest.approx(score)
    found = TaskScorer("neg_log_loss", aggregate=None)(model, X, target, task=TASK)
    for label, score in by_hand(log_loss, target, positive).items():
        assert found[f"task_{label}"] == pytest.approx(-score)
    found = TaskScorer("accuracy")(model, X, target, task=TASK)
    predicted = model.predict(X, task=TASK)
    each = by_hand(accuracy_score, target, predicted)
    assert found == pytest.approx(np.mean(list(each.values())))


def test_tasks_of_different_classes():
    target = np.where(TASK == "a", np.array(["no", "yes"])[Z], np.array(list("xyz"))[Z])
    model = IndependentTasks(LogisticRegression()).fit(X, target, task=TASK)
    for name in ("neg_log_loss", "roc_auc"):
        found = TaskScorer(name, aggregate=None)(model, X, target, task=TASK)
        for label in "abc":
            rows = label == TASK
            own = LogisticRegression().fit(X[rows], target[rows])
            expected = sklearn.metrics.get_scorer(name)(own, X[rows], target[rows])
            assert found[f"task_{label}"] == pytest.approx(expected)


def test_a_class_never_seen_has_probability_zero():
    train = np.flatnonzero((TASK != "a") | (Z == 0))
    model = IndependentTasks(LogisticRegression())
    with pytest.warns(UserWarning, match="one class"):
        model.fit(X[train], Z[train], task=TASK[train])
    found = TaskScorer("neg_log_loss", aggregate=None)(model, X, Z, task=TASK)
    share = Z[TASK == "a"].mean()
    assert found["task_a"] == pytest.approx(
        np.log(np.finfo(float).eps) * share, rel=0.1
    )
    assert TaskScorer("accuracy", aggregate=None)(model, X, Z, task=TASK)[
        "task_a"
    ] == pytest.approx(1 - share)


def test_undefined_scores_are_left_out():
    model = IndependentTasks(LogisticRegression()).fit(X, Z, task=TASK)
    rows = np.flatnonzero((TASK == "a") | ((TASK == "b") & (Z == 1)))
    args = model, X[rows], Z[rows]
    found = TaskScorer("roc_auc", aggregate=None)(*args, task=TASK[rows])
    assert np.isnan(found["task_b"])
    assert np.isnan(found["task_c"])  # a task of the model without any row
    assert found["mean"] == found["worst"] == found["task_a"]
    # A log-loss needs no second class in the test part, only to know of it.
    found = TaskScorer("neg_log_loss", aggregate=None)(*args, task=TASK[rows])
    assert np.isfinite(found["task_b"])
    only = np.flatnonzero((TASK == "a") & (Z == 1))
    assert np.isnan(TaskScorer("roc_auc")(model, X[only], Z[only], task="a"))


def test_a_task_of_one_class_throughout_has_no_log_loss():
    target = np.where(TASK == "b", 1, Z)
    model = IndependentTasks(LogisticRegression())
    with pytest.warns(UserWarning, match="one class"):
        model.fit(X, target, task=TASK)
    found = TaskScorer("neg_log_loss", aggregate=None)(model, X, target, task=TASK)
    assert np.isnan(found["task_b"])
    assert np.isfinite(found["mean"])


def test_wide_labels_are_masked():
    names = ["u", "v", "w"]
    model = IndependentTasks(Ridge()).fit(X, pd.DataFrame(Y, columns=names))
    found = TaskScorer("r2", aggregate=None)(
        model, X, Y
    )  # an array: names of the model
    predicted = model.predict(X)
    for t, name in enumerate(names):
        rows = np.isfinite(Y[:, t])
        expected = r2_score(Y[rows, t], predicted[rows, t])
        assert found[f"task_{name}"] == pytest.approx(expected)
    assert model.score(X, Y) == pytest.approx(found["mean"])
    with pytest.raises(ValueError, match="not the fitted tasks"):
        TaskScorer("r2")(model, X, pd.DataFrame(Y, columns=names[::-1]))
    with pytest.raises(ValueError, match="not the fitted tasks"):
        TaskScorer("r2")(model, X, Y[:, :2])


@pytest.mark.parametrize("name", ["roc_auc", "neg_log_loss", "accuracy", "f1"])
def test_wide_classifiers(name):
    model = IndependentTasks(LogisticRegression()).fit(X, YC)
    found = TaskScorer(name, aggregate=None)(model, X, YC)
    for t in range(3):
        rows = np.isfinite(YC[:, t])
        own = LogisticRegression().fit(X[rows], YC[rows, t])
        expected = sklearn.metrics.get_scorer(name)(own, X[rows], YC[rows, t])
        assert found[f"task_{t}"] == pytest.approx(expected)


def test_models_of_scikit_learn_in_the_wide_layout():
    full = np.where(np.isnan(YC), 0, YC)
    model = MultiOutputClassifier(LogisticRegression()).fit(X, full)
    own = IndependentTasks(LogisticRegression()).fit(X, full)
    for name in ("roc_auc", "accuracy"):
        score = TaskScorer(name)
        assert score(model, X, full) == pytest.approx(score(own, X, full))
    model = LinearRegression().fit(X, full)
    assert np.isfinite(TaskScorer("r2")(model, X, YC))


def test_wide_labels_of_different_kinds():
    target = pd.DataFrame({"sex": np.array(["f", "m"])[Z], "dead": Z}).astype(object)
    target.iloc[::4, 0] = None
    model = IndependentTasks(LogisticRegression()).fit(X, target)
    found = TaskScorer("roc_auc", aggregate=None)(model, X, target)
    rows = np.arange(N) % 4 > 0
    positive = model.predict_proba(X)[0][rows, 1]
    assert found["task_sex"] == pytest.approx(roc_auc_score(Z[rows], positive))


def test_mixed_outcomes():
    target = np.column_stack([Z, y]).astype(float)
    target[::5, 0] = np.nan
    model = IndependentTasks(LinearRegression()).fit(X, target)
    scoring = {0: "roc_auc", 1: "r2"}
    found = TaskScorer(scoring, aggregate=None)(model, X, target)
    rows, predicted = np.arange(N) % 5 > 0, model.predict(X)
    assert found["task_0"] == pytest.approx(roc_auc_score(Z[rows], predicted[rows, 0]))
    assert found["task_1"] == pytest.approx(r2_score(y, predicted[:, 1]))
    accuracy = TaskScorer({0: "accuracy", 1: "r2"}, aggregate=None)(model, X, target)
    expected = accuracy_score(Z[rows], predicted[rows, 0] > 0.5)
    assert accuracy["task_0"] == pytest.approx(expected)
    clipped = np.clip(predicted[rows, 0], 0, 1)
    loss = TaskScorer({0: "neg_log_loss", 1: "r2"}, aggregate=None)(model, X, target)
    assert loss["task_0"] == pytest.approx(-log_loss(Z[rows], clipped))
    with pytest.raises(ValueError, match="no entry for task 1"):
        TaskScorer({0: "roc_auc"})(model, X, target)
    with pytest.raises(ValueError, match="needs labels 0 and 1; task 1"):
        TaskScorer("roc_auc")(model, X, target)


def test_weights():
    weight = np.random.default_rng(1).integers(0, 3, N)
    twice = np.repeat(np.arange(N), weight)
    model = IndependentTasks(LogisticRegression()).fit(X, Z, task=TASK)
    for name in ("roc_auc", "neg_log_loss", "accuracy"):
        score = TaskScorer(name)
        found = score(model, X, Z, task=TASK, sample_weight=weight)
        expected = score(model, X[twice], Z[twice], task=TASK[twice])
        assert found == pytest.approx(expected)
    weights = np.random.default_rng(1).integers(0, 3, Y.shape)
    model = IndependentTasks(Ridge()).fit(X, Y)
    found = TaskScorer("r2", aggregate=None)(model, X, Y, sample_weight=weights)
    rows = np.isfinite(Y[:, 1])
    expected = r2_score(
        Y[rows, 1], model.predict(X)[rows, 1], sample_weight=weights[rows, 1]
    )
    assert found["task_1"] == pytest.approx(expected)
    same = TaskScorer("r2")(model, X, Y, sample_weight=np.full(N, 2.0))
    assert same == pytest.approx(TaskScorer("r2")(model, X, Y))


def test_one_task():
    model = IndependentTasks(Ridge()).fit(X, y)
    assert TaskScorer("r2")(model, X, y) == pytest.approx(model.score(X, y))
    assert "task_0" in TaskScorer("r2", aggregate=None)(model, X, y)


def test_rows_of_unknown_tasks_raise():
    with pytest.raises(ValueError, match="cannot tell which task"):
        TaskScorer("r2")(Ridge().fit(X, y), X, y)
    model = IndependentTasks(Ridge()).fit(X, y, task=TASK)
    with pytest.raises(ValueError, match="cannot tell which task"):
        TaskScorer("r2")(model, X, y)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"scoring": "r3"}, ValueError, "r3"),
        ({"scoring": 3}, TypeError, "scoring must be the name"),
        ({"scoring": {"a": None}}, TypeError, "scoring must be the name"),
        ({"scoring": "r2", "aggregate": "median"}, ValueError, "aggregate must be"),
    ],
)
def test_bad_scorers(arguments, error, message):
    with pytest.raises(error, match=message):
        TaskScorer(**arguments)


def test_repr_and_clone():
    search = GridSearchCV(Ridge(), {}, scoring=TaskScorer("r2"), cv=TaskKFold())
    assert repr(clone(search).scoring) == "TaskScorer('r2', aggregate='mean')"
