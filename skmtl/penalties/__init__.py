"""Penalties of W (p, T): value, prox, dual feasibility, distance to stationarity."""

from skmtl.penalties.blocks import Blocks
from skmtl.penalties.ridge import WithRidge
from skmtl.penalties.sparse_group import SparseGroup

__all__ = ["Blocks", "SparseGroup", "WithRidge"]
