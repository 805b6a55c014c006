"""Tasks at the leaves of a tree: near ones use the same features."""

from numbers import Real

import numpy as np

from skmtl._compat import Interval, StrOptions
from skmtl.linear_model.base import LinearTaskModel
from skmtl.linear_model.classification import LinearTaskClassifier
from skmtl.linear_model.joint_tasks import JointTasksMixin
from skmtl.linear_model.regression import LinearTaskRegressor
from skmtl.linear_model.tree_of_tasks import (
    grow_tree,
    keep_leaves,
    read_tree,
    tree_nodes,
)
from skmtl.penalties import TaskTree


class _TaskTree(JointTasksMixin, LinearTaskModel):
    """The tree, as it is passed or from first fits, and its penalty."""

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "tree": [StrOptions({"auto"}), "array-like", list, tuple],
    }
    _to_grow = False

    def _know_tasks(self, joint, every, layout):
        self._to_grow = isinstance(self.tree, str)
        if self._to_grow:
            self._linkage, self._leaves = np.zeros((0, 4)), joint
            return
        name = type(self).__name__
        self._linkage, self._leaves = read_tree(self.tree, every, name)
        place = {label: v for v, label in enumerate(self._leaves.tolist())}
        missing = [label for label in joint.tolist() if label not in place]
        if missing:
            raise ValueError(
                f"The tree of {name} has no leaf for task {missing[0]!r}; it must hold "
                "every task of the data, by labels of the same kind."
            )
        kept = [place[label] for label in joint.tolist()]
        self._nodes = keep_leaves(*tree_nodes(self._linkage), kept)

    def _smooth(self, objective):
        if self._to_grow:
            self._linkage, self._to_grow = grow_tree(objective), False
            every = np.arange(objective.n_tasks)
            self._nodes = keep_leaves(*tree_nodes(self._linkage), every)
        return objective

    def _penalty(self):
        return TaskTree(self.alpha, *self._nodes)

    def _result_attributes(self, result, c, y_scale):
        tree = {"tree_": self._linkage, "tree_tasks_": self._leaves}
        return {**super()._result_attributes(result, c, y_scale), **tree}
