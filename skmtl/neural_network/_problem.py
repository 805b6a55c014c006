"""What a network is trained on, the same for numbers and for classes."""

from dataclasses import dataclass

import numpy as np

from skmtl.layouts import TaskLabels
from skmtl.neural_network._entries import Columns


@dataclass(frozen=True)
class Problem:
    """Numeric targets of the tasks that take part, and what their heads are for.

    Attributes
    ----------
    labels : TaskLabels
        Numeric targets of the tasks that take part.
    kept : ndarray of shape (T,)
        Positions of these tasks among the fitted ones.
    columns : Columns
    loss : loss of `skmtl.losses`, or a mixture
    by_class : bool
        Whether the validation part is stratified by class too.
    bias : ndarray of shape (C,)
        Where the heads' intercepts start: the best constant.
    head_rows : list of length C
        What each head is for; `warm_start` needs it unchanged.
    """

    labels: TaskLabels
    kept: np.ndarray
    columns: Columns
    loss: object
    by_class: bool
    bias: np.ndarray
    head_rows: list
