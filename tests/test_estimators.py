"""The group lasso as a citizen of scikit-learn: checks, shapes, copies, searches."""

import pickle

import numpy as np
import pytest
import sklearn
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version

from skmtl import (
    GroupLassoClassifier,
    GroupLassoRegressor,
    ReweightedGroupLassoClassifier,
    ReweightedGroupLassoRegressor,
    SharedSpecificClassifier,
    SharedSpecificRegressor,
)

RNG = np.random.default_rng(0)
N = 90
X = RNG.normal(size=(N, 5))
TASK = RNG.choice(["a", "b", "c"], N)
Y = X[:, 0] * np.where(TASK == "a", 2.0, 1.0) + X[:, 1] + 0.3 * RNG.normal(size=N)
WIDE = np.column_stack([Y, -Y, X[:, 2]]) + 0.3 * RNG.normal(size=(N, 3))
WIDE[RNG.random(WIDE.shape) < 0.2] = np.nan
CLASSES = np.where(0.2 * RNG.normal(size=N) < Y, "yes", "no")
WIDE_CLASSES = np.where(np.isnan(WIDE), np.nan, np.nan_to_num(WIDE) > 0)
KINDS = [GroupLassoRegressor, GroupLassoClassifier]


version = parse_version(sklearn.__version__)
LIST_OF_CLASSES = {
    "check_classifier_multioutput": "classes_ is a list with an array per task after a "
    "wide fit, as in sklearn.multioutput.MultiOutputClassifier"
}


def expected_failures(estimator):
    """Name the checks of scikit-learn that do not fit, and why."""
    return LIST_OF_CLASSES if is_classifier(estimator) else {}


@parametrize_with_checks(
    [
        GroupLassoRegressor(0.01, tol=1e-10),
        GroupLassoRegressor(0.01, l1_ratio=0.5, scale_y=True),
        GroupLassoRegressor(0.01, solver="fista"),
        GroupLassoRegressor(0.01, norm="linf", positive=True),
        SharedSpecificRegressor(0.01, beta=0.01),
        SharedSpecificRegressor(0.01, beta=0.01, shared="low_rank", specific="tasks"),
        SharedSpecificClassifier(),
        ReweightedGroupLassoRegressor(0.01),
        ReweightedGroupLassoClassifier(),
        GroupLassoClassifier(),
        GroupLassoClassifier(ridge=0.01, class_weight="balanced"),
        GroupLassoClassifier(solver="fista"),
    ],
    expected_failed_checks=expected_failures,
)
@pytest.mark.filterwarnings("ignore:.*labels of one class only:UserWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def fitted(kind, layout="long", **options):
    """Return (fitted model, X, y, keyword arguments of fit)."""
    regressor = kind is GroupLassoRegressor
    if layout == "wide":
        data, extra = WIDE if regressor else WIDE_CLASSES, {}
    else:
        data = Y if regressor else CLASSES
        extra = {"task": TASK} if layout == "long" else {}
    model = kind(0.02, **options).fit(X, data, **extra)
    return model, X, data, extra


both = pytest.mark.parametrize("kind", KINDS)
layouts = pytest.mark.parametrize("layout", ["long", "wide", "single"])


# ------------------------------------------------------------------ shapes
@both
@layouts
def test_attributes(kind, layout):
    model, *_ = fitted(kind, layout)
    T = 1 if layout == "single" else 3
    assert model.coef_.shape == (T, 5)
    assert model.coef_.flags.c_contiguous
    assert model.intercept_.shape == model.tasks_.shape == (T,)
    assert model.n_features_in_ == 5
    assert isinstance(model.n_iter_, int)
    assert isinstance(model.dual_gap_, float)
    assert isinstance(model.objective_, float)
    assert model.converged_ is True
    used = np.flatnonzero(np.abs(model.coef_).sum(axis=0))
    np.testing.assert_array_equal(model.selected_features_, used)
    if kind is GroupLassoRegressor:
        np.testing.assert_array_equal(model.y_scale_, np.ones(T))


def test_selected_features():
    model = GroupLassoRegressor(0.4).fit(X, Y, task=TASK)
    assert model.selected_features_.tolist() == [0, 1]
    assert GroupLassoRegressor(100.0).fit(X, Y).selected_features_.tolist() == []


@layouts
def test_regression_predictions(layout):
    model, _, _, extra = fitted(GroupLassoRegressor, layout)
    linear = X @ model.coef_.T + model.intercept_
    found = model.predict(X, **extra)
    if layout == "wide":
        np.testing.assert_allclose(found, linear)
    else:
        t = (
            np.searchsorted(model.tasks_, TASK)
            if layout == "long"
            else np.zeros(N, int)
        )
        np.testing.assert_allclose(found, linear[np.arange(N), t])
        assert found.shape == (N,)


def test_long_class_predictions():
    model, *_ = fitted(GroupLassoClassifier)
    assert model.classes_.tolist() == ["no", "yes"]
    score = model.decision_function(X, task=TASK)
    proba = model.predict_proba(X, task=TASK)
    assert score.shape == (N,)
    assert proba.shape == (N, 2)
    np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-score)))
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_array_equal(
        model.predict(X, task=TASK), np.where(score > 0, "yes", "no")
    )
    np.testing.assert_allclose(model.predict_log_proba(X, task=TASK), np.log(proba))
    assert accuracy_score(CLASSES, model.predict(X, task=TASK)) > 0.8


def test_wide_class_predictions():
    model, *_ = fitted(GroupLassoClassifier, "wide")
    assert [c.tolist() for c in model.classes_] == [[0, 1]] * 3
    proba, score = model.predict_proba(X), model.decision_function(X)
    assert isinstance(proba, list)
    assert [p.shape for p in proba] == [(N, 2)] * 3
    assert score.shape == model.predict(X).shape == (N, 3)
    np.testing.assert_allclose(np.stack(proba)[:, :, 1].T, 1 / (1 + np.exp(-score)))
    np.testing.assert_array_equal(model.predict(X), score > 0)
    np.testing.assert_array_equal(model.predict_proba(X, task=1), proba[1])
    assert isinstance(model.predict_log_proba(X), list)
    mixed = np.arange(N) % 3
    np.testing.assert_array_equal(
        model.predict(X, task=mixed), model.predict(X)[np.arange(N), mixed]
    )


DIFFERENT = {
    "integers": ([0, 1], [1, 2], [0, 2]),
    "text": (["n", "y"], ["a", "n"], ["y", "z"]),
    "mixed": ([0, 1], ["n", "y"], ["n", "y"]),
    "bool and float": ([False, True], [0.0, 1.0], [0.0, 2.0]),
}


@pytest.mark.parametrize("which", DIFFERENT)
def test_classes_may_differ_between_tasks(which):
    pairs = dict(zip("abc", DIFFERENT[which], strict=True))
    labels = np.empty(N, dtype=object)
    for i in range(N):
        labels[i] = pairs[TASK[i]][int(Y[i] > 0)]
    model = GroupLassoClassifier(0.01).fit(X, labels, task=TASK)
    expected = GroupLassoClassifier(0.01).fit(X, Y > 0, task=TASK)
    np.testing.assert_allclose(model.coef_, expected.coef_)
    assert {t: c.tolist() for t, c in model.task_classes_.items()} == {
        t: list(pair) for t, pair in pairs.items()
    }
    union = model.classes_.tolist()
    proba = model.predict_proba(X, task=TASK)
    assert proba.shape == (N, len(union))
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    for i in range(N):
        foreign = [k for k, c in enumerate(union) if c not in pairs[TASK[i]]]
        assert not proba[i, foreign].any()
    predicted = model.predict(X, task=TASK)
    assert all(predicted[i] in pairs[TASK[i]] for i in range(N))
    assert np.mean(predicted == labels) > 0.8
    assert model.predict_proba(X, task="b").shape == (N, 2)


def test_unseen_task_of_a_classifier():
    model, *_ = fitted(GroupLassoClassifier, unseen="shared")
    with pytest.warns(UserWarning, match="shared part"):
        proba = model.predict_proba(X, task="new")
    score = X @ model.coef_.mean(axis=0) + model.intercept_.mean()
    np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-score)))
    other = np.where(TASK == "a", np.where(CLASSES == "yes", "y", "n"), CLASSES)
    model = GroupLassoClassifier(unseen="shared").fit(X, other, task=TASK)
    with (
        pytest.warns(UserWarning, match="shared part"),
        pytest.raises(ValueError, match="tasks have different classes"),
    ):
        model.predict(X, task="new")


# ------------------------------------------------------------------ score
def test_scores():
    model, *_ = fitted(GroupLassoRegressor)
    weight = RNG.uniform(0.5, 2, N)
    predicted = model.predict(X, task=TASK)
    assert model.score(X, Y, task=TASK) == r2_score(Y, predicted)
    assert model.score(X, Y, task=TASK, sample_weight=weight) == pytest.approx(
        r2_score(Y, predicted, sample_weight=weight)
    )
    wide, *_ = fitted(GroupLassoRegressor, "wide")
    seen, predicted = ~np.isnan(WIDE), wide.predict(X)
    by_task = [r2_score(WIDE[m, t], predicted[m, t]) for t, m in enumerate(seen.T)]
    assert wide.score(X, WIDE) == pytest.approx(np.mean(by_task))
    matrix = np.where(seen, RNG.uniform(0.5, 2, WIDE.shape), 0)
    by_task = [
        r2_score(WIDE[m, t], predicted[m, t], sample_weight=matrix[m, t])
        for t, m in enumerate(seen.T)
    ]
    assert wide.score(X, WIDE, sample_weight=matrix) == pytest.approx(np.mean(by_task))


def test_accuracies():
    model, *_ = fitted(GroupLassoClassifier)
    predicted = model.predict(X, task=TASK)
    assert model.score(X, CLASSES, task=TASK) == accuracy_score(CLASSES, predicted)
    wide, *_ = fitted(GroupLassoClassifier, "wide")
    right = np.where(np.isnan(WIDE_CLASSES), np.nan, wide.predict(X) == WIDE_CLASSES)
    assert wide.score(X, WIDE_CLASSES) == pytest.approx(
        np.nanmean(right, axis=0).mean()
    )


# ------------------------------------------------------------------ weights of classes
@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize("how", ["balanced", "mapping"])
def test_class_weight(layout, how):
    data = WIDE_CLASSES if layout == "wide" else (Y > 0.7).astype(int)
    extra = {} if layout == "wide" else {"task": TASK}
    class_weight = "balanced" if how == "balanced" else {0: 1.0, 1: 4.0}
    model = GroupLassoClassifier(0.02, class_weight=class_weight, tol=1e-10)
    base = RNG.uniform(0.5, 2, data.shape)
    model.fit(X, data, sample_weight=base, **extra)
    manual = np.ones(data.shape)
    for t in range(3) if layout == "wide" else "abc":
        where = t == TASK
        if layout == "wide":
            where = (~np.isnan(data[:, t]), t)
        # "balanced" balances weights: weight 2 is a row that is there twice.
        y, w = data[where], base[where]
        classes = (0, 1) if how == "balanced" else ()
        own = {k: w.sum() / (2 * w[y == k].sum()) for k in classes} or class_weight
        manual[where] = [own[int(k)] for k in y]
    expected = GroupLassoClassifier(0.02, tol=1e-10)
    expected.fit(X, data, sample_weight=base * manual, **extra)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-8)
    plain = GroupLassoClassifier(0.02, tol=1e-10).fit(
        X, data, sample_weight=base, **extra
    )
    assert np.abs(plain.intercept_ - model.intercept_).max() > 0.01


# ------------------------------------------------------------------ copies
@both
@layouts
def test_pickle_and_clone(kind, layout):
    model, _, _, extra = fitted(kind, layout)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X, **extra), model.predict(X, **extra))
    assert again.tasks_.tolist() == model.tasks_.tolist()
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "coef_")


@both
@layouts
def test_fitted_models_hold_no_data(kind, layout):
    model, _, data, extra = fitted(kind, layout)
    small = len(pickle.dumps(model))
    more = {k: np.tile(v, 50) for k, v in extra.items()}
    big = kind(0.02).fit(np.tile(X, (50, 1)), np.concatenate([data] * 50), **more)
    assert len(pickle.dumps(big)) < small + 200


@both
def test_set_params_after_fit(kind):
    model, _, data, extra = fitted(kind)
    model.set_params(alpha=0.3, l1_ratio=0.5).fit(X, data, **extra)
    fresh = kind(0.3, l1_ratio=0.5).fit(X, data, **extra)
    np.testing.assert_array_equal(model.coef_, fresh.coef_)


@both
def test_constructor_only_assigns(kind):
    weights = {"a": 1.0}
    model = kind("nonsense", task_weight=weights, tol=None)
    assert model.alpha == "nonsense"
    assert model.task_weight is weights


@both
def test_tags(kind):
    tags = get_tags(kind())
    assert tags.input_tags.sparse
    assert tags.target_tags.multi_output
    assert tags.target_tags.required
    assert is_regressor(kind()) == (kind is GroupLassoRegressor)
    assert is_classifier(kind()) == (kind is GroupLassoClassifier)


# ------------------------------------------------------------------ warm starts
@both
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_warm_start(kind, layout):
    model, _, data, extra = fitted(kind, layout, warm_start=True, tol=1e-8)
    coef, first = model.coef_.copy(), model.n_iter_
    assert first > 0
    model.fit(X, data, **extra)
    assert model.n_iter_ == 0
    np.testing.assert_allclose(model.coef_, coef, rtol=1e-12)
    model.set_params(alpha=0.01).fit(X, data, **extra)
    cold = kind(0.01, tol=1e-8).fit(X, data, **extra)
    assert model.objective_ == pytest.approx(cold.objective_, rel=1e-6)
    model.set_params(warm_start=False).fit(X, data, **extra)
    assert model.n_iter_ > 0


@both
def test_warm_start_with_other_tasks_or_features(kind):
    model, _, data, _ = fitted(kind, warm_start=True)
    rest = TASK != "b"
    model.fit(X[rest], data[rest], task=TASK[rest])
    assert model.tasks_.tolist() == ["a", "c"]
    model.fit(X[:, :3], data, task=TASK)
    assert model.coef_.shape == (3, 3)


def test_warm_start_in_the_units_of_the_labels():
    model = GroupLassoRegressor(0.1, scale_y=True, warm_start=True, tol=1e-10)
    model.fit(X, 1e6 * Y, task=TASK)
    model.fit(X, 1e6 * Y, task=TASK)
    assert model.n_iter_ == 0


# ------------------------------------------------------------------ searches
@pytest.mark.parametrize("layout", ["wide", "single"])
@both
def test_grid_search_is_fresh_construction(kind, layout):
    data = (WIDE if layout == "wide" else Y) if kind is GroupLassoRegressor else CLASSES
    if kind is GroupLassoClassifier and layout == "wide":
        data = np.column_stack([Y > 0, Y > 0.5]).astype(int)
    alphas, cv = [0.003, 0.03, 0.3], KFold(3)
    search = GridSearchCV(kind(), {"alpha": alphas}, cv=cv, n_jobs=2).fit(X, data)
    for alpha, found in zip(alphas, search.cv_results_["mean_test_score"], strict=True):
        scores = [
            kind(alpha).fit(X[train], data[train]).score(X[test], data[test])
            for train, test in cv.split(X)
        ]
        assert found == pytest.approx(np.mean(scores), rel=1e-9)
    best = kind(search.best_params_["alpha"]).fit(X, data)
    np.testing.assert_array_equal(search.best_estimator_.coef_, best.coef_)


@both
def test_grid_search_with_task_routed(kind):
    data = Y if kind is GroupLassoRegressor else CLASSES
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(kind(), {"alpha": [0.01, 0.1]}, cv=3)
        search.fit(X, data, task=TASK)
    assert search.best_estimator_.tasks_.tolist() == ["a", "b", "c"]
    assert search.best_score_ > 0.5


def test_cross_val_predict_wide():
    data = np.nan_to_num(WIDE)
    found = cross_val_predict(GroupLassoRegressor(0.1), X, data, cv=3)
    assert found.shape == (N, 3)


@pytest.mark.parametrize("frame", ["pandas", "polars"])
def test_set_output_before(frame):
    pytest.importorskip(frame)
    steps = make_pipeline(StandardScaler(), GroupLassoRegressor(0.1))
    steps.set_output(transform=frame)
    import pandas as pd

    table = pd.DataFrame(X, columns=list("abcde"))
    steps.fit(table, WIDE)
    if frame == "pandas":  # older scikit-learn sees no names in polars
        assert steps[-1].feature_names_in_.tolist() == list("abcde")
    assert steps.predict(table).shape == (N, 3)


def _fit(kind, features, labels, task, weight):
    """Fit in a worker; big arrays arrive as read-only memory maps."""
    writeable = [a.flags.writeable for a in (features, labels, task, weight)]
    model = kind(0.05).fit(features, labels, task=task, sample_weight=weight)
    return writeable, type(features).__name__, model.coef_


@both
def test_workers_with_memory_maps(kind):
    n = 180_000
    rng = np.random.default_rng(0)
    features = rng.normal(size=(n, 4))
    task = rng.integers(0, 3, n)
    score = features[:, 0] + rng.normal(size=n)
    labels = score if kind is GroupLassoRegressor else (score > 0).astype(int)
    arguments = (kind, features, labels, task, np.ones(n))
    results = Parallel(n_jobs=2, max_nbytes=2**20)(
        delayed(_fit)(*arguments) for _ in "ab"
    )
    expected = _fit(*arguments)[2]
    for writeable, container, coef in results:
        assert container == "memmap"
        assert not any(writeable)
        np.testing.assert_allclose(coef, expected, atol=1e-12)


def test_sparse_matrix_of_int64_indices():
    data = sparse.csr_array(np.where(np.abs(X) > 0.5, X, 0))
    wide = sparse.csr_array(
        (data.data, data.indices.astype(np.int64), data.indptr.astype(np.int64)),
        shape=data.shape,
    )
    a = GroupLassoRegressor(0.05).fit(data, Y, task=TASK)
    b = GroupLassoRegressor(0.05).fit(wide, Y, task=TASK)
    np.testing.assert_array_equal(a.coef_, b.coef_)


# ------------------------------------------------------------------ callbacks
since_callbacks = pytest.mark.skipif(
    version < parse_version("1.9"),
    reason="scikit-learn has callbacks since 1.9",
)


@since_callbacks
@both
@layouts
@pytest.mark.parametrize("solver", ["bcd", "fista"])
def test_progress_bar(kind, layout, solver, capsys):
    from sklearn.callback import ProgressBar

    pytest.importorskip("rich")
    _, _, data, extra = fitted(kind, layout)
    model = kind(0.001, tol=1e-7, solver=solver).set_callbacks(ProgressBar())
    model.fit(X, data, **extra)
    plain = kind(0.001, tol=1e-7, solver=solver).fit(X, data, **extra)
    np.testing.assert_array_equal(model.coef_, plain.coef_)
    assert kind.__name__ in capsys.readouterr().out


@since_callbacks
@both
@pytest.mark.parametrize("solver", ["bcd", "fista"])
def test_scoring_monitor(kind, solver):
    from sklearn.callback import ScoringMonitor

    _, _, data, _ = fitted(kind, "single")
    scoring = "r2" if kind is GroupLassoRegressor else "accuracy"
    monitor = ScoringMonitor(scoring=scoring)
    model = kind(0.001, tol=1e-9, solver=solver).set_callbacks(monitor)
    model.fit(X, data)
    rows = monitor.get_logs().data
    scores = {
        name: [row[scoring] for row in rows if row["task_name"] == name]
        for name in ("fit", "iteration")
    }
    assert scores["fit"] == [pytest.approx(model.score(X, data))]
    assert len(scores["iteration"]) >= 1
    assert np.isfinite(scores["iteration"]).all()


@since_callbacks
@both
def test_failing_callback_leaves_the_previous_fit(kind):
    from sklearn.callback import ScoringMonitor

    model, _, data, _ = fitted(kind, "single")
    coef = model.coef_
    model.set_callbacks(ScoringMonitor(scoring="no such score"))
    with pytest.raises(ValueError, match="no such score"):
        model.fit(2 * X, data)
    assert model.coef_ is coef
