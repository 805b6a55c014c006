"""TransferGuard: its rule, every layout, scikit-learn around it, what it costs."""

import pickle
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from _comparisons import long_rows
from joblib import parallel_config
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    MultiTaskLasso,
    Ridge,
    RidgeClassifier,
)
from sklearn.metrics import (
    accuracy_score,
    d2_log_loss_score,
    d2_tweedie_score,
    r2_score,
)
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    parametrize_with_checks,
)
from test_baselines import expected_failures

from skmtl import (
    AlphaPathCV,
    GroupLassoRegressor,
    IndependentTasks,
    PooledTasks,
    TaskGraphRegressor,
    TransferGuard,
    attach_task,
    compare,
    make_mtl_pipeline,
)
from skmtl.comparison._statistics import (
    paired_gains,
    relative_gains,
    shrunken_gains,
)

POOLED, ALONE = PooledTasks(Ridge(1e-3)), IndependentTasks(Ridge(1e-3))
POOLED_C = PooledTasks(LogisticRegression())
ALONE_C = IndependentTasks(LogisticRegression())


def table(seed):
    """Return X, y, task: "a" and "b" are one, of few rows; "c" can be told exactly."""
    rng = np.random.default_rng(seed)
    task = np.repeat(["a", "b", "c"], [24, 24, 52])[rng.permutation(100)]
    features = rng.normal(size=(100, 12))
    slope, noise = np.where(task == "c", [[1.5], [0.05]], [[1.0], [1.0]])
    labels = slope * features[:, :4].sum(axis=1) + 2 * (task == "b")
    return features, labels + noise * rng.normal(size=100), task


X, y, TASK = table(0)
XC, yC, TASK_C = table(5)
Z = np.where(yC > 0, "yes", "no")
RNG = np.random.default_rng(0)
Y = 2 * np.column_stack([X[:, 0] + X[:, 1], X[:, 0] + X[:, 1], X[:, 2] - X[:, 0]])
Y += 0.8 * RNG.normal(size=Y.shape)
Y[RNG.random(Y.shape) < 0.3] = np.nan


class OnlyTaskC(IndependentTasks):
    """Least squares for task "c", useless for all others; takes part in the rule."""

    def _fit_inner(self, X, labels, weighted):
        found = super()._fit_inner(X, labels, weighted)
        for label, model in found["estimators_"].items():
            if label not in ("c", 2):
                model.coef_ = np.zeros_like(model.coef_)
        return found


def guard(estimator=POOLED, fallback=ALONE, **options):
    """Return a guard that can be repeated."""
    return TransferGuard(estimator, fallback, **{"random_state": 0, **options})


@parametrize_with_checks(
    [
        TransferGuard(IndependentTasks(Ridge()), IndependentTasks(Ridge(10.0)), cv=2),
        TransferGuard(ALONE_C, IndependentTasks(LogisticRegression(C=0.1)), cv=2),
    ],
    expected_failed_checks=expected_failures,
)
@pytest.mark.filterwarnings("ignore:.*labels of one class only:UserWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_column_names_are_checked():
    check_dataframe_column_names_consistency("TransferGuard", guard())


# ---------------------------------------------------------------- the rule
def test_rule_by_hand():
    folds = [
        (np.flatnonzero(k != np.arange(100) % 5), np.arange(k, 100, 5))
        for k in range(5)
    ]
    model = guard(cv=folds).fit(X, y, task=TASK)
    gains, ratio = {t: [] for t in "abc"}, {t: [0, 0] for t in "abc"}
    for train, test in folds:
        errors = []
        for one in (POOLED, ALONE):
            fitted = clone(one).fit(X[train], y[train], task=TASK[train])
            errors.append((y[test] - fitted.predict(X[test], task=TASK[test])) ** 2)
        for t in "abc":
            own = TASK[test] == t
            gains[t].append(errors[1][own].mean() - errors[0][own].mean())
            ratio[t][0] += own.sum()
            ratio[t][1] += (TASK[train] == t).sum()
    for t, label in enumerate("abc"):
        mean, sd = np.mean(gains[label]), np.std(gains[label], ddof=1)
        error = sd * np.sqrt(1 / 5 + ratio[label][0] / ratio[label][1])
        np.testing.assert_allclose(model.gains_[t], mean)
        np.testing.assert_allclose(model.gain_se_[t], error)
        assert model.chosen_[label] == ("estimator" if mean > error else "fallback")
    assert model.cv_losses_.shape == (2, 3, 5)
    assert model.losses_ == dict.fromkeys("abc", "squared error")


def of_tasks(mean, error, n_folds=6):
    """Return losses (2, T, J) of which the gains have these moments; the base is 2."""
    ends = np.where(np.arange(n_folds) % 2, 1.0, -1.0)
    # Each task has folds of its own, so that gains of different tasks differ.
    ends = np.stack([np.roll(ends, t % 2) for t in range(len(mean))])
    sd = np.std(ends[0], ddof=1) * np.sqrt(1 / n_folds + 0.25)
    gains = np.reshape(mean, (-1, 1)) + ends * np.reshape(error, (-1, 1)) / sd
    base = np.full(gains.shape, 2.0)
    return np.stack([base - gains, base])


def gains_of(mean, error):
    """Return the `Gains` of such losses."""
    loss = of_tasks(mean, error)
    counts = np.full(loss.shape[1:], 40), np.full(loss.shape[1:], 10)
    return paired_gains(loss, 1, *counts, relative=True)


def test_shrunken_gains_by_hand():
    mean, error = (
        np.array([0.2, 0.6, 0.1, 1.1, -0.4]),
        np.array([0.4, 0.2, 0.3, 0.5, 0.1]),
    )
    gains = gains_of(mean, error)
    own, own_error = (values[0] for values in relative_gains(gains))
    np.testing.assert_allclose(own, mean / 2)
    np.testing.assert_allclose(own_error, error / 2)
    spread = np.var(mean / 2, ddof=1) - np.mean((error / 2) ** 2)
    assert spread > 0
    pull = 2 / 4 * (error / 2) ** 2 / ((error / 2) ** 2 + spread)
    found, found_error = (values[0] for values in shrunken_gains(gains))
    np.testing.assert_allclose(found, (1 - pull) * mean / 2 + pull * np.mean(mean / 2))
    squared = (1 - pull) * (error / 2) ** 2
    squared += pull**2 * (gains.overall.error[0] ** 2 + spread / 5)
    np.testing.assert_allclose(found_error, np.sqrt(squared))


def test_gains_that_differ_by_less_than_their_errors_are_pulled_most():
    mean = np.array([0.1, 0.2, 0.3, 0.2, 0.15, 0.25, 0.2])
    found, error = (values[0] for values in shrunken_gains(gains_of(mean, np.ones(7))))
    np.testing.assert_allclose(found, mean / 2 * 2 / 6 + mean.mean() / 2 * 4 / 6)
    assert (error < 0.5).all()


@pytest.mark.parametrize(
    ("mean", "error"),
    [
        ([0.3], [0.1]),
        ([0.1, 0.2, 0.3], [1.0, 1.0, 1.0]),  # three tell too little of their spread
        ([0.1, 0.2, 0.3, 0.2], [0.0, 0.0, 0.0, 0.0]),
        ([1e3, -1e3, 1e3, -1e3, 1e3], [1e-3] * 5),  # plainly different
    ],
)
def test_gains_that_are_not_pulled(mean, error):
    gains = gains_of(mean, error)
    for found, own in zip(shrunken_gains(gains), relative_gains(gains), strict=True):
        np.testing.assert_allclose(found[0], own[0], rtol=1e-6, atol=1e-12)


def test_a_task_without_held_out_labels_tells_nothing_of_the_others():
    mean, error = [0.1, 0.2, 0.3, 0.2, 0.4], [0.3] * 5
    loss = of_tasks([*mean, 9.0], [*error, 1.0])
    loss[:, -1] = np.nan
    counts = np.full(loss.shape[1:], 40), np.full(loss.shape[1:], 10)
    found = shrunken_gains(paired_gains(loss, 1, *counts, relative=True))
    for holed, whole in zip(found, shrunken_gains(gains_of(mean, error)), strict=True):
        assert np.isnan(holed[0, -1])
        np.testing.assert_allclose(holed[0, :-1], whole[0])


@pytest.mark.parametrize("spread", [0.0, 0.3, 1.0, 3.0])
def test_shrunken_gains_are_nearer_to_the_true_ones(spread):
    rng = np.random.default_rng(0)
    wrong = np.zeros(2)
    for _ in range(300):
        truth = 0.5 + spread * rng.normal(size=8)
        error = rng.uniform(0.5, 1.0, 8)
        gains = gains_of(truth + error * rng.normal(size=8), error)
        for k, judge in enumerate((shrunken_gains, relative_gains)):
            wrong[k] += np.sum((2 * judge(gains)[0][0] - truth) ** 2)
    assert wrong[0] < wrong[1]


def test_only_a_guard_that_shrinks_borrows_from_other_tasks():
    features, labels, task = long_rows(n=30, n_tasks=5)
    joint, own = (
        guard(shrink=shrink).fit(features, labels, task=task)
        for shrink in (True, False)
    )
    np.testing.assert_array_equal(joint.gains_, own.gains_)
    relative = own.gains_ / own.cv_losses_[1].mean(axis=1)
    np.testing.assert_allclose(own.judged_gains_, relative)
    expected = [
        "estimator" if gain > error else "fallback"
        for gain, error in zip(own.gains_, own.gain_se_, strict=True)
    ]
    assert list(own.chosen_.values()) == expected
    assert (joint.judged_gain_se_ < own.judged_gain_se_).any()
    for model in (joint, own):
        chosen = model.judged_gains_ > model.judged_gain_se_
        assert [c == "estimator" for c in model.chosen_.values()] == chosen.tolist()


def test_predictions_are_those_of_the_chosen_model():
    model = guard().fit(X, y, task=TASK)
    assert model.chosen_ == {"a": "estimator", "b": "estimator", "c": "fallback"}
    found = model.predict(X, task=TASK)
    both = {"estimator": POOLED, "fallback": ALONE}
    for label, name in model.chosen_.items():
        fitted = clone(both[name]).fit(X, y, task=TASK)
        rows = label == TASK
        expected = fitted.predict(X[rows], task=label)
        np.testing.assert_allclose(found[rows], expected)
        np.testing.assert_allclose(model.predict(X[rows], task=label), expected)
    assert model.score(X, y, task=TASK) == r2_score(y, found)
    assert is_regressor(model)


def test_larger_n_se_leaves_the_fallback_less_often():
    chosen = [
        [c == "estimator" for c in guard(n_se=k).fit(X, y, task=TASK).chosen_.values()]
        for k in (0, 1, 100)
    ]
    assert sum(chosen[0]) >= sum(chosen[1]) > sum(chosen[2]) == 0


def test_equal_models_leave_the_fallback():
    model = guard(clone(ALONE), ALONE).fit(X, y, task=TASK)
    assert set(model.chosen_.values()) == {"fallback"}
    assert model.unseen_choice_ == "fallback"
    assert (model.gains_ == 0).all()


# ---------------------------------------------------------------- layouts
@pytest.mark.parametrize("names", [None, ["u", "v", "w"]])
def test_wide_labels_with_holes(names):
    labels = Y if names is None else pd.DataFrame(Y, columns=names)
    model = guard(OnlyTaskC(LinearRegression()), ALONE)
    if names is not None:
        labels = labels.rename(columns={"w": "c"})
    model.fit(X, labels)
    assert list(model.chosen_.values())[:2] == ["fallback", "fallback"]
    each = {
        name: clone(one).fit(X, labels).predict(X)
        for name, one in (("estimator", model.estimator), ("fallback", ALONE))
    }
    found = model.predict(X)
    assert found.shape == Y.shape
    for t, name in enumerate(model.chosen_.values()):
        np.testing.assert_allclose(found[:, t], each[name][:, t])
        own = model.predict(X, task=model.tasks_[t])
        np.testing.assert_allclose(own, found[:, t])
    seen = np.isfinite(Y)
    scores = [r2_score(Y[m, t], found[m, t]) for t, m in enumerate(seen.T)]
    assert model.score(X, labels) == pytest.approx(np.mean(scores))


def test_one_task():
    model = guard(Ridge(1000.0), Ridge(0.1)).fit(X, X[:, 0])
    assert model.chosen_ == {0: "fallback"}
    np.testing.assert_allclose(model.predict(X), Ridge(0.1).fit(X, X[:, 0]).predict(X))
    assert guard(Ridge(0.1), Ridge(1000.0)).fit(X, X[:, 0]).chosen_ == {0: "estimator"}


@pytest.mark.parametrize(
    "container", [sparse.csr_array, pd.DataFrame, lambda X: pl.DataFrame(X)]
)
def test_containers(container):
    plain = guard().fit(X, y, task=TASK)
    data = container(X)
    if hasattr(data, "columns"):
        data.columns = [f"x{j}" for j in range(X.shape[1])]
    model = guard().fit(data, y, task=TASK)
    assert model.chosen_ == plain.chosen_
    np.testing.assert_allclose(
        model.predict(data, task=TASK), plain.predict(X, task=TASK), atol=1e-2
    )
    if isinstance(data, pd.DataFrame):
        assert model.feature_names_in_.tolist() == list(data)


def test_models_of_scikit_learn_for_a_wide_table():
    full = np.nan_to_num(Y)
    model = guard(MultiTaskLasso(0.01), LinearRegression()).fit(X, full)
    each = {
        "estimator": MultiTaskLasso(0.01).fit(X, full).predict(X),
        "fallback": LinearRegression().fit(X, full).predict(X),
    }
    for t, name in model.chosen_.items():
        np.testing.assert_allclose(model.predict(X)[:, t], each[name][:, t])


def test_classifiers_over_tasks():
    model = guard(POOLED_C, ALONE_C).fit(XC, Z, task=TASK_C)
    assert model.chosen_["c"] == "fallback"
    assert model.chosen_["a"] == model.chosen_["b"] == "estimator"
    assert is_classifier(model)
    assert model.classes_.tolist() == ["no", "yes"]
    proba, predicted = (
        model.predict_proba(XC, task=TASK_C),
        model.predict(XC, task=TASK_C),
    )
    both = {"estimator": POOLED_C, "fallback": ALONE_C}
    for label, name in model.chosen_.items():
        fitted = clone(both[name]).fit(XC, Z, task=TASK_C)
        rows = label == TASK_C
        expected = fitted.predict_proba(XC[rows], task=label)
        np.testing.assert_allclose(proba[rows], expected)
        assert (predicted[rows] == fitted.predict(XC[rows], task=label)).all()
        np.testing.assert_allclose(
            model.decision_function(XC[rows], task=label),
            fitted.decision_function(XC[rows], task=label),
        )
    assert model.score(XC, Z, task=TASK_C) == accuracy_score(Z, predicted)
    np.testing.assert_allclose(model.predict_log_proba(XC, task=TASK_C), np.log(proba))


def test_wide_classifiers_with_holes():
    labels = np.where(np.isnan(Y), np.nan, np.nan_to_num(Y) > 0)
    model = guard(ALONE_C, IndependentTasks(LogisticRegression(C=1e-4)))
    model.fit(X, labels)
    proba = model.predict_proba(X)
    assert [p.shape for p in proba] == [(100, 2)] * 3
    assert "estimator" in model.chosen_.values()
    for t, name in model.chosen_.items():
        one = clone(getattr(model, name)).fit(X, labels)
        np.testing.assert_allclose(proba[t], one.predict_proba(X)[t])
    assert [c.tolist() for c in model.classes_] == [[0, 1]] * 3


def test_tasks_may_have_different_classes():
    labels = np.where(
        TASK == "a",
        np.where(y > 0, "yes", "no"),
        np.array(["x", "y", "z"])[np.digitize(y, [-1, 1])],
    )
    model = guard(ALONE_C, IndependentTasks(LogisticRegression(C=1e-4)))
    model.fit(X, labels, task=TASK)
    proba = model.predict_proba(X, task=TASK)
    assert model.classes_.tolist() == ["no", "x", "y", "yes", "z"]
    assert (proba[TASK == "a"][:, [1, 2, 4]] == 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert set(model.predict(X, task="a")) <= {"no", "yes"}


def mixed():
    """Return a table of a length, a risk and a count, and their losses."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(150, 4))
    line = 1.2 * features[:, 0] + 0.5 * features[:, 1]
    outcomes = pd.DataFrame(
        {
            "days": line + rng.normal(size=150),
            "dead": (line + rng.logistic(size=150) > 0).astype(float),
            "visits": rng.poisson(np.exp(0.5 * line)).astype(float),
        }
    )
    outcomes[rng.random(outcomes.shape) < 0.2] = np.nan
    return (
        features,
        outcomes,
        {"days": "squared", "dead": "logistic", "visits": "poisson"},
    )


def test_mixed_outcomes():
    features, outcomes, loss = mixed()
    alone = IndependentTasks(GroupLassoRegressor(5.0, loss=loss))
    model = guard(GroupLassoRegressor(0.01, loss=loss), alone, cv=3)
    model.fit(features, outcomes)
    assert model.losses_ == {
        "days": "squared error",
        "dead": "log-loss",
        "visits": "Poisson deviance",
    }
    assert model.chosen_["days"] == "estimator"
    predicted = model.predict(features)
    scores = []
    for t, (name, metric) in enumerate(
        {
            "days": r2_score,
            "dead": lambda y, p: d2_log_loss_score(y, np.column_stack([1 - p, p])),
            "visits": partial(d2_tweedie_score, power=1),
        }.items()
    ):
        own = outcomes[name].notna().to_numpy()
        scores.append(metric(outcomes[name][own], predicted[own, t]))
    assert model.score(features, outcomes) == pytest.approx(np.mean(scores))
    only = np.isfinite(outcomes.to_numpy()) * [0.0, 1.0, 0.0]
    assert model.score(features, outcomes, sample_weight=only) == pytest.approx(
        scores[1]
    )


def test_risks_that_are_no_probabilities_are_compared_by_squared_errors():
    features, outcomes, loss = mixed()
    model = guard(GroupLassoRegressor(0.01, loss=loss), ALONE, cv=3)
    with pytest.warns(UserWarning, match="no probabilities"):
        model.fit(features, outcomes[["days", "dead"]])
    assert set(model.losses_.values()) == {"squared error"}


# ---------------------------------------------------------------- weights and groups
def test_weights_of_zero_leave_rows_out():
    weight = np.where(np.arange(100) % 4 == 0, 0.0, 1.0)
    kept = weight > 0
    folds = [
        (np.flatnonzero(k != np.arange(100) % 3), np.arange(k, 100, 3))
        for k in range(3)
    ]
    position = np.cumsum(kept) - 1
    fewer = [[position[part[kept[part]]] for part in fold] for fold in folds]
    model = guard(cv=folds).fit(X, y, task=TASK, sample_weight=weight)
    other = guard(cv=fewer).fit(X[kept], y[kept], task=TASK[kept])
    np.testing.assert_allclose(model.gains_, other.gains_)
    np.testing.assert_allclose(model.gain_se_, other.gain_se_)
    weight = np.where(TASK == "a", 5.0, 1.0) * RNG.uniform(0.5, 2, 100)
    weighted = guard(cv=folds).fit(X, y, task=TASK, sample_weight=weight)
    assert (
        np.abs(weighted.gains_ - guard(cv=folds).fit(X, y, task=TASK).gains_).min() > 0
    )


def test_groups_stay_together():
    groups = np.arange(100) // 2
    twice, again = np.repeat(X[::2], 2, axis=0), np.repeat(y[::2], 2)
    task = np.repeat(TASK[::2], 2)
    model = guard().fit(twice, again, task=task, groups=groups)
    single = guard().fit(X[::2], y[::2], task=TASK[::2])
    # Copies of a row teach nothing: with them in one fold, errors are as of one.
    assert model.gain_se_ == pytest.approx(single.gain_se_, rel=0.7)
    leaky = guard().fit(twice, again, task=task).cv_losses_[1]
    assert np.nanmean(leaky) < 0.8 * np.nanmean(model.cv_losses_[1])


# ---------------------------------------------------------------- around it
def test_failed_fits_leave_the_previous_one():
    model = guard().fit(X, y, task=TASK)
    before = model.predict(X, task=TASK)
    with pytest.raises(ValueError, match="infinity"):
        model.fit(X, np.where(TASK == "a", np.inf, y), task=TASK)
    with pytest.raises(ValueError, match="failed in fold"):
        model.fit(np.where(X > 2, np.nan, X)[:, :3], y, task=TASK)
    np.testing.assert_array_equal(model.predict(X, task=TASK), before)


def test_copies():
    model = guard().fit(X, y, task=TASK)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(
        again.predict(X, task=TASK), model.predict(X, task=TASK)
    )
    assert clone(model).get_params()["estimator__estimator__alpha"] == 1e-3
    assert not hasattr(POOLED, "estimator_")


def test_jobs_and_seeds_change_nothing():
    forest = IndependentTasks(RandomForestRegressor(3))
    with parallel_config("threading"):
        results = [
            guard(forest, ALONE, cv=2, n_jobs=n).fit(X, y, task=TASK) for n in (None, 2)
        ]
    np.testing.assert_array_equal(results[0].gains_, results[1].gains_)
    found = [m.estimator_.predict(X, task=TASK) for m in results]
    np.testing.assert_array_equal(*found)


def test_in_a_pipeline_with_a_task_column():
    frame = attach_task(X, TASK, "hospital")
    pipe = make_mtl_pipeline(StandardScaler(), guard(), task_col="hospital")
    pipe.fit(frame, y)
    scaled = StandardScaler().fit_transform(X)
    plain = guard().fit(scaled, y, task=TASK)
    np.testing.assert_allclose(pipe.predict(frame), plain.predict(scaled, task=TASK))
    scores = cross_validate(pipe, frame, y, cv=3)["test_score"]
    assert scores.min() > 0.2
    search = GridSearchCV(
        pipe,
        {"estimator__transferguard__estimator__estimator__alpha": [0.1, 1e4]},
        cv=2,
    )
    assert search.fit(frame, y).best_score_ > 0.2


def test_pipelines_inside():
    inner = make_mtl_pipeline(StandardScaler(), PooledTasks(Ridge()))
    alone = make_mtl_pipeline(StandardScaler(), IndependentTasks(Ridge()))
    model = guard(inner, alone).fit(X, y, task=TASK)
    assert model.predict(X, task=TASK).shape == (100,)
    column = make_mtl_pipeline(Ridge(), task_col=0)
    with pytest.raises(ValueError, match="Put the guard inside"):
        guard(column, alone).fit(X, y)


def test_routed_through_cross_validation():
    with sklearn.config_context(enable_metadata_routing=True):
        found = cross_validate(
            guard(), X, y, cv=3, params={"task": TASK, "groups": np.arange(100)}
        )
    assert np.isfinite(found["test_score"]).all()


def test_in_a_comparison():
    models = {"single-task": ALONE, "pooled": POOLED, "guard": guard(random_state=None)}
    report = compare(models, X, y, task=TASK, random_state=0)
    loss = dict(zip(models, report.losses_.mean(axis=2), strict=True))
    assert loss["guard"][2] < 0.3 * loss["pooled"][2]
    chosen = report.params_["guard"][0]
    assert chosen["c: model"] == "fallback"
    assert set(chosen) == {"a: model", "b: model", "c: model"}


def test_tuned_parameters_and_empty_models_of_both_sides_are_reported():
    search = AlphaPathCV(GroupLassoRegressor(), alphas=[100.0])
    models = {"guard": guard(search, ALONE), "empty": guard(search, search)}
    report = compare(models, X, y, task=TASK, cv=3, random_state=0)
    chosen = report.params_["guard"][0]
    assert chosen["estimator: alpha"] == 100.0
    frame = report.to_frame("models").set_index("model")
    assert "empty" in frame["settings"]["empty"]
    assert "empty" not in frame["settings"]["guard"]


def test_unseen_tasks():
    model = guard(unseen="shared").fit(X, y, task=TASK)
    assert model.unseen_choice_ in ("estimator", "fallback")
    chosen = getattr(model, f"{model.unseen_choice_}_")
    with pytest.warns(UserWarning, match="'new'") as caught:
        found = model.predict(X, task="new")
    assert len(caught) == 1
    with pytest.warns(UserWarning, match="'new'"):
        np.testing.assert_allclose(found, chosen.predict(X, task="new"))
    codes = np.unique(TASK, return_inverse=True)[1]
    numbered = guard(POOLED_C, ALONE_C, unseen="shared").fit(X, Z, task=codes)
    with pytest.warns(UserWarning, match="77"):
        assert numbered.predict_proba(X, task=77).shape == (100, 2)
    with pytest.raises(ValueError, match="never seen in fit: 'new'"):
        guard().fit(X, y, task=TASK).predict(X, task="new")
    wide = guard(MultiTaskLasso(), LinearRegression(), unseen="shared")
    wide.fit(X, np.nan_to_num(Y))
    with (
        pytest.warns(UserWarning, match="never seen"),
        pytest.raises(ValueError, match="cannot predict a task never seen"),
    ):
        wide.predict(X, task=9)


def test_tags():
    tags = get_tags(guard())
    assert tags.input_tags.sparse
    assert tags.target_tags.multi_output
    forest = IndependentTasks(RandomForestClassifier())
    assert not hasattr(guard(forest, ALONE_C), "decision_function")
    assert hasattr(guard(forest, ALONE_C), "predict_proba")
    assert not hasattr(guard(), "predict_proba")
    assert get_tags(guard(forest, ALONE_C)).input_tags.allow_nan is False


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (guard(POOLED_C, ALONE), "both be classifiers"),
        (guard(Ridge(), ALONE), "does not take task="),
        (guard(cv=1), "at least 2 folds"),
        (guard(n_se=-1.0), "n_se"),
        (guard(fallback=None), "fallback"),
        (guard(cv=[]), "no folds"),
    ],
)
def test_bad_parameters(model, match):
    with pytest.raises((ValueError, TypeError), match=match):
        model.fit(X, y, task=TASK)


def test_classifiers_need_probabilities():
    with pytest.raises(TypeError, match="no predict_proba"):
        guard(ALONE_C, IndependentTasks(RidgeClassifier())).fit(X, Z, task=TASK)


# ---------------------------------------------------------------- what it costs
def simulation():
    """Return the module of the benchmark."""
    folder = str(Path(__file__).parents[1] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        import guard as module
    finally:
        sys.path.remove(folder)
    return module


@pytest.mark.parametrize("model", ["group lasso", "pooled"])
def test_unrelated_tasks_cost_at_most_one_percent(model):
    script = simulation()
    found = script.simulate(script.unrelated, script.MODELS[model], 5)
    _, figures = script.summarise(*found)
    assert figures["guard"] <= 1.01


@pytest.mark.parametrize(
    ("draw", "model"), [("near", "pooled"), ("same_features", "group lasso")]
)
def test_related_tasks_keep_half_of_the_gain(draw, model):
    script = simulation()
    found = script.simulate(getattr(script, draw), script.MODELS[model], 5)
    _, figures = script.summarise(*found)
    assert figures["multi-task"] < 0.9
    assert 1 - figures["guard"] >= 0.5 * (1 - figures["multi-task"])


def test_long_tables_of_text_labels_in_any_order():
    features, labels, task = long_rows(n=30)
    order = np.random.default_rng(1).permutation(len(labels))
    folds = [
        (np.arange(0, 90, 2), np.arange(1, 90, 2)),
        (np.arange(1, 90, 2), np.arange(0, 90, 2)),
    ]
    back = np.argsort(order)
    moved = [tuple(back[part] for part in fold) for fold in folds]
    search = AlphaPathCV(TaskGraphRegressor(), alphas=5)
    one = guard(search, ALONE, cv=folds).fit(features, labels, task=task)
    two = guard(search, ALONE, cv=moved)
    two.fit(features[order], labels[order], task=task[order])
    np.testing.assert_allclose(one.gains_, two.gains_, rtol=0.2, atol=0.01)
