"""The methods with which a fitted `AlphaPathCV` answers: those of its best model."""

from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted


def _has(method):
    """Offer a method where the estimator has it."""

    def check(self):
        getattr(self.estimator, method)  # its AttributeError says what is missing
        return True

    return available_if(check)


class PathResponsesMixin:
    """Delegates to `best_estimator_`."""

    __metadata_request__predict = {"task": True}
    __metadata_request__predict_proba = {"task": True}
    __metadata_request__predict_log_proba = {"task": True}
    __metadata_request__decision_function = {"task": True}
    __metadata_request__score = {"task": True}

    def __sklearn_is_fitted__(self):
        return "best_estimator_" in vars(self)

    def __getattr__(self, name):
        """Return what the best model learned; only called for what is not set."""
        best = vars(self).get("best_estimator_")
        if best is None or name.startswith("_") or not name.endswith("_"):
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}.")
        return getattr(best, name)

    def _best(self):
        check_is_fitted(self)
        return self.best_estimator_

    @_has("predict")
    def predict(self, X, *, task=None):
        """Predict with the best model.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row; needed where the search was fitted with `task`.

        Returns
        -------
        ndarray of shape (n_samples,) or, after a wide fit without `task`, \
(n_samples, n_tasks)
            The predictions.
        """
        return self._best().predict(X, task=task)

    @_has("predict_proba")
    def predict_proba(self, X, *, task=None):
        """Predict the probability of each class with the best model.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row; needed where the search was fitted with `task`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or a list of them
            What the best model gives.
        """
        return self._best().predict_proba(X, task=task)

    @_has("predict_log_proba")
    def predict_log_proba(self, X, *, task=None):
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row; needed where the search was fitted with `task`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or a list of them
            What the best model gives.
        """
        return self._best().predict_log_proba(X, task=task)

    @_has("decision_function")
    def decision_function(self, X, *, task=None):
        """Return the score by which the best model decides.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row; needed where the search was fitted with `task`.

        Returns
        -------
        ndarray
            What the best model gives.
        """
        return self._best().decision_function(X, task=task)

    def score(self, X, y, *, task=None, sample_weight=None):
        """Return the score of the best model: R^2 or accuracy, not the loss of the CV.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True labels.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row; needed where the search was fitted with `task`.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels.

        Returns
        -------
        float
            What the best model's `score` gives.
        """
        return self._best().score(X, y, task=task, sample_weight=sample_weight)
