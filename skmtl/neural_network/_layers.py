"""The shared layers: activations, forward and backward passes.

Arrays: X (b, p) dense or csr, weights W[l] (d_l, d_l+1), biases b[l] (d_l+1,), outputs
of the layers H[0] = X, H[l + 1] = act(H[l] W[l] + b[l]).
"""

from itertools import pairwise

import numpy as np
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


def forward(X, weights, biases, activation):
    """Return the outputs of all layers, the first being X itself."""
    act = ACTIVATIONS[activation][0]
    outputs = [X]
    for W, b in zip(weights, biases, strict=True):
        H = outputs[-1] @ W
        H += b
        act(H)
        outputs.append(H)
    return outputs


def backward(outputs, delta, weights, activation, weight_grads, bias_grads):
    """Write the gradients of all layers, given `delta` at the last one (overwritten).

    The derivative with respect to X is not needed, so the first layer stops there.
    """
    slope = ACTIVATIONS[activation][1]
    for layer in range(len(weights) - 1, -1, -1):
        slope(delta, outputs[layer + 1])
        below = outputs[layer]
        if isinstance(below, np.ndarray):
            np.matmul(below.T, delta, out=weight_grads[layer])
        else:
            weight_grads[layer][...] = below.T @ delta
        np.sum(delta, axis=0, out=bias_grads[layer])
        if layer:
            delta = delta @ weights[layer].T


def represent(X, weights, biases, activation):
    """Yield (slice of rows, outputs of the last layer), a chunk of rows at a time."""
    for start in range(0, X.shape[0], CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        yield rows, forward(X[rows], weights, biases, activation)[-1]


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
