"""The models that `MTLPipeline.compare` holds against the pipeline."""

from collections.abc import Mapping
from inspect import signature

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skmtl._compat import is_search, logistic_regression_cv
from skmtl.base import BaseTaskEstimator
from skmtl.baselines import IndependentTasks, PooledTasks
from skmtl.comparison import TransferGuard
from skmtl.linear_model import GroupLassoRegressor
from skmtl.linear_model.task_losses import NAMES
from skmtl.model_selection import AlphaPathCV, TaskKFold
from skmtl.neural_network import MultiTaskMLPClassifier, MultiTaskMLPRegressor
from skmtl.splits import assign_folds

JOINT = "multi-task"  # the pipeline itself
ALONE = "single-task"  # the reference
RIDGE_ALPHAS = np.logspace(-3, 5, 17)
RIDGES = np.logspace(-4, 2, 7)  # of a mean loss, where RidgeCV has a sum
LOGISTIC_CS = np.logspace(-4, 2, 7)
# Parameters that may name tasks, to say what one is to the others.
BETWEEN_TASKS = {"graph", "order", "tree", "task_weight", "loss_weighting"}


class ClassFolds:
    """Folds of one task in which every class has rows to train on.

    Up to five folds, fewer where a class has fewer rows. A class with a single row
    cannot be held out: the one "fold" then trains and tests on all rows.
    """

    def split(self, X, y, groups=None):
        """Yield (train, test) positions."""
        _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        n_splits, rows = min(5, counts.min()), np.arange(len(codes))
        if n_splits == 1:
            yield rows, rows
            return
        folds = assign_folds(codes, n_splits)
        for fold in range(n_splits):
            yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds for labels y."""
        return min(5, np.unique(y, return_counts=True)[1].min())


def baseline_models(pipeline, *, random_state=None):
    """Return {name: MTLPipeline}: the pipeline itself and its baselines, not fitted.

    Parameters
    ----------
    pipeline : MTLPipeline
        Its `baselines` says which; see there.
    random_state : int, RandomState instance or None, default=None
        Seed for the baselines that draw.

    Returns
    -------
    dict of str -> MTLPipeline
        "multi-task" first, then the baselines: each is the pipeline with another final
        step behind clones of the same preprocessing.
    """
    finals = pipeline.baselines
    if finals is None:
        finals = {}
    elif not isinstance(finals, Mapping):
        finals = default_finals(pipeline, random_state)
    if JOINT in finals:
        raise ValueError(
            f"baselines has a model named {JOINT!r}, which is the name of the pipeline "
            "itself in a comparison. Rename it."
        )
    replaced = {name: _with_final(pipeline, final) for name, final in finals.items()}
    return {JOINT: clone(pipeline), **replaced}


def reference_of(models):
    """Return the name of the model that the others are compared with."""
    others = [name for name in models if name != JOINT]
    return ALONE if ALONE in models else (others or [JOINT])[0]


def default_finals(pipeline, random_state=None):
    """Return the final estimators of ``baselines="default"``."""
    final = _final(pipeline.estimator)
    unseen = getattr(_tuned(final), "unseen", "raise")
    final = _unguarded(final)
    if is_classifier(final):
        simple = logistic_regression_cv(
            Cs=LOGISTIC_CS, cv=ClassFolds(), scoring="neg_log_loss", max_iter=1000
        )
        network = MultiTaskMLPClassifier(unseen=unseen, random_state=random_state)
    else:
        loss = _loss(_tuned(final))
        simple = RidgeCV(RIDGE_ALPHAS)
        network = MultiTaskMLPRegressor(unseen=unseen, random_state=random_state)
        if loss is not None:
            simple = _ridge_of_loss(pipeline, loss)
            network.set_params(loss=loss)
    finals = {
        ALONE: IndependentTasks(_for_one_task(pipeline), unseen=unseen),
        "ridge": IndependentTasks(simple, unseen=unseen),
        "pooled": PooledTasks(clone(simple), unseen=unseen),
        "mlp": network,
    }
    if _mixes_losses(_tuned(final)):
        del finals["pooled"]  # one model cannot be right for a length and a risk
    return finals


def _final(estimator):
    """Return the final step of an estimator; a search counts as one step."""
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def _unguarded(final):
    """Return the multi-task model of a guard: one task alone needs no guard."""
    return final.estimator if isinstance(final, TransferGuard) else final


def _with_final(pipeline, final):
    """Return a clone of the pipeline with another final step."""
    if not hasattr(final, "fit"):
        raise TypeError(
            "baselines must map names to estimators (the final step of each model), "
            f"got {final!r}."
        )
    estimator = clone(final)
    if isinstance(pipeline.estimator, Pipeline):
        steps = clone(pipeline.estimator)
        name = type(final).__name__.lower()
        if name in dict(steps.steps[:-1]):
            name = steps.steps[-1][0]
        steps.steps[-1] = (name, estimator)
        estimator = steps
    return clone(pipeline).set_params(estimator=estimator)


def _tuned(estimator):
    """Return the estimator that a search tunes, or the estimator itself."""
    while is_search(estimator) or isinstance(estimator, AlphaPathCV):
        estimator = _final(estimator.estimator)
    return estimator


def _for_one_task(pipeline):
    """Return a clone of the final step that can be fitted to one task at a time.

    Alone there is no task: nothing may be weighed, tied or read by its label.
    """
    final = clone(_unguarded(_final(pipeline.estimator)))
    parts = final.get_params(deep=True)
    for key, value in parts.items():
        prefix, _, name = key.rpartition("__")
        owner = parts[prefix] if prefix else final
        general = isinstance(value, str) or hasattr(value, "get_params")
        between = isinstance(owner, BaseTaskEstimator) and name in BETWEEN_TASKS
        if between and not general:
            default = signature(type(owner)).parameters[name].default
            final.set_params(**{key: default})
    if getattr(getattr(final, "cv", None), "task_col", None) is not None:
        final.cv.task_col = None
    return _taking_weights(pipeline, final) if is_search(final) else final


def _ridge_of_loss(pipeline, loss):
    """Return a search for the ridge of a regression of any loss, for one task."""
    plain = GroupLassoRegressor(alpha=0.0, loss=loss)
    search = GridSearchCV(plain, {"ridge": RIDGES}, cv=TaskKFold(5))
    return _taking_weights(pipeline, search)


def _taking_weights(pipeline, search):
    """Return a search inside a pipeline, since alone it takes no sample_weight."""
    return clone(pipeline).set_params(estimator=search, task_col=None, baselines=None)


def _loss(estimator):
    """Return the loss of an estimator that baselines shall share; None if squared."""
    loss = getattr(estimator, "loss", None)
    names = set(loss.values()) if isinstance(loss, Mapping) else {loss}
    if not names <= set(NAMES) or names <= {"squared", "huber"}:
        return None
    return loss if len(names) > 1 else names.pop()  # a pooled model has no task to name


def _mixes_losses(estimator):
    """Tell whether an estimator fits tasks of different losses."""
    loss = getattr(estimator, "loss", None)
    return isinstance(loss, Mapping) and len(set(loss.values())) > 1
