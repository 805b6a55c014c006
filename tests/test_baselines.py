"""IndependentTasks and PooledTasks against loops written by hand, in every layout."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
)
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    parametrize_with_checks,
)

from skmtl import IndependentTasks, PooledTasks

N = 120
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 4))
TASK = RNG.choice(["a", "b", "c"], N)
SLOPE = {"a": 1.0, "b": -1.0, "c": 0.5}
y = X[:, 0] * [SLOPE[t] for t in TASK] + 3 * (TASK == "c") + 0.1 * RNG.normal(size=N)
noisy = X[:, 0] + RNG.normal(size=N)
Z = (noisy > 0).astype(int)
K = np.digitize(noisy, [-0.5, 0.5])
WEIGHT = RNG.uniform(0.5, 2, N)
Y = np.column_stack([X[:, 0], 100 + 50 * X[:, 1], -X[:, 0]]) + RNG.normal(size=(N, 3))
Y[RNG.random(Y.shape) < 0.3] = np.nan
YC = np.where(np.isnan(Y), np.nan, np.sign(Y - np.nanmedian(Y, axis=0)) > 0)
SEVERAL = [IndependentTasks, PooledTasks]


def expected_failures(estimator):
    """Name the checks of scikit-learn that do not fit, and why."""
    if is_classifier(estimator):
        return {
            "check_classifier_multioutput": "classes_ is a list with an array per task "
            "after a wide fit, as in sklearn.multioutput.MultiOutputClassifier"
        }
    return {}


@parametrize_with_checks(
    [
        IndependentTasks(Ridge()),
        IndependentTasks(LogisticRegression()),
        IndependentTasks(RidgeClassifier()),
        PooledTasks(Ridge()),
        PooledTasks(LogisticRegression()),
        PooledTasks(Ridge(), task_features=None),
    ],
    expected_failed_checks=expected_failures,
)
@pytest.mark.filterwarnings("ignore:.*labels of one class only:UserWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("cls", SEVERAL)
def test_column_names_are_checked(cls):
    check_dataframe_column_names_consistency(cls.__name__, cls(Ridge()))


# ---------------------------------------------------------------- one model per task
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, pd.DataFrame])
def test_independent_regressors_equal_a_loop(weight, container):
    data = container(X)
    model = IndependentTasks(Ridge()).fit(data, y, task=TASK, sample_weight=weight)
    found = model.predict(data, task=TASK)
    for label in "abc":
        rows = label == TASK
        own = Ridge().fit(X[rows], y[rows], None if weight is None else weight[rows])
        np.testing.assert_allclose(found[rows], own.predict(X[rows]))
        np.testing.assert_allclose(model.predict(data, task=label), own.predict(X))
        np.testing.assert_allclose(model.estimators_[label].coef_, own.coef_)
    assert model.tasks_.tolist() == ["a", "b", "c"]
    assert is_regressor(model)
    assert model.score(data, y, task=TASK) == pytest.approx(r2_score(y, found))


@pytest.mark.parametrize("target", [Z, np.array(["no", "yes"])[Z], K])
def test_independent_classifiers_equal_a_loop(target):
    model = IndependentTasks(LogisticRegression()).fit(X, target, task=TASK)
    assert model.classes_.tolist() == np.unique(target).tolist()
    assert is_classifier(model)
    predicted, proba = model.predict(X, task=TASK), model.predict_proba(X, task=TASK)
    decision = model.decision_function(X, task=TASK)
    for label in "abc":
        rows = label == TASK
        own = LogisticRegression().fit(X[rows], target[rows])
        columns = np.isin(model.classes_, own.classes_)
        assert predicted[rows].tolist() == own.predict(X[rows]).tolist()
        np.testing.assert_allclose(proba[rows][:, columns], own.predict_proba(X[rows]))
        np.testing.assert_allclose(decision[rows], own.decision_function(X[rows]))
        assert model.task_classes_[label].tolist() == own.classes_.tolist()
    np.testing.assert_allclose(np.log(proba), model.predict_log_proba(X, task=TASK))
    assert model.score(X, target, task=TASK) == accuracy_score(target, predicted)


@pytest.mark.parametrize("weight", [None, RNG.uniform(0.5, 2, Y.shape)])
def test_independent_wide_fits_use_the_observed_labels(weight):
    model = IndependentTasks(Ridge()).fit(X, Y, sample_weight=weight)
    found = model.predict(X)
    assert found.shape == (N, 3)
    for t in range(3):
        rows = np.isfinite(Y[:, t])
        own = Ridge().fit(
            X[rows], Y[rows, t], None if weight is None else weight[rows, t]
        )
        np.testing.assert_allclose(found[:, t], own.predict(X))
        np.testing.assert_allclose(model.predict(X, task=t), own.predict(X))
    scores = [r2_score(Y[r, t], found[r, t]) for t, r in enumerate(np.isfinite(Y).T)]
    assert model.score(X, Y) == pytest.approx(np.mean(scores))


@pytest.mark.parametrize("cls", SEVERAL)
def test_wide_classifiers_answer_as_multioutput_classifier(cls):
    names = ["death", "pain", "stay"]
    model = cls(LogisticRegression()).fit(X, pd.DataFrame(YC, columns=names))
    assert isinstance(model.classes_, list)
    assert model.tasks_.tolist() == names
    proba = model.predict_proba(X)
    assert [p.shape for p in proba] == [(N, 2)] * 3
    predicted = model.predict(X)
    assert predicted.shape == (N, 3)
    for t, name in enumerate(names):
        np.testing.assert_array_equal(predicted[:, t], proba[t].argmax(axis=1))
        np.testing.assert_array_equal(proba[t], model.predict_proba(X, task=name))
    assert model.decision_function(X).shape == (N, 3)
    assert (predicted == (model.decision_function(X) > 0)).all()
    assert [p.shape for p in model.predict_log_proba(X)] == [(N, 2)] * 3


def test_wide_labels_of_different_kinds():
    target = pd.DataFrame(
        {"sex": np.array(["f", "m"])[Z], "dead": Z.astype(object), "kind": K},
        dtype=object,
    )
    target.iloc[::3, 0] = None
    target.iloc[1::3, 1] = np.nan
    model = IndependentTasks(LogisticRegression()).fit(X, target)
    assert [c.tolist() for c in model.classes_] == [["f", "m"], [0, 1], [0, 1, 2]]
    assert [d.shape for d in model.decision_function(X)] == [(N, 2), (N, 2), (N, 3)]
    assert set(model.predict(X)[:, 0]) == {"f", "m"}
    assert 0 < model.score(X, target) <= 1
    with pytest.raises(ValueError, match="one kind"):
        PooledTasks(LogisticRegression()).fit(X, target)


def test_n_jobs_changes_nothing():
    one = IndependentTasks(LogisticRegression()).fit(X, Z, task=TASK)
    two = IndependentTasks(LogisticRegression(), n_jobs=2).fit(X, Z, task=TASK)
    np.testing.assert_allclose(
        one.predict_proba(X, task=TASK), two.predict_proba(X, task=TASK)
    )


# ---------------------------------------------------------------- one model for all
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_pooled_without_task_features_is_the_inner_estimator(weight):
    model = PooledTasks(Ridge(), task_features=None)
    model.fit(X, y, task=TASK, sample_weight=weight)
    own = Ridge().fit(X, y, weight)
    np.testing.assert_allclose(model.predict(X, task=TASK), own.predict(X))
    classifier = PooledTasks(LogisticRegression(), task_features=None)
    classifier.fit(X, Z, task=TASK, sample_weight=weight)
    own = LogisticRegression().fit(X, Z, weight)
    np.testing.assert_allclose(
        classifier.predict_proba(X, task=TASK), own.predict_proba(X)
    )


@pytest.mark.parametrize(
    "container",
    [
        np.asarray,
        sparse.csr_matrix,
        sparse.csc_array,
        pd.DataFrame,
        lambda X: pd.DataFrame(X, columns=["u", "v", "w", "task_a"]),
        lambda X: pl.DataFrame(X, schema=["u", "v", "w", "x"]),
    ],
)
def test_pooled_gives_each_task_a_level(container):
    data = container(X)
    model = PooledTasks(LinearRegression()).fit(data, y, task=TASK)
    onehot = (np.array(list("abc")) == TASK[:, None]).astype(float)
    own = LinearRegression().fit(np.hstack([X, onehot]), y)
    expected = own.predict(np.hstack([X, onehot]))
    np.testing.assert_allclose(model.predict(data, task=TASK), expected, atol=1e-5)
    assert model.n_features_in_ == 4
    residual = y - model.predict(data, task=TASK)
    np.testing.assert_allclose([residual[t == TASK].sum() for t in "abc"], 0, atol=1e-3)


def test_pooled_wide_stacks_standardised_labels():
    weight = np.random.default_rng(1).uniform(0.5, 2, Y.shape)
    model = PooledTasks(Ridge()).fit(X, Y, sample_weight=weight)
    rows, tasks = [], []
    for t in range(3):
        rows.append(np.flatnonzero(np.isfinite(Y[:, t])))
        tasks.append(np.full(len(rows[t]), t))
    rows, tasks = np.concatenate(rows), np.concatenate(tasks)
    w, labels, onehot = weight[rows, tasks], Y[rows, tasks], np.eye(3)[tasks]
    mean = np.array(
        [np.average(labels[tasks == t], weights=w[tasks == t]) for t in range(3)]
    )
    square = (labels - mean[tasks]) ** 2
    scale = np.sqrt(
        [np.average(square[tasks == t], weights=w[tasks == t]) for t in range(3)]
    )
    own = Ridge().fit(
        np.hstack([X[rows], onehot]), (labels - mean[tasks]) / scale[tasks], w
    )
    for t in range(3):
        inside = np.hstack([X, np.tile(np.eye(3)[t], (N, 1))])
        np.testing.assert_allclose(
            model.predict(X)[:, t], own.predict(inside) * scale[t] + mean[t]
        )
    np.testing.assert_allclose(model.y_mean_, mean)
    np.testing.assert_allclose(model.y_scale_, scale)


def test_pooled_wide_does_not_care_about_units():
    model = PooledTasks(Ridge())
    plain = model.fit(X, Y).predict(X)
    scaled = model.fit(X, Y * [1, 1000, 0.01] + [0, 5, 5]).predict(X)
    np.testing.assert_allclose(scaled[:, :2], plain[:, :2] * [1, 1000] + [0, 5])


def test_pooled_counts_stay_counts():
    rng = np.random.default_rng(1)
    counts = np.column_stack([rng.poisson(2, N), rng.poisson(50, N)])
    model = PooledTasks(PoissonRegressor()).fit(X, counts)
    predicted = model.predict(X)
    assert (predicted > 0).all()
    np.testing.assert_allclose(predicted.mean(axis=0), counts.mean(axis=0), rtol=0.1)


def test_pooled_constant_wide_labels():
    target = np.column_stack([y, np.full(N, 0.1)])
    model = PooledTasks(Ridge()).fit(X, target)
    assert model.y_scale_[1] == 1
    assert np.isfinite(model.predict(X)).all()


def test_pooled_predicts_only_the_classes_of_the_task():
    target = np.where(TASK == "a", np.array(["no", "yes"])[Z], np.array(list("xyz"))[K])
    model = PooledTasks(LogisticRegression()).fit(X, target, task=TASK)
    proba, mine = model.predict_proba(X, task=TASK), TASK == "a"
    assert model.classes_.tolist() == ["no", "x", "y", "yes", "z"]
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert (proba[mine][:, [1, 2, 4]] == 0).all()
    assert set(model.predict(X, task=TASK)[mine]) <= {"no", "yes"}
    assert model.predict_proba(X, task="a").shape == (N, 2)
    decision = model.decision_function(X, task=TASK)
    assert (decision[mine][:, [1, 2, 4]] == -np.inf).all()
    without = PooledTasks(RidgeClassifier()).fit(X, target, task=TASK)
    assert set(without.predict(X, task="a")) <= {"no", "yes"}


# ---------------------------------------------------------------- both
@pytest.mark.parametrize("cls", SEVERAL)
@pytest.mark.parametrize(
    "inner",
    [
        LogisticRegression(),
        RidgeClassifier(),
        HistGradientBoostingClassifier(max_iter=3),
    ],
)
def test_methods_are_those_of_the_inner_estimator(cls, inner):
    model = cls(inner).fit(X, Z, task=TASK)
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        assert hasattr(model, method) == (hasattr(inner, method.replace("_log", "")))
    assert set(model.predict(X, task=TASK)) == {0, 1}
    assert not hasattr(cls(Ridge()), "predict_proba")


@pytest.mark.parametrize("cls", SEVERAL)
def test_tags_are_those_of_the_inner_estimator(cls):
    tags = get_tags(cls(HistGradientBoostingClassifier()))
    assert tags.estimator_type == "classifier"
    assert tags.input_tags.allow_nan
    assert not tags.input_tags.sparse
    assert get_tags(cls(Ridge())).input_tags.sparse
    assert get_tags(cls(Ridge())).regressor_tags is not None
    assert get_tags(cls(Ridge())).classifier_tags is None


@pytest.mark.parametrize("cls", SEVERAL)
def test_tables_of_strings_and_missing_values_reach_the_inner_estimator(cls):
    table = pd.DataFrame(X.copy(), columns=list("pqrs"))
    table["town"] = np.where(X[:, 1] > 0, "Ulm", "Bonn")
    table.iloc[::7, 0] = np.nan
    encode = make_column_transformer(
        (OneHotEncoder(), ["town"]), remainder=SimpleImputer()
    )
    model = cls(make_pipeline(encode, Ridge())).fit(table, y, task=TASK)
    assert model.feature_names_in_.tolist() == ["p", "q", "r", "s", "town"]
    assert np.isfinite(model.predict(table, task=TASK)).all()
    holes = np.where(np.arange(N)[:, None] % 7 == 0, np.nan, X)
    cls(HistGradientBoostingClassifier(max_iter=3)).fit(holes, Z, task=TASK)
    with pytest.raises(ValueError, match="NaN"):
        cls(Ridge()).fit(holes, y, task=TASK)
    words = np.array([["a", "b"]] * N)
    cls(make_pipeline(OneHotEncoder(), Ridge())).fit(words, y, task=TASK)


@pytest.mark.parametrize("cls", SEVERAL)
def test_permutations_change_nothing(cls):
    order = np.random.default_rng(1).permutation(N)
    a = cls(Ridge()).fit(X, y, task=TASK).predict(X, task=TASK)
    b = cls(Ridge()).fit(X[order], y[order], task=TASK[order]).predict(X, task=TASK)
    np.testing.assert_allclose(a, b)
    renamed = np.array([{"a": "z", "b": "y", "c": "x"}[t] for t in TASK])
    c = cls(Ridge()).fit(X, y, task=renamed).predict(X, task=renamed)
    np.testing.assert_allclose(a, c)
    d = cls(Ridge()).fit(X, Y[:, ::-1]).predict(X)[:, ::-1]
    np.testing.assert_allclose(cls(Ridge()).fit(X, Y).predict(X), d)


@pytest.mark.parametrize("cls", SEVERAL)
def test_weight_two_is_the_row_twice_and_weight_zero_no_row(cls):
    weight = np.arange(N) % 3
    twice = np.repeat(np.arange(N), weight)
    a = cls(Ridge()).fit(X, y, task=TASK, sample_weight=weight)
    b = cls(Ridge()).fit(X[twice], y[twice], task=TASK[twice])
    np.testing.assert_allclose(a.predict(X, task=TASK), b.predict(X, task=TASK))


@pytest.mark.parametrize("cls", SEVERAL)
def test_weights_need_an_inner_estimator_that_takes_them(cls):
    model = cls(KNeighborsRegressor())
    with pytest.raises(ValueError, match=r"KNeighborsRegressor\.fit takes none"):
        model.fit(X, y, task=TASK, sample_weight=WEIGHT)
    keep = (np.arange(N) % 3 > 0).astype(float)
    found = model.fit(X, y, task=TASK, sample_weight=keep).predict(X, task=TASK)
    rows = keep > 0
    expected = model.fit(X[rows], y[rows], task=TASK[rows]).predict(X, task=TASK)
    np.testing.assert_allclose(found, expected)


def test_independent_unseen_tasks_get_the_mean_of_all():
    model = IndependentTasks(Ridge(), unseen="shared").fit(X, y, task=TASK)
    with pytest.warns(UserWarning, match="'z'"):
        found = model.predict(X, task="z")
    each = [model.predict(X, task=t) for t in "abc"]
    np.testing.assert_allclose(found, np.mean(each, axis=0))
    model = IndependentTasks(LogisticRegression(), unseen="shared").fit(X, Z, task=TASK)
    with pytest.warns(UserWarning, match="'z'"):
        found = model.predict_proba(X, task="z")
    each = [model.predict_proba(X, task=t) for t in "abc"]
    np.testing.assert_allclose(found, np.mean(each, axis=0))
    with pytest.warns(UserWarning, match="'z'"):
        assert (model.predict(X, task="z") == found.argmax(axis=1)).all()
    model = IndependentTasks(RidgeClassifier(), unseen="shared").fit(X, Z, task=TASK)
    with pytest.warns(UserWarning, match="'z'"):
        assert set(model.predict(X, task="z")) <= {0, 1}


def test_pooled_unseen_tasks_get_the_average_level():
    model = PooledTasks(LinearRegression(), unseen="shared")
    model.fit(X, y, task=TASK)
    with pytest.warns(UserWarning, match="'z'"):
        found = model.predict(X, task="z")
    share = [np.mean(t == TASK) for t in "abc"]
    expected = np.dot(share, [model.predict(X, task=t) for t in "abc"])
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("cls", SEVERAL)
def test_unseen_tasks_raise_by_default(cls):
    model = cls(Ridge()).fit(X, y, task=TASK)
    with pytest.raises(ValueError, match="never seen in fit: 'z'"):
        model.predict(X, task="z")
    with pytest.raises(ValueError, match="pass task="):
        model.predict(X)
    other = cls(LogisticRegression(), unseen="shared")
    target = np.where(TASK == "a", Z, Z + 5)
    other.fit(X, target, task=TASK)
    with (
        pytest.warns(UserWarning, match="'z'"),
        pytest.raises(ValueError, match="different classes"),
    ):
        other.predict(X, task="z")


@pytest.mark.parametrize("cls", SEVERAL)
def test_a_task_with_one_class_predicts_it(cls):
    target = np.where(TASK == "b", 1, Z)
    model = cls(LogisticRegression(), unseen="shared")
    with pytest.warns(UserWarning, match=r"labels of one class only \('b'\)"):
        model.fit(X, target, task=TASK)
    assert (model.predict(X, task="b") == 1).all()
    assert (model.predict_proba(X, task=TASK)[TASK == "b"] == [0, 1]).all()
    assert (model.decision_function(X, task="b") > 0).all()
    with pytest.warns(UserWarning, match="'z'"):
        assert model.predict_proba(X, task="z").shape == (N, 2)
    with pytest.warns(UserWarning, match="2 task"):
        model.fit(X, np.column_stack([np.ones(N), np.zeros(N)]))
    assert (model.predict(X) == [1, 0]).all()


def test_a_task_that_cannot_be_fitted_is_named():
    task = TASK.astype(object)
    task[:3] = "tiny"
    with pytest.raises(ValueError, match=r"Task 'tiny' \(3 rows\) .*n_splits=5"):
        IndependentTasks(GridSearchCV(Ridge(), {"alpha": [1]})).fit(X, y, task=task)


@pytest.mark.parametrize("cls", SEVERAL)
def test_the_parameters_of_the_inner_estimator_are_checked(cls):
    with pytest.raises(ValueError, match="'alpha' parameter of Ridge"):
        cls(Ridge(alpha=-1)).fit(X, y, task=TASK)
    with pytest.raises(ValueError, match="'estimator' parameter"):
        cls("ridge").fit(X, y, task=TASK)


@pytest.mark.parametrize("cls", SEVERAL)
def test_a_failed_fit_keeps_the_previous_one(cls):
    model = cls(Ridge()).fit(X, y, task=TASK)
    before = model.predict(X, task=TASK)
    with pytest.raises(ValueError, match="infinity"):
        model.fit(np.full((N, 2), np.inf), y, task=TASK)
    assert np.array_equal(model.predict(X, task=TASK), before)


@pytest.mark.parametrize("cls", SEVERAL)
@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.filterwarnings("ignore::FutureWarning")  # of LogisticRegressionCV
def test_metadata_is_consumed_whether_routing_is_on_or_off(cls, routing):
    with sklearn.config_context(enable_metadata_routing=routing):
        model = cls(LogisticRegressionCV(Cs=2, cv=2, scoring="accuracy"))
        model.fit(X, Z, task=TASK, sample_weight=WEIGHT)
        assert model.predict(X, task=TASK).shape == (N,)
        assert model.score(X, Z, task=TASK) > 0.5


@pytest.mark.parametrize("cls", SEVERAL)
def test_routed_in_a_search(cls):
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            make_pipeline(cls(Ridge())),
            {f"{cls.__name__.lower()}__estimator__alpha": [0.1, 10.0]},
            scoring=lambda model, X, y, task=None: 1.0,
            cv=2,
        )
        search.fit(X, y)
    assert search.best_estimator_.predict(X).shape == (N,)


@pytest.mark.parametrize("cls", SEVERAL)
def test_pickle_and_clone(cls):
    model = cls(LinearSVC(random_state=0)).fit(X, Z, task=TASK)
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(X, task=TASK) == model.predict(X, task=TASK)).all()
    assert not hasattr(clone(model), "tasks_")


@pytest.mark.parametrize("cls", SEVERAL)
def test_correct_calls_are_silent(cls):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cls(Ridge()).fit(pd.DataFrame(X), Y).predict(pd.DataFrame(X))
