"""What MTLPipeline refuses, and scikit-learn's own checks of it."""

import re

import numpy as np
import pytest
import sklearn
from _toys import ToyClassifier, ToyRegressor, build, make_frame
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.ensemble import VotingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    parametrize_with_checks,
)
from sklearn.utils.fixes import parse_version

from skmtl import MTLPipeline, make_mtl_pipeline
from skmtl.baselines import IndependentTasks

VERSION = parse_version(sklearn.__version__).release[:2]


# ------------------------------------------------------------ errors
def test_list_of_steps_names_the_function():
    steps = [("scale", StandardScaler()), ("toy", ToyRegressor())]
    for given in (steps, [StandardScaler(), ToyRegressor()]):
        m = MTLPipeline(given, task_col="hospital")
        repr(m)
        with pytest.raises(TypeError, match="make_mtl_pipeline"):
            m.fit(*make_frame()[:2])
    for wrong in (ToyRegressor, "toy", None):
        with pytest.raises(TypeError, match="must be an estimator"):
            MTLPipeline(wrong).fit([[1.0]], [1.0])


def test_both_ways_of_giving_the_task(frame):
    df, y, task = frame
    with pytest.raises(ValueError, match=re.escape("task= was passed although")):
        build().fit(df, y, task=task)
    m = build().fit(df, y)
    with pytest.raises(ValueError, match=re.escape("task= was passed although")):
        m.predict(df, task=task)
    with pytest.raises(ValueError, match=re.escape("task= was passed although")):
        m.score(df, y, task=task)


def test_tasks_that_nobody_takes(frame):
    df, y, _ = frame
    for estimator in (make_pipeline(StandardScaler(), Ridge()), Ridge()):
        with pytest.raises(ValueError, match="wrap the model in IndependentTasks"):
            MTLPipeline(estimator, task_col="hospital").fit(df, y)
    m = make_mtl_pipeline(IndependentTasks(Ridge()), task_col="hospital").fit(df, y)
    assert m.score(df, y) > 0.9


def test_ensembles_that_do_not_pass_the_task_on(frame):
    df, y, _ = frame
    voting = VotingRegressor([("a", ToyRegressor()), ("b", ToyRegressor(1.0))])
    with pytest.raises(
        ValueError, match=r"VotingRegressor.predict does not pass task="
    ):
        MTLPipeline(voting, task_col="hospital").fit(df, y)


@pytest.mark.parametrize(
    ("task_col", "message"),
    [
        ("clinic", "no column 'clinic' .* has: 'x0', 'x1', 'x2', 'x3', 'hospital'"),
        (5, "task_col=5 is not a position in X, which has 5 columns"),
        (-6, "task_col=-6 is not a position"),
        (lambda X: None, "function that returned None"),
        (lambda X: X["hospital"][:2], "one label per row"),
        (1.5, "'task_col' parameter of MTLPipeline must be"),
    ],
)
def test_columns_that_are_not_there(frame, task_col, message):
    df, y, _ = frame
    m = make_mtl_pipeline(
        FunctionTransformer(lambda X: X[["x0", "x1"]]),
        ToyRegressor(),
        task_col=task_col,
    )
    with pytest.raises(ValueError, match=message):
        m.fit(df, y)


def test_array_with_a_named_column(frame):
    df, y, _ = frame
    with pytest.raises(ValueError, match="is a ndarray and has no names"):
        build().fit(df.to_numpy(), y)


@pytest.mark.parametrize("value", [None, np.nan])
def test_missing_labels(frame, value):
    df, y, _ = frame
    bad = df.assign(hospital=df.hospital.astype(object).where(df.index != 3, value))
    with pytest.raises(ValueError, match="1 missing labels"):
        build().fit(bad, y)
    m = build().fit(df, y)
    with pytest.raises(ValueError, match="1 missing labels"):
        m.predict(bad)
    with pytest.raises(ValueError, match="1 missing labels"):
        m.get_task(bad)


def test_infinite_and_fractional_labels(rows):
    X, y, task = rows
    number = np.searchsorted(["A", "B", "C"], task).astype(float)
    for odd in (np.inf, 0.5):
        bad = np.column_stack([X, np.where(np.arange(len(y)) == 3, odd, number)])
        with pytest.raises(ValueError, match=f"whole numbers, got .*{odd}"):
            build(-1).fit(bad, y)


def test_wide_y_with_a_task_column(frame):
    df, y, _ = frame
    with pytest.raises(ValueError, match="wide_to_long"):
        build().fit(df, np.column_stack([y, y]))


def test_columns_in_another_order_or_missing(frame):
    df, y, _ = frame
    m = build().fit(df, y)
    with pytest.raises(ValueError, match="must be in the same order"):
        m.predict(df[df.columns[::-1]])
    with pytest.raises(ValueError, match=r"(?s)now missing:\n- hospital"):
        m.predict(df.drop(columns="hospital"))


def test_not_fitted():
    df, _, _ = make_frame()
    with pytest.raises(NotFittedError):
        build().predict(df)


def test_unseen_task(frame):
    df, y, _ = frame
    new = df.assign(hospital="Z")
    with pytest.raises(ValueError, match="never seen in fit: 'Z'"):
        build().fit(df, y).predict(new)
    m = build(unseen="shared").fit(df, y)
    with pytest.warns(UserWarning, match="'Z' in 120 rows; predicted with the shared"):
        found = m.predict(new)
    inside = m[0].transform(df.drop(columns="hospital"))
    expected = inside @ m[-1].coef_.mean(axis=0) + m[-1].intercept_.mean()
    assert_allclose(found, expected)


# ------------------------------------------------------------ scikit-learn's own checks
class RowTask:
    """A task that depends on the row alone, for tables of every kind."""

    def __repr__(self):
        return "RowTask()"  # no address: the tests' names must not change

    def __call__(self, X):
        X = X.toarray() if sparse.issparse(X) else np.asarray(X)
        first = X[:, 0].real if X.shape[1] else np.zeros(len(X))
        return np.where(first.astype(float) > 0.5, 1, 0)


WEIGHT_CHECKS = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
)
UNSCALED = dict.fromkeys(WEIGHT_CHECKS, "StandardScaler is not weighted")
OTHER_LABELS = dict.fromkeys(WEIGHT_CHECKS, "1.6 makes y binary in two ways")
LIST_OF_CLASSES = {
    "check_classifier_multioutput": "classes_ is a list, as MultiOutputClassifier's",
}
CHECKED = [
    make_mtl_pipeline(StandardScaler(), ToyRegressor()),
    make_mtl_pipeline(StandardScaler(), ToyClassifier()),
    make_mtl_pipeline(ToyRegressor(), task_col=RowTask()),
    make_mtl_pipeline(FunctionTransformer(), ToyRegressor()),
    MTLPipeline(ToyClassifier()),
    MTLPipeline(ToyRegressor(), task_col=RowTask()),
]


def expected_failures(estimator):
    """Return the checks that fail for a reason that is not MTLPipeline's."""
    first = estimator[0] if len(estimator.steps) > 1 else None
    reasons = UNSCALED if isinstance(first, StandardScaler) else {}
    if is_classifier(estimator) and VERSION < (1, 7):
        reasons = OTHER_LABELS
    return reasons | (LIST_OF_CLASSES if is_classifier(estimator) else {})


@parametrize_with_checks(CHECKED, expected_failed_checks=expected_failures)
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", CHECKED[:3])
def test_column_names_consistency(estimator):
    check_dataframe_column_names_consistency("MTLPipeline", estimator)
