"""Everything scikit-learn keeps private or has only in some versions."""

from contextlib import contextmanager
from functools import cache, lru_cache
from inspect import signature

from sklearn.base import _fit_context as fit_context
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import _num_samples as num_samples
from sklearn.utils.validation import check_array, column_or_1d

try:  # scikit-learn >= 1.9
    from sklearn.callback import CallbackSupportMixin

    HAS_CALLBACKS = True
except ImportError:
    HAS_CALLBACKS = False

    class CallbackSupportMixin:
        """Stand-in where scikit-learn has no callbacks yet."""


# Types whose values stay what they are.
_PLAIN = {bool, int, float, str, type(None)}


class KnownParameters:
    """Reads the signature of a class once, and checks plain parameters once.

    scikit-learn does both at every fit.
    """

    @classmethod
    @cache
    def _get_param_names(cls):
        return super()._get_param_names()

    def _validate_params(self):
        values = [getattr(self, name) for name in self._get_param_names()]
        types = tuple(map(type, values))
        if _PLAIN.issuperset(types):
            _validate_plain(type(self), types, *values)
        else:
            super()._validate_params()


@lru_cache(maxsize=256)
def _validate_plain(cls, types, *values):
    """Raise if these are no parameters of the class; remembered where they are.

    The types tell numbers apart that are equal: 1, 1.0 and True.
    """
    model = object.__new__(cls)
    vars(model).update(zip(cls._get_param_names(), values, strict=True))
    super(KnownParameters, model)._validate_params()


_SIMPLE_METHODS = (
    "fit",
    "partial_fit",
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score",
    "split",
    "transform",
    "inverse_transform",
)


def name_request_owner(request, owner):
    """Let a metadata request name its owner by a string.

    scikit-learn 1.8 keeps the estimator itself there and deep-copies it on every routed
    call, which costs seconds for a large fitted model.
    """
    request.owner = owner
    for method in _SIMPLE_METHODS:
        if hasattr(request, method):
            getattr(request, method).owner = owner
    return request


def check_features(X):
    """Return X as a finite float64 array or csr/csc matrix, or raise."""
    return check_array(X, accept_sparse=("csr", "csc"), dtype="float64")


def set_unset_requests(estimator, requests):
    """Decide the metadata requests of an estimator that its user left undecided.

    `requests` maps names of metadata to True or False, for all methods that take them.
    """
    try:
        own, changed = estimator._get_metadata_request(), False
    except (AttributeError, ValueError):  # it has none, or routes only (RFECV in 1.9)
        return
    for method in _SIMPLE_METHODS:
        request = getattr(own, method, None)
        for name, alias in list(request.requests.items()) if request else ():
            if alias is None and name in requests:
                request.add_request(param=name, alias=requests[name])
                changed = True
    if changed:
        estimator._metadata_request = name_request_owner(own, type(estimator).__name__)


def is_search(estimator):
    """Tell whether an estimator is a search of scikit-learn, or derived from one."""
    from sklearn.model_selection._search import BaseSearchCV  # slow to import

    return isinstance(estimator, BaseSearchCV)


def logistic_regression_cv(**params):
    """Return a LogisticRegressionCV with an L2 penalty, as this version says it."""
    from sklearn.linear_model import LogisticRegressionCV

    if "use_legacy_attributes" in signature(LogisticRegressionCV).parameters:  # >= 1.8
        params |= {"use_legacy_attributes": False, "l1_ratios": (0.0,)}
    return LogisticRegressionCV(**params)


class FitProgress:
    """Reports the iterations of one fit to scikit-learn's callbacks, if there are any.

    Parameters
    ----------
    estimator : estimator with `CallbackSupportMixin`
    X, y, metadata :
        What the user passed to fit.
    max_steps : int or None
        Upper bound on the number of iterations.
    """

    def __init__(self, estimator, X, y, metadata=None, max_steps=None):
        self.context = None
        if HAS_CALLBACKS and (
            getattr(estimator, "_skl_callbacks", None)
            or hasattr(estimator, "_parent_callback_ctx")
        ):
            self.estimator = estimator
            self.arguments = {"X": X, "y": y, "metadata": metadata}
            self.context = estimator._init_callback_context(max_subtasks=max_steps)
            self.context.call_on_fit_task_begin(estimator=estimator, **self.arguments)

    def step(self, attributes=None):
        """Report one iteration; True means that a callback asks to stop.

        `attributes` is a function that returns the fitted attributes so far, if there
        are any.
        """
        if self.context is None:
            return False
        sub = self.context.subcontext(task_name="iteration")
        sub.call_on_fit_task_begin(estimator=self.estimator, **self.arguments)
        known = {} if attributes is None else {"reconstruction_attributes": attributes}
        return bool(
            sub.call_on_fit_task_end(
                estimator=self.estimator, **known, **self.arguments
            )
        )

    @contextmanager
    def delegate(self, estimator):
        """Hand the callbacks on to the estimator that is fitted inside the block."""
        if self.context is None:
            yield
            return
        sub = self.context.subcontext(task_name="fit-estimator")
        with sub.propagate_callback_context(estimator):
            sub.call_on_fit_task_begin(estimator=self.estimator, **self.arguments)
            yield
            sub.call_on_fit_task_end(estimator=self.estimator, **self.arguments)

    def finish(self, attributes):
        """Report the end of the fit."""
        if self.context is not None:
            self.context.call_on_fit_task_end(
                estimator=self.estimator,
                reconstruction_attributes=attributes,
                **self.arguments,
            )


__all__ = [
    "HAS_CALLBACKS",
    "CallbackSupportMixin",
    "FitProgress",
    "HasMethods",
    "Interval",
    "KnownParameters",
    "StrOptions",
    "check_features",
    "check_random_state",
    "column_or_1d",
    "fit_context",
    "is_search",
    "logistic_regression_cv",
    "name_request_owner",
    "num_samples",
    "safe_indexing",
    "set_unset_requests",
]
