"""How the losses of tasks are weighed against each other while training.

A strategy holds parameters and has ``start(tasks, learning_rate)``, which returns the
state of one training: its `weights` (T,) multiply the losses, on top of c_t; it is told
of every step (`after_step`) and every epoch (`after_epoch`). With ``needs_norms``
steps are told the norms of the tasks' gradients at the last shared layer as well.
"""

from skmtl.neural_network.weighting.dynamic import DynamicWeights
from skmtl.neural_network.weighting.fixed import FixedWeights
from skmtl.neural_network.weighting.gradnorm import GradNorm
from skmtl.neural_network.weighting.uncertainty import UncertaintyWeights

# name -> the kind with its defaults
WEIGHTINGS = {
    "equal": FixedWeights,
    "uncertainty": UncertaintyWeights,
    "gradnorm": GradNorm,
    "dwa": DynamicWeights,
}

__all__ = [
    "WEIGHTINGS",
    "DynamicWeights",
    "FixedWeights",
    "GradNorm",
    "UncertaintyWeights",
]
