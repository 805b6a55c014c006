"""How tasks share a network. A strategy owns everything between X and the outputs.

It lays out its parameters in one flat vector (penalised ones first) and gives the
scores of entries and the gradient of any function of them. The training loop knows no
more.
"""

from itertools import pairwise

import numpy as np
from scipy import sparse

from skmtl.neural_network import _layers

# Below this share of observed outputs, products over entries beat full matrices.
SPARSE_BELOW = 1 / 32


class HardSharing:
    """One trunk for all tasks, and a linear head for each output column.

    Parameters
    ----------
    sizes : list of int
        Number of features, then units of each hidden layer.
    n_columns : int
        Number of output columns of all tasks.
    activation : str
        Activation of the hidden layers.
    """

    def __init__(self, sizes, n_columns, activation):
        self.sizes, self.n_columns, self.activation = sizes, n_columns, activation
        layers = list(pairwise(sizes))
        # Heads are stored a row per column, so that one task's head is contiguous.
        self.weight_shapes = [*layers, (n_columns, sizes[-1])]
        self.bias_shapes = [(n_out,) for _, n_out in layers] + [(n_columns,)]
        self.n_penalised = sum(int(np.prod(s)) for s in self.weight_shapes)
        self.n_parameters = self.n_penalised + sum(n for (n,) in self.bias_shapes)

    def views(self, flat):
        """Return (weights, biases) as views into a flat vector; the heads come last."""
        views, offset = [], 0
        for shape in self.weight_shapes + self.bias_shapes:
            size = int(np.prod(shape))
            views.append(flat[offset : offset + size].reshape(shape))
            offset += size
        n_layers = len(self.weight_shapes)
        return views[:n_layers], views[n_layers:]

    def flatten(self, weights, biases):
        """Return weights and biases (the heads last) as a new flat vector."""
        return np.concatenate([np.ravel(a) for a in [*weights, *biases]])

    def draw(self, head_bias, head_width, rng):
        """Return random parameters; the heads start at the bias `head_bias` (C,)."""
        weights, biases = _layers.initial_layers(self.sizes, self.activation, rng)
        bound = np.sqrt(6.0 / (self.sizes[-1] + head_width))[:, None]
        head = bound * rng.uniform(-1.0, 1.0, (self.n_columns, self.sizes[-1]))
        return self.flatten([*weights, head], [*biases, head_bias])

    def forward(self, views, X, batch):
        """Return (scores of the entries, what `backward` needs)."""
        (*weights, V), (*biases, c) = views
        outputs = _layers.forward(X, weights, biases, self.activation)
        H = outputs[-1]
        if self._by_entries(H, batch):
            z = np.einsum("ij,ij->i", H[batch.row()], V[batch.column])
            z += c[batch.column]
            return z, outputs
        Z = H @ V.T
        Z += c
        if batch.complete(self.n_columns):
            return Z.ravel(), outputs
        return Z[batch.row(), batch.column], outputs

    def backward(self, views, outputs, batch, delta, gradient_views):
        """Write the gradient, given the derivative `delta` of each entry's score."""
        (*weights, V), _ = views
        (*weight_grads, V_grad), (*bias_grads, c_grad) = gradient_views
        H = outputs[-1]
        D = self._spread(H, batch, delta)
        V_grad[...] = D.T @ H
        c_grad[...] = batch.column_sums(delta, self.n_columns)
        if weights:
            _layers.backward(
                outputs, D @ V, weights, self.activation, weight_grads, bias_grads
            )

    def _spread(self, H, batch, delta):
        """Return values of entries as a (b, C) matrix, sparse where that is faster."""
        shape = (batch.n_rows, self.n_columns)
        if batch.complete(self.n_columns):
            return delta.reshape(shape)
        if self._by_entries(H, batch):
            return sparse.csr_array((delta, batch.column, batch.start), shape=shape)
        D = np.zeros(shape)
        D[batch.row(), batch.column] = delta
        return D

    def _by_entries(self, H, batch):
        """Tell whether so few outputs are observed that to compute all would be waste.

        Without hidden layers a sparse X leaves no choice.
        """
        n_outputs = batch.n_rows * self.n_columns
        return (
            isinstance(H, np.ndarray) and len(batch.column) < SPARSE_BELOW * n_outputs
        )
