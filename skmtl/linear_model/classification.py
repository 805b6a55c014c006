"""What all linear classifiers share: class codes, class weights, constant tasks."""

from collections.abc import Mapping

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from skmtl._compat import StrOptions
from skmtl.base import (
    BaseTaskClassifier,
    BinaryScoreMixin,
    encode_classes,
    warn_of_single_classes,
)
from skmtl.data import TaskData
from skmtl.linear_model.base import LinearTaskModel, with_left_out
from skmtl.losses import Logistic

# Log-odds of a task whose training labels are all of one class: certain to rounding.
CERTAIN = -float(np.log(np.finfo(float).eps))


class LinearTaskClassifier(BinaryScoreMixin, LinearTaskModel, BaseTaskClassifier):
    """Linear classifiers: log-loss, two classes per task."""

    _parameter_constraints: dict = {
        **LinearTaskModel._parameter_constraints,
        "class_weight": [None, StrOptions({"balanced"}), Mapping],
    }

    def _loss(self, tasks):
        return Logistic()

    def _encode(self, labels):
        """Return (classes per task, 0/1 labels of the tasks with two, positions)."""
        classes, coded = encode_classes(labels)
        for task, found in zip(labels.tasks.tolist(), classes, strict=True):
            if len(found) > 2:
                raise ValueError(
                    f"Only binary classification is supported: task {task!r} has "
                    f"{len(found)} classes, {type(self).__name__} fits two per task."
                )
        coded = self._with_class_weight(coded, labels)
        kept = np.flatnonzero([len(found) == 2 for found in classes])
        return classes, coded.keep_tasks(kept), kept

    def _with_class_weight(self, coded, labels):
        """Return the labels with weights multiplied by those of their classes."""
        if self.class_weight is None:
            return coded
        weight = coded.weight.copy()
        for t in range(labels.n_tasks):
            rows, y, _ = labels.of_task(t)
            y = np.array(y.tolist())
            where = (rows, t) if labels.layout == "wide" else rows
            factor = compute_sample_weight(self.class_weight, y)
            bad = y[~((factor > 0) & np.isfinite(factor))]
            if len(bad):
                raise ValueError(
                    f"class_weight of class {bad[0].item()!r} must be positive and "
                    "finite. To leave a class out, drop its rows."
                )
            weight[where] *= factor
        return coded.with_weight(weight)

    def _pack(self, X, labels):
        """Return (packed 0/1 data of the tasks with two classes, units of 1)."""
        _, coded, kept = self._encode(labels)
        return TaskData.pack(X, coded), np.ones(len(kept))

    def _problem(self, X, labels):
        classes, coded, kept = self._encode(labels)
        warn_of_single_classes(labels.tasks, classes)
        head = {
            **self._label_attributes(labels),
            **self._class_attributes(labels, classes),
        }
        constant = np.full(labels.n_tasks, CERTAIN)

        def complete(found):
            return {**head, **found, **with_left_out(found, kept, constant)}

        data = TaskData.pack(X, coded) if len(kept) else None
        return data, np.ones(len(kept)), complete

    def _start(self, tasks, n_features, y_scale):
        if not hasattr(self, "coef_") or not np.array_equal(self.tasks_, tasks):
            return None  # tasks were left out, now or then
        return super()._start(tasks, n_features, y_scale)

    def _score_task(self, X, t):
        return self._linear(X, t)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
