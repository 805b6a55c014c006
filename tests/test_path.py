"""Paths are separate fits, and their cross-validation is a grid search."""

import pickle

import numpy as np
import pytest
import sklearn
from _problems import make_problem
from _toys import make_frame
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    ShuffleSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version

from skmtl import (
    AlphaPathCV,
    GroupLassoClassifier,
    GroupLassoRegressor,
    IndependentTasks,
    PathDisplay,
    SharedSpecificRegressor,
    TaskGraphRegressor,
    TaskKFold,
    TaskRelationshipRegressor,
    TaskScorer,
    TaskStatistics,
    TraceNormRegressor,
    duality_gap,
    make_mtl_pipeline,
    mtl_path,
)
from skmtl.layouts import numeric_labels, read_labels
from skmtl.model_selection._alpha_path_cv import _choose
from skmtl.model_selection._fold_statistics import fold_statistics, sums_without

LAYOUTS = ["wide", "wide_nan", "wide_weighted", "one_task", "ragged", "weighted"]
FEW_ROWS = ["n_below_p", "wide_n_below_p", "sparse_wide_nan", "sparse_n_below_p"]
EXACT = 1e-11


# ------------------------------------------------------------ paths
@pytest.mark.parametrize("name", [*LAYOUTS, *FEW_ROWS])
@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
def test_path_is_separate_fits(name, kind):
    problem = make_problem(name)
    if kind is GroupLassoClassifier:
        problem = problem.classes()
    model = kind(tol=1e-9)
    X, y, extra = problem.X, problem.y, problem.extra
    path = mtl_path(model, X, y, **extra, alphas=6, eps=0.05)
    assert np.all(np.diff(path.alphas) < 0)
    assert path.converged.all()
    for k, alpha in enumerate(path.alphas):
        one = clone(model).set_params(alpha=alpha).fit(X, y, **extra)
        again = clone(one).fit(X, y, **extra)
        again.coef_, again.intercept_ = path.coefs[k], path.intercepts[k]
        gap = duality_gap(again, X, y, **extra)
        assert gap <= path.dual_gaps[k] * (1 + 1e-6) + 1e-9 * max(1.0, one.objective_)
        assert_allclose(path.coefs[k], one.coef_, atol=2e-3)


@pytest.mark.parametrize("solver", ["bcd", "fista"])
def test_gaps_are_what_tol_asks(solver):
    problem = make_problem("ragged")
    model = GroupLassoRegressor(tol=1e-6, solver=solver)
    path = mtl_path(model, problem.X, problem.y, **problem.extra, alphas=8)
    one = GroupLassoRegressor(path.alphas[0] * 2, tol=1e-6).fit(
        problem.X, problem.y, **problem.extra
    )
    assert np.all(path.dual_gaps <= 1e-6 * one.objective_)  # empty: objective = D0
    assert_array_equal(path.converged, True)


@pytest.mark.parametrize("name", [*LAYOUTS, "n_below_p"])
@pytest.mark.parametrize(
    "model",
    [
        GroupLassoRegressor(),
        GroupLassoRegressor(l1_ratio=0.4, ridge=0.1),
        GroupLassoRegressor(scale_y=True, task_weight="n_samples", norm="linf"),
        GroupLassoClassifier(),
    ],
    ids=["l2", "mixed", "linf", "classes"],
)
def test_first_alpha_is_exact(name, model):
    problem = make_problem(name)
    problem = problem.classes() if is_classifier(model) else problem
    args, extra = (problem.X, problem.y), problem.extra
    largest = mtl_path(model, *args, **extra, alphas=1).alphas[0]
    tight = clone(model).set_params(tol=1e-12)
    above = clone(tight).set_params(alpha=largest * (1 + 1e-6)).fit(*args, **extra)
    assert not above.coef_.any()
    below = clone(tight).set_params(alpha=largest * (1 - 1e-3)).fit(*args, **extra)
    assert below.coef_.any()


def test_features_that_are_never_penalised_are_in_the_first_fit():
    problem = make_problem("ragged")
    weights = np.ones(problem.X.shape[1])
    weights[5] = 0.0
    model = GroupLassoRegressor(penalty_weights=weights, tol=1e-10)
    path = mtl_path(model, problem.X, problem.y, **problem.extra, alphas=5)
    used = path.coefs.any(axis=1)
    assert_array_equal(np.flatnonzero(used[0]), [5])
    below = clone(model).set_params(alpha=0.99 * path.alphas[0])
    assert below.fit(problem.X, problem.y, **problem.extra).coef_.any(axis=0).sum() == 2


@pytest.mark.parametrize("name", ["wide_nan", "ragged"])
@pytest.mark.parametrize("shared", ["rows", "low_rank"])
def test_first_alpha_empties_the_part_it_penalises(name, shared):
    problem = make_problem(name)
    model = SharedSpecificRegressor(beta=0.3, shared=shared, specific="tasks", tol=1e-8)
    path = mtl_path(model, problem.X, problem.y, **problem.extra, alphas=4, eps=0.1)
    for factor, empty in ((1.01, True), (0.9, False)):
        one = clone(model).set_params(alpha=factor * path.alphas[0])
        one.fit(problem.X, problem.y, **problem.extra)
        assert one.coef_specific_.any()
        assert (np.abs(one.coef_shared_).max() < 1e-6) == empty
    one = clone(model).set_params(alpha=path.alphas[2])
    one.fit(problem.X, problem.y, **problem.extra)
    assert_allclose(path.coefs[2], one.coef_, atol=1e-3)


def test_alphas_given_are_sorted_and_constant_labels_have_a_path():
    problem = make_problem("wide")
    path = mtl_path(GroupLassoRegressor(), problem.X, problem.y, alphas=[0.1, 2, 0.1])
    assert_array_equal(path.alphas, [2, 0.1])
    flat = mtl_path(GroupLassoRegressor(), problem.X, np.ones(40), alphas=3)
    assert_array_equal(flat.coefs, 0.0)
    assert_allclose(flat.alphas, [1, 1e-1**1.5, 1e-3])


def test_path_of_rounding_in_statistics_is_finished_on_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5)) + 1e5
    y = X @ rng.normal(size=5) * 1e-3 + rng.normal(size=60)
    path = mtl_path(GroupLassoRegressor(tol=1e-13), X, y, alphas=5, eps=0.01)
    assert path.converged.all()


def test_frame_and_picture_of_a_path():
    plt = pytest.importorskip("matplotlib.pyplot")
    df, y, _ = make_frame()
    X, task = df.drop(columns="hospital"), df["hospital"]
    path = mtl_path(GroupLassoRegressor(), X, y, task=task, alphas=7)
    frame = path.to_frame()
    assert list(frame.columns) == ["alpha", "task", "feature", "coef"]
    row = frame[(frame["task"] == "B") & (frame["feature"] == X.columns[1])]
    assert_array_equal(row["coef"], path.coefs[:, 1, 1])
    display = path.plot()
    assert len(display.ax_.lines) == X.shape[1]
    norms = np.linalg.norm(path.coefs, axis=1)
    assert_allclose(display.frame_["norm"], norms.ravel())
    marked = PathDisplay.from_path(path, alpha=path.alphas[2], ax=display.ax_)
    assert marked.figure_ is display.figure_
    assert len(display.ax_.lines) == 2 * X.shape[1] + 1
    plt.close(display.figure_)


def test_one_warning_for_a_path_that_does_not_converge():
    problem = make_problem("duplicate_column")
    model = GroupLassoRegressor(tol=1e-14, max_iter=1)
    with pytest.warns(ConvergenceWarning, match=r"of 4 fits along the path") as caught:
        path = mtl_path(model, problem.X, problem.y, **problem.extra, alphas=4)
    assert len(caught) == 1
    assert not path.converged[-1]


# ------------------------------------------------------------ statistics of folds
def folds_of(n, k):
    return list(KFold(k, shuffle=True, random_state=0).split(np.zeros(n)))


@pytest.mark.parametrize("name", LAYOUTS)
def test_fold_statistics_are_sums(name, monkeypatch):
    problem = make_problem(name)
    task, weight = (problem.extra.get(k) for k in ("task", "sample_weight"))
    labels = numeric_labels(read_labels(problem.y, task, weight))
    folds = folds_of(len(labels.y), 4)

    def refuse(self, other):
        raise AssertionError("fold statistics are never subtracted")

    monkeypatch.setattr(TaskStatistics, "__sub__", refuse)
    total, parts = fold_statistics(problem.X, labels, folds)
    for (train, test), found in zip(folds, parts, strict=True):
        for rows, statistics in zip((train, test), found, strict=True):
            part = {k: v[rows] for k, v in problem.extra.items()}
            direct = TaskStatistics.from_rows(problem.X[rows], problem.y[rows], **part)
            for key in ("n", "weight", "x_mean", "y_mean", "xy", "yy"):
                assert_allclose(getattr(statistics, key), getattr(direct, key))
            assert_allclose(
                statistics.gram[statistics.gram_index], direct.gram[direct.gram_index]
            )
    whole = TaskStatistics.from_rows(problem.X, problem.y, **problem.extra)
    assert_allclose(total.gram[total.gram_index], whole.gram[whole.gram_index])
    assert len(total.gram) == len(whole.gram)


def test_sums_without_add_each_part_a_few_times():
    others, total = sums_without([1, 2, None, 4])
    assert others == [6, 5, 7, 3]
    assert total == 7


def test_squared_errors_of_statistics_are_those_of_rows():
    problem = make_problem("weighted")
    task, weight = problem.extra["task"], problem.extra["sample_weight"]
    statistics = TaskStatistics.from_rows(problem.X, problem.y, **problem.extra)
    rng = np.random.default_rng(0)
    coef, intercept = rng.normal(size=(4, problem.X.shape[1])), rng.normal(size=4)
    coef[:, 2:] = 0.0
    error = problem.y - np.einsum("ij,ij->i", problem.X, coef[task]) - intercept[task]
    expected = np.bincount(task, weight * error**2)
    assert_allclose(statistics.squared_errors(coef, intercept), expected)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_heavy_row_leaves_the_fold_that_tests_it_alone():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 6))
    y = X[:, 0] + 0.1 * rng.normal(size=100)
    X[3] *= 1e8  # in training everywhere else, where it may not let fits converge
    model = GroupLassoRegressor(tol=1e-10, max_iter=50)
    folds = list(KFold(5).split(X))
    search = AlphaPathCV(model, alphas=[0.5, 0.1, 0.01], cv=folds).fit(X, y)
    train, test = folds[0]
    for k, alpha in enumerate(search.alphas_):
        one = clone(model).set_params(alpha=alpha).fit(X[train], y[train])
        error = (one.predict(X[test]) - y[test]) ** 2
        assert_allclose(search.cv_scores_[k, 0], error.mean(), rtol=1e-6)


# ------------------------------------------------------------ the same as a grid search
def grid_search(model, alphas, cv, X, y, **extra):
    scoring = "neg_log_loss" if is_classifier(model) else "neg_mean_squared_error"
    search = GridSearchCV(
        model, {"alpha": alphas}, cv=cv, scoring=TaskScorer(scoring), refit=False
    )
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(sample_weight=True)
        return search.fit(X, y, **extra)


@pytest.mark.parametrize("name", [*LAYOUTS, *FEW_ROWS])
@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
def test_same_answer_as_grid_search(name, kind):
    problem = make_problem(name)
    if kind is GroupLassoClassifier:
        problem = problem.classes()
    X, y, extra = problem.X, problem.y, problem.extra
    cv = TaskKFold(3, shuffle=True, random_state=1)
    model = kind(tol=EXACT)
    search = AlphaPathCV(model, alphas=8, eps=0.02, cv=cv).fit(X, y, **extra)
    grid = grid_search(clone(model), search.alphas_, cv, X, y, **extra)
    assert search.alpha_ == grid.best_params_["alpha"]
    scores = grid.cv_results_["mean_test_score"]
    assert_allclose(-search.cv_mean_scores_.mean(axis=1), scores, rtol=1e-6)
    best = clone(model).set_params(alpha=search.alpha_).fit(X, y, **extra)
    assert_allclose(search.coef_, best.coef_, atol=1e-5)
    assert_allclose(search.intercept_, best.intercept_, atol=1e-4)


@pytest.mark.parametrize(
    "cv",
    [
        ShuffleSplit(4, random_state=0),
        [(np.arange(30), np.arange(30, 40)), (np.arange(10, 40), np.arange(10))],
        [(np.arange(20), np.arange(20, 40))],
    ],
    ids=["overlapping", "complementary", "one fold"],
)
def test_any_splitter(cv):
    problem = make_problem("wide_nan")
    model = GroupLassoRegressor(tol=EXACT)
    search = AlphaPathCV(model, alphas=5, cv=cv).fit(problem.X, problem.y)
    grid = grid_search(clone(model), search.alphas_, cv, problem.X, problem.y)
    assert search.alpha_ == grid.best_params_["alpha"]
    scores = grid.cv_results_["mean_test_score"]
    assert_allclose(-search.cv_mean_scores_.mean(axis=1), scores, rtol=1e-6)


def test_groups_stay_together():
    problem = make_problem("ragged")
    groups = np.arange(len(problem.y)) // 3
    model = GroupLassoRegressor(tol=EXACT)
    search = AlphaPathCV(model, alphas=5, cv=GroupKFold(3))
    search.fit(problem.X, problem.y, **problem.extra, groups=groups)
    folds = list(GroupKFold(3).split(problem.X, problem.y, groups))
    same = AlphaPathCV(model, alphas=5, cv=folds).fit(
        problem.X, problem.y, **problem.extra
    )
    assert_allclose(search.cv_scores_, same.cv_scores_)
    with pytest.raises(ValueError, match="groups are in the training and in the test"):
        AlphaPathCV(model, cv=folds_of(len(groups), 3)).fit(
            problem.X, problem.y, **problem.extra, groups=groups
        )


def test_new_tasks_are_predicted_with_the_shared_part():
    problem = make_problem("ragged")
    task = problem.extra["task"]
    search = AlphaPathCV(GroupLassoRegressor(), cv=LeaveOneGroupOut())
    with pytest.raises(ValueError, match="tasks that its training part lacks: 0"):
        search.fit(problem.X, problem.y, task=task, groups=task)
    search = AlphaPathCV(
        GroupLassoRegressor(unseen="shared"), alphas=4, cv=LeaveOneGroupOut()
    ).fit(problem.X, problem.y, task=task, groups=task)
    assert np.isfinite(search.cv_scores_).sum() == 4 * 4  # a task per fold
    one = GroupLassoRegressor(search.alphas_[2], unseen="shared")
    kept = task != 1
    one.fit(problem.X[kept], problem.y[kept], task=task[kept])
    with pytest.warns(UserWarning, match="never seen"):
        found = one.predict(problem.X[~kept], task=task[~kept])
    error = np.mean((found - problem.y[~kept]) ** 2)
    assert_allclose(search.cv_scores_[2, 1, 1], error, rtol=2e-3)


def test_units_and_weights_of_tasks():
    problem = make_problem("wide")
    Y = problem.y * [1.0, 50.0, 1.0]
    model = GroupLassoRegressor(scale_y=True, task_weight={0: 1, 1: 2, 2: 0.5})
    search = AlphaPathCV(model, alphas=4).fit(problem.X, Y)
    assert_allclose(search.y_scale_, Y.std(axis=0))
    expected = search.cv_scores_ @ np.array([1, 2, 0.5]) / 3.5
    assert_allclose(search.cv_mean_scores_, expected)
    assert np.all(search.cv_scores_[0].mean(axis=0) < 2)  # of labels of variance 1
    with pytest.warns(UserWarning, match="scale_y=True"):
        AlphaPathCV(GroupLassoRegressor(), alphas=2).fit(problem.X, Y)


# ------------------------------------------------------------ choices
def test_one_standard_error():
    mean = np.array([[5.0, 7.0], [3.1, 3.9], [2.0, 4.0], [3.0, 3.2]])
    # The least is 3 (third), its standard error 1; the second has 3.5.
    assert _choose(mean[:3], "min") == 2
    assert _choose(mean[:3], "1se") == 1
    problem = make_problem("ragged")
    sparse, best = (
        AlphaPathCV(GroupLassoRegressor(), alphas=30, rule=rule).fit(
            problem.X, problem.y, **problem.extra
        )
        for rule in ("1se", "min")
    )
    assert sparse.alpha_ > best.alpha_
    average = best.cv_mean_scores_.mean(axis=1)
    error = best.cv_mean_scores_[best.best_index_].std(ddof=1) / np.sqrt(5)
    within = average <= average.min() + error
    assert sparse.best_index_ == np.flatnonzero(within)[0]


@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
def test_folds_in_parallel(kind):
    problem = make_problem("weighted")
    problem = problem.classes() if kind is GroupLassoClassifier else problem
    alone, together = (
        AlphaPathCV(kind(), alphas=6, n_jobs=n).fit(
            problem.X, problem.y, **problem.extra
        )
        for n in (None, 2)
    )
    assert_array_equal(alone.cv_scores_, together.cv_scores_)
    assert alone.alpha_ == together.alpha_


# ------------------------------------------------------------ errors
@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"estimator": RandomForestRegressor()}, TypeError, "none that has one"),
        ({"estimator": IndependentTasks(GroupLassoRegressor())}, TypeError, "alpha"),
        (
            {"estimator": make_pipeline(StandardScaler(), GroupLassoRegressor())},
            TypeError,
            "make_mtl_pipeline",
        ),
        ({"alphas": 0}, ValueError, "alphas"),
        ({"alphas": [0.1, np.nan]}, ValueError, "finite"),
        ({"alphas": [-1.0]}, ValueError, "at least 0"),
        ({"alphas": [[1.0]]}, ValueError, "one-dimensional"),
        ({"eps": 1.0}, ValueError, "eps"),
        ({"rule": "best"}, ValueError, "rule"),
        ({"cv": 1.5}, TypeError, "cv must be"),
        ({"cv": []}, ValueError, "no folds"),
        ({"cv": [([0, 1], [1, 2])]}, ValueError, "would not be honest"),
        ({"estimator": GroupLassoRegressor(tol=-1)}, ValueError, "tol"),
        ({"alphas": [0.0, 1.0]}, ValueError, "no penalty left"),
        (
            {"alphas": [0.0, 1.0], "estimator": SharedSpecificRegressor()},
            ValueError,
            "'alpha' parameter of SharedSpecificRegressor",
        ),
        ({"cv": [([0.0, 1.0], [2.0, 3.0])]}, ValueError, "must be positions"),
    ],
)
def test_errors(change, error, words):
    problem = make_problem("wide")
    search = AlphaPathCV(GroupLassoRegressor()).set_params(**change)
    with pytest.raises(error, match=words):
        search.fit(problem.X, problem.y)


def test_errors_of_paths():
    problem = make_problem("wide")
    with pytest.raises(TypeError, match="mtl_path varies the alpha"):
        mtl_path(RandomForestRegressor(), problem.X, problem.y)
    with pytest.raises(ValueError, match="eps must be between 0 and 1"):
        mtl_path(GroupLassoRegressor(), problem.X, problem.y, eps=0)
    with pytest.raises(ValueError, match="at least 1"):
        mtl_path(GroupLassoRegressor(), problem.X, problem.y, alphas=0)


class Ridge:
    """alpha / 2 ||W||^2: the limit, W = 0, is reached at no finite alpha."""

    row_separable = True
    solvers = ("fista",)
    free = np.zeros(0, dtype=int)

    def __init__(self, alpha):
        self.alpha = alpha

    def value(self, W):
        return 0.5 * self.alpha * float(np.vdot(W, W))

    def prox(self, V, step):
        return V / (1.0 + step * self.alpha)

    def even(self, values):
        return values

    def dual_points(self, G):
        return [(1.0, float(np.vdot(G, G)) / (2.0 * self.alpha))]


@pytest.mark.parametrize(
    ("model", "share"),
    [
        (GroupLassoRegressor(), 1e-3),
        (TraceNormRegressor(), 1e-3),
        (TaskGraphRegressor(norm="l2", ridge=1e-3), 1e-3),
        (TaskGraphRegressor(ridge=1e-3), 1e-5),
        (TaskGraphRegressor(graph="chain", ridge=1e-3), 1e-5),
        (TaskRelationshipRegressor(), 1e-5),
    ],
    ids=["rows", "trace", "fused", "mean", "chain", "relationship"],
)
def test_a_path_ends_where_the_penalty_hardly_acts(model, share):
    problem = make_problem("ragged")
    X, y, extra = problem.X, problem.y, problem.extra
    model = clone(model).set_params(tol=1e-9)
    path = mtl_path(model, X, y, **extra, alphas=6)
    assert_allclose(path.alphas[-1] / path.alphas[0], share)
    free = mtl_path(model, X, y, **extra, alphas=path.alphas * 1e-3)
    moved = np.einsum("ij,ij->i", X, (path.coefs - free.coefs)[-1, extra["task"]])
    assert moved.std() < 0.03 * y.std()
    given = mtl_path(model, X, y, **extra, alphas=3, eps=0.1)
    assert_allclose(given.alphas, path.alphas[0] * np.array([1.0, 0.1**0.5, 0.1]))
    search = AlphaPathCV(model, alphas=6, cv=2).fit(X, y, **extra)
    assert_allclose(search.alphas_, path.alphas)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("name", ["wide", "ragged"])
@pytest.mark.parametrize("kind", [GroupLassoRegressor, GroupLassoClassifier])
def test_a_path_without_a_largest_alpha_starts_near_its_limit(
    name, kind, unit, monkeypatch
):
    problem = make_problem(name)
    problem = problem.classes() if kind is GroupLassoClassifier else problem
    monkeypatch.setattr(kind, "_penalty", lambda self: Ridge(self.alpha))
    X, y, extra = problem.X, problem.y, problem.extra
    y = y * unit if kind is GroupLassoRegressor else y
    path = mtl_path(kind(tol=1e-9), X, y, **extra, alphas=3)
    assert_allclose(path.alphas[1:] / path.alphas[0], [1e-1**1.5, 1e-3])
    task = extra.get("task", 0)
    distances = []
    for factor in (0.5, 1.0):
        one = kind(factor * path.alphas[0], tol=1e-10).fit(X, y, **extra)
        if kind is GroupLassoClassifier:  # predictions have half as much curvature
            linear = X @ one.coef_.T - (X @ one.coef_.T).mean(axis=0)
            assert np.abs(linear).max() < 0.5
            continue
        moved = [
            np.var((X @ w)[task == t] if len(extra) else X @ w)
            for t, w in enumerate(one.coef_)
        ]
        spread = [
            np.var(y[task == t] if len(extra) else y[:, t]) for t in range(len(moved))
        ]
        distances.append(np.sqrt(sum(moved) / sum(spread)))
    if distances:
        assert distances[1] <= 0.0101 < distances[0]


def test_labels_without_spread_have_a_path_without_a_largest_alpha(monkeypatch):
    problem = make_problem("wide")
    monkeypatch.setattr(GroupLassoRegressor, "_penalty", lambda self: Ridge(self.alpha))
    path = mtl_path(GroupLassoRegressor(), problem.X, np.ones(40), alphas=3)
    assert_allclose(path.alphas, [1, 1e-1**1.5, 1e-3])


def test_a_fold_in_which_a_task_has_one_row_is_named():
    X, y = np.arange(8.0)[:, None], np.arange(8.0)
    task = np.repeat(["a", "b"], [6, 2])
    with pytest.raises(ValueError, match="Task 'b' has 1 row"):
        AlphaPathCV(GroupLassoRegressor(), cv=2).fit(X, y, task=task)


# ------------------------------------------------------------ a citizen of scikit-learn
version = parse_version(sklearn.__version__)


def expected_failures(search):
    """Name the checks of scikit-learn that do not fit, and why."""
    weights = dict.fromkeys(
        (
            "check_sample_weight_equivalence_on_dense_data",
            "check_sample_weight_equivalence_on_sparse_data",
        ),
        "the copies of a row that is there twice are in different folds",
    )
    lists = {"check_classifier_multioutput": "classes_ is a list after a wide fit"}
    return lists if is_classifier(search) else weights


@parametrize_with_checks(
    [
        AlphaPathCV(GroupLassoRegressor(), alphas=3, cv=2),
        AlphaPathCV(GroupLassoClassifier(), alphas=3, cv=2),
    ],
    expected_failed_checks=expected_failures,
)
@pytest.mark.filterwarnings("ignore:.*labels of one class only:UserWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_kind_clone_and_parameters():
    search = AlphaPathCV(GroupLassoRegressor(l1_ratio=0.5), alphas=[1.0, 0.1])
    assert is_regressor(search)
    assert is_classifier(AlphaPathCV(GroupLassoClassifier()))
    assert not hasattr(search, "predict_proba")
    assert hasattr(AlphaPathCV(GroupLassoClassifier()), "predict_proba")
    copy = clone(search).set_params(estimator__l1_ratio=0.2)
    assert copy.estimator.l1_ratio == 0.2
    assert search.estimator.l1_ratio == 0.5
    with pytest.raises(NotFittedError):
        search.predict(np.ones((2, 2)))
    with pytest.raises(AttributeError, match="coef_"):
        _ = search.coef_


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_answers_are_those_of_the_best_model(layout):
    problem = make_problem("wide_nan" if layout == "wide" else "ragged").classes()
    X, y, extra = problem.X, problem.y, problem.extra
    search = AlphaPathCV(GroupLassoClassifier(), alphas=5).fit(X, y, **extra)
    best = search.best_estimator_
    for method in ("predict", "predict_proba", "predict_log_proba"):
        found, expected = (getattr(m, method)(X, **extra) for m in (search, best))
        assert_array_equal(np.asarray(found), np.asarray(expected))
    found = search.decision_function(X, **extra)
    assert_array_equal(found, best.decision_function(X, **extra))
    assert search.score(X, y, **extra) == best.score(X, y, **extra)
    assert search.tasks_ is best.tasks_
    assert search.classes_ is best.classes_
    assert search.n_features_in_ == X.shape[1]
    assert duality_gap(search, X, y, **extra) == duality_gap(best, X, y, **extra)
    again = pickle.loads(pickle.dumps(search))
    assert_array_equal(again.coef_, search.coef_)


def test_fitted_search_holds_no_data():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20_000, 4)), rng.normal(size=(20_000, 2))
    search = AlphaPathCV(GroupLassoRegressor(), alphas=5).fit(X, Y)
    assert len(pickle.dumps(search)) < 20_000


def test_fit_that_fails_leaves_the_previous_one():
    problem = make_problem("wide")
    search = AlphaPathCV(GroupLassoRegressor(), alphas=4).fit(problem.X, problem.y)
    before = search.coef_.copy()
    with pytest.raises(ValueError, match="NaN"):
        search.fit(np.full_like(problem.X, np.nan), problem.y)
    assert_array_equal(search.coef_, before)


def test_interruption_leaves_the_previous_fit(monkeypatch):
    problem = make_problem("wide")
    search = AlphaPathCV(GroupLassoRegressor(), alphas=4).fit(problem.X, problem.y)
    before, state = search.coef_.copy(), set(vars(search))

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("skmtl.linear_model.base.solve", interrupt)
    with pytest.raises(KeyboardInterrupt):
        search.fit(2 * problem.X, problem.y)
    assert set(vars(search)) == state
    assert_array_equal(search.coef_, before)


@pytest.mark.skipif(version < parse_version("1.9"), reason="no callbacks before")
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_progress_of_folds_and_alphas(n_jobs):
    from sklearn.callback import ProgressBar

    problem = make_problem("wide")
    search = AlphaPathCV(GroupLassoRegressor(), alphas=25, n_jobs=n_jobs)
    search.set_callbacks(ProgressBar())
    search.fit(problem.X, problem.y)
    same = AlphaPathCV(GroupLassoRegressor(), alphas=25).fit(problem.X, problem.y)
    assert_array_equal(search.cv_scores_, same.cv_scores_)


def test_steps_that_are_reported(monkeypatch):
    counted = []
    monkeypatch.setattr(
        "skmtl._compat.FitProgress.step", lambda self, *_: counted.append(1)
    )
    problem = make_problem("wide")
    AlphaPathCV(GroupLassoRegressor(), alphas=25, cv=3).fit(problem.X, problem.y)
    assert len(counted) == 3 * 3 + 1


# ------------------------------------------------------------ in a pipeline
def test_final_step_of_a_pipeline():
    df, y, task = make_frame()
    search = AlphaPathCV(GroupLassoRegressor(), alphas=[1.0, 0.1, 0.01])
    model = make_mtl_pipeline(StandardScaler(), search, task_col="hospital").fit(df, y)
    X = StandardScaler().fit_transform(df.drop(columns="hospital"))
    same = clone(search).fit(X, y, task=task)
    assert model[-1].alpha_ == same.alpha_
    assert_allclose(model.predict(df), same.predict(X, task=task))
    assert_array_equal(model.tasks_, same.tasks_)
    assert_allclose(model.score(df, y), same.score(X, y, task=task))
    weight = np.linspace(0.5, 2, len(y))
    weighted = clone(model).fit(df, y, sample_weight=weight)
    same.fit(X, y, task=task, sample_weight=weight)
    assert_array_equal(weighted[-1].cv_scores_, same.cv_scores_)


def test_search_over_other_parameters_around_it():
    df, y, _ = make_frame()
    model = make_mtl_pipeline(
        StandardScaler(),
        AlphaPathCV(GroupLassoRegressor(), alphas=5),
        task_col="hospital",
    )
    grid = {"estimator__alphapathcv__estimator__l1_ratio": [0.0, 1.0]}
    outer = GridSearchCV(model, grid, cv=TaskKFold(2, task_col="hospital")).fit(df, y)
    assert outer.predict(df).shape == y.shape


def test_default_baseline_searches_each_task_alone():
    df, y, _ = make_frame()
    search = AlphaPathCV(
        GroupLassoRegressor(task_weight={"A": 1, "B": 2, "C": 1}),
        alphas=5,
        cv=TaskKFold(3, task_col="hospital"),
    )
    model = make_mtl_pipeline(StandardScaler(), search, task_col="hospital")
    report = model.compare(df, y, cv=3, random_state=0)
    assert report.reference_ == "single-task"
    from skmtl.pipeline._baselines import default_finals

    alone = default_finals(model)["single-task"]
    assert isinstance(alone, IndependentTasks)
    assert isinstance(alone.estimator, AlphaPathCV)
    assert alone.estimator.estimator.task_weight is None
    assert alone.estimator.cv.task_col is None
    assert search.cv.task_col == "hospital"


@pytest.mark.parametrize(
    "loss", ["huber", "poisson", {0: "squared", 1: "poisson", 2: "logistic"}]
)
def test_other_losses_are_those_of_the_objective(loss):
    problem = make_problem("wide_nan")
    Y = np.where(np.isnan(problem.y), np.nan, np.floor(np.abs(problem.y)))
    if isinstance(loss, dict):
        Y[:, 2] = np.where(np.isnan(Y[:, 2]), np.nan, Y[:, 2] > 1)
    folds = folds_of(len(Y), 4)
    model = GroupLassoRegressor(loss=loss, tol=1e-8)
    search = AlphaPathCV(model, alphas=4, eps=0.05, cv=folds).fit(problem.X, Y)
    train, test = folds[1]
    one = (
        clone(model).set_params(alpha=search.alphas_[2]).fit(problem.X[train], Y[train])
    )
    z, y = problem.X[test] @ one.coef_.T + one.intercept_, Y[test]
    for t in range(3):
        kind = loss if isinstance(loss, str) else loss[t]
        r = y[:, t] - z[:, t]
        expected = {
            "squared": r**2,
            "huber": np.where(np.abs(r) <= 1.35, r**2 / 2, 1.35 * (np.abs(r) - 0.675)),
            "poisson": np.exp(z[:, t]) - y[:, t] * z[:, t],
            "logistic": np.logaddexp(0, z[:, t]) - y[:, t] * z[:, t],
        }[kind]
        assert_allclose(search.cv_scores_[2, 1, t], np.nanmean(expected), rtol=1e-3)
