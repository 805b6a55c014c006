"""Optimisers of one flat parameter vector."""

import numpy as np


class Adam:
    """Steps scaled by running means of the gradient and its square [1]_.

    Parameters
    ----------
    size : int
        Number of parameters.
    learning_rate : float
    beta_1, beta_2 : float
        Decay of the two running means.
    epsilon : float
        Added to the root of the second one.

    References
    ----------
    .. [1] D. P. Kingma and J. Ba, Adam: A Method for Stochastic Optimization, ICLR
       2015. https://arxiv.org/abs/1412.6980
    """

    def __init__(self, size, learning_rate, beta_1, beta_2, epsilon):
        self.learning_rate, self.epsilon = learning_rate, epsilon
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.mean, self.square = np.zeros(size), np.zeros(size)
        self._work, self._step = np.empty(size), np.empty(size)
        self.n_steps = 0

    def step(self, theta, gradient):
        """Move theta in place."""
        self.n_steps += 1
        work, step = self._work, self._step
        self.mean *= self.beta_1
        np.multiply(gradient, 1.0 - self.beta_1, out=work)
        self.mean += work
        self.square *= self.beta_2
        np.multiply(gradient, gradient, out=work)
        work *= 1.0 - self.beta_2
        self.square += work
        np.sqrt(self.square, out=work)
        work += self.epsilon
        np.divide(self.mean, work, out=step)
        # Both means start at 0; this undoes the bias of their first values.
        correction = np.sqrt(1.0 - self.beta_2**self.n_steps)
        correction /= 1.0 - self.beta_1**self.n_steps
        step *= self.learning_rate * correction
        theta -= step
