"""Layers of units: activations, dropout, forward and backward passes.

Arrays may have leading axes, over tasks that have layers of their own (towers): X
(b, p) dense or csr, weights W[l] (..., d_l, d_l+1), biases b[l] (..., d_l+1), outputs
of the layers H[0] = X, H[l + 1] = act(H[l] W[l] + b[l]) (..., b, d_l+1).
"""

from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.special import expit

# Rows of X whose hidden units are held in memory at once, outside of training.
CHUNK_ROWS = 8192


def _relu(H):
    """Replace H by max(H, 0)."""
    np.maximum(H, 0.0, out=H)


def _relu_slope(delta, H):
    """Multiply delta by the derivative, 0 at the kink."""
    np.multiply(delta, H > 0, out=delta)


def _tanh(H):
    """Replace H by tanh H."""
    np.tanh(H, out=H)


def _tanh_slope(delta, H):
    """Multiply delta by the derivative 1 - H^2."""
    delta *= 1.0 - H * H


def _logistic(H):
    """Replace H by 1 / (1 + exp(-H))."""
    expit(H, out=H)


def _logistic_slope(delta, H):
    """Multiply delta by the derivative H (1 - H)."""
    delta *= H * (1.0 - H)


def _identity(H):
    """Leave H as it is."""


def _identity_slope(delta, H):
    """Leave delta as it is."""


# name -> (activation, in place; derivative at the OUTPUT H times delta, in place)
ACTIVATIONS = {
    "relu": (_relu, _relu_slope),
    "tanh": (_tanh, _tanh_slope),
    "logistic": (_logistic, _logistic_slope),
    "identity": (_identity, _identity_slope),
}


class Dropout:
    """Hidden units that are switched off at random, each with probability `rate`.

    The others are divided by the share that stays, so that sums keep their mean and
    prediction needs no correction [1]_.

    Parameters
    ----------
    rate : float
    rng : RandomState

    References
    ----------
    .. [1] N. Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from
       Overfitting, JMLR 15, 2014.
    """

    def __init__(self, rate, rng):
        self.stay, self.rng = 1.0 - rate, rng

    def mask(self, H):
        """Return factors of the shape and dtype of H: 0, or 1 / share that stays."""
        kept = self.rng.uniform(size=H.shape) < self.stay
        return kept.astype(H.dtype) / H.dtype.type(self.stay)


def rows_first(X):
    """Return X such that rows can be taken from it fast: dense or csr."""
    return sparse.csr_array(X) if sparse.issparse(X) else X


def take_rows(X, rows):
    """Return rows of a dense or csr X."""
    return X.take(rows, axis=0) if isinstance(X, np.ndarray) else X[rows]


def affine(below, W, b):
    """Return below W + b, for every task where W has an axis of tasks."""
    if W.ndim == 3 and not isinstance(below, np.ndarray):  # sparse rows: one product
        side_by_side = below @ np.concatenate(W, axis=1)
        H = np.stack(np.split(side_by_side, len(W), axis=1))
    else:
        H = below @ W
    H += b if W.ndim == 2 else b[:, None]
    return H


def weight_gradient(below, delta, out):
    """Write the gradient of weights with outputs `below` before and `delta` behind."""
    if isinstance(below, np.ndarray):
        np.matmul(np.swapaxes(below, -1, -2), delta, out=out)
    elif delta.ndim == 3:
        side_by_side = below.T @ np.concatenate(delta, axis=1)
        out[...] = np.stack(np.split(side_by_side, len(delta), axis=1))
    else:
        out[...] = below.T @ delta


def forward(X, weights, biases, activation, dropout=None):
    """Return (outputs of all layers, the first being X itself; masks of dropout)."""
    act = ACTIVATIONS[activation][0]
    outputs, masks = [X], []
    for W, b in zip(weights, biases, strict=True):
        H = affine(outputs[-1], W, b)
        act(H)
        masks.append(drop(H, dropout))
        outputs.append(H)
    return outputs, masks


def drop(H, dropout):
    """Apply dropout to H in place; return its mask, None without dropout."""
    if dropout is None:
        return None
    mask = dropout.mask(H)
    H *= mask
    return mask


def undo_drop(delta, H, mask):
    """Take `delta` back through dropout, in place; return H as it was where it stayed.

    Where a unit was switched off delta is 0, and its output does not matter.
    """
    if mask is None:
        return H
    delta *= mask
    return H / mask.max(initial=1.0)


def backward(outputs, masks, delta, weights, activation, weight_grads, bias_grads):
    """Write the gradients of all layers, given `delta` at the last one (overwritten).

    The derivative with respect to X is not needed, so the first layer stops there. With
    an axis of tasks in `delta` and the gradients, shared layers get one gradient each.
    """
    slope = ACTIVATIONS[activation][1]
    for layer in range(len(weights) - 1, -1, -1):
        slope(delta, undo_drop(delta, outputs[layer + 1], masks[layer]))
        weight_gradient(outputs[layer], delta, weight_grads[layer])
        np.sum(delta, axis=-2, out=bias_grads[layer])
        if layer:
            delta = delta @ np.swapaxes(weights[layer], -1, -2)


def initial_layers(sizes, activation, rng):
    """Draw weights and biases of the layers between consecutive `sizes`.

    Uniform in +-sqrt(6 / (fan in + fan out)), a third of the square for the logistic
    activation, whose slope is smaller [Glorot and Bengio 2010].
    """
    factor = 2.0 if activation == "logistic" else 6.0
    weights, biases = [], []
    for n_in, n_out in pairwise(sizes):
        bound = np.sqrt(factor / (n_in + n_out))
        weights.append(rng.uniform(-bound, bound, (n_in, n_out)))
        biases.append(rng.uniform(-bound, bound, n_out))
    return weights, biases


def initial_heads(n_units, widths, rng):
    """Draw heads (C, n_units) of tasks with `widths` (C,) columns."""
    bound = np.sqrt(6.0 / (n_units + widths))[:, None]
    return bound * rng.uniform(-1.0, 1.0, (len(widths), n_units))
