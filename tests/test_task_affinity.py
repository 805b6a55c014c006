"""Which tasks help each other: pairs by hand, coefficients, and groups of tasks."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from joblib import parallel_config
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_selection import RFE
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmtl import (
    GroupLassoRegressor,
    IndependentTasks,
    PooledTasks,
    TaskGraphRegressor,
    make_mtl_pipeline,
    make_related_tasks,
    select_tasks,
    task_affinity,
)
from skmtl.comparison import TaskAffinity, TaskSelection
from skmtl.comparison._grouping import partition

CLUSTER = np.array([0, 0, 0, 1, 1, 1, 2])
NAMES = np.array(["a", "b", "c", "p", "q", "r", "z"])


def planted(seed=0, n=30, p=30):
    """Return X, y, task: two clusters of three tasks, and one on its own."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(3, p))
    coef = centres[CLUSTER] + 0.1 * rng.normal(size=(7, p))
    t = rng.permutation(np.repeat(np.arange(7), n))
    X = rng.normal(size=(7 * n, p))
    y = (X * coef[t]).sum(axis=1) + 3 * t + rng.normal(size=7 * n)
    return X, y, NAMES[t]


def few(seed=0):
    """Return X, y, task of three tasks: two alike and one opposed."""
    rng = np.random.default_rng(seed)
    X, t = rng.normal(size=(90, 6)), np.arange(90) % 3
    y = X[:, 0] * np.array([1.0, 1.0, -1.0])[t] + X[:, 1] + 0.7 * rng.normal(size=90)
    return X, y, np.array(["a", "b", "c"])[t]


def wide(seed=0):
    """Return X and a wide Y with holes, of the same kind."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(80, 6))
    Y = X[:, [0]] * [1.0, 1.0, -1.0] + X[:, [1]] + 0.7 * rng.normal(size=(80, 3))
    Y[rng.random(Y.shape) < 0.25] = np.nan
    return X, pd.DataFrame(Y, columns=["a", "b", "c"])


FOLDS = [
    (np.flatnonzero(np.arange(80) % 4 != k), np.arange(k, 80, 4)) for k in range(4)
]
LONG = [
    (
        np.flatnonzero(np.arange(90) // 3 % 4 != k),
        np.flatnonzero(np.arange(90) // 3 % 4 == k),
    )
    for k in range(4)
]


# ---------------------------------------------------------------- pairs
def by_hand(alone, together, n_train, n_test):
    """Return the relative gain and its corrected error."""
    gains = np.subtract(alone, together)
    ratio = np.sum(n_test) / np.sum(n_train)
    error = gains.std(ddof=1) * np.sqrt(1 / len(gains) + ratio)
    return gains.mean() / np.mean(alone), error / np.mean(alone)


@pytest.mark.parametrize("model", [PooledTasks(Ridge()), GroupLassoRegressor(0.1)])
def test_long_pairs_by_hand(model):
    X, y, task = few()
    found = task_affinity(X, y, task=task, estimator=model, cv=LONG)
    assert found.tasks.tolist() == ["a", "b", "c"]
    assert (np.diag(found.affinity) == 0).all()
    for i, t in enumerate("abc"):
        for j, s in enumerate("abc"):
            losses, sizes = {(t,): [], (t, s): []}, []
            for train, test in LONG:
                mine = test[task[test] == t]
                sizes.append([(task[train] == t).sum(), len(mine)])
                for company, own in losses.items():
                    rows = train[np.isin(task[train], company)]
                    fitted = clone(model).fit(X[rows], y[rows], task=task[rows])
                    errors = y[mine] - fitted.predict(X[mine], task=t)
                    own.append(np.mean(errors**2))
            if t != s:
                gain, error = by_hand(
                    losses[(t,)], losses[(t, s)], *np.transpose(sizes)
                )
                np.testing.assert_allclose(found.affinity[i, j], gain)
                np.testing.assert_allclose(found.error[i, j], error)


@pytest.mark.parametrize("weighted", [False, True])
def test_wide_pairs_by_hand(weighted):
    X, Y = wide()
    weight = np.random.default_rng(1).uniform(0.5, 2, Y.shape) if weighted else None
    model = PooledTasks(Ridge())
    found = task_affinity(X, Y, estimator=model, cv=FOLDS, sample_weight=weight)
    weight = np.ones(Y.shape) if weight is None else weight
    values = Y.to_numpy()
    for t, s in [(0, 1), (1, 0), (2, 0)]:
        losses, sizes = {(t,): [], tuple(sorted((t, s))): []}, []
        for train, test in FOLDS:
            mine = test[np.isfinite(values[test, t])]
            sizes.append([np.isfinite(values[train, t]).sum(), len(mine)])
            for company, own in losses.items():
                part = values[np.ix_(train, company)]
                fitted = clone(model).fit(
                    X[train], part, sample_weight=weight[np.ix_(train, company)]
                )
                predicted = fitted.predict(X[mine])[:, company.index(t)]
                errors = (values[mine, t] - predicted) ** 2
                own.append(np.average(errors, weights=weight[mine, t]))
        alone, together = losses.values()
        gain, error = by_hand(alone, together, *np.transpose(sizes))
        np.testing.assert_allclose(found.affinity[t, s], gain)
        np.testing.assert_allclose(found.error[t, s], error)


@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize("cv", [None, "folds"])
def test_statistics_give_what_rows_give(layout, cv, monkeypatch):
    if layout == "long":
        X, y, task = few()
        data, folds = (pd.DataFrame(X).add_prefix("x"), y), LONG
        options = {"task": task, "sample_weight": np.arange(90) % 4}
    else:
        data, folds, options = wide(), FOLDS, {}
    options |= {"estimator": TaskGraphRegressor(0.3, ridge=0.1, tol=1e-12)}
    options |= {"cv": folds if cv else None, "random_state": 0}
    fast = task_affinity(*data, **options)
    slow = "skmtl.comparison._company.parts_for_statistics"
    monkeypatch.setattr(slow, lambda *_: None)
    rows = task_affinity(*data, **options)
    np.testing.assert_allclose(fast.affinity, rows.affinity, atol=1e-8)
    np.testing.assert_allclose(fast.error, rows.error, atol=1e-8)


def test_gains_are_not_symmetric_and_may_be_negative():
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(160, 12)), np.repeat([0, 1, 2], [100, 20, 40])
    y = X @ np.ones(12) * np.array([1.0, 1.0, -1.0])[t] + rng.normal(size=160)
    task = np.array(["many", "few", "other"])[t]
    helped = task_affinity(X, y, task=task, random_state=0).to_frame()
    assert helped.loc["few", "many"] > 0.2
    assert helped.loc["few", "many"] > helped.loc["many", "few"] + 0.1
    assert helped.loc["many", "other"] < 0
    assert helped.loc["other", "many"] < 0


def test_frames():
    found = task_affinity(*few()[:2], task=few()[2], random_state=0)
    assert isinstance(found, TaskAffinity)
    pairs = found.to_frame("pairs")
    assert pairs.columns.tolist() == ["task", "other", "affinity", "error"]
    assert len(pairs) == 6
    row = pairs[(pairs["task"] == "b") & (pairs["other"] == "c")].iloc[0]
    assert row["affinity"] == found.affinity[1, 2]
    assert row["error"] == found.error[1, 2]
    with pytest.raises(ValueError, match="'matrix' or 'pairs'"):
        found.to_frame("pair")


def test_containers_jobs_and_seeds():
    X, y, task = few()
    expected = task_affinity(X, y, task=task, random_state=0)
    with parallel_config("threading"):
        again = task_affinity(X, y, task=list(task), random_state=0, n_jobs=2)
    np.testing.assert_array_equal(again.affinity, expected.affinity)
    names = [f"x{j}" for j in range(6)]
    for table in (pd.DataFrame(X, columns=names), pl.DataFrame(X, schema=names)):
        found = task_affinity(table, pd.Series(y), task=task, random_state=0)
        np.testing.assert_allclose(found.affinity, expected.affinity)
    lasso = {"estimator": GroupLassoRegressor(0.1), "task": task, "random_state": 0}
    found = task_affinity(sparse.csr_array(X), y, **lasso)
    np.testing.assert_allclose(
        found.affinity, task_affinity(X, y, **lasso).affinity, atol=1e-3
    )
    X, Y = wide()
    polars = pl.DataFrame(Y.to_numpy(), schema=list(Y))
    np.testing.assert_allclose(
        task_affinity(X, polars, random_state=0).affinity,
        task_affinity(X, Y, random_state=0).affinity,
    )


def test_permuted_tasks_permute_the_matrix():
    X, Y = wide()
    first = task_affinity(X, Y, cv=FOLDS)
    other = task_affinity(X, Y[["c", "a", "b"]], cv=FOLDS)
    np.testing.assert_allclose(
        other.affinity, first.affinity[np.ix_([2, 0, 1], [2, 0, 1])]
    )


@pytest.mark.parametrize("given", [None, IndependentTasks(LogisticRegression())])
def test_classes(given):
    X, y, task = few()
    labels = np.where(y > 0, "ill", "well")
    found = task_affinity(X, labels, task=task, estimator=given, random_state=0)
    if given is None:
        assert found.affinity[0, 2] < 0
        own = PooledTasks(LogisticRegression())
        same = task_affinity(X, labels, task=task, estimator=own, random_state=0)
        np.testing.assert_array_equal(found.affinity, same.affinity)
    else:  # nothing is shared, so nothing is gained
        assert (found.affinity == 0).all()
    table = np.where(wide()[1].isna(), None, np.where(wide()[1] > 0, "yes", "no"))
    found = task_affinity(wide()[0], table, estimator=given, random_state=0)
    assert np.isfinite(found.affinity).all()


def test_mixed_outcomes():
    X, Y = wide()
    Y["b"] = (Y["b"] > 0).where(Y["b"].notna()).astype(float)
    loss = {"a": "squared", "b": "logistic", "c": "squared"}
    model = GroupLassoRegressor(0.1, loss=loss)
    found = task_affinity(X, Y, estimator=model, random_state=0)
    assert np.isfinite(found.affinity).all()


def test_groups_stay_in_one_fold():
    X, y, task = few()
    twice = [np.repeat(values, 2, axis=0) for values in (X, y, task)]
    groups = np.repeat(np.arange(90), 2)
    model = PooledTasks(Ridge(1e-6))
    kept = task_affinity(
        *twice[:2], task=twice[2], groups=groups, estimator=model, random_state=0
    )
    leaky = task_affinity(*twice[:2], task=twice[2], estimator=model, random_state=0)
    assert kept.error[0, 1] > leaky.error[0, 1]


def test_a_fold_without_training_rows_of_a_task_is_left_out():
    X, y, task = few()
    rows = np.arange(len(X))
    pairs = [(rows[rows % 5 != k], rows[rows % 5 == k]) for k in range(4)]
    only_ab = rows[(task != "c") & (rows % 5 < 4)]
    estimator = PooledTasks(Ridge(), unseen="shared")

    def found(folds):
        return task_affinity(X, y, task=task, estimator=estimator, cv=folds)

    with pytest.warns(UserWarning, match="Task labels never seen in fit"):
        more = found([*pairs, (only_ab, rows[(rows % 5 == 4)])])
    alone = found(pairs)
    np.testing.assert_allclose(more.affinity[2], alone.affinity[2])
    assert (more.affinity[0, 1:] != alone.affinity[0, 1:]).all()


def test_parameters_of_the_estimator_are_checked_before_its_statistics():
    X, y, task = few()
    with pytest.raises(ValueError, match="The 'loss' parameter of GroupLasso"):
        task_affinity(X, y, task=task, estimator=GroupLassoRegressor(loss="best"))


# ---------------------------------------------------------------- coefficients
def test_similarity_of_coefficients():
    X, y, task = few()
    found = task_affinity(X, y, task=task, method="coefficients")
    assert found.error is None
    assert found.to_frame("pairs").columns.tolist() == ["task", "other", "affinity"]
    np.testing.assert_allclose(found.affinity, found.affinity.T)
    np.testing.assert_allclose(np.diag(found.affinity), 1.0)
    assert found.affinity[0, 1] > 0.5
    assert found.affinity[0, 1] > found.affinity[0, 2] + 0.3
    moved = X * [1, 100, 0.01, 1, 1, 1]
    scaled = task_affinity(
        moved, y, task=task, estimator=Ridge(1e-9), method="coefficients"
    )
    plain = task_affinity(X, y, task=task, estimator=Ridge(1e-9), method="coefficients")
    np.testing.assert_allclose(scaled.affinity, plain.affinity, atol=1e-3)


def test_similarity_by_hand():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 10)), rng.normal(size=(30, 4))
    coef = np.array([Ridge().fit(X, y).coef_ for y in Y.T]) * X.std(axis=0)
    unit = coef / np.linalg.norm(coef, axis=1, keepdims=True)
    found = task_affinity(X, Y, estimator=Ridge(), method="coefficients")
    np.testing.assert_allclose(found.affinity, unit @ unit.T)
    nothing = task_affinity(X, 0 * Y, estimator=Ridge(), method="coefficients")
    np.testing.assert_array_equal(nothing.affinity, np.eye(4))


def test_coefficients_of_other_kinds():
    X, Y = wide()
    wide_found = task_affinity(X, Y, method="coefficients", estimator=Ridge())
    assert wide_found.affinity[0, 1] > wide_found.affinity[0, 2]
    X, y, task = few()
    steps = make_mtl_pipeline(StandardScaler(), Ridge())
    found = task_affinity(X, y, task=task, estimator=steps, method="coefficients")
    assert found.affinity[0, 1] > found.affinity[0, 2]
    labels = np.where(y > 0, "ill", "well")
    found = task_affinity(sparse.csr_array(X), labels, task=task, method="coefficients")
    assert found.affinity[0, 1] > found.affinity[0, 2]
    with pytest.raises(TypeError, match="has no coef_"):
        task_affinity(
            X, y, task=task, estimator=RandomForestRegressor(3), method="coefficients"
        )
    labels = np.where(task == "a", labels, np.digitize(y, [-0.5, 0.5]).astype(str))
    with pytest.raises(ValueError, match="different numbers of coefficients"):
        task_affinity(X, labels, task=task, method="coefficients")


def test_coefficients_are_per_deviation_of_what_the_last_step_sees():
    X, y, task = few()
    plain = task_affinity(X, y, task=task, estimator=Ridge(1e-9), method="coefficients")
    moved = X * [1, 100, 0.01, 1, 1, 1]
    scaled = task_affinity(
        moved,
        y,
        task=task,
        estimator=make_pipeline(StandardScaler(), Ridge(1e-9)),
        method="coefficients",
    )
    np.testing.assert_allclose(scaled.affinity, plain.affinity, atol=1e-6)


def test_coefficients_behind_preprocessing():
    X, y, task = few()
    table = pd.DataFrame(X).assign(sex=np.where(X[:, 5] > 0, "f", "m"))
    table.columns = table.columns.astype(str)
    table.loc[:9, "0"] = np.nan
    steps = make_column_transformer(
        (SimpleImputer(), ["0"]),
        (OneHotEncoder(drop="first"), ["sex"]),
        remainder="passthrough",
    )
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=3)
    found = task_affinity(
        table,
        y,
        task=task,
        estimator=make_pipeline(steps, search),
        method="coefficients",
    )
    assert np.isfinite(found.affinity).all()
    assert found.affinity[0, 1] > found.affinity[0, 2] + 0.3


def test_coefficients_that_cannot_be_compared():
    X, y, task = few()
    with (
        pytest.warns(UserWarning, match="labels of one class only"),
        pytest.raises(ValueError, match="Task 'a' has labels of one class only"),
    ):
        task_affinity(X, (task == "a") | (y > 0), task=task, method="coefficients")
    chosen = RFE(Ridge(), n_features_to_select=2)
    with pytest.raises(TypeError, match=r"coefficients of 2 features, and is given 6"):
        task_affinity(X, y, task=task, estimator=chosen, method="coefficients")


# ---------------------------------------------------------------- groups of tasks
class Company:
    """Losses of tasks in the company of others, as if they had been measured."""

    def __init__(self, losses):
        self.known, self.tasks = losses, np.arange(4)

    def learn(self, subsets):
        pass

    def loss(self, t, company):
        alone = {(t,): 1.0}
        return (alone | self.known).get(tuple(sorted(company)), 1.2)

    def gain(self, changes):
        gains = [self.loss(t, b) - self.loss(t, a) for t, a, b in changes]
        return np.mean(gains), 0.01


@pytest.mark.parametrize(
    ("of_all", "groups"), [(0.7, [(0, 1), (2, 3)]), (0.4, [(0, 1, 2, 3)])]
)
def test_groups_are_joined_where_their_tasks_gain_over_what_they_have(of_all, groups):
    pairs = {(0, 1): 0.5, (2, 3): 0.5, (0, 2): 0.9, (1, 3): 0.9, (0, 3): 0.9}
    losses = {**pairs, (1, 2): 0.9, (0, 1, 2, 3): of_all}
    assert partition(Company(losses), 1.0)[0] == groups


@pytest.mark.parametrize("seed", [0, 1])
def test_planted_groups_are_found(seed):
    X, y, task = planted(seed)
    found = select_tasks(X, y, task=task, random_state=seed)
    assert isinstance(found, TaskSelection)
    assert found.groups == [["a", "b", "c"], ["p", "q", "r"], ["z"]]
    frame = found.to_frame()
    assert frame["group"].tolist() == CLUSTER.tolist()
    grouped = frame["task"] != "z"
    assert (frame["gain"] > frame["error"])[grouped].all()
    assert frame["gain"].iloc[-1] == frame["error"].iloc[-1] == 0
    steps = found.to_frame("steps")
    assert steps["accepted"].any()
    joins = steps[steps["what"] == "join"]
    assert ((joins["gain"] > joins["error"]) == joins["accepted"]).all()


def test_a_target_gets_its_helpers():
    X, y, task = planted()
    found = select_tasks(X, y, task=task, target="q", random_state=0)
    (group,) = found.groups
    assert "q" in group
    assert len(group) > 1
    assert set(group) <= {"p", "q", "r"}
    assert found.tasks.tolist() == group
    alone = select_tasks(X, y, task=task, target="z", random_state=0)
    assert alone.groups == [["z"]]
    assert alone.to_frame("steps").empty
    with pytest.raises(ValueError, match="none of the tasks: 'a', 'b'"):
        select_tasks(X, y, task=task, target="nobody")


@pytest.mark.parametrize("model", [None, TaskGraphRegressor(1.0, ridge=0.02)])
def test_unrelated_tasks_stay_alone(model):
    grouped = 0
    for seed in range(4):
        X, y, task, _ = make_related_tasks(
            n_tasks=5, relation=0.0, n_samples=30, n_features=10, random_state=seed
        )
        found = select_tasks(X, y, task=task, estimator=model, cv=3, random_state=seed)
        grouped += sum(len(group) for group in found.groups if len(group) > 1)
    assert grouped <= 2  # of 20


def test_wide_groups():
    rng = np.random.default_rng(0)
    X, centres = rng.normal(size=(80, 30)), rng.normal(size=(30, 2))
    Y = X @ centres[:, [0, 0, 0, 1, 1, 1]] + rng.normal(size=(80, 6))
    Y[rng.random(Y.shape) < 0.5] = np.nan
    labels = pd.DataFrame(Y, columns=list("abcdef"))
    found = select_tasks(X, labels, random_state=0).groups
    assert all(set(group) <= set("abc") or set(group) <= set("def") for group in found)
    assert sum(len(group) for group in found if len(group) > 1) >= 4


def test_the_matrix_is_drawn_symmetric():
    X, y, task = few()
    found = task_affinity(X, y, task=task, random_state=0)
    display = found.plot()
    drawn = display.frame_.loc[list("abc"), list("abc")].to_numpy()
    np.testing.assert_allclose(drawn, (found.affinity + found.affinity.T) / 2)
    plt.close(display.figure_)
    alike = task_affinity(X, y, task=task, method="coefficients")
    _, ax = plt.subplots()
    display = alike.plot(ax=ax)
    assert display.ax_ is ax
    plt.close(ax.figure)


def test_who_gains_nothing_leaves():
    X, y, task = planted()
    strict = select_tasks(X, y, task=task, n_se=50.0, random_state=0)
    assert [len(group) for group in strict.groups] == [1] * 7
    assert not any(step["accepted"] for step in strict.steps)


# ---------------------------------------------------------------- bad input
@pytest.mark.parametrize("function", [task_affinity, select_tasks])
def test_bad_input(function):
    X, y, task = few()
    with pytest.raises(ValueError, match="one task only"):
        function(X, y)
    with pytest.raises(TypeError, match="does not take task="):
        function(X, y, task=task, estimator=Ridge())
    with pytest.raises(ValueError, match="from a column of X"):
        function(X, y, task=task, estimator=make_mtl_pipeline(Ridge(), task_col=0))
    with pytest.raises(ValueError, match="X has 90 rows but y has 80"):
        function(X, y[:80], task=task[:80])
    holes = np.where(X > 2, np.nan, X)
    with pytest.raises(ValueError, match="failed in fold 0"):
        function(holes, y, task=task, random_state=0)


def test_folds_may_lack_a_task_but_not_all_of_them():
    X, y, task = few()
    rows = np.arange(90)
    more = [*LONG, (rows[task == "a"], rows[task != "a"])]
    with_more = [(rows[task != "a"][:40], rows[task != "a"][40:]), *LONG]
    assert np.isfinite(task_affinity(X, y, task=task, cv=with_more).affinity).all()
    apart = [(rows[task != t], rows[task == t]) for t in "abc"]
    with pytest.raises(ValueError, match="fewer than two folds"):
        select_tasks(X, y, task=task, cv=apart)
    with pytest.raises(ValueError, match="failed in fold 4"):
        task_affinity(X, y, task=task, cv=more)


def test_bad_options():
    X, y, task = few()
    with pytest.raises(ValueError, match="'transfer' or 'coefficients'"):
        task_affinity(X, y, task=task, method="distance")
    with pytest.raises(ValueError, match="one task only"):
        task_affinity(X, y, method="coefficients")
    with pytest.raises(ValueError, match="n_se must be"):
        select_tasks(X, y, task=task, n_se=-1)
    with pytest.raises(ValueError, match="'tasks' or 'steps'"):
        select_tasks(X, y, task=task, random_state=0).to_frame("all")
