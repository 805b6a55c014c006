"""What the losses of one number per label share."""

import numpy as np

TINY = np.finfo(float).tiny


class ScalarLoss:
    """A loss of one label y and one predictor z, elementwise."""

    def terms(self, y, z):
        """Return the loss, its first and its second derivative with respect to z."""
        return self.value(y, z), *self.derivatives(y, z)

    def weighted_terms(self, y, w, z, slope, bend, model):
        """Write w times both derivatives and the curvature of a quadratic model.

        Returns (sum of w times the loss, that of slope^2 / model, and what `known_gap`
        takes in the place of z, if anything).
        """
        value, first, second = self.terms(y, z)
        np.multiply(w, first, out=slope)
        np.multiply(w, second, out=bend)
        np.multiply(w, self.model_bend(y, z), out=model)
        return float(np.vdot(w, value)), squares(slope, model), None


def squares(slope, model):
    """Return the sum of slope^2 / model; where the latter is 0, so is the former."""
    return float(np.vdot(slope, slope / np.maximum(model, TINY)))
