"""The methods with which a fitted `MTLPipeline` answers for rows of X."""

from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

import skmtl.pipeline._routing as routing


def _estimator_has(method):
    """Tell whether the estimator inside has a method, for `available_if`."""

    def check(self):
        getattr(self._inside, method)  # its AttributeError says what is missing
        return True

    return check


class ResponsesMixin:
    """Calls the fitted estimator inside, for X as `_read` splits it."""

    def _call(self, method, X, task):
        """Call a method of the fitted estimator for the rows of X."""
        check_is_fitted(self)
        rest, labels = self._read(X, task, reset=False)
        return routing.call(self.estimator_, method, rest, task=labels)

    @available_if(_estimator_has("predict"))
    def predict(self, X, *, task=None):
        """Predict each row with the model of its task.

        Parameters
        ----------
        X : DataFrame, array-like or sparse matrix of shape (n_samples, n_features)
            The features, with the task column if there is one.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row, if it is not in a column of X.

        Returns
        -------
        ndarray of shape (n_samples,) or, in the wide layout, (n_samples, n_tasks)
            What the final estimator predicts.
        """
        return self._call("predict", X, task)

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X, *, task=None):
        """Predict the probability of each class.

        Parameters
        ----------
        X : DataFrame, array-like or sparse matrix of shape (n_samples, n_features)
            The features, with the task column if there is one.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row, if it is not in a column of X.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or a list of them
            What the final estimator predicts, by the order of `classes_`.
        """
        return self._call("predict_proba", X, task)

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X, *, task=None):
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : DataFrame, array-like or sparse matrix of shape (n_samples, n_features)
            The features, with the task column if there is one.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row, if it is not in a column of X.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or a list of them
            What the final estimator predicts, by the order of `classes_`.
        """
        return self._call("predict_log_proba", X, task)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X, *, task=None):
        """Return the score by which the classifier decides.

        Parameters
        ----------
        X : DataFrame, array-like or sparse matrix of shape (n_samples, n_features)
            The features, with the task column if there is one.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row, if it is not in a column of X.

        Returns
        -------
        ndarray
            What the final estimator returns.
        """
        return self._call("decision_function", X, task)

    @available_if(_estimator_has("transform"))
    def transform(self, X, *, task=None):
        """Transform the rows, where the final step is a transformer.

        Parameters
        ----------
        X : DataFrame, array-like or sparse matrix of shape (n_samples, n_features)
            The features, with the task column if there is one.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row, if it is not in a column of X.

        Returns
        -------
        ndarray or DataFrame
            What the final step returns; without the task column.
        """
        return self._call("transform", X, task)

    @available_if(_estimator_has("set_output"))
    def set_output(self, *, transform=None):
        """Choose the container that the transformers inside return.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            As in `sklearn.pipeline.Pipeline.set_output`; None changes nothing.

        Returns
        -------
        self : object
            The pipeline, with the choice made in the estimator inside.
        """
        for estimator in (self.estimator, getattr(self, "estimator_", None)):
            if estimator is not None:
                estimator.set_output(transform=transform)
        return self

    @available_if(_estimator_has("score"))
    def score(self, X, y, *, task=None, sample_weight=None):
        """Return the score of the estimator on the predictions for X.

        Parameters
        ----------
        X : DataFrame, array-like or sparse matrix of shape (n_samples, n_features)
            The features, with the task column if there is one.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True labels.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row, if it is not in a column of X.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels.

        Returns
        -------
        float
            With task labels, over all rows; in the wide layout the mean over tasks.
        """
        check_is_fitted(self)
        rest, labels = self._read(X, task, reset=False)
        weights = routing.given(sample_weight=sample_weight)
        return routing.score(self.estimator_, rest, y, task=labels, **weights)
