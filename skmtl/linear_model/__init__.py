"""Linear multi-task models, one family a file."""

from skmtl.linear_model.group_lasso import GroupLassoClassifier, GroupLassoRegressor
from skmtl.linear_model.reweighted import (
    ReweightedGroupLassoClassifier,
    ReweightedGroupLassoRegressor,
)
from skmtl.linear_model.shared_specific import (
    SharedSpecificClassifier,
    SharedSpecificRegressor,
)

__all__ = [
    "GroupLassoClassifier",
    "GroupLassoRegressor",
    "ReweightedGroupLassoClassifier",
    "ReweightedGroupLassoRegressor",
    "SharedSpecificClassifier",
    "SharedSpecificRegressor",
]
