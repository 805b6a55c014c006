"""The torch-free multi-task multi-layer perceptron, and the strategies it takes."""

from skmtl.neural_network._classifier import MultiTaskMLPClassifier
from skmtl.neural_network._regressor import MultiTaskMLPRegressor
from skmtl.neural_network.combining import MGDA, PCGrad, PlainSum
from skmtl.neural_network.sharing import CrossStitch, HardSharing, Sluice, SoftSharing
from skmtl.neural_network.weighting import (
    DynamicWeights,
    FixedWeights,
    GradNorm,
    UncertaintyWeights,
)

__all__ = [
    "MGDA",
    "CrossStitch",
    "DynamicWeights",
    "FixedWeights",
    "GradNorm",
    "HardSharing",
    "MultiTaskMLPClassifier",
    "MultiTaskMLPRegressor",
    "PCGrad",
    "PlainSum",
    "Sluice",
    "SoftSharing",
    "UncertaintyWeights",
]
