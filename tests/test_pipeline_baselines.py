"""The models that MTLPipeline.compare holds against a pipeline."""

import numpy as np
import pandas as pd
import pytest
from _toys import ToyClassifier, ToyRegressor, as_classes, make_frame, make_rows
from numpy.testing import assert_allclose, assert_array_equal
from scipy.cluster.hierarchy import linkage
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegressionCV, Ridge, RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from skmtl import (
    AlphaPathCV,
    GroupLassoRegressor,
    IndependentTasks,
    MTLPipeline,
    MultiTaskMLPClassifier,
    MultiTaskMLPRegressor,
    PooledTasks,
    TaskGraphRegressor,
    TaskKFold,
    TaskProgressionRegressor,
    TaskScorer,
    TaskTreeRegressor,
    TransferGuard,
    make_mtl_pipeline,
)
from skmtl.neural_network.weighting.uncertainty import UncertaintyWeights
from skmtl.pipeline._baselines import ClassFolds, baseline_models, reference_of

GRAPH = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 2.0], [0.0, 2.0, 0.0]])


class Weighted(ToyRegressor):
    """A toy with parameters that name tasks."""

    def __init__(self, alpha=0.1, *, unseen="raise", task_weight=None, loss="squared"):
        self.task_weight = task_weight
        self.loss = loss
        super().__init__(alpha, unseen=unseen)


def build(final, **params):
    return make_mtl_pipeline(StandardScaler(), final, task_col="hospital", **params)


def test_default_models_of_a_regressor():
    m = build(ToyRegressor(3.0, unseen="shared"))
    models = baseline_models(m, random_state=7)
    assert list(models) == ["multi-task", "single-task", "ridge", "pooled", "mlp"]
    for model in models.values():
        assert isinstance(model, MTLPipeline)
        assert model.task_col == "hospital"
        assert isinstance(model[0], StandardScaler)
        assert model[0] is not m[0]
        assert model[-1].unseen == "shared"
        with pytest.raises(NotFittedError):
            check_is_fitted(model)
    finals = {name: model[-1] for name, model in models.items()}
    assert isinstance(finals["single-task"], IndependentTasks)
    assert isinstance(finals["single-task"].estimator, ToyRegressor)
    assert finals["single-task"].estimator.alpha == 3.0
    assert isinstance(finals["ridge"].estimator, RidgeCV)
    assert isinstance(finals["pooled"], PooledTasks)
    assert isinstance(finals["pooled"].estimator, RidgeCV)
    assert isinstance(finals["mlp"], MultiTaskMLPRegressor)
    assert finals["mlp"].random_state == 7
    assert reference_of(models) == "single-task"


def test_default_models_of_a_classifier():
    df, y, _ = make_frame()
    models = baseline_models(build(ToyClassifier()))
    assert isinstance(models["mlp"][-1], MultiTaskMLPClassifier)
    for name in ("ridge", "pooled"):
        model = models[name]
        assert isinstance(model[-1].estimator, LogisticRegressionCV)
        assert model.fit(df, as_classes(y)).predict_proba(df).shape == (len(y), 2)


def test_single_task_learns_behind_the_same_scaler():
    df, y, task = make_frame()
    single = baseline_models(build(ToyRegressor()))["single-task"].fit(df, y)
    X = StandardScaler().fit_transform(df.drop(columns="hospital"))
    for t in "ABC":
        alone = ToyRegressor().fit(X[task == t], y[task == t])
        assert_allclose(single.predict(df[task == t]), alone.predict(X[task == t]))


def test_a_task_alone_needs_no_guard():
    df, y, _ = make_frame()
    model = AlphaPathCV(GroupLassoRegressor(), alphas=3)
    guard = TransferGuard(model, IndependentTasks(Ridge()), unseen="shared")
    single = baseline_models(build(guard))["single-task"]
    assert isinstance(single[-1], IndependentTasks)
    assert single[-1].unseen == "shared"
    assert repr(single[-1].estimator) == repr(model)
    assert single.fit(df, y).predict(df).shape == y.shape
    risks = TransferGuard(
        GroupLassoRegressor(loss="logistic"), IndependentTasks(Ridge())
    )
    assert baseline_models(build(risks))["mlp"][-1].loss == "logistic"


def test_estimator_without_a_pipeline():
    models = baseline_models(MTLPipeline(ToyRegressor(), task_col=-1))
    assert isinstance(models["ridge"].estimator, IndependentTasks)
    assert models["ridge"].task_col == -1


def test_names_of_steps_stay_apart():
    first = IndependentTasks(StandardScaler())
    steps = [("independenttasks", first), ("last", ToyRegressor())]
    models = baseline_models(MTLPipeline(Pipeline(steps), task_col=-1))
    assert list(models["ridge"].named_steps) == ["independenttasks", "last"]


def test_baselines_of_the_user():
    given = {"plain": IndependentTasks(Ridge()), "pooled": PooledTasks(Ridge())}
    m = MTLPipeline(
        make_pipeline(StandardScaler(), ToyRegressor()),
        task_col="hospital",
        baselines=given,
    )
    models = baseline_models(m)
    assert list(models) == ["multi-task", "plain", "pooled"]
    assert models["plain"][-1] is not given["plain"]
    assert reference_of(models) == "plain"
    models = baseline_models(m.set_params(baselines=None))
    assert list(models) == ["multi-task"]
    assert reference_of(models) == "multi-task"


def test_baselines_that_are_none():
    m = MTLPipeline(ToyRegressor(), baselines={"multi-task": Ridge()})
    with pytest.raises(ValueError, match="Rename it"):
        baseline_models(m)
    m = MTLPipeline(ToyRegressor(), baselines={"ridge": "ridge"})
    with pytest.raises(TypeError, match=r"names to estimators .* got 'ridge'"):
        baseline_models(m)


def test_parameters_that_name_tasks():
    one = {"task_weight": {"A": 2.0, "B": 1.0, "C": 1.0}}
    models = baseline_models(build(Weighted(**one)))
    assert models["single-task"][-1].estimator.task_weight is None
    assert models["multi-task"][-1].task_weight == one["task_weight"]
    models = baseline_models(build(Weighted(task_weight="n_samples")))
    assert models["single-task"][-1].estimator.task_weight == "n_samples"


@pytest.mark.parametrize(
    "final",
    [
        TaskGraphRegressor(graph=pd.DataFrame(GRAPH, list("ABC"), list("ABC"))),
        AlphaPathCV(TaskGraphRegressor(graph=GRAPH), alphas=2),
        TransferGuard(
            TaskGraphRegressor(graph={("A", "B"): 1.0, ("B", "C"): 1.0}),
            IndependentTasks(Ridge()),
            random_state=0,
        ),
        TaskProgressionRegressor(order=["C", "A", "B"]),
        TaskTreeRegressor(tree=linkage([[0.0], [1.0], [5.0]])),
        MultiTaskMLPRegressor(max_iter=2, loss_weighting={"A": 1, "B": 2, "C": 1}),
    ],
    ids=lambda final: type(final).__name__,
)
@pytest.mark.filterwarnings("ignore:.*ran all max_iter")
def test_ties_between_tasks_have_no_part_in_the_single_task_model(final):
    df, y, _ = make_frame()
    pipeline = make_mtl_pipeline(final, task_col="hospital")
    models = baseline_models(pipeline)
    for name in ("single-task", "multi-task"):
        models[name].fit(df, y)
    assert repr(models["multi-task"][-1]) == repr(final)


def test_ties_that_need_no_name_stay():
    knn = baseline_models(build(TaskGraphRegressor(graph="knn")))["single-task"]
    assert knn[-1].estimator.graph == "knn"
    uncertain = MultiTaskMLPRegressor(loss_weighting=UncertaintyWeights())
    alone = baseline_models(build(uncertain))["single-task"][-1].estimator
    assert isinstance(alone.loss_weighting, UncertaintyWeights)


@pytest.mark.parametrize("loss", ["logistic", dict.fromkeys("ABC", "logistic")])
def test_one_loss_for_all_tasks_can_be_pooled(loss):
    df, y, _ = make_frame()
    models = baseline_models(build(GroupLassoRegressor(alpha=0.01, loss=loss)))
    risk = models["pooled"].fit(df, y > np.median(y)).predict(df)
    assert ((risk >= 0) & (risk <= 1)).all()


def test_mixed_losses_are_not_pooled():
    mixed = {"A": "squared", "B": "logistic", "C": "squared"}
    assert "pooled" not in baseline_models(build(Weighted(loss=mixed)))
    same = dict.fromkeys("ABC", "huber")
    assert "pooled" in baseline_models(build(Weighted(loss=same)))


# ------------------------------------------------------------ searches
def search_of(final, **params):
    return GridSearchCV(final, {"alpha": [0.001, 100.0]}, error_score="raise", **params)


def without_signal(df, y, rows, weight):
    """Return y with labels at `rows` that the features cannot predict.

    They are uncorrelated with every feature, so what training rows suggest is the
    opposite of what holds in the test rows: the more penalty, the better.
    """
    X = np.column_stack([np.ones(rows.sum()), df.drop(columns="hospital")[rows]])
    root = np.sqrt(weight[rows])
    coef = np.linalg.lstsq(X * root[:, None], y[rows] * root, rcond=None)[0]
    y = y.copy()
    y[rows] -= X @ coef
    return y


@pytest.mark.parametrize("scoring", [None, "r2", TaskScorer("r2")])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_search_is_done_again_for_every_task(scoring, weighted):
    df, y, task = make_frame()
    weight = np.ones(len(y))
    if weighted:
        weight = np.random.default_rng(0).uniform(0.5, 1, size=len(y))
    y = without_signal(df, y, task == "C", weight)
    search = search_of(
        Weighted(task_weight={"A": 2.0, "B": 1.0, "C": 1.0}, unseen="shared"),
        cv=TaskKFold(3, task_col="hospital"),
        scoring=scoring,
    )
    models = baseline_models(build(search))
    assert models["pooled"][-1].unseen == "shared"
    weights = {"sample_weight": weight} if weighted else {}
    single = models["single-task"].fit(df, y, **weights)
    found = {t: e[-1].alpha for t, e in single[-1].estimators_.items()}
    assert found == {"A": 0.001, "B": 0.001, "C": 100.0}
    joint = models["multi-task"].fit(df, y, **weights)
    assert joint[-1].alpha in (0.001, 100.0)
    X = StandardScaler().fit_transform(df.drop(columns="hospital"))[task == "A"]
    alone = ToyRegressor(0.001).fit(
        X, y[task == "A"], sample_weight=weight[task == "A"] if weighted else None
    )
    assert_allclose(single.predict(df[task == "A"]), alone.predict(X))
    assert search.cv.task_col == "hospital", "the user's search stays as it was"
    assert search.estimator.task_weight is not None


def test_a_search_around_the_whole_pipeline():
    df, y, _ = make_frame()
    inside = make_pipeline(StandardScaler(), ToyRegressor(unseen="shared"))
    search = GridSearchCV(inside, {"toyregressor__alpha": [0.01, 10.0]}, cv=3)
    models = baseline_models(MTLPipeline(search, task_col="hospital"))
    assert models["ridge"].estimator.unseen == "shared"
    single = models["single-task"].fit(df, y)
    assert {e[-1].alpha for e in single[-1].estimators_.values()} == {0.01}
    assert single.score(df, y) > 0.95


def test_a_search_in_the_wide_layout():
    X, y, _ = make_rows()
    Y = np.column_stack([y, -y])
    Y[::4, 1] = np.nan
    m = make_mtl_pipeline(StandardScaler(), search_of(ToyRegressor(), cv=TaskKFold(3)))
    for name, model in baseline_models(m, random_state=0).items():
        if name != "mlp":  # it has tests of its own
            assert model.fit(X, Y).predict(X).shape == Y.shape


# ------------------------------------------------------------ folds of one task
@pytest.mark.parametrize(
    ("y", "n_splits"),
    [
        ([0] * 10 + [1] * 10, 5),
        (["a"] * 9 + ["b"] * 3, 3),
        ([0] * 9 + [1] * 2, 2),
    ],
)
def test_every_class_is_in_every_training_part(y, n_splits):
    y = np.array(y)
    folds = list(ClassFolds().split(np.zeros((len(y), 1)), y))
    assert len(folds) == n_splits == ClassFolds().get_n_splits(y=y)
    for train, test in folds:
        assert set(y[train]) == set(y)
        assert not set(train) & set(test)
    assert_array_equal(
        np.sort(np.concatenate([b for _, b in folds])), np.arange(len(y))
    )


def test_a_class_with_one_row():
    df, y, task = make_frame()
    labels = as_classes(y)
    labels[task == "B"] = "well"
    labels[np.flatnonzero(task == "B")[3]] = "ill"
    ridge = baseline_models(build(ToyClassifier()))["ridge"].fit(df, labels)
    assert np.isfinite(ridge.predict_proba(df)).all()


# ------------------------------------------------------------ compare
def test_compare_leaves_the_pipeline_as_it_was():
    df, y, task = make_frame()
    given = {
        "single-task": IndependentTasks(LinearRegression()),
        "pooled": PooledTasks(Ridge()),
    }
    m = build(ToyRegressor()).set_params(baselines=given)
    report = m.compare(df, y, random_state=0)
    with pytest.raises(NotFittedError):
        check_is_fitted(m)
    frame = report.to_frame()
    assert set(frame.model) == {"multi-task", "single-task", "pooled"}
    assert set(frame.task) == set("ABC")
    fitted = build(ToyRegressor()).set_params(baselines=given).fit(df, y)
    inside = fitted.estimator_
    fitted.compare(df, y, random_state=0)
    assert fitted.estimator_ is inside
    by_argument = make_mtl_pipeline(StandardScaler(), ToyRegressor())
    by_argument.set_params(baselines=given)
    X = df.drop(columns="hospital")
    again = by_argument.compare(X, y, task=task, random_state=0).to_frame()
    assert_allclose(again.score, frame.score)


def test_compare_passes_its_arguments_on(monkeypatch):
    import skmtl.comparison

    seen = {}
    monkeypatch.setattr(
        skmtl.comparison, "compare", lambda models, X, y, **kw: seen.update(kw)
    )
    passed = {
        "task": None,
        "groups": [1],
        "sample_weight": [2],
        "cv": 3,
        "scoring": "r2",
        "n_jobs": 1,
        "random_state": 5,
        "callbacks": ["bar"],
    }
    build(ToyRegressor()).compare(None, None, **passed)
    assert seen == {**passed, "reference": "single-task"}
    with pytest.raises(TypeError, match="make_mtl_pipeline"):
        MTLPipeline([("a", ToyRegressor())]).compare(None, None)
