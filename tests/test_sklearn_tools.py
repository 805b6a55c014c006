"""Scikit-learn's other tools around and inside MTLPipeline, against loops by hand."""

import pickle

import joblib
import numpy as np
import polars as pl
import pytest
import sklearn
from _by_hand import (
    ALPHA,
    ALPHAS,
    POLARS_NAMES,
    VERSION,
    fit_by_hand,
    folds_of,
)
from _toys import ToyClassifier, ToyRegressor, as_classes
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, StackingRegressor, VotingRegressor
from sklearn.feature_selection import (
    RFE,
    RFECV,
    SelectFromModel,
    SequentialFeatureSelector,
)
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import Lasso, LinearRegression, Ridge
from sklearn.metrics import accuracy_score, get_scorer, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.preprocessing import StandardScaler

from skmtl import (
    MTLPipeline,
    TaskKFold,
    TaskScorer,
    TaskStandardScaler,
    make_mtl_pipeline,
)


# ------------------------------------------------------------ inspection
def test_permutation_importance(frame, regressor):
    df, y, task = frame
    m = regressor.fit(df, y)
    found = permutation_importance(m, df, y, n_repeats=5, random_state=0)
    drop = dict(zip(df.columns, found.importances_mean, strict=True))
    assert drop["x0"] > 0.5
    assert abs(drop["x2"]) < 0.05
    assert drop["hospital"] > 0.5, "the tasks have other slopes"
    swapped = df.assign(hospital=np.roll(task, 1))
    by_hand = fit_by_hand(ToyRegressor(), df, y, np.arange(len(y)))
    assert_allclose(m.predict(df), by_hand(np.arange(len(y))))
    assert not np.allclose(m.predict(swapped), m.predict(df))


def test_partial_dependence(frame, regressor):
    df, y, _ = frame
    m = regressor.fit(df, y)
    found = partial_dependence(m, df, ["x0"], kind="average", grid_resolution=5)
    for value, average in zip(
        found["grid_values"][0], found["average"][0], strict=True
    ):
        assert average == pytest.approx(m.predict(df.assign(x0=value)).mean())
    found = partial_dependence(
        m, df, ["hospital"], categorical_features=["hospital"], kind="both"
    )
    assert_array_equal(found["grid_values"][0], ["A", "B", "C"])
    for k, t in enumerate("ABC"):
        expected = m.predict(df.assign(hospital=t))
        assert_allclose(found["individual"][0][:, k], expected)


def test_partial_dependence_display(frame, regressor):
    pytest.importorskip("matplotlib")
    from sklearn.inspection import PartialDependenceDisplay

    df, y, _ = frame
    shown = PartialDependenceDisplay.from_estimator(
        regressor.fit(df, y),
        df,
        ["x0", "hospital"],
        categorical_features=["hospital"],
        grid_resolution=5,
    )
    assert len(shown.pd_results) == 2


# ------------------------------------------------------------ calibration, thresholds
@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration(frame, classifier, method):
    df, y, _ = frame
    labels = as_classes(y)
    cv = TaskKFold(3, task_col="hospital")
    m = CalibratedClassifierCV(classifier, cv=cv, method=method, ensemble=False)
    m.fit(df, labels)
    proba = m.predict_proba(df)
    assert_allclose(proba.sum(axis=1), 1)
    assert accuracy_score(labels, m.predict(df)) > 0.8
    scores = np.empty(len(y))
    for train, test in cv.split(df, labels):
        answer = fit_by_hand(ToyClassifier(), df, labels, train)
        scores[test] = answer(test, "decision_function")
    used = cross_val_predict(classifier, df, labels, cv=cv, method="decision_function")
    assert_allclose(used, scores)


def test_tuned_threshold(frame, classifier):
    df, y, _ = frame
    labels = as_classes(y)
    m = TunedThresholdClassifierCV(
        classifier, cv=TaskKFold(3, task_col="hospital"), scoring="balanced_accuracy"
    ).fit(df, labels)
    proba = classifier.fit(df, labels).predict_proba(df)[:, 1]
    expected = np.where(proba >= m.best_threshold_, "well", "ill")
    assert_array_equal(m.predict(df), expected)


@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss", "accuracy", None])
def test_scorers_of_classes(frame, classifier, scoring):
    df, y, _ = frame
    labels, folds = as_classes(y), folds_of(df)
    found = cross_val_score(
        classifier, df, labels, cv=folds, scoring=scoring, error_score="raise"
    )
    X, task = df.drop(columns="hospital").to_numpy(), df.hospital.to_numpy()
    for k, (train, test) in enumerate(folds):
        if scoring in ("accuracy", None):
            predicted = fit_by_hand(ToyClassifier(), df, labels, train)(test)
            assert found[k] == np.mean(predicted == labels[test])
        else:
            scaler = StandardScaler().fit(X[train])
            m = MTLPipeline(ToyClassifier(), task_col=-1)
            left = np.column_stack(
                [scaler.transform(X[train]).astype(object), task[train]]
            )
            right = np.column_stack(
                [scaler.transform(X[test]).astype(object), task[test]]
            )
            m.fit(left, labels[train])
            assert found[k] == pytest.approx(
                get_scorer(scoring)(m, right, labels[test])
            )


# ------------------------------------------------------------ ensembles
def test_voting(frame, regressor):
    df, y, _ = frame
    other = make_mtl_pipeline(ToyRegressor(5.0), task_col="hospital")
    m = VotingRegressor([("a", regressor), ("b", other)]).fit(df, y)
    one, two = clone(regressor).fit(df, y), clone(other).fit(df, y)
    assert_allclose(m.predict(df), (one.predict(df) + two.predict(df)) / 2)


def test_stacking(frame, regressor):
    df, y, _ = frame
    folds = folds_of(df)
    m = StackingRegressor(
        [("a", regressor)], final_estimator=LinearRegression(), cv=folds
    ).fit(df, y)
    inner = cross_val_predict(regressor, df, y, cv=folds)
    final = LinearRegression().fit(inner[:, None], y)
    single = clone(regressor).fit(df, y).predict(df)
    assert_allclose(m.predict(df), final.predict(single[:, None]))


def test_multi_task_final_estimator_of_a_stack(frame, regressor):
    df, y, task = frame
    number = np.searchsorted(["A", "B", "C"], task)
    table = np.column_stack([df.drop(columns="hospital"), number])
    below = clone(regressor).set_params(task_col=-1)
    folds = folds_of(df)
    m = StackingRegressor(
        [("a", below)],
        final_estimator=MTLPipeline(ToyRegressor(), task_col=-1),
        passthrough=True,
        cv=folds,
    ).fit(table, y)
    inner = cross_val_predict(below, table, y, cv=folds)
    toy = ToyRegressor().fit(np.column_stack([inner, table[:, :4]]), y, task=number)
    first = clone(below).fit(table, y).predict(table)
    expected = toy.predict(np.column_stack([first, table[:, :4]]), task=number)
    assert_allclose(m.predict(table), expected)


def test_bagging_by_position(frame):
    df, y, task = frame
    number = np.searchsorted(["A", "B", "C"], task)
    table, X = df.assign(hospital=number), df.drop(columns="hospital").to_numpy()
    inner = MTLPipeline(ToyRegressor(), task_col=-1)
    m = BaggingRegressor(inner, n_estimators=3, random_state=0).fit(table, y)
    expected = np.zeros(len(y))
    for rows in m.estimators_samples_:
        toy = ToyRegressor().fit(X[rows], y[rows], task=number[rows])
        expected += toy.predict(X, task=number) / 3
    assert_allclose(m.predict(table), expected)
    named = BaggingRegressor(MTLPipeline(ToyRegressor(), task_col="hospital"))
    with pytest.raises(ValueError, match=r"(?s)task_col=-1 .*BaggingRegressor"):
        named.fit(table, y)


@pytest.mark.skipif(
    VERSION < (1, 7), reason="Bagging.predict routes nothing before 1.7"
)
def test_bagging_inside(frame):
    df, y, _ = frame
    inner = BaggingRegressor(ToyRegressor(), n_estimators=5, random_state=0)
    m = make_mtl_pipeline(StandardScaler(), inner, task_col="hospital").fit(df, y)
    assert m.score(df, y) > 0.95


@pytest.mark.skipif(VERSION >= (1, 7), reason="Bagging.predict routes since 1.7")
def test_bagging_inside_says_that_it_cannot(frame):
    df, y, _ = frame
    m = MTLPipeline(BaggingRegressor(ToyRegressor()), task_col="hospital")
    with pytest.raises(ValueError, match="does not pass task= on"):
        m.fit(df, y)


def test_transformed_target(frame, regressor):
    df, y, _ = frame
    positive = np.exp(y / 5)
    m = TransformedTargetRegressor(regressor, func=np.log, inverse_func=np.exp)
    m.fit(df, positive)
    expected = np.exp(clone(regressor).fit(df, np.log(positive)).predict(df))
    assert_allclose(m.predict(df), expected)
    assert m.score(df, positive) == r2_score(positive, expected)


def test_several_targets(frame, regressor):
    df, y, _ = frame
    Y = np.column_stack([y, 2 * y])
    one = clone(regressor).fit(df, y).predict(df)
    two = clone(regressor).fit(df, 2 * y).predict(df)
    m = MultiOutputRegressor(regressor).fit(df, Y)
    assert_allclose(m.predict(df), np.column_stack([one, two]))
    number = np.searchsorted(["A", "B", "C"], df.hospital)
    table = np.column_stack([number, df.drop(columns="hospital")]).astype(float)
    m = RegressorChain(clone(regressor).set_params(task_col=0)).fit(table, Y)
    assert_allclose(m.predict(table)[:, 0], one)


def test_one_vs_rest(frame, classifier):
    df, y, _ = frame
    labels = np.digitize(y, np.quantile(y, [1 / 3, 2 / 3]))
    m = OneVsRestClassifier(classifier).fit(df, labels)
    for k in range(3):
        expected = clone(classifier).fit(df, (labels == k).astype(int))
        assert_allclose(m.estimators_[k].predict_proba(df), expected.predict_proba(df))


# ------------------------------------------------------------ feature selection inside
SELECTORS = {
    "threshold": lambda: SelectFromModel(ToyRegressor(), threshold=0.3),
    "lasso": lambda: SelectFromModel(Lasso(0.3)),
    "rfe": lambda: RFE(Lasso(0.01), n_features_to_select=2),
    "sequential": lambda: SequentialFeatureSelector(
        ToyRegressor(), n_features_to_select=2, cv=2
    ),
    "rfe of a task model": lambda: RFE(ToyRegressor(), n_features_to_select=2),
}


@pytest.mark.parametrize("kind", SELECTORS)
def test_selection_inside(frame, kind):
    df, y, task = frame
    m = make_mtl_pipeline(
        StandardScaler(), SELECTORS[kind](), ToyRegressor(), task_col="hospital"
    ).fit(df, y)
    kept = m[1].get_support()
    assert 0 < kept.sum() < 4
    X = StandardScaler().fit_transform(df.drop(columns="hospital"))[:, kept]
    expected = ToyRegressor().fit(X, y, task=task).predict(X, task=task)
    assert_allclose(m.predict(df), expected)


@pytest.mark.parametrize("scoring", [None, "r2", TaskScorer("r2")])
def test_rfecv_inside(frame, scoring):
    df, y, _ = frame
    inner = RFECV(ToyRegressor(), cv=folds_of(df), scoring=scoring)
    m = make_mtl_pipeline(inner, ToyRegressor(), task_col="hospital").fit(df, y)
    assert m.score(df, y) > 0.9


def test_importance_of_features_with_plain_steps(frame):
    df, y, _ = frame
    m = make_mtl_pipeline(
        StandardScaler(), SelectFromModel(Ridge()), ToyRegressor(), task_col="hospital"
    ).fit(df, y)
    assert m[:-1].get_feature_names_out().size == m[1].get_support().sum()


# ------------------------------------------------------------ containers and config
@pytest.mark.parametrize("container", ["pandas", "polars"])
@pytest.mark.parametrize("everywhere", [False, True])
def test_set_output(frame, regressor, container, everywhere):
    df, y, _ = frame
    expected = clone(regressor).fit(df, y).predict(df)
    if everywhere:
        with config_context(transform_output=container):
            m = clone(regressor).fit(df, y)
            assert_allclose(m.predict(df), expected)
            out = m[:-1].transform(df.drop(columns="hospital"))
    else:
        m = clone(regressor)
        m.estimator.set_output(transform=container)
        m.fit(df, y)
        assert_allclose(m.predict(df), expected)
        out = m[:-1].transform(df.drop(columns="hospital"))
    assert type(out).__module__.split(".")[0] == container
    if container == "pandas" or POLARS_NAMES:
        assert list(m[-1].feature_names_in_) == ["x0", "x1", "x2", "x3"]


def test_polars_frames(frame, regressor):
    df, y, _ = frame
    table = pl.DataFrame(df.to_dict("list"))
    m = clone(regressor).fit(table, y)
    assert_allclose(m.predict(table), clone(regressor).fit(df, y).predict(df))
    assert m.n_features_in_ == 5
    if POLARS_NAMES:
        assert list(m.feature_names_in_) == table.columns
    search = GridSearchCV(
        regressor,
        {ALPHA: ALPHAS},
        cv=TaskKFold(3, task_col="hospital"),
        error_score="raise",
    )
    assert_allclose(
        search.fit(table, y).cv_results_["mean_test_score"],
        clone(search).fit(df, y).cv_results_["mean_test_score"],
    )


def test_memory(frame, tmp_path):
    df, y, _ = frame
    m = make_mtl_pipeline(
        TaskStandardScaler(),
        ToyRegressor(),
        task_col="hospital",
        memory=joblib.Memory(tmp_path, verbose=0),
    )
    first = m.fit(df, y).predict(df)
    assert_allclose(m.fit(df, y).predict(df), first)
    assert any(tmp_path.rglob("*.pkl")), "the scaler was cached"
    other = clone(m).fit(df.iloc[::2], y[::2])
    assert not np.allclose(other.predict(df), first)


def _fit_and_score(model, df, y):
    return clone(model).fit(df, y).score(df, y)


def test_users_own_joblib(frame, regressor):
    df, y, _ = frame
    with joblib.parallel_config("loky", n_jobs=2):
        found = joblib.Parallel()(
            joblib.delayed(_fit_and_score)(regressor, df, y) for _ in range(2)
        )
    assert_allclose(found, [_fit_and_score(regressor, df, y)] * 2)


def test_threads(frame, regressor):
    df, y, _ = frame
    found = joblib.Parallel(n_jobs=2, prefer="threads")(
        joblib.delayed(_fit_and_score)(regressor, df, y) for _ in range(4)
    )
    assert_allclose(found, [_fit_and_score(regressor, df, y)] * 4)
    assert not sklearn.get_config()["enable_metadata_routing"]


def test_pickle_of_a_search(frame, regressor):
    df, y, _ = frame
    search = GridSearchCV(regressor, {ALPHA: ALPHAS}, cv=folds_of(df)).fit(df, y)
    again = pickle.loads(pickle.dumps(search))
    assert_allclose(again.predict(df), search.predict(df))
    assert "ToyRegressor" in search._repr_html_()
