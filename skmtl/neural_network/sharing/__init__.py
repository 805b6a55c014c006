"""How tasks share a network: one kind a file.

A strategy holds the parameters of its kind and has ``build(sizes, columns,
activation)``, which returns a `Network`: the layout of the parameters in one flat
vector, scores of entries, and the gradient of any function of them. The training loop
knows no more.
"""

from skmtl.neural_network.sharing._network import Parts
from skmtl.neural_network.sharing.cross_stitch import CrossStitch
from skmtl.neural_network.sharing.hard import HardNetwork, HardSharing
from skmtl.neural_network.sharing.sluice import Sluice
from skmtl.neural_network.sharing.soft import SoftSharing

# name -> the kind with its defaults
SHARINGS = {
    "hard": HardSharing,
    "soft": SoftSharing,
    "cross-stitch": CrossStitch,
    "sluice": Sluice,
}

__all__ = [
    "SHARINGS",
    "CrossStitch",
    "HardNetwork",
    "HardSharing",
    "Parts",
    "Sluice",
    "SoftSharing",
]
