"""Optimisers of one flat parameter vector, and what scales their steps."""

import numpy as np


class Adam:
    """Steps scaled by running means of the gradient and its square [1]_.

    Parameters
    ----------
    size : int
        Number of parameters.
    beta_1, beta_2 : float
        Decay of the two running means.
    epsilon : float
        Added to the root of the second one.
    dtype : dtype

    References
    ----------
    .. [1] D. P. Kingma and J. Ba, Adam: A Method for Stochastic Optimization, ICLR
       2015. https://arxiv.org/abs/1412.6980
    """

    def __init__(self, size, beta_1, beta_2, epsilon, dtype=np.float64):
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.mean, self.square = np.zeros(size, dtype), np.zeros(size, dtype)
        self._work = np.empty(size, dtype)
        self.n_steps = 0

    def step(self, theta, gradient, rate):
        """Move theta in place."""
        self.n_steps += 1
        work = self._work
        self.mean *= self.beta_1
        np.multiply(gradient, 1.0 - self.beta_1, out=work)
        self.mean += work
        self.square *= self.beta_2
        np.multiply(gradient, gradient, out=work)
        work *= 1.0 - self.beta_2
        self.square += work
        np.sqrt(self.square, out=work)
        work += self.epsilon
        np.divide(self.mean, work, out=work)
        # Both means start at 0; this undoes the bias of their first values.
        correction = np.sqrt(1.0 - self.beta_2**self.n_steps)
        correction /= 1.0 - self.beta_1**self.n_steps
        work *= float(rate * correction)
        theta -= work


class SGD:
    """Stochastic gradient descent with momentum, by default Nesterov's.

    Parameters
    ----------
    size : int
        Number of parameters.
    momentum : float
        Share of the previous step that is taken again.
    nesterov : bool
        Whether the step looks ahead along the momentum.
    dtype : dtype
    """

    def __init__(self, size, momentum, nesterov, dtype=np.float64):
        self.momentum, self.nesterov = momentum, nesterov
        self.velocity, self._work = np.zeros(size, dtype), np.empty(size, dtype)

    def step(self, theta, gradient, rate):
        """Move theta in place."""
        work, velocity = self._work, self.velocity
        np.multiply(gradient, float(rate), out=work)
        velocity *= self.momentum
        velocity -= work
        if self.nesterov:
            theta -= work
            np.multiply(velocity, self.momentum, out=work)
            theta += work
        else:
            theta += velocity


class Schedule:
    """The learning rate over the epochs.

    Parameters
    ----------
    kind : {"constant", "cosine"}
        Cosine falls from the first rate to 0 at the end of `max_iter` epochs.
    initial : float
    warmup : int
        Epochs in which the rate rises linearly from 0; the last has the full rate.
    max_iter : int
    """

    def __init__(self, kind, initial, warmup, max_iter):
        self.kind, self.initial = kind, initial
        self.warmup, self.max_iter = warmup, max_iter

    def factor(self, done):
        """Return the rate relative to the initial one after `done` epochs (a float)."""
        if done < self.warmup:
            return done / self.warmup
        if self.kind == "constant":
            return 1.0
        share = (done - self.warmup) / max(self.max_iter - self.warmup, 1)
        return 0.5 * (1.0 + np.cos(np.pi * min(share, 1.0)))


def clip(gradient, max_norm):
    """Shorten a gradient to `max_norm`, in place."""
    norm = np.sqrt(float(gradient @ gradient))
    if norm > max_norm:
        gradient *= max_norm / norm
