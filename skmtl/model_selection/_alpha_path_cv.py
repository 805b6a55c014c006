"""Cross-validation along a path of alphas."""

from numbers import Integral, Real
from threading import Lock

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.parallel import Parallel, delayed

from skmtl._compat import (
    CallbackSupportMixin,
    FitProgress,
    HasMethods,
    Interval,
    StrOptions,
    fit_context,
)
from skmtl.base import TaskRequestMixin, keep_previous_fit
from skmtl.data import TaskData
from skmtl.linear_model.base import GRAM_BYTES
from skmtl.linear_model.path import (
    PathFits,
    check_alphas,
    check_has_alpha,
    read_alphas,
    warn_of_path,
)
from skmtl.model_selection._fold_statistics import fold_statistics, take
from skmtl.model_selection._folds import given_folds
from skmtl.model_selection._held_out import (
    losses_of_rows,
    losses_of_statistics,
    positions_in,
)
from skmtl.model_selection._path_responses import PathResponsesMixin
from skmtl.model_selection._split import TaskKFold
from skmtl.moments import equal_columns
from skmtl.objectives import task_weights

# Alphas between two reports to a progress bar.
BLOCK = 10


class AlphaPathCV(
    PathResponsesMixin,
    TaskRequestMixin,
    MetaEstimatorMixin,
    CallbackSupportMixin,
    BaseEstimator,
):
    """Choose alpha by cross-validation along a warm-started path.

    Gives what `sklearn.model_selection.GridSearchCV` gives over the same alphas and
    folds, scored by the mean over tasks of the held-out loss, for a fraction of its
    cost: each fit starts from the one before, and for the squared loss the data are
    read once, into statistics of each test part. Those of a training part are sums of
    the others, and errors on a test part are computed from its statistics as well, so
    that alphas and folds cost nothing in the number of rows.

    Parameters
    ----------
    estimator : linear estimator of skmtl with an ``alpha``
        What to tune; only alpha varies. It is cloned, never changed.
    alphas : int or array-like of shape (n_alphas,), default=100
        Number of alphas, evenly spaced on a log scale from the smallest that leaves the
        model empty (on all data) down to `eps` times that; or the alphas themselves.
    eps : float, default=None
        The last alpha as a share of the first, where `alphas` is a number. None is
        1e-3, and 1e-5 for squared penalties (`TaskGraphRegressor` with
        ``norm="squared"``, `TaskRelationshipRegressor`), which act over more decades.
    cv : int, splitter or iterable of (train, test), default=None
        The folds. None is ``TaskKFold(5)``, a number that many folds of the same kind.
        A splitter is given `groups`, and the task if its `split` takes it.
    rule : {"min", "1se"}, default="min"
        "min" takes the alpha of least held-out loss; "1se" the largest alpha whose loss
        is within one standard error of that, which gives a sparser model.
    n_jobs : int, default=None
        Number of folds at the same time, in threads; -1 for as many as there are cores.

    Attributes
    ----------
    alpha_ : float
        The alpha chosen.
    alphas_ : ndarray of shape (n_alphas,)
        All of them, decreasing.
    best_index_ : int
        Position of the one chosen.
    best_estimator_ : estimator
        The model fitted to all data with `alpha_`. Its learned attributes (`coef_`,
        `tasks_`, `classes_`, ...) are attributes of the search as well.
    cv_scores_ : ndarray of shape (n_alphas, n_folds, n_tasks)
        Held-out loss of each task, smaller being better: the mean squared error, the
        log-loss of classifiers, the mean of other losses. With ``scale_y=True`` of
        labels divided by `y_scale_`. NaN where a test part has no label of a task.
    cv_mean_scores_ : ndarray of shape (n_alphas, n_folds)
        Their mean over tasks, weighted by `task_weight` of the estimator; `alpha_` is
        chosen by the mean of this over folds.
    n_splits_ : int
        Number of folds.

    See Also
    --------
    mtl_path : All fits of a path.
    sklearn.model_selection.GridSearchCV : Other parameters and other scores.

    Notes
    -----
    In `MTLPipeline` it is the final step: ``make_mtl_pipeline(StandardScaler(),
    AlphaPathCV(model), task_col=...)``. The scaler then sees the test parts of these
    inner folds, which does not matter for choosing alpha; honest scores come from
    cross-validation around the whole pipeline, such as its `compare`.

    Examples
    --------
    >>> from skmtl import AlphaPathCV, GroupLassoRegressor, make_group_sparse_tasks
    >>> X, y, task, _ = make_group_sparse_tasks(n_tasks=3, random_state=0)
    >>> search = AlphaPathCV(GroupLassoRegressor(), alphas=20).fit(X, y, task=task)
    >>> search.cv_scores_.shape
    (20, 5, 3)
    >>> search.alpha_ == search.best_estimator_.alpha
    True
    >>> search.predict(X[:2], task=task[:2]).shape
    (2,)
    """

    __metadata_request__fit = {"task": True, "groups": True}

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"])],
        "alphas": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "eps": [Interval(Real, 0, 1, closed="neither"), None],
        "cv": "no_validation",  # `fit` has a better message
        "rule": [StrOptions({"min", "1se"})],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self, estimator, *, alphas=100, eps=None, cv=None, rule="min", n_jobs=None
    ):
        self.estimator = estimator
        self.alphas = alphas
        self.eps = eps
        self.cv = cv
        self.rule = rule
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, task=None, groups=None, sample_weight=None):
        """Choose alpha, and fit the model with it to all data.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            One label per row, or one column per task with NaN where not observed.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row, where y has one label per row.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group (a patient's, say) stay together in a fold.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels, in training and in held-out losses.

        Returns
        -------
        self : object
            The fitted search. A fit that raises leaves the previous one in place.
        """
        check_has_alpha(self.estimator, type(self).__name__)
        check_alphas(self.alphas, self.eps)
        with keep_previous_fit(self):
            model = clone(self.estimator)
            model._validate_params()
            labels = model._check_labels(X, y, task, sample_weight)
            values = model._check_X(X, reset=True)
            values = values.tocsr() if hasattr(values, "tocsr") else values
            folds = self._folds(
                X if hasattr(X, "columns") else values, labels, task, groups
            )
            metadata = {"task": task, "groups": groups, "sample_weight": sample_weight}
            given = {name: v for name, v in metadata.items() if v is not None}
            blocks = -(-self._n_alphas() // BLOCK) * len(folds) + 1
            progress = FitProgress(self, X, y, given, max_steps=blocks)
            found = self._search(model, values, labels, folds, progress)
            vars(self).update(found)
            progress.finish(lambda: found)
        return self

    def _n_alphas(self):
        return self.alphas if isinstance(self.alphas, Integral) else len(self.alphas)

    def _folds(self, X, labels, task, groups):
        """Return the checked folds."""
        if len(labels.y) < 2:
            raise ValueError(
                f"{type(self).__name__} splits the rows, so it needs at least 2, got "
                "1 sample."
            )
        cv = TaskKFold() if self.cv is None else self.cv
        if isinstance(cv, Integral):
            cv = TaskKFold(int(cv))
        if not (hasattr(cv, "split") or hasattr(cv, "__iter__")):
            raise TypeError(
                "cv must be a number of folds, a splitter or an iterable of (train, "
                f"test) rows, got {cv!r}."
            )
        if task is not None and np.ndim(task) == 0:
            task = np.full(len(labels.y), task)
        folds = given_folds(cv, X, labels.y, task=task, groups=groups)
        if not folds:
            raise ValueError("cv yields no folds; at least one is needed.")
        return folds

    def _search(self, model, X, labels, folds, progress):
        """Return the learned attributes."""
        from_statistics = statistics_will_do(model, X, labels, len(folds))
        if from_statistics:
            total, parts = fold_statistics(X, labels, folds)
            model._check_units(total.tasks, total.n, total.yy / total.weight)
            whole = _whole(model, X, labels, total)
        else:
            parts = folds
            whole = PathFits.of_rows(model, X, labels)
        alphas = read_alphas(whole, self.alphas, self.eps)
        unit = np.ones(labels.n_tasks)
        unit[np.isin(labels.tasks, whole.tasks)] = whole.y_scale
        lock = Lock()

        def report(k):
            if (k + 1) % BLOCK == 0 or k + 1 == len(alphas):
                with lock:
                    progress.step()

        job = _job_of_statistics if from_statistics else _job_of_rows
        jobs = (
            delayed(job)(model, X, labels, part, alphas, unit, report) for part in parts
        )
        parallel = Parallel(
            n_jobs=1 if len(folds) == 1 else effective_n_jobs(self.n_jobs),
            prefer="threads",
        )
        losses, results = zip(*parallel(jobs), strict=True)
        losses = np.stack(losses, axis=1)
        mean = _mean_over_tasks(losses, labels, model)
        best = _choose(mean, self.rule)
        alpha = float(alphas[best])
        (final,) = whole.solve([alpha])
        every = [r for fold in results for r in fold] + [final]
        warn_of_path(type(self).__name__, every, model.max_iter)
        progress.step()
        return {
            "alpha_": alpha,
            "alphas_": alphas,
            "best_index_": best,
            "best_estimator_": whole.fitted(alpha, final),
            "cv_scores_": losses,
            "cv_mean_scores_": mean,
            "n_splits_": len(folds),
        }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        for name in (
            "estimator_type",
            "classifier_tags",
            "regressor_tags",
            "target_tags",
            "input_tags",
            "non_deterministic",
        ):
            setattr(tags, name, getattr(inner, name))
        return tags


def statistics_will_do(model, X, labels, n_folds):
    """Tell whether to fit statistics of the folds; else their rows."""
    offsets, grams = None, labels.n_tasks
    if labels.layout == "wide":
        grams = len(equal_columns(labels.weight)[0])
    else:
        counts = np.bincount(labels.codes[labels.codes >= 0], minlength=grams)
        offsets = np.concatenate([[0], np.cumsum(counts)])
    # Not packed, for only its sizes are asked for.
    data = TaskData(X, labels.y, labels.weight, labels.tasks, offsets)
    size = 8 * grams * X.shape[1] ** 2
    return model._takes_statistics(data) and 2 * n_folds * size <= 2 * GRAM_BYTES


def _whole(model, X, labels, total):
    """Prepare the fit to all data from their statistics."""

    def rows():
        data, _ = model._pack(X, labels)
        return model._rows_objective(data, whole.objective)

    whole = PathFits.of_statistics(model, total, rows)
    return whole


def _job_of_statistics(model, X, labels, part, alphas, unit, report):
    """Return (losses (n_alphas, T), solver results) of a fold, from its statistics."""
    train, test = part
    losses, results = np.full((len(alphas), labels.n_tasks), np.nan), []
    if train is None or test is None:
        raise ValueError("A fold has no labels in its training or in its test part.")
    fits = PathFits.of_statistics(model, train)
    found = positions_in(train.tasks, test.tasks, model.unseen)
    columns = positions_in(labels.tasks, test.tasks, "raise")
    for k, result in enumerate(fits.solve(alphas)):
        losses[k, columns] = losses_of_statistics(
            fits.fitted(alphas[k], result), test, found, unit[columns]
        )
        results.append(result)
        report(k)
    return losses, results


def _job_of_rows(model, X, labels, part, alphas, unit, report):
    """Return (losses (n_alphas, T), solver results) of a fold, from its rows."""
    (X_train, train), (X_test, test) = (take(X, labels, rows) for rows in part)
    losses, results = np.full((len(alphas), labels.n_tasks), np.nan), []
    if not (train.n_tasks and test.n_tasks):
        raise ValueError("A fold has no labels in its training or in its test part.")
    fits = PathFits.of_rows(model, X_train, train)
    found = positions_in(train.tasks, test.tasks, model.unseen)
    columns = positions_in(labels.tasks, test.tasks, "raise")
    for k, result in enumerate(fits.solve(alphas)):
        losses[k, columns] = losses_of_rows(
            fits.fitted(alphas[k], result), X_test, test, found, unit[columns]
        )
        results.append(result)
        report(k)
    return losses, results


def _mean_over_tasks(losses, labels, model):
    """Return the weighted mean over tasks, (n_alphas, n_folds)."""
    if labels.layout == "wide":
        total = labels.weight.sum(axis=0)
    else:
        total = np.array([labels.of_task(t)[2].sum() for t in range(labels.n_tasks)])
    c = task_weights(labels.tasks, total, model.task_weight)
    c = np.where(np.isnan(losses), 0.0, c)
    summed, whole = (c * np.nan_to_num(losses)).sum(axis=-1), c.sum(axis=-1)
    return np.divide(summed, whole, out=np.full_like(whole, np.nan), where=whole > 0)


def _choose(mean, rule):
    """Return the position of the alpha that the rule takes."""
    mean = mean[:, ~np.isnan(mean).any(axis=0)]
    if not mean.shape[1]:  # every task has one class
        return 0
    average = mean.mean(axis=1)
    best = int(average.argmin())
    if rule == "1se" and mean.shape[1] > 1:
        error = mean[best].std(ddof=1) / np.sqrt(mean.shape[1])
        best = int(np.argmax(average <= average[best] + error))
    return best
