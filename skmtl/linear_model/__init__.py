"""Linear multi-task models, one family a file."""

from skmtl.linear_model.group_lasso import GroupLassoClassifier, GroupLassoRegressor
from skmtl.linear_model.latent_task import LatentTaskClassifier, LatentTaskRegressor
from skmtl.linear_model.reweighted import (
    ReweightedGroupLassoClassifier,
    ReweightedGroupLassoRegressor,
)
from skmtl.linear_model.shared_specific import (
    SharedSpecificClassifier,
    SharedSpecificRegressor,
)
from skmtl.linear_model.shared_subspace import (
    SharedSubspaceClassifier,
    SharedSubspaceRegressor,
)
from skmtl.linear_model.task_clustering import (
    TaskClusteringClassifier,
    TaskClusteringRegressor,
)
from skmtl.linear_model.task_graph import TaskGraphClassifier, TaskGraphRegressor
from skmtl.linear_model.task_progression import (
    TaskProgressionClassifier,
    TaskProgressionRegressor,
)
from skmtl.linear_model.task_relationship import (
    TaskRelationshipClassifier,
    TaskRelationshipRegressor,
)
from skmtl.linear_model.task_tree import TaskTreeClassifier, TaskTreeRegressor
from skmtl.linear_model.trace_norm import TraceNormClassifier, TraceNormRegressor

__all__ = [
    "GroupLassoClassifier",
    "GroupLassoRegressor",
    "LatentTaskClassifier",
    "LatentTaskRegressor",
    "ReweightedGroupLassoClassifier",
    "ReweightedGroupLassoRegressor",
    "SharedSpecificClassifier",
    "SharedSpecificRegressor",
    "SharedSubspaceClassifier",
    "SharedSubspaceRegressor",
    "TaskClusteringClassifier",
    "TaskClusteringRegressor",
    "TaskGraphClassifier",
    "TaskGraphRegressor",
    "TaskProgressionClassifier",
    "TaskProgressionRegressor",
    "TaskRelationshipClassifier",
    "TaskRelationshipRegressor",
    "TaskTreeClassifier",
    "TaskTreeRegressor",
    "TraceNormClassifier",
    "TraceNormRegressor",
]
