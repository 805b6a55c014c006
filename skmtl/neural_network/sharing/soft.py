"""Soft sharing: a network per task, tied by the distances between their layers."""

from numbers import Real

from sklearn.base import BaseEstimator

from skmtl._compat import Interval
from skmtl.neural_network.sharing._towers import TowerNetwork
from skmtl.neural_network.sharing.hard import HardNetwork


class SoftSharing(BaseEstimator):
    """A network per task and a penalty on the distances between their layers [1]_.

    Adds ``strength / 2 * sum_t ||W_t - mean W||^2``, summed over the hidden layers,
    W_t being the weights of task t there. It equals ``strength / (2 T)`` times the sum
    of the squared distances between all pairs of tasks. Without hidden layers there is
    nothing to share.

    Parameters
    ----------
    strength : float, default=0.1
        Strength of the tie: 0 trains separate networks from one starting point; for
        large values all have the same hidden layers.

    References
    ----------
    .. [1] L. Duong et al., Low Resource Dependency Parsing: Cross-lingual Parameter
       Sharing in a Neural Network Parser, ACL 2015.
       https://doi.org/10.3115/v1/P15-2139

    Examples
    --------
    >>> from skmtl import MultiTaskMLPRegressor
    >>> from skmtl.neural_network import SoftSharing
    >>> model = MultiTaskMLPRegressor(sharing=SoftSharing(strength=0.01))
    """

    _parameter_constraints: dict = {
        "strength": [Interval(Real, 0, None, closed="left")]
    }

    def __init__(self, strength=0.1):
        self.strength = strength

    def build(self, sizes, columns, activation):
        """Return the network for so many features and hidden units."""
        self._validate_params()
        if len(sizes) == 1:
            return HardNetwork(sizes, columns, activation)
        return SoftNetwork(sizes, columns, activation, self.strength)


class SoftNetwork(TowerNetwork):
    """Towers that do not mix, pulled towards their mean."""

    def __init__(self, sizes, columns, activation, strength):
        super().__init__(sizes, columns, activation)
        self.strength = strength

    def with_columns(self, columns):
        """Return a network of the same kind for other heads."""
        return SoftNetwork(self.sizes, columns, self.activation, self.strength)

    def newcomer(self, parts, X, columns, head_bias, trunk):
        """Return (X, network, its first parts) to train a tower pulled to the mean."""
        if trunk != "frozen":
            raise ValueError(
                "trunk='fine-tuned' has no meaning with soft sharing: without labels "
                "of their own, the networks of the other tasks would only be drawn to "
                "the new one. Pass trunk='frozen': the new task trains its own layers."
            )
        return super().newcomer(parts, X, columns, head_bias, trunk)

    def penalty(self, parts, gradient=None):
        """Return half the strength times the squared distances from the mean."""
        value = 0.0
        for layer, W in enumerate(parts.weights):
            away = W - W.mean(axis=0)
            value += 0.5 * self.strength * float((away * away).sum())
            if gradient is not None:
                gradient.weights[layer][...] += self.strength * away
        return value
