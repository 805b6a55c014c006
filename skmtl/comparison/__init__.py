"""Does learning together help? Models on the same folds, per task, paired."""

from skmtl.comparison._affinity import TaskAffinity, task_affinity
from skmtl.comparison._compare import compare
from skmtl.comparison._guard import TransferGuard
from skmtl.comparison._report import ComparisonReport
from skmtl.comparison._selection import TaskSelection, select_tasks

__all__ = [
    "ComparisonReport",
    "TaskAffinity",
    "TaskSelection",
    "TransferGuard",
    "compare",
    "select_tasks",
    "task_affinity",
]
