"""Quadratics of a few rows of W that coordinate descent sweeps over.

All hold q(W) = sum_t sum_i h_i (residual of row i)^2 / 2 for W (T, k), with the
residual centred by h within each task where intercepts are fitted; they differ in
whether they keep the gradient (`Gram`) or the residuals (`DenseRows`, `SparseRows`) up
to date. Both are linear in W, which is what extrapolation needs: `state` is the array
that is kept. `arguments` of a sweep are the blocks and strengths of a penalty, as its
`kernel_arguments` gives them.
"""

from skmtl.quadratics._dense import DenseRows
from skmtl.quadratics._gram import Gram
from skmtl.quadratics._quadratic import Quadratic, inverses
from skmtl.quadratics._sparse import SPARSE_COST, SparseRows

__all__ = ["SPARSE_COST", "DenseRows", "Gram", "Quadratic", "SparseRows", "inverses"]
