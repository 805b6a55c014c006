"""Scaling of features task by task."""

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import validate_data

from skmtl._compat import StrOptions, fit_context
from skmtl.base import TaskRequestMixin, TaskRowsMixin, keep_previous_fit
from skmtl.layouts import read_labels


class TaskStandardScaler(
    OneToOneFeatureMixin,
    TaskRequestMixin,
    TaskRowsMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Centre and scale the features of each task by its own mean and deviation.

    Hospitals that measure the same thing with other devices or in other units become
    comparable. What is lost is the difference between the tasks' means: keep it by
    scaling all rows together (`sklearn.preprocessing.StandardScaler`) where it matters.

    Parameters
    ----------
    with_mean : bool, default=True
        Whether to subtract the mean of the task. Must be False for sparse X.
    with_std : bool, default=True
        Whether to divide by the standard deviation of the task (ddof 0). Features that
        are constant in a task are not divided there.
    unseen : {"raise", "shared"}, default="raise"
        What to do with rows of a task never seen in fit: raise, or use the mean and
        deviation of all rows, with a warning.

    Attributes
    ----------
    tasks_ : ndarray of shape (n_tasks,)
        The tasks, in the order of the rows below.
    mean_, var_ : ndarray of shape (n_tasks, n_features)
        Weighted mean and variance per task; NaN entries of X are left out.
    scale_ : ndarray of shape (n_tasks, n_features) or None
        The divisors; None if `with_std` is False.
    shared_mean_, shared_scale_ : ndarray of shape (n_features,)
        The same over all rows, for tasks never seen; `shared_scale_` may be None.
    n_samples_seen_ : ndarray of shape (n_tasks,)
        Rows of each task, or the sums of their weights.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has names.

    See Also
    --------
    sklearn.preprocessing.StandardScaler : The same over all rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import TaskStandardScaler
    >>> X = np.array([[0.0], [2.0], [100.0], [300.0]])
    >>> TaskStandardScaler().fit_transform(X, task=["A", "A", "B", "B"]).ravel()
    array([-1.,  1., -1.,  1.])
    """

    __metadata_request__transform = {"task": True}
    __metadata_request__inverse_transform = {"task": True}

    _parameter_constraints: dict = {
        "with_mean": ["boolean"],
        "with_std": ["boolean"],
        "unseen": [StrOptions({"raise", "shared"})],
    }

    def __init__(self, *, with_mean=True, with_std=True, unseen="raise"):
        self.with_mean = with_mean
        self.with_std = with_std
        self.unseen = unseen

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, task=None, sample_weight=None):
        """Compute the mean and standard deviation of each task.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features; NaN stands for a missing value and stays one.
        y : ignored
            Not used, present for API consistency.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row. None: one task.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; 0 leaves a row out.

        Returns
        -------
        self : object
            The fitted scaler.
        """
        with keep_previous_fit(self):
            X = self._check_X(X, reset=True)
            self._refuse_sparse_centring(X)
            labels = read_labels(np.zeros(X.shape[0]), task, sample_weight)
            moments = [
                _moments(X[rows], weight)
                for rows, _, weight in map(labels.of_task, range(labels.n_tasks))
            ]
            used = np.flatnonzero(labels.weight > 0)
            mean, var = _moments(X[used], labels.weight[used])
            self.tasks_, self._layout = labels.tasks, labels.layout
            self.mean_, self.var_ = map(np.stack, zip(*moments, strict=True))
            self.shared_mean_ = mean
            self.scale_ = self.shared_scale_ = None
            rows = np.bincount(labels.codes[used])
            if self.with_std:
                self.scale_ = _divisors(self.mean_, self.var_, rows[:, None])
                self.shared_scale_ = _divisors(mean, var, len(used))
            self.n_samples_seen_ = rows
            if sample_weight is not None:
                self.n_samples_seen_ = np.bincount(
                    labels.codes[used], labels.weight[used]
                )
        return self

    def fit_transform(self, X, y=None, *, task=None, sample_weight=None):
        """Fit, and return the scaled features.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        y : ignored
            Not used, present for API consistency.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row. None: one task.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; 0 leaves a row out of the fit.

        Returns
        -------
        ndarray or sparse matrix of shape (n_samples, n_features)
            The scaled features.
        """
        self.fit(X, y, task=task, sample_weight=sample_weight)
        return self.transform(X, task=task)

    def transform(self, X, *, task=None):
        """Scale each row as its task was scaled in fit.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row; needed where the scaler was fitted with `task`.

        Returns
        -------
        ndarray or sparse matrix of shape (n_samples, n_features)
            The scaled features, as a new array.
        """
        X, codes = self._locate(X, task)
        self._refuse_sparse_centring(X)
        scale = _with_shared(self.scale_, self.shared_scale_)
        if sparse.issparse(X):
            return _multiply_sparse(X, codes, 1 / scale) if self.with_std else X.copy()
        out = np.array(X)
        if self.with_mean:
            out -= _with_shared(self.mean_, self.shared_mean_)[codes]
        if self.with_std:
            out /= scale[codes]
        return out

    def inverse_transform(self, X, *, task=None):
        """Undo `transform`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Scaled features.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row; needed where the scaler was fitted with `task`.

        Returns
        -------
        ndarray or sparse matrix of shape (n_samples, n_features)
            The features in their own units, as a new array.
        """
        X, codes = self._locate(X, task)
        self._refuse_sparse_centring(X)
        scale = _with_shared(self.scale_, self.shared_scale_)
        if sparse.issparse(X):
            return _multiply_sparse(X, codes, scale) if self.with_std else X.copy()
        out = np.array(X)
        if self.with_std:
            out *= scale[codes]
        if self.with_mean:
            out += _with_shared(self.mean_, self.shared_mean_)[codes]
        return out

    def _check_X(self, X, *, reset):
        """Return X in its own float precision; NaN passes, infinity does not."""
        return validate_data(
            self,
            X,
            reset=reset,
            accept_sparse=("csr", "csc"),
            dtype=(np.float64, np.float32),
            ensure_all_finite="allow-nan",
        )

    def _refuse_sparse_centring(self, X):
        """Raise rather than fill the zeros of a sparse X."""
        if self.with_mean and sparse.issparse(X):
            raise ValueError(
                "Cannot center sparse matrices: pass `with_mean=False`, which keeps "
                "the zeros, or a dense X."
            )

    def __sklearn_is_fitted__(self):
        return hasattr(self, "tasks_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.with_mean
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _moments(X, weight):
    """Return the weighted mean and variance of the columns of X, NaN left out."""
    with np.errstate(invalid="ignore"):  # 0 / 0: a feature never observed stays NaN
        if sparse.issparse(X):
            return _sparse_moments(X.tocoo(), weight)
        observed = ~np.isnan(X)
        total = weight @ observed
        mean = weight @ np.where(observed, X, 0.0) / total
        centred = np.where(observed, X - mean, 0.0)
        # The second term removes the rounding error of the mean.
        var = weight @ centred**2 / total - (weight @ centred / total) ** 2
        return mean, np.maximum(var, 0.0)


def _sparse_moments(X, weight):
    """Return what `_moments` does, from the stored entries of a coo matrix."""

    def column_sums(values):
        return np.bincount(X.col, values, minlength=X.shape[1])

    observed = ~np.isnan(X.data)
    entry_weight = np.where(observed, weight[X.row], 0.0)
    data = np.where(observed, X.data, 0.0)
    total = weight.sum() - column_sums(np.where(observed, 0.0, weight[X.row]))
    mean = column_sums(entry_weight * data) / total
    squares = column_sums(entry_weight * (data - mean[X.col]) ** 2)
    zeros = total - column_sums(entry_weight)
    return mean, (squares + zeros * mean**2) / total


def _divisors(mean, var, size):
    """Return standard deviations, 1 where a feature is constant up to rounding."""
    rounding = (size * np.finfo(float).eps * mean) ** 2
    return np.sqrt(np.where(var > rounding, var, 1.0))


def _with_shared(per_task, shared):
    """Append the shared row, so that the code -1 of a task never seen finds it."""
    return None if per_task is None else np.vstack([per_task, shared])


def _multiply_sparse(X, codes, factor):
    """Multiply each stored entry by the factor of its task and feature."""
    entries, out = X.tocoo(), X.copy()
    out.data *= factor[codes[entries.row], entries.col]
    return out
