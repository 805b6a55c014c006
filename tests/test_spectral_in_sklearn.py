"""Low rank and learned relations as citizens of scikit-learn."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmtl import (
    MTLPipeline,
    TaskKFold,
    TaskRelationshipClassifier,
    TaskRelationshipRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
    attach_task,
    make_related_tasks,
)

KINDS = [
    TaskRelationshipClassifier,
    TaskRelationshipRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
]


def expected_failures(estimator):
    """Name the checks of scikit-learn that do not fit, and why."""
    if not is_classifier(estimator):
        return {}
    return {
        "check_classifier_multioutput": "classes_ is a list with an array per task "
        "after a wide fit, as in sklearn.multioutput.MultiOutputClassifier"
    }


@parametrize_with_checks(
    [
        TraceNormRegressor(0.01),
        TraceNormRegressor(0.01, ridge=0.01, scale_y=True, solver="fista"),
        TraceNormClassifier(),
        TaskRelationshipRegressor(0.01),
        TaskRelationshipRegressor(0.01, relationship="precision"),
        TaskRelationshipClassifier(),
        TaskRelationshipClassifier(0.1, relationship="precision", eps=0.1),
    ],
    expected_failed_checks=expected_failures,
)
@pytest.mark.filterwarnings("ignore:.*labels of one class only:UserWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def table(kind):
    """Return X, y, task of five tasks for a regressor or a classifier."""
    X, y, task, _ = make_related_tasks(n_tasks=5, n_features=6, random_state=0)
    return X, (y > np.median(y)).astype(int) if is_classifier(kind()) else y, task


@pytest.mark.parametrize("kind", KINDS)
def test_pickles_and_clones(kind):
    X, y, task = table(kind)
    model = kind(0.02).fit(X, y, task=task)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(
        again.predict(X, task=task), model.predict(X, task=task)
    )
    copy = clone(model).fit(X, y, task=task)
    np.testing.assert_allclose(copy.coef_, model.coef_, atol=1e-12)
    name = "components_" if "Trace" in kind.__name__ else "task_correlation_"
    np.testing.assert_array_equal(getattr(copy, name), getattr(again, name))


@pytest.mark.parametrize("kind", KINDS)
def test_pipeline_and_search(kind):
    X, y, task = table(kind)
    frame = attach_task(X, task, name="site")
    pipeline = MTLPipeline(make_pipeline(StandardScaler(), kind()), task_col="site")
    step = f"estimator__{kind.__name__.lower()}__alpha"
    search = GridSearchCV(
        pipeline, {step: [0.01, 10.0]}, cv=TaskKFold(3, task_col="site")
    )
    search.fit(frame, y)
    assert search.best_params_[step] == 0.01
    assert search.predict(frame).shape == y.shape


@pytest.mark.parametrize("kind", [TaskRelationshipClassifier, TraceNormClassifier])
@pytest.mark.parametrize("solver", ["factors", "fista"])
def test_tasks_of_several_classes(kind, solver):
    X, y, task, _ = make_related_tasks(n_tasks=4, n_features=5, random_state=0)
    cuts = np.quantile(y, [0.3, 0.7])
    labels = np.where(task < 2, np.digitize(y, cuts), y > cuts[0])
    model = kind(0.003, solver=solver, tol=1e-7).fit(X, labels, task=task)
    assert model.converged_
    assert model.coef_.shape == (8, 5)  # three rows for each task of three classes
    if kind is TraceNormClassifier:
        assert model.components_.shape == (model.rank_, 5)
    else:
        assert model.task_correlation_.shape == (8, 8)
    assert model.score(X, labels, task=task) > 0.6
