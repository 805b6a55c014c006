"""What linear regressors answer: the mean response of each task, and its score."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmtl._compat import safe_indexing
from skmtl.base import SHARED
from skmtl.linear_model.task_losses import (
    check_task_labels,
    explained_deviance,
    shared_loss,
    task_loss,
)
from skmtl.losses import loss_parts


class TaskResponseMixin:
    """Values, rates or probabilities, as the loss of each task has it."""

    def _loss_of(self, t):
        """Return the loss of a fitted task, or of the shared part."""
        if t == SHARED:
            return shared_loss(self._fitted_loss)
        return task_loss(self._fitted_loss, t)

    def _predict_task(self, X, t):
        return self._loss_of(t).mean(self._linear(X, t))

    def _predict_all(self, X):
        Z = X @ self.coef_.T + self.intercept_
        for loss, tasks in loss_parts(self._fitted_loss, len(self.tasks_)):
            if not loss.identity:
                Z[:, tasks] = loss.mean(Z[:, tasks])
        return Z

    def score(self, X, y, *, task=None, sample_weight=None):
        """Return R^2; of other losses than the squared one the explained deviance D^2.

        With squared loss R^2 over all rows, or its mean over tasks after a wide fit.
        Otherwise the mean over tasks of D^2 = 1 - deviance / null deviance, which is
        R^2 for a task with squared loss; the null deviance is that of the constant
        which fits the labels given here best.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True labels; wide ones may be NaN where not observed.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels.

        Returns
        -------
        float
            1 for perfect predictions, 0 for those of a constant.
        """
        check_is_fitted(self)
        if self._fitted_loss.quadratic:
            return super().score(X, y, task=task, sample_weight=sample_weight)
        X, codes = self._locate(X, task)
        parts = self._parts_to_score(X, codes, y, sample_weight)
        scores = [self._explained(X, *part) for part in parts]
        return float(np.mean(scores)) if scores else float("nan")

    def _explained(self, X, t, rows, y, weight):
        """Return D^2 of one task."""
        loss = self._loss_of(t)
        check_task_labels(
            "of no fit" if t == SHARED else self.tasks_[t].item(), y, loss
        )
        unit = self._task_share @ self.y_scale_ if t == SHARED else self.y_scale_[t]
        z = self._linear(safe_indexing(X, rows), t)
        return explained_deviance(loss, y / unit, z / unit, weight)
