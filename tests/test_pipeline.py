"""MTLPipeline by itself: the task column, layouts, requests, what is inside."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from _toys import ToyClassifier, ToyRegressor, as_classes, build, make_frame
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.fixes import parse_version

from skmtl import MTLPipeline, TaskStandardScaler, attach_task, make_mtl_pipeline
from skmtl.task_column import drop_column

VERSION = parse_version(sklearn.__version__).release[:2]


def by_hand(X, y, task, X_new, task_new, alpha=0.1):
    """Predict with a scaler over all rows and the toy, step by step."""
    scaler = StandardScaler().fit(X)
    toy = ToyRegressor(alpha).fit(scaler.transform(X), y, task=task)
    return toy.predict(scaler.transform(X_new), task=task_new)


# ------------------------------------------------------------ the column
@pytest.mark.parametrize("task_col", ["hospital", -1, 4, -5, 0])
def test_column_by_name_and_position(rows, task_col):
    X, y, task = rows
    df = attach_task(X, task, "hospital")
    if task_col in (-5, 0):
        df = df[["hospital", *df.columns[:-1]]]
    m = build(task_col).fit(df, y)
    assert_allclose(m.predict(df), by_hand(X, y, task, X, task))
    assert_array_equal(m.tasks_, ["A", "B", "C"])
    assert_array_equal(m.get_task(df), task)
    assert m.n_features_in_ == 5
    assert_array_equal(m.feature_names_in_, df.columns)
    assert m[0].n_features_in_ == 4
    assert "hospital" not in m[0].feature_names_in_


def test_callable_leaves_the_columns(rows):
    X, y, _ = rows
    m = build(lambda X: np.where(X[:, 0] > 0, "hi", "lo")).fit(X, y)
    half = np.where(X[:, 0] > 0, "hi", "lo")
    assert_allclose(m.predict(X), by_hand(X, y, half, X, half))
    assert m.n_features_in_ == m[0].n_features_in_ == 4
    assert_array_equal(m.get_task(X[:3]), half[:3])


@pytest.mark.parametrize("kind", ["object", "float", "list", "csr", "polars", "csc"])
def test_containers(rows, kind):
    X, y, task = rows
    number = np.searchsorted(["A", "B", "C"], task)
    table = np.column_stack([X, number])
    labels = number
    if kind == "object":
        table, labels = np.column_stack([X.astype(object), task]), task
    elif kind == "list":
        table = table.tolist()
    elif kind in ("csr", "csc"):
        table = getattr(sparse, f"{kind}_array")(table)
    elif kind == "polars":
        table, labels = pl.DataFrame(X).with_columns(pl.Series("h", task)), task
    scaler = StandardScaler(with_mean=kind not in ("csr", "csc"))
    m = make_mtl_pipeline(scaler, ToyRegressor(), task_col=-1).fit(table, y)
    assert_allclose(m.predict(table), by_hand(X, y, task, X, task))
    assert m.tasks_.tolist() == np.unique(labels).tolist()


@pytest.mark.parametrize("n_rows", [1, 7])
def test_array_at_predict_uses_the_position_of_the_name(frame, n_rows):
    df, y, _ = frame
    df = df[["x0", "hospital", "x1", "x2", "x3"]]
    m = build().fit(df, y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        found = m.predict(df.to_numpy()[:n_rows])
    assert_allclose(found, m.predict(df.iloc[:n_rows]))


def test_categories_give_the_order_of_tasks(frame):
    df, y, _ = frame
    order = ["C", "A", "unused", "B"]
    pandas = df.assign(hospital=pd.Categorical(df.hospital, categories=order))
    assert build().fit(pandas, y).tasks_.tolist() == ["C", "A", "B"]
    polars = pl.DataFrame(df.to_dict("list"))
    polars = polars.with_columns(pl.col("hospital").cast(pl.Enum(order)))
    assert build().fit(polars, y).tasks_.tolist() == ["C", "A", "B"]


def test_level_of_a_pandas_index(frame):
    df, y, task = frame
    indexed = df.set_index("hospital", append=True)
    m = build().fit(indexed, y)
    assert_allclose(m.predict(indexed), build().fit(df, y).predict(df))
    assert m.n_features_in_ == 4
    assert_array_equal(m.get_task(indexed), task)


@pytest.mark.parametrize("place", [0, 2, 4])
def test_popping_a_frame_copies_no_numbers(frame, place):
    df, _, _ = frame
    names = [f"x{j}" for j in range(4)]
    names.insert(place, "hospital")
    values = df[[f"x{j}" for j in range(4)]].to_numpy()
    wide = pd.DataFrame(
        values, columns=[n for n in names if n != "hospital"], copy=False
    )
    wide.insert(place, "hospital", df.hospital)
    rest = drop_column(wide, place)
    assert_array_equal(rest.columns, [f"x{j}" for j in range(4)])
    assert all(np.shares_memory(rest[c].to_numpy(), wide[c].to_numpy()) for c in rest)
    assert list(wide.columns) == names, "the user's frame keeps its column"
    array = np.arange(12.0).reshape(3, 4)
    assert np.shares_memory(drop_column(array, 3), array)
    assert np.shares_memory(drop_column(array, 0), array)
    assert_array_equal(drop_column(array, 1), array[:, [0, 2, 3]])


def test_repeated_column_names_are_dropped_by_position(frame):
    df, y, _ = frame
    df = df.rename(columns={"x3": "x0"})
    rest = drop_column(df, 4)
    assert_array_equal(rest.columns, ["x0", "x1", "x2", "x0"])
    twice = df.rename(columns={"x1": "hospital"})
    with pytest.raises(ValueError, match=r"more than one column named|unique column"):
        build().fit(twice, y)


# ------------------------------------------------------------ task= and other layouts
def test_task_argument(rows):
    X, y, task = rows
    m = build(None).fit(X, y, task=task)
    assert_allclose(m.predict(X, task=task), by_hand(X, y, task, X, task))
    assert_allclose(m.predict(X, task="A"), by_hand(X, y, task, X, ["A"] * len(X)))
    assert m.score(X, y, task=task) == r2_score(y, m.predict(X, task=task))
    assert m.get_task(X) is None
    assert m.n_features_in_ == 4
    assert not sklearn.get_config()["enable_metadata_routing"]


def test_wide_and_single_layout(rows):
    X, y, _ = rows
    Y = np.column_stack([y, -y])
    Y[::5, 0] = np.nan
    m = build(None).fit(X, Y)
    assert m.predict(X).shape == Y.shape
    assert_allclose(m.predict(X, task=1), m.predict(X)[:, 1])
    inner = ToyRegressor().fit(StandardScaler().fit_transform(X), Y)
    assert m.score(X, Y) == inner.score(StandardScaler().fit_transform(X), Y)
    single = build(None).fit(X, y)
    assert_allclose(single.predict(X), build(None).fit(X, y[:, None]).predict(X)[:, 0])
    weight = np.random.default_rng(0).uniform(size=Y.shape)
    weighted = build(None).fit(X, Y, sample_weight=weight)
    scaled = StandardScaler().fit_transform(X)
    expected = ToyRegressor().fit(scaled, Y, sample_weight=weight)
    assert_allclose(weighted.predict(X), expected.predict(scaled))
    assert weighted.score(X, Y, sample_weight=weight) == pytest.approx(
        expected.score(scaled, Y, sample_weight=weight)
    )


def test_plain_estimator_inside(frame):
    df, y, task = frame
    m = MTLPipeline(ToyRegressor(), task_col="hospital").fit(df, y)
    direct = ToyRegressor().fit(df.drop(columns="hospital"), y, task=task)
    assert_allclose(
        m.predict(df), direct.predict(df.drop(columns="hospital"), task=task)
    )
    assert m[-1] is m.estimator_
    assert list(m.named_steps) == ["toyregressor"]


def test_task_aware_steps(frame):
    df, y, task = frame
    X = df.drop(columns="hospital")
    m = make_mtl_pipeline(
        TaskStandardScaler(), PCA(), ToyRegressor(), task_col="hospital"
    ).fit(df, y)
    scaled = TaskStandardScaler().fit(X, task=task).transform(X, task=task)
    pca = PCA().fit(scaled)
    toy = ToyRegressor().fit(pca.transform(scaled), y, task=task)
    assert_allclose(m.predict(df), toy.predict(pca.transform(scaled), task=task))
    only_scaler = make_mtl_pipeline(
        TaskStandardScaler(), LinearRegression(), task_col="hospital"
    ).fit(df, y)
    expected = LinearRegression().fit(scaled, y)
    assert_allclose(only_scaler.predict(df), expected.predict(scaled))
    assert only_scaler.score(df, y) == pytest.approx(expected.score(scaled, y))
    assert_array_equal(only_scaler.tasks_, ["A", "B", "C"])


@pytest.mark.skipif(
    VERSION == (1, 8),
    reason="ColumnTransformer(remainder='passthrough') forgets its remainder when it "
    "routes metadata in 1.8 (KeyError)",
)
def test_task_aware_steps_in_a_column_transformer(frame):
    df, y, task = frame
    columns = ColumnTransformer(
        [("by_task", TaskStandardScaler(), ["x0", "x1"])], remainder="passthrough"
    )
    m = make_mtl_pipeline(columns, ToyRegressor(), task_col="hospital").fit(df, y)
    scaled = df.drop(columns="hospital").to_numpy().copy()
    scaled[:, :2] = TaskStandardScaler().fit_transform(scaled[:, :2], task=task)
    toy = ToyRegressor().fit(scaled, y, task=task)
    assert_allclose(m.predict(df), toy.predict(scaled, task=task))


def test_transform(frame):
    df, y, task = frame
    m = make_mtl_pipeline(PCA(2), TaskStandardScaler(), task_col="hospital").fit(df, y)
    X = PCA(2).fit_transform(df.drop(columns="hospital"))
    assert_allclose(m.transform(df), TaskStandardScaler().fit_transform(X, task=task))
    assert not hasattr(m, "predict")
    out = clone(m).set_output(transform="pandas").fit(df, y).transform(df)
    assert list(out.columns) == ["pca0", "pca1"]


def test_target_transformer_inside(frame):
    df, y, task = frame
    positive = np.exp(y / 5)
    inner = TransformedTargetRegressor(ToyRegressor(), func=np.log, inverse_func=np.exp)
    m = make_mtl_pipeline(StandardScaler(), inner, task_col="hospital").fit(
        df, positive
    )
    X = df.drop(columns="hospital")
    assert_allclose(m.predict(df), np.exp(by_hand(X, np.log(positive), task, X, task)))
    assert m.score(df, positive) == r2_score(positive, m.predict(df))
    assert_array_equal(m.tasks_, ["A", "B", "C"])


# ------------------------------------------------------------ classifiers
def test_classifier(frame):
    df, y, task = frame
    labels = as_classes(y)
    X = df.drop(columns="hospital")
    m = make_mtl_pipeline(StandardScaler(), ToyClassifier(), task_col="hospital")
    m.fit(df, labels)
    scaled = StandardScaler().fit_transform(X)
    toy = ToyClassifier().fit(scaled, labels, task=task)
    assert_array_equal(m.predict(df), toy.predict(scaled, task=task))
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        expected = getattr(toy, method)(scaled, task=task)
        assert_allclose(getattr(m, method)(df), expected)
    assert m.score(df, labels) == np.mean(m.predict(df) == labels)
    assert_array_equal(m.classes_, ["ill", "well"])
    assert list(m.task_classes_) == ["A", "B", "C"]
    assert is_classifier(m)
    assert not hasattr(build(), "predict_proba")
    assert not hasattr(build().fit(df, y), "classes_")


# ------------------------------------------------------------ weights
def test_weights_go_to_the_final_step(frame):
    df, y, task = frame
    weight = np.random.default_rng(0).uniform(size=len(y))
    X = df.drop(columns="hospital")
    m = build().fit(df, y, sample_weight=weight)
    scaled = StandardScaler().fit_transform(X)
    toy = ToyRegressor().fit(scaled, y, task=task, sample_weight=weight)
    assert_allclose(m.predict(df), toy.predict(scaled, task=task))
    assert m.score(df, y, sample_weight=weight) == pytest.approx(
        r2_score(y, m.predict(df), sample_weight=weight)
    )


def test_weights_go_where_the_user_sends_them(frame):
    df, y, task = frame
    weight = np.random.default_rng(0).uniform(size=len(y))
    X = df.drop(columns="hospital")
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        toy = ToyRegressor().set_fit_request(sample_weight=False)
    m = make_mtl_pipeline(scaler, toy, task_col="hospital")
    m.fit(df, y, sample_weight=weight)
    scaled = StandardScaler().fit(X, sample_weight=weight).transform(X)
    expected = ToyRegressor().fit(scaled, y, task=task).predict(scaled, task=task)
    assert_allclose(m.predict(df), expected)


def test_weights_do_not_go_to_a_transformer_that_could_predict(frame):
    df, y, _ = frame
    weight = np.random.default_rng(0).uniform(size=len(y)) ** 3
    distances = KMeans(3, n_init=1, random_state=0)
    m = make_mtl_pipeline(distances, ToyRegressor(), task_col="hospital")
    m.fit(df, y, sample_weight=weight)
    expected = clone(distances).fit(df.drop(columns="hospital"))
    assert_allclose(m[0].cluster_centers_, expected.cluster_centers_)


def test_weight_zero_is_a_row_less(frame):
    df, y, task = frame
    weight = (task != "B").astype(float)
    m = MTLPipeline(ToyRegressor(), task_col="hospital")
    m.fit(df, y, sample_weight=weight)
    assert_array_equal(m.tasks_, ["A", "C"])
    kept = df[weight > 0]
    expected = clone(m).fit(kept, y[weight > 0]).predict(kept)
    assert_allclose(m.predict(kept), expected)


# ------------------------------------------------------------ searches inside
SEARCHES = {
    "default": None,
    "name": "r2",
    "several": {"r2": "r2", "mse": "neg_mean_squared_error"},
    "list": ["r2", "neg_mean_squared_error"],
}


@pytest.mark.parametrize("scoring", SEARCHES.values(), ids=SEARCHES)
@pytest.mark.parametrize("around", ["pipeline", "final step"])
@pytest.mark.parametrize("weighted", [False, True])
def test_search_inside_predicts_with_the_task(frame, scoring, around, weighted):
    df, y, task = frame
    X, alphas = df.drop(columns="hospital").to_numpy(), [0.01, 10.0]
    folds = list(StratifiedKFold(3).split(X, task))
    weight = np.random.default_rng(0).uniform(size=len(y)) if weighted else None
    settings = {
        "cv": folds,
        "scoring": scoring,
        "refit": "r2" if isinstance(scoring, (dict, list)) else True,
        "error_score": "raise",
    }
    if around == "pipeline":
        pipe = make_pipeline(StandardScaler(), ToyRegressor())
        search = GridSearchCV(pipe, {"toyregressor__alpha": alphas}, **settings)
        m = MTLPipeline(search, task_col="hospital")
    else:
        search = GridSearchCV(ToyRegressor(), {"alpha": alphas}, **settings)
        m = make_mtl_pipeline(StandardScaler(), search, task_col="hospital")
    m.fit(df, y, sample_weight=weight)
    whole = StandardScaler().fit_transform(X)
    expected = np.empty((2, 3))
    for i, alpha in enumerate(alphas):
        for k, (train, test) in enumerate(folds):
            if around == "pipeline":
                scaler = StandardScaler().fit(X[train])
                A, B = scaler.transform(X[train]), scaler.transform(X[test])
            else:
                A, B = whole[train], whole[test]
            w = None if weight is None else weight[train]
            toy = ToyRegressor(alpha).fit(
                A, y[train], task=task[train], sample_weight=w
            )
            w = None if weight is None else weight[test]
            found = toy.predict(B, task=task[test])
            expected[i, k] = r2_score(y[test], found, sample_weight=w)
    fitted = m.estimator_ if around == "pipeline" else m.estimator_[-1]
    key = "r2" if isinstance(scoring, (dict, list)) else "score"
    assert_allclose(fitted.cv_results_[f"mean_test_{key}"], expected.mean(axis=1))
    assert m[-1].alpha == alphas[0]
    toy = ToyRegressor(alphas[0]).fit(whole, y, task=task, sample_weight=weight)
    assert_allclose(m.predict(df), toy.predict(whole, task=task))
    assert m.score(df, y) == pytest.approx(r2_score(y, m.predict(df)))
    assert search.scoring is scoring, "the user's search stays as it was"


def test_search_inside_scores_probabilities(frame):
    df, y, task = frame
    labels = as_classes(y)
    search = RandomizedSearchCV(
        ToyClassifier(),
        {"alpha": [0.01, 100.0]},
        n_iter=2,
        random_state=0,
        cv=list(StratifiedKFold(3).split(df, task)),
        scoring="roc_auc",
        error_score="raise",
    )
    m = make_mtl_pipeline(StandardScaler(), search, task_col="hospital").fit(df, labels)
    scores = m.estimator_[-1].cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert m.score(df, labels) > 0.9
    assert m.predict_proba(df).shape == (len(df), 2)


def test_search_inside_needs_no_task_in_the_wide_layout(rows):
    X, y, _ = rows
    Y = np.column_stack([y, -y])
    Y[::7, 1] = np.nan
    search = GridSearchCV(ToyRegressor(), {"alpha": [0.01, 10]}, error_score="raise")
    m = make_mtl_pipeline(StandardScaler(), search).fit(X, Y)
    assert m.predict(X).shape == Y.shape
    assert m[-1].alpha == 0.01


# ------------------------------------------------------------ what is inside
def test_steps(frame):
    df, y, _ = frame
    m = build()
    assert isinstance(m[0], StandardScaler)
    assert not hasattr(m[0], "mean_")
    assert not hasattr(m, "tasks_")
    m.fit(df, y)
    assert hasattr(m[0], "mean_")
    assert m["toyregressor"] is m[-1] is m.named_steps.toyregressor
    assert [name for name, _ in m.steps] == ["standardscaler", "toyregressor"]
    assert isinstance(m[:-1], Pipeline)
    assert m[:-1].transform(df.drop(columns="hospital")).shape == (len(df), 4)
    assert not hasattr(m.estimator[0], "mean_"), "the user's estimator stays unfitted"


def test_parameters_and_clone():
    m = build(alpha=3.0)
    assert m.get_params()["estimator__toyregressor__alpha"] == 3.0
    m.set_params(estimator__toyregressor__alpha=5.0, task_col=-1)
    assert m[-1].alpha == 5.0
    copy = clone(m)
    assert copy.task_col == -1
    assert copy[-1].alpha == 5.0
    assert copy[-1] is not m[-1]
    m = make_mtl_pipeline(PCA(), ToyRegressor(), memory="x", verbose=True)
    assert m.estimator.memory == "x"
    assert m.estimator.verbose


def test_tags():
    tags = get_tags(build())
    assert is_regressor(build())
    assert tags.input_tags.string
    assert not tags.target_tags.multi_output
    tags = get_tags(build(None))
    assert tags.target_tags.multi_output
    assert tags.target_tags.required
    search = GridSearchCV(ToyClassifier(), {"alpha": [1]})
    assert is_classifier(make_mtl_pipeline(StandardScaler(), search))
    assert is_classifier(MTLPipeline(search))
    assert get_tags(MTLPipeline(ToyRegressor())).input_tags.sparse


def test_pickle_repr_and_html(frame):
    df, y, _ = frame
    m = build().fit(df, y)
    again = pickle.loads(pickle.dumps(m))
    assert_allclose(again.predict(df), m.predict(df))
    assert "ToyRegressor" in repr(m)
    assert "StandardScaler" in m._repr_html_()


def test_nothing_of_the_training_data_is_kept():
    df, y, _ = make_frame(3000)
    m = build().fit(df, y)
    assert len(pickle.dumps(m)) < 10_000


def test_a_failed_fit_leaves_the_previous_one(frame):
    df, y, _ = frame
    m = build().fit(df, y)
    before = m.predict(df)
    inside = m.estimator_
    for bad in (df.assign(x0=df.x0.where(df.index != 3)), df.drop(columns="hospital")):
        with pytest.raises(ValueError, match=r"NaN|no column 'hospital'"):
            m.fit(bad, y)
    assert m.estimator_ is inside
    assert m.n_features_in_ == 5
    assert_array_equal(m.predict(df), before)


def test_estimator_and_data_stay_as_they_are(frame):
    df, y, _ = frame
    before = df.copy()
    estimator = make_pipeline(StandardScaler(), ToyRegressor())
    weight = np.ones(len(y))
    m = MTLPipeline(estimator, task_col="hospital").fit(df, y, sample_weight=weight)
    m.predict(df)
    pd.testing.assert_frame_equal(df, before)
    assert not hasattr(estimator[-1], "_metadata_request")
    assert not hasattr(estimator[-1], "coef_")
