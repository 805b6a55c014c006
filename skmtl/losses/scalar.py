"""What the losses of one number per label share."""


class ScalarLoss:
    """A loss of one label y and one predictor z, elementwise."""

    def terms(self, y, z):
        """Return the loss, its first and its second derivative with respect to z."""
        return self.value(y, z), *self.derivatives(y, z)

    def weighted_terms(self, y, w, z):
        """Return w times the terms, and w times the curvature of a quadratic model."""
        value, slope, bend = self.terms(y, z)
        return w * value, w * slope, w * bend, w * self.model_bend(y, z)
