"""TaskStandardScaler against StandardScaler on the rows of each task."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    parametrize_with_checks,
)

from skmtl import IndependentTasks, TaskStandardScaler

TASK = np.array(list("bacabcaabbcc") * 5)
X = np.random.default_rng(0).normal(size=(60, 4)) * [1, 10, 1e-6, 1e6] + [0, 5, 1, -1e6]


def expected_failures(scaler):
    """Name the checks of scikit-learn that do not fit, and why."""
    if scaler.with_mean:
        return {
            "check_sample_weight_equivalence_on_sparse_data": "scikit-learn 1.6 passes "
            "sparse X also where the tags say that it is refused"
        }
    return {}


@parametrize_with_checks(
    [
        TaskStandardScaler(),
        TaskStandardScaler(with_mean=False),
        TaskStandardScaler(with_std=False),
    ],
    expected_failed_checks=expected_failures,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_column_names_are_checked():
    check_dataframe_column_names_consistency("TaskStandardScaler", TaskStandardScaler())


@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
@pytest.mark.parametrize("container", [np.array, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("weighted", [True, False])
def test_each_task_is_scaled_as_by_its_own_scaler(
    with_mean, with_std, container, weighted
):
    data = container(X)
    weight = (
        np.random.default_rng(1).integers(1, 4, 60).astype(float) if weighted else None
    )
    scaler = TaskStandardScaler(with_mean=with_mean, with_std=with_std)
    if with_mean and container is not np.array:
        with pytest.raises(ValueError, match="with_mean=False"):
            scaler.fit(data, task=TASK)
        return
    Z = scaler.fit_transform(data, task=TASK, sample_weight=weight)
    back = scaler.inverse_transform(Z, task=TASK)
    if container is not np.array:
        assert type(Z) is type(data)
        Z, back = Z.toarray(), back.toarray()
    np.testing.assert_allclose(back, X, rtol=1e-9)
    assert scaler.tasks_.tolist() == ["a", "b", "c"]
    for t, label in enumerate(scaler.tasks_):
        rows = label == TASK
        own = StandardScaler(with_mean=with_mean, with_std=with_std)
        own.fit(X[rows], sample_weight=None if weight is None else weight[rows])
        np.testing.assert_allclose(
            Z[rows], own.transform(X[rows]), rtol=1e-9, atol=1e-9
        )
        if with_std:
            np.testing.assert_allclose(scaler.scale_[t], own.scale_, rtol=1e-9)
            np.testing.assert_allclose(scaler.var_[t], own.var_, rtol=1e-9)
            assert scaler.n_samples_seen_[t] == own.n_samples_seen_


def test_without_task_it_is_standard_scaler():
    expected = StandardScaler().fit_transform(X)
    np.testing.assert_allclose(TaskStandardScaler().fit_transform(X), expected)


@pytest.mark.parametrize("container", [np.array, sparse.csr_matrix])
def test_missing_values_are_left_out_and_stay(container):
    holes = X.copy()
    holes[np.random.default_rng(1).random(X.shape) < 0.3] = np.nan
    holes[TASK == "a", 1] = np.nan
    scaler = TaskStandardScaler(with_mean=container is np.array)
    Z = scaler.fit_transform(container(holes), task=TASK)
    Z = Z if container is np.array else Z.toarray()
    for label in "bc":
        rows = label == TASK
        own = StandardScaler(with_mean=container is np.array)
        expected = own.fit_transform(holes[rows])
        np.testing.assert_allclose(Z[rows], expected, rtol=1e-6, atol=1e-8)
    assert np.isnan(Z[TASK == "a", 1]).all()
    assert np.isfinite(Z[TASK == "a", 0]).any()


def test_constant_columns_are_not_divided():
    data = np.column_stack([np.full(60, 0.1), np.where(TASK == "a", 1e6 / 3, X[:, 0])])
    scaler = TaskStandardScaler().fit(data, task=TASK)
    assert scaler.scale_[:, 0].tolist() == [1, 1, 1]
    assert scaler.scale_[0, 1] == 1
    np.testing.assert_allclose(
        scaler.transform(data, task=TASK)[TASK == "a"], 0, atol=1e-9
    )


def test_weight_two_is_the_row_twice_and_weight_zero_no_row():
    weight = np.random.default_rng(1).integers(0, 3, 60)
    weight[TASK == "c"] = 0
    repeated = np.repeat(np.arange(60), weight)
    a = TaskStandardScaler().fit(X, task=TASK, sample_weight=weight)
    b = TaskStandardScaler().fit(X[repeated], task=TASK[repeated])
    assert a.tasks_.tolist() == b.tasks_.tolist() == ["a", "b"]
    np.testing.assert_allclose(a.mean_, b.mean_)
    np.testing.assert_allclose(a.scale_, b.scale_)
    assert a.n_samples_seen_.tolist() == b.n_samples_seen_.tolist()


def test_rows_and_tasks_in_another_order_give_the_same():
    order = np.random.default_rng(1).permutation(60)
    a = TaskStandardScaler().fit(X, task=TASK)
    b = TaskStandardScaler().fit(X[order], task=TASK[order])
    np.testing.assert_allclose(a.mean_, b.mean_)
    np.testing.assert_allclose(a.scale_, b.scale_)


@pytest.mark.parametrize("with_mean", [True, False])
def test_unseen_tasks(with_mean):
    scaler = TaskStandardScaler(with_mean=with_mean).fit(X, task=TASK)
    with pytest.raises(ValueError, match="never seen in fit: 'z' in 1 rows"):
        scaler.transform(X[:1], task="z")
    scaler.set_params(unseen="shared")
    data = X if with_mean else sparse.csr_matrix(X)
    with pytest.warns(UserWarning, match="'z' in 1 rows"):
        Z = scaler.transform(data[:2], task=["z", "a"])
    expected = StandardScaler(with_mean=with_mean).fit(X).transform(X[:1])
    Z = Z if with_mean else Z.toarray()
    np.testing.assert_allclose(Z[:1], expected)


def test_task_must_be_passed_where_it_was_fitted_and_only_there():
    with pytest.raises(ValueError, match="pass task="):
        TaskStandardScaler().fit(X, task=TASK).transform(X)
    with pytest.raises(ValueError, match="without task labels"):
        TaskStandardScaler().fit(X).transform(X, task=TASK)
    with pytest.raises(ValueError, match="kind 'int'"):
        TaskStandardScaler().fit(X, task=TASK).transform(X, task=np.zeros(60, int))


def test_a_failed_fit_keeps_the_previous_one():
    scaler = TaskStandardScaler().fit(X, task=TASK)
    before = scaler.transform(X, task=TASK)
    with pytest.raises(ValueError, match="infinity"):
        scaler.fit(np.full((60, 3), np.inf), task=TASK)
    assert np.array_equal(scaler.transform(X, task=TASK), before)


def test_float32_stays_and_the_input_is_not_changed():
    data = X.astype(np.float32)
    data.setflags(write=False)
    Z = TaskStandardScaler().fit_transform(data, task=TASK)
    assert Z.dtype == np.float32


@pytest.mark.parametrize(
    ("frame", "name"), [(pd.DataFrame, "pandas"), (pl.DataFrame, "polars")]
)
def test_tables_in_and_out(frame, name):
    table = frame({"u": X[:, 0], "v": X[:, 1]})
    scaler = TaskStandardScaler().set_output(transform=name)
    Z = scaler.fit_transform(table, task=TASK)
    assert isinstance(Z, frame)
    if hasattr(scaler, "feature_names_in_"):  # scikit-learn 1.6 reads none of polars
        assert list(Z.columns) == ["u", "v"]
    expected = TaskStandardScaler().fit_transform(X[:, :2], task=TASK)
    np.testing.assert_allclose(Z.to_numpy(), expected)


def test_routed_through_a_pipeline():
    y = X[:, 0] + np.random.default_rng(1).normal(size=60)
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(TaskStandardScaler(), IndependentTasks(Ridge()))
        model.fit(X, y, task=TASK)
        found = model.predict(X, task=TASK)
    Z = TaskStandardScaler().fit_transform(X, task=TASK)
    expected = IndependentTasks(Ridge()).fit(Z, y, task=TASK).predict(Z, task=TASK)
    np.testing.assert_allclose(found, expected)
