"""How the gradients of tasks become one step of the layers that they share.

A strategy has ``weights(gramian, rng)``: from the (T, T) inner products of the tasks'
gradients of the shared parameters to the weights (T,) of their sum. Heads, which one
task alone has, follow its own gradient. ``plain = True`` says that the weights are all
1, so that the gradients of tasks need not be told apart.
"""

from skmtl.neural_network.combining.mgda import MGDA
from skmtl.neural_network.combining.pcgrad import PCGrad
from skmtl.neural_network.combining.plain_sum import PlainSum

# name -> the kind
COMBINERS = {"sum": PlainSum, "pcgrad": PCGrad, "mgda": MGDA}

__all__ = ["COMBINERS", "MGDA", "PCGrad", "PlainSum"]
