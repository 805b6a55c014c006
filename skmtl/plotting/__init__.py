"""Pictures of results, in the manner of scikit-learn's displays."""

from skmtl.plotting._alpha_curve import AlphaCurveDisplay
from skmtl.plotting._calibration import TaskCalibrationDisplay
from skmtl.plotting._coefficients import CoefficientDisplay
from skmtl.plotting._confusion import TaskConfusionMatrixDisplay
from skmtl.plotting._convergence import ConvergenceDisplay
from skmtl.plotting._decision import DecisionCurveDisplay
from skmtl.plotting._learning_curve import TaskLearningCurveDisplay
from skmtl.plotting._path import PathDisplay
from skmtl.plotting._roc import TaskRocCurveDisplay
from skmtl.plotting._similarity import TaskSimilarityDisplay
from skmtl.plotting._transfer import TransferDisplay

__all__ = [
    "AlphaCurveDisplay",
    "CoefficientDisplay",
    "ConvergenceDisplay",
    "DecisionCurveDisplay",
    "PathDisplay",
    "TaskCalibrationDisplay",
    "TaskConfusionMatrixDisplay",
    "TaskLearningCurveDisplay",
    "TaskRocCurveDisplay",
    "TaskSimilarityDisplay",
    "TransferDisplay",
]
