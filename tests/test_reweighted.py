"""Concave penalties of rows: their shapes, the stages, the estimators."""

import warnings

import numpy as np
import pytest
from _problems import make_problem

from skmtl import (
    AlphaPathCV,
    GroupLassoRegressor,
    ReweightedGroupLassoClassifier,
    ReweightedGroupLassoRegressor,
    duality_gap,
    kkt_residual,
    mtl_path,
    objective,
)
from skmtl.data import TaskData
from skmtl.layouts import numeric_labels, read_labels
from skmtl.losses import Squared
from skmtl.objectives import DataObjective
from skmtl.penalties import Capped, ConcaveRows, Mcp, Scad, Sqrt
from skmtl.solvers import SOLVERS, solve_reweighted

SHAPES = {
    "mcp": Mcp(0.3, 3.0),
    "scad": Scad(0.3, 3.7),
    "sqrt": Sqrt(0.3, 1e-2),
    "capped": Capped(0.3, 0.4),
}
NAMES = ["mcp", "scad", "sqrt", "capped"]
every = pytest.mark.parametrize("phi", SHAPES.values(), ids=SHAPES)


@every
def test_slope_is_the_derivative(phi):
    r, step = np.linspace(0.01, 3, 400), 1e-6
    numeric = (phi.value(r + step) - phi.value(r - step)) / (2 * step)
    smooth = np.abs(r - getattr(phi, "theta", -1)) > 1e-3
    np.testing.assert_allclose(phi.slope(r)[smooth], numeric[smooth], atol=1e-5)
    assert phi.value(np.zeros(1)) == pytest.approx(0.0)
    assert (np.diff(phi.slope(r)) <= 1e-15).all()  # concave
    assert (np.diff(phi.value(r)) >= -1e-15).all()


@every
def test_majorant_touches_from_above(phi):
    rng, penalty = np.random.default_rng(0), ConcaveRows(phi)
    W = rng.normal(size=(6, 3)) * 0.5
    above = penalty.majorant(W)
    shift = penalty.value(W) - above.value(W)
    for _ in range(50):
        V = W + rng.normal(size=W.shape) * rng.choice([0.01, 0.3, 2.0])
        assert above.value(V) + shift >= penalty.value(V) - 1e-12


def test_at_most_so_many_rows_go_free():
    W = 10 * np.ones((5, 2))
    penalty = ConcaveRows(Mcp(0.3, 3.0))
    assert len(penalty.majorant(W).free) == 5
    assert len(penalty.majorant(W, 4).free) == 0


@every
@pytest.mark.parametrize("name", ["ragged", "wide_nan", "n_below_p"])
def test_objective_never_rises(name, phi):
    problem = make_problem(name)
    labels = numeric_labels(read_labels(problem.y, **problem.extra))
    data = TaskData.pack(problem.X, labels)
    f = DataObjective(data, Squared(), np.ones(data.n_tasks))
    penalty = ConcaveRows(phi)
    W0 = np.zeros((data.n_features, data.n_tasks))
    result = solve_reweighted(
        f, penalty, SOLVERS["bcd"], tol=1e-6, max_iter=50_000, W0=W0
    )
    values = [value for _, value, _ in result.history]
    assert len(values) > 1
    assert (np.diff(values[1:]) <= 1e-9 * f.null).all()
    assert result.converged
    assert result.stationarity <= 1e-6 * phi.alpha
    assert np.isnan(result.gap)
    # A stationary point of the whole: no small step along the rows descends.
    rng = np.random.default_rng(0)
    for _ in range(20):
        V = result.W + 1e-4 * rng.normal(size=result.W.shape)
        assert f.at(V).value + penalty.value(V) >= result.objective - 1e-9


@pytest.fixture
def planted():
    rng = np.random.default_rng(0)
    X, coef = rng.normal(size=(120, 20)), np.zeros((3, 20))
    coef[:, :4] = rng.choice([-1, 1], size=(3, 4)) * rng.uniform(0.8, 2, size=(3, 4))
    return X, X @ coef.T + 0.5 * rng.normal(size=(120, 3)), coef


@pytest.mark.parametrize("penalty", NAMES)
def test_less_bias_than_the_convex_fit(planted, penalty):
    X, Y, coef = planted
    convex = GroupLassoRegressor(0.3).fit(X, Y)
    model = ReweightedGroupLassoRegressor(0.3, penalty=penalty).fit(X, Y)
    assert model.converged_
    assert model.selected_features_.tolist() == [0, 1, 2, 3]
    error, convex_error = (np.abs(m.coef_ - coef).max() for m in (model, convex))
    assert error < 0.75 * convex_error
    assert not hasattr(model, "dual_gap_")
    assert kkt_residual(model, X, Y).max() <= 1.01e-4 * 0.3
    assert objective(model, X, Y) == pytest.approx(model.objective_)
    with pytest.raises(TypeError, match="not convex"):
        duality_gap(model, X, Y)


def test_a_large_gamma_is_the_group_lasso(planted):
    X, Y, _ = planted
    convex = GroupLassoRegressor(0.3, tol=1e-12).fit(X, Y)
    model = ReweightedGroupLassoRegressor(0.3, gamma=1e9).fit(X, Y)
    np.testing.assert_allclose(model.coef_, convex.coef_, atol=1e-6)


@pytest.mark.parametrize("penalty", NAMES)
@pytest.mark.parametrize("name", ["ragged", "wide_weighted", "sparse", "one_task"])
def test_layouts(name, penalty):
    problem = make_problem(name)
    model = ReweightedGroupLassoRegressor(0.1, penalty=penalty)
    model.fit(problem.X, problem.y, **problem.extra)
    assert model.converged_
    task = problem.extra.get("task")
    predicted = model.predict(problem.X, **({} if task is None else {"task": task}))
    assert predicted.shape == problem.y.shape


@pytest.mark.parametrize("penalty", NAMES)
def test_classifier(planted, penalty):
    X, Y, _ = planted
    model = ReweightedGroupLassoClassifier(0.05, penalty=penalty, theta=5.0, eps=1.0)
    model.fit(X, (Y > 0).astype(int))
    assert model.converged_
    assert model.score(X, (Y > 0).astype(int)) > 0.85


def test_stream_and_scaling(planted):
    X, Y, _ = planted
    batch = ReweightedGroupLassoRegressor(0.2, scale_y=True).fit(X, Y * [1, 10, 100])
    stream = ReweightedGroupLassoRegressor(0.2, scale_y=True)
    for rows in (slice(0, 50), slice(50, 120)):
        stream.partial_fit(X[rows], (Y * [1, 10, 100])[rows])
    np.testing.assert_allclose(stream.coef_, batch.coef_, rtol=1e-4, atol=1e-6)


def test_path_and_search(planted):
    X, Y, _ = planted
    path = mtl_path(ReweightedGroupLassoRegressor(), X, Y, alphas=[1.0, 0.3, 0.1])
    assert np.isnan(path.dual_gaps).all()
    for alpha, coef in zip(path.alphas, path.coefs, strict=True):
        single = ReweightedGroupLassoRegressor(alpha).fit(X, Y)
        np.testing.assert_allclose(coef, single.coef_, rtol=1e-3, atol=1e-3)
    search = AlphaPathCV(ReweightedGroupLassoRegressor(), alphas=15).fit(X, Y)
    assert search.best_estimator_.selected_features_.tolist() == [0, 1, 2, 3]


def test_not_converged_says_so(planted):
    X, Y, _ = planted
    model = ReweightedGroupLassoRegressor(1e-3, penalty="sqrt", max_iter=1)
    with pytest.warns(UserWarning, match="stationarity .* > tol \\* alpha"):
        model.fit(X, Y)
    assert not model.converged_


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"penalty": "scad", "gamma": 1.5}, "gamma must be above 2 for penalty='scad'"),
        ({"gamma": 1.0}, "The 'gamma' parameter"),
        ({"penalty": "l0"}, "The 'penalty' parameter"),
        ({"alpha": 0.0}, "The 'alpha' parameter"),
    ],
)
def test_errors(planted, options, message):
    X, Y, _ = planted
    with warnings.catch_warnings(), pytest.raises(ValueError, match=message):
        ReweightedGroupLassoRegressor(**options).fit(X, Y)
