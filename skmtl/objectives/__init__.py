"""The smooth part of the objective, of rows and of statistics, behind one interface.

f(W) = min over b of sum_t c_t / S_t sum_i s_ti l(y_ti, x_ti . w_t + b_t): the
intercepts are always minimised out, so a solver sees W (p, T) alone. X is centred
implicitly, task by task, which leaves f as it is and takes the means of the features
out of its conditioning.

A `Point` is W with what is known there. Its image Z is linear in W: the centred
predictions for rows, the Gram products for statistics.

The duality gap is a sum of two Fenchel-Young terms, each >= 0 and free of cancellation
between large numbers. With u the derivative of the loss at the predictions (sum of u
per task = 0) and rho in [0, 1] such that -rho G is feasible, G = X'u,
    gap = sum [l(z) + l*(rho u) - rho u z] + [Omega(W) + Omega*(-rho G) + rho <W, G>].
`loss_gap` is the first.
"""

from skmtl.objectives._classes import ClassObjective
from skmtl.objectives._columns import Columns
from skmtl.objectives._coupled import CoupledObjective
from skmtl.objectives._factored import (
    CodesObjective,
    DirectionsObjective,
    FactoredObjective,
)
from skmtl.objectives._grams import gram_model
from skmtl.objectives._model import ModelObjective, quadratic_near
from skmtl.objectives._point import Point, task_weights
from skmtl.objectives._row_loss import RowLoss
from skmtl.objectives._rows import DataObjective
from skmtl.objectives._shared_gram import SharedGram
from skmtl.objectives._stacked_classes import StackedClasses, unstack
from skmtl.objectives._statistics import StatisticsObjective
from skmtl.objectives._sum import SumObjective

__all__ = [
    "ClassObjective",
    "CodesObjective",
    "Columns",
    "CoupledObjective",
    "DataObjective",
    "DirectionsObjective",
    "FactoredObjective",
    "ModelObjective",
    "Point",
    "RowLoss",
    "SharedGram",
    "StackedClasses",
    "StatisticsObjective",
    "SumObjective",
    "gram_model",
    "quadratic_near",
    "task_weights",
    "unstack",
]
