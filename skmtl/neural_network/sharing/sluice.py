"""Sluice networks: subspaces of layers that are shared as far as it helps."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator

from skmtl._compat import Interval
from skmtl.neural_network.sharing._towers import TowerNetwork
from skmtl.neural_network.sharing.hard import HardNetwork


class Sluice(BaseEstimator):
    """A network per task; subspaces of the layers mix, and heads see all layers [1]_.

    Each layer of each task is cut into subspaces of equal size. After each layer every
    subspace gets a learned linear combination of the subspaces of all tasks, and the
    head of task t sees ``sum_l B[t, l] h_tl``, a learned mixture of its layers, which
    must have equal sizes. Adds ``orthogonality / 2`` times the sum over tasks, layers
    and pairs of subspaces of ``||G_i' G_j||^2``, where G_i are the weights into
    subspace i, so that subspaces learn different things. `mixing_` of the fitted
    estimator holds a matrix for each layer, then B. Without hidden layers there is
    nothing to mix.

    Parameters
    ----------
    n_subspaces : int, default=2
        Subspaces of each layer; its size must be a multiple of it.
    own : float, default=0.9
        Where the weight of a subspace in itself starts; the same subspace of the other
        tasks shares the rest equally.
    orthogonality : float, default=0.001
        Strength of the penalty. Larger values keep subspaces apart.

    References
    ----------
    .. [1] S. Ruder et al., Latent Multi-task Architecture Learning, AAAI 2019.
       https://arxiv.org/abs/1705.08142

    Examples
    --------
    >>> from skmtl import MultiTaskMLPRegressor
    >>> from skmtl.neural_network import Sluice
    >>> model = MultiTaskMLPRegressor((32, 32), sharing=Sluice(n_subspaces=4))
    """

    _parameter_constraints: dict = {
        "n_subspaces": [Interval(Integral, 1, None, closed="left")],
        "own": [Interval(Real, 0, 1, closed="both")],
        "orthogonality": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, n_subspaces=2, own=0.9, orthogonality=0.001):
        self.n_subspaces = n_subspaces
        self.own = own
        self.orthogonality = orthogonality

    def build(self, sizes, columns, activation):
        """Return the network for so many features and hidden units."""
        self._validate_params()
        hidden = sizes[1:]
        if not hidden:
            return HardNetwork(sizes, columns, activation)
        if len(set(hidden)) > 1 or hidden[0] % self.n_subspaces:
            raise ValueError(
                "Sluice needs hidden layers of one size, a multiple of n_subspaces="
                f"{self.n_subspaces}; got hidden_layer_sizes={tuple(hidden)}."
            )
        settings = self.n_subspaces, self.own, self.orthogonality
        return SluiceNetwork(sizes, columns, activation, *settings)


class SluiceNetwork(TowerNetwork):
    """Towers that mix by subspaces and show all layers to the heads."""

    def __init__(self, sizes, columns, activation, n_blocks, own, orthogonality):
        super().__init__(sizes, columns, activation, n_blocks, own, skip=True)
        self.orthogonality = orthogonality

    def with_columns(self, columns):
        """Return a network of the same kind for other heads."""
        settings = self.n_blocks, self.own, self.orthogonality
        return SluiceNetwork(self.sizes, columns, self.activation, *settings)

    def penalty(self, parts, gradient=None):
        """Return how much the subspaces of a task's layers overlap."""
        if not self.orthogonality or self.n_blocks == 1:
            return 0.0
        value = 0.0
        for layer, W in enumerate(parts.weights):
            place = np.arange(W.shape[2]) // (W.shape[2] // self.n_blocks)
            products = np.swapaxes(W, 1, 2) @ W
            products *= place[:, None] != place
            # Each pair of subspaces is there twice, which the quarter makes up for.
            value += 0.25 * self.orthogonality * float((products * products).sum())
            if gradient is not None:
                gradient.weights[layer][...] += self.orthogonality * (W @ products)
        return value
