"""The torch-free multi-task multi-layer perceptron."""

from skmtl.neural_network._classifier import MultiTaskMLPClassifier
from skmtl.neural_network._regressor import MultiTaskMLPRegressor

__all__ = ["MultiTaskMLPClassifier", "MultiTaskMLPRegressor"]
