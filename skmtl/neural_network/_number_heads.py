"""Heads of numeric outcomes: their targets, starting points and answers."""

from collections.abc import Mapping
from numbers import Real

import numpy as np

from skmtl._compat import Interval, StrOptions
from skmtl.base import SHARED, some
from skmtl.linear_model.responses import TaskResponseMixin
from skmtl.linear_model.task_losses import (
    NAMES,
    check_labels,
    constant_tasks,
    identity_tasks,
    read_loss,
    task_loss,
)
from skmtl.losses import loss_parts
from skmtl.neural_network._entries import Columns
from skmtl.neural_network._problem import Problem
from skmtl.neural_network._warnings import warn_user

NUMBER_CONSTRAINTS: dict = {
    "loss": [StrOptions(set(NAMES)), Mapping],
    "huber_delta": [Interval(Real, 0, None, closed="neither")],
}


class NumberHeadsMixin(TaskResponseMixin):
    """One head per task: a value in units of its own, a rate, or a probability."""

    def _loss(self, tasks):
        return read_loss(self.loss, tasks, self.huber_delta)

    def _check_labels(self, X, y, task, sample_weight, **options):
        labels = super()._check_labels(X, y, task, sample_weight, **options)
        check_labels(labels, self._loss(labels.tasks))
        return labels

    def _problem(self, labels, n_main, classes=None):
        """Return (Problem, attributes that say what the heads mean)."""
        loss = self._loss(labels.tasks)
        kept, constant = constant_tasks(labels, loss)
        if len(kept) < labels.n_tasks:
            warn_user(
                f"{labels.n_tasks - len(kept)} task(s) have counts of 0 or labels of "
                f"one class only ({some(labels.tasks[constant != 0])}) in the training "
                "data; they take no part in the fit and will always predict that."
            )
        mean, scale, link = _units(labels, loss, kept)
        known = {
            "y_mean_": mean,
            "y_scale_": scale,
            "_fitted_loss": self._loss(labels.tasks[:n_main]),
            "_constant": constant,
        }
        return self._targets(labels, known, kept, link[kept]), known

    def partial_fit(self, X, y, *, task=None, sample_weight=None):
        """Train for one epoch on these rows.

        The first call decides on tasks, the units of y and layers; later calls may have
        labels of some of the tasks only. `fit` starts anew. After a fit, training goes
        on from its network with a new optimiser. Rows are not held out, whatever
        `early_stopping` says.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            The labels.
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
        return self._partial_fit(X, y, task, sample_weight)

    def _with_task(self, known, tasks):
        """Return the attributes that say what heads mean, with those of a new task."""
        at = len(tasks) - 1
        found = {
            name: np.insert(getattr(self, name), at, known[name][0])
            for name in ("y_mean_", "y_scale_", "_constant")
        }
        return {**found, "_fitted_loss": self._loss(tasks)}

    def _more_of_the_problem(self, labels):
        """Return the Problem of more labels of the fitted tasks."""
        units = {"y_mean_": self.y_mean_, "y_scale_": self.y_scale_}
        return self._targets(labels, units, self._kept, self.head_intercept_)

    def _targets(self, labels, units, kept, bias):
        """Return the Problem of labels in the units of the fit."""
        mean, scale = units["y_mean_"], units["y_scale_"]
        wide = labels.layout == "wide"
        m, s = (mean, scale) if wide else (mean[labels.codes], scale[labels.codes])
        tasks = labels.tasks[kept]
        return Problem(
            labels=labels.with_y((labels.y - m) / s).keep_tasks(kept),
            kept=kept,
            columns=Columns.of_widths(np.ones(len(kept), dtype=int)),
            loss=self._loss(tasks) if len(kept) else None,
            by_class=False,
            bias=bias,
            head_rows=tasks.tolist(),
        )

    def _previous_heads(self, known):
        """Return the heads of the previous fit, in today's units of y."""
        kept = known["_kept"]
        scale, new_scale = self.y_scale_[kept], known["y_scale_"][kept]
        shift = (self.y_mean_[kept] - known["y_mean_"][kept]) / new_scale
        ratio = scale / new_scale
        return ratio[:, None] * self.head_coef_, ratio * self.head_intercept_ + shift

    @property
    def _task_share(self):
        """The share of each task in the prediction of a new one, (T,)."""
        weight = np.where(self._constant == 0, self.task_weight_, 0.0)
        weight[len(self.tasks_) :] = 0.0
        return weight / max(weight.sum(), 1e-300)

    def _linear(self, X, t):
        """Return the predictor of a task in the units of its labels, (n,)."""
        if t == SHARED:
            return self._linear_all(X) @ self._task_share
        if self._constant[t]:
            return np.full(X.shape[0], self._constant[t])
        head = int(np.searchsorted(self._kept, t))
        z = self._outputs(X, slice(head, head + 1))[:, 0]
        return self.y_mean_[t] + self.y_scale_[t] * z

    def _linear_all(self, X):
        """Return the predictors of all tasks, auxiliary ones too, (n, T)."""
        Z = np.tile(self._constant, (X.shape[0], 1))
        if len(self._kept):
            Z[:, self._kept] = self._outputs(X, slice(None))
        return self.y_mean_ + self.y_scale_ * Z

    def _predict_all(self, X):
        Z = self._linear_all(X)[:, : len(self.tasks_)]
        for loss, tasks in loss_parts(self._fitted_loss, Z.shape[1]):
            if not loss.identity:
                Z[:, tasks] = loss.mean(Z[:, tasks])
        return Z


def _units(labels, loss, kept):
    """Return (mean, standard deviation, best constant predictor) of each task.

    Tasks whose labels have no units of their own (counts, classes) keep 0 and 1.
    """
    n_tasks = labels.n_tasks
    mean, scale, link = np.zeros(n_tasks), np.ones(n_tasks), np.zeros(n_tasks)
    identity = identity_tasks(loss, n_tasks)
    for t in kept:
        _, y, weight = labels.of_task(t)
        centre = np.average(y, weights=weight)
        if not identity[t]:
            link[t] = task_loss(loss, t).link(centre)
            continue
        mean[t] = centre
        deviation = np.sqrt(np.average((y - centre) ** 2, weights=weight))
        # Below this the deviations are rounding errors of a constant.
        if deviation > 10 * np.finfo(float).eps * np.abs(y).max():
            scale[t] = deviation
    return mean, scale, link
