"""TaskKFold and TaskScorer inside the tools of scikit-learn."""

import numpy as np
import pytest
import sklearn
from _rows_of_tasks import (
    FRAME,
    LEVEL,
    PATIENT,
    TASK,
    YC,
    N,
    X,
    Y,
    Z,
    by_hand,
    wrapped,
    y,
)
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
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
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import (
    IndependentTasks,
    PooledTasks,
    TaskKFold,
    TaskScorer,
    attach_task,
)


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


def test_columns_in_another_order_are_refused():
    pandas = pytest.importorskip("pandas")
    Y = pandas.DataFrame({"u": y, "v": -y})
    model = IndependentTasks(DummyRegressor()).fit(X, Y)
    TaskScorer("r2")(model, X, Y)
    with pytest.raises(ValueError, match="are not the fitted tasks"):
        TaskScorer("r2")(model, X, Y[["v", "u"]])
