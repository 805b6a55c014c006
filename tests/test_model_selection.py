"""TaskKFold and TaskScorer, alone and inside scikit-learn's searches."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
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
    HalvingGridSearchCV,
    LeaveOneGroupOut,
    cross_val_predict,
    cross_validate,
    learning_curve,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import (
    IndependentTasks,
    MTLPipeline,
    PooledTasks,
    TaskKFold,
    TaskScorer,
    attach_task,
)

N = 120
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3))
TASK = RNG.choice(["a", "b", "c"], N, p=[0.6, 0.3, 0.1])
LEVEL = {"a": 0.0, "b": 50.0, "c": -50.0}
y = X[:, 0] + [LEVEL[t] for t in TASK] + RNG.normal(size=N)
Z = (X[:, 0] + RNG.normal(size=N) > 0.5).astype(int)
PATIENT = RNG.integers(0, 40, N)
FRAME = attach_task(X, TASK, name="hospital")
Y = np.column_stack([X[:, 0], X[:, 1], -X[:, 0]]) + RNG.normal(size=(N, 3))
Y[RNG.random(Y.shape) < 0.3] = np.nan
YC = np.where(np.isnan(Y), np.nan, np.sign(Y) > 0)


def wrapped(model):
    """Carry the task in a column."""
    return MTLPipeline(model, task_col="hospital")


def folds_of(cv, *args, **kwargs):
    """Return the fold of each row."""
    folds = np.full(N, -1)
    for fold, (train, test) in enumerate(cv.split(*args, **kwargs)):
        assert (folds[test] == -1).all()
        assert np.array_equal(np.sort(np.r_[train, test]), np.arange(N))
        folds[test] = fold
    assert (folds >= 0).all()
    return folds


# ---------------------------------------------------------------- TaskKFold
def test_tasks_and_classes_are_spread():
    folds = folds_of(TaskKFold(4), X, Z, task=TASK)
    for label in "abc":
        assert np.ptp(np.bincount(folds[label == TASK], minlength=4)) <= 1
        positive = (label == TASK) & (Z == 1)
        assert np.ptp(np.bincount(folds[positive], minlength=4)) <= 1


@pytest.mark.parametrize(
    ("table", "task_col"),
    [
        (FRAME, "hospital"),
        (FRAME, -1),
        (FRAME, 3),
        (pl.DataFrame(FRAME.to_dict("list")), "hospital"),
        (FRAME.to_numpy(), 3),
        (FRAME, lambda X: X["hospital"]),
        (FRAME.set_index("hospital", append=True), "hospital"),
    ],
)
def test_the_task_column_is_as_good_as_the_argument(table, task_col):
    found = folds_of(TaskKFold(4, task_col=task_col), table, Z)
    assert np.array_equal(found, folds_of(TaskKFold(4), X, Z, task=TASK))


@pytest.mark.parametrize("make", [sparse.csr_array, np.asarray])
def test_whole_numbers_in_a_column(make):
    codes = np.searchsorted(["a", "b", "c"], TASK)
    table = make(np.column_stack([codes, X]))
    found = folds_of(TaskKFold(4, task_col=0), table, Z)
    assert np.array_equal(found, folds_of(TaskKFold(4), X, Z, task=TASK))


def test_the_argument_comes_before_the_column():
    cv = TaskKFold(4, task_col="hospital")
    other = np.roll(TASK, 1)
    found = folds_of(cv, FRAME, Z, task=other)
    assert np.array_equal(found, folds_of(TaskKFold(4), X, Z, task=other))


def test_patients_are_not_split():
    folds = folds_of(TaskKFold(4), X, Z, PATIENT, task=TASK)
    for patient in np.unique(PATIENT):
        assert len(np.unique(folds[patient == PATIENT])) == 1
    for label in "abc":
        assert len(np.unique(folds[label == TASK])) > 1


def test_wide_labels_are_spread():
    folds = folds_of(TaskKFold(4), X, YC)
    for t in range(3):
        assert np.ptp(np.bincount(folds[np.isfinite(YC[:, t])])) <= 4
        assert np.ptp(np.bincount(folds[YC[:, t] == 1])) <= 4


def test_one_task_without_any_labels_of_tasks():
    folds = folds_of(TaskKFold(4), X, Z)
    assert np.ptp(np.bincount(folds[Z == 1])) <= 1
    assert np.array_equal(folds_of(TaskKFold(4), X), np.arange(N) % 4)


def test_stratify_false_spreads_tasks_only():
    blocks = np.sort(Z)
    folds = folds_of(TaskKFold(4, stratify=False), X, blocks)
    assert np.array_equal(folds, np.arange(N) % 4)


def test_shuffling():
    assert np.array_equal(
        folds_of(TaskKFold(4, shuffle=True, random_state=3), X, Z, task=TASK),
        folds_of(TaskKFold(4, shuffle=True, random_state=3), X, Z, task=TASK),
    )
    cv = TaskKFold(4, shuffle=True)
    first, second = (folds_of(cv, X, Z, task=TASK) for _ in range(2))
    assert not np.array_equal(first, second)


def test_number_of_folds_and_repr():
    cv = TaskKFold(3, task_col="hospital")
    assert cv.get_n_splits(X, y, PATIENT, task=TASK) == cv.get_n_splits() == 3
    assert repr(cv).startswith("TaskKFold(n_splits=3")
    assert "task_col='hospital'" in repr(cv).replace("\n", "")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_splits": 1}, ValueError, "at least 2, got 1"),
        ({"n_splits": 2.5}, ValueError, r"at least 2, got 2\.5"),
        ({"shuffle": "yes"}, TypeError, "shuffle must be True or False"),
        ({"random_state": 0}, ValueError, "no effect without shuffling"),
        ({"stratify": "classes"}, ValueError, "stratify must be"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        TaskKFold(**arguments)


@pytest.mark.parametrize(
    ("cv", "call", "message"),
    [
        (TaskKFold(200), {"X": X, "y": y}, "n_splits=200 folds of 120 rows"),
        (TaskKFold(), {"X": X, "y": y, "groups": Z}, "n_splits=5 folds of 2 groups"),
        (TaskKFold(task_col="town"), {"X": FRAME, "y": y}, "no column 'town'"),
        (TaskKFold(task_col="town"), {"X": X, "y": y}, "has no names"),
        (TaskKFold(task_col=9), {"X": X, "y": y}, "task_col=9 is not a position"),
        (TaskKFold(), {"X": X, "y": y, "task": TASK[1:]}, "one label per row"),
        (TaskKFold(), {"X": X[1:], "y": y}, "X has 119 rows but y has 120"),
        (TaskKFold(), {"X": X, "y": Y, "task": TASK}, "wide_to_long"),
        (TaskKFold(), {"X": X, "y": Y[:, 0]}, "NaN"),
        (TaskKFold(), {"X": X, "y": y, "groups": PATIENT[1:]}, "groups must hold"),
    ],
)
def test_bad_calls(cv, call, message):
    with pytest.raises(ValueError, match=message):
        next(cv.split(**call))


def test_tasks_that_a_training_part_must_lack_are_named():
    task = TASK.astype(object)
    task[5] = "tiny"
    with pytest.warns(UserWarning, match=r"1 task\(s\) .*: 'tiny'"):
        list(TaskKFold(4).split(X, y, task=task))
    one = np.full((N, 2), 1.5)
    one[1:, 1] = np.nan
    with pytest.warns(UserWarning, match=r"1 task\(s\) .*: 1"):
        list(TaskKFold(4).split(X, one))


# ---------------------------------------------------------------- TaskScorer
def by_hand(metric, truth, answer, task=TASK):
    """Return {task: metric} over the rows of each task."""
    return {t: metric(truth[task == t], answer[task == t]) for t in np.unique(task)}


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


# ---------------------------------------------------------------- inside scikit-learn
def test_cross_validate_by_column():
    model = wrapped(IndependentTasks(Ridge()))
    cv = TaskKFold(4, task_col="hospital")
    scores = cross_validate(
        model,
        FRAME,
        y,
        cv=cv,
        scoring=TaskScorer(r2_score, aggregate=None),
        error_score="raise",
    )
    for fold, (train, test) in enumerate(cv.split(FRAME, y)):
        fitted = IndependentTasks(Ridge()).fit(X[train], y[train], task=TASK[train])
        predicted = fitted.predict(X[test], task=TASK[test])
        expected = by_hand(r2_score, y[test], predicted, TASK[test])
        for label in "abc":
            assert scores[f"test_task_{label}"][fold] == pytest.approx(expected[label])
        assert scores["test_mean"][fold] == pytest.approx(
            np.mean(list(expected.values()))
        )


def test_a_task_missing_from_a_test_part_keeps_its_key():
    task = TASK.copy()
    task[:2] = "d"
    scores = cross_validate(
        wrapped(PooledTasks(Ridge())),
        attach_task(X, task, name="hospital"),
        y,
        cv=TaskKFold(4, task_col="hospital"),
        scoring=TaskScorer("neg_mean_absolute_error", aggregate=None),
        error_score="raise",
    )
    assert np.isnan(scores["test_task_d"]).sum() == 2


def test_tasks_never_seen():
    model = wrapped(PooledTasks(Ridge(), unseen="shared"))
    with pytest.warns(UserWarning, match="never seen in fit"):
        scores = cross_validate(
            model,
            FRAME,
            y,
            groups=TASK,
            cv=LeaveOneGroupOut(),
            scoring=TaskScorer("neg_root_mean_squared_error"),
            error_score="raise",
        )
    assert np.isfinite(scores["test_score"]).all()


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_searches_by_column(n_jobs):
    search = GridSearchCV(
        wrapped(make_pipeline(StandardScaler(), IndependentTasks(Ridge()))),
        {"estimator__independenttasks__estimator__alpha": [0.1, 1e6]},
        cv=TaskKFold(3, task_col="hospital"),
        scoring=TaskScorer("r2"),
        n_jobs=n_jobs,
        error_score="raise",
    ).fit(FRAME, y)
    assert search.best_params_["estimator__independenttasks__estimator__alpha"] == 0.1
    found = TaskScorer("r2")(search, FRAME, y)
    assert found == pytest.approx(search.score(FRAME, y))
    assert found == pytest.approx(TaskScorer("r2")(search.best_estimator_, FRAME, y))


def test_searches_with_several_scores():
    search = GridSearchCV(
        wrapped(IndependentTasks(Ridge())),
        {"estimator__estimator__alpha": [0.1, 1e6]},
        cv=TaskKFold(3, task_col="hospital"),
        scoring=TaskScorer("r2", aggregate=None),
        refit="worst",
        error_score="raise",
    ).fit(FRAME, y)
    assert {"mean_test_task_a", "mean_test_mean"} <= set(search.cv_results_)


def test_halving_and_learning_curve():
    cv, score = TaskKFold(3, task_col="hospital"), TaskScorer("r2")
    model = wrapped(IndependentTasks(Ridge(), unseen="shared"))
    search = HalvingGridSearchCV(
        model,
        {"estimator__estimator__alpha": [0.1, 1.0, 1e6]},
        cv=cv,
        scoring=score,
        resource="estimator__estimator__max_iter",
        max_resources=30,
        error_score="raise",
    ).fit(FRAME, y)
    assert search.best_params_["estimator__estimator__alpha"] < 1e6
    sizes, _, test = learning_curve(
        model,
        FRAME,
        y,
        cv=cv,
        scoring=score,
        train_sizes=[0.8, 1.0],
        shuffle=True,
        random_state=0,
        error_score="raise",
    )
    assert np.isfinite(test).all()
    assert len(sizes) == 2


def test_cross_val_predict_and_calibration():
    cv = TaskKFold(3, task_col="hospital")
    model = wrapped(IndependentTasks(LogisticRegression()))
    predicted = cross_val_predict(model, FRAME, Z, cv=cv)
    assert set(predicted) == {0, 1}
    calibrated = CalibratedClassifierCV(model, cv=cv).fit(FRAME, Z)
    proba = calibrated.predict_proba(FRAME)[:, 1]
    expected = np.mean(list(by_hand(roc_auc_score, Z, proba).values()))
    assert TaskScorer("roc_auc")(calibrated, FRAME, Z) == pytest.approx(expected)


def even_tasks():
    """Return tasks of equal size, for searches that leave rows out, and labels."""
    task = np.resize(["a", "b", "c"], N)
    noise = np.random.default_rng(1).normal(scale=0.3, size=N)
    return task, X[:, 0] + [LEVEL[t] for t in task] + noise


@pytest.mark.parametrize("search", [GridSearchCV, HalvingGridSearchCV])
def test_routed_searches(search):
    task, y = even_tasks()
    with sklearn.config_context(enable_metadata_routing=True):
        # Half of the rows of each part, of whatever task: about 13 and 7 of each.
        halving = {"min_resources": 60, "random_state": 0}
        found = search(
            make_pipeline(StandardScaler(), IndependentTasks(Ridge())),
            {"independenttasks__estimator__alpha": [0.1, 1e6]},
            cv=TaskKFold(3),
            scoring=TaskScorer("r2"),
            error_score="raise",
            **({} if search is GridSearchCV else halving),
        ).fit(X, y, task=task)
        assert found.best_params_["independenttasks__estimator__alpha"] == 0.1
        score = found.score(X, y, task=task)
        assert score == pytest.approx(TaskScorer("r2")(found, X, y, task=task))


def test_halving_loses_small_tasks():
    """It draws rows whatever their task; the user guide says what to do."""
    model = wrapped(IndependentTasks(Ridge()))
    grid = {"estimator__estimator__alpha": [0.1, 1.0]}
    few = {"min_resources": 24, "max_resources": 24, "random_state": 3}
    cv = TaskKFold(3, task_col="hospital")
    search = HalvingGridSearchCV(model, grid, cv=cv, error_score="raise", **few)
    with pytest.raises(ValueError, match=r"never seen in fit: 'c'.*unseen='shared'"):
        search.fit(FRAME, y)
    search.set_params(estimator__estimator=IndependentTasks(Ridge(), unseen="shared"))
    with pytest.warns(UserWarning, match="never seen in fit: 'c'"):
        search.fit(FRAME, y)
    assert np.isfinite(search.best_score_)


def test_routed_groups_and_weights():
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_validate(
            IndependentTasks(DummyRegressor()).set_fit_request(sample_weight=True),
            X,
            y,
            cv=TaskKFold(3),
            scoring=TaskScorer("neg_mean_absolute_error", aggregate=None),
            params={"task": TASK, "groups": PATIENT, "sample_weight": np.arange(N) % 3},
            error_score="raise",
            return_indices=True,
        )
    assert np.isfinite(scores["test_mean"]).all()
    expected = list(TaskKFold(3).split(X, y, PATIENT, task=TASK))
    for found, (_, test) in zip(scores["indices"]["test"], expected, strict=True):
        assert np.array_equal(found, test)


def test_wide_searches_with_missing_labels():
    search = GridSearchCV(
        make_pipeline(StandardScaler(), IndependentTasks(Ridge())),
        {"independenttasks__estimator__alpha": [0.1, 1e6]},
        cv=TaskKFold(3),
        scoring=TaskScorer("r2"),
        error_score="raise",
    ).fit(X, Y)
    assert search.best_params_["independenttasks__estimator__alpha"] == 0.1
    scores = cross_validate(
        IndependentTasks(LogisticRegression()),
        X,
        YC,
        cv=TaskKFold(3),
        scoring=TaskScorer("roc_auc"),
        error_score="raise",
    )
    assert (scores["test_score"] > 0.5).all()


def test_a_search_inside_each_task():
    inner = GridSearchCV(
        IndependentTasks(Ridge()),
        {"estimator__alpha": [0.1, 1e6]},
        cv=TaskKFold(3),
        scoring=TaskScorer("r2"),
        error_score="raise",
    )
    model = IndependentTasks(inner).fit(X, y, task=TASK)
    assert model.estimators_["a"].best_params_ == {"estimator__alpha": 0.1}


def test_a_constant_classifier():
    model = IndependentTasks(DummyClassifier()).fit(X, Z, task=TASK)
    assert TaskScorer("roc_auc")(model, X, Z, task=TASK) == pytest.approx(0.5)
