"""solver="cvxpy": the same optimum, found by other means, in every convex family."""

import sys

import numpy as np
import pytest
from _problems import make_problem
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

import skmtl.losses
import skmtl.penalties
from skmtl import (
    GroupLassoClassifier,
    GroupLassoRegressor,
    ReweightedGroupLassoRegressor,
    SharedSpecificClassifier,
    SharedSpecificRegressor,
    TaskStatistics,
    duality_gap,
)
from skmtl.data import TaskData
from skmtl.expressions import loss_sum, penalty_and_rules, smooth_part
from skmtl.layouts import numeric_labels, read_labels
from skmtl.losses import Huber, Logistic, Mixed, Poisson, Squared
from skmtl.objectives import DataObjective
from skmtl.penalties import SparseGroup
from skmtl.solvers import solve

LAYOUTS = [
    "wide",
    "wide_nan",
    "wide_weighted",
    "one_task",
    "ragged",
    "weighted",
    "n_below_p",
    "sparse",
    "sparse_wide_nan",
]
THIRDS = np.arange(8) // 3
GROUP_LASSOS = {
    "rows": {"alpha": 0.15},
    "elements_ridge": {"alpha": 0.1, "l1_ratio": 0.4, "ridge": 0.2},
    "linf": {"alpha": 0.2, "norm": "linf", "fit_intercept": False},
    "ridge": {"alpha": 0.0, "ridge": 0.5, "task_weight": "n_samples"},
    "positive": {"alpha": 0.1, "positive": True},
}
ON_EIGHT_FEATURES = {
    "groups": {"alpha": 0.1, "groups": THIRDS, "l1_ratio": 0.3},
    "weights": {
        "alpha": 0.1, "penalty_weights": [1, 0, 2, np.inf, 1, 0, 3, 1], "ridge": 0.1,
    },
}  # fmt: skip
PARTS = [
    (a, b) for a in ("rows", "rows_linf", "low_rank") for b in ("elements", "tasks")
]


def pair(kind, problem, options):
    """Return (model by the solver of its own, the same by CVXPY), fitted."""
    own = kind(**options, tol=1e-8, max_iter=100_000)
    reference = kind(**options, solver="cvxpy")
    return [m.fit(problem.X, problem.y, **problem.extra) for m in (own, reference)]


def assert_agree(own, reference):
    """Assert one optimum, to 1e-6 of D0, and a certificate that holds."""
    D0 = abs(own.objective_)  # about: D0 is a distance, this may be below 0
    assert own.converged_
    assert reference.converged_
    assert abs(reference.objective_ - own.objective_) <= 1e-6 * D0
    assert reference.objective_ - own.objective_ <= reference.dual_gap_ + 1e-9 * D0
    assert reference.dual_gap_ <= 1e-4 * D0
    assert reference.n_iter_ > 0


@pytest.mark.parametrize("options", GROUP_LASSOS.values(), ids=GROUP_LASSOS)
@pytest.mark.parametrize("name", LAYOUTS)
def test_group_lasso(name, options):
    problem = make_problem(name)
    own, reference = pair(GroupLassoRegressor, problem, options)
    assert_agree(own, reference)
    np.testing.assert_allclose(reference.coef_, own.coef_, atol=3e-3)
    gap = duality_gap(reference, problem.X, problem.y, **problem.extra)
    assert gap == pytest.approx(reference.dual_gap_, rel=1e-3, abs=1e-9)
    options = {**options, "alpha": 0.2 * options["alpha"]}
    own, reference = pair(GroupLassoClassifier, problem.classes(), options)
    assert_agree(own, reference)


@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
@pytest.mark.parametrize("options", ON_EIGHT_FEATURES.values(), ids=ON_EIGHT_FEATURES)
@pytest.mark.parametrize("name", ["ragged", "wide_nan", "sparse"])
def test_groups_and_weights(name, options, kind):
    problem = make_problem(name)
    if kind is GroupLassoClassifier:
        problem, options = problem.classes(), {**options, "alpha": 0.02}
    own, reference = pair(kind, problem, options)
    assert_agree(own, reference)


@pytest.mark.parametrize(("shared", "specific"), PARTS)
@pytest.mark.parametrize("name", ["ragged", "wide_nan", "n_below_p", "sparse"])
def test_two_parts(name, shared, specific):
    problem = make_problem(name)
    options = {"alpha": 0.2, "beta": 0.15, "shared": shared, "specific": specific}
    own, reference = pair(SharedSpecificRegressor, problem, options)
    assert_agree(own, reference)
    np.testing.assert_allclose(
        reference.coef_, reference.coef_shared_ + reference.coef_specific_
    )
    options |= {"alpha": 0.04, "beta": 0.03}
    own, reference = pair(SharedSpecificClassifier, problem.classes(), options)
    assert_agree(own, reference)


@pytest.mark.parametrize("loss", ["huber", "poisson", "mixed"])
@pytest.mark.parametrize("name", ["ragged", "wide_weighted", "sparse"])
def test_losses(name, loss):
    problem = make_problem(name)
    labels = numeric_labels(read_labels(problem.y, **problem.extra))
    X = problem.X if sparse.issparse(problem.X) else np.asarray(problem.X)
    data = TaskData.pack(X, labels)
    kinds = [Squared(), Huber(0.5), Poisson(), Logistic()]
    index = np.full(data.n_tasks, 1 if loss == "huber" else 2)
    if loss == "mixed":
        index = np.arange(data.n_tasks) % 4
    spread = data.spread(index)
    y = np.where(spread == 2, np.floor(np.abs(data.y)) + 1, data.y)
    y = np.where(spread == 3, data.y > 0, y)
    whole = Mixed(kinds, index) if loss == "mixed" else kinds[index[0]]
    f = DataObjective(data.with_y(y), whole, np.ones(data.n_tasks))
    runs = {
        solver: solve(f, SparseGroup(0.05), solver=solver, tol=1e-8, max_iter=50_000)
        for solver in ("fista", "cvxpy")
    }
    assert all(run.converged for run in runs.values())
    assert abs(runs["cvxpy"].objective - runs["fista"].objective) <= 1e-6 * f.null
    assert runs["cvxpy"].gap <= 1e-4 * f.null


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("groups", [None, THIRDS])
def test_features_without_spread_in_a_task(norm, groups):
    problem = make_problem("zero_column").classes()
    options = {"alpha": 0.02, "positive": True, "norm": norm, "groups": groups}
    own, reference = pair(GroupLassoClassifier, problem, options)
    assert_agree(own, reference)


@pytest.mark.parametrize("kind", [GroupLassoRegressor, SharedSpecificRegressor])
@pytest.mark.parametrize("loss", ["huber", "poisson", "logistic", "mixed"])
def test_regressors_of_other_losses(kind, loss):
    problem = make_problem("ragged")
    task, y = problem.extra["task"], problem.y
    names = dict.fromkeys(range(4), loss)
    if loss == "mixed":
        names = dict(enumerate(["squared", "huber", "poisson", "logistic"]))
        loss = names
    for t, name in names.items():
        rows = task == t
        if name == "poisson":
            y[rows] = np.floor(np.abs(y[rows])) + 1
        elif name == "logistic":
            y[rows] = y[rows] > np.median(y[rows])
    own, reference = pair(kind, problem, {"alpha": 0.05, "loss": loss})
    assert_agree(own, reference)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fit_intercept": False},
        {"scale_y": True},
        {"task_weight": "n_samples", "ridge": 0.1},
    ],
    ids=lambda options: "-".join(options) or "default",
)
@pytest.mark.parametrize("name", ["ragged", "wide", "wide_weighted"])
def test_statistics(name, options):
    problem = make_problem(name)
    statistics = TaskStatistics.from_rows(problem.X, problem.y, **problem.extra)
    own = GroupLassoRegressor(0.1, **options, tol=1e-8).fit_statistics(statistics)
    reference = GroupLassoRegressor(0.1, **options, solver="cvxpy")
    reference.fit_statistics(statistics)
    assert_agree(own, reference)


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_labels_and_features_of_any_size(shift):
    problem = make_problem("scales")
    problem.y = 1e6 * problem.y + 1e3 * shift
    own, reference = pair(GroupLassoRegressor, problem, {"alpha": 1e5})
    assert_agree(own, reference)


def test_domain_is_kept():
    problem = make_problem("ragged")
    weights = [1, 1, 1, np.inf, 1, 1, 1, 1]
    model = GroupLassoRegressor(
        0.1, positive=True, penalty_weights=weights, solver="cvxpy"
    )
    model.fit(problem.X, problem.y, **problem.extra)
    assert (model.coef_ >= 0).all()
    assert not model.coef_[:, 3].any()
    assert np.isfinite(model.dual_gap_)


def test_few_iterations_are_reported():
    problem = make_problem("ragged")
    model = GroupLassoRegressor(0.1, solver="cvxpy", max_iter=2)
    with pytest.warns(ConvergenceWarning, match="The status of CVXPY is 'user_limit'"):
        model.fit(problem.X, problem.y, **problem.extra)
    assert not model.converged_
    assert model.n_iter_ <= 2


def test_only_convex_models_have_a_reference():
    problem = make_problem("ragged")
    model = ReweightedGroupLassoRegressor(0.1, solver="cvxpy")
    with pytest.raises(ValueError, match="The 'solver' parameter"):
        model.fit(problem.X, problem.y, **problem.extra)


def test_without_cvxpy(monkeypatch):
    problem = make_problem("ragged")
    model = GroupLassoRegressor(0.1).fit(problem.X, problem.y, **problem.extra)
    before = dict(vars(model))
    monkeypatch.setitem(sys.modules, "cvxpy", None)
    with pytest.raises(ImportError, match=r'pip install "skmtl\[reference\]"'):
        model.set_params(solver="cvxpy").fit(problem.X, problem.y, **problem.extra)
    assert vars(model.set_params(solver="auto")) == before


def test_everything_convex_has_an_expression():
    penalties = {getattr(skmtl.penalties, name) for name in skmtl.penalties.__all__}
    convex = {kind for kind in penalties if hasattr(kind, "dual_points")}
    assert convex <= set(penalty_and_rules.registry)
    losses = {getattr(skmtl.losses, name) for name in skmtl.losses.__all__}
    assert {kind for kind in losses if hasattr(kind, "fenchel_gap")} <= set(
        loss_sum.registry
    )
    for function in (penalty_and_rules, smooth_part):
        with pytest.raises(TypeError, match="int has no expression"):
            function(3, None, None)
    with pytest.raises(TypeError, match="int has no expression"):
        loss_sum(3, None, None, None, None)
