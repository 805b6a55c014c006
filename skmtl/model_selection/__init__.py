"""Folds and scores that know about tasks."""

from skmtl.model_selection._alpha_path_cv import AlphaPathCV
from skmtl.model_selection._path import mtl_path
from skmtl.model_selection._scorer import TaskScorer
from skmtl.model_selection._split import TaskKFold

__all__ = ["AlphaPathCV", "TaskKFold", "TaskScorer", "mtl_path"]
