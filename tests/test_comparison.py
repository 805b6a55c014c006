"""The comparison: what is scored, one set of folds, any layout, clear errors."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
from _comparisons import (
    LOGISTIC,
    POOLED,
    RIDGE,
    long_rows,
    wide_rows,
)
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import (
    LogisticRegression,
    MultiTaskLasso,
    Ridge,
    RidgeCV,
)
from sklearn.metrics import log_loss, mean_squared_error, roc_auc_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from skmtl import (
    GroupLassoClassifier,
    GroupLassoRegressor,
    IndependentTasks,
    MultiTaskMLPRegressor,
    PooledTasks,
    TaskKFold,
    attach_task,
    compare,
    make_mtl_pipeline,
    wide_to_long,
)


# ---------------------------------------------------------------- what is scored
def test_losses_and_scores_of_a_regression():
    X, y, task = long_rows()
    report = compare({"a": RIDGE, "b": POOLED}, X, y, task=task, random_state=0)
    train, test = report.folds_[3]
    model = clone(POOLED).fit(X[train], y[train], task=task[train])
    rows = test[task[test] == "t1"]
    expected = mean_squared_error(y[rows], model.predict(X[rows], task="t1"))
    np.testing.assert_allclose(report.losses_[1, 1, 3], expected)
    np.testing.assert_allclose(report.scores_["rmse"][1, 1, 3], np.sqrt(expected))
    r2 = 1 - expected / y[task == "t1"].var()
    np.testing.assert_allclose(report.scores_["r2"][1, 1, 3], r2)
    frame = report.to_frame()
    own = frame[(frame["model"] == "b") & (frame["task"] == "t1")].iloc[0]
    np.testing.assert_allclose(
        own["gain"], (report.losses_[0, 1] - report.losses_[1, 1]).mean()
    )
    np.testing.assert_allclose(
        own["relative_gain"], own["gain"] / report.losses_[0, 1].mean()
    )


def test_overall_gain_is_the_mean_of_relative_gains():
    X, Y = wide_rows()
    report = compare({"a": RIDGE, "b": POOLED}, X, Y, random_state=0)
    tasks, models = report.to_frame(), report.to_frame("models")
    expected = tasks.loc[tasks["model"] == "b", "relative_gain"].mean()
    np.testing.assert_allclose(models["gain"][1], expected)
    assert models["gain_low"][1] < expected < models["gain_high"][1]
    scaled = compare({"a": RIDGE, "b": POOLED}, X, 1000 * Y, random_state=0)
    np.testing.assert_allclose(scaled.to_frame("models")["gain"][1], expected)


def test_classification_with_tasks_of_different_classes():
    X, y, task = long_rows(n=60)
    labels = np.where(y > 0, "yes", "no").astype(object)
    labels[task == "t1"] = np.where(y > 1, "high", "low")[task == "t1"]
    labels[task == "t2"] = np.array(["x", "y", "z"])[np.digitize(y, [-1, 1])][
        task == "t2"
    ]
    report = compare(
        {"own": LOGISTIC, "prior": IndependentTasks(DummyClassifier())},
        X,
        labels,
        task=task,
        random_state=0,
    )
    assert report.metric_ == "roc_auc"
    assert set(report.scores_) == {"roc_auc", "log_loss", "accuracy"}
    train, test = report.folds_[0]
    model = clone(LOGISTIC).fit(X[train], labels[train], task=task[train])
    for t, name in enumerate(["t0", "t1", "t2"]):
        rows = test[task[test] == name]
        classes = model.task_classes_[name]
        proba = model.predict_proba(X[rows], task=name)
        expected = log_loss(labels[rows], proba, labels=classes)
        np.testing.assert_allclose(report.losses_[0, t, 0], expected)
        auc = {"score": proba[:, 1]} if len(classes) == 2 else {"score": proba}
        truth = np.searchsorted(classes, labels[rows].astype(str))
        expected = roc_auc_score(truth, auc["score"], multi_class="ovr")
        np.testing.assert_allclose(report.scores_["roc_auc"][0, t, 0], expected)
        accuracy = np.mean(model.predict(X[rows], task=name) == labels[rows])
        assert report.scores_["accuracy"][0, t, 0] == accuracy
    np.testing.assert_allclose(report.scores_["roc_auc"][1], 0.5)
    assert report.predictions_["own"].shape[1] == 3
    assert {"own[0]", "own[2]", "y"} <= set(report.to_frame("predictions"))
    assert report.to_frame("data")["classes"].map(len).tolist() == [2, 2, 3]


def test_one_class_in_a_test_fold_leaves_a_log_loss():
    X, _, task = long_rows(n=20, n_tasks=2)
    y = np.zeros(len(X), dtype=int)
    y[task == "t1"] = np.arange((task == "t1").sum()) % 2
    y[np.flatnonzero(task == "t0")[:3]] = 1  # three positives for five folds
    report = compare(
        {"a": LOGISTIC, "b": PooledTasks(LogisticRegression())},
        X,
        y,
        task=task,
        random_state=0,
    )
    auc, loss = report.scores_["roc_auc"], report.scores_["log_loss"]
    assert np.isnan(auc[:, 0]).sum() == 2 * 2 * 2
    assert np.isfinite(loss).all()
    assert np.isfinite(report.to_frame()["score"]).all()
    assert set(report.verdicts_["b"].values()) == {"no evidence"}


def test_wide_classification_with_missing_labels():
    X, Y = wide_rows(150)
    labels = (Y > 0).astype(object).where(Y.notna())
    models = {"alone": LOGISTIC, "joint": GroupLassoClassifier(alpha=0.02)}
    report = compare(models, X, labels, random_state=0)
    assert report.losses_.shape == (2, 3, 10)
    assert np.isfinite(report.losses_).all()
    assert (report.to_frame()["score"] > 0.6).all()
    observed = report.observations_
    rows = (observed["task"] == "b") & (observed["fold"] == 2)
    proba = report.predictions_["joint"][rows]
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    expected = log_loss(observed["y"][rows].astype(bool), proba)
    np.testing.assert_allclose(report.losses_[1, 1, 2], expected)


def test_users_scoring_is_shown_and_paired():
    X, y, task = long_rows()
    report = compare(
        {"a": RIDGE, "b": POOLED},
        X,
        y,
        task=task,
        scoring="neg_mean_absolute_error",
        random_state=0,
    )
    score = report.scores_["neg_mean_absolute_error"]
    assert report.metric_ == "neg_mean_absolute_error"
    frame = report.to_frame()
    np.testing.assert_allclose(
        frame["gain"][3:], (score[1] - score[0]).mean(axis=1), rtol=1e-6
    )
    assert frame["relative_gain"].isna().all()
    observed = report.observations_
    rows = (observed["task"] == "t2") & (observed["fold"] == 4)
    error = np.abs(observed["y"] - report.predictions_["b"])[rows].mean()
    np.testing.assert_allclose(score[1, 2, 4], -error)
    assert "neg_mean_absolute_error" in report.summary()
    display = report.plot()
    assert display.ax_[0].get_xlabel().startswith("minus mean absolute error")
    plt.close(display.figure_)


def test_predictions_are_out_of_fold_and_complete():
    X, Y = wide_rows()
    report = compare({"a": RIDGE}, X, Y, random_state=0)
    observed = report.observations_
    assert len(observed["y"]) == 2 * Y.notna().sum().sum()
    frame = report.to_frame("predictions")
    counts = frame.groupby(["row", "task"]).size()
    assert (counts == 2).all()
    for fold, (train, test) in enumerate(report.folds_):
        rows = frame.loc[frame["fold"] == fold, "row"]
        assert set(rows) <= set(test)
        assert not set(rows) & set(train)
    values = Y.to_numpy()[frame["row"], Y.columns.get_indexer(frame["task"])]
    np.testing.assert_array_equal(values, frame["y"])


# ---------------------------------------------------------------- layouts
def test_task_in_a_column_or_beside_is_the_same():
    X, y, task = long_rows()
    df = attach_task(X, task, name="site")
    beside = {"a": RIDGE, "b": GroupLassoRegressor(alpha=0.1)}
    inside = {
        "a": make_mtl_pipeline(RIDGE, task_col="site"),
        "b": make_mtl_pipeline(GroupLassoRegressor(alpha=0.1), task_col="site"),
    }
    found = compare(inside, df, y, random_state=0)
    expected = compare(beside, X, y, task=task, random_state=0)
    np.testing.assert_allclose(found.losses_, expected.losses_)
    assert found.tasks_.tolist() == ["t0", "t1", "t2"]
    routed = {name: make_mtl_pipeline(model) for name, model in beside.items()}
    again = compare(routed, X, y, task=task, random_state=0)
    np.testing.assert_allclose(again.losses_, expected.losses_)


def test_search_over_a_pipeline_and_plain_estimators_beside_a_column():
    X, y, task = long_rows()
    df = attach_task(X, task, name="site")
    pipe = make_mtl_pipeline(StandardScaler(), GroupLassoRegressor(), task_col="site")
    search = GridSearchCV(
        pipe,
        {"estimator__grouplassoregressor__alpha": [0.01, 100.0]},
        cv=TaskKFold(3, task_col="site"),
    )
    plain = make_pipeline(
        make_column_transformer(("drop", ["site"]), remainder="passthrough"), Ridge()
    )
    report = compare({"search": search, "plain": plain}, df, y, random_state=0)
    assert {
        p["estimator__grouplassoregressor__alpha"] for p in report.params_["search"]
    } == {0.01}
    assert report.to_frame("models")["settings"].tolist() == ["tuned", "fixed"]


def test_wide_takes_scikit_learn_models():
    X, Y = wide_rows()
    complete = Y.fillna(0.0)
    models = {
        "sklearn": MultiTaskLasso(alpha=0.1),
        "own": GroupLassoRegressor(alpha=0.1),
    }
    report = compare(models, X, complete, random_state=0)
    np.testing.assert_allclose(report.losses_[0], report.losses_[1], rtol=1e-3)


def test_wide_with_one_column_takes_scikit_learn_classifiers():
    X, y, _ = long_rows()
    models = {"a": LogisticRegression(), "b": LogisticRegression(C=0.01)}
    flat = compare(models, X, y > 0, random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "A column-vector y")
        wide = compare(models, X, (y > 0)[:, None], cv=flat.folds_)
    np.testing.assert_allclose(wide.losses_, flat.losses_)


def test_one_task():
    X, y, _ = long_rows()
    report = compare({"a": Ridge(), "b": GroupLassoRegressor()}, X, y, random_state=0)
    assert report.tasks_.tolist() == [0]
    assert report.verdicts_["b"][0] == "hurts"


def test_weight_zero_is_absent():
    X, y, task = long_rows()
    absent = np.arange(len(X)) % 7 == 0
    weight = np.where(absent, 0.0, 2.0)
    kept = np.flatnonzero(~absent)
    folds = list(KFold(5).split(kept))
    models = {"a": RIDGE, "b": POOLED}
    whole = compare(
        models,
        X,
        np.where(absent, 1e6, y),
        task=task,
        sample_weight=weight,
        cv=[
            (kept[train], np.r_[kept[test], np.flatnonzero(absent)])
            for train, test in folds
        ],
    )
    part = compare(
        models,
        X[kept],
        y[kept],
        task=task[kept],
        sample_weight=weight[kept],
        cv=folds,
    )
    np.testing.assert_allclose(whole.losses_, part.losses_)
    np.testing.assert_array_equal(
        whole.to_frame()["n_labels"], part.to_frame()["n_labels"]
    )


def test_a_task_whose_rows_all_weigh_nothing_is_absent():
    X, y, task = long_rows()
    weight = np.where(task == "t2", 0.0, 1.0)
    models = {"single-task": RIDGE, "group lasso": GroupLassoRegressor(alpha=0.1)}
    report = compare(models, X, y, task=task, sample_weight=weight, random_state=0)
    assert report.tasks_.tolist() == ["t0", "t1"]
    kept = weight > 0
    place = np.cumsum(kept) - 1
    folds = [[place[rows[kept[rows]]] for rows in fold] for fold in report.folds_]
    other = compare(models, X[kept], y[kept], task=task[kept], cv=folds)
    np.testing.assert_allclose(report.losses_, other.losses_, rtol=1e-6)


def test_one_weight_for_all_is_no_weight():
    X, Y = wide_rows()
    models = {"a": RIDGE}
    plain = compare(models, X, Y, random_state=0)
    weighted = compare(models, X, Y, sample_weight=1.0, random_state=0)
    np.testing.assert_allclose(weighted.losses_, plain.losses_)


def test_losses_are_weighted_means():
    X, y, task = long_rows()
    weight = np.random.default_rng(1).uniform(0.1, 3, size=len(X))
    report = compare(
        {"a": RIDGE}, X, y, task=task, sample_weight=weight, random_state=0
    )
    train, test = report.folds_[2]
    model = clone(RIDGE)
    model.fit(X[train], y[train], task=task[train], sample_weight=weight[train])
    rows = test[task[test] == "t2"]
    errors = (y[rows] - model.predict(X[rows], task="t2")) ** 2
    expected = np.average(errors, weights=weight[rows])
    np.testing.assert_allclose(report.losses_[0, 2, 2], expected)
    own = task == "t2"
    mean = np.average(y[own], weights=weight[own])
    variance = np.average((y[own] - mean) ** 2, weights=weight[own])
    np.testing.assert_allclose(report.scores_["r2"][0, 2, 2], 1 - expected / variance)


# ---------------------------------------------------------------- folds
class Recorder(RegressorMixin, BaseEstimator):
    """Keeps which rows each clone was fitted to; X has their numbers."""

    seen = {}

    def __init__(self, name="", random_state=None):
        self.name = name
        self.random_state = random_state

    def fit(self, X, y, *, task=None):
        rows = tuple(np.asarray(X)[:, 0].astype(int))
        self.seen.setdefault(self.name, []).append((rows, self.random_state))
        return self

    def predict(self, X, *, task=None):
        return np.zeros(len(X))


def test_same_folds_for_all_models_and_every_task_in_training():
    Recorder.seen.clear()
    _, y, task = long_rows()
    X = np.arange(len(y))[:, None]
    models = {name: Recorder(name) for name in "abc"}
    report = compare(models, X, y, task=task, random_state=3)
    assert Recorder.seen["a"] == Recorder.seen["b"] == Recorder.seen["c"]
    assert len(Recorder.seen["a"]) == 10
    for (train, _), (rows, seed) in zip(report.folds_, Recorder.seen["a"], strict=True):
        assert tuple(train) == rows
        assert set(task[train]) == {"t0", "t1", "t2"}
        assert isinstance(seed, int)
    tests = np.concatenate([test for _, test in report.folds_])
    assert np.bincount(tests).tolist() == [2] * len(y)
    assert not np.array_equal(report.folds_[0][1], report.folds_[5][1])
    assert all(vars(m) == vars(Recorder(n)) for n, m in models.items())


def test_models_stay_unfitted():
    X, Y = wide_rows()
    pipe = make_mtl_pipeline(
        StandardScaler(),
        GridSearchCV(GroupLassoRegressor(), {"alpha": [0.1]}, cv=KFold(3)),
    )
    models = {"pipe": pipe, "ridge": IndependentTasks(RidgeCV())}
    before = {name: repr(model) for name, model in models.items()}
    report = compare(models, X, Y, random_state=0)
    assert {name: repr(model) for name, model in models.items()} == before
    assert not hasattr(pipe, "estimator_")
    assert not hasattr(models["ridge"], "estimators_")
    assert report.params_["pipe"][0] == {"alpha": 0.1}
    assert set(report.params_["ridge"][0]) == {"a: alpha", "b: alpha", "c: alpha"}


@pytest.mark.parametrize("cv", [None, TaskKFold(5), GroupKFold(5)])
def test_groups_are_never_split(cv):
    X, Y = wide_rows()
    X, y, task, row = wide_to_long(X, Y)
    report = compare(
        {"a": RIDGE, "b": POOLED}, X, y, task=task, groups=row, cv=cv, random_state=0
    )
    for train, test in report.folds_:
        assert not set(row[train]) & set(row[test])


def test_groups_count_in_the_variance():
    X, y, task = long_rows()
    groups = np.arange(len(X)) // 6  # two rows of each task
    report = compare(
        {"a": RIDGE, "b": POOLED}, X, y, task=task, groups=groups, random_state=0
    )
    assert report.to_frame()["n_train"].tolist() == [16.0] * 6
    assert report.to_frame()["n_labels"].tolist() == [40] * 6


def test_folds_that_split_groups_raise():
    X, y, task = long_rows()
    groups, folds = np.arange(len(X)) // 7, KFold(5).split(X)
    with pytest.raises(ValueError, match="groups are in the training and in the test"):
        compare({"a": RIDGE}, X, y, task=task, groups=groups, cv=folds)


def test_integer_and_iterable_cv():
    X, y, task = long_rows()
    assert len(compare({"a": RIDGE}, X, y, task=task, cv=3).folds_) == 6
    masks = [(np.arange(120) % 5 != k, np.arange(120) % 5 == k) for k in range(5)]
    report = compare({"a": RIDGE}, X, y, task=task, cv=masks)
    assert report.folds_[1][1].tolist() == list(range(1, 120, 5))
    with pytest.warns(UserWarning, match="has 3 folds; with fewer"):
        few = compare({"a": RIDGE, "b": POOLED}, X, y, task=task, cv=KFold(3))
    assert few.to_frame()["p"].notna().sum() == 3


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (1, "at least 2 folds"),
        ([], "no folds"),
        ([(np.arange(50), np.arange(40, 60))], "10 rows of fold 0 are in its training"),
        ([(np.arange(50), np.arange(119, 121))], "test part of fold 0"),
    ],
)
def test_bad_folds(cv, message):
    X, y, task = long_rows()
    with pytest.raises(ValueError, match=message):
        compare({"a": RIDGE}, X, y, task=task, cv=cv)


def test_repeats_with_a_seed_whatever_the_number_of_jobs():
    X, Y = wide_rows()
    models = {
        "mlp": MultiTaskMLPRegressor(hidden_layer_sizes=(4,), max_iter=5),
        "ridge": RIDGE,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so short a training does not converge
        one = compare(models, X, Y, n_jobs=1, random_state=0)
        two = compare(models, X, Y, n_jobs=2, random_state=0)
        other = compare(models, X, Y, random_state=1)
    np.testing.assert_array_equal(one.losses_, two.losses_)
    assert not np.array_equal(one.losses_, other.losses_)


# ---------------------------------------------------------------- errors
class Fails(Recorder):
    """Fails where it is not fitted to row 0."""

    def __init__(self, error=ValueError, name="", random_state=None):
        super().__init__(name, random_state)
        self.error = error

    def fit(self, X, y, *, task=None):
        if 0 not in np.asarray(X)[:, 0]:
            raise self.error("no row 0")
        return self


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (ValueError, ValueError),
        (np.linalg.LinAlgError, ValueError),
        (KeyError, RuntimeError),
    ],
)
def test_failure_names_model_and_fold(error, raised):
    _, y, task = long_rows()
    X = np.arange(len(y))[:, None]
    with pytest.raises(raised, match=r"Model 'bad' failed in fold 0 \(96 .*no row 0"):
        compare({"bad": Fails(error)}, X, y, task=task, cv=KFold(5))


def test_interruption_passes_through():
    _, y, task = long_rows()
    X = np.arange(len(y))[:, None]
    with pytest.raises(KeyboardInterrupt):
        compare({"bad": Fails(KeyboardInterrupt)}, X, y, task=task, cv=KFold(5))


class PredictsNaN(Recorder):
    def predict(self, X, *, task=None):
        return np.full(len(X), np.nan)


@pytest.mark.parametrize(
    ("models", "options", "error", "message"),
    [
        ([RIDGE], {}, TypeError, "models must be a dict"),
        ({}, {}, TypeError, "at least one"),
        ({1: RIDGE}, {}, TypeError, "names of models must be strings"),
        ({"a": Ridge}, {}, TypeError, "'a' must be an estimator"),
        ({"row": RIDGE}, {}, ValueError, "cannot be named 'row'"),
        ({"a": RIDGE, "b": LOGISTIC}, {}, ValueError, r"classifiers are \['b'\]"),
        ({"a": RIDGE}, {"reference": "c"}, ValueError, "'c' is not among the models"),
        ({"a": Ridge()}, {}, TypeError, "'a' .Ridge. does not take task="),
        ({"a": PredictsNaN()}, {}, ValueError, "'a' failed in fold 0.*predicted NaN"),
        (
            {"a": IndependentTasks(KNeighborsRegressor())},
            {"sample_weight": np.arange(1.0, 121.0)},
            ValueError,
            "KNeighborsRegressor.fit takes none",
        ),
        (
            {"a": Recorder()},
            {"sample_weight": np.ones(120)},
            TypeError,
            "'a' .Recorder. takes none",
        ),
        ({"a": RIDGE}, {"groups": [1, 2]}, ValueError, "groups must hold one label"),
        ({"a": RIDGE}, {"scoring": "best"}, ValueError, "^'best' is not a valid scor"),
    ],
)
def test_bad_input(models, options, error, message):
    X, y, task = long_rows()
    with pytest.raises(error, match=message):
        compare(models, X, y, task=task, **options)


def test_classifiers_need_probabilities():
    X, y, task = long_rows()
    with pytest.raises(TypeError, match=r"'svm'.*has no predict_proba"):
        compare({"svm": IndependentTasks(LinearSVC())}, X, y > 0, task=task)


def test_column_and_task_must_agree():
    X, y, task = long_rows()
    df = attach_task(X, task, name="site")
    inside = {"a": make_mtl_pipeline(RIDGE, task_col="site")}
    compare(inside, df, y, task=task, random_state=0)
    with pytest.raises(ValueError, match="differs from the task in the column"):
        compare(inside, df, y, task=task[::-1])
    with pytest.raises(
        TypeError, match=r"'b'.*takes task=, but the task is in a column"
    ):
        compare({**inside, "b": RIDGE}, df, y)
    other = {"b": make_mtl_pipeline(RIDGE, task_col=lambda X: X["site"] + "!")}
    with pytest.raises(ValueError, match="'a' and 'b' read different tasks"):
        compare({**inside, **other}, df, y)


def test_unequal_lengths():
    X, y, task = long_rows()
    with pytest.raises(ValueError, match="X has 120 rows but y has 119"):
        compare({"a": RIDGE}, X, y[1:], task=task[1:])
