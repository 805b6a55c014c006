"""Does learning together help? Models on the same folds, per task, paired."""

from skmtl.comparison._compare import compare
from skmtl.comparison._guard import TransferGuard
from skmtl.comparison._report import ComparisonReport

__all__ = ["ComparisonReport", "TransferGuard", "compare"]
