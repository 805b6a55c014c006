"""The task by metadata routing, what was silently wrong without it, and callbacks."""

import re
import warnings

import joblib
import numpy as np
import pytest
from _by_hand import (
    ALPHA,
    ALPHAS,
    VERSION,
    fit_by_hand,
    folds_of,
    scores_by_hand,
)
from _toys import ToyRegressor, make_rows
from numpy.testing import assert_allclose
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import BaggingRegressor
from sklearn.feature_selection import (
    RFE,
    SelectFromModel,
)
from sklearn.metrics import make_scorer, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import (
    MTLPipeline,
    TaskKFold,
    TaskScorer,
    make_mtl_pipeline,
)


# ------------------------------------------------------------ task= with routing on
def test_task_with_routing_on(frame):
    df, y, task = frame
    X, folds = df.drop(columns="hospital").to_numpy(), folds_of(df)
    m = make_mtl_pipeline(StandardScaler(), ToyRegressor())
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(m, {ALPHA: ALPHAS}, cv=folds, error_score="raise")
        search.fit(X, y, task=task)
        found = cross_validate(
            m,
            X,
            y,
            cv=TaskKFold(3),
            scoring=TaskScorer("r2"),
            params={"task": task},
            error_score="raise",
        )["test_score"]
        assert search.score(X, y, task=task) > 0.9
    table = scores_by_hand(df, y, folds)
    assert_allclose(search.cv_results_["mean_test_score"], table.mean(axis=1))
    best = search.best_estimator_.predict(X, task=task)
    answer = fit_by_hand(ToyRegressor(0.01), df, y, np.arange(len(y)))
    assert_allclose(best, answer(np.arange(len(y))))
    cv = list(TaskKFold(3).split(X, y, task=task))
    for k, (train, test) in enumerate(cv):
        predicted = fit_by_hand(ToyRegressor(), df, y, train)(test)
        scores = [
            r2_score(y[test][task[test] == t], predicted[task[test] == t])
            for t in "ABC"
        ]
        assert found[k] == pytest.approx(np.mean(scores))


def test_task_is_not_routed_to_a_pipeline_with_a_column(frame, regressor):
    df, y, task = frame
    params, cv = {"task": task}, TaskKFold(3)
    with config_context(enable_metadata_routing=True):
        with pytest.raises((TypeError, ValueError), match="task"):
            cross_validate(regressor, df, y, params=params, error_score="raise")
        # The folds may take it all the same.
        found = cross_val_score(
            regressor, df, y, cv=cv, scoring="r2", params=params, error_score="raise"
        )
    folds = list(cv.split(df, y, task=task))
    assert_allclose(found, scores_by_hand(df, y, folds, alphas=[0.1])[0])


# ------------------------------------------------------------ failures that were silent
def test_scorer_that_drops_the_task_says_so():
    X, y, task = make_rows()
    m = make_pipeline(StandardScaler(), ToyRegressor())
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            m, {"toyregressor__alpha": ALPHAS}, scoring="r2", error_score="raise"
        )
        with pytest.raises(ValueError, match="pass task= as well"):
            search.fit(X, y, task=task)


def test_pipeline_score_that_drops_the_task_says_so():
    X, y, task = make_rows()
    m = make_pipeline(StandardScaler(), ToyRegressor())
    m.fit(X, y, toyregressor__task=task)
    with pytest.raises((ValueError, TypeError), match="task"):
        m.score(X, y, task=task)
    with pytest.raises(ValueError, match="pass task= as well"):
        m.score(X, y)


def test_forgotten_task_in_fit_is_noticed_at_predict():
    X, y, task = make_rows()
    m = make_mtl_pipeline(StandardScaler(), ToyRegressor()).fit(X, y)
    with pytest.raises(ValueError, match="fitted without task labels"):
        m.predict(X, task=task)
    with pytest.raises(ValueError, match="fitted without task labels"):
        m.score(X, y, task=task)
    m.fit(X, y, task=task)
    with pytest.raises(ValueError, match="fitted with task labels; pass task="):
        m.predict(X)
    with pytest.raises(TypeError, match="tasks"):
        m.fit(X, y, tasks=task)


def test_labels_of_another_kind(frame):
    df, y, task = frame
    number = df.assign(hospital=np.searchsorted(["A", "B", "C"], task))
    m = make_mtl_pipeline(ToyRegressor(unseen="shared"), task_col="hospital")
    m.fit(number, y)
    with pytest.raises(ValueError, match=r"kind 'str'.*kind 'int'"):
        m.predict(number.assign(hospital=number.hospital.astype(str)))


def test_interpolated_task_codes(frame):
    df, y, task = frame
    number = np.searchsorted(["A", "B", "C"], task).astype(float)
    number[3] = 0.7  # as SMOTE makes new rows
    m = make_mtl_pipeline(ToyRegressor(), task_col="hospital")
    with pytest.raises(ValueError, match=r"whole numbers, got .*0\.7"):
        m.fit(df.assign(hospital=number), y)


@pytest.mark.parametrize("n_tasks", [2, 3])
def test_task_column_that_was_scaled(n_tasks):
    X, y, _ = make_rows()
    number = np.arange(len(y)) % n_tasks
    outside = make_pipeline(StandardScaler(), MTLPipeline(ToyRegressor(), task_col=-1))
    table = np.column_stack([X, number])
    if n_tasks == 2:
        with pytest.warns(UserWarning, match=r"-1.0 and 1.0, as StandardScaler makes"):
            outside.fit(table, y)
    else:
        with pytest.raises(ValueError, match="transformer scaled the task column"):
            outside.fit(table, y)


def test_bagging_of_columns_that_loses_the_task(frame):
    df, y, task = frame
    table = df.assign(hospital=np.searchsorted(["A", "B", "C"], task))
    m = BaggingRegressor(
        MTLPipeline(ToyRegressor(), task_col=-1), max_features=0.6, random_state=0
    )
    with pytest.raises(ValueError, match="strings or whole numbers"):
        m.fit(table, y)


@pytest.mark.parametrize("selector", [RFE, SelectFromModel])
def test_selection_outside_could_drop_the_task_column(frame, selector):
    df, y, task = frame
    table = df.assign(hospital=np.searchsorted(["A", "B", "C"], task))
    m = selector(MTLPipeline(ToyRegressor(), task_col=-1))
    with pytest.raises((ValueError, AttributeError), match="coef_"):
        m.fit(table, y).transform(table)


def test_resampling_inside_is_noticed(frame):
    df, y, _ = frame

    class DropRows(StandardScaler):
        def transform(self, X, copy=None):
            return super().transform(X, copy=copy)[::2]

    m = make_mtl_pipeline(DropRows(), ToyRegressor(), task_col="hospital")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        m.fit(df, y)


def test_users_joblib_with_routing_raises_in_the_worker():
    X, y, task = make_rows()
    m = make_pipeline(StandardScaler(), ToyRegressor())
    with (
        config_context(enable_metadata_routing=True),
        pytest.raises((ValueError, TypeError), match=r"task"),
    ):
        joblib.Parallel(n_jobs=2)(
            joblib.delayed(m.fit)(X, y, task=task) for _ in range(2)
        )


def test_metric_that_takes_the_task(frame, regressor):
    df, y, _ = frame

    def gap(y_true, y_pred, *, task):
        errors = [np.mean((y_true - y_pred)[task == t]) for t in "ABC"]
        return -np.ptp(errors)

    with config_context(enable_metadata_routing=True):
        scorer = make_scorer(gap).set_score_request(task=True)
        found = cross_val_score(
            regressor,
            df,
            y,
            cv=folds_of(df),
            scoring=scorer,
            params={"task": df.hospital.to_numpy()},
            error_score="raise",
        )
    assert np.isfinite(found).all()


# ------------------------------------------------------------ callbacks
@pytest.mark.skipif(VERSION < (1, 9), reason="sklearn.callback is new in 1.9")
def test_callbacks_reach_every_iteration(frame):
    df, y, _ = frame

    class Recorder:
        max_propagation_depth = None

        def __init__(self):
            self.calls = []

        def setup(self, estimator, context):
            self.calls.append(("setup", type(estimator).__name__))

        def teardown(self, estimator, context):
            self.calls.append(("teardown", type(estimator).__name__))

        def on_fit_task_begin(self, estimator, context):
            self.calls.append(("begin", context.task_name))

        def on_fit_task_end(self, estimator, context, *, X, fitted_estimator):
            if context.task_name == "fit" and fitted_estimator is not None:
                self.calls.append(("columns", X.shape[1]))
            self.calls.append(("end", context.task_name))

    m = make_mtl_pipeline(StandardScaler(), ToyRegressor(), task_col="hospital")
    plain = clone(m).fit(df, y).predict(df)
    recorder = Recorder()
    m.set_callbacks(recorder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        m.fit(df, y)
    assert recorder.calls[0] == ("setup", "MTLPipeline")
    assert recorder.calls[-1] == ("teardown", "MTLPipeline")
    assert recorder.calls.count(("begin", "iteration")) == 3
    assert recorder.calls.count(("end", "iteration")) == 3
    assert ("columns", 5) in recorder.calls
    assert_allclose(m.predict(df), plain)
    assert not hasattr(m, "_callback_fit_ctx")
    assert not hasattr(m.estimator_, "_parent_callback_ctx")
    recorder.calls.clear()
    with pytest.raises(ValueError, match="no column"):
        m.fit(df.drop(columns="hospital"), y)
    assert_allclose(m.predict(df), plain)
    search = GridSearchCV(clone(m), {ALPHA: ALPHAS}, cv=folds_of(df))
    search.estimator.set_callbacks()
    search.set_callbacks(recorder)
    search.fit(df, y)
    assert recorder.calls.count(("end", "iteration")) == 3 * 3 * 3 + 3


@pytest.mark.skipif(VERSION < (1, 9), reason="sklearn.callback is new in 1.9")
def test_progress_bar(frame, regressor, capsys):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    df, y, _ = frame
    regressor.set_callbacks(ProgressBar()).fit(df, y)
    assert re.search("MTLPipeline", capsys.readouterr().out)
