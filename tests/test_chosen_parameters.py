"""Every tuned parameter is found, wherever inside a model it was tuned."""

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import VotingRegressor
from sklearn.feature_selection import RFECV, SelectFromModel
from sklearn.linear_model import (
    ElasticNetCV,
    Lasso,
    LassoCV,
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeCV,
)
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import (
    AlphaPathCV,
    GroupLassoRegressor,
    IndependentTasks,
    MTLPipeline,
    make_mtl_pipeline,
)
from skmtl.comparison._chosen import chosen_parameters, is_empty

RIDGE = RidgeCV([0.1, 1.0])
SEARCH = GridSearchCV(Ridge(), {"alpha": [0.5, 2.0]}, cv=3)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    return X, X[:, 0] + 0.1 * rng.normal(size=60)


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (Ridge(), set()),
        (RIDGE, {"alpha"}),
        (ElasticNetCV(cv=3), {"alpha", "l1_ratio"}),
        (SEARCH, {"alpha"}),
        (make_pipeline(StandardScaler(), RIDGE), {"alpha"}),
        (
            make_pipeline(RFECV(LinearRegression(), cv=3), SEARCH),
            {"rfecv: n_features", "alpha"},
        ),
        (
            make_pipeline(SelectFromModel(LassoCV(cv=3)), Ridge()),
            {"selectfrommodel: alpha"},
        ),
        (TransformedTargetRegressor(RIDGE), {"alpha"}),
        (
            VotingRegressor([("a", RIDGE), ("b", SEARCH), ("c", Ridge())]),
            {"a: alpha", "b: alpha"},
        ),
        (make_mtl_pipeline(StandardScaler(), RIDGE), {"alpha"}),
        (IndependentTasks(SEARCH), {"0: alpha"}),
        (
            GridSearchCV(
                AlphaPathCV(GroupLassoRegressor(), alphas=3),
                {"estimator__l1_ratio": [0.0, 0.5]},
                cv=3,
            ),
            {"estimator__l1_ratio", "alpha"},
        ),
        (
            MTLPipeline(GridSearchCV(make_pipeline(Ridge()), {"ridge__alpha": [1.0]})),
            {"ridge__alpha"},
        ),
    ],
    ids=lambda value: str(value)[:40] if not isinstance(value, set) else "",
)
def test_what_was_tuned(model, names, rows):
    assert set(chosen_parameters(model.fit(*rows))) == names


def test_several_outputs_and_thresholds(rows):
    X, y = rows
    several = MultiOutputRegressor(RIDGE).fit(X, np.column_stack([y, -y]))
    assert chosen_parameters(several).keys() == {"0: alpha", "1: alpha"}
    tuned = TunedThresholdClassifierCV(LogisticRegression(), cv=3).fit(X, y > 0)
    assert chosen_parameters(tuned).keys() == {"threshold"}


def test_empty_looks_at_what_predicts(rows):
    X, y = rows
    model = make_pipeline(SelectFromModel(Ridge()), Lasso(alpha=100.0)).fit(X, y)
    assert is_empty(model)
    assert not is_empty(make_pipeline(StandardScaler(), RIDGE).fit(X, y))
    assert not is_empty(TransformedTargetRegressor(RIDGE).fit(X, y))


def test_a_model_with_one_task_that_is_not_empty_is_not(rows):
    X, y = rows
    task = np.array(["a", "b"])[np.arange(len(X)) % 2]
    lasso = IndependentTasks(Lasso(alpha=10.0))
    assert is_empty(lasso.fit(X, y, task=task))
    assert not is_empty(lasso.fit(X, np.where(task == "a", y, 100 * y), task=task))
    assert not is_empty(lasso.fit(X, np.where(task == "b", y, 100 * y), task=task))
