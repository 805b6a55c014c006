"""Folds and scores that know about tasks."""

from skmtl.model_selection._scorer import TaskScorer
from skmtl.model_selection._split import TaskKFold

__all__ = ["TaskKFold", "TaskScorer"]
