"""Packed data, and the helpers that bring tables into a layout."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from skmtl import GroupLassoRegressor, attach_task, stack_tasks, wide_to_long
from skmtl import data as data_module
from skmtl.data import TaskData
from skmtl.layouts import read_labels

RNG = np.random.default_rng(0)
TABLES = {
    "B": (RNG.normal(size=(3, 2)), [1.0, 2.0, 3.0]),
    "A": (RNG.normal(size=(2, 2)), np.array([4.0, 5.0])),
}


# ------------------------------------------------------------------ stack_tasks
def test_stack_arrays():
    X, y, task = stack_tasks(TABLES)
    np.testing.assert_array_equal(X, np.vstack([TABLES["B"][0], TABLES["A"][0]]))
    assert y.tolist() == [1, 2, 3, 4, 5]
    assert task.tolist() == ["B", "B", "B", "A", "A"]
    assert GroupLassoRegressor(0.1).fit(X, y, task=task).tasks_.tolist() == ["A", "B"]


def test_stack_integer_tasks():
    _, _, task = stack_tasks({7: TABLES["A"], -1: TABLES["B"]})
    assert task.dtype == np.int64
    assert task.tolist() == [7, 7, -1, -1, -1]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_stack_frames(frame):
    tables = {
        name: (frame({"u": X[:, 0], "v": X[:, 1]}), y)
        for name, (X, y) in TABLES.items()
    }
    X, y, task = stack_tasks(tables)
    assert isinstance(X, frame)
    assert list(X.columns) == ["u", "v"]
    np.testing.assert_array_equal(X.to_numpy(), stack_tasks(TABLES)[0])
    assert len(y) == len(task) == 5


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_matrix])
def test_stack_sparse(kind):
    X, _, _ = stack_tasks({name: (kind(X), y) for name, (X, y) in TABLES.items()})
    assert sparse.issparse(X)
    np.testing.assert_array_equal(X.toarray(), stack_tasks(TABLES)[0])


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({}, "at least one task"),
        ({"A": (np.ones((2, 2)), [1.0])}, "Task 'A' has 2 rows in X but y of shape"),
        (
            {"A": (np.ones((1, 2)), [1.0]), "B": (np.ones((1, 3)), [1.0])},
            "Task 'B' has other features than task 'A'",
        ),
        (
            {
                "A": (pd.DataFrame({"u": [1.0], "v": [2.0]}), [1.0]),
                "B": (pd.DataFrame({"v": [1.0], "u": [2.0]}), [1.0]),
            },
            "Task 'B' has other features",
        ),
        ({"A": TABLES["A"], 1: TABLES["B"]}, "mixture"),
    ],
)
def test_stack_refuses(tables, message):
    with pytest.raises(ValueError, match=message):
        stack_tasks(tables)


# ------------------------------------------------------------------ wide_to_long
Y = np.array([[1.0, np.nan, 3.0], [np.nan, 5.0, 6.0]])


@pytest.mark.parametrize(
    "container",
    [
        np.asarray,
        sparse.csr_array,
        lambda X: pd.DataFrame(X, columns=["u", "v"]),
        lambda X: pl.DataFrame(X, schema=["u", "v"]),
    ],
)
def test_wide_to_long(container):
    X, y, task, row = wide_to_long(container(np.eye(2)), Y)
    assert type(X) is type(container(np.eye(2)))
    dense = X.toarray() if sparse.issparse(X) else np.asarray(X)
    np.testing.assert_array_equal(dense, np.eye(2)[row])
    assert y.tolist() == [1, 5, 3, 6]
    assert task.tolist() == [0, 1, 2, 2]
    assert row.tolist() == [0, 1, 0, 1]


def test_wide_to_long_names_and_classes():
    labels = pd.DataFrame({"b": ["yes", None], "a": ["no", "yes"]})
    _, y, task, _ = wide_to_long(np.eye(2), labels)
    assert y.tolist() == ["yes", "no", "yes"]
    assert y.dtype.kind == "U"  # no column of objects is left
    assert task.tolist() == ["b", "a", "a"]


def test_wide_to_long_takes_lists():
    X, y, _, _ = wide_to_long([[1.0], [2.0]], [[1.0, 2.0], [3.0, 4.0]])
    assert np.shape(X) == (4, 1)
    assert y.tolist() == [1, 3, 2, 4]


@pytest.mark.parametrize(
    ("X", "labels", "message"),
    [
        (np.eye(2), [1.0, 2.0], "one column per task"),
        (np.eye(3), Y, "X has 3 rows but Y has 2"),
        (np.eye(2), np.full((2, 2), np.nan), "Task 0 has no observed label"),
    ],
)
def test_wide_to_long_refuses(X, labels, message):
    with pytest.raises(ValueError, match=message):
        wide_to_long(X, labels)


# ------------------------------------------------------------------ attach_task
def test_attach_to_array_and_scalar():
    frame = attach_task(np.eye(2), ["A", "B"])
    assert frame.columns.tolist() == ["x0", "x1", "task"]
    assert frame["task"].tolist() == ["A", "B"]
    assert attach_task(np.eye(2), 3, name="site")["site"].tolist() == [3, 3]


def test_attach_goes_by_position_not_by_index():
    frame = pd.DataFrame({"u": [1.0, 2.0]}, index=[5, 9])
    found = attach_task(frame, pd.Series(["A", "B"], index=[9, 5]))
    assert found["task"].tolist() == ["A", "B"]
    assert found.index.tolist() == [5, 9]
    assert "task" not in frame.columns


def test_attach_to_polars():
    frame = pl.DataFrame({"u": [1.0, 2.0]})
    assert attach_task(frame, ["A", "B"])["task"].to_list() == ["A", "B"]
    assert attach_task(frame, "A")["task"].to_list() == ["A", "A"]


def test_attach_keeps_categories():
    task = pd.Series(pd.Categorical(["b", "a"], categories=["b", "a"]))
    assert attach_task(np.eye(2), task)["task"].cat.categories.tolist() == ["b", "a"]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_attach_refuses_a_taken_name(frame):
    with pytest.raises(ValueError, match=r"already has a column 'task'"):
        attach_task(frame({"task": [1.0]}), ["A"])


def test_attach_needs_a_table_and_a_label_per_row():
    with pytest.raises(TypeError, match="cannot add a column to a sparse X"):
        attach_task(sparse.csr_array(np.eye(2)), ["A", "B"])
    with pytest.raises(ValueError, match=r"got shape \(2,\)"):
        attach_task([1.0, 2.0], ["A", "B"])
    for X in (np.eye(2), pd.DataFrame(np.eye(2)), pl.DataFrame({"u": [1.0, 2.0]})):
        with pytest.raises(ValueError, match=r"X has 2 rows, task has shape \(1,\)"):
            attach_task(X, ["A"])


@pytest.mark.parametrize("label", [2**63, -(2**63) - 1, 2.0**63])
def test_labels_beyond_64_bits_are_refused(label):
    with pytest.raises(ValueError, match="must fit into 64 bits"):
        stack_tasks({label: (np.eye(2), [1, 2]), 0: (np.eye(2), [1, 2])})


def test_stack_needs_pairs_of_tables():
    with pytest.raises(TypeError, match=r"needs a mapping .* got list"):
        stack_tasks([(np.eye(2), [1, 2])])
    with pytest.raises(ValueError, match=r"Task 'A' needs a pair \(X, y\)"):
        stack_tasks({"A": (np.eye(2), [1, 2], [1, 1])})
    with pytest.raises(ValueError, match=r"Task 'B' needs X with .* got shape \(2,\)"):
        stack_tasks({"A": (np.eye(2), [1, 2]), "B": ([1, 2], [1, 2])})


# ------------------------------------------------------------------ TaskData
def packed(kind, monkeypatch, shuffled=True):
    """Return packed data, and the same as (X_t, y_t, s_t) per task."""
    rng = np.random.default_rng(1)
    task = rng.permutation(np.repeat([0, 1, 2], [5, 9, 4]))
    if not shuffled:
        task = np.sort(task)
    X = rng.normal(size=(18, 3)) * (rng.random((18, 3)) < 0.7)
    y, weight = rng.normal(size=18), rng.uniform(0.5, 2, size=18)
    weight[[2, 7]] = 0.0
    if kind == "gathered":
        monkeypatch.setattr(data_module, "PACK_BYTES", 0)
        monkeypatch.setattr(data_module, "CHUNK_BYTES", 2 * 8 * 3)
    given = sparse.csc_array(X) if kind == "sparse" else X
    data = TaskData.pack(given, read_labels(y, task, weight))
    seen = [(task == t) & (weight > 0) for t in range(3)]
    return data, [(X[m], y[m], weight[m]) for m in seen]


@pytest.mark.parametrize("shuffled", [True, False])
@pytest.mark.parametrize("kind", ["dense", "gathered", "sparse"])
def test_packed_data(kind, shuffled, monkeypatch):
    data, parts = packed(kind, monkeypatch, shuffled)
    assert (data.order is not None) == (kind == "gathered")
    assert data.n_labels.tolist() == [len(y) for _, y, _ in parts]
    rng = np.random.default_rng(2)
    W = rng.normal(size=(3, 3))
    expected = np.concatenate([X @ W[:, t] for t, (X, _, _) in enumerate(parts)])
    np.testing.assert_allclose(data.matvec(W), expected, atol=1e-13)
    products = np.column_stack([X.T @ y for X, y, _ in parts])
    np.testing.assert_allclose(data.rmatvec(data.y), products, atol=1e-13)
    np.testing.assert_allclose(
        data.per_task_sum(data.weight), [s.sum() for _, _, s in parts]
    )
    spread = np.repeat([1.0, 2.0, 3.0], data.n_labels)
    np.testing.assert_array_equal(data.spread(np.array([1.0, 2.0, 3.0])), spread)


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("kind", ["dense", "gathered"])
def test_centred_rows(kind, small, monkeypatch):
    monkeypatch.setattr(data_module, "SMALL_BLOCK", 20_000 if small else 0)
    data, parts = packed(kind, monkeypatch)
    data.X[:, 1] = 0.1
    mean, moved = data.centred(data.weight)
    expected = [s @ X / s.sum() for X, _, s in parts]
    np.testing.assert_allclose(mean[[0, 2]], np.transpose(expected)[[0, 2]])
    assert not moved.X[:, 1].any()
    rows = np.concatenate([X for X, _, _ in parts])
    away = np.repeat(mean.T, data.n_labels, axis=0)
    np.testing.assert_allclose(moved.X[:, [0, 2]], (rows - away)[:, [0, 2]], atol=1e-15)
    assert moved.order is None


@pytest.mark.parametrize("chunk", [None, 1, 2 * 8 * 3, 10**9])
@pytest.mark.parametrize("kind", ["dense", "gathered", "sparse"])
def test_blocks_are_all_rows_once(kind, chunk, monkeypatch):
    data, parts = packed(kind, monkeypatch)
    stop, blocks = 0, {t: [] for t in range(3)}
    for t, rows, X in data.blocks(chunk):
        assert rows.start == stop
        stop = rows.stop
        blocks[t].append(X.toarray() if sparse.issparse(X) else X)
        if chunk:
            assert X.shape[0] <= max(1, chunk // 24)
    for t, (X, _, _) in enumerate(parts):
        np.testing.assert_array_equal(np.concatenate(blocks[t]), X)


def test_sorted_rows_are_views():
    X = np.arange(12.0).reshape(6, 2)
    data = TaskData.pack(X, read_labels(np.ones(6), [0, 0, 1, 1, 1, 2]))
    assert data.X is X
    assert all(np.shares_memory(block, X) for _, _, block in data.blocks(40))


def test_blocks_of_a_sparse_X_hold_what_is_stored_not_what_is_not():
    X = sparse.random(400, 5000, density=0.01, format="csr", random_state=0)
    data = TaskData.pack(X, read_labels(np.ones((400, 2)), None, None))
    chunk = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    assert len(list(data.blocks(2 * chunk))) == 1  # of 12 dense rows: it would be 34
    assert 3 <= len(list(data.blocks(chunk // 3))) <= 5
