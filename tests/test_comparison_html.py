"""The report as a page: complete in itself, readable, and safe."""

import base64
import re
import sys
from html.parser import HTMLParser
from itertools import pairwise

import _chromium
import numpy as np
import pytest
from _comparisons import LOGISTIC, POOLED, RIDGE, long_rows
from scipy.special import expit
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV
from test_comparison_losses import PRIOR, joint, mixed_rows

from skmtl import (
    GroupLassoClassifier,
    GroupLassoRegressor,
    IndependentTasks,
    compare,
    make_mtl_pipeline,
)
from skmtl.comparison import _pictures
from skmtl.comparison._columns import risk
from skmtl.comparison._html_tables import (
    data_table,
    params_table,
    risk_table,
    score_tables,
)

VOID = {"meta", "img", "br"}
EVIL = '<img src=x onerror="alert(1)"> & "b"'


class Page(HTMLParser):
    """The elements of a page; fails where tags do not match."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def of(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


def text_of(page):
    """Return what is read, without tags."""
    page = re.sub(r"<style>.*?</style>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


@pytest.fixture(scope="module")
def report():
    X, Y = mixed_rows()
    alone = joint().set_params(alpha=0.05)
    models = {"alone": alone, "joint": joint(), "prior": PRIOR}
    return compare(models, X, Y, reference="alone", random_state=0)


@pytest.fixture(scope="module")
def path(report, tmp_path_factory):
    pytest.importorskip("matplotlib")
    return report.to_html(tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture(scope="module")
def page(path):
    return path.read_text(encoding="utf-8")


def test_the_page_says_what_was_found(report, page):
    said = text_of(page)
    assert "Does learning together help?" in said
    for words in (
        "joint and prior against the reference alone",
        "prior : hurts",
        "Gain over alone, with 95 % intervals",
        "200 rows and 4 columns",
        "5 folds x 2 repeats",
        "Poisson deviance (visits)",
        "How to read this page",
        "Calibration slope",
        "nothing: its parameters are fixed",
    ):
        assert words in said, words
    data = report.to_frame("data").set_index("task")
    assert f"{data.loc['died', 'n_missing']}" in said
    assert f"{100 * data.loc['died', 'mean']:.1f} %" in said
    own = report.to_frame("risk").set_index("model").loc["joint"]
    assert f"{own['brier']:.3f}" in said
    assert f"{own['slope']:.2f} ({own['slope_low']:.2f} to" in said
    mean = report.to_frame("models").set_index("model").loc["prior"]
    ends = mean[["gain", "gain_high", "gain_low"]].astype(float)
    change, low, high = -100 * ends
    assert f"its loss is {change:.1f} % higher than that of the reference" in said
    assert f"interval of the change: {low:+.1f} % to {high:+.1f} %" in said
    gain = report.to_frame().set_index(["model", "task"]).loc[("prior", "level")]
    assert f"{100 * gain['relative_gain']:.1f} %".replace("-", "&minus;") in page


def test_the_page_is_semantic_and_complete(page):
    parsed = Page(page)
    assert page.startswith("<!DOCTYPE html>")
    assert parsed.of("html") == [{"lang": "en"}]
    headings = [int(tag[1]) for tag, _ in parsed.elements if re.match(r"h\d", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(headings))
    assert {a["scope"] for a in parsed.of("th")} == {"row", "col"}
    assert all(attrs["aria-label"] for attrs in parsed.of("table"))
    assert len(parsed.of("img")) == 3
    for attrs in parsed.of("img"):
        assert len(attrs["alt"]) > 40
        kind, _, data = attrs["src"].partition(";base64,")
        assert kind == "data:image/svg+xml"
        assert b"<svg" in base64.b64decode(data)
    assert not parsed.of("script")
    assert not parsed.of("link")
    outside = re.sub(r'src="data:[^"]*"', "", page)
    assert not re.search(r"https?:|url\(|@import|src=|href=", outside)


def test_the_page_is_the_same_each_time(report, page, tmp_path):
    assert report.to_html(str(tmp_path / "again.html")).read_text() == page


def test_verdicts_have_colours_and_words():
    X, y, task = long_rows(n=60)
    models = {"good": RIDGE, "bad": GroupLassoRegressor(alpha=100.0)}
    page = compare(models, X, y, task=task, random_state=0)._repr_html_()
    assert page.count('<span class="verdict hurts">▼ hurts</span>') == 3
    assert "<td>&minus;0." in page  # no score below 0 has a hyphen
    assert not re.search(r"<td>-\d", page)
    assert re.search(r"\.hurts\{background:#\w+;color:#\w+\}", page)
    assert "<b>bad</b>: " in page
    assert "hurts</b> t0, t1 and t2 (3 tasks)" in page
    assert "empty in 10 of 10 folds" in page
    models = {"bad": models["bad"], "good": RIDGE}
    worse = compare(models, X, y, task=task, random_state=0)
    assert "helps</b> t0, t1 and t2 (3 tasks)" in worse._repr_html_()
    assert "% lower than that of the reference" in worse._repr_html_()


@pytest.mark.parametrize("way", ["page", "fragment"])
def test_names_are_escaped(way, tmp_path):
    X, score, task = long_rows(n=60)
    y = (score > 0).astype(int)
    task = np.where(task == "t1", EVIL, task)
    models = {EVIL: LOGISTIC, "<script>": GroupLassoClassifier(alpha=0.01)}
    report = compare(models, X, y, task=task, random_state=0)
    if way == "page":
        pytest.importorskip("matplotlib")
        page = report.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    else:
        page = report._repr_html_()
    parsed = Page(page)
    assert not parsed.of("script")
    assert all("onerror" not in attrs for _, attrs in parsed.elements)
    assert all(attrs["src"].startswith("data:") for attrs in parsed.of("img"))
    assert "&lt;script&gt;" in page


def test_each_binary_task_has_its_own_numbers():
    X, score, task = long_rows(n=60)
    y = np.where(score > np.where(task == "t1", 1.5, 0), "yes", "no")
    models = {"a": LOGISTIC, "b": GroupLassoClassifier(alpha=0.01)}
    report = compare(models, X, y, task=task, random_state=0)
    for t in report.tasks_:
        share = 100 * np.mean(y[task == t] == "yes")
        found = text_of(risk_table(report, t, risk(report)))
        start = f"Risk of “yes” in {t}: prevalence {share:.1f} % of 60 labels"
        assert found.startswith(start)
        own = report.to_frame("risk").query("task == @t")
        for brier in own["brier"]:
            assert f"{brier:.3f}" in found


def test_many_tasks_and_many_binary_ones(tmp_path):
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30 * 25, 3))
    task = np.arange(len(X)) % 25
    y = (rng.uniform(size=len(X)) < expit(X.sum(axis=1))).astype(int)
    models = {"a": LOGISTIC, "b": GroupLassoClassifier(alpha=0.01)}
    report = compare(models, X, y, task=task, cv=3, random_state=0)
    page = report.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<summary>All 25 tasks</summary>") == 3
    assert "The 25 tasks have 30 to 30 labels" in page
    assert len(Page(page).of("img")) == 1 + 2 * 6
    assert "Pictures are of the first 6 tasks" in page
    assert report._repr_html_().count("<table") == 1
    said = text_of(page)
    assert "no evidence that it helps or hurts any task by itself" in said
    assert "Gains are differences of the loss: the log-loss." in said


def test_a_model_alone_and_a_score_of_the_user(tmp_path):
    pytest.importorskip("matplotlib")
    X, y, task = long_rows()
    alone = compare({"only": RIDGE}, X, y, task=task, random_state=0)
    page = alone.to_html(tmp_path / "alone.html").read_text(encoding="utf-8")
    assert "There is no other model" in page
    assert not Page(page).of("img")
    scored = compare(
        {"a": RIDGE, "b": POOLED},
        X,
        y,
        task=task,
        scoring="neg_mean_absolute_error",
        groups=np.arange(len(X)) // 3,
        random_state=0,
    )
    page = scored.to_html(tmp_path / "scored.html").read_text(encoding="utf-8")
    assert "differences of the score neg_mean_absolute_error" in page
    assert "Rows of one group" in page
    assert "Mean gain over tasks: " in page


def test_tuned_parameters_are_summed_up_over_folds():
    X, y, task = long_rows()
    grid = {"alpha": [0.01, 0.1, 1.0], "solver": ["bcd", "fista"]}
    search = GridSearchCV(GroupLassoRegressor(), grid, cv=2)
    model = make_mtl_pipeline(search)
    report = compare({"a": RIDGE, "b": model}, X, y, task=task, random_state=0)
    found = text_of(params_table(report))
    assert "a nothing: its parameters are fixed" in found
    chosen = report.to_frame("params")
    alphas = chosen.loc[chosen["parameter"] == "alpha", "value"].astype(float)
    assert alphas.nunique() > 1
    ends = f"({alphas.min():.3g} to {alphas.max():.3g})"
    assert f"alpha {alphas.median():.3g} {ends}" in found
    solvers = chosen.loc[chosen["parameter"] == "solver", "value"].value_counts()
    assert f"solver {solvers.index[0]} ({solvers.iloc[0]} times)" in found


def test_parameters_of_many_tasks_are_folded(tmp_path):
    pytest.importorskip("matplotlib")
    X, y, task = long_rows(n=8, n_tasks=22)
    ridges = IndependentTasks(RidgeCV())
    report = compare({"a": RIDGE, "b": ridges}, X, y, task=task, cv=3, random_state=0)
    page = report.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    tuned = page.split("<h2>What was tuned</h2>")[1]
    assert tuned.startswith("<details><summary>All 22 tasks</summary>")
    assert tuned.count("alpha</td>") == 22


def test_the_data_are_described_by_what_they_are(report):
    found = text_of(data_table(report))
    data = report.to_frame("data").set_index("task")
    assert f"{100 * data.loc['died', 'mean']:.1f} % log-loss" in found
    mean, sd = data.loc["level", ["mean", "sd"]]
    assert f"{mean:.3g} (sd {sd:.3g}) squared error" in found


def test_a_score_has_rows_for_the_tasks_it_is_of(report):
    tables = score_tables(report).split("<figure")
    (areas,) = (text_of(t) for t in tables if "ROC AUC" in t)
    assert "died" in areas
    assert "level" not in areas
    assert "visits" not in areas


def test_the_legend_of_gains_names_the_others(report, monkeypatch):
    seen = []
    monkeypatch.setattr(_pictures, "_data_uri", lambda figure: seen.append(figure))
    _pictures.draw_gains(report)
    (legend,) = seen[0].legends
    assert [t.get_text() for t in legend.get_texts()] == ["joint", "prior"]


def test_without_matplotlib_there_are_no_pictures(report, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    page = report.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    assert not Page(page).of("img")
    assert "Pictures need matplotlib" in page


# ---------------------------------------------------------------- in a browser
def test_the_page_asks_for_nothing(path, tmp_path):
    asking = tmp_path / "asking.html"
    asking.write_text('<img src="http://127.0.0.1:9/picture.png">', encoding="utf-8")
    found = _chromium.requests(asking, tmp_path)
    assert found == {"http://127.0.0.1:9/picture.png"}  # the test can fail
    assert _chromium.requests(path, tmp_path) == set()


@pytest.mark.parametrize("width", [375, 1280])
def test_the_page_fits_the_window(page, width, tmp_path):
    found = _chromium.measure(page, width, tmp_path)
    assert found["width"] <= width
    assert len(found["pictures"]) == 3
    assert all(natural > 300 and shown > 300 for natural, shown in found["pictures"])
    assert found["size"] == "16px"
    # Wide tables scroll in boxes of their own.
    assert (found["scrolling"] > 0) == (width == 375)


def test_long_names_do_not_widen_the_page(tmp_path):
    pytest.importorskip("matplotlib")
    X, score, task = long_rows(n=30)
    y = (score > 0).astype(int)
    names = np.array(["outcome_" + letter * 60 for letter in "abc"])
    models = {"m" * 70: LOGISTIC, "n" * 70: GroupLassoClassifier(alpha=0.01)}
    task = names[np.searchsorted(["t0", "t1", "t2"], task)]
    report = compare(models, X, y, task=task, cv=3, random_state=0)
    page = report.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    assert _chromium.measure(page, 375, tmp_path)["width"] <= 375
