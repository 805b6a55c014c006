"""Heads of classes: one column for two of them, one per class for more."""

from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np
from scipy.special import expit, softmax

from skmtl.base import (
    SHARED,
    encode_classes,
    some,
    warn_of_single_classes,
    with_class_weight,
)
from skmtl.losses import Logistic
from skmtl.neural_network._entries import Columns
from skmtl.neural_network._problem import Problem


class ClassHeadsMixin:
    """Targets of classes and probabilities from scores."""

    def _problem(self, labels, n_main, classes=None):
        """Return (Problem, attributes that say what the heads mean)."""
        if classes is None:
            classes, encoded = encode_classes(labels)
            warn_of_single_classes(labels.tasks, classes)
        else:
            classes = _classes_by_task(classes, labels.tasks)
            encoded = _encode_known(labels, classes)
        main = labels.keep_tasks(np.arange(n_main))
        known = {
            **self._class_attributes(main, classes[:n_main]),
            "_all_classes": classes,
        }
        return self._weighted_targets(labels, encoded, classes), known

    def partial_fit(self, X, y, classes=None, *, task=None, sample_weight=None):
        """Train for one epoch on these rows.

        The first call decides on tasks, classes and layers; later calls may have
        labels of some of the tasks only. `fit` starts anew. After a fit, training goes
        on from its network with a new optimiser. Rows are not held out, whatever
        `early_stopping` says.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            The labels.
        classes : array-like or mapping, default=None
            The classes of all tasks, or of each task label, for the first call; None
            takes those that it meets.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights; 0 leaves a label out.

        Returns
        -------
        self : object
            The estimator. A call that raises leaves it as it was.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                'class_weight="balanced" needs all labels at once, and partial_fit has '
                "those of a chunk. Pass the weights as a mapping of class to weight."
            )
        return self._partial_fit(X, y, task, sample_weight, classes)

    def _with_task(self, known, tasks):
        """Return the attributes that say what heads mean, with those of a new task."""
        new = known["_all_classes"]
        main = SimpleNamespace(tasks=tasks, layout=self._layout)
        classes = [*self.task_classes_.values(), *new]
        rest = self._all_classes[len(tasks) - 1 :]
        return {
            **self._class_attributes(main, classes),
            "_all_classes": [*classes, *rest],
        }

    def _more_of_the_problem(self, labels):
        """Return the Problem of more labels of the fitted tasks."""
        encoded = _encode_known(labels, self._all_classes)
        return self._weighted_targets(labels, encoded, self._all_classes)

    def _weighted_targets(self, labels, encoded, classes):
        """Return the Problem of labels that are positions of classes."""
        encoded = with_class_weight(encoded, labels, self.class_weight)
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


def _classes_by_task(classes, tasks):
    """Return the sorted classes of each task, given for all or by task label."""
    if not isinstance(classes, Mapping):
        return [np.unique(classes)] * len(tasks)
    missing = [task for task in tasks.tolist() if task not in classes]
    if missing:
        raise ValueError(
            f"classes has no entry for task {missing[0]!r}; a mapping must cover every "
            "task."
        )
    return [np.unique(classes[task]) for task in tasks.tolist()]


def _encode_known(labels, classes):
    """Return labels with y as positions in the known classes of each task, or raise."""
    codes = np.full(labels.y.shape, np.nan)
    for t, known in enumerate(classes):
        rows, y, _ = labels.of_task(t)
        place = {c: k for k, c in enumerate(known.tolist())}
        new = [v for v in y.tolist() if v not in place]
        if new:
            raise ValueError(
                f"Task {labels.tasks[t].item()!r} has the class {new[0]!r}, but its "
                f"classes are {some(known)}. Pass all classes in the first call of "
                "partial_fit."
            )
        index = (rows, t) if labels.layout == "wide" else rows
        codes[index] = [place[v] for v in y.tolist()]
    return labels.with_y(codes)
