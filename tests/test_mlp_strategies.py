"""Sharing, loss weighting and gradients: what the papers say, on cases by hand."""

import numpy as np
import pytest
from _networks import QUICK, nonlinear_tasks, quick_fit
from sklearn.base import clone

from skmtl import MultiTaskMLPClassifier, MultiTaskMLPRegressor
from skmtl.neural_network import (
    MGDA,
    CrossStitch,
    DynamicWeights,
    FixedWeights,
    GradNorm,
    HardSharing,
    PCGrad,
    PlainSum,
    Sluice,
    SoftSharing,
    UncertaintyWeights,
)
from skmtl.neural_network._entries import Columns
from skmtl.neural_network._full_entries import FullBatch
from skmtl.neural_network.combining import COMBINERS
from skmtl.neural_network.sharing import SHARINGS
from skmtl.neural_network.weighting import WEIGHTINGS

RNG = np.random.RandomState(0)


# ---------------------------------------------------------------- gradients
def test_pcgrad_of_two_gradients():
    """g1 - (g1.g2 / ||g2||^2) g2, and the same for g2, where they conflict."""
    g = np.array([[1.0, 0.0], [-1.0, 1.0]])
    np.testing.assert_allclose(PCGrad().weights(g @ g.T, RNG) @ g, [0.5, 1.5])
    g = np.array([[1.0, 0.0], [1.0, 1.0]])  # no conflict: the sum
    np.testing.assert_array_equal(PCGrad().weights(g @ g.T, RNG), [1.0, 1.0])


@pytest.mark.parametrize("n_tasks", [2, 3, 6])
def test_pcgrad_is_the_published_loop(n_tasks):
    rng = np.random.default_rng(n_tasks)
    g = rng.normal(size=(n_tasks, 3))
    order = np.random.RandomState(5).uniform(size=(n_tasks, n_tasks)).argsort(axis=1)
    total = np.zeros(3)
    for t in range(n_tasks):
        projected = g[t].copy()
        for other in order[t]:
            inner = projected @ g[other]
            if other != t and inner < 0:
                projected -= inner / (g[other] @ g[other]) * g[other]
        total += projected
    weights = PCGrad().weights(g @ g.T, np.random.RandomState(5))
    np.testing.assert_allclose(weights @ g, total, rtol=1e-12)


def test_mgda_of_two_gradients_is_the_closed_form():
    """Clipped (g2 - g1).g2 / ||g1 - g2||^2 is the weight of the first."""
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(50):
        g = rng.normal(size=(2, 3)) * [[1.0], [2.0]]
        share = (g[1] - g[0]) @ g[1] / np.sum((g[0] - g[1]) ** 2)
        inside += 0 < share < 1
        share = np.clip(share, 0.0, 1.0)
        expected = [2 * share, 2 * (1 - share)]
        np.testing.assert_allclose(MGDA().weights(g @ g.T, RNG), expected, atol=1e-9)
    assert 10 < inside < 50


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("n_tasks", [3, 5, 12])
def test_mgda_is_the_shortest_vector_of_the_hull(n_tasks, scale):
    g = scale * np.random.default_rng(n_tasks).normal(size=(n_tasks, 20))
    weights = MGDA().weights(g @ g.T, RNG) / n_tasks
    assert np.all(weights >= 0)
    np.testing.assert_allclose(weights.sum(), 1.0)
    shortest = weights @ g
    assert np.all(g @ shortest >= (1 - 1e-3) * shortest @ shortest)


def test_degenerate_gradients():
    for combiner in (PCGrad(), MGDA(), PlainSum()):
        np.testing.assert_array_equal(combiner.weights(np.zeros((3, 3)), RNG), 1.0)
        equal = combiner.weights(np.ones((3, 3)), RNG)
        np.testing.assert_allclose(equal.sum(), 3.0)


# ---------------------------------------------------------------- weights of losses
def steps(state, losses, n, norms=None):
    """Tell a state of n steps with the same losses."""
    seen = np.ones(len(losses), dtype=bool)
    for _ in range(n):
        now = None if norms is None else norms * state.weights
        state.after_step(np.asarray(losses), seen, now, 1.0)
    return state


def test_uncertainty_ends_at_its_optimum():
    """exp(-s) L + s / 2 is least where exp(-s) = 1 / (2 L)."""
    losses = np.array([0.05, 0.5, 3.0])
    state = steps(UncertaintyWeights().start([0, 1, 2], 0.01), losses, 3000)
    np.testing.assert_allclose(state.weights, 1 / (2 * losses), rtol=1e-3)
    state = steps(UncertaintyWeights().start([0], 0.1), np.zeros(1), 500)
    np.testing.assert_allclose(state.weights, 500.0)


def test_gradnorm_makes_gradients_equally_long():
    raw = np.array([1.0, 4.0, 0.5])
    state = steps(GradNorm(0.0, 0.002).start([0, 1, 2], 1.0), np.ones(3), 5000, raw)
    np.testing.assert_allclose(state.weights.sum(), 3.0)
    lengths = state.weights * raw
    np.testing.assert_allclose(lengths, lengths.mean(), rtol=0.02)


def test_gradnorm_favours_tasks_that_lag():
    """At strength 1 lengths end in the ratio of the losses relative to the first."""
    state = GradNorm(1.0, 0.002).start([0, 1], 1.0)
    seen = np.ones(2, dtype=bool)
    state.after_step(np.ones(2), seen, np.ones(2), 1.0)
    for _ in range(5000):
        state.after_step(np.array([0.5, 0.25]), seen, state.weights.copy(), 1.0)
    np.testing.assert_allclose(state.weights[0] / state.weights[1], 2.0, rtol=0.05)


def test_gradnorm_leaves_tasks_out_that_a_step_did_not_see():
    state = GradNorm().start([0, 1, 2], 1.0)
    seen = np.array([True, True, False])
    state.after_step(np.array([1.0, 1.0, 0.0]), seen, np.array([1.0, 3.0, 0.0]), 1.0)
    assert state.weights[0] > state.weights[2] > state.weights[1]
    assert np.isnan(state.first[2])


def test_dynamic_weights_are_the_formula():
    state = DynamicWeights(temperature=2.0).start([0, 1], 1.0)
    state.after_epoch(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(state.weights, [1.0, 1.0])
    state.after_epoch(np.array([0.5, 1.8]))
    score = np.exp(np.array([0.5, 0.9]) / 2.0)
    np.testing.assert_allclose(state.weights, 2 * score / score.sum())
    state.after_epoch(np.array([0.5, 0.9]))
    score = np.exp(np.array([1.0, 0.5]) / 2.0)
    np.testing.assert_allclose(state.weights, 2 * score / score.sum())


def test_dynamic_weights_wait_for_tasks_that_chunks_lack():
    state = DynamicWeights(temperature=1.0).start([0, 1], 1.0)
    for losses in ([1.0, 2.0], [1.0, 0.0], [1.0, 1.0]):
        state.after_epoch(np.array(losses))
    score = np.exp([1.0, 0.5])
    np.testing.assert_allclose(state.weights, 2 * score / score.sum())


def test_fixed_weights_must_cover_all_tasks():
    X, Y = nonlinear_tasks(n=40, T=2)
    for mapping in ({0: 1.0}, {0: 1.0, 1: 0.0}, {0: 1.0, 1: np.nan}):
        with pytest.raises(ValueError, match="loss_weighting must have a positive"):
            MultiTaskMLPRegressor(loss_weighting=mapping).fit(X, Y)


def test_fixed_weights_are_task_weights_where_nothing_else_counts():
    X, Y = nonlinear_tasks(n=60, T=2)
    options = {**QUICK, "early_stopping": False}
    c = {0: 2.0, 1: 0.5}
    a = quick_fit(MultiTaskMLPRegressor(loss_weighting=c, **options), X, Y)
    b = quick_fit(MultiTaskMLPRegressor(task_weight=c, **options), X, Y)
    np.testing.assert_allclose(a.predict(X), b.predict(X), rtol=1e-9)
    np.testing.assert_array_equal(a.history_["loss_weight"], [[2.0, 0.5]] * 4)


# ---------------------------------------------------------------- kinds of sharing
def draw(kind, sizes, n_tasks, seed=0):
    """Return (network, random parameters by name) of tasks with one column each."""
    columns = Columns.of_widths(np.ones(n_tasks, dtype=int))
    network = kind.build(sizes, columns, "tanh")
    theta = np.random.default_rng(seed).normal(size=network.n_parameters)
    return network, network.parts(theta)


def scores(network, parts, X):
    """Return the scores of all rows, seen in training and in prediction."""
    n_tasks = len(parts.head)
    batch = FullBatch(np.zeros((len(X), n_tasks)), np.ones(n_tasks))
    z, _ = network.forward(parts, X, batch)
    Z = network.outputs(parts, X, slice(None))
    np.testing.assert_allclose(z.reshape(len(X), n_tasks), Z)
    np.testing.assert_allclose(network.outputs(parts, X, slice(1, 2)), Z[:, 1:2])
    return Z


def test_scores_of_hard_and_soft_sharing():
    X = np.random.default_rng(2).normal(size=(7, 3))
    network, parts = draw(HardSharing(), [3, 4], 2)
    H = np.tanh(X @ parts.weights[0] + parts.biases[0])
    Z = H @ parts.head.T + parts.head_bias
    np.testing.assert_allclose(scores(network, parts, X), Z)
    network, parts = draw(SoftSharing(), [3, 4], 2)
    for t in range(2):
        H = np.tanh(X @ parts.weights[0][t] + parts.biases[0][t])
        Z[:, t] = H @ parts.head[t] + parts.head_bias[t]
    np.testing.assert_allclose(scores(network, parts, X), Z)


def test_scores_of_cross_stitch():
    X = np.random.default_rng(3).normal(size=(7, 3))
    network, parts = draw(CrossStitch(), [3, 4, 2], 3)
    below = [X] * 3
    for W, b, A in zip(parts.weights, parts.biases, parts.mixing, strict=True):
        H = [np.tanh(below[t] @ W[t] + b[t]) for t in range(3)]
        below = [sum(A[t, s] * H[s] for s in range(3)) for t in range(3)]
    Z = np.column_stack([below[t] @ parts.head[t] for t in range(3)])
    np.testing.assert_allclose(scores(network, parts, X), Z + parts.head_bias)


def test_scores_of_sluice():
    X = np.random.default_rng(4).normal(size=(7, 3))
    network, parts = draw(Sluice(n_subspaces=2), [3, 4, 4], 2)
    below, seen = [X] * 2, [np.zeros((7, 4))] * 2
    for layer in range(2):
        W, b = parts.weights[layer], parts.biases[layer]
        H = [np.tanh(below[t] @ W[t] + b[t]) for t in range(2)]
        blocks = [H[t][:, 2 * g : 2 * g + 2] for t in range(2) for g in range(2)]
        A = parts.mixing[layer]
        mixed = [sum(A[k, j] * blocks[j] for j in range(4)) for k in range(4)]
        below = [np.hstack(mixed[2 * t : 2 * t + 2]) for t in range(2)]
        seen = [seen[t] + parts.mixing[-1][t, layer] * below[t] for t in range(2)]
    Z = np.column_stack([seen[t] @ parts.head[t] for t in range(2)])
    np.testing.assert_allclose(scores(network, parts, X), Z + parts.head_bias)


def test_mixing_starts_as_documented():
    columns = Columns.of_widths([1, 1, 1])
    network = Sluice(2, own=0.8).build([3, 4, 4], columns, "tanh")
    parts = network.parts(network.draw(np.zeros(3), RNG))
    A, B = parts.mixing[0], parts.mixing[-1]
    np.testing.assert_allclose(np.diag(A), 0.8)
    np.testing.assert_allclose(A[0], [0.8, 0, 0.1, 0, 0.1, 0])
    np.testing.assert_allclose(B, 0.5)
    for W in parts.weights:
        np.testing.assert_array_equal(W[0], W[2])


def test_penalties_of_soft_and_sluice():
    network, parts = draw(SoftSharing(strength=0.6), [3, 4], 3)
    W = parts.weights[0]
    pairs = sum(np.sum((W[s] - W[t]) ** 2) for s in range(3) for t in range(s))
    np.testing.assert_allclose(network.penalty(parts), 0.6 / 2 * pairs / 3)
    network, parts = draw(Sluice(2, orthogonality=0.6), [3, 4], 2)
    G = parts.weights[0]
    overlap = sum(np.sum((G[t][:, :2].T @ G[t][:, 2:]) ** 2) for t in range(2))
    np.testing.assert_allclose(network.penalty(parts), 0.6 / 2 * overlap)


def test_strong_ties_make_one_trunk_and_weak_ones_do_not():
    X, Y = nonlinear_tasks(n=100, T=3)
    apart = {}
    for strength in (0.0, 100.0):
        model = MultiTaskMLPRegressor((8,), sharing=SoftSharing(strength), **QUICK)
        W = quick_fit(model.set_params(max_iter=30), X, Y).coefs_[0]
        apart[strength] = np.abs(W - W.mean(axis=0)).max()
    assert apart[100.0] < 0.01 < 0.1 < apart[0.0]


def test_towers_without_ties_or_mixing_do_not_touch_each_other():
    """What is learned for a task does not depend on the labels of the others."""
    X, Y = nonlinear_tasks(n=60, T=2)
    options = {**QUICK, "early_stopping": False}
    model = MultiTaskMLPRegressor((8,), sharing=SoftSharing(0.0), **options)
    a = quick_fit(model, X, Y).predict(X)[:, 0]
    b = quick_fit(model, X, np.column_stack([Y[:, 0], -(Y[:, 1] ** 2)])).predict(X)
    np.testing.assert_allclose(a, b[:, 0], rtol=1e-9)


@pytest.mark.parametrize("kind", SHARINGS)
def test_one_task_or_no_hidden_layer_need_no_sharing(kind):
    X, Y = nonlinear_tasks(n=60, T=2)
    one = MultiTaskMLPRegressor((8,), sharing=kind, **QUICK)
    assert np.isfinite(quick_fit(one, X, Y[:, 0]).predict(X)).all()
    a = MultiTaskMLPRegressor((), sharing=kind, **QUICK)
    b = MultiTaskMLPRegressor((), **QUICK)
    np.testing.assert_array_equal(
        quick_fit(a, X, Y).predict(X), quick_fit(b, X, Y).predict(X)
    )


@pytest.mark.parametrize("hidden", [(8, 4), (9, 9)])
def test_sluice_needs_layers_that_fit(hidden):
    X, Y = nonlinear_tasks(n=40, T=2)
    with pytest.raises(ValueError, match="Sluice needs hidden layers of one size"):
        MultiTaskMLPRegressor(hidden, sharing="sluice").fit(X, Y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sharing": "firm"}, "sharing"),
        ({"sharing": SoftSharing(-1.0)}, "strength"),
        ({"sharing": CrossStitch(own=2.0)}, "own"),
        ({"sharing": Sluice(n_subspaces=0)}, "n_subspaces"),
        ({"loss_weighting": "best"}, "loss_weighting"),
        ({"loss_weighting": GradNorm(learning_rate=0.0)}, "learning_rate"),
        ({"loss_weighting": DynamicWeights(0.0)}, "temperature"),
        ({"gradient": "mean"}, "gradient"),
    ],
)
def test_bad_strategies_name_themselves(options, message):
    X, Y = nonlinear_tasks(n=30, T=2)
    with pytest.raises(ValueError, match=message):
        MultiTaskMLPRegressor(**options).fit(X, Y)


# ---------------------------------------------------------------- all together
@pytest.mark.parametrize("combiner", COMBINERS)
@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("kind", SHARINGS)
def test_every_combination_learns(kind, weighting, combiner):
    X, Y = nonlinear_tasks(n=300, T=3)
    model = MultiTaskMLPRegressor(
        (16, 16),
        sharing=kind,
        loss_weighting=weighting,
        gradient=combiner,
        alpha=0.001,
        learning_rate_init=0.02,
        max_iter=25,
        early_stopping=False,
        random_state=0,
    )
    assert quick_fit(model, X, Y).score(X, Y) > 0.8


@pytest.mark.parametrize("kind", SHARINGS)
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_classifiers_of_every_kind(kind, layout):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(300, 3))
    Y = np.column_stack([X[:, 0] > 0, np.digitize(X[:, 1], [-0.5, 0.5])]).astype(float)
    model = MultiTaskMLPClassifier((8,), sharing=kind, gradient="pcgrad", **QUICK)
    model.set_params(learning_rate_init=0.05, max_iter=20)
    if layout == "wide":
        Y[::7, 0] = np.nan
        quick_fit(model, X, Y)
        assert [p.shape for p in model.predict_proba(X)] == [(300, 2), (300, 3)]
        assert model.score(X, Y) > 0.85
    else:
        task = np.arange(300) % 2
        y = Y[np.arange(300), task]
        quick_fit(model, X, y, task=task)
        assert model.score(X, y, task=task) > 0.85


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("sharing", SoftSharing()),
        ("sharing", CrossStitch()),
        ("sharing", Sluice()),
        ("loss_weighting", UncertaintyWeights()),
        ("loss_weighting", GradNorm()),
        ("loss_weighting", DynamicWeights()),
        ("loss_weighting", FixedWeights()),
        ("gradient", PCGrad()),
        ("gradient", MGDA()),
    ],
)
def test_strings_are_the_defaults_and_objects_are_left_alone(name, strategy):
    X, Y = nonlinear_tasks(n=60, T=2)
    kinds = {"sharing": SHARINGS, "loss_weighting": WEIGHTINGS, "gradient": COMBINERS}
    string = next(s for s, cls in kinds[name].items() if cls is type(strategy))
    by_name = MultiTaskMLPRegressor((8,), **{name: string}, **QUICK)
    by_object = MultiTaskMLPRegressor((8,), **{name: strategy}, **QUICK)
    before = dict(vars(strategy))
    a, b = quick_fit(by_name, X, Y), quick_fit(clone(by_object), X, Y)
    np.testing.assert_array_equal(a.predict(X), b.predict(X))
    assert vars(strategy) == before
    for parameter in strategy.get_params():
        assert f"{name}__{parameter}" in by_object.get_params()


# ---------------------------------------------------------------- kinds of one's own
class OnlyTheFirst:
    """A combination of gradients that listens to one task."""

    def weights(self, gramian, rng):
        """Return 1 for the first task."""
        return (np.arange(len(gramian)) == 0).astype(float)


class Halved:
    """A weighting and a kind of sharing, from the parts that there are."""

    def start(self, tasks, learning_rate):
        """Return weights of one half."""
        return FixedWeights(dict.fromkeys(tasks, 0.5)).start(tasks, learning_rate)

    def build(self, sizes, columns, activation):
        """Return a network with layers of half the size."""
        sizes = [sizes[0], *(size // 2 for size in sizes[1:])]
        return HardSharing().build(sizes, columns, activation)


def test_objects_of_ones_own():
    X, Y = nonlinear_tasks(n=60, T=2)
    options = {**QUICK, "early_stopping": False, "alpha": 0.0, "solver": "sgd"}
    model = MultiTaskMLPRegressor((8,), gradient=OnlyTheFirst(), **options)
    a = quick_fit(model, X, Y)
    b = quick_fit(clone(model), X, np.column_stack([Y[:, 0], Y[::-1, 1]]))
    np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], rtol=1e-9)
    own = Halved()
    model = MultiTaskMLPRegressor((8,), sharing=own, loss_weighting=own, **QUICK)
    quick_fit(model, X, Y)
    assert model.head_coef_.shape == (2, 4)
    np.testing.assert_array_equal(model.history_["loss_weight"], 0.5)
