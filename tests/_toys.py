"""Small estimators over tasks, quick to fit and easy to repeat by hand."""

import numpy as np
from sklearn.preprocessing import StandardScaler

from skmtl import attach_task, make_mtl_pipeline
from skmtl.base import (
    SHARED,
    BaseTaskClassifier,
    BaseTaskRegressor,
    ClassScoreMixin,
    encode_classes,
)


def ridge(X, y, weight, alpha):
    """Return (coefficients, intercept) of a weighted ridge regression."""
    weight = weight / weight.sum()
    mx, my = weight @ X, weight @ y
    Xc = X - mx
    gram = Xc.T @ (weight[:, None] * Xc) + alpha * np.eye(X.shape[1])
    coef = np.linalg.solve(gram, Xc.T @ (weight * (y - my)))
    return coef, my - mx @ coef


class _PerTaskRidge:
    def _fit_ridge(self, X, labels):
        fits = []
        for t in range(labels.n_tasks):
            rows, y, weight = labels.of_task(t)
            fits.append(ridge(X[rows], y, weight, self.alpha))
        coef, intercept = zip(*fits, strict=True)
        return {"coef_": np.array(coef), "intercept_": np.array(intercept)}

    def _check_X(self, X, *, reset):
        X = super()._check_X(X, reset=reset)
        return X if isinstance(X, np.ndarray) else X.toarray()

    def _line(self, X, t):
        coef, intercept = self.coef_, self.intercept_
        if t == SHARED:
            return X @ coef.mean(axis=0) + intercept.mean()
        return X @ coef[t] + intercept[t]


class ToyRegressor(_PerTaskRidge, BaseTaskRegressor):
    """A ridge regression per task; a new task gets their mean."""

    def __init__(self, alpha=0.1, *, unseen="raise"):
        self.alpha = alpha
        self.unseen = unseen

    def _fit(self, X, labels, progress):
        fitted = self._fit_ridge(X, labels)
        for _ in range(3):
            progress.step(lambda: {**self._label_attributes(labels), **fitted})
        return fitted

    def _predict_task(self, X, t):
        return self._line(X, t)


class ToyClassifier(_PerTaskRidge, ClassScoreMixin, BaseTaskClassifier):
    """Signs of a ridge regression on -1 and 1 per task."""

    def __init__(self, alpha=0.1, *, unseen="raise"):
        self.alpha = alpha
        self.unseen = unseen

    def _fit(self, X, labels, progress):
        classes, coded = encode_classes(labels)
        if max(map(len, classes)) > 2:
            raise ValueError("Only binary classification is supported.")
        fitted = self._fit_ridge(X, coded.with_y(2 * coded.y - 1))
        return {**fitted, **self._class_attributes(labels, classes)}

    def _score_task(self, X, t):
        return 3.0 * self._line(X, t)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


TASKS = np.array(["A", "B", "C"])


def make_rows(n=120, *, seed=0):
    """Return X (n, 4), y (n,), task (n,): rows of three tasks that differ in slope."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)) * [1.0, 2.0, 1.0, 5.0] + [0.0, 1.0, 0.0, 10.0]
    task = TASKS[rng.permutation(n) % 3]
    slopes = {"A": [1, 0.5, 0, 0], "B": [-1, 0.5, 0, 0], "C": [2, 0.5, 0, 0]}
    y = np.array([x @ slopes[t] for x, t in zip(X, task, strict=True)])
    return X, y + 0.1 * rng.normal(size=n), task


def make_frame(n=120, *, seed=0):
    """Return (df, y, task): the rows as a DataFrame with the task in "hospital"."""
    X, y, task = make_rows(n, seed=seed)
    return attach_task(X, task, "hospital"), y, task


def as_classes(y):
    """Return y as two classes of about equal size."""
    return np.where(y > np.median(y), "ill", "well")


def scaled(toy, task_col="hospital"):
    """Return a pipeline of a scaler and the toy that takes the task from a column."""
    return make_mtl_pipeline(StandardScaler(), toy, task_col=task_col)


def build(task_col="hospital", **params):
    """Return such a pipeline of the regressor with these parameters."""
    return scaled(ToyRegressor(**params), task_col)
