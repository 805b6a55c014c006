"""Losses, elementwise: value, derivatives, conjugate and exact Fenchel gap.

Every loss has ``quadratic``, ``curvature`` (a bound of the second derivative, None if
there is none) and ``exponential``: whether ``link(mean)`` is the constant that fits
labels of that mean best, as in all exponential families. ``identity`` says whether the
mean response is the predictor itself, so that labels have units. `Multinomial`
has one prediction per class.
"""

from skmtl.losses.huber import Huber
from skmtl.losses.logistic import Logistic
from skmtl.losses.mixed import Mixed, loss_parts
from skmtl.losses.multinomial import Multinomial
from skmtl.losses.poisson import Poisson
from skmtl.losses.squared import Squared

__all__ = [
    "Huber",
    "Logistic",
    "Mixed",
    "Multinomial",
    "Poisson",
    "Squared",
    "loss_parts",
]
