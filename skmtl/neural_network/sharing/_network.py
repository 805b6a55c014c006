"""What every network has: named parameters in one flat vector."""

from typing import NamedTuple

import numpy as np


class Parts(NamedTuple):
    """The parameters of a network, views into one flat vector.

    Attributes
    ----------
    weights, biases : list of ndarray
        Of the hidden layers; towers have a leading axis of tasks.
    head : ndarray of shape (C, n_units)
    head_bias : ndarray of shape (C,)
    mixing : list of ndarray
        How towers exchange what they compute; empty where they do not.
    """

    weights: list
    biases: list
    head: np.ndarray
    head_bias: np.ndarray
    mixing: list


class Network:
    """Everything between X and the scores of the output columns.

    Parameters are laid out as heads, weights | biases, mixing, intercepts of the heads:
    those before the bar are penalised, and those between heads and their intercepts are
    `shared`, what tasks may disagree about.

    Subclasses give ``draw``, ``forward``, ``backward`` and ``outputs``; they may give a
    faster ``jacobian``, a ``penalty`` of their own, and what a task that comes later
    needs: ``with_columns``, ``newcomer`` and ``joined``.

    Parameters
    ----------
    sizes : list of int
        Number of features, then units of each hidden layer.
    columns : Columns
    activation : str
    shapes : list of (weight shape, bias shape)
        Of the hidden layers.
    mixing : list of tuple
        Shapes of the mixing parameters.

    Attributes
    ----------
    frozen : ndarray of bool of shape (n_parameters,) or None
        Which parameters training leaves as they are; None: none of them.
    """

    frozen = None

    def __init__(self, sizes, columns, activation, shapes, mixing=()):
        self.sizes, self.columns, self.activation = sizes, columns, activation
        self.n_layers = len(shapes)
        head = (len(columns), sizes[-1])
        self.shapes = [head, *(w for w, _ in shapes), *(b for _, b in shapes)]
        self.shapes += [*mixing, (len(columns),)]
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])
        self.n_parameters = int(ends[-1])
        self.n_penalised = int(ends[self.n_layers])
        self.shared = slice(int(ends[0]), int(ends[-2]))
        # The weights of the last layer that tasks have in common, for GradNorm.
        start = int(ends[self.n_layers - 1]) if self.n_layers else self.n_penalised
        self.last_shared = slice(start, self.n_penalised)

    def parts(self, flat):
        """Return the parameters in the last axis of `flat` by name, as views."""
        views, offset = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape))
            part = flat[..., offset : offset + size]
            views.append(part.reshape(flat.shape[:-1] + shape))
            offset += size
        n = self.n_layers
        head, *views, head_bias = views
        return Parts(views[:n], views[n : 2 * n], head, head_bias, views[2 * n :])

    def flatten(self, parts):
        """Return named parameters as a new flat vector."""
        arrays = [parts.head, *parts.weights, *parts.biases, *parts.mixing]
        return np.concatenate([np.ravel(a) for a in [*arrays, parts.head_bias]])

    def penalty(self, parts, gradient=None):
        """Return the network's own penalty; add its gradient to `gradient` (parts)."""
        return 0.0

    def jacobian(self, parts, cache, batch, delta, out):
        """Write a gradient for each task into the rows of `out` (T, n_parameters).

        `delta` holds the derivative of each entry's score, of all tasks.
        """
        task = self.columns.task[batch.column]
        heads = np.flatnonzero(self.columns.width)  # a newcomer's is the only one
        for t, row in zip(heads, out, strict=True):
            mine = np.where(task == t, delta, delta.dtype.type(0))
            self.backward(parts, cache, batch, mine, self.parts(row))

    def newcomer(self, parts, X, columns, head_bias, trunk):
        """Return (X, network, its first parts) to train for a new task of `columns`.

        `parts` are those of this network, `head_bias` the best constant.
        """
        raise ValueError(
            "fit_new_task does not know what a new task shall take from the others in "
            f"a {type(self).__name__}."
        )


def merged_heads(parts, learned, column):
    """Return (heads, their intercepts) with the learned ones put in at a column."""
    return (
        np.insert(parts.head, column, learned.head, axis=0),
        np.insert(parts.head_bias, column, learned.head_bias),
    )


def spread(batch, values, n_columns):
    """Return values of entries as a (b, C) matrix."""
    shape = (batch.n_rows, n_columns)
    if batch.complete(n_columns):
        return values.reshape(shape)
    matrix = np.zeros(shape, dtype=values.dtype)
    matrix[batch.row(), batch.column] = values
    return matrix


def pick(batch, matrix):
    """Return the values of the entries out of a (b, C) matrix."""
    if batch.complete(matrix.shape[1]):
        return matrix.ravel()
    return matrix[batch.row(), batch.column]
