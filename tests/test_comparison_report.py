"""What a comparison tells: tables, text, picture."""

import pickle
import sys
import warnings
from time import sleep

import numpy as np
import pandas as pd
import pytest
from _comparisons import (
    COLUMNS,
    POOLED,
    RIDGE,
    long_rows,
    wide_rows,
)
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from skmtl import (
    GroupLassoRegressor,
    TransferDisplay,
    attach_task,
    compare,
    make_mtl_pipeline,
)


# ---------------------------------------------------------------- the report
def test_report_tables_and_text():
    X, Y = wide_rows()
    models = {
        "multi-task": GroupLassoRegressor(),
        "single-task": RIDGE,
        "pooled": POOLED,
    }
    report = compare(models, X, Y, random_state=0)
    assert report.reference_ == "single-task"
    frame = report.to_frame()
    assert set(frame) == COLUMNS
    assert len(frame) == 9
    assert frame.loc[frame["model"] == "single-task", "gain"].isna().all()
    assert frame["n_missing"].tolist()[:3] == Y.isna().sum().tolist()
    assert len(report.to_frame("folds")) == 3 * 3 * 10
    data = report.to_frame("data").set_index("task")
    np.testing.assert_allclose(data["mean"], Y.mean())
    summary = report.summary()
    lines = summary.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[2].split() == ["task", "single-task", "multi-task", "pooled"]
    assert f"{Y['a'].isna().sum()} missing" in summary
    assert "\n\nb  " in summary  # a line between tasks
    assert "hurts" in summary
    assert "6 verdicts together" in summary
    html = report._repr_html_()
    assert html.count("<table") == 2
    assert 'class="verdict hurts"' in html
    assert repr(report) == (
        "ComparisonReport(3 models, 3 tasks, 5 folds x 2 repeats, "
        "reference 'single-task')"
    )
    again = pickle.loads(pickle.dumps(report))
    pd.testing.assert_frame_equal(again.to_frame(), frame)
    with pytest.raises(ValueError, match="part must be one of"):
        report.to_frame("nothing")


def test_a_model_alone():
    X, y, task = long_rows()
    report = compare({"<b>": RIDGE}, X, y, task=task, random_state=0)
    assert repr(report).startswith("ComparisonReport(1 model, 3 tasks")
    assert "no other model" in report.summary()
    assert set(report.verdicts_["<b>"].values()) == {"reference"}
    assert "&lt;b&gt;" in report._repr_html_()


@pytest.mark.parametrize("n_tasks", [3, 20])
def test_a_model_alone_has_a_picture_of_its_scores(n_tasks):
    import matplotlib.pyplot as plt

    X, y, task = long_rows(n_tasks=n_tasks)
    report = compare({"a": RIDGE}, X, y, task=task, cv=3, random_state=0)
    _, own = plt.subplots()
    for display in (report.plot(), report.plot(ax=own)):
        (ax,) = display.ax_
        assert ax.get_xlabel() == "R², mean over the test parts"
        assert sum(len(line.get_xdata()) for line in ax.get_lines()) >= n_tasks
    plt.close("all")


def test_no_gain_is_inside_the_picture_with_room_for_both_words():
    import matplotlib.pyplot as plt

    X, y, task = long_rows(n=60)
    models = {"bad": GroupLassoRegressor(alpha=100.0), "good": RIDGE}
    for reference in models:
        report = compare(
            models, X, y, task=task, reference=reference, cv=3, random_state=0
        )
        low, high = report.plot().ax_[1].get_xlim()
        assert min(-low, high) > 0.1 * (high - low)
    plt.close("all")


def test_a_gain_of_an_error_is_in_the_error():
    import matplotlib.pyplot as plt

    X, y, task = long_rows()
    models, scoring = {"a": RIDGE, "b": POOLED}, "neg_mean_absolute_error"
    report = compare(models, X, y, task=task, scoring=scoring, random_state=0)
    scores, gains = report.plot().ax_
    assert scores.get_xlabel().startswith("minus mean absolute error")
    assert ",\nin mean absolute error\n" in gains.get_xlabel()
    plt.close("all")


class Slow(Ridge):
    """One that takes its time to learn, and none to predict."""

    def fit(self, X, y):
        sleep(0.02)
        return super().fit(X, y)


def test_times_are_those_of_fit_and_of_predict():
    X, y, _ = long_rows()
    report = compare({"a": Ridge(), "b": Slow()}, X, y, cv=3, random_state=0)
    for part in ("tasks", "models", "folds"):
        slow = report.to_frame(part).set_index("model").loc[["b"]]
        assert (slow["fit_time"] >= 0.02).all(), part
        if part != "folds":
            assert (slow["predict_time"] < slow["fit_time"]).all(), part


def test_a_model_tuned_in_some_folds_is_tuned():
    X, y, task = long_rows()
    report = compare({"a": RIDGE}, X, y, task=task, random_state=0)
    assert report.to_frame("models")["settings"].tolist() == ["fixed"]
    report.params_["a"][3] = {"alpha": 1.0}
    assert report.to_frame("models")["settings"].tolist() == ["tuned"]


def test_many_tasks_are_summed_up():
    X, y, task = long_rows(n=10, n_tasks=40)
    report = compare({"a": RIDGE, "b": POOLED}, X, y, task=task, random_state=0)
    assert "t17" not in report.summary()
    assert report._repr_html_().count("<table") == 1


@pytest.mark.parametrize("n_tasks", [3, 160])
def test_plot(n_tasks, tmp_path):
    import matplotlib.pyplot as plt

    X, y, task = long_rows(n=10, n_tasks=n_tasks)
    models = {"a": RIDGE, "b": POOLED, "c": GroupLassoRegressor(alpha=0.1)}
    report = compare(models, X, y, task=task, random_state=0)
    display = report.plot()
    assert isinstance(display, TransferDisplay)
    assert len(display.frame_) == 3 * n_tasks
    scores, gains = display.ax_
    assert gains.get_xlim()[0] < 0 < gains.get_xlim()[1]
    labels = [text.get_text() for text in scores.get_yticklabels()]
    assert labels == (
        ["t0\n(10 labels)", "t1\n(10 labels)", "t2\n(10 labels)"]
        if n_tasks == 3
        else ["a", "b", "c"]
    )
    display.figure_.savefig(tmp_path / "picture.png")
    plt.close(display.figure_)
    figure, ax = plt.subplots()
    alone = report.plot(ax=ax)
    assert alone.ax_.tolist() == [ax]
    assert alone.figure_ is figure
    plt.close(figure)


@pytest.mark.parametrize(
    ("library", "call", "extra"),
    [
        ("pandas", "to_frame", r"skmtl\[data\]"),
        ("matplotlib", "plot", r"skmtl\[plot\]"),
    ],
)
def test_missing_extra_is_named(monkeypatch, library, call, extra):
    X, y, task = long_rows()
    report = compare({"a": RIDGE}, X, y, task=task, random_state=0)
    for name in (
        [library, "matplotlib.pyplot"] if library == "matplotlib" else [library]
    ):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=extra):
        getattr(report, call)()
    assert "single" not in report.summary()  # text needs neither


def test_pipeline_compares_itself():
    X, y, task = long_rows()
    df = attach_task(X, task, name="site")
    model = make_mtl_pipeline(
        StandardScaler(), GroupLassoRegressor(alpha=0.05), task_col="site"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the network is not what is tested
        report = model.compare(df, y, random_state=0)
    assert report.models_ == ["multi-task", "single-task", "ridge", "pooled", "mlp"]
    assert report.reference_ == "single-task"
    assert not hasattr(model, "estimator_")
