"""Hard sharing: one trunk for all tasks."""

from itertools import pairwise

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from skmtl.neural_network import _layers
from skmtl.neural_network.sharing._network import (
    Network,
    Parts,
    merged_heads,
    pick,
    spread,
)

# Below this share of observed outputs, products over entries beat full matrices.
SPARSE_BELOW = 1 / 32


class HardSharing(BaseEstimator):
    """One trunk of hidden layers for all tasks, and a linear head for each [1]_.

    The fewest parameters and the strongest tie of all kinds of sharing; the default.

    References
    ----------
    .. [1] R. Caruana, Multitask Learning, Machine Learning 28, 1997.
       https://doi.org/10.1023/A:1007379606734

    Examples
    --------
    >>> from skmtl import MultiTaskMLPRegressor
    >>> from skmtl.neural_network import HardSharing
    >>> model = MultiTaskMLPRegressor(sharing=HardSharing())  # the same as "hard"
    """

    def build(self, sizes, columns, activation):
        """Return the network for so many features and hidden units."""
        return HardNetwork(sizes, columns, activation)


class HardNetwork(Network):
    """One trunk for all tasks, and a linear head for each output column."""

    def __init__(self, sizes, columns, activation):
        shapes = [((n_in, n_out), (n_out,)) for n_in, n_out in pairwise(sizes)]
        super().__init__(sizes, columns, activation, shapes)

    def draw(self, head_bias, rng):
        """Return random parameters; the heads start at the bias `head_bias` (C,)."""
        weights, biases = _layers.initial_layers(self.sizes, self.activation, rng)
        widths = self.columns.width[self.columns.task]
        head = _layers.initial_heads(self.sizes[-1], widths, rng)
        return self.flatten(Parts(weights, biases, head, head_bias, []))

    def forward(self, parts, X, batch, dropout=None):
        """Return (scores of the entries, what `backward` needs)."""
        cache = _layers.forward(
            X, parts.weights, parts.biases, self.activation, dropout
        )
        H = cache[0][-1]
        if self._by_entries(H, batch):
            z = np.einsum("ij,ij->i", H[batch.row()], parts.head[batch.column])
            z += parts.head_bias[batch.column]
            return z, cache
        Z = H @ parts.head.T
        Z += parts.head_bias
        return pick(batch, Z), cache

    def backward(self, parts, cache, batch, delta, out):
        """Write the gradient, given the derivative `delta` of each entry's score."""
        outputs, masks = cache
        H = outputs[-1]
        D = self._spread(H, batch, delta)
        if isinstance(D, np.ndarray) and isinstance(H, np.ndarray):
            np.matmul(D.T, H, out=out.head)
        else:
            out.head[...] = D.T @ H
        out.head_bias[...] = batch.column_sums(delta, len(self.columns))
        if parts.weights:
            self._trunk(outputs, masks, D @ parts.head, parts, out)

    def jacobian(self, parts, cache, batch, delta, out):
        """Write a gradient for each task into the rows of `out` (T, n_parameters)."""
        outputs, masks = cache
        by_task = self.parts(out)
        out[...] = 0.0
        D, sums = spread(batch, delta, len(self.columns)), self.columns
        column = np.arange(len(sums))
        by_task.head[sums.task, column] = D.T @ outputs[-1]
        by_task.head_bias[sums.task, column] = D.sum(axis=0)
        if parts.weights:
            shape = (sums.n_tasks, batch.n_rows, self.sizes[-1])
            reach = np.empty(shape, dtype=out.dtype)
            for t in range(sums.n_tasks):
                mine = sums.of_task(t)
                np.matmul(D[:, mine], parts.head[mine], out=reach[t])
            self._trunk(outputs, masks, reach, parts, by_task)

    def outputs(self, parts, X, columns):
        """Return the scores (n, C) of a slice of the columns."""
        head, bias = parts.head[columns], parts.head_bias[columns]
        Z = np.empty((X.shape[0], len(head)))
        for rows, H in self.represent(parts, X):
            Z[rows] = H @ head.T
        Z += bias
        return Z

    def with_columns(self, columns):
        """Return a network of the same kind for other heads."""
        return HardNetwork(self.sizes, columns, self.activation)

    def newcomer(self, parts, X, columns, head_bias, trunk):
        """Return (X, network, its first parts) to train a head, with or without trunk.

        Where the trunk is frozen, what leaves it takes the place of X.
        """
        sizes, layers = self.sizes, (parts.weights, parts.biases)
        if trunk == "frozen" and parts.weights:
            X = np.concatenate([H for _, H in self.represent(parts, X)])
            sizes, layers = self.sizes[-1:], ([], [])
        # Units have learned what they stand for, so that a head needs no random start:
        # the best constant is a better one.
        head = np.zeros((len(columns), sizes[-1]))
        network = HardNetwork(sizes, columns, self.activation)
        return X, network, Parts(*layers, head, head_bias, [])

    def joined(self, parts, learned, place, column):
        """Return the parts with what a newcomer has learned, its head at a column."""
        head, bias = merged_heads(parts, learned, column)
        if learned.weights:
            parts = parts._replace(weights=learned.weights, biases=learned.biases)
        return parts._replace(head=head, head_bias=bias)

    def represent(self, parts, X):
        """Yield (slice of rows, outputs of the trunk), a chunk of rows at a time."""
        layers = (parts.weights, parts.biases, self.activation)
        for start in range(0, X.shape[0], _layers.CHUNK_ROWS):
            rows = slice(start, start + _layers.CHUNK_ROWS)
            yield rows, _layers.forward(X[rows], *layers)[0][-1]

    def _trunk(self, outputs, masks, delta, parts, out):
        """Take the derivatives at the last layer back to the first."""
        layers = (out.weights, out.biases)
        _layers.backward(outputs, masks, delta, parts.weights, self.activation, *layers)

    def _spread(self, H, batch, delta):
        """Return values of entries as a (b, C) matrix, sparse where that is faster."""
        if self._by_entries(H, batch):
            shape = (batch.n_rows, len(self.columns))
            return sparse.csr_array((delta, batch.column, batch.start), shape=shape)
        return spread(batch, delta, len(self.columns))

    def _by_entries(self, H, batch):
        """Tell whether so few outputs are observed that to compute all would be waste.

        Without hidden layers a sparse X leaves no choice.
        """
        n_outputs = batch.n_rows * len(self.columns)
        return isinstance(H, np.ndarray) and len(batch) < SPARSE_BELOW * n_outputs
