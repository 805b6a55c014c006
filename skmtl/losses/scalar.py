"""What the losses of one number per label share."""


class ScalarLoss:
    """A loss of one label y and one predictor z, elementwise."""

    def terms(self, y, z):
        """Return the loss, its first and its second derivative with respect to z."""
        return self.value(y, z), *self.derivatives(y, z)
