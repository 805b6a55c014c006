"""The sum of the gradients, which is the gradient of the objective."""

import numpy as np
from sklearn.base import BaseEstimator


class PlainSum(BaseEstimator):
    """Add the gradients of the tasks up; the default.

    Examples
    --------
    >>> from skmtl import MultiTaskMLPRegressor
    >>> from skmtl.neural_network import PlainSum
    >>> model = MultiTaskMLPRegressor(gradient=PlainSum())  # the same as "sum"
    """

    plain = True

    def weights(self, gramian, rng):
        """Return ones."""
        return np.ones(len(gramian))
