"""What every estimator shares: layouts, requests, labels, unseen tasks, score.

A family implements `_fit(X, labels, progress) -> attributes` and one of `_predict_task`
(regressors), `_proba_task` or `_score_task` (classifiers), each for rows of ONE task;
the classes here read the layouts, find the rows of each task and put the answers
together.
"""

from skmtl.base._classes import (
    BaseTaskClassifier,
    ClassScoreMixin,
    TaskClassesMixin,
    encode_classes,
    warn_of_single_classes,
    with_class_weight,
)
from skmtl.base._estimator import BaseTaskEstimator, BaseTaskRegressor
from skmtl.base._rows import (
    SHARED,
    TaskRequestMixin,
    TaskRowsMixin,
    keep_previous_fit,
    some,
)

__all__ = [
    "SHARED",
    "BaseTaskClassifier",
    "BaseTaskEstimator",
    "BaseTaskRegressor",
    "ClassScoreMixin",
    "TaskClassesMixin",
    "TaskRequestMixin",
    "TaskRowsMixin",
    "encode_classes",
    "keep_previous_fit",
    "some",
    "warn_of_single_classes",
    "with_class_weight",
]
