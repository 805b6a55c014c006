"""Searches, cross-validation and curves of scikit-learn, against loops by hand."""

import numpy as np
import pytest
from _by_hand import (
    ALPHA,
    ALPHAS,
    fit_by_hand,
    folds_of,
    scores_by_hand,
)
from _toys import ToyClassifier, ToyRegressor, as_classes, make_rows
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import r2_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    LeaveOneGroupOut,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.preprocessing import StandardScaler

from skmtl import (
    GroupLassoRegressor,
    TaskKFold,
    TaskScorer,
    attach_task,
    make_mtl_pipeline,
    wide_to_long,
)

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
