"""Penalties of W (p, T): value, prox, dual feasibility, distance to stationarity."""

from skmtl.penalties.blocks import Blocks
from skmtl.penalties.by_task import ByTask
from skmtl.penalties.concave import Capped, ConcaveRows, Mcp, Scad, Sqrt
from skmtl.penalties.ridge import WithRidge
from skmtl.penalties.sparse_group import SparseGroup
from skmtl.penalties.stacked import Stacked
from skmtl.penalties.trace_norm import TraceNorm

__all__ = [
    "Blocks",
    "ByTask",
    "Capped",
    "ConcaveRows",
    "Mcp",
    "Scad",
    "SparseGroup",
    "Sqrt",
    "Stacked",
    "TraceNorm",
    "WithRidge",
]
