"""`compare`: every model in every fold, and the report on it."""

import warnings
from collections.abc import Mapping

import numpy as np
from sklearn.base import is_classifier

from skmtl._compat import check_random_state
from skmtl.comparison._assemble import OBSERVED, assemble
from skmtl.comparison._evidence import seeds_of
from skmtl.comparison._execution import hand_over, run_folds
from skmtl.comparison._folds import make_folds
from skmtl.comparison._runs import check_takes, column_reader
from skmtl.comparison._table import read_table
from skmtl.comparison._text import counted
from skmtl.model_selection import TaskScorer

DEFAULT_REFERENCE = "single-task"
MIN_FOLDS = 5


def compare(
    models,
    X,
    y,
    *,
    task=None,
    groups=None,
    sample_weight=None,
    cv=None,
    scoring=None,
    reference=None,
    n_jobs=None,
    random_state=None,
    callbacks=None,
):
    """Compare models per task, on the same folds, with a verdict on each gain.

    Every model is fitted and scored in the same cross-validation folds. For each task,
    the loss of a model in a fold is paired with that of the reference, and the mean
    difference, the gain, gets an interval and a p value that allow for the overlap of
    the training parts (corrected resampled t, [1]_). The verdict "helps" or "hurts" is
    given where the p value, adjusted by Holm's method for all models and tasks of the
    table, is at most 0.05; elsewhere it is "no evidence".

    Parameters
    ----------
    models : dict of str -> estimator
        Regressors or classifiers: estimators of this package, `MTLPipeline` (also with
        the task in a column of X), searches over one, or, where there is no task to be
        passed, any of scikit-learn. They are cloned, never changed.
    X : DataFrame, array-like or sparse matrix of shape (n_samples, n_features)
        The features, with the task column if models read it there.
    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        One label per row, or one column per task with NaN where not observed.
    task : array-like of shape (n_samples,), default=None
        The task of each row, where neither X nor y says it.
    groups : array-like of shape (n_samples,), default=None
        Rows of one group (a patient's, say) stay in one fold. A table made by
        `wide_to_long` needs its ``row`` here.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
        Weights of the labels, in fits and in scores. A label of weight 0 is not there.
    cv : int, splitter or iterable of (train, test), default=None
        None: 5 folds, dealt twice, each task spread over the folds as by `TaskKFold`.
        An integer: that many folds, dealt twice. More folds in all make the verdicts
        more powerful; with fewer than 5 there is a warning.
    scoring : str, callable or dict, default=None
        None: regressors show R^2 (against the variance of the task over all folds) and
        pair squared errors, classifiers show the area under the ROC curve and pair
        log-losses. A task to which a regressor among the models gives
        ``loss="logistic"`` or ``"poisson"`` pairs log-losses or Poisson deviances, and
        explained deviances D^2 are shown. Anything that `TaskScorer` takes (greater is
        better) is shown and paired instead; R^2 and ROC AUC make timid verdicts in
        small tasks.
    reference : str, default=None
        Name of the model that the others are compared with. None: "single-task" if
        there is such a model, otherwise the first one.
    n_jobs : int, default=None
        Number of fits at a time; -1 for as many as there are cores. The results do not
        depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds, and of everything inside the models that draws and has
        ``random_state=None``. Pass an integer for results that can be repeated.
    callbacks : callback or list of callbacks, default=None
        Callbacks of scikit-learn 1.9 or later that follow the fits, one step each:
        ``sklearn.callback.ProgressBar()`` shows how far the comparison is.

    Returns
    -------
    ComparisonReport
        Scores, gains and verdicts, the predictions for the test parts, times and tuned
        parameters. If the comparison is interrupted from the keyboard, or by a
        callback, once two folds are finished, the report on the finished folds, with a
        warning.

    Raises
    ------
    ValueError, TypeError or RuntimeError
        If the data, the folds or the models do not go together. A model that fails in a
        fold is named, with the fold; once two folds are finished, the error has the
        report on them in its attribute ``report``.

    See Also
    --------
    MTLPipeline.compare : Compare a pipeline with its baselines.

    Notes
    -----
    The variance of the mean gain over J folds is taken as (1 / J + n_test / n_train)
    times the variance over folds, with J - 1 degrees of freedom; n counts the labelled
    rows of the task, or their groups if `groups` is given. Intervals are pointwise, at
    95 %. The overall gain is the mean over tasks of the gain relative to the loss of
    the reference; it has an interval and no verdict. A task that the reference predicts
    without any loss has no relative gain, and no part in the overall one. Nothing is
    tuned here: a model that shall choose its parameters is passed as a search, which
    then searches inside every training part.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio (2003). Inference for the generalization error.
       Machine Learning 52, 239-281.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmtl import GroupLassoRegressor, IndependentTasks, compare
    >>> from skmtl import make_group_sparse_tasks
    >>> X, y, task, _ = make_group_sparse_tasks(
    ...     n_tasks=3, n_samples=60, n_features=20, n_informative=3, random_state=0
    ... )
    >>> models = {
    ...     "single-task": IndependentTasks(LinearRegression()),
    ...     "multi-task": GroupLassoRegressor(alpha=0.1),
    ... }
    >>> report = compare(models, X, y, task=task, random_state=0)
    >>> report
    ComparisonReport(2 models, 3 tasks, 5 folds x 2 repeats, reference 'single-task')
    >>> report.verdicts_["multi-task"]
    {0: 'helps', 1: 'helps', 2: 'helps'}
    """
    classify = _check_models(models)
    names = list(models)
    reference = _choose_reference(names, reference)
    readers = {name: column_reader(model) for name, model in models.items()}
    table = read_table(
        X,
        y,
        task,
        groups,
        sample_weight,
        in_column=_read_column(readers, X),
        classify=classify,
    )
    for name, model in models.items():
        check_takes(name, model, table)
    if isinstance(scoring, TaskScorer):
        scoring = scoring.scoring
    if scoring is not None:
        TaskScorer(scoring)  # raises before anything is fitted
    rng = check_random_state(random_state)
    folds, words = make_folds(table, cv, groups, rng)
    if len(folds) < MIN_FOLDS:
        warnings.warn(
            f"The comparison has {counted(len(folds), 'fold')}; with fewer than "
            f"{MIN_FOLDS} the intervals are wide and verdicts rare. Pass a larger cv.",
            UserWarning,
            stacklevel=2,
        )
    seeds = seeds_of(random_state, rng, len(folds))
    runs, stopped = run_folds(
        models, table, folds, seeds, scoring, n_jobs=n_jobs, callbacks=callbacks
    )
    n_finished = len(runs[reference])
    if n_finished < len(folds):
        words = f"{n_finished} of {len(folds)} folds"
    report = assemble(
        models, runs, table, folds[:n_finished], words, reference, scoring
    )
    return hand_over(report, stopped, len(folds))


def _check_models(models):
    """Return whether the models are classifiers, or raise."""
    if not isinstance(models, Mapping) or not models:
        raise TypeError(
            f"models must be a dict of name -> estimator, at least one, got {models!r}."
        )
    for name, model in models.items():
        if not isinstance(name, str):
            raise TypeError(f"The names of models must be strings, got {name!r}.")
        if name in OBSERVED:
            raise ValueError(
                f"A model cannot be named {name!r}: tables of predictions have a "
                "column of that name. Rename it."
            )
        if not hasattr(model, "fit") or isinstance(model, type):
            raise TypeError(
                f"Model {name!r} must be an estimator with a fit method, got {model!r}."
            )
    kinds = {name: is_classifier(model) for name, model in models.items()}
    if len(set(kinds.values())) > 1:
        classifiers = [name for name, classifies in kinds.items() if classifies]
        raise ValueError(
            "Classifiers and regressors cannot be compared with each other; the "
            f"classifiers are {classifiers}, the others are not."
        )
    return kinds.popitem()[1]


def _choose_reference(names, reference):
    """Return the name of the reference, or raise."""
    if reference is None:
        return DEFAULT_REFERENCE if DEFAULT_REFERENCE in names else names[0]
    if reference not in names:
        raise ValueError(f"reference={reference!r} is not among the models: {names}.")
    return reference


def _read_column(readers, X):
    """Return the task labels that models read from a column of X, or None."""
    found = {n: r.get_task(X) for n, r in readers.items() if r is not None}
    if not found:
        return None
    first, labels = next(iter(found.items()))
    for name, others in found.items():
        if not np.array_equal(labels, others):
            raise ValueError(
                f"Models {first!r} and {name!r} read different tasks from X. Give "
                "their pipelines the same task_col."
            )
    return labels
