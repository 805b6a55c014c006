"""Statistics that travel: streams in any split, files of many sites, hard numbers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from test_statistics import LAYOUTS, assert_same, put, spoil, stored, table, take

from skmtl import GroupLassoRegressor, TaskStatistics, objective

NAMES = ["age", "sex", "bmi", "dose"]


def collect(X, y, extra=None, rows=slice(None)):
    """Return the statistics of some rows."""
    return TaskStatistics.from_rows(X[rows], y[rows], **take(extra or {}, rows))


def rare():
    """Return a wide table whose last outcome is seen in its last rows only."""
    X, Y, _ = table("wide")
    Y[:50, 2] = np.nan
    return X, Y


# ------------------------------------------------------------------ streams
@settings(max_examples=60)
@given(
    layout=st.sampled_from(LAYOUTS),
    cuts=st.lists(st.integers(1, 59), max_size=8, unique=True),
    seed=st.integers(0, 10),
)
def test_any_split_is_the_batch(layout, cuts, seed):
    X, y, extra = table(layout)
    # The order of rows is that of the table in one case, anything in the others.
    order = np.random.default_rng(seed).permutation(60) if seed else np.arange(60)
    pieces = [r for r in np.split(order, sorted(cuts)) if len(r)]
    weight = extra.get("sample_weight", np.ones(60))
    pieces = [r for r in pieces if y.ndim == 2 or weight[r].any()]
    total = collect(X, y, extra, pieces[0])
    for rows in pieces[1:]:
        total = total + collect(X, y, extra, rows)
    total.check()
    assert_same(total, collect(X, y, extra))
    options = {"alpha": 0.1, "tol": 1e-9}
    batch = GroupLassoRegressor(**options).fit(X, y, **extra)
    streamed = GroupLassoRegressor(**options).fit_statistics(total)
    D0 = batch.objective_  # or more
    assert abs(streamed.objective_ - batch.objective_) <= 1e-7 * D0


def test_a_column_without_a_label_waits():
    X, Y = rare()
    model = GroupLassoRegressor(0.1, tol=1e-9)
    with pytest.warns(UserWarning, match=r"No label so far for task\(s\) 2"):
        model.partial_fit(X[:30], Y[:30])
    assert model.tasks_.tolist() == [0, 1]
    assert model.predict(X).shape == (60, 2)
    assert model.statistics_.n.tolist() == [30, 30, 0]
    with pytest.raises(ValueError, match="Task 2 has no label in these statistics"):
        GroupLassoRegressor().fit_statistics(model.statistics_)
    model.partial_fit(X[30:], Y[30:])
    batch = GroupLassoRegressor(0.1, tol=1e-9).fit(X, Y)
    np.testing.assert_allclose(model.coef_, batch.coef_, atol=1e-5)
    np.testing.assert_allclose(model.intercept_, batch.intercept_, atol=1e-5)
    assert_same(model.statistics_, collect(X, Y))


def test_nothing_observed_is_no_stream():
    X, Y = rare()
    with pytest.raises(ValueError, match="No column of y has an observed label"):
        GroupLassoRegressor().partial_fit(X[:9], np.full((9, 3), np.nan))
    empty = collect(X, np.full(Y.shape, np.nan))
    assert_same(empty + collect(X, Y), collect(X, Y))
    assert_same(collect(X, Y) + empty, collect(X, Y))


def test_empty_columns_do_not_cost_grams():
    X, Y = rare()
    Y[:50, 1] = np.nan
    parts = [collect(X, Y, rows=rows) for rows in (slice(50), slice(50, 60))]
    assert (parts[0] + parts[1]).gram.shape == (2, 4, 4)
    assert parts[0].labelled().gram.shape == (1, 4, 4)
    assert parts[0].labelled().tasks.tolist() == [0]
    assert parts[1].labelled() is parts[1]


def test_one_label_is_too_few_from_statistics_too():
    X, y, extra = table("long")
    task = np.where(np.arange(60) == 7, "Z", extra["task"])
    with pytest.raises(ValueError, match="Task 'Z' has 1 row"):
        GroupLassoRegressor().fit_statistics(collect(X, y, {"task": task}))


# ------------------------------------------------------------------ order of tasks
def with_tasks(labels, layout="long", categories=None):
    """Return statistics of tasks with these labels."""
    rng = np.random.default_rng(0)
    if layout == "wide":
        Y = pd.DataFrame(rng.normal(size=(9, len(labels))), columns=labels)
        return TaskStatistics.from_rows(rng.normal(size=(9, 2)), Y)
    task = np.repeat(labels, 9)
    if categories:
        task = pd.Categorical(task, categories, ordered=True)
    X, y = rng.normal(size=(len(task), 2)), rng.normal(size=len(task))
    return TaskStatistics.from_rows(X, y, task=pd.Series(task))


def test_columns_keep_their_order():
    a, b = with_tasks(["z", "a"], "wide"), with_tasks(["m", "z", "b"], "wide")
    assert (a + b).tasks.tolist() == ["z", "a", "m", "b"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (["low", "mid"], ["mid", "high"], ["low", "mid", "high"]),
        (["mid", "high"], ["low", "mid"], ["low", "mid", "high"]),
        (["low", "mid", "high"], ["low", "high"], ["low", "mid", "high"]),
        (["low"], ["mid", "high"], ["low", "mid", "high"]),
    ],
)
def test_categories_keep_their_order(first, second, expected):
    categories = ["low", "mid", "high"]
    total = with_tasks(first, "long", categories) + with_tasks(
        second, "long", categories
    )
    assert total.tasks.tolist() == expected


def test_other_labels_are_sorted():
    total = with_tasks(["b", "x"]) + with_tasks(["a", "c", "x", "z"])
    assert total.tasks.tolist() == ["a", "b", "c", "x", "z"]
    up, down = ["low", "mid"], ["mid", "low"]
    total = with_tasks(down, "long", down) + with_tasks(up, "long", up)
    assert total.tasks.tolist() == ["low", "mid"]


# ------------------------------------------------------------------ names of features
def named(names, rows=slice(None), layout="long"):
    X, y, extra = table(layout)
    frame = pd.DataFrame(X, columns=NAMES)[list(names)]
    return TaskStatistics.from_rows(frame.iloc[rows], y[rows], **take(extra, rows))


def test_names_travel(tmp_path):
    X, y, extra = table("long")
    first, second = named(NAMES, slice(30)), named(NAMES, slice(30, 60))
    (first + second).save(tmp_path / "a.npz")
    model = GroupLassoRegressor(
        0.05, groups=lambda name: name in {"age", "sex"}
    ).fit_statistics(TaskStatistics.load(tmp_path / "a.npz"))
    assert model.feature_names_in_.tolist() == NAMES
    frame = pd.DataFrame(X, columns=NAMES)
    direct = GroupLassoRegressor(0.05, groups=list("aabb")).fit(X, y, **extra)
    np.testing.assert_allclose(model.coef_, direct.coef_, atol=1e-2)
    model.predict(frame, task="A")
    with pytest.raises(ValueError, match="same order"):
        model.predict(frame[NAMES[::-1]], task="A")
    assert not hasattr(
        model.set_params(groups=None).fit_statistics(collect(X, y, extra)),
        "feature_names_in_",
    )


def test_other_features_are_refused():
    a = named(NAMES)
    for other, message in [
        (named(NAMES[::-1]), "in another order: feature 0 is 'age' in one and 'dose'"),
        (
            replace(a, feature_names=np.array(["age", "sex", "hba1c", "dose"], object)),
            "different features: 'bmi', 'hba1c' are in one only",
        ),
        (replace(a, feature_names=None), "names its features and the other does not"),
    ]:
        for operation in ("__add__", "__sub__"):
            with pytest.raises(ValueError, match=message):
                getattr(a, operation)(other)


def test_a_stream_of_frames_knows_its_names():
    X, y, extra = table("long")
    frame = pd.DataFrame(X, columns=NAMES)
    model = GroupLassoRegressor(0.1)
    for rows in (slice(30), slice(30, 60)):
        model.partial_fit(frame.iloc[rows], y[rows], **take(extra, rows))
    assert model.statistics_.feature_names.tolist() == NAMES
    with pytest.raises(ValueError, match="same order"):
        model.partial_fit(frame[NAMES[::-1]], y, **extra)
    assert pd.DataFrame(X).columns.tolist() == [0, 1, 2, 3]
    assert TaskStatistics.from_rows(pd.DataFrame(X), y, **extra).feature_names is None


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="X has 5 rows, but there are 4 of labels"):
        TaskStatistics.from_rows(np.eye(5), np.arange(4.0))


# ------------------------------------------------------------------ files
def test_small_tasks_stay_at_home(tmp_path):
    X, y, extra = table("long")
    s = collect(X, y, extra)
    with pytest.raises(ValueError, match=r"Task '.' has \d+ labels, fewer than min_sa"):
        s.save(tmp_path / "a.npz", min_samples=int(s.n.min()) + 1)
    assert not (tmp_path / "a.npz").exists()
    s.save(tmp_path / "a.npz", min_samples=int(s.n.min()))
    X, Y = rare()
    waiting = collect(X, Y, rows=slice(50))
    waiting.save(tmp_path / "b.npz", min_samples=20)  # nothing is known of the third
    assert_same(TaskStatistics.load(tmp_path / "b.npz"), waiting, rtol=0)


def mixed_up(fields):
    """Give one task the labels of another, in part."""
    fields["xy"][0] = 30.0 * fields["xy"][1]


def inconsistent(fields):
    """Every single product is possible, all together are not."""
    squares = np.einsum("gjj->gj", fields["gram"])[fields["gram_index"]]
    fields["xy"] = 0.9 * np.sqrt(squares * fields["yy"][:, None])


FORGED = {
    "labels of another task": (mixed_up, "xy is larger than the squares"),
    "impossible together": (inconsistent, "xy is larger than the squares"),
    "small feature not psd": (
        lambda f: f["gram"].__setitem__((0, 0, 0), -1e-3),
        "not positive semi-definite",
    ),
    "correlation above 1": (
        lambda f: f["gram"].__setitem__(
            ([0, 0], [0, 1], [1, 0]),
            1.1 * np.sqrt(f["gram"][0, 0, 0] * f["gram"][0, 1, 1]),
        ),
        "not positive semi-definite",
    ),
    "labels without rows": (spoil("n", put(0, 0)), "rows of positive weight"),
    "unused gram": (
        spoil("gram_index", lambda a: np.zeros_like(a)),
        "belongs to no task",
    ),
    "tasks in a table": (spoil("tasks", lambda a: a[:, None]), "tasks has shape"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_files_are_refused(name, tmp_path):
    change, message = FORGED[name]
    part = collect(*table("long"))
    part.save(tmp_path / "a.npz")
    fields = stored(tmp_path / "a.npz")
    change(fields)
    np.savez(tmp_path / "b.npz", **fields)
    with pytest.raises(ValueError, match=message):
        TaskStatistics.load(tmp_path / "b.npz")


@pytest.mark.parametrize(
    "names", [["a", "b"], ["a", "a", "b", "c"], [1.0, 2.0, 3.0, 4.0]]
)
def test_forged_names_are_refused(names, tmp_path):
    named(NAMES).save(tmp_path / "a.npz")
    fields = stored(tmp_path / "a.npz") | {"feature_names": np.array(names)}
    np.savez(tmp_path / "b.npz", **fields)
    with pytest.raises(ValueError, match="feature_names must be 4 different strings"):
        TaskStatistics.load(tmp_path / "b.npz")


def test_members_of_a_gram_agree():
    X, Y, _ = table("wide")
    s = collect(X, Y)
    for name in ("n", "weight", "x_mean"):
        values = getattr(s, name).copy()
        values[1] += 1
        with pytest.raises(ValueError, match=f"Gram matrix but differ in {name}"):
            replace(s, **{name: values}).check()


# ------------------------------------------------------------------ hard numbers
def ill_conditioned(rng, n, p, condition):
    U = np.linalg.qr(rng.normal(size=(n, p)))[0]
    V = np.linalg.qr(rng.normal(size=(p, p)))[0]
    return np.sqrt(n) * U * np.logspace(0, -np.log10(condition), p) @ V.T


def hard(name):
    """Return (X, Y) of a table that costs digits."""
    rng = np.random.default_rng(0)
    n, p = 200, 5
    coef, noise = rng.normal(size=(p, 2)), rng.normal(size=(n, 2))
    if name.startswith("cond"):
        condition = float(name[4:])
        X = ill_conditioned(rng, n, p, condition)
        return X, X @ (coef * condition) + 0.01 * noise
    X = rng.normal(size=(n, p))
    Y = X @ coef + noise
    if name.startswith("mean"):
        return X + float(name[4:]), Y + float(name[4:])
    if name == "scales":
        return X * np.logspace(-6, 6, p), Y
    X[3] *= 1e8
    return X, X @ coef + noise if name == "heavy row" else Y


HARD = ["cond1e4", "cond1e6", "mean1e3", "mean1e6", "scales", "heavy row", "leverage"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("tol", [1e-4, 1e-10])
@pytest.mark.parametrize("alpha", [1e-2, 1e-6])
@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
@pytest.mark.parametrize("name", HARD)
def test_certificates_from_statistics_hold_for_the_rows(name, container, alpha, tol):
    X, Y = hard(name)
    X = container(X)
    pieces = np.array_split(np.arange(len(Y)), 4)
    total = TaskStatistics.from_rows(X[pieces[0]], Y[pieces[0]])
    for rows in pieces[1:]:
        total = total + TaskStatistics.from_rows(X[rows], Y[rows])
    total.check()
    model = GroupLassoRegressor(alpha, tol=tol, max_iter=2_000).fit_statistics(total)
    exact = GroupLassoRegressor(alpha, tol=1e-11, max_iter=2_000).fit(X, Y)
    reached = objective(model, X, Y)
    D0 = 0.5 * np.var(Y, axis=0).sum()
    assert reached - exact.objective_ <= model.dual_gap_ + 1e-15 * D0
    assert abs(model.objective_ - reached) <= model.dual_gap_ + 1e-15 * D0
    assert model.converged_ == (model.dual_gap_ <= tol * D0 * (1 + 1e-9))


def test_tol_below_the_resolution_is_said():
    X, Y = hard("mean1e6")
    model = GroupLassoRegressor(1e-2, tol=1e-13)
    with pytest.warns(ConvergenceWarning, match="rounding in the statistics"):
        model.fit_statistics(TaskStatistics.from_rows(X, Y))


def test_sparse_columns_far_from_zero_keep_their_digits():
    X, Y = hard("mean1e6")
    X[:, 2] = 0.0
    dense = TaskStatistics.from_rows(X, Y)
    from_sparse = TaskStatistics.from_rows(sparse.csr_array(X), Y)
    np.testing.assert_allclose(from_sparse.gram, dense.gram, atol=1e-5)
    np.testing.assert_allclose(from_sparse.xy, dense.xy, atol=1e-5)
