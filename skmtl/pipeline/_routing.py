"""Passing the task, and the weights, down through scikit-learn's own composites.

scikit-learn hands metadata down when metadata routing is on and every estimator below
says what it wants. The functions here turn it on for the time of one call (for this
thread only), fill in what nobody asked for, and mend the calls that are not routed.
"""

from copy import copy
from functools import wraps
from inspect import signature

from sklearn import config_context
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, get_scorer, r2_score
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRequest,
    MetadataRouter,
    get_routing_for_object,
)

from skmtl._compat import is_search, set_unset_requests

RESPONSES = ("predict", "predict_proba", "predict_log_proba", "decision_function")


def given(**metadata):
    """Return the metadata that are not None."""
    return {name: value for name, value in metadata.items() if value is not None}


def without_search(estimator):
    """Return what answers in the place of a search: its best estimator once fitted.

    A search does not pass metadata to `predict`, and a pipeline that ends in one does
    not either, so they are asked without the search around them.
    """
    if is_search(estimator):
        return without_search(
            getattr(estimator, "best_estimator_", estimator.estimator)
        )
    if isinstance(estimator, Pipeline) and estimator.steps:
        name, last = estimator.steps[-1]
        answers = without_search(last)
        if answers is not last:
            steps = [*estimator.steps[:-1], (name, answers)]
            estimator = copy(estimator)  # shares the fitted steps
            estimator.steps = steps
    return estimator


def takes(estimator, method, name):
    """Tell whether `method` of the estimator, or of a step below, takes a metadata."""
    function = getattr(estimator, method, None)
    if function is None:
        return False
    if name in signature(function).parameters:
        return True
    with config_context(enable_metadata_routing=True):
        routing = get_routing_for_object(estimator)
    return bool(routing.consumes(method, [name]))


# ---------------------------------------------------------------- before a fit
def _children(estimator):
    """Return the (name, estimator) pairs directly below an estimator."""
    return [
        (name, value)
        for name, value in estimator.get_params().items()
        if "__" not in name
        and hasattr(value, "get_params")
        and not isinstance(value, type)
    ]


def prepare_requests(estimator, metadata, weighted=True):
    """Let every estimator below ask for what it takes and nobody has decided.

    `task` goes to all that take it. `sample_weight` goes to the estimator that predicts
    and not to transformers, unless the user asked for it (``set_fit_request``). Scorers
    of a search below get the task too. Changes `estimator`, which must be a clone.
    """
    if not hasattr(estimator, "get_params"):
        return
    weighted = weighted and hasattr(estimator, "predict")
    set_unset_requests(estimator, {"task": True, "sample_weight": weighted})
    if not _is_router(estimator):
        return  # a consumer, such as IndependentTasks, decides for its own estimators
    children = _children(estimator)
    for name, child in children:
        last = not isinstance(estimator, Pipeline) or name == estimator.steps[-1][0]
        prepare_requests(child, metadata, weighted and last)
    if any(takes(child, "fit", name) for _, child in children for name in metadata):
        _route_scoring(estimator)


def _is_router(estimator):
    """Tell whether an estimator hands metadata to others."""
    with config_context(enable_metadata_routing=True):
        return isinstance(get_routing_for_object(estimator), MetadataRouter)


def _route_scoring(estimator):
    """Make the scorers of a search take the weights, and predict with the task."""
    if "scoring" not in estimator.get_params(deep=False):
        return
    scoring = estimator.scoring
    if isinstance(scoring, (list, tuple, set)):
        scoring = {name: name for name in scoring}
    if isinstance(scoring, dict):
        estimator.scoring = {name: _routed(s) for name, s in scoring.items()}
    else:
        estimator.scoring = _routed(scoring)


def _routed(scoring):
    """Return the scorer, wrapped unless it asks for the task itself."""
    if scoring is not None and not isinstance(scoring, str):
        with config_context(enable_metadata_routing=True):
            routing = get_routing_for_object(scoring)
        if routing.consumes("score", ["task"]):
            return scoring
    return RoutedScorer(scoring)


def check_takes_task(estimator):
    """Raise if nothing in the estimator would see the task, in fit or in predict."""
    name = type(estimator).__name__
    if not takes(estimator, "fit", "task"):
        raise ValueError(
            f"MTLPipeline was given tasks, but nothing in its estimator ({name}) takes "
            "task=. Use a multi-task estimator, or wrap the model in IndependentTasks "
            "(one per task) or PooledTasks (one for all)."
        )
    answering = without_search(estimator)
    methods = [m for m in (*RESPONSES, "transform") if hasattr(answering, m)]
    if methods and not takes(answering, methods[0], "task"):
        raise ValueError(
            f"{type(answering).__name__}.{methods[0]} does not pass task= on in this "
            "version of scikit-learn. Put MTLPipeline inside it, around each "
            "estimator, with the task in a column (task_col)."
        )


def fit(estimator, X, y, metadata):
    """Fit the estimator, which is changed; it must be a clone of the user's."""
    if not metadata:
        estimator.fit(X, y)
        return
    prepare_requests(estimator, metadata)
    if "task" in metadata:
        check_takes_task(estimator)
    with config_context(enable_metadata_routing=True):
        estimator.fit(X, y, **metadata)


# ---------------------------------------------------------------- fitted estimators
def call(estimator, method, X, **metadata):
    """Call a method of a fitted estimator with the metadata that are not None."""
    metadata = given(**metadata)
    if not metadata:
        return getattr(estimator, method)(X)
    with config_context(enable_metadata_routing=True):
        return getattr(without_search(estimator), method)(X, **metadata)


def score(estimator, X, y, *, task=None, sample_weight=None):
    """Return what the estimator's `score` says of predictions made with the task."""
    metadata = given(task=task, sample_weight=sample_weight)
    if not metadata:
        return estimator.score(X, y)
    if task is not None and not takes(estimator, "score", "task"):
        # TransformedTargetRegressor and others predict with the task but do not score.
        metric = accuracy_score if is_classifier(estimator) else r2_score
        predicted = call(estimator, "predict", X, task=task)
        return metric(y, predicted, sample_weight=sample_weight)
    with config_context(enable_metadata_routing=True):
        return estimator.score(X, y, **metadata)


class _WithTask:
    """A fitted estimator whose answers are those for given task labels."""

    def __init__(self, estimator, task):
        self.estimator = estimator
        self.task = task

    def __sklearn_tags__(self):
        return get_tags(self.estimator)

    def __getattr__(self, name):
        value = getattr(self.estimator, name)
        if name not in RESPONSES:
            return value

        @wraps(value)
        def respond(X):
            return call(self.estimator, name, X, task=self.task)

        return respond


class RoutedScorer:
    """A scorer of scikit-learn's that predicts with the task.

    Parameters
    ----------
    scoring : str, callable or None
        As in `sklearn.model_selection.GridSearchCV`; None is the estimator's `score`.
    """

    def __init__(self, scoring):
        self.scoring = scoring

    def __repr__(self):
        return f"RoutedScorer({self.scoring!r})"

    def get_metadata_routing(self):
        """Ask for the task, and for the weights where the metric has a use for them."""
        request = MetadataRequest(owner="RoutedScorer")
        request.score.add_request(param="task", alias=True)
        request.score.add_request(param="sample_weight", alias=self._weighted)
        return request

    @property
    def _weighted(self):
        if self.scoring is None:
            return True
        scorer = get_scorer(self.scoring)
        with config_context(enable_metadata_routing=True):
            requests = get_routing_for_object(scorer).score.requests
        metric = getattr(scorer, "_score_func", scorer)
        takes_weights = "sample_weight" in signature(metric).parameters
        return takes_weights and requests.get("sample_weight") is not False

    def _accept_sample_weight(self):
        return self._weighted

    def __call__(self, estimator, X, y, *, task=None, sample_weight=None):
        if self.scoring is None:
            return score(estimator, X, y, task=task, sample_weight=sample_weight)
        scorer = get_scorer(self.scoring)
        weights = given(sample_weight=sample_weight)
        return scorer(_WithTask(estimator, task), X, y, **weights)
