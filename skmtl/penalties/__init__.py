"""Penalties of W (p, T): value, prox, dual feasibility, distance to stationarity."""

from skmtl.penalties.blocks import Blocks
from skmtl.penalties.by_class import ByClass
from skmtl.penalties.by_task import ByTask
from skmtl.penalties.centred import Centred
from skmtl.penalties.cluster_means import ClusterMeans, FoundClusters
from skmtl.penalties.concave import Capped, ConcaveRows, Mcp, Scad, Sqrt
from skmtl.penalties.factor_norms import FactorNorms
from skmtl.penalties.graph import Graph
from skmtl.penalties.graph_norm import GraphNorm
from skmtl.penalties.progression import Progression
from skmtl.penalties.ridge import WithRidge
from skmtl.penalties.sparse_group import SparseGroup
from skmtl.penalties.spectral_box import SpectralBox
from skmtl.penalties.squared_norm import SquaredNorm
from skmtl.penalties.squared_trace_norm import SquaredTraceNorm
from skmtl.penalties.stacked import Stacked
from skmtl.penalties.task_graph import SquaredGraph
from skmtl.penalties.task_precision import LearnedPrecision, TaskPrecision
from skmtl.penalties.task_tree import TaskTree
from skmtl.penalties.trace_norm import TraceNorm

__all__ = [
    "Blocks",
    "ByClass",
    "ByTask",
    "Capped",
    "Centred",
    "ClusterMeans",
    "ConcaveRows",
    "FactorNorms",
    "FoundClusters",
    "Graph",
    "GraphNorm",
    "LearnedPrecision",
    "Mcp",
    "Progression",
    "Scad",
    "SparseGroup",
    "SpectralBox",
    "Sqrt",
    "SquaredGraph",
    "SquaredNorm",
    "SquaredTraceNorm",
    "Stacked",
    "TaskPrecision",
    "TaskTree",
    "TraceNorm",
    "WithRidge",
]
