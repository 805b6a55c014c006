"""The parameters of the estimators: what is allowed, and the strategies they name."""

from collections.abc import Mapping
from numbers import Integral, Real

from skmtl._compat import HasMethods, Interval, StrOptions
from skmtl.neural_network._layers import ACTIVATIONS
from skmtl.neural_network._optimizers import SGD, Adam, Schedule
from skmtl.neural_network.combining import COMBINERS
from skmtl.neural_network.sharing import SHARINGS
from skmtl.neural_network.weighting import WEIGHTINGS, FixedWeights

_AT_LEAST_0 = Interval(Real, 0, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")
_SHARE = Interval(Real, 0, 1, closed="left")
_COUNT = Interval(Integral, 1, None, closed="left")

CONSTRAINTS: dict = {
    "hidden_layer_sizes": ["array-like", _COUNT],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "sharing": [StrOptions(set(SHARINGS)), HasMethods(["build"])],
    "loss_weighting": [StrOptions(set(WEIGHTINGS)), Mapping, HasMethods(["start"])],
    "gradient": [StrOptions(set(COMBINERS)), HasMethods(["weights"])],
    "auxiliary_tasks": ["array-like", None],
    "alpha": [_AT_LEAST_0],
    "dropout": [_SHARE],
    "solver": [StrOptions({"adam", "sgd"})],
    "batch_size": [StrOptions({"auto"}), _COUNT],
    "learning_rate": [StrOptions({"constant", "cosine"})],
    "learning_rate_init": [_POSITIVE],
    "warmup_epochs": [Interval(Integral, 0, None, closed="left")],
    "max_grad_norm": [_POSITIVE, None],
    "max_iter": [_COUNT],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [_COUNT],
    "tol": [_AT_LEAST_0],
    "momentum": [_SHARE],
    "nesterovs_momentum": ["boolean"],
    "beta_1": [_SHARE],
    "beta_2": [_SHARE],
    "epsilon": [_POSITIVE],
    "task_weight": [StrOptions({"n_samples"}), Mapping, None],
    "monitor_conflict": ["boolean"],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
}


def _strategy(value, kinds):
    """Return the strategy itself, or the one of that name with its defaults."""
    return kinds[value]() if isinstance(value, str) else value


def sharing_of(estimator):
    """Return the kind of sharing."""
    return _strategy(estimator.sharing, SHARINGS)


def weighting_of(estimator):
    """Return the weighting of losses."""
    if isinstance(estimator.loss_weighting, Mapping):
        return FixedWeights(estimator.loss_weighting)
    return _strategy(estimator.loss_weighting, WEIGHTINGS)


def combiner_of(estimator):
    """Return the combination of gradients."""
    return _strategy(estimator.gradient, COMBINERS)


def optimizer_of(estimator, theta):
    """Return a new optimiser of theta."""
    if estimator.solver == "sgd":
        momentum = estimator.momentum, estimator.nesterovs_momentum
        return SGD(len(theta), *momentum, theta.dtype)
    betas = estimator.beta_1, estimator.beta_2
    return Adam(len(theta), *betas, estimator.epsilon, theta.dtype)


def schedule_of(estimator):
    """Return the learning rate over the epochs."""
    return Schedule(
        estimator.learning_rate,
        estimator.learning_rate_init,
        estimator.warmup_epochs,
        estimator.max_iter,
    )


def hidden_sizes(estimator):
    """Return hidden_layer_sizes as a list of positive integers, or raise."""
    sizes = estimator.hidden_layer_sizes
    sizes = [sizes] if isinstance(sizes, Integral) else list(sizes)
    if any(not isinstance(s, Integral) or isinstance(s, bool) or s < 1 for s in sizes):
        raise ValueError(
            "hidden_layer_sizes must hold positive integers, one per hidden layer, "
            f"got {estimator.hidden_layer_sizes!r}."
        )
    return [int(s) for s in sizes]
