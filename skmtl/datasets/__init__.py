"""Real tables with tasks, and simulators whose true coefficients are known."""

from ._clustered import make_clustered_tasks
from ._exam import load_exam
from ._group_sparse import make_group_sparse_tasks
from ._hsb82 import load_hsb82
from ._nhefs import load_nhefs
from ._pbc import load_pbc
from ._related import make_related_tasks

__all__ = [
    "load_exam",
    "load_hsb82",
    "load_nhefs",
    "load_pbc",
    "make_clustered_tasks",
    "make_group_sparse_tasks",
    "make_related_tasks",
]
