"""Bad input gives its message, and leaves the previous fit as it was."""

import copy
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from skmtl import (
    GroupLassoClassifier,
    GroupLassoRegressor,
    duality_gap,
    kkt_residual,
    objective,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4))
TASK = np.repeat(["A", "B", "C"], 10)
Y = X[:, 0] + RNG.normal(size=30)
WIDE = np.column_stack([Y, -Y, X[:, 1]])
CLASSES = np.arange(30) % 2


def put(array, index, value):
    changed = np.array(array, dtype=object if isinstance(value, str) else None)
    changed[index] = value
    return changed


def kept(estimator):
    """Return a deep copy of what the estimator knows."""
    return {name: copy.deepcopy(value) for name, value in vars(estimator).items()}


def assert_unchanged(estimator, before):
    assert vars(estimator).keys() == before.keys()
    for name, value in vars(estimator).items():
        np.testing.assert_equal(value, before[name], err_msg=name)


def refuse(model, message, kind=ValueError, **arguments):
    """Assert that a fitted model refuses to be fitted to this, and stays as it was."""
    model.fit(X, (Y if "Regressor" in type(model).__name__ else CLASSES), task=TASK)
    return refuse_again(model, message, kind, **arguments)


def refuse_again(model, message, kind=ValueError, **arguments):
    before, predicted = kept(model), model.predict(X, task=TASK)
    with pytest.raises(kind, match=message):
        model.fit(**arguments)
    assert_unchanged(model, before)
    np.testing.assert_array_equal(model.predict(X, task=TASK), predicted)


LONG = {"X": X, "y": Y, "task": TASK}
BAD_DATA = {
    "nan in X": ({"X": put(X, (3, 1), np.nan)}, "X contains NaN"),
    "inf in X": ({"X": put(X, (3, 1), np.inf)}, "X contains infinity"),
    "nan in sparse X": (
        {"X": sparse.csr_array(put(X, (3, 1), np.nan))},
        "contains NaN",
    ),
    "all nan": ({"X": np.full_like(X, np.nan)}, "X contains NaN"),
    "nan in y": ({"y": put(Y, 3, np.nan)}, r"y contains NaN \(1 of 30 labels\)"),
    "all nan y": ({"y": np.full(30, np.nan)}, r"y contains NaN \(30 of 30"),
    "inf in y": ({"y": put(Y, 3, -np.inf)}, "y contains infinity"),
    "None in y": ({"y": put(Y.astype(object), 3, None)}, "y contains NaN"),
    "text in y": ({"y": put(Y, 3, "high")}, "y must be numeric.*'high'"),
    "text column": (
        {"X": pd.DataFrame(X, columns=list("abcd")).assign(sex=["f", "m"] * 15)},
        "could not convert string to float",
    ),
    "objects": ({"X": put(X, (0, 0), "high")}, "could not convert string to float"),
    "complex X": ({"X": X + 1j}, "Complex data not supported"),
    "complex y": ({"y": Y + 1j}, "Complex data not supported"),
    "short y": ({"y": Y[1:], "task": TASK[1:]}, "X has 30 rows, y has 29"),
    "short task": ({"task": TASK[1:]}, r"one label per row: y has shape \(30,\), task"),
    "one-dimensional X": ({"X": X[:, 0]}, "Expected 2D array, got 1D"),
    "no rows": ({"X": X[:0], "y": Y[:0], "task": TASK[:0]}, "no|minimum of 1|empty"),
    "no columns": ({"X": X[:, :0]}, r"0 feature\(s\)"),
    "no y": ({"y": None}, "requires y to be passed"),
    "nan weight": ({"sample_weight": put(np.ones(30), 0, np.nan)}, "must be finite"),
    "inf weight": ({"sample_weight": put(np.ones(30), 0, np.inf)}, "must be finite"),
    "negative weight": (
        {"sample_weight": put(np.ones(30), 0, -2.0)},
        "must not be negative; the smallest is -2. Weight 0 leaves a row out",
    ),
    "weights all zero": (
        {"sample_weight": np.zeros(30)},
        "All sample weights are zero",
    ),
    "weights of another shape": (
        {"sample_weight": np.ones(29)},
        r"sample_weight has shape \(29,\); .*must have shape \(30,\)",
    ),
    "weight matrix of a long y": (
        {"sample_weight": np.ones((30, 3))},
        r"sample_weight has shape \(30, 3\)",
    ),
    "task of one row": (
        {"task": put(TASK, 0, "Z")},
        r"Task 'Z' has 1 row \(1 sample\); at least 2 are needed to fit an intercept. "
        "Drop it or pass fit_intercept=False",
    ),
    "task left with one row by weights": (
        {"sample_weight": ((TASK != "B") | (np.arange(30) == 12)) * 1.0},
        "Task 'B' has 1 row",
    ),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data(name):
    changes, message = BAD_DATA[name]
    refuse(GroupLassoRegressor(0.1), message, **{**LONG, **changes})


NOT_OF_CLASSES = {"text in y", "inf in y", "complex y"}
# A classifier leaves a task of one row out: its one label is one class.
NOT_OF_CLASSES |= {n for n in BAD_DATA if n.startswith("task ")}


@pytest.mark.parametrize("name", [n for n in BAD_DATA if n not in NOT_OF_CLASSES])
def test_bad_data_for_classes(name):
    changes, message = BAD_DATA[name]
    changes = {"X": X, "y": CLASSES, "task": TASK, **changes}
    if changes["y"] is not None:
        missing = np.array([v is None or v != v for v in np.asarray(changes["y"])])
        changes["y"] = np.where(missing, np.nan, CLASSES[: len(missing)])
    refuse(GroupLassoClassifier(0.01), message, **changes)


@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
def test_sparse_y(kind):
    refuse(
        kind(), "Sparse data was passed for y", TypeError, X=X, y=sparse.csr_array(WIDE)
    )


PARAMETERS = [
    ({"alpha": -1}, "alpha"),
    ({"alpha": "a"}, "alpha"),
    ({"alpha": np.nan}, "alpha"),
    ({"alpha": np.inf}, "alpha"),
    ({"alpha": None}, "alpha"),
    ({"l1_ratio": -0.1}, "l1_ratio"),
    ({"l1_ratio": 1.1}, "l1_ratio"),
    ({"ridge": -1}, "ridge"),
    ({"ridge": np.inf}, "ridge"),
    ({"tol": -1e-3}, "tol"),
    ({"tol": np.nan}, "tol"),
    ({"max_iter": 0}, "max_iter"),
    ({"max_iter": 1.5}, "max_iter"),
    ({"solver": "saga"}, "solver"),
    ({"unseen": "ignore"}, "unseen"),
    ({"fit_intercept": "yes"}, "fit_intercept"),
    ({"warm_start": 2}, "warm_start"),
    ({"task_weight": "balanced"}, "task_weight"),
    ({"task_weight": [1, 2, 3]}, "task_weight"),
]


@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
@pytest.mark.parametrize(("change", "name"), PARAMETERS, ids=str)
def test_bad_parameters(kind, change, name):
    y = Y if kind is GroupLassoRegressor else CLASSES
    model = kind(0.1).fit(X, y, task=TASK)
    model.set_params(**change)
    message = f"'{name}' parameter of {kind.__name__} must be"
    refuse_again(model, message, **{**LONG, "y": y})


def test_parameters_of_one_kind_only():
    for model, change in (
        (GroupLassoRegressor(0.1), {"scale_y": "yes"}),
        (GroupLassoClassifier(0.1), {"class_weight": "even"}),
    ):
        name = next(iter(change))
        y = Y if name == "scale_y" else CLASSES
        model.fit(X, y, task=TASK).set_params(**change)
        refuse_again(model, f"'{name}' parameter", **{**LONG, "y": y})


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"A": 1.0, "B": 1.0}, "task_weight has no weight for task 'C'"),
        ({"A": 1.0, "B": 1.0, "C": 0.0}, "task_weight of task 'C' is 0"),
        ({"A": 1.0, "B": -2.0, "C": 1.0}, "task_weight of task 'B' is -2"),
        ({"A": np.nan, "B": 1.0, "C": 1.0}, "task_weight of task 'A' is nan"),
        ({"A": "x", "B": 1.0, "C": 1.0}, "task_weight|could not convert"),
    ],
)
def test_bad_task_weights(weights, message):
    model = GroupLassoRegressor(0.1).fit(X, Y, task=TASK)
    refuse_again(model.set_params(task_weight=weights), message, **LONG)


@pytest.mark.parametrize("weight", [0, -1, np.nan, np.inf])
def test_bad_class_weights(weight):
    model = GroupLassoClassifier(0.1).fit(X, CLASSES, task=TASK)
    model.set_params(class_weight={0: 1, 1: weight})
    message = "class_weight of class 1 must be positive and finite"
    refuse_again(model, message, **{**LONG, "y": CLASSES})


def test_weights_of_absent_tasks_are_ignored():
    weights = {"A": 1.0, "B": 1.0, "C": 1.0, "D": 7.0}
    GroupLassoRegressor(task_weight=weights).fit(X, Y, task=TASK)


def test_no_penalty_at_all():
    model = GroupLassoRegressor(0.1).fit(X, Y, task=TASK)
    message = "no penalty left. Use IndependentTasks around an unpenalised model"
    refuse_again(model.set_params(alpha=0), message, **LONG)


# ------------------------------------------------------------------ wide labels
def test_column_without_labels():
    message = "Task 1 has no observed label with positive weight. Drop its column"
    empty = put(WIDE, (slice(None), 1), np.nan)
    for kind, labels in (
        (GroupLassoRegressor, empty),
        (GroupLassoClassifier, np.where(np.isnan(empty), np.nan, empty > 0)),
    ):
        with pytest.raises(ValueError, match=message):
            kind().fit(X, labels)
    named = pd.DataFrame(empty, columns=["u", "v", "w"])
    with pytest.raises(ValueError, match="Task 'v' has no observed label"):
        GroupLassoRegressor().fit(X, named)
    with pytest.raises(ValueError, match="Task 2 has no observed label"):
        GroupLassoRegressor().fit(X, WIDE, sample_weight=np.ones((30, 3)) * [1, 1, 0])


def test_no_tasks_at_all():
    with pytest.raises(ValueError, match="y has no columns"):
        GroupLassoRegressor().fit(X, np.empty((30, 0)))


def test_wide_task_of_one_label():
    one = put(WIDE, (slice(1, None), 1), np.nan)
    with pytest.raises(ValueError, match="Task 1 has 1 row"):
        GroupLassoRegressor().fit(X, one)
    model = GroupLassoRegressor(0.1, fit_intercept=False).fit(X, one)
    assert model.coef_.shape == (3, 4)


# ------------------------------------------------------------------ odd labels
def test_constant_task_labels():
    y = np.where(TASK == "B", 2.5, Y)
    for options in ({}, {"scale_y": True}):
        model = GroupLassoRegressor(0.01, tol=1e-10, **options).fit(X, y, task=TASK)
        np.testing.assert_allclose(model.predict(X, task="B"), 2.5, rtol=1e-9)


def test_single_class_task():
    y = np.where(TASK == "B", 1, CLASSES)
    model = GroupLassoClassifier(0.001)
    message = r"1 task\(s\) have labels of one class only.*\('B'\)"
    with pytest.warns(UserWarning, match=message):
        model.fit(X, y, task=TASK)
    assert model.tasks_.tolist() == ["A", "B", "C"]
    assert model.coef_.shape == (3, 4)
    assert not model.coef_[1].any()
    assert model.task_classes_["B"].tolist() == [1]
    assert (model.predict(X, task="B") == 1).all()
    proba = model.predict_proba(X, task=TASK)[TASK == "B"]
    np.testing.assert_array_equal(proba, [[0, 1]] * 10)
    rest = TASK != "B"
    others = GroupLassoClassifier(0.001).fit(X[rest], y[rest], task=TASK[rest])
    np.testing.assert_allclose(model.coef_[[0, 2]], others.coef_, atol=1e-9)


def test_one_class_everywhere():
    model = GroupLassoClassifier()
    with pytest.warns(UserWarning, match=r"3 task\(s\) have labels of one class"):
        model.fit(X, np.ones(30, int), task=TASK)
    assert (model.predict(X, task=TASK) == 1).all()
    assert model.converged_
    assert model.dual_gap_ == 0
    y = np.ones(30, int)
    assert duality_gap(model, X, y, task=TASK) == objective(model, X, y, task=TASK) == 0
    assert not kkt_residual(model, X, y, task=TASK).any()


def test_continuous_classes():
    refuse(GroupLassoClassifier(), "Unknown label type: continuous", **LONG)


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_units(layout):
    if layout == "wide":
        data, extra = WIDE * [1, 1000, 1], {}
        names = "1.*2"
    else:
        data, extra = np.where(TASK == "B", 1000 * Y, Y), {"task": TASK}
        names = "'B'.*'[AC]'"
    text = rf"labels of task {names}.*different units"
    with pytest.warns(UserWarning, match=text) as caught:
        GroupLassoRegressor(0.1).fit(X, data, **extra)
    assert len(caught) == 1
    assert "scale_y=True" in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GroupLassoRegressor(0.1, scale_y=True).fit(X, data, **extra)
        GroupLassoRegressor(0.1).fit(X, np.clip(Y, -3, 3), task=TASK)


# ------------------------------------------------------------------ odd features
ODD_FEATURES = {
    "constant": lambda x: np.full_like(x, 7.0),
    "zero": np.zeros_like,
    "copies": lambda x: X[:, 0],
    "tiny": lambda x: 1e-6 * x,
    "huge": lambda x: 1e6 * x,
    "far": lambda x: x + 1e8,
    "denormal": lambda x: 1e-310 * x,
    "one entry": lambda x: np.where(np.arange(30) == 3, 1.0, 0.0),
}


@pytest.mark.parametrize("solver", ["bcd", "fista"])
@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
@pytest.mark.parametrize("name", ODD_FEATURES)
def test_odd_features(name, kind, solver):
    odd = X.copy()
    odd[:, 2] = ODD_FEATURES[name](X[:, 2])
    y = Y if kind is GroupLassoRegressor else CLASSES
    model = kind(0.01, solver=solver, tol=1e-6).fit(odd, y, task=TASK)
    assert model.converged_
    assert np.isfinite(model.coef_).all()
    assert duality_gap(model, odd, y, task=TASK) <= 2 * model.dual_gap_ + 1e-12
    if name in {"constant", "zero", "denormal"}:
        assert not model.coef_[:, 2].any()


@pytest.mark.parametrize("size", [1e160, 1e300])
@pytest.mark.parametrize("where", ["X", "y"])
def test_numbers_too_large_to_square(where, size):
    big = {**LONG, where: size * LONG[where]}
    refuse(GroupLassoRegressor(0.1), "too large", **big)


# ------------------------------------------------------------------ prediction
def test_predict_before_fit():
    from sklearn.exceptions import NotFittedError

    for method in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(NotFittedError):
            getattr(GroupLassoClassifier(), method)(X)


@pytest.mark.parametrize(
    ("features", "task", "message"),
    [
        (X, None, "fitted with task labels; pass task="),
        (X, "D", "never seen in fit: 'D'"),
        (X, 0, "kind 'int'.*kind 'str'"),
        (X, TASK[1:], "one label per row of X"),
        (X[:, 1:], TASK, "X has 3 features, but GroupLassoRegressor is expecting 4"),
        (put(X, (0, 0), np.nan), TASK, "X contains NaN"),
        (X[0], "A", "Expected 2D array"),
        (X, np.where(TASK == "A", np.nan, 1.0), "10 missing labels"),
    ],
)
def test_bad_prediction(features, task, message):
    model = GroupLassoRegressor(0.1).fit(X, Y, task=TASK)
    with pytest.raises(ValueError, match=message):
        model.predict(features, task=task)


def test_bad_scores():
    model = GroupLassoRegressor(0.1).fit(X, WIDE)
    with pytest.raises(ValueError, match="one column for each of the 3 fitted tasks"):
        model.score(X, WIDE[:, :2])
    named = GroupLassoRegressor(0.1).fit(X, pd.DataFrame(WIDE, columns=list("abc")))
    with pytest.raises(ValueError, match="are not the fitted tasks"):
        named.score(X, pd.DataFrame(WIDE, columns=list("bca")))


@pytest.mark.parametrize("function", [duality_gap, objective, kkt_residual])
def test_bad_diagnostics(function):
    from sklearn.exceptions import NotFittedError
    from sklearn.linear_model import Lasso

    with pytest.raises(NotFittedError):
        function(GroupLassoRegressor(), X, Y)
    with pytest.raises(TypeError, match="Lasso is no convex linear model of skmtl"):
        function(Lasso().fit(X, Y), X, Y)
    model = GroupLassoRegressor(0.1).fit(X, Y, task=TASK)
    with pytest.raises(ValueError, match="the model was fitted to"):
        function(model, X[:20], Y[:20], task=TASK[:20])


def test_first_fit_that_fails_leaves_nothing():
    model = GroupLassoRegressor(0.1)
    before = set(vars(model))
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.full_like(X, np.nan), Y, task=TASK)
    assert set(vars(model)) == before


def test_interrupted_fit_leaves_the_previous_one(monkeypatch):
    model = GroupLassoRegressor(0.1).fit(X, Y, task=TASK)
    before = kept(model)

    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("skmtl.linear_model.base.solve", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:, :2], Y)
    assert_unchanged(model, before)


def test_messages_name_what_the_user_wrote():
    """No representation of numpy scalars, such as np.str_('A'), in any message."""
    texts = []
    for changes, _ in BAD_DATA.values():
        with pytest.raises((ValueError, TypeError)) as caught:
            GroupLassoRegressor(0.1).fit(**{**LONG, **changes})
        texts.append(str(caught.value))
    assert not [t for t in texts if re.search(r"np\.\w+_?\d*\(", t)]
