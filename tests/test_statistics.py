"""TaskStatistics are the moments of their rows, however they were collected."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skmtl import AlphaPathCV, GroupLassoRegressor, TaskStatistics
from skmtl import data as data_module

FIELDS = ("n", "weight", "x_mean", "y_mean", "xy", "yy")
LAYOUTS = ("single", "long", "long_weighted", "wide", "wide_nan", "wide_weighted")


def table(layout, n=60, p=4, T=3, seed=0):
    """Return (X, y, arguments) with weights, some of them 0, where the name says so."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.7) + [0, 1, -3, 0]
    Y = X @ rng.normal(size=(p, T)) + rng.normal(size=(n, T)) + [5, 0, -1]
    if layout == "single":
        return X, Y[:, 0], {}
    if layout.startswith("long"):
        task = rng.integers(0, T, n)
        extra = {"task": np.array(["A", "B", "C"])[task]}
        if layout == "long_weighted":
            extra["sample_weight"] = rng.uniform(0, 2, n) * (rng.random(n) < 0.8)
        return X, Y[np.arange(n), task], extra
    extra = {}
    if layout == "wide_nan":
        Y[rng.random(Y.shape) < 0.3] = np.nan
    if layout == "wide_weighted":
        extra["sample_weight"] = rng.uniform(0, 2, Y.shape) * (
            rng.random(Y.shape) < 0.8
        )
    return X, Y, extra


def rows_of(X, y, extra):
    """Return {task: (X, y, s)} by brute force."""
    X = X.toarray() if sparse.issparse(X) else X
    s = np.broadcast_to(np.asarray(extra.get("sample_weight", 1.0)), y.shape)
    if y.ndim == 2:
        seen = ~np.isnan(y) & (s > 0)
        return {
            t: (X[m], y[m, t], s[m, t])
            for t, m in enumerate(seen.T)
        }  # fmt: skip
    task = extra.get("task", np.zeros(len(y), int))
    return {
        t: (X[m], y[m], s[m])
        for t in np.unique(task)
        for m in [(task == t) & (s > 0)]
    }  # fmt: skip


def moments(X, y, s):
    """Return the moments of one task, straight from their definitions."""
    weight = s.sum()
    x_mean, y_mean = s @ X / weight, s @ y / weight
    Xc, yc = X - x_mean, y - y_mean
    gram = (Xc * s[:, None]).T @ Xc
    return (len(y), weight, x_mean, y_mean, (Xc * s[:, None]).T @ yc, s @ yc**2), gram


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("n_tasks", [1, 7])
def test_a_feature_that_is_constant_in_a_task_has_no_products(
    n_tasks, small, monkeypatch
):
    monkeypatch.setattr(data_module, "SMALL_BLOCK", 20_000 if small else 0)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 3)), rng.normal(size=400)
    task, weight = np.arange(400) % n_tasks, rng.uniform(0.1, 3, 400)
    X[:, 1] = 1e3 / (3 + task)  # no such number is exact
    s = TaskStatistics.from_rows(X, y, task=task, sample_weight=weight)
    assert not s.gram[:, 1].any()
    assert not s.xy[:, 1].any()


def assert_same(a, b, rtol=1e-12):
    """Assert that two statistics describe the same rows."""
    assert a.tasks.tolist() == b.tasks.tolist()
    assert a.layout == b.layout
    for name in FIELDS:
        np.testing.assert_allclose(
            getattr(a, name), getattr(b, name), rtol=rtol, atol=rtol, err_msg=name
        )
    size = np.abs(b.gram).max()
    np.testing.assert_allclose(
        a.gram[a.gram_index], b.gram[b.gram_index], rtol=rtol, atol=rtol * size
    )


def take(extra, rows):
    return {k: v[rows] for k, v in extra.items()}


# ------------------------------------------------------------------ what they hold
@pytest.mark.parametrize("container", ["C", "F", "csr", "csc", "gathered", "chunked"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_moments_of_every_layout(layout, container, monkeypatch):
    X, y, extra = table(layout)
    if container in {"gathered", "chunked"}:
        monkeypatch.setattr("skmtl.moments.CHUNK_BYTES", 5 * 8 * 4)
    if container == "gathered":
        monkeypatch.setattr(data_module, "PACK_BYTES", 0)
        monkeypatch.setattr(data_module, "CHUNK_BYTES", 5 * 8 * 4)
    kinds = {"F": np.asfortranarray, "csr": sparse.csr_array, "csc": sparse.csc_matrix}
    found = TaskStatistics.from_rows(kinds.get(container, np.array)(X), y, **extra)
    parts = rows_of(X, y, extra)
    assert found.tasks.tolist() == list(parts)
    for t, part in enumerate(parts.values()):
        expected, gram = moments(*part)
        for name, value in zip(FIELDS, expected, strict=True):
            np.testing.assert_allclose(
                getattr(found, name)[t], value, rtol=1e-11, atol=1e-11, err_msg=name
            )
        np.testing.assert_allclose(found.gram[found.gram_index[t]], gram, atol=1e-11)


def test_tasks_observed_together_share_a_gram():
    X, Y, _ = table("wide")
    assert TaskStatistics.from_rows(X, Y).gram.shape == (1, 4, 4)
    Y[0, 1] = np.nan
    shared = TaskStatistics.from_rows(X, Y)
    assert shared.gram.shape == (2, 4, 4)
    assert shared.gram_index.tolist() == [0, 1, 0]


# ------------------------------------------------------------------ sums
@pytest.mark.parametrize("pieces", [2, 7, 30])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_split_adds_up(layout, pieces):
    X, y, extra = table(layout)
    rng = np.random.default_rng(1)
    split = [r for r in np.array_split(rng.permutation(len(y)), pieces) if len(r)]
    parts = []
    for rows in split:
        seen = rows_of(X[rows], y[rows], take(extra, rows)).values()
        if y.ndim == 1 and not any(len(part[1]) for part in seen):
            continue  # without any weight
        parts.append(
            (rows, TaskStatistics.from_rows(X[rows], y[rows], **take(extra, rows)))
        )
    assert len(parts) > pieces // 3 if y.ndim == 1 else len(parts) == pieces
    total = parts[0][1]
    for _, part in parts[1:]:
        total = total + part
    kept = np.concatenate([rows for rows, _ in parts])
    whole = TaskStatistics.from_rows(X[kept], y[kept], **take(extra, kept))
    assert_same(total, whole)


def test_sum_keeps_the_shared_gram():
    X, Y, _ = table("wide")
    a, b = (
        TaskStatistics.from_rows(X[:20], Y[:20]),
        TaskStatistics.from_rows(X[20:], Y[20:]),
    )
    assert (a + b).gram.shape == (1, 4, 4)
    assert_same(a + b, TaskStatistics.from_rows(X, Y))


def test_sum_of_different_patterns_does_not_share():
    X, Y, _ = table("wide")
    a = TaskStatistics.from_rows(X[:20], Y[:20])
    Y[25, 2] = np.nan
    total = a + TaskStatistics.from_rows(X[20:], Y[20:])
    assert_same(total, TaskStatistics.from_rows(X, Y))


def test_hospitals_with_different_tasks():
    X, y, extra = table("long")
    task = extra["task"]
    by_task = [
        TaskStatistics.from_rows(X[task == t], y[task == t], task=task[task == t])
        for t in ("C", "A", "B")
    ]
    total = by_task[0] + by_task[1] + by_task[2]
    assert total.tasks.tolist() == ["A", "B", "C"]
    assert_same(total, TaskStatistics.from_rows(X, y, **extra))


def test_sum_is_not_changed_by_what_follows():
    X, y, extra = table("long")
    a = TaskStatistics.from_rows(X, y, **extra)
    before = a.gram.copy()
    _ = (a + a) + a
    np.testing.assert_array_equal(a.gram, before)


@pytest.mark.parametrize(
    ("other", "kind", "message"),
    [
        (lambda: 0, TypeError, "Expected TaskStatistics, got int"),
        (lambda: part("long", p=3), ValueError, "of 4 and 3 features"),
        (lambda: part("wide"), ValueError, "long and wide layouts"),
        (lambda: part("long", task=[0] * 60), ValueError, "use one kind"),
    ],
)
def test_what_does_not_add_up(other, kind, message):
    for operation in ("__add__", "__sub__"):
        with pytest.raises(kind, match=message):
            getattr(part("long"), operation)(other())


def part(layout, p=4, **changes):
    X, y, extra = table(layout)
    return TaskStatistics.from_rows(X[:, :p], y, **{**extra, **changes})


# ------------------------------------------------------------------ differences
@pytest.mark.parametrize("layout", LAYOUTS)
def test_difference(layout):
    X, y, extra = table(layout)
    a = TaskStatistics.from_rows(X, y, **extra)
    b = TaskStatistics.from_rows(X[:25], y[:25], **take(extra, slice(25)))
    rest = TaskStatistics.from_rows(X[25:], y[25:], **take(extra, slice(25, None)))
    assert_same(a - b, rest, rtol=1e-10)


def test_difference_without_a_task():
    X, y, extra = table("long")
    a, gone = part("long"), extra["task"] == "B"
    b = TaskStatistics.from_rows(X[gone], y[gone], task=extra["task"][gone])
    left = a - b
    assert left.tasks.tolist() == ["A", "C"]
    np.testing.assert_array_equal(
        left.gram[left.gram_index[0]], a.gram[a.gram_index[0]]
    )


def test_guarded_difference():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    X[0] *= 1e5  # one row holds nearly all the variance
    a, b = TaskStatistics.from_rows(X, y), TaskStatistics.from_rows(X[:1], y[:1])
    with pytest.raises(ValueError, match=r"Task 0: a variance keeps less than 1e-8"):
        _ = a - (b + TaskStatistics.from_rows(X[1:2], y[1:2]))


def test_difference_of_what_is_not_there():
    X, y, _ = table("long")
    a = part("long")
    with pytest.raises(ValueError, match="'D': it is not in the total"):
        _ = a - TaskStatistics.from_rows(X, y, task=["D"] * 60)
    with pytest.raises(ValueError, match=r"Cannot subtract .* rows"):
        _ = a - (a + a)
    with pytest.raises(ValueError, match="Nothing is left"):
        _ = a - a


# ------------------------------------------------------------------ files
@pytest.mark.parametrize("layout", LAYOUTS)
def test_round_trip(layout, tmp_path):
    a = part(layout)
    a.save(tmp_path / "a.npz")
    b = TaskStatistics.load(tmp_path / "a.npz")
    assert_same(a, b, rtol=0)
    assert b.gram.shape == a.gram.shape
    assert b.tasks.dtype == a.tasks.dtype


def stored(path):
    with np.load(path) as archive:
        return dict(archive)


def spoil(name, change):
    def spoiled(fields):
        fields[name] = change(fields[name].copy())

    return spoiled


def put(index, value):
    def change(array):
        array[index] = value
        return array

    return change


SPOILED = {
    "short": (spoil("n", lambda a: a[1:]), "n has shape"),
    "other features": (spoil("xy", lambda a: a[:, 1:]), "xy has shape"),
    "gram not square": (spoil("gram", lambda a: a[:, 1:]), "gram has shape"),
    "gram flat": (spoil("gram", lambda a: a[0, 0]), "gram has shape"),
    "no tasks": (spoil("tasks", lambda a: a[:0]), "no entries"),
    "mean scalar": (spoil("x_mean", lambda a: a[0, 0]), "no entries"),
    "nan": (spoil("gram", put((0, 0, 0), np.nan)), "gram contains NaN"),
    "inf": (spoil("yy", put(0, np.inf)), "yy contains NaN or infinity"),
    "asymmetric": (spoil("gram", put((0, 0, 1), 1e3)), "not symmetric"),
    "not psd": (spoil("gram", put((0, 0, 0), -50.0)), "not positive semi-definite"),
    "negative yy": (spoil("yy", put(0, -1.0)), "yy"),
    "xy impossible": (spoil("xy", put((0, 0), 1e9)), "xy"),
    "weight 0": (spoil("weight", put(0, 0.0)), "rows of positive weight"),
    "index": (spoil("gram_index", put(0, 99)), "points outside"),
    "index negative": (spoil("gram_index", put(0, -1)), "points outside"),
    "index float": (spoil("gram_index", lambda a: a + 0.5), "gram_index"),
    "twice": (spoil("tasks", put(0, "B")), "appears twice"),
    "text": (spoil("weight", lambda a: a.astype(str)), "weight"),
    "layout": (spoil("layout", lambda a: np.array("tall")), "unknown layout"),
    "format": (spoil("format", lambda a: np.array(99)), "unknown format"),
    "format text": (spoil("format", lambda a: np.array("x")), "not a file"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled_files_are_refused(name, tmp_path):
    change, message = SPOILED[name]
    part("long").save(tmp_path / "a.npz")
    fields = stored(tmp_path / "a.npz")
    change(fields)
    np.savez(tmp_path / "b.npz", **fields)
    with pytest.raises(ValueError, match=message):
        TaskStatistics.load(tmp_path / "b.npz")


def test_files_of_something_else(tmp_path):
    path = tmp_path / "a.npz"
    part("long").save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="not a file of TaskStatistics"):
        TaskStatistics.load(path)
    np.savez(path, gram=np.eye(2))
    with pytest.raises(ValueError, match="not a file of TaskStatistics"):
        TaskStatistics.load(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="not a file of TaskStatistics"):
        TaskStatistics.load(path)
    with pytest.raises(FileNotFoundError):
        TaskStatistics.load(tmp_path / "none.npz")


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def test_nothing_is_unpickled(tmp_path):
    part("long").save(tmp_path / "a.npz")
    fields = stored(tmp_path / "a.npz")
    fields["tasks"] = np.array([Bomb(), "B", "C"], dtype=object)
    np.savez(tmp_path / "b.npz", **fields)
    with pytest.raises(ValueError, match="not a file of TaskStatistics"):
        TaskStatistics.load(tmp_path / "b.npz")


# ------------------------------------------------------------------ digits
def test_huge_means_keep_their_digits():
    X, y, extra = table("long")
    plain = TaskStatistics.from_rows(X, y, **extra)
    moved = TaskStatistics.from_rows(X + 1e6, y + 1e6, **extra)
    np.testing.assert_allclose(
        moved.gram[moved.gram_index], plain.gram[plain.gram_index], rtol=1e-8, atol=1e-7
    )
    np.testing.assert_allclose(moved.yy, plain.yy, rtol=1e-8)
    half = TaskStatistics.from_rows(X[:30] + 1e6, y[:30] + 1e6, task=extra["task"][:30])
    rest = TaskStatistics.from_rows(X[30:] + 1e6, y[30:] + 1e6, task=extra["task"][30:])
    np.testing.assert_allclose((half + rest).yy, plain.yy, rtol=1e-8)


def test_one_heavy_row():
    X, y, _ = table("single")
    weight = np.where(np.arange(60) == 7, 1e8, 1.0)
    found = TaskStatistics.from_rows(X, y, sample_weight=weight)
    (_, _, x_mean, _, xy, yy), gram = moments(
        *(a.astype(np.longdouble) for a in (X, y, weight))
    )
    np.testing.assert_allclose(found.x_mean[0], x_mean.astype(float), rtol=1e-12)
    np.testing.assert_allclose(found.gram[0], gram.astype(float), rtol=1e-6)
    np.testing.assert_allclose(found.xy[0], xy.astype(float), rtol=1e-6)
    assert found.yy[0] == pytest.approx(float(yy), rel=1e-6)


# ------------------------------------------------------------------ fits
OPTIONS = [
    {},
    {"fit_intercept": False},
    {"scale_y": True},
    {"task_weight": "n_samples"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o) or "default")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_fit_from_statistics_is_the_fit(layout, options):
    X, y, extra = table(layout)
    model = GroupLassoRegressor(0.1, tol=1e-10, **options)
    expected = model.fit(X, y, **extra)
    statistics = TaskStatistics.from_rows(X, y, **extra)
    found = GroupLassoRegressor(0.1, tol=1e-10, **options).fit_statistics(statistics)
    assert found.objective_ == pytest.approx(expected.objective_, rel=1e-9)
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-4)
    np.testing.assert_allclose(found.intercept_, expected.intercept_, atol=1e-4)
    np.testing.assert_allclose(found.y_scale_, expected.y_scale_, rtol=1e-12)
    predict = {"task": extra["task"]} if "task" in extra else {}
    np.testing.assert_allclose(
        found.predict(X, **predict), expected.predict(X, **predict), atol=1e-3
    )


@pytest.mark.parametrize("layout", ["single", "long_weighted", "wide_weighted"])
def test_a_stream_is_the_fit(layout):
    X, y, extra = table(layout)
    model = GroupLassoRegressor(0.1, tol=1e-10)
    for rows in np.array_split(np.arange(60), 3):
        model.partial_fit(X[rows], y[rows], **take(extra, rows))
    expected = GroupLassoRegressor(0.1, tol=1e-10).fit(X, y, **extra)
    assert model.objective_ == pytest.approx(expected.objective_, rel=1e-9)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-4)


def test_a_stream_meets_a_new_task():
    X, y, extra = table("long")
    order = np.argsort(extra["task"] == "A", kind="stable")
    model = GroupLassoRegressor(0.1)
    for rows in (order[:20], order[20:]):
        model.partial_fit(X[rows], y[rows], task=extra["task"][rows])
    assert model.tasks_.tolist() == ["A", "B", "C"]


def test_a_failed_part_leaves_the_stream():
    X, y, extra = table("long")
    model = GroupLassoRegressor(0.1).partial_fit(X, y, **extra)
    before = dict(vars(model))
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(np.full_like(X, np.nan), y, **extra)
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(X[:, :2], y, **extra)
    with pytest.raises(ValueError, match="layouts"):
        model.partial_fit(X, y)
    assert vars(model) == before


def test_statistics_hold_no_rows():
    X, y, extra = table("long", n=3000)
    s = TaskStatistics.from_rows(X, y, **extra)
    size = sum(a.nbytes for a in vars(s).values() if isinstance(a, np.ndarray))
    assert size < 2000
    assert not any(
        isinstance(a, np.ndarray) and np.may_share_memory(a, X)
        for a in vars(s).values()
    )


def test_resolution_is_known():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    X[:, 1] += 1e3 * X[:, 0]
    y = X @ [1.0, 2.0, 0.0] + 1e-4 * rng.normal(size=200)
    model = GroupLassoRegressor(0.1, tol=1e-15, max_iter=200_000)
    with pytest.warns(ConvergenceWarning, match="rounding in the statistics"):
        model.fit_statistics(TaskStatistics.from_rows(X, y))
    assert not model.converged_
    assert model.dual_gap_ > 0


def test_what_is_no_statistics():
    with pytest.raises(TypeError, match="must be TaskStatistics, got ndarray"):
        GroupLassoRegressor().fit_statistics(np.eye(3))


@pytest.mark.parametrize("weighted", [False, True])
def test_small_tasks_have_the_moments_of_large_ones(weighted, monkeypatch):
    rng = np.random.default_rng(0)
    X, y = 1e3 + rng.normal(size=(60, 4)), 1e3 + rng.normal(size=60)
    task = rng.integers(0, 5, 60)
    weight = rng.uniform(0.5, 2, 60) if weighted else None
    at_once = TaskStatistics.from_rows(X, y, task=task, sample_weight=weight)
    monkeypatch.setattr("skmtl.moments.CHUNK_BYTES", 8 * 4 * 7)  # seven rows
    merged = TaskStatistics.from_rows(X, y, task=task, sample_weight=weight)
    for name in ("weight", "x_mean", "y_mean", "gram", "xy", "yy"):
        exact = getattr(merged, name)
        scale = np.abs(exact).max()
        np.testing.assert_allclose(getattr(at_once, name), exact, atol=1e-12 * scale)


@pytest.mark.parametrize("constant", [0.0, 3.3, 1e6])
def test_constant_labels_are_solved_by_zero(constant):
    X = np.random.default_rng(0).normal(size=(40, 3))
    y, task = np.full(40, constant), 0
    model = GroupLassoRegressor(alpha=0.1).partial_fit(X, y, task=task)
    assert not model.coef_.any()
    assert model.dual_gap_ == 0
    np.testing.assert_allclose(model.intercept_, constant)
    path = AlphaPathCV(GroupLassoRegressor(), alphas=[0.1, 0.01]).fit(X, y, task=task)
    np.testing.assert_allclose(path.predict(X, task=task), y)


def test_constant_labels_have_no_unit():
    X = np.random.default_rng(0).normal(size=(60, 3))
    task = np.repeat([0, 1], 30)
    y = np.where(task == 0, 3.3, X[:, 0])
    model = GroupLassoRegressor(alpha=0.01).fit(X, y, task=task)  # without a warning
    np.testing.assert_allclose(model.coef_[0], 0, atol=1e-12)
