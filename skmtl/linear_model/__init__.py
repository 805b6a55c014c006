"""Linear multi-task models, one family a file."""

from skmtl.linear_model.group_lasso import GroupLassoClassifier, GroupLassoRegressor

__all__ = ["GroupLassoClassifier", "GroupLassoRegressor"]
