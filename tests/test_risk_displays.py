"""Pictures of risks: calibration and decision curves."""

import numpy as np
import pytest
from _comparisons import LOGISTIC, long_rows
from numpy.testing import assert_allclose
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

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
    models = {"alone": LOGISTIC, "joint": GroupLassoClassifier(alpha=0.01)}
    return compare(models, X, y, task=task, random_state=0)


@pytest.mark.parametrize("display", DISPLAYS)
def test_from_predictions(display):
    rng = np.random.default_rng(0)
    p = rng.uniform(size=300)
    y = np.where(rng.uniform(size=300) < p, "yes", "no").astype(object)
    y[:10] = None
    figure, ax = plt.subplots()
    drawn = display.from_predictions(y, p, name="mine", ax=ax)
    assert drawn.ax_ is ax
    assert drawn.figure_ is figure
    assert set(drawn.frame_["model"]) == {"mine"}
    assert len(drawn.y_true) == 290
    both = display.from_predictions(
        y, {"a": p, "b": 1 - p}, sample_weight=rng.uniform(1, 2, size=300)
    )
    labels = [text.get_text() for text in both.ax_.get_legend().get_texts()]
    assert labels[0].startswith("a")
    assert labels[1].startswith("b")
    assert both.plot() is both


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
    line = drawn.ax_.get_lines()[0]
    assert_allclose(line.get_ydata(), drawn.frame_["net_benefit"])


@pytest.mark.parametrize("display", DISPLAYS)
def test_from_estimator(display, rows):
    X, y, task = rows
    own = task == "t1"
    classifier = GroupLassoClassifier(alpha=0.01).fit(X, y, task=task)
    risk = classifier.predict_proba(X[own], task="t1")[:, 1]
    drawn = display.from_estimator(classifier, X[own], y[own], task="t1")
    assert list(drawn.risks) == ["GroupLassoClassifier"]
    assert_allclose(drawn.risks["GroupLassoClassifier"], risk)
    regressor = GroupLassoRegressor(alpha=0.01, loss="logistic")
    regressor.fit(X, y, task=task)
    drawn = display.from_estimator(
        regressor, X[own], y[own], task="t1", name="risk", sample_weight=np.ones(150)
    )
    assert_allclose(drawn.risks["risk"], risk, atol=1e-3)
    df = attach_task(X, task, name="site")
    pipe = make_mtl_pipeline(GroupLassoClassifier(alpha=0.01), task_col="site")
    drawn = display.from_estimator(pipe.fit(df, y), df[own], y[own])
    assert_allclose(drawn.risks["MTLPipeline"], risk)
    alone = LogisticRegression().fit(X[own], y[own])
    drawn = display.from_estimator(alone, X[own], y[own])
    assert_allclose(
        drawn.risks["LogisticRegression"], alone.predict_proba(X[own])[:, 1]
    )


@pytest.mark.parametrize("display", DISPLAYS)
def test_from_report(display, report):
    drawn = display.from_report(report, "t1")
    assert list(drawn.risks) == ["alone", "joint"]
    assert drawn.ax_.get_lines()[0].get_color() == "#444444"  # the reference
    y, risks, weight = report.risks("t1")
    assert len(y) == 300  # 150 rows, twice
    assert_allclose(drawn.risks["joint"], risks["joint"])
    assert weight.tolist() == [1.0] * 300
    with pytest.raises(ValueError, match="got 'nowhere'"):
        display.from_report(report, "nowhere")


def test_the_report_has_the_numbers_of_the_pictures(report):
    frame = report.to_frame("decisions")
    own = frame[(frame["model"] == "joint") & (frame["task"] == "t2")]
    drawn = DecisionCurveDisplay.from_report(report, "t2").frame_
    drawn = drawn[drawn["model"] == "joint"]
    assert_allclose(own["net_benefit"], drawn["net_benefit"])
    assert_allclose(own["treat_all"], drawn["treat_all"])
    risk = report.to_frame("risk").set_index(["model", "task"])
    slopes = TaskCalibrationDisplay.from_report(report, "t2").slopes_
    assert_allclose(risk.loc[("joint", "t2"), "slope"], slopes["joint"])


@pytest.mark.parametrize("display", DISPLAYS)
@pytest.mark.parametrize(
    ("y", "risks", "options", "message"),
    [
        ([0, 0, 0], [0.1, 0.2, 0.3], {}, "two classes, got 1"),
        ([0, 1, 2], [0.1, 0.2, 0.3], {}, "two classes, got 3"),
        ([0, 1, 1], [0.1, 0.2], {}, r"'model' must be one number per label, \(3,\)"),
        ([0, 1, 1], [0.1, np.nan, 0.3], {}, "NaN"),
        ([0, 1], [0.1, 0.3], {"sample_weight": [1.0]}, "sample_weight must be one"),
    ],
)
def test_bad_input(display, y, risks, options, message):
    with pytest.raises(ValueError, match=message):
        display.from_predictions(y, risks, **options)


def test_many_outcomes_in_a_wide_table():
    X, score, _ = long_rows(n=60)
    rng = np.random.default_rng(0)
    Y = (rng.uniform(size=(len(X), 2)) < expit(score)[:, None]).astype(object)
    Y[::7, 1] = None
    models = {"alone": IndependentTasks(LogisticRegression())}
    report = compare(models, X, Y, random_state=0)
    drawn = TaskCalibrationDisplay.from_report(report, 1)
    assert len(drawn.y_true) == 2 * sum(label is not None for label in Y[:, 1])
