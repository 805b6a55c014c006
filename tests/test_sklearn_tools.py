"""Every tool of scikit-learn around MTLPipeline, against loops written out by hand."""

import pickle
import re
import warnings

import joblib
import numpy as np
import polars as pl
import pytest
import sklearn
from _toys import ToyClassifier, ToyRegressor, as_classes, make_frame, make_rows
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, StackingRegressor, VotingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import (
    RFE,
    RFECV,
    SelectFromModel,
    SequentialFeatureSelector,
)
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import Lasso, LinearRegression, Ridge
from sklearn.metrics import accuracy_score, get_scorer, make_scorer, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    LeaveOneGroupOut,
    RandomizedSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from skmtl import (
    GroupLassoRegressor,
    MTLPipeline,
    TaskKFold,
    TaskScorer,
    TaskStandardScaler,
    attach_task,
    make_mtl_pipeline,
    wide_to_long,
)

VERSION = parse_version(sklearn.__version__).release[:2]
# Before 1.9 names were read through a protocol that polars 2 has given up.
POLARS_NAMES = VERSION >= (1, 9) or hasattr(pl.DataFrame, "__dataframe__")
ALPHA = "estimator__toyregressor__alpha"
ALPHAS = [0.01, 1.0, 10.0]


@pytest.fixture
def frame():
    return make_frame()


@pytest.fixture
def regressor():
    return make_mtl_pipeline(StandardScaler(), ToyRegressor(), task_col="hospital")


@pytest.fixture
def classifier():
    return make_mtl_pipeline(StandardScaler(), ToyClassifier(), task_col="hospital")


def fit_by_hand(toy, df, y, rows, weight=None):
    """Fit scaler and toy to some rows; return a function that predicts other rows."""
    X, task = df.drop(columns="hospital").to_numpy(), df.hospital.to_numpy()
    scaler = StandardScaler().fit(X[rows])
    weights = {} if weight is None else {"sample_weight": weight[rows]}
    toy = clone(toy).fit(scaler.transform(X[rows]), y[rows], task=task[rows], **weights)

    def answer(rows, method="predict"):
        return getattr(toy, method)(scaler.transform(X[rows]), task=task[rows])

    return answer


def folds_of(df, n_splits=3):
    return list(StratifiedKFold(n_splits).split(df, df.hospital))


def scores_by_hand(df, y, folds, alphas=ALPHAS, metric=r2_score, weight=None):
    """Return the score of each alpha in each fold."""
    table = np.empty((len(alphas), len(folds)))
    for i, alpha in enumerate(alphas):
        for k, (train, test) in enumerate(folds):
            answer = fit_by_hand(ToyRegressor(alpha), df, y, train, weight)
            weights = {} if weight is None else {"sample_weight": weight[test]}
            table[i, k] = metric(y[test], answer(test), **weights)
    return table


# ------------------------------------------------------------ searches
SEARCHES = {
    "grid": lambda m, **kw: GridSearchCV(m, {ALPHA: ALPHAS}, **kw),
    "random": lambda m, **kw: RandomizedSearchCV(
        m, {ALPHA: ALPHAS}, n_iter=3, random_state=0, **kw
    ),
    "halving": lambda m, **kw: HalvingGridSearchCV(
        m, {ALPHA: ALPHAS}, min_resources=119, random_state=0, **kw
    ),
}


@pytest.mark.parametrize("kind", SEARCHES)
@pytest.mark.parametrize("scoring", [None, "r2", "per task"])
def test_searches(frame, regressor, kind, scoring):
    df, y, _ = frame
    per_task = scoring == "per task"
    scorer = TaskScorer("r2") if per_task else scoring
    cv = StratifiedKFold(3) if kind == "halving" else folds_of(df)
    if kind == "halving":  # it takes part of the rows, so its folds cannot be given
        cv = TaskKFold(3, task_col="hospital")
    search = SEARCHES[kind](regressor, cv=cv, scoring=scorer, error_score="raise")
    search.fit(df, y)
    assert search.best_params_ == {ALPHA: 0.01}
    answer = fit_by_hand(ToyRegressor(0.01), df, y, np.arange(len(y)))
    expected = answer(np.arange(len(y)))
    assert_allclose(search.predict(df), expected)
    if kind != "halving":

        def by_task(y_true, found, task):
            return np.mean(
                [r2_score(y_true[task == t], found[task == t]) for t in "ABC"]
            )

        table = scores_by_hand(df, y, cv)
        if per_task:
            for i, alpha in enumerate(ALPHAS):
                for k, (train, test) in enumerate(cv):
                    found = fit_by_hand(ToyRegressor(alpha), df, y, train)(test)
                    task = df.hospital.to_numpy()[test]
                    table[i, k] = by_task(y[test], found, task)
        order = [ALPHAS.index(p[ALPHA]) for p in search.cv_results_["params"]]
        assert_allclose(
            search.cv_results_["mean_test_score"], table.mean(axis=1)[order]
        )
    if not per_task:
        assert search.score(df, y) == pytest.approx(r2_score(y, expected))


def test_search_of_many_scores_in_two_processes(frame, regressor):
    df, y, _ = frame
    search = GridSearchCV(
        regressor,
        {ALPHA: ALPHAS},
        cv=TaskKFold(3, task_col="hospital"),
        scoring={"r2": "r2", "worst": TaskScorer("r2", aggregate="worst")},
        refit="worst",
        n_jobs=2,
        error_score="raise",
    ).fit(df, y)
    folds = list(TaskKFold(3, task_col="hospital").split(df, y))
    found = search.cv_results_["mean_test_r2"]
    assert_allclose(found, scores_by_hand(df, y, folds).mean(axis=1))
    assert (search.cv_results_["mean_test_worst"] < found).all()


def test_nested_cross_validation(frame, regressor):
    df, y, _ = frame
    inner = GridSearchCV(
        regressor,
        {ALPHA: ALPHAS},
        cv=TaskKFold(3, task_col="hospital"),
        error_score="raise",
    )
    outer = folds_of(df)
    found = cross_val_score(inner, df, y, cv=outer, error_score="raise")
    expected = scores_by_hand(df, y, outer, alphas=[0.01])[0]
    assert_allclose(found, expected)
    scores = cross_validate(
        inner,
        df,
        y,
        cv=outer,
        scoring=TaskScorer("r2", aggregate=None),
        error_score="raise",
    )
    mean = np.mean([scores[f"test_task_{t}"] for t in "ABC"], axis=0)
    assert_allclose(mean, scores["test_mean"])


@pytest.mark.parametrize("scoring", [None, "r2"])
def test_weights_in_a_search(frame, regressor, scoring):
    df, y, _ = frame
    weight = np.random.default_rng(0).uniform(size=len(y))
    folds = folds_of(df)
    search = GridSearchCV(
        regressor, {ALPHA: ALPHAS}, cv=folds, scoring=scoring, error_score="raise"
    ).fit(df, y, sample_weight=weight)
    answer = fit_by_hand(ToyRegressor(0.01), df, y, np.arange(len(y)), weight)
    assert_allclose(search.predict(df), answer(np.arange(len(y))))
    assert search.best_params_ == {ALPHA: 0.01}
    weighted = scores_by_hand(df, y, folds, weight=weight).mean(axis=1)
    plain = np.empty(3)
    for i, alpha in enumerate(ALPHAS):
        plain[i] = np.mean(
            [
                r2_score(y[b], fit_by_hand(ToyRegressor(alpha), df, y, a, weight)(b))
                for a, b in folds
            ]
        )
    found = search.cv_results_["mean_test_score"]
    # Which versions weigh the scores of a search is theirs to say; the fit is ours.
    assert np.allclose(found, weighted) or np.allclose(found, plain)


def test_weights_in_a_search_with_routing_on(frame, regressor):
    df, y, _ = frame
    weight = np.random.default_rng(0).uniform(size=len(y))
    folds = folds_of(df)
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            regressor, {ALPHA: ALPHAS}, cv=folds, error_score="raise"
        ).fit(df, y, sample_weight=weight)
    found = search.cv_results_["mean_test_score"]
    assert_allclose(found, scores_by_hand(df, y, folds, weight=weight).mean(axis=1))


def test_search_over_a_group_lasso_predicts_a_new_hospital(frame):
    df, y, _ = frame
    m = make_mtl_pipeline(
        StandardScaler(), GroupLassoRegressor(unseen="shared"), task_col="hospital"
    )
    search = GridSearchCV(
        m,
        {"estimator__grouplassoregressor__alpha": [0.01, 0.1]},
        cv=TaskKFold(5, task_col="hospital"),
        error_score="raise",
    ).fit(df, y)
    assert search.best_score_ > 0.9
    with pytest.warns(UserWarning, match="never seen in fit: 'Z'"):
        assert search.predict(df.assign(hospital="Z")).shape == (len(df),)


# ------------------------------------------------------------ cross-validation
@pytest.mark.parametrize("scoring", [None, "r2", "neg_mean_squared_error"])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_cross_val_score(frame, regressor, scoring, n_jobs):
    df, y, _ = frame
    folds = folds_of(df)
    found = cross_val_score(
        regressor,
        df,
        y,
        cv=folds,
        scoring=scoring,
        n_jobs=n_jobs,
        error_score="raise",
    )
    expected = []
    for train, test in folds:
        predicted = fit_by_hand(ToyRegressor(), df, y, train)(test)
        error = -np.mean((y[test] - predicted) ** 2)
        is_r2 = scoring in (None, "r2")
        expected.append(r2_score(y[test], predicted) if is_r2 else error)
    assert_allclose(found, expected)


def test_cross_validate_per_task(frame, regressor):
    df, y, _ = frame
    folds = folds_of(df)
    found = cross_validate(
        regressor,
        df,
        y,
        cv=folds,
        scoring=TaskScorer("r2", aggregate=None),
        return_estimator=True,
        error_score="raise",
    )
    for k, (train, test) in enumerate(folds):
        predicted = fit_by_hand(ToyRegressor(), df, y, train)(test)
        for t in "ABC":
            rows = df.hospital.to_numpy()[test] == t
            expected = r2_score(y[test][rows], predicted[rows])
            assert found[f"test_task_{t}"][k] == pytest.approx(expected)
    assert_array_equal(found["estimator"][0].tasks_, ["A", "B", "C"])


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_cross_val_predict(frame, classifier, method):
    df, y, _ = frame
    labels, folds = as_classes(y), folds_of(df)
    found = cross_val_predict(classifier, df, labels, cv=folds, method=method)
    for train, test in folds:
        answer = fit_by_hand(ToyClassifier(), df, labels, train)
        if method == "predict":
            assert_array_equal(found[test], answer(test))
        else:
            assert_allclose(found[test], answer(test, method))


def test_stratified_folds_on_the_task(frame, regressor):
    df, y, task = frame
    cv = list(StratifiedKFold(3, shuffle=True, random_state=0).split(df, task))
    found = cross_val_predict(regressor, df, y, cv=cv)
    for train, test in cv:
        expected = fit_by_hand(ToyRegressor(), df, y, train)(test)
        assert_allclose(found[test], expected)


def test_leave_one_task_out(frame):
    df, y, task = frame
    m = make_mtl_pipeline(ToyRegressor(unseen="shared"), task_col="hospital")
    with pytest.warns(UserWarning, match="never seen in fit"):
        found = cross_val_score(
            m, df, y, groups=df.hospital, cv=LeaveOneGroupOut(), error_score="raise"
        )
    X = df.drop(columns="hospital").to_numpy()
    for t, score in zip("ABC", found, strict=True):
        rest = task != t
        toy = ToyRegressor(unseen="shared").fit(X[rest], y[rest], task=task[rest])
        shared = X[~rest] @ toy.coef_.mean(axis=0) + toy.intercept_.mean()
        assert score == pytest.approx(r2_score(y[~rest], shared))
    strict = make_mtl_pipeline(ToyRegressor(), task_col="hospital")
    with pytest.raises(ValueError, match="never seen in fit"):
        cross_val_predict(strict, df, y, groups=df.hospital, cv=LeaveOneGroupOut())


def test_task_kfold_with_patients(frame, regressor):
    df, y, _ = frame
    patient = np.arange(len(y)) // 2
    cv = TaskKFold(3, task_col="hospital")
    found = cross_val_score(
        regressor, df, y, groups=patient, cv=cv, error_score="raise"
    )
    folds = list(cv.split(df, y, groups=patient))
    assert_allclose(found, scores_by_hand(df, y, folds, alphas=[0.1])[0])
    for train, test in folds:
        assert not set(patient[train]) & set(patient[test])


def test_wide_table_as_long_rows():
    X, y, _ = make_rows(60)
    Y = np.column_stack([y, -y, 2 * y])
    Y[::4, 1] = np.nan
    long, y_long, task, row = wide_to_long(X, Y)
    df = attach_task(long, task, "hospital")
    m = make_mtl_pipeline(StandardScaler(), ToyRegressor(), task_col="hospital")
    cv = GroupKFold(3)
    found = cross_val_score(m, df, y_long, groups=row, cv=cv, error_score="raise")
    folds = list(cv.split(df, groups=row))
    assert_allclose(found, scores_by_hand(df, y_long, folds, alphas=[0.1])[0])
    for train, test in folds:
        assert not set(row[train]) & set(row[test])


def test_wide_layout_with_missing_labels():
    X, y, _ = make_rows()
    Y = np.column_stack([y, -y])
    Y[::5, 1] = np.nan
    m = make_mtl_pipeline(StandardScaler(), ToyRegressor())
    for scoring in (None, TaskScorer("r2")):
        search = GridSearchCV(
            m, {ALPHA: ALPHAS}, cv=TaskKFold(3), scoring=scoring, error_score="raise"
        ).fit(X, Y)
        assert search.best_params_ == {ALPHA: 0.01}
        assert search.predict(X).shape == Y.shape
    assert cross_val_predict(m, X, Y, cv=TaskKFold(3).split(X, Y)).shape == Y.shape


# ------------------------------------------------------------ curves
def test_learning_and_validation_curve(frame, regressor):
    df, y, _ = frame
    folds = folds_of(df)
    sizes, _, test_scores = learning_curve(
        regressor, df, y, cv=folds, train_sizes=[0.5, 1.0], error_score="raise"
    )
    for i, size in enumerate(sizes):
        parts = [(train[:size], test) for train, test in folds]
        assert_allclose(test_scores[i], scores_by_hand(df, y, parts, alphas=[0.1])[0])
    _, test_scores = validation_curve(
        regressor,
        df,
        y,
        param_name=ALPHA,
        param_range=ALPHAS,
        cv=folds,
        error_score="raise",
    )
    assert_allclose(test_scores, scores_by_hand(df, y, folds))


def test_curve_displays(frame, regressor):
    pytest.importorskip("matplotlib")
    from sklearn.model_selection import LearningCurveDisplay, ValidationCurveDisplay

    df, y, _ = frame
    folds = folds_of(df)
    shown = LearningCurveDisplay.from_estimator(
        regressor, df, y, cv=folds, train_sizes=[0.5, 1.0], error_score="raise"
    )
    expected = scores_by_hand(df, y, folds, alphas=[0.1])[0]
    assert_allclose(shown.test_scores[-1], expected)
    shown = ValidationCurveDisplay.from_estimator(
        regressor,
        df,
        y,
        param_name=ALPHA,
        param_range=ALPHAS,
        cv=folds,
        error_score="raise",
    )
    assert_allclose(shown.test_scores, scores_by_hand(df, y, folds))


def test_permutation_test_score(frame, regressor):
    df, y, _ = frame
    folds = folds_of(df)
    score, permuted, p = permutation_test_score(
        regressor, df, y, cv=folds, n_permutations=9, random_state=0
    )
    expected = scores_by_hand(df, y, folds, alphas=[0.1]).mean()
    assert score == pytest.approx(expected)
    assert permuted.max() < score
    assert p == pytest.approx(0.1)


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
