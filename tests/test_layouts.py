"""Every layout and kind of task label is read right, or refused with a message."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.utils._param_validation import InvalidParameterError

from skmtl import GroupLassoRegressor

SIZES = {"A": 12, "B": 20, "C": 15}


def model(**options):
    return GroupLassoRegressor(0.05, **{"tol": 1e-12, **options})


def table(names=("A", "B", "C"), seed=0):
    """Return X, y, task with the rows of all tasks mixed."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(3), list(SIZES.values()))
    rng.shuffle(task)
    X = rng.normal(size=(len(task), 4))
    coef = np.array([[1.0, 2.0, 0, 0], [2.0, -1.0, 0, 0], [-1.0, 1.0, 0, 0]])
    y = np.einsum("ij,ij->i", X, coef[task]) + 0.1 * rng.normal(size=len(task))
    return X, y, np.array(names)[task]


def wide(missing=0.3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, 4))
    Y = X @ rng.normal(size=(4, 3)) + 0.1 * rng.normal(size=(40, 3))
    Y[rng.random(Y.shape) < missing] = np.nan
    return X, Y


def same(a, b, atol=1e-5):
    np.testing.assert_allclose(a.coef_, b.coef_, atol=atol)
    np.testing.assert_allclose(a.intercept_, b.intercept_, atol=atol)


# ------------------------------------------------------------------ kinds of labels
LABELS = {
    "str": lambda t: t,
    "str list": lambda t: t.tolist(),
    "objects": lambda t: t.astype(object),
    "column": lambda t: t[:, None],
    "pandas object": lambda t: pd.Series(t, dtype=object),
    "pandas string": lambda t: pd.Series(t, dtype="string"),
    "pandas categorical": lambda t: pd.Series(pd.Categorical(t)),
    "pandas other index": lambda t: pd.Series(t, index=np.arange(len(t))[::-1]),
    "polars": lambda t: pl.Series(t),
    "polars categorical": lambda t: pl.Series(t, dtype=pl.Categorical),
}
INTEGERS = {
    "int": lambda t: t,
    "int8": lambda t: t.astype(np.int8),
    "uint64": lambda t: t.astype(np.uint64),
    "whole floats": lambda t: t.astype(float),
    "float32": lambda t: t.astype(np.float32),
    "list": lambda t: t.tolist(),
    "objects": lambda t: t.astype(object),
    "pandas Int64": lambda t: pd.Series(t, dtype="Int64"),
    "pandas": lambda t: pd.Series(t),
    "polars": lambda t: pl.Series(t),
    "pandas categorical": lambda t: pd.Series(pd.Categorical(t)),
}


@pytest.mark.parametrize("kind", LABELS)
def test_string_labels(kind):
    X, y, task = table()
    expected = model().fit(X, y, task=task)
    given = LABELS[kind](task)
    found = model().fit(X, y, task=given)
    assert found.tasks_.tolist() == ["A", "B", "C"]
    np.testing.assert_array_equal(found.coef_, expected.coef_)
    np.testing.assert_array_equal(
        found.predict(X, task=given), expected.predict(X, task=task)
    )


@pytest.mark.parametrize("kind", INTEGERS)
def test_whole_number_labels(kind):
    X, y, task = table((-3, 5, 10))
    expected = model().fit(X, y, task=task)
    given = INTEGERS[kind](task if kind != "uint64" else task + 3)
    found = model().fit(X, y, task=given)
    shift = 3 if kind == "uint64" else 0
    assert found.tasks_.tolist() == [-3 + shift, 5 + shift, 10 + shift]
    assert found.tasks_.dtype == np.int64
    np.testing.assert_array_equal(found.coef_, expected.coef_)
    np.testing.assert_array_equal(
        found.predict(X, task=given), expected.predict(X, task=task)
    )


def test_bool_labels():
    X, y, _ = table()
    task = np.arange(len(y)) % 2 == 0
    found = model().fit(X, y, task=task)
    assert found.tasks_.tolist() == [False, True]
    same(found, model().fit(X, y, task=task.astype(int)))
    assert found.predict(X, task=True).shape == (len(y),)
    with pytest.raises(ValueError, match=r"kind 'int'.*kind 'bool'"):
        found.predict(X, task=task.astype(int))


@pytest.mark.parametrize(
    "name", ["NA in pandas string", "None", "nan", "float nan", "list with nan"]
)
def test_missing_task_labels(name):
    X, y, task = table()
    bad = {
        "NA in pandas string": pd.Series(task, dtype="string").mask(task == "A"),
        "None": np.where(task == "A", None, task.astype(object)),
        "nan": np.where(task == "A", np.nan, task.astype(object)),
        "float nan": np.where(task == "A", np.nan, 1.0),
        "list with nan": [float("nan") if t == "A" else t for t in task.tolist()],
    }[name]
    with pytest.raises(ValueError, match=r"task has 12 missing labels"):
        model().fit(X, y, task=bad)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda n: np.linspace(0, 1, n), r"strings or whole numbers, got 0\.0217"),
        (lambda n: np.full(n, np.inf), "whole numbers, got inf"),
        (lambda n: np.array(["a", 1] * n, object)[:n], "got a mixture"),
        (lambda n: np.array([True, 1] * n, object)[:n], "got a mixture"),
        (lambda n: ["a", 1] * (n // 2) + ["a"], "got a mixture"),
        (lambda n: np.array([(1, 2)] * n, "O,O"), "another type"),
        (lambda n: np.full(n, 1j), "another type"),
        (lambda n: np.full(n, np.datetime64("2020-01-01")), "another type"),
        (lambda n: np.full(n, 2**63, np.uint64), "fit into 64 bits"),
        (lambda n: [10**30] * n, "fit into 64 bits"),
        (lambda n: np.full(n, 1e300), "fit into 64 bits"),
        (lambda n: np.arange(n + 1), "one label per row"),
        (lambda n: np.zeros((n, 2), int), "one label per row"),
    ],
)
def test_labels_that_are_no_labels(bad, message):
    X, y, _ = table()
    with pytest.raises(ValueError, match=message):
        model().fit(X, y, task=bad(len(y)))


# ------------------------------------------------------------------ order of the tasks
def test_tasks_are_sorted():
    X, y, task = table(("b", "a", "C"))
    assert model().fit(X, y, task=task).tasks_.tolist() == ["C", "a", "b"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_categories_keep_their_order_and_lose_the_unused(library):
    X, y, task = table()
    order = ["C", "unused", "A", "B"]
    given = (
        pd.Series(pd.Categorical(task, categories=order, ordered=True))
        if library == "pandas"
        else pl.Series(task, dtype=pl.Enum(order))
    )
    found = model().fit(X, y, task=given)
    assert found.tasks_.tolist() == ["C", "A", "B"]
    expected = model().fit(X, y, task=task)
    np.testing.assert_allclose(found.coef_, expected.coef_[[2, 0, 1]], atol=1e-9)
    np.testing.assert_allclose(
        found.predict(X, task=given), expected.predict(X, task=task), atol=1e-9
    )


def test_tasks_without_weight_are_dropped():
    X, y, task = table()
    found = model().fit(X, y, task=task, sample_weight=(task != "B") * 1.0)
    assert found.tasks_.tolist() == ["A", "C"]
    same(found, model().fit(X[task != "B"], y[task != "B"], task=task[task != "B"]))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_wide_columns_name_the_tasks_in_their_order(library):
    X, Y = wide(0.0)
    frame = pd.DataFrame(Y, columns=["z", "a", "m"])
    frame = frame if library == "pandas" else pl.from_pandas(frame)
    found = model().fit(X, frame)
    assert found.tasks_.tolist() == ["z", "a", "m"]
    same(found, model().fit(X, Y), 0)
    assert found.predict(X).shape == (40, 3)
    np.testing.assert_allclose(
        found.predict(X, task="a"), found.predict(X)[:, 1], atol=1e-12
    )
    picked = np.array(["m", "z"] * 20)
    np.testing.assert_allclose(
        found.predict(X, task=picked),
        found.predict(X)[np.arange(40), np.where(picked == "m", 2, 0)],
        atol=1e-12,
    )


def test_wide_integer_columns_and_arrays():
    X, Y = wide(0.0)
    frame = pd.DataFrame(Y, columns=[30, 10, 20])
    assert model().fit(X, frame).tasks_.tolist() == [30, 10, 20]
    assert model().fit(X, Y).tasks_.tolist() == [0, 1, 2]
    assert model().fit(X, Y.tolist()).tasks_.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("columns", "message"),
    [(["a", "a", "b"], "must differ"), (["a", 1, "b"], "all strings or all integers")],
)
def test_wide_columns_that_name_nothing(columns, message):
    X, Y = wide(0.0)
    with pytest.raises(ValueError, match=message):
        model().fit(X, pd.DataFrame(Y, columns=columns))


# ------------------------------------------------------------------ between layouts
def test_wide_equals_long():
    X, Y = wide()
    rows, columns = np.nonzero(~np.isnan(Y))
    long = model().fit(X[rows], Y[rows, columns], task=columns)
    same(model().fit(X, Y), long)


def test_nullable_and_object_wide_labels():
    X, Y = wide()
    expected = model().fit(X, Y)
    frame = pd.DataFrame(Y).astype("Float64")
    same(model().fit(X, frame), expected, 0)
    same(model().fit(X, pl.DataFrame(np.where(np.isnan(Y), None, Y))), expected, 0)
    same(model().fit(X, np.where(np.isnan(Y), None, Y)), expected, 0)


def test_single_layout_and_scalar_task():
    X, y, _ = table()
    single = model().fit(X, y)
    assert single.tasks_.tolist() == [0]
    assert single.coef_.shape == (1, 4)
    assert single.intercept_.shape == (1,)
    scalar = model().fit(X, y, task="only")
    assert scalar.tasks_.tolist() == ["only"]
    same(single, scalar, 0)
    np.testing.assert_array_equal(scalar.predict(X, task="only"), single.predict(X))


def test_column_of_y():
    X, y, task = table()
    with pytest.warns(UserWarning, match="column-vector y"):
        found = model().fit(X, y[:, None], task=task)
    same(found, model().fit(X, y, task=task), 0)
    one = model().fit(X, y[:, None])
    assert one.predict(X).shape == (len(y), 1)
    np.testing.assert_array_equal(one.coef_, model().fit(X, y).coef_)


def test_wide_y_and_task():
    X, Y = wide()
    with pytest.raises(ValueError, match="wide_to_long"):
        model().fit(X, Y, task=np.zeros(40, int))


def test_three_dimensional_y():
    with pytest.raises(ValueError, match="one or two dimensions"):
        model().fit(np.eye(3), np.zeros((3, 1, 1)))


def test_task_is_keyword_only():
    X, y, task = table()
    fitted = model().fit(X, y, task=task)
    for call in (lambda: model().fit(X, y, task), lambda: fitted.predict(X, task)):
        with pytest.raises(TypeError, match="positional"):
            call()


# ------------------------------------------------------------------ prediction
def test_unseen_task_raises():
    X, y, task = table()
    fitted = model().fit(X, y, task=task)
    with pytest.raises(ValueError, match=r"never seen in fit: 'D' in 2 rows.*'A', 'B'"):
        fitted.predict(X[:4], task=["A", "D", "B", "D"])
    with pytest.raises(ValueError, match="never seen in fit: 'D' in 47 rows"):
        fitted.predict(X, task="D")


@pytest.mark.parametrize("task_weight", [None, "n_samples", {"A": 1, "B": 5, "C": 2}])
def test_unseen_task_gets_the_weighted_mean(task_weight):
    X, y, task = table()
    fitted = model(unseen="shared", task_weight=task_weight).fit(X, y, task=task)
    weights = {
        None: [1, 1, 1],
        "n_samples": list(SIZES.values()),
    }.get(task_weight if not isinstance(task_weight, dict) else "", [1, 5, 2])
    coef = np.average(fitted.coef_, axis=0, weights=weights)
    intercept = np.average(fitted.intercept_, weights=weights)
    with pytest.warns(UserWarning, match="'D' in 1 rows.*shared part"):
        found = fitted.predict(X[:2], task=["D", "B"])
    assert found[0] == pytest.approx(X[0] @ coef + intercept, rel=1e-9)
    assert found[1] == pytest.approx(X[1] @ fitted.coef_[1] + fitted.intercept_[1])


def test_seen_tasks_do_not_warn_under_shared():
    X, y, task = table()
    fitted = model(unseen="shared").fit(X, y, task=task)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.predict(X, task=task)


@pytest.mark.parametrize("unseen", ["raise", "shared"])
def test_kinds_do_not_mix(unseen):
    X, y, task = table((0, 1, 2))
    fitted = model(unseen=unseen).fit(X, y, task=task)
    with pytest.raises(ValueError, match=r"kind 'str'.*fitted with labels of kind"):
        fitted.predict(X, task=task.astype(str))
    with pytest.raises(ValueError, match=r"kind 'str'.*kind 'int'"):
        fitted.predict(X, task="0")


def test_task_or_not_as_in_fit():
    X, y, task = table()
    with pytest.raises(ValueError, match=r"fitted with task labels; pass task="):
        model().fit(X, y, task=task).predict(X)
    with pytest.raises(ValueError, match="fitted without task labels"):
        model().fit(X, y).predict(X, task=task)


def test_empty_prediction_is_refused_like_sklearn_does():
    X, y, task = table()
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        model().fit(X, y, task=task).predict(X[:0], task=task[:0])


def test_wrong_length_of_task_in_predict():
    X, y, task = table()
    fitted = model().fit(X, y, task=task)
    with pytest.raises(ValueError, match=r"X has 47 rows, task has shape \(46,\)"):
        fitted.predict(X, task=task[1:])


# ------------------------------------------------------------------ weights
def fit_layout(layout, X, y, task, **extra):
    if layout == "wide":
        return model(**extra.pop("options", {})).fit(X, y, **extra)
    return model(**extra.pop("options", {})).fit(X, y, task=task, **extra)


@pytest.mark.parametrize("layout", ["long", "single", "wide"])
def test_weight_zero_is_absence(layout):
    X, y, task = (*wide(), None) if layout == "wide" else table()
    task = None if layout == "single" else task
    keep = np.arange(len(y)) % 3 != 0
    spoiled = X.copy()
    spoiled[~keep] = 1e6
    found = fit_layout(layout, spoiled, y, task, sample_weight=keep * 1.0)
    absent = fit_layout(layout, X[keep], y[keep], None if task is None else task[keep])
    same(found, absent, 1e-6)
    assert found.objective_ == pytest.approx(absent.objective_, rel=1e-9)


@pytest.mark.parametrize("layout", ["long", "single", "wide"])
def test_weight_two_is_the_row_twice(layout):
    X, y, task = (*wide(), None) if layout == "wide" else table()
    task = None if layout == "single" else task
    weight = 1.0 + (np.arange(len(y)) % 2)
    times = weight.astype(int)
    found = fit_layout(layout, X, y, task, sample_weight=weight)
    again = None if task is None else np.repeat(task, times)
    twice = fit_layout(layout, np.repeat(X, times, 0), np.repeat(y, times, 0), again)
    same(found, twice, 1e-6)
    assert found.objective_ == pytest.approx(twice.objective_, rel=1e-9)


def test_common_factor_of_weights_is_immaterial():
    X, y, task = table()
    weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    same(
        model().fit(X, y, task=task, sample_weight=weight),
        model().fit(X, y, task=task, sample_weight=weight * 1e-12),
        1e-7,
    )


def test_shapes_of_weights():
    X, Y = wide()
    row = np.random.default_rng(1).uniform(0.5, 2, 40)
    by_row = model().fit(X, Y, sample_weight=row)
    same(by_row, model().fit(X, Y, sample_weight=np.tile(row[:, None], 3)), 0)
    same(model().fit(X, Y), model().fit(X, Y, sample_weight=2.0), 1e-9)
    same(by_row, model().fit(X, Y, sample_weight=row.tolist()), 0)
    same(by_row, model().fit(X, Y, sample_weight=pd.Series(row)), 0)


def test_weight_matrix_masks_like_nan():
    X, Y = wide(0.0)
    hide = np.random.default_rng(1).random(Y.shape) < 0.3
    same(
        model().fit(X, Y, sample_weight=~hide * 1.0),
        model().fit(X, np.where(hide, np.nan, Y)),
        0,
    )


# ------------------------------------------------------------------ equivariance
@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize("solver", ["bcd", "fista"])
def test_permutations_permute_the_answer(layout, solver):
    X, y, task = (*wide(), None) if layout == "wide" else table()
    rng = np.random.default_rng(3)
    rows, features = rng.permutation(len(y)), rng.permutation(4)
    options = {"solver": solver}
    expected = fit_layout(layout, X, y, task, options=options)
    by_row = fit_layout(
        layout, X[rows], y[rows], None if task is None else task[rows], options=options
    )
    same(by_row, expected)
    by_feature = fit_layout(layout, X[:, features], y, task, options=options)
    np.testing.assert_allclose(by_feature.coef_, expected.coef_[:, features], atol=1e-5)
    if layout == "wide":
        by_task = model(**options).fit(X, y[:, [2, 0, 1]])
    else:
        names = np.select([task == "A", task == "B"], ["y", "z"], "x")
        by_task = model(**options).fit(X, y, task=names)
    np.testing.assert_allclose(by_task.coef_, expected.coef_[[2, 0, 1]], atol=1e-5)
    np.testing.assert_allclose(
        by_task.intercept_, expected.intercept_[[2, 0, 1]], atol=1e-5
    )


# ------------------------------------------------------------------ containers of X
CONTAINERS = {
    "F order": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "reversed": lambda X: X[::-1][::-1],
    "read-only": lambda X: np.lib.stride_tricks.as_strided(X, writeable=False),
    "list": lambda X: X.tolist(),
    "objects": lambda X: X.astype(object),
    "big endian": lambda X: X.astype(">f8"),
    "csr": sparse.csr_array,
    "csc matrix": sparse.csc_matrix,
    "pandas": lambda X: pd.DataFrame(X, columns=list("abcd")),
    "pandas nullable": lambda X: pd.DataFrame(X, columns=list("abcd")).astype(
        "Float64"
    ),
    "polars": lambda X: pl.DataFrame(X, schema=list("abcd")),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_containers(container, layout):
    X, y, task = (*wide(), None) if layout == "wide" else table()
    expected = fit_layout(layout, X, y, task)
    given = CONTAINERS[container](X)
    found = fit_layout(layout, given, y, task)
    same(found, expected, 1e-9)
    extra = {} if task is None else {"task": task}
    np.testing.assert_allclose(
        found.predict(given, **extra), expected.predict(X, **extra), atol=1e-9
    )


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.int8, bool])
def test_dtypes_of_X_are_computed_in_float64(dtype):
    X, y, task = table()
    X = (4 * X).astype(dtype)
    found = model().fit(X, y, task=task)
    assert found.coef_.dtype == np.float64
    same(found, model().fit(X.astype(float), y, task=task), 0)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, object, bool])
def test_dtypes_of_y(dtype):
    X, y, task = table()
    y = (4 * y).astype(dtype)
    same(model().fit(X, y, task=task), model().fit(X, y.astype(float), task=task), 0)


def test_nothing_given_is_changed():
    X, y, task = table()
    weight = np.ones(len(y))
    before = [a.copy() for a in (X, y, task, weight)]
    for a in (X, y, task, weight):
        a.flags.writeable = False
    for options in ({}, {"scale_y": True}, {"fit_intercept": False}):
        model(**options).fit(X, y, task=task, sample_weight=weight)
    for a, b in zip((X, y, task, weight), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_feature_names():
    X, y, task = table()
    frame = pd.DataFrame(X, columns=list("abcd"))
    fitted = model().fit(frame, y, task=task)
    assert fitted.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame[list("dcba")], task=task)


def test_a_plain_table_is_taken_as_it_is_and_others_are_still_refused():
    X, y, task = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20.0), 0
    model = GroupLassoRegressor(0.1)
    names, last = list("abc"), np.arange(60).reshape(20, 3) == 59
    model.fit(pd.DataFrame(X, columns=names), y, task=task)
    assert model.feature_names_in_.tolist() == names
    model.fit(np.asfortranarray(X[:, :2]), y, task=task)
    assert model.n_features_in_ == 2
    assert not hasattr(model, "feature_names_in_")
    with pytest.raises(ValueError, match="X has 3 features"):
        model.predict(X, task=task)
    for bad, message in (
        (np.where(last, np.nan, X), "contains NaN"),
        (np.where(last, -np.inf, X), "contains infinity"),
        (np.where(last, 1e200, X), "too large to be squared"),
        (X[:, :0], "0 feature"),
        (X[:, 0], "2D array"),
        (X[None], "dim 3"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(bad, y[: len(bad)], task=task)
    assert model.n_features_in_ == 2


def test_each_class_has_parameters_of_its_own():
    class Narrow(GroupLassoRegressor):
        def __init__(self, alpha=2.0):
            super().__init__(alpha)

    GroupLassoRegressor().get_params()
    assert Narrow().get_params(deep=False) == {"alpha": 2.0}
    assert "tol" in GroupLassoRegressor().get_params(deep=False)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"max_iter": 10}, {"max_iter": 10.0}),
        ({"fit_intercept": True}, {"fit_intercept": 1}),
        ({"alpha": 1.0}, {"alpha": -1.0}),
        ({"tol": 0.1}, {"tol": float("nan")}),
        ({"task_weight": None}, {"task_weight": [1.0]}),
    ],
)
def test_parameters_are_checked_again_where_they_differ(good, bad):
    """What is remembered of good ones tells equal values of other types apart."""
    X, y, task = table()
    model = GroupLassoRegressor(0.1, tol=0.1).set_params(**good).fit(X, y, task=task)
    for _ in range(2):
        with pytest.raises(InvalidParameterError, match=next(iter(bad))):
            model.set_params(**bad).fit(X, y, task=task)
    model.set_params(**good).fit(X, y, task=task)
