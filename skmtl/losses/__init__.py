"""Losses, elementwise: value, derivatives, conjugate and exact Fenchel gap."""

from skmtl.losses.logistic import Logistic
from skmtl.losses.squared import Squared

__all__ = ["Logistic", "Squared"]
