"""Cross-stitch networks: a network per task that takes from the others."""

from numbers import Real

from sklearn.base import BaseEstimator

from skmtl._compat import Interval
from skmtl.neural_network.sharing._towers import TowerNetwork
from skmtl.neural_network.sharing.hard import HardNetwork


class CrossStitch(BaseEstimator):
    """A network per task, whose units are mixed over tasks after each layer [1]_.

    What enters the next layer of task t is ``sum_s A[t, s] h_s``, h_s being the units
    of task s; the (T, T) matrix A of each layer is learned, and never penalised. It is
    `mixing_` of the fitted estimator. Without hidden layers there is nothing to mix.

    Parameters
    ----------
    own : float, default=0.9
        Where the diagonal of A starts; the other tasks share the rest equally. At 1
        training starts from separate networks, at 1 / T from their mean.

    References
    ----------
    .. [1] I. Misra et al., Cross-stitch Networks for Multi-task Learning, CVPR 2016.
       https://arxiv.org/abs/1604.03539

    Examples
    --------
    >>> from skmtl import MultiTaskMLPRegressor
    >>> from skmtl.neural_network import CrossStitch
    >>> model = MultiTaskMLPRegressor(sharing=CrossStitch(own=0.5))
    """

    _parameter_constraints: dict = {"own": [Interval(Real, 0, 1, closed="both")]}

    def __init__(self, own=0.9):
        self.own = own

    def build(self, sizes, columns, activation):
        """Return the network for so many features and hidden units."""
        self._validate_params()
        if len(sizes) == 1:
            return HardNetwork(sizes, columns, activation)
        return TowerNetwork(sizes, columns, activation, n_blocks=1, own=self.own)
