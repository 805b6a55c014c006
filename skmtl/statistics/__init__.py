"""Sufficient statistics of the squared loss: collected, added up, saved and checked."""

from skmtl.statistics._task_statistics import TaskStatistics

__all__ = ["TaskStatistics"]
