"""Displays: what they draw is what was found, wherever it is drawn."""

import sys

import numpy as np
import pandas as pd
import pytest
from _comparisons import LOGISTIC, POOLED, RIDGE, long_rows, wide_rows
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression, MultiTaskLasso, Ridge
from sklearn.metrics import confusion_matrix, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import (
    AlphaCurveDisplay,
    AlphaPathCV,
    CoefficientDisplay,
    ConvergenceDisplay,
    GroupLassoClassifier,
    GroupLassoRegressor,
    IndependentTasks,
    MultiTaskMLPRegressor,
    PathDisplay,
    ReweightedGroupLassoRegressor,
    SharedSpecificRegressor,
    TaskClusteringRegressor,
    TaskConfusionMatrixDisplay,
    TaskGraphRegressor,
    TaskKFold,
    TaskLearningCurveDisplay,
    TaskRelationshipRegressor,
    TaskRocCurveDisplay,
    TaskSimilarityDisplay,
    TaskTreeRegressor,
    TransferDisplay,
    compare,
    make_mtl_pipeline,
    mtl_path,
)
from skmtl.plotting._convergence import Curve
from skmtl.plotting._growing_parts import learning_curves
from skmtl.plotting._outcomes import of_report
from skmtl.plotting._panels import columns_for
from skmtl.plotting._style import shortened

plt = pytest.importorskip("matplotlib.pyplot")

LONG = [
    "Αίμα — ηπατική λειτουργία, τρίτη επίσκεψη μετά τη θεραπεία",
    "коэффициент фильтрации почек за сутки в состоянии покоя",
    "cost in US$ of a day, not a formula^$",
    "two\nlines",
]


@pytest.fixture(autouse=True)
def _no_figures():
    plt.close("all")  # what other tests have left
    yield
    plt.close("all")


def some_tasks(n_tasks, n=12, seed=0):
    """Return X, y, task with names as long as they come."""
    X, y, task = long_rows(n, n_tasks, seed=seed)
    if n_tasks <= len(LONG):
        task = np.array(LONG[:n_tasks])[np.unique(task, return_inverse=True)[1]]
    return X, y, task


def some_classes(n_tasks, n=12, seed=0):
    """Return labels 0/1 (both in every task), scores and tasks."""
    rng = np.random.default_rng(seed)
    _, _, task = some_tasks(n_tasks, n)
    y = np.arange(len(task)) // n_tasks % 2
    return y, y + rng.normal(size=len(y)), task


# ------------------------------------------------------------ what all have in common
def coefficients(n_tasks, **ax):
    X, y, task = some_tasks(n_tasks)
    model = GroupLassoRegressor(alpha=0.1).fit(X, y, task=task)
    return CoefficientDisplay.from_estimator(model, **ax)


def both_parts(n_tasks, **ax):
    X, y, task = some_tasks(n_tasks)
    model = SharedSpecificRegressor(0.05, beta=0.05).fit(X, y, task=task)
    return CoefficientDisplay.from_estimator(model, parts="split", **ax)


def path(n_tasks, **ax):
    X, y, task = some_tasks(n_tasks)
    X = pd.DataFrame(X, columns=LONG)
    model = GroupLassoRegressor()
    return PathDisplay.from_estimator(model, X, y, task=task, alphas=4, **ax)


def alphas(n_tasks, **ax):
    X, y, task = some_tasks(n_tasks)
    search = AlphaPathCV(GroupLassoRegressor(), alphas=4, cv=3).fit(X, y, task=task)
    return AlphaCurveDisplay.from_estimator(search, **ax)


def similarity(n_tasks, **ax):
    X, y, task = some_tasks(n_tasks)
    model = GroupLassoRegressor(alpha=0.1).fit(X, y, task=task)
    return TaskSimilarityDisplay.from_estimator(model, **ax)


def transfer(n_tasks, **ax):
    X, y, task = some_tasks(n_tasks)
    models = {LONG[0]: RIDGE, LONG[1]: POOLED}
    report = compare(models, X, y, task=task, cv=5, random_state=0, reference=LONG[0])
    return TransferDisplay.from_report(report, **ax)


def learning(n_tasks, **ax):
    X, y, task = some_tasks(n_tasks)
    models = {LONG[0]: GroupLassoRegressor(alpha=0.1), LONG[1]: POOLED}
    options = {"shares": [0.5, 1.0], "cv": 2, "random_state": 0}
    return TaskLearningCurveDisplay.from_estimator(
        models, X, y, task=task, **options, **ax
    )


def convergence(n_tasks, **ax):
    X, y, task = some_tasks(n_tasks)
    model = GroupLassoRegressor(alpha=0.1, solver="fista").fit(X, y, task=task)
    return ConvergenceDisplay.from_estimator(model, **ax)


def losses(n_tasks, **ax):
    X, y, task = some_tasks(n_tasks)
    model = MultiTaskMLPRegressor((3,), max_iter=3, tol=0, random_state=0)
    with pytest.warns(UserWarning, match="max_iter"):
        model.fit(X, y, task=task)
    return ConvergenceDisplay.from_estimator(model, **ax)


def roc(n_tasks, **ax):
    y, score, task = some_classes(n_tasks)
    return TaskRocCurveDisplay.from_predictions(y, score, task=task, **ax)


def roc_of_two(n_tasks, **ax):
    y, score, task = some_classes(n_tasks)
    scores = {LONG[0]: score, LONG[1]: -score}
    return TaskRocCurveDisplay.from_predictions(y, scores, task=task, **ax)


def confusion(n_tasks, **ax):
    y, score, task = some_classes(n_tasks)
    names = np.array(LONG[:2])
    found = names[(score > 0.5).astype(int)]
    return TaskConfusionMatrixDisplay.from_predictions(names[y], found, task=task, **ax)


EVERY = [
    coefficients,
    both_parts,
    path,
    alphas,
    similarity,
    transfer,
    learning,
    convergence,
    losses,
    roc,
    roc_of_two,
    confusion,
]


def axes_of(display):
    """Return the axes of a display as a list."""
    return list(np.ravel(np.asarray(display.ax_, dtype=object)))


@pytest.mark.parametrize("n_tasks", [1, 4, 139])
@pytest.mark.parametrize("make", EVERY)
def test_one_figure_is_made_and_drawn(make, n_tasks, tmp_path):
    display = make(n_tasks)
    assert plt.get_fignums() == [display.figure_.number]
    display.figure_.savefig(tmp_path / "picture.png")
    assert all(ax.figure is display.figure_ for ax in axes_of(display))
    assert isinstance(display.frame_, pd.DataFrame)
    assert len(display.frame_)
    for ax in display.figure_.axes:
        for axis in (ax.xaxis, ax.yaxis):
            assert len(axis.get_ticklocs()) <= 60
        for text in ax.get_xticklabels() + ax.get_yticklabels():
            assert len(max(text.get_text().split("\n"), key=len)) <= 36


@pytest.mark.parametrize("make", EVERY)
def test_axes_are_honoured(make):
    figure, (ax, other) = plt.subplots(1, 2, figsize=(14, 6), layout="constrained")
    display = make(4, ax=ax)
    assert plt.get_fignums() == [figure.number]
    assert display.figure_ is figure
    drawn = axes_of(display)
    assert drawn == [ax] or not ax.axison
    assert other not in drawn
    assert not other.has_data()
    figure.canvas.draw()
    right = other.get_window_extent().x0
    assert all(each.get_window_extent().x1 <= right for each in drawn)


@pytest.mark.parametrize("make", [learning, roc_of_two, confusion, both_parts])
def test_sequences_of_axes_are_honoured(make):
    figure, axes = plt.subplots(2, 3)
    display = make(4, ax=axes)
    n = len(axes_of(display))
    assert n == (2 if make is both_parts else 4)
    assert axes_of(display) == list(axes.ravel()[:n])
    with pytest.raises(ValueError, match="ax holds 1 axes"):
        make(4, ax=axes[:1, 0])
    assert plt.get_fignums() == [figure.number]


def test_axes_without_a_grid_cannot_be_split():
    figure = plt.figure()
    ax = figure.add_axes([0, 0, 1, 1])
    with pytest.raises(ValueError, match="not part of a grid"):
        confusion(4, ax=ax)


@pytest.mark.parametrize("make", [m for m in EVERY if m is not losses])
def test_missing_libraries_are_named(make, monkeypatch):
    display = make(1)
    plt.close("all")
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"skmtl\[plot\]"):
        display.plot()
    if make is not transfer:  # its tables are made before
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(ImportError, match=r"skmtl\[data\]"):
            _ = display.frame_


def test_names_are_shortened_in_the_middle():
    assert shortened("short") == "short"
    assert shortened(3) == "3"
    assert shortened("a" * 20 + "b" * 20) == "a" * 16 + "…" + "b" * 9
    assert shortened("x^$") == r"x^\$"
    assert shortened("two\nlines") == "two lines"


@pytest.mark.parametrize(("names", "turn"), [("abcd", 0), (LONG, 90)])
def test_names_stand_upright_where_they_have_no_room(names, turn):
    matrix = np.eye(4)
    for display in (
        TaskSimilarityDisplay.from_matrix(matrix, list(names)),
        CoefficientDisplay.from_coefficients(matrix, tasks=list(names)),
    ):
        labels = display.ax_.get_xticklabels()
        assert {label.get_rotation() for label in labels} == {turn}


def test_names_with_a_line_before_them_are_in_the_legend():
    display = TaskRocCurveDisplay.from_predictions(
        [0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], task=["_a", "_a", "b", "b"]
    )
    found = [t.get_text() for t in display.ax_[0].get_legend().get_texts()]
    assert found == [" _a (AUC 1.00)", "b (AUC 1.00)"]


def test_no_row_of_panels_is_nearly_empty():
    found = [columns_for(n) for n in (1, 2, 3, 4, 5, 6, 9, 12)]
    assert found == [1, 2, 3, 4, 3, 3, 3, 4]


@pytest.mark.parametrize(
    "call",
    [
        lambda: CoefficientDisplay.from_coefficients(np.eye(2), tasks=["a"]),
        lambda: TaskSimilarityDisplay.from_matrix(np.eye(2), ["a"]),
        lambda: TaskRocCurveDisplay.from_predictions([1, 1], [0.1, 0.2]),
        lambda: TaskConfusionMatrixDisplay.from_predictions([1], [1], tasks=[3]),
        lambda: ConvergenceDisplay.from_estimator(Ridge()),
        lambda: AlphaCurveDisplay.from_estimator(Ridge()),
        lambda: PathDisplay.from_estimator(Ridge(), np.eye(2), [0, 1]),
    ],
)
def test_what_cannot_be_drawn_leaves_no_figure(call):
    with pytest.raises((TypeError, ValueError)):
        call()
    assert plt.get_fignums() == []


# ------------------------------------------------------------ coefficients
def test_coefficients_by_size():
    X, y, task = long_rows(n_features=6)
    model = GroupLassoRegressor(alpha=0.3).fit(
        pd.DataFrame(X).add_prefix("f"), y, task=task
    )
    display = CoefficientDisplay.from_estimator(model, n_features=4)
    frame = display.frame_.pivot(index="feature", columns="task", values="coef")
    order = np.argsort(-np.linalg.norm(model.coef_, axis=0))[:4]
    names = [f"f{j}" for j in order]
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == names
    assert_allclose(frame.loc[names].to_numpy(), model.coef_[:, order].T)
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == ["t0", "t1", "t2"]
    (image,) = display.ax_.get_images()
    low, high = image.get_clim()
    assert -low == high == np.abs(model.coef_).max()
    assert "4 of 6 features, others are smaller" in display.ax_.get_xlabel()


def test_features_that_no_task_uses_are_left_out():
    coef = np.array([[0.0, 2.0, 0.0, 1.0], [0.0, -1.0, 0.0, 0.0]])
    display = CoefficientDisplay.from_coefficients(coef, tasks=["a", "b"])
    assert display.frame_["feature"].tolist() == ["x1", "x3"] * 2
    assert display.ax_.get_images()[0].get_array().mask.tolist() == [
        [False, False],
        [False, True],
    ]
    assert "others are 0" in display.ax_.get_xlabel()
    whole = CoefficientDisplay.from_coefficients(coef, sort=False)
    assert_array_equal(whole.frame_["coef"], coef.ravel())
    empty = CoefficientDisplay.from_coefficients(0 * coef)
    assert len(empty.frame_) == 8


def test_standardised_coefficients():
    X, Y = wide_rows()
    X = X * [1.0, 10.0, 0.1, 1.0]
    model = GroupLassoRegressor(alpha=0.05, scale_y=True).fit(X, Y)
    display = CoefficientDisplay.from_estimator(model, X, standardize=True, sort=False)
    expected = model.coef_ / model.y_scale_[:, None] * X.std(axis=0)
    assert_allclose(display.frame_["coef"], expected.ravel())
    inside = make_mtl_pipeline(StandardScaler(), model).fit(X, Y)
    again = CoefficientDisplay.from_estimator(inside, standardize=True, sort=False)
    scaled = inside[-1].coef_ / model.y_scale_[:, None]
    assert_allclose(again.frame_["coef"], scaled.ravel())
    with pytest.raises(ValueError, match="X has shape"):
        CoefficientDisplay.from_estimator(model, X[:, :2], standardize=True)


def test_coefficients_of_classes_and_of_other_models():
    X, y, task = long_rows()
    label = np.digitize(y, [-1, 1])
    model = GroupLassoClassifier(alpha=0.01).fit(X, label, task=task)
    frame = CoefficientDisplay.from_estimator(model, sort=False).frame_
    pairs = list(zip(frame["task"], frame["class"], strict=True))
    assert pairs[:: X.shape[1]] == model.coef_rows_
    assert_array_equal(frame["coef"], model.coef_.ravel())
    alone = make_mtl_pipeline(
        IndependentTasks(make_pipeline(StandardScaler(), Ridge()))
    )
    alone.fit(X, y, task=task)
    frame = CoefficientDisplay.from_estimator(alone, sort=False).frame_
    each = [m[-1].coef_ for m in alone[-1].estimators_.values()]
    assert_array_equal(frame["coef"], np.ravel(each))
    Y = np.column_stack([y, -y])
    lasso = MultiTaskLasso(0.01).fit(X, Y)
    frame = CoefficientDisplay.from_estimator(lasso, sort=False).frame_
    assert_array_equal(frame["coef"], lasso.coef_.ravel())
    with pytest.raises(TypeError, match="coef_"):
        CoefficientDisplay.from_estimator(GroupLassoRegressor())
    with pytest.raises(TypeError, match="coef_shared_"):
        CoefficientDisplay.from_estimator(model, parts="split")
    with pytest.raises(ValueError, match="parts must be"):
        CoefficientDisplay.from_estimator(model, parts="all")
    with pytest.raises(ValueError, match="feature_names must hold 4"):
        CoefficientDisplay.from_estimator(model, feature_names=["a"])


def test_coefficients_of_classes_alone():
    X, y, task = long_rows()
    label = np.where(task == "t0", y > 0, np.digitize(y, [-1, 1]))
    model = IndependentTasks(LogisticRegression()).fit(X, label, task=task)
    frame = CoefficientDisplay.from_estimator(model, sort=False).frame_
    pairs = list(zip(frame["task"], frame["class"], strict=True))[:: X.shape[1]]
    assert pairs == [("t0", 1), *((t, c) for t in ("t1", "t2") for c in range(3))]
    each = [m.coef_.ravel() for m in model.estimators_.values()]
    assert_array_equal(frame["coef"], np.concatenate(each))


def test_coefficients_that_make_no_picture():
    for n_features in (0, -1, 2.5):
        with pytest.raises(ValueError, match="n_features must be a whole number"):
            CoefficientDisplay.from_coefficients(np.eye(2), n_features=n_features)
    with pytest.raises(ValueError, match=r"a column per feature, got shape \(2, 2, 2"):
        CoefficientDisplay.from_coefficients(np.ones((2, 2, 2)))
    with pytest.raises(ValueError, match="coef must be finite"):
        CoefficientDisplay.from_coefficients([[1.0, np.nan]])


def test_both_parts_have_one_scale():
    display = both_parts(3)
    images = [ax.get_images()[0] for ax in display.ax_]
    assert images[0].get_clim() == images[1].get_clim()
    assert [ax.get_title() for ax in display.ax_] == ["shared part", "specific part"]
    assert display.frame_.columns.tolist() == ["task", "feature", "shared", "specific"]


def test_names_behind_a_pipeline_are_those_of_the_last_step():
    X, y, task = long_rows()
    X = pd.DataFrame(X, columns=list("abcd"))
    model = make_mtl_pipeline(StandardScaler(), GroupLassoRegressor(alpha=0.1))
    model.fit(X, y, task=task)
    frame = CoefficientDisplay.from_estimator(model, sort=False).frame_
    assert frame["feature"].tolist()[:4] == list("abcd")


# ------------------------------------------------------------ paths
def test_path_of_a_search_marks_its_alpha():
    X, y, task = long_rows()
    search = AlphaPathCV(GroupLassoRegressor(), alphas=5, cv=3).fit(X, y, task=task)
    display = PathDisplay.from_estimator(search, X, y, task=task)
    expected = mtl_path(search.estimator, X, y, task=task, alphas=search.alphas_)
    assert display.alpha == search.alpha_
    norms = np.linalg.norm(expected.coefs, axis=1)
    assert_allclose(display.frame_["norm"], norms.ravel())
    with pytest.raises(TypeError, match="PathDisplay varies"):
        PathDisplay.from_estimator(Ridge(), X, y)


def test_a_fold_that_some_alpha_lacks_has_no_part_in_the_mean():
    mean = np.array([[1.0, 3.0, 9.0], [0.5, 1.5, np.nan]])
    losses = np.repeat(mean[:, :, None], 2, axis=2)
    display = AlphaCurveDisplay(np.array([1.0, 0.1]), losses, mean, ["a", "b"]).plot()
    frame = display.frame_
    assert_allclose(frame.loc[frame["task"].isna(), "loss"], [2.0, 1.0])


def test_path_names_the_largest_at_the_marked_alpha():
    alphas, names = np.array([1.0, 0.1, 0.01]), np.array(list("abcdefgh"))
    norms = np.zeros((3, 8))
    norms[1, :2], norms[2] = [2.0, 1.0], np.arange(1, 9)

    def named(alpha):
        ax = PathDisplay(alphas, norms, names, alpha).plot().ax_
        found = [t.get_text() for t in ax.get_legend().get_texts()]
        return [name for name in found if name != "chosen alpha"]

    assert named(None) == list("hgfedc")
    assert named(0.12) == list("ab")


def test_losses_along_a_path():
    X, Y = wide_rows()
    search = AlphaPathCV(GroupLassoRegressor(), alphas=5, cv=3)
    model = make_mtl_pipeline(StandardScaler(), search).fit(X, Y)
    display = AlphaCurveDisplay.from_estimator(model)
    frame, found = display.frame_, model[-1]
    for t, task in enumerate(found.tasks_):
        own = frame[frame["task"] == task]
        expected = found.cv_scores_[:, :, t].mean(axis=1)
        assert_allclose(own["loss"], expected)
        assert_allclose(own["relative_loss"], expected / expected[0])
    mean = frame[frame["task"].isna()]
    assert mean["alpha"].iloc[mean["loss"].argmin()] == found.alpha_
    with pytest.raises(TypeError, match="AlphaPathCV"):
        AlphaCurveDisplay.from_estimator(GroupLassoRegressor())


# ------------------------------------------------------------ similarity
def test_similarity_is_what_the_family_learned():
    X, y, task = long_rows(n_tasks=5)
    fitted = {
        "task_correlation_": TaskRelationshipRegressor(0.1),
        "task_affinity_": TaskClusteringRegressor(2),
        "graph_": TaskGraphRegressor(graph="knn"),
    }
    for name, model in fitted.items():
        model.fit(X, y, task=task)
        display = TaskSimilarityDisplay.from_estimator(model)
        expected = getattr(model, name)
        expected = expected.toarray() if name == "graph_" else expected
        frame = display.frame_.loc[model.tasks_, model.tasks_]
        assert_allclose(frame.to_numpy(), expected)
        assert sorted(display.order_) == [0, 1, 2, 3, 4]
    cosine = TaskSimilarityDisplay.from_estimator(model, measure="coef_").frame_
    unit = model.coef_ / np.linalg.norm(model.coef_, axis=1, keepdims=True)
    assert_allclose(cosine.loc[model.tasks_, model.tasks_], unit @ unit.T)
    with pytest.raises(TypeError, match="no task_affinity_"):
        TaskSimilarityDisplay.from_estimator(model, measure="task_affinity_")
    with pytest.raises(ValueError, match="measure must be"):
        TaskSimilarityDisplay.from_estimator(model, measure="distance")


def test_a_fitted_tree_is_drawn():
    X, y, task = long_rows(n_tasks=5)
    tree = [["t0", "t4"], ["t1", ["t2", "t3"]]]
    model = TaskTreeRegressor(0.1, tree=tree).fit(X, y, task=task)
    display = TaskSimilarityDisplay.from_estimator(model)
    assert_array_equal(display.linkage_, model.tree_)
    order = display.frame_.columns.tolist()
    assert {*order[:2]} in ({"t0", "t4"}, {"t2", "t3"}, {"t1", "t2"}, {"t1", "t3"})
    unit = model.coef_ / np.linalg.norm(model.coef_, axis=1, keepdims=True)
    assert_allclose(display.frame_.loc[model.tasks_, model.tasks_], unit @ unit.T)


def test_similar_tasks_are_neighbours():
    R = np.array([[1.0, 0, 0.9, 0], [0, 1, 0, 0.8], [0.9, 0, 1, 0], [0, 0.8, 0, 1]])
    frame = pd.DataFrame(R, columns=list("abcd"))
    display = TaskSimilarityDisplay.from_matrix(frame)
    assert "".join(display.frame_.columns) in {"acbd", "bdac"}
    assert_allclose(display.linkage_[:2, 2], [0.1, 0.2])
    with pytest.raises(ValueError, match="symmetric"):
        TaskSimilarityDisplay.from_matrix(np.triu(R))
    with pytest.raises(ValueError, match="square"):
        TaskSimilarityDisplay.from_matrix(R[:2])
    with pytest.raises(ValueError, match="labels must hold 4"):
        TaskSimilarityDisplay.from_matrix(R, ["a"])


def test_a_chain_of_many_tasks_is_no_recursion():
    place = np.cumsum(np.linspace(1, 2, 1500))
    matrix = -np.abs(place[:, None] - place)
    display = TaskSimilarityDisplay.from_matrix(matrix)
    assert len(display.order_) == 1500
    (top,) = display.ax_.child_axes
    (lines,) = top.collections
    assert len(lines.get_segments()) == 1499


def test_dendrogram_is_over_its_columns():
    R = np.array([[1.0, 0.2, 0.9], [0.2, 1.0, 0.4], [0.9, 0.4, 1.0]])
    display = TaskSimilarityDisplay.from_matrix(R)
    assert display.order_.tolist() == [1, 0, 2]
    lines = display.ax_.child_axes[0].collections[0].get_segments()
    foot = -0.06 * 0.7
    assert_allclose(lines[0], [[1, foot], [1, 0.1], [2, 0.1], [2, foot]])
    assert_allclose(lines[1], [[0, foot], [0, 0.7], [1.5, 0.7], [1.5, 0.1]])


def test_gains_by_oneself_are_not_coloured():
    gains = np.array([[5.0, 0.3, 0.1], [0.3, 5.0, 0.2], [0.1, 0.2, 5.0]])
    display = TaskSimilarityDisplay.from_matrix(gains)
    (image,) = display.ax_.get_images()
    shown = np.ma.getmaskarray(image.get_array())
    assert_array_equal(shown, np.eye(3, dtype=bool))
    assert image.get_clim() == (0.0, 0.3)
    assert (
        not TaskSimilarityDisplay.from_matrix(np.eye(3))
        .ax_.get_images()[0]
        .get_array()
        .mask.any()
    )


def test_what_merges_at_no_height_has_a_bracket_to_be_seen():
    gains = np.array([[0.0, 0.3, 0.1], [0.3, 0.0, 0.2], [0.1, 0.2, 0.0]])
    for matrix in (gains, np.zeros((3, 3))):
        display = TaskSimilarityDisplay.from_matrix(matrix)
        (top,) = display.ax_.child_axes
        first = np.array(top.collections[0].get_segments()[0])
        assert first[1, 1] == 0.0
        low, high = top.get_ylim()
        assert first[0, 1] == low < -0.03 * high


# ------------------------------------------------------------ learning curves
@pytest.mark.parametrize("layout", ["long", "wide", "column"])
def test_learning_curves_are_scores_of_growing_parts(layout):
    X, y, task = long_rows(n=40)
    extra = {"task": task}
    models = {"a": RIDGE, "b": GroupLassoRegressor(alpha=0.1)}
    if layout == "wide":
        X, y = wide_rows()
        extra = {}
    if layout == "column":
        X = pd.DataFrame(X).add_prefix("f").assign(site=task)
        extra = {}
        models = {k: make_mtl_pipeline(m, task_col="site") for k, m in models.items()}
    display = TaskLearningCurveDisplay.from_estimator(
        models, X, y, **extra, shares=[0.2, 1.0], cv=4, random_state=0
    )
    frame = display.frame_
    assert len(frame) == 2 * 3 * 2
    assert set(frame["task"]) == ({"a", "b", "c"} if layout == "wide" else {*task})
    n = frame["n_train"].to_numpy().reshape(2, 3, 2)
    assert_allclose(
        n[:, :, 0] / n[:, :, 1], 0.2, atol=0.02 if layout != "wide" else 0.06
    )
    assert_array_equal(n[0], n[1])
    score = frame["score"].to_numpy().reshape(2, 3, 2)
    assert (score[..., 1] > score[..., 0]).mean() > 0.8


def test_whole_training_parts_are_an_ordinary_cross_validation():
    X, y, task = long_rows()
    rows = np.arange(len(y))
    folds = [(rows[rows // 3 % 5 != k], rows[rows // 3 % 5 == k]) for k in range(5)]
    found = TaskLearningCurveDisplay.from_estimator(
        RIDGE, X, y, task=task, shares=[1.0], cv=folds, random_state=0
    )
    report = compare({"a": RIDGE}, X, y, task=task, cv=folds, scoring="r2")
    expected = report.to_frame()
    assert_allclose(found.frame_["score"], expected["score"])
    assert_allclose(found.frame_["score_sd"], expected["score_sd"])


def test_shares_are_nested_and_every_task_stays():
    sizes = [100, 30, 3, 2]
    task = np.repeat(["a", "b", "c", "d"], sizes)
    X = np.random.default_rng(0).normal(size=(135, 2))
    seen = []

    class Watcher(Ridge):
        def fit(self, X, y, task):
            seen.append(set(X[:, 0]))
            assert min(np.unique(task, return_counts=True)[1]) >= 1
            return super().fit(X, y)

        def predict(self, X, task=None):
            return super().predict(X)

    rows = np.arange(135)
    found = learning_curves(
        {"a": Watcher()}, X, X[:, 1], task, None, None, shares=(0.1, 0.5, 1.0),
        cv=[(rows[::2], rows[1::2])],
        scoring="neg_mean_squared_error", n_jobs=None, seed=0,
    )  # fmt: skip
    assert seen[0] < seen[1] < seen[2] == set(X[::2, 0])
    assert found.n_train.shape == (3, 1, 4)
    assert (found.n_train[0, 0] >= np.minimum(2, found.n_train[2, 0])).all()
    assert_array_equal(found.n_train[2, 0], [50, 15, 2, 1])


def test_learning_curves_of_classes_keep_every_class():
    X, y, task = long_rows(n=30)
    rare = y > np.quantile(y, 0.9)
    display = TaskLearningCurveDisplay.from_estimator(
        LOGISTIC, X, rare, task=task, shares=[0.05, 1], cv=2, random_state=1
    )
    assert display.metric == "ROC AUC"
    assert display.frame_["score"].notna().all()
    several = TaskLearningCurveDisplay.from_estimator(
        LOGISTIC,
        X,
        np.digitize(y, [-1, 1]),
        task=task,
        shares=[1],
        cv=2,
        random_state=1,
    )
    assert several.metric == "minus log loss"


def test_learning_curves_count_no_label_of_weight_zero():
    X, y, task = long_rows(n=30)
    weight = (np.arange(len(X)) < 45).astype(float)
    display = TaskLearningCurveDisplay.from_estimator(
        RIDGE, X, y, task=task, sample_weight=weight, cv=3, random_state=0
    )
    n = display.frame_.set_index(["task", "share"])["n_train"]
    assert_array_equal(n.xs(1.0, level="share"), [10.0] * 3)
    assert_array_equal(n.xs(0.4, level="share"), [4.0] * 3)
    display = TaskLearningCurveDisplay.from_estimator(
        RIDGE, X, y, task=task, sample_weight=(task != "t1").astype(float), cv=3
    )
    assert set(display.frame_["task"]) == {"t0", "t2"}


def test_learning_curves_refuse_what_makes_no_sense():
    X, y, task = long_rows()
    with pytest.raises(ValueError, match="at least 2 folds, got cv=1"):
        TaskLearningCurveDisplay.from_estimator(RIDGE, X, y, task=task, cv=1)
    for shares in ([0.0, 1], [1.5], [], [0.5, np.nan]):
        with pytest.raises(ValueError, match="shares must be"):
            TaskLearningCurveDisplay.from_estimator(
                RIDGE, X, y, task=task, shares=shares
            )
    with pytest.raises(ValueError, match="Model 'b' failed on"):
        TaskLearningCurveDisplay.from_estimator(
            {"b": GroupLassoRegressor(alpha=-1)}, X, y, task=task, cv=2
        )


# ------------------------------------------------------------ convergence
def test_gaps_are_those_of_the_fit():
    X, y, task = long_rows()
    model = GroupLassoRegressor(alpha=0.01, solver="fista", tol=1e-8)
    model.fit(X, y, task=task)
    frame = ConvergenceDisplay.from_estimator(model).frame_
    gap = frame[frame["measure"] == "dual_gap"]
    assert gap["value"].iloc[-1] == model.dual_gap_
    assert gap["iteration"].iloc[-1] == model.n_iter_
    assert gap["iteration"].is_monotonic_increasing
    above = frame[frame["measure"] == "objective_above_last_value"]
    assert above["value"].iloc[-1] == 0.0
    assert (above["value"].to_numpy() <= gap["value"].to_numpy() * (1 + 1e-9)).all()


def test_a_run_that_is_taken_up_counts_on():
    from skmtl.solvers import SolverResult

    first = SolverResult(
        None, None, 1.0, 1.0, 0.1, 20, False, [(0, 2, 2), (20, 1, 1)], ""
    )
    second = SolverResult(
        None, None, 0.5, 0.0, 0.1, 10, True, [(0, 1, 1), (10, 0.5, 0)], ""
    )
    whole = second.after(first)
    assert whole.n_iter == 30
    assert [n for n, *_ in whole.history] == [0, 20, 20, 30]


def test_models_without_a_gap_show_stationarity():
    X, y, task = long_rows()
    model = ReweightedGroupLassoRegressor(alpha=0.1).fit(X, y, task=task)
    display = ConvergenceDisplay.from_estimator(model)
    assert "stationarity" in set(display.frame_["measure"])
    assert "stationarity" in display.ax_.get_ylabel()


def test_a_gap_of_zero_has_no_place_on_a_log_scale():
    gaps = np.array([1.0, 0.1, 0.0])
    curve = Curve("model", "dual_gap", None, np.arange(3), gaps)
    on_log, plain = (
        ConvergenceDisplay([curve], "duality gap", log=log).plot() for log in (1, 0)
    )
    assert_array_equal(on_log.ax_.get_lines()[0].get_ydata(), [1.0, 0.1, np.nan])
    assert_array_equal(plain.ax_.get_lines()[0].get_ydata(), gaps)


def test_convergence_of_several_models():
    X, y, task = long_rows()
    models = {
        s: GroupLassoRegressor(alpha=0.01, solver=s).fit(X, y, task=task)
        for s in ("bcd", "fista")
    }
    frame = ConvergenceDisplay.from_estimator(models).frame_
    last = frame.groupby("model")["value"].last()
    assert last.to_dict() == {s: m.dual_gap_ for s, m in models.items()}
    with pytest.raises(TypeError, match="Several models"):
        ConvergenceDisplay.from_estimator({"a": Ridge()})
    with pytest.raises(TypeError, match="fitted linear model or network"):
        ConvergenceDisplay.from_estimator(GroupLassoRegressor())


@pytest.mark.filterwarnings("ignore:.*max_iter")
def test_history_of_a_network():
    X, Y = wide_rows()
    model = MultiTaskMLPRegressor(
        (4,), max_iter=5, tol=0, early_stopping=True, monitor_conflict=True,
        random_state=0, auxiliary_tasks=["b"], loss_weighting="uncertainty",
    )  # fmt: skip
    model.fit(X, Y)
    tasks = ["a", "c", "b"]
    frame = ConvergenceDisplay.from_estimator(model).frame_
    for measure, key in {
        "training": "train_loss",
        "held out": "validation_loss",
    }.items():
        own = frame[frame["measure"] == measure]
        values = own.pivot(index="iteration", columns="task", values="value")
        assert_array_equal(values[tasks], model.history_[key])
        assert values.index.tolist() == [1, 2, 3, 4, 5]
    weights = ConvergenceDisplay.from_estimator(model, measure="weight").frame_
    assert_array_equal(weights["value"], model.history_["loss_weight"].T.ravel())
    conflict = ConvergenceDisplay.from_estimator(model, measure="conflict").frame_
    own = conflict.query("task == 'a' and measure == 'with other tasks'")["value"]
    assert_allclose(own, model.history_["task_cosine"][:, 0, 1:].mean(axis=1))
    both = ConvergenceDisplay.from_estimator({"x": model, "y": model}).frame_
    assert both["value"].tolist() == model.loss_curve_ * 2
    model.set_params(monitor_conflict=False).fit(X, Y)
    with pytest.raises(ValueError, match="monitor_conflict=True"):
        ConvergenceDisplay.from_estimator(model, measure="conflict")
    with pytest.raises(ValueError, match="measure must be"):
        ConvergenceDisplay.from_estimator(model, measure="gap")
    with pytest.raises(ValueError, match="for a single network"):
        ConvergenceDisplay.from_estimator({"x": model}, measure="loss")
    linear = GroupLassoRegressor(alpha=0.1).fit(X, Y)
    with pytest.raises(ValueError, match="for a single network"):
        ConvergenceDisplay.from_estimator(linear, measure="weight")


# ------------------------------------------------------------ classes
def binary(layout="long"):
    """Return X, y, extra of two classes per task."""
    if layout == "long":
        X, y, task = long_rows(n=60)
        return X, np.where(y > 0, "well", "ill"), {"task": task}
    X, Y = wide_rows(150)
    return X, (Y > 0).where(Y.notna()).astype(float), {}


def test_searches_and_pipelines_are_seen_through():
    X, y, extra = binary()
    df = pd.DataFrame(X, columns=list("abcd")).assign(site=extra["task"])
    steps = StandardScaler(), GroupLassoClassifier()
    model = make_mtl_pipeline(*steps, task_col="site")
    grid = {"estimator__grouplassoclassifier__alpha": [0.1, 0.01]}
    search = GridSearchCV(model, grid, cv=TaskKFold(3, task_col="site")).fit(df, y)
    best = search.best_estimator_
    frame = CoefficientDisplay.from_estimator(search, sort=False).frame_
    assert frame["feature"].tolist()[:4] == list("abcd")
    assert_array_equal(frame["coef"], best[-1].coef_.ravel())
    gaps = ConvergenceDisplay.from_estimator(search).frame_
    assert gaps["value"].iloc[-1] >= 0
    similar = TaskSimilarityDisplay.from_estimator(search)
    assert sorted(similar.labels) == list(best.tasks_)
    display = TaskRocCurveDisplay.from_estimator(search, df, y)
    score = best.predict_proba(df)[:, 1]
    same = TaskRocCurveDisplay.from_predictions(y, score, **extra)
    assert display.roc_auc_ == same.roc_auc_
    found = TaskConfusionMatrixDisplay.from_estimator(search, df, y)
    assert sum(m.sum() for m in found.confusion_matrices_.values()) == len(y)
    path = AlphaPathCV(GroupLassoRegressor(), alphas=3, cv=2)
    path.fit(X, X[:, 0], **extra)
    assert len(ConvergenceDisplay.from_estimator(path).frame_)
    with pytest.raises(TypeError, match="Model 'model' failed"):
        TaskLearningCurveDisplay.from_estimator(Ridge(), X, X[:, 0], **extra)


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_roc_and_confusion_of_a_model(layout):
    X, y, extra = binary(layout)
    model = GroupLassoClassifier(alpha=0.01).fit(X, y, **extra)
    display = TaskRocCurveDisplay.from_estimator(model, X, y, **extra)
    matrices = TaskConfusionMatrixDisplay.from_estimator(model, X, y, **extra)
    assert list(display.roc_auc_) == [("model", t) for t in model.tasks_]
    for t, task in enumerate(model.tasks_):
        if layout == "long":
            rows = extra["task"] == task
            truth, score = y[rows], model.predict_proba(X[rows], task=task)[:, 1]
            answer = model.predict(X[rows], task=task)
        else:
            rows = y[task].notna().to_numpy()
            truth, score = y[task][rows], model.predict_proba(X[rows])[t][:, 1]
            answer = model.predict(X[rows])[:, t]
        assert_allclose(display.roc_auc_["model", task], roc_auc_score(truth, score))
        assert_array_equal(
            matrices.confusion_matrices_[task], confusion_matrix(truth, answer)
        )
    assert len(display.displays_) == len(matrices.displays_) == 3
    frame = display.frame_
    for _, curve in frame.groupby("task"):
        assert curve["fpr"].iloc[[0, -1]].tolist() == [0.0, 1.0]
        assert curve["tpr"].is_monotonic_increasing
    shares = TaskConfusionMatrixDisplay.from_estimator(
        model, X, y, **extra, normalize="true", tasks=[model.tasks_[1]]
    )
    assert len(shares.ax_) == 1
    sums = shares.frame_.groupby(["task", "true"])["value"].sum()
    assert_allclose(sums, 1.0)


def test_decision_values_do_where_there_are_no_probabilities():
    from sklearn.svm import LinearSVC

    X, y, extra = binary()
    model = IndependentTasks(LinearSVC()).fit(X, y, **extra)
    display = TaskRocCurveDisplay.from_estimator(model, X, y, **extra)
    rows = extra["task"] == "t0"
    score = model.decision_function(X[rows], task="t0")
    assert_allclose(display.roc_auc_["model", "t0"], roc_auc_score(y[rows], score))


def test_only_classes_of_mixed_outcomes_are_drawn():
    X, Y = wide_rows(150)
    Y["c"] = (Y["c"] > 0).where(Y["c"].notna()).astype(float)
    loss = {"a": "squared", "b": "squared", "c": "logistic"}
    model = GroupLassoRegressor(alpha=0.01, loss=loss).fit(X, Y)
    display = TaskRocCurveDisplay.from_estimator(model, X, Y)
    assert list(display.roc_auc_) == [("model", "c")]
    matrices = TaskConfusionMatrixDisplay.from_estimator(model, X, Y)
    assert list(matrices.confusion_matrices_) == ["c"]
    report = compare({"m": model}, X, Y, random_state=0, cv=5)
    assert list(TaskRocCurveDisplay.from_report(report).roc_auc_) == [("m", "c")]
    drawn = TaskConfusionMatrixDisplay.from_report(report)
    assert drawn.confusion_matrices_["c"].sum() == 2 * Y["c"].notna().sum()


def test_curves_and_matrices_of_a_report():
    X, y, extra = binary()
    models = {"a": LOGISTIC, "b": GroupLassoClassifier(alpha=0.01)}
    weight = np.linspace(0.5, 2, len(y))
    report = compare(models, X, y, **extra, sample_weight=weight, random_state=0)
    display = TaskRocCurveDisplay.from_report(report)
    assert len(display.ax_) == 3
    seen = report.observations_
    for (name, task), area in display.roc_auc_.items():
        rows = seen["task"] == task
        truth = (seen["y"][rows] == "well").astype(int)
        score = report.predictions_[name][rows, 1]
        expected = roc_auc_score(truth, score, sample_weight=seen["weight"][rows])
        assert_allclose(area, expected)
    one = TaskRocCurveDisplay.from_report(report, models="b")
    assert {name for name, _ in one.roc_auc_} == {"b"}
    found = TaskConfusionMatrixDisplay.from_report(report, model="b")
    assert_allclose(
        sum(m.sum() for m in found.confusion_matrices_.values()), 2 * weight.sum()
    )
    with pytest.raises(ValueError, match="models must be some of"):
        TaskRocCurveDisplay.from_report(report, models=["c"])
    with pytest.raises(ValueError, match="tasks has 'x', which is none of the tasks"):
        TaskRocCurveDisplay.from_report(report, tasks=["x"])


def test_responses_beyond_0_and_1_count_as_these():
    X, y, task = long_rows()
    report = compare({"a": RIDGE}, X, (y > 0).astype(float), task=task, random_state=0)
    assert report.predictions_["a"].max() > 1
    for found in of_report(report, "a"):
        assert found.answer.min() == 0.0
        assert found.answer.max() == 1.0


def test_legends_have_one_order():
    X, y, extra = binary()
    models = {"b": GroupLassoClassifier(alpha=0.01), "ref": LOGISTIC}
    report = compare(models, X, y, **extra, reference="ref", random_state=0)
    display = TaskRocCurveDisplay.from_report(report)
    (above,) = display.figure_.legends
    assert [t.get_text() for t in above.get_texts()] == ["ref", "b"]
    for task, ax in zip(report.tasks_, display.ax_, strict=True):
        found = [t.get_text() for t in ax.get_legend().get_texts()]
        areas = [display.roc_auc_[model, task] for model in ("ref", "b")]
        assert found == [f"{area:.2f}" for area in areas]


def test_mean_curves_start_at_the_origin():
    y = np.tile([0, 1, 0, 1], 13)
    task, score = np.repeat(np.arange(13), 4), np.tile([0.1, 0.9, 0.2, 0.8], 13)
    display = TaskRocCurveDisplay.from_predictions(y, score, task=task)
    mean = display.ax_[0].get_lines()[-1]
    assert mean.get_label().startswith("mean of 13 tasks")
    assert_array_equal(mean.get_xydata()[0], [0.0, 0.0])
    assert_array_equal(mean.get_ydata()[1:], 1.0)


def test_several_classes_have_a_matrix_and_no_curve():
    X, y, task = long_rows(n=60)
    label = np.digitize(y, [-1, 1])
    model = IndependentTasks(LogisticRegression()).fit(X, label, task=task)
    found = TaskConfusionMatrixDisplay.from_estimator(model, X, label, task=task)
    assert {m.shape for m in found.confusion_matrices_.values()} == {(3, 3)}
    with pytest.raises(ValueError, match="no task to draw"):
        TaskRocCurveDisplay.from_estimator(model, X, label, task=task)
    report = compare({"m": model}, X, label, task=task, random_state=0)
    assert len(TaskConfusionMatrixDisplay.from_report(report).ax_) == 3
    with pytest.raises(ValueError, match="no task to draw"):
        TaskRocCurveDisplay.from_report(report)


def test_the_largest_of_many_tasks_are_shown():
    y, score, task = some_classes(20)
    y, score, task = (np.append(v, v[task == "t7"]) for v in (y, score, task))
    display = TaskConfusionMatrixDisplay.from_predictions(y, score > 0.5, task=task)
    assert len(display.ax_) == 12
    assert "t7" in [ax.get_title() for ax in display.ax_]
    assert "12 of 20 tasks" in display.figure_.get_suptitle()
    assert display.frame_["task"].nunique() == 20


def test_a_task_of_one_class_has_a_matrix_of_one_number():
    y, task = ["x", "x", "x", "z"], ["a", "a", "b", "b"]
    display = TaskConfusionMatrixDisplay.from_predictions(y, y, task=task)
    assert display.confusion_matrices_["a"].tolist() == [[2]]
    shares = TaskConfusionMatrixDisplay.from_predictions(
        y, y, task=task, normalize="all", sample_weight=[1, 2, 3, 3]
    )
    assert shares.confusion_matrices_["a"].tolist() == [[1.0]]
    assert shares.confusion_matrices_["b"].tolist() == [[0.5, 0.0], [0.0, 0.5]]


def test_errors_of_classes():
    y, score, task = some_classes(3)
    with pytest.raises(ValueError, match="must be alike"):
        TaskRocCurveDisplay.from_predictions(y, score[:-1], task=task)
    with pytest.raises(ValueError, match=r"scores of 'model' for task .* have NaN"):
        TaskRocCurveDisplay.from_predictions(y, np.where(y, np.nan, 0.5), task=task)
    with pytest.raises(ValueError, match="tasks names no task"):
        TaskConfusionMatrixDisplay.from_predictions(y, y, task=task, tasks=[])
    with pytest.raises(ValueError, match="normalize must be"):
        TaskConfusionMatrixDisplay.from_predictions(y, y, task=task, normalize="x")
    with pytest.raises(ValueError, match="no task of classes"):
        TaskConfusionMatrixDisplay([])
    with pytest.raises(ValueError, match="tasks has 'other'"):
        TaskConfusionMatrixDisplay.from_predictions(y, y, task=task, tasks=["other"])
