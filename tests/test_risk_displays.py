"""Pictures of risks: calibration and decision curves."""

import numpy as np
import pytest
from _comparisons import LOGISTIC, long_rows
from numpy.testing import assert_allclose
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from skmtl import (
    DecisionCurveDisplay,
    GroupLassoClassifier,
    GroupLassoRegressor,
    IndependentTasks,
    TaskCalibrationDisplay,
    attach_task,
    compare,
    make_mtl_pipeline,
)

plt = pytest.importorskip("matplotlib.pyplot")
DISPLAYS = [TaskCalibrationDisplay, DecisionCurveDisplay]


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def rows():
    X, score, task = long_rows(n=150)
    rng = np.random.default_rng(3)
    return X, (rng.uniform(size=len(X)) < expit(score)).astype(int), task


@pytest.fixture(scope="module")
def report(rows):
    X, y, task = rows
    models = {"joint": GroupLassoClassifier(alpha=0.01), "alone": LOGISTIC}
    return compare(models, X, y, task=task, reference="alone", random_state=0)


def drawn_with(display, y, p, **options):
    """Return the display of risks; every one has a curve and its own axes."""
    drawn = display.from_predictions(y, p, **options)
    assert len(drawn.ax_) == len({o.task for o in drawn.outcomes})
    return drawn


@pytest.mark.parametrize("display", DISPLAYS)
def test_from_predictions(display):
    rng = np.random.default_rng(0)
    p = rng.uniform(size=300)
    y = np.where(rng.uniform(size=300) < p, "yes", "no")
    figure, ax = plt.subplots()
    drawn = drawn_with(display, y, p, ax=ax)
    assert drawn.ax_.tolist() == [ax]
    assert drawn.figure_ is figure
    assert set(drawn.frame_["model"]) == {"model"}
    weight = rng.uniform(1, 2, size=300)
    both = drawn_with(display, y, {"a": p, "b": 1 - p}, sample_weight=weight)
    labels = [text.get_text() for text in both.ax_[0].get_legend().get_texts()]
    assert labels[0].startswith("a")
    assert labels[1].startswith("b")
    assert both.plot() is both
    several = drawn_with(display, y, p, task=np.arange(300) % 3)
    assert len(several.ax_) == 3


def test_frames_hold_what_is_drawn():
    y, p = np.tile([0, 1, 1], 40), np.tile([0.2, 0.4, 0.9], 40)
    frame = TaskCalibrationDisplay.from_predictions(y, p).frame_
    assert_allclose(frame["risk"], [0.2, 0.4, 0.9])
    assert frame["share"].tolist() == [0, 1, 1]
    drawn = DecisionCurveDisplay.from_predictions(y, p)
    frame = drawn.frame_.set_index("threshold")
    at = frame.index[np.argmin(np.abs(frame.index - 0.3))]
    assert_allclose(frame.loc[at, "net_benefit"], 2 / 3)
    assert_allclose(frame.loc[at, "treat_all"], 2 / 3 - 1 / 3 * 0.3 / 0.7)
    line = drawn.ax_[0].get_lines()[0]
    assert_allclose(line.get_ydata(), drawn.frame_["net_benefit"])
    beyond = DecisionCurveDisplay.from_predictions(y, 3 * p - 0.7)
    assert beyond.outcomes[0].answer.max() == 1
    assert beyond.outcomes[0].answer.min() == 0


@pytest.mark.parametrize("display", DISPLAYS)
def test_from_estimator(display, rows):
    X, y, task = rows
    classifier = GroupLassoClassifier(alpha=0.01).fit(X, y, task=task)
    risk = classifier.predict_proba(X, task=task)[:, 1]
    drawn = display.from_estimator(classifier, X, y, task=task)
    own = {o.task: o for o in drawn.outcomes}
    assert list(own) == ["t0", "t1", "t2"]
    assert_allclose(own["t1"].answer, risk[task == "t1"])
    regressor = GroupLassoRegressor(alpha=0.01, loss="logistic")
    regressor.fit(X, y, task=task)
    models = {"log": regressor, "class": classifier}
    weight = np.arange(1.0, 1 + len(y))
    drawn = display.from_estimator(models, X, y, task=task, sample_weight=weight)
    assert len(drawn.outcomes) == 6
    first, other = drawn.outcomes[0], drawn.outcomes[3]
    assert_allclose(first.answer, other.answer, atol=1e-3)
    assert_allclose(first.weight, weight[task == "t0"])
    df = attach_task(X, task, name="site")
    pipe = make_mtl_pipeline(GroupLassoClassifier(alpha=0.01), task_col="site")
    drawn = display.from_estimator(pipe.fit(df, y), df, y)
    assert_allclose(drawn.outcomes[2].answer, risk[task == "t2"])
    hard = IndependentTasks(LinearSVC()).fit(X, y, task=task)
    with pytest.raises(TypeError, match="no predict_proba"):
        display.from_estimator(hard, X, y, task=task)


@pytest.mark.parametrize("display", DISPLAYS)
def test_from_report(display, report):
    drawn = display.from_report(report, tasks=["t1"])
    assert [o.model for o in drawn.outcomes] == ["joint", "alone"]
    lines = drawn.ax_[0].get_lines()
    assert [line.get_color() for line in lines[:2]] == ["#444444", "#0072B2"]
    assert len(drawn.outcomes[0].truth) == 300  # 150 rows, twice
    whole = display.from_report(report, models="joint")
    assert len(whole.ax_) == 3
    assert whole.ax_[0].get_lines()[0].get_color() == "#0072B2"
    for options in ({"tasks": ["nowhere"]}, {"models": ["nobody"]}):
        with pytest.raises(ValueError, match=r"none of the tasks|models must be some"):
            display.from_report(report, **options)


def test_the_report_has_the_numbers_of_the_pictures(report):
    frame = report.to_frame("decisions")
    own = frame[(frame["model"] == "joint") & (frame["task"] == "t2")]
    drawn = DecisionCurveDisplay.from_report(report, models="joint", tasks=["t2"])
    assert_allclose(own["net_benefit"], drawn.frame_["net_benefit"])
    assert_allclose(own["treat_all"], drawn.frame_["treat_all"])
    risk = report.to_frame("risk").set_index(["model", "task"])
    slopes = TaskCalibrationDisplay.from_report(report).slopes_
    assert_allclose(risk.loc[("joint", "t2"), "slope"], slopes["joint", "t2"])


@pytest.mark.parametrize("display", DISPLAYS)
@pytest.mark.parametrize(
    ("y", "risks", "options", "message"),
    [
        ([0, 0, 0], [0.1, 0.2, 0.3], {}, "no task to draw"),
        ([0, 1, 2], [0.1, 0.2, 0.3], {}, "no task to draw"),
        ([0, 1, 1], [0.1, 0.2], {}, "must be alike"),
    ],
)
def test_bad_input(display, y, risks, options, message):
    with pytest.raises(ValueError, match=message):
        display.from_predictions(y, risks, **options)


@pytest.mark.parametrize("display", DISPLAYS)
def test_all_that_matters_is_inside(display, report):
    drawn = display.from_report(report)
    for ax in drawn.ax_:
        (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
        for line in ax.get_lines():
            x, y = np.asarray(line.get_xydata(), dtype=float).T
            if line.get_marker() == "o":  # bins
                assert left <= x.min() <= x.max() <= right
                assert low <= y.min()
            if line.get_linestyle() != ":":
                assert y.max() <= high


@pytest.mark.parametrize("display", DISPLAYS)
def test_more_tasks_than_have_room(display):
    size = np.where(np.arange(20) % 2, 4, 6)
    size[3] = 8
    task = np.repeat(np.arange(20), size)
    y, p = np.arange(len(task)) % 2, np.linspace(0, 1, len(task))
    drawn = display.from_predictions(y, p, task=task)
    assert drawn.frame_["task"].nunique() == 20
    found = [int(each.get_title()) for each in drawn.ax_]
    assert found == [0, 1, 2, 3, *range(4, 20, 2)]
    (legend,) = drawn.figure_.legends
    assert "12 of 20 tasks" in legend.get_title().get_text()


def test_outcomes_of_a_wide_table():
    X, score, _ = long_rows(n=60)
    rng = np.random.default_rng(0)
    Y = (rng.uniform(size=(len(X), 2)) < expit(score)[:, None]).astype(object)
    Y[::7, 1] = None
    models = {"alone": IndependentTasks(LogisticRegression())}
    report = compare(models, X, Y, random_state=0)
    drawn = TaskCalibrationDisplay.from_report(report, tasks=[1])
    observed = sum(label is not None for label in Y[:, 1])
    assert len(drawn.outcomes[0].truth) == 2 * observed


def test_decisions_without_any_risk():
    display = DecisionCurveDisplay.from_predictions([0, 1, 0], [0.0, 0.0, 0.0])
    assert display.ax_[0].get_xlim()[1] > 0
    assert (display.frame_["net_benefit"] == 0).all()
