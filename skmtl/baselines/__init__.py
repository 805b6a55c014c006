"""What joint learning has to beat: one model per task, and one model for all."""

from skmtl.baselines._independent import IndependentTasks
from skmtl.baselines._pooled import PooledTasks

__all__ = ["IndependentTasks", "PooledTasks"]
