"""Heads of classes: one column for two of them, one per class for more."""

import numpy as np
from scipy.special import expit, softmax

from skmtl.base import SHARED, encode_classes, warn_of_single_classes
from skmtl.losses import Logistic
from skmtl.neural_network._entries import Columns
from skmtl.neural_network._problem import Problem


class ClassHeadsMixin:
    """Targets of classes and probabilities from scores."""

    def _problem(self, labels, n_main):
        """Return (Problem, attributes that say what the heads mean)."""
        classes, encoded = encode_classes(labels)
        warn_of_single_classes(labels.tasks, classes)
        main = labels.keep_tasks(np.arange(n_main))
        known = {
            **self._class_attributes(main, classes[:n_main]),
            "_all_classes": classes,
        }
        return self._targets(encoded, classes), known

    def _targets(self, encoded, classes):
        """Return the Problem of labels that are positions of classes."""
        n_classes = np.array([len(c) for c in classes])
        kept = np.flatnonzero(n_classes > 1)
        names = encoded.tasks.tolist()
        encoded = encoded.keep_tasks(kept)
        rows, bias = [], []
        for k, t in enumerate(kept):
            _, y, weight = encoded.of_task(k)
            counts = np.bincount(y.astype(int), weight, minlength=n_classes[t])
            # A class that only later data may have starts as half a label.
            with np.errstate(divide="ignore"):
                log_share = np.log(np.where(counts > 0, counts, 0.5))
            log_share -= np.log(max(counts.sum(), 0.5))
            if n_classes[t] == 2:
                rows.append((names[t], classes[t].tolist()[-1]))
                bias.append(log_share[1] - log_share[0])
            else:
                rows += [(names[t], c) for c in classes[t].tolist()]
                bias += log_share.tolist()
        return Problem(
            labels=encoded,
            kept=kept,
            columns=Columns.of_widths(_widths(n_classes[kept])),
            loss=Logistic(),
            by_class=True,
            bias=np.array(bias),
            head_rows=rows,
        )

    def _previous_heads(self, known):
        """Return the heads of the previous fit."""
        return self.head_coef_, self.head_intercept_

    def _proba_task(self, X, t):
        classes = self._classes_of(t)
        if len(classes) == 1:
            return np.ones((X.shape[0], 1))
        widths = _widths(np.array([len(c) for c in self.task_classes_.values()]))
        if t == SHARED:
            Z = self._outputs(X, slice(0, widths.sum()))
            share = self.task_weight_[: len(widths)][widths > 0]
            Z = Z.reshape(len(Z), len(share), -1)
            Z = np.tensordot(Z, share / share.sum(), axes=(1, 0))
        else:
            stop = widths[: t + 1].sum()
            Z = self._outputs(X, slice(stop - widths[t], stop))
        if len(classes) > 2:
            return softmax(Z, axis=1)
        return np.column_stack([expit(-Z[:, 0]), expit(Z[:, 0])])


def _widths(n_classes):
    """Return the output columns of tasks with so many classes: 0, 1, or one each."""
    return np.where(n_classes > 2, n_classes, n_classes - 1)
