"""A network (tower) per task, which may mix what they compute after each layer."""

from itertools import pairwise

import numpy as np

from skmtl.neural_network import _layers
from skmtl.neural_network._entries import Columns
from skmtl.neural_network.sharing._network import (
    Network,
    Parts,
    merged_heads,
    pick,
    spread,
)


class TowerNetwork(Network):
    """Equal towers, one per task, all starting from the same weights.

    Parameters
    ----------
    sizes, columns, activation :
        As of `Network`; there is at least one hidden layer.
    n_blocks : int
        Parts of each layer that are mixed on their own; 0 mixes nothing.
    own : float
        Where mixing starts: the weight of a block in itself. The other towers' blocks
        at its place have the rest.
    skip : bool
        Whether heads see a mixture of all layers, which must have equal sizes, instead
        of the last one.
    """

    def __init__(self, sizes, columns, activation, n_blocks=0, own=1.0, skip=False):
        self.n_blocks, self.own, self.skip = n_blocks, own, skip
        T, n_layers = columns.n_tasks, len(sizes) - 1
        shapes = [((T, n_in, n_out), (T, n_out)) for n_in, n_out in pairwise(sizes)]
        side = T * n_blocks
        mixing = [(side, side)] * n_layers if n_blocks else []
        mixing += [(T, n_layers)] if skip else []
        super().__init__(sizes, columns, activation, shapes, mixing)

    def draw(self, head_bias, rng):
        """Return random parameters; the heads start at the bias `head_bias` (C,)."""
        layers = _layers.initial_layers(self.sizes, self.activation, rng)
        # Units at one place can only be compared or mixed if they start as equals.
        weights, biases = (
            [np.broadcast_to(a, (self.columns.n_tasks, *a.shape)) for a in arrays]
            for arrays in layers
        )
        widths = self.columns.width[self.columns.task]
        head = _layers.initial_heads(self.sizes[-1], widths, rng)
        return self.flatten(Parts(weights, biases, head, head_bias, self._start()))

    def _start(self):
        """Return where the mixing starts."""
        T, n_layers = self.columns.n_tasks, self.n_layers
        between = np.full((T, T), (1.0 - self.own) / max(T - 1, 1))
        np.fill_diagonal(between, self.own if T > 1 else 1.0)
        blocks = np.kron(between, np.eye(self.n_blocks))
        mixing = [blocks] * n_layers if self.n_blocks else []
        return mixing + ([np.full((T, n_layers), 1.0 / n_layers)] if self.skip else [])

    def with_columns(self, columns):
        """Return a network of the same kind for other heads."""
        mixing = self.n_blocks, self.own, self.skip
        return TowerNetwork(self.sizes, columns, self.activation, *mixing)

    def newcomer(self, parts, X, columns, head_bias, trunk):
        """Return (X, network, its first parts) to train a tower behind the others.

        It starts as their mean, and takes from them as much as any task did at first.
        They take nothing from it; fine-tuned, they may begin to.
        """
        T = self.columns.n_tasks
        widths = np.append(np.zeros(T, dtype=int), columns.width)
        network = self.with_columns(Columns.of_widths(widths))
        weights, biases = (
            [np.concatenate([a, a.mean(axis=0, keepdims=True)]) for a in arrays]
            for arrays in (parts.weights, parts.biases)
        )
        mixing = [a.copy() for a in network._start()]
        for start, learned in zip(mixing, parts.mixing, strict=True):
            n_rows, n_before = learned.shape
            start[:n_rows] = 0.0
            start[:n_rows, :n_before] = learned
        head = np.zeros((len(columns), self.sizes[-1]))
        start = Parts(weights, biases, head, head_bias, mixing)
        if trunk == "frozen":
            network.frozen = network.flatten(_all_but_the_last(start, parts))
        return X, network, start

    def joined(self, parts, learned, place, column):
        """Return the parts with what a newcomer has learned.

        Its tower is put in at a place among the towers, and its head at a column.
        """
        T = self.columns.n_tasks
        towers = np.insert(np.arange(T), place, T)
        n = max(self.n_blocks, 1)
        blocks = (towers[:, None] * n + np.arange(n)).ravel()
        mixing = [A[np.ix_(blocks, blocks)] for A in learned.mixing[: self.n_layers]]
        mixing = mixing if self.n_blocks else []
        if self.skip:
            mixing.append(learned.mixing[-1][towers])
        head, bias = merged_heads(parts, learned, column)
        weights = [a[towers] for a in learned.weights]
        return Parts(weights, [a[towers] for a in learned.biases], head, bias, mixing)

    def _layers_of(self, parts, X, dropout=None):
        """Return [(units, what leaves the layer, mask of dropout)] of all layers."""
        act, steps, below = _layers.ACTIVATIONS[self.activation][0], [], X
        for layer, (W, b) in enumerate(zip(parts.weights, parts.biases, strict=True)):
            H = _layers.affine(below, W, b)
            act(H)
            mixed = self._mix(parts.mixing[layer], H) if self.n_blocks else H
            if dropout is not None and mixed is H:
                mixed = H.copy()
            mask = _layers.drop(mixed, dropout)
            steps.append((H, mixed, mask))
            below = mixed
        return steps

    def _top(self, parts, steps):
        """Return what the heads see, (T, b, d)."""
        if not self.skip:
            return steps[-1][1]
        share = parts.mixing[-1][:, :, None, None]
        return sum(share[:, k] * mixed for k, (_, mixed, _) in enumerate(steps))

    def _scores(self, parts, top):
        """Return the scores (b, C) of all columns."""
        Z = np.empty((top.shape[1], len(self.columns)), dtype=top.dtype)
        for t in range(self.columns.n_tasks):
            mine = self.columns.of_task(t)
            Z[:, mine] = top[t] @ parts.head[mine].T
        Z += parts.head_bias
        return Z

    def forward(self, parts, X, batch, dropout=None):
        """Return (scores of the entries, what `backward` needs)."""
        steps = self._layers_of(parts, X, dropout)
        top = self._top(parts, steps)
        return pick(batch, self._scores(parts, top)), (X, steps, top)

    def backward(self, parts, cache, batch, delta, out):
        """Write the gradient, given the derivative `delta` of each entry's score."""
        X, steps, top = cache
        D = spread(batch, delta, len(self.columns))
        delta = np.empty_like(top)
        for t in range(self.columns.n_tasks):
            mine = self.columns.of_task(t)
            np.matmul(D[:, mine], parts.head[mine], out=delta[t])
            out.head[mine] = D[:, mine].T @ top[t]
        out.head_bias[...] = D.sum(axis=0)
        slope = _layers.ACTIVATIONS[self.activation][1]
        at_top, above = delta, None
        for layer in range(self.n_layers - 1, -1, -1):
            H, mixed, mask = steps[layer]
            delta = self._reaching(layer, parts, at_top, above, mixed, out)
            if mask is not None:
                delta *= mask
            if self.n_blocks:
                delta = self._unmix(parts.mixing[layer], H, delta, out.mixing[layer])
            slope(delta, H)
            below = steps[layer - 1][1] if layer else X
            _layers.weight_gradient(below, delta, out.weights[layer])
            np.sum(delta, axis=-2, out=out.biases[layer])
            if layer:
                above = delta @ np.swapaxes(parts.weights[layer], -1, -2)

    def _reaching(self, layer, parts, at_top, above, mixed, out):
        """Return the derivative at what leaves a layer; write that of its share."""
        if not self.skip:
            return at_top if above is None else above
        out.mixing[-1][:, layer] = np.einsum("tbd,tbd->t", mixed, at_top)
        delta = at_top * parts.mixing[-1][:, layer, None, None]
        return delta if above is None else delta + above

    def _blocks(self, H):
        """Return (T, b, d) as rows of blocks, (T n_blocks, b d / n_blocks)."""
        T, b, d = H.shape
        if self.n_blocks == 1:
            return H.reshape(T, b * d)
        H = H.reshape(T, b, self.n_blocks, d // self.n_blocks)
        return H.transpose(0, 2, 1, 3).reshape(T * self.n_blocks, -1)

    def _units(self, rows, shape):
        """Return rows of blocks as (T, b, d): the inverse of `_blocks`."""
        T, b, d = shape
        if self.n_blocks == 1:
            return rows.reshape(shape)
        rows = rows.reshape(T, self.n_blocks, b, d // self.n_blocks)
        return np.ascontiguousarray(rows.transpose(0, 2, 1, 3)).reshape(shape)

    def _mix(self, A, H):
        """Return what every block gets of all."""
        return self._units(A @ self._blocks(H), H.shape)

    def _unmix(self, A, H, delta, out):
        """Return the derivative before mixing; write that of the mixing."""
        rows = self._blocks(delta)
        np.matmul(rows, self._blocks(H).T, out=out)
        return self._units(A.T @ rows, delta.shape)

    def outputs(self, parts, X, columns):
        """Return the scores (n, C) of a slice of the columns."""
        n, step = X.shape[0], max(1, _layers.CHUNK_ROWS // self.columns.n_tasks)
        Z = np.empty((n, len(parts.head[columns])))
        for start in range(0, n, step):
            rows = slice(start, start + step)
            top = self._top(parts, self._layers_of(parts, X[rows]))
            Z[rows] = self._scores(parts, top)[:, columns]
        return Z


def _all_but_the_last(start, parts):
    """Return Parts that are True where a newcomer's start holds what others learned."""

    def known(new, old):
        mask = np.zeros(new.shape, dtype=bool)
        mask[: len(old)] = True
        return mask

    weights, biases, mixing = (
        [known(new, old) for new, old in zip(*arrays, strict=True)]
        for arrays in (
            (start.weights, parts.weights),
            (start.biases, parts.biases),
            (start.mixing, parts.mixing),
        )
    )
    free = (np.zeros(a.shape, dtype=bool) for a in (start.head, start.head_bias))
    return Parts(weights, biases, *free, mixing)
