"""Multi-task learning for tables: certified models behind scikit-learn's API."""

from importlib import import_module

__version__ = "0.1.0.dev0"

_HOMES = {
    "attach_task": "tables",
    "stack_tasks": "tables",
    "wide_to_long": "tables",
    "TaskStatistics": "statistics",
    "GroupLassoRegressor": "linear_model",
    "GroupLassoClassifier": "linear_model",
    "ReweightedGroupLassoRegressor": "linear_model",
    "ReweightedGroupLassoClassifier": "linear_model",
    "SharedSpecificRegressor": "linear_model",
    "SharedSpecificClassifier": "linear_model",
    "TaskGraphRegressor": "linear_model",
    "TaskGraphClassifier": "linear_model",
    "TaskProgressionRegressor": "linear_model",
    "TaskProgressionClassifier": "linear_model",
    "TaskTreeRegressor": "linear_model",
    "TaskTreeClassifier": "linear_model",
    "TaskClusteringRegressor": "linear_model",
    "TaskClusteringClassifier": "linear_model",
    "SharedSubspaceRegressor": "linear_model",
    "SharedSubspaceClassifier": "linear_model",
    "TaskRelationshipRegressor": "linear_model",
    "TaskRelationshipClassifier": "linear_model",
    "TraceNormRegressor": "linear_model",
    "TraceNormClassifier": "linear_model",
    "LatentTaskRegressor": "linear_model",
    "LatentTaskClassifier": "linear_model",
    "IndependentTasks": "baselines",
    "PooledTasks": "baselines",
    "MultiTaskMLPRegressor": "neural_network",
    "MultiTaskMLPClassifier": "neural_network",
    "TaskStandardScaler": "preprocessing",
    "AlphaPathCV": "model_selection",
    "mtl_path": "model_selection",
    "TaskKFold": "model_selection",
    "TaskScorer": "model_selection",
    "MTLPipeline": "pipeline",
    "make_mtl_pipeline": "pipeline",
    "compare": "comparison",
    "ComparisonReport": "comparison",
    "TransferGuard": "comparison",
    "task_affinity": "comparison",
    "select_tasks": "comparison",
    "CoefficientDisplay": "plotting",
    "TaskSimilarityDisplay": "plotting",
    "PathDisplay": "plotting",
    "AlphaCurveDisplay": "plotting",
    "TransferDisplay": "plotting",
    "TaskLearningCurveDisplay": "plotting",
    "ConvergenceDisplay": "plotting",
    "TaskRocCurveDisplay": "plotting",
    "TaskConfusionMatrixDisplay": "plotting",
    "TaskCalibrationDisplay": "plotting",
    "DecisionCurveDisplay": "plotting",
    "duality_gap": "diagnostics",
    "objective": "diagnostics",
    "kkt_residual": "diagnostics",
    "load_nhefs": "datasets",
    "load_hsb82": "datasets",
    "load_exam": "datasets",
    "load_pbc": "datasets",
    "make_group_sparse_tasks": "datasets",
    "make_clustered_tasks": "datasets",
    "make_related_tasks": "datasets",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    """Import the home of a public name on first use, so that importing is cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'skmtl' has no attribute {name!r}")
    value = getattr(import_module(f"skmtl.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    """List the public names."""
    return [*__all__, "__version__"]
