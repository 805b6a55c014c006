"""Learning together only where it helps."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skmtl._compat import (
    FitProgress,
    HasMethods,
    Interval,
    check_random_state,
    fit_context,
    safe_indexing,
)
from skmtl.base import SHARED, keep_previous_fit
from skmtl.baselines._meta import TaskMetaEstimator
from skmtl.comparison._evidence import (
    HeldOut,
    check_reads_no_column,
    count_labels,
    explained,
    predict_held_out,
    seeds_of,
)
from skmtl.comparison._folds import make_folds
from skmtl.comparison._runs import check_takes, seed_parts
from skmtl.comparison._statistics import (
    paired_gains,
    relative_gains,
    shrunken_gains,
)
from skmtl.comparison._table import read_table
from skmtl.comparison._task_view import TaskView

NAMES = ("estimator", "fallback")


class TransferGuard(TaskMetaEstimator):
    """Learn tasks together, but keep a fallback for those that gain nothing by it.

    Both models are cross-validated inside the training data, on the same folds. A task
    is answered by `estimator` where its mean paired gain in held-out loss over
    `fallback` exceeds the standard error of that gain, and by `fallback` otherwise; so
    negative transfer costs little, and most of a real gain is kept. The standard error
    allows for the overlap of the training parts [1]_. As the folds of one task say
    little, the gains of four tasks or more are first shrunken to their mean, as far as
    tasks agree (empirical Bayes [2]_): this too is learnt together.

    Parameters
    ----------
    estimator : estimator
        The multi-task model: a regressor or classifier of this package, or an
        `MTLPipeline` without a task column. It is cloned, never changed.
    fallback : estimator
        What to fall back on, of the same kind; as a rule an `IndependentTasks`.
    cv : int, splitter or iterable of (train, test), default=None
        The inner folds. None: 5 folds, dealt twice, each task spread over them. An
        integer: that many folds, dealt twice. More folds cost more fits.
    n_se : float, default=1.0
        By how many standard errors the gain of a task must exceed zero. Larger values
        guard better against negative transfer, and keep less of real gains.
    shrink : bool, default=True
        Whether the gains of the other tasks help to judge that of each. False: by its
        own folds alone, which keeps less of real gains.
    unseen : {"raise", "shared"}, default="raise"
        What to do with rows of a task never seen in fit: raise, or let the model of
        `unseen_choice_` predict them by what its tasks share, with a warning.
    n_jobs : int, default=None
        Number of fits at a time; -1 for as many as there are cores. The results do not
        depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds, and of everything inside the models that draws and has
        ``random_state=None``. Pass an integer for results that can be repeated.

    Attributes
    ----------
    chosen_ : dict
        Task label -> "estimator" or "fallback".
    gains_ : ndarray of shape (n_tasks,)
        Mean held-out loss of the fallback minus that of the estimator; positive where
        learning together is better. NaN where no test part has a label.
    gain_se_ : ndarray of shape (n_tasks,)
        Their corrected standard errors.
    judged_gains_ : ndarray of shape (n_tasks,)
        What is compared with `n_se` standard errors: `gains_` over the mean loss of the
        fallback, and shrunken unless ``shrink=False``.
    judged_gain_se_ : ndarray of shape (n_tasks,)
        Their standard errors.
    losses_ : dict
        Task label -> "squared error", "log-loss" (of classifiers, and of regressors
        with ``loss="logistic"``) or "Poisson deviance" (with ``loss="poisson"``).
    cv_losses_ : ndarray of shape (2, n_tasks, n_folds)
        The losses of the estimator and of the fallback.
    unseen_choice_ : {"estimator", "fallback"}
        The estimator, if the gain relative to the fallback's loss, averaged over tasks,
        exceeds its corrected standard error.
    estimator_, fallback_ : estimator
        Both models, fitted to all data.
    tasks_ : ndarray of shape (n_tasks,)
        The tasks.
    classes_ : ndarray, or list of ndarray after a wide fit
        Classes, the sorted union over tasks; a wide fit keeps those of each task.
    task_classes_ : dict
        Task label -> its classes. Classifiers only.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has names.

    See Also
    --------
    compare : A verdict on several models, for people to read.
    select_tasks : Which tasks to learn together.

    Notes
    -----
    Everything that the models tune is tuned again in each inner training part. In
    `MTLPipeline` the guard is the final step; scalers before it see the inner test
    parts, which does not favour either model.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio (2003). Inference for the generalization error.
       Machine Learning 52, 239-281.
       https://doi.org/10.1023/A:1024068626366
    .. [2] C. N. Morris (1983). Parametric empirical Bayes inference: theory and
       applications. Journal of the American Statistical Association 78, 47-55.
       https://doi.org/10.1080/01621459.1983.10477920

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmtl import GroupLassoRegressor, IndependentTasks, TransferGuard
    >>> from skmtl import make_group_sparse_tasks
    >>> X, y, task, _ = make_group_sparse_tasks(
    ...     n_tasks=3, n_samples=60, n_features=20, n_informative=3, random_state=0
    ... )
    >>> guard = TransferGuard(
    ...     GroupLassoRegressor(alpha=0.1),
    ...     IndependentTasks(LinearRegression()),
    ...     random_state=0,
    ... )
    >>> guard.fit(X, y, task=task).chosen_
    {0: 'estimator', 1: 'estimator', 2: 'estimator'}
    """

    __metadata_request__fit = {"task": True, "groups": True}

    _parameter_constraints: dict = {
        **TaskMetaEstimator._parameter_constraints,
        "fallback": [HasMethods(["fit", "predict"])],
        "cv": "no_validation",  # `make_folds` has better messages
        "n_se": [Interval(Real, 0, None, closed="left")],
        "shrink": ["boolean"],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator,
        fallback,
        *,
        cv=None,
        n_se=1.0,
        shrink=True,
        unseen="raise",
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.fallback = fallback
        self.cv = cv
        self.n_se = n_se
        self.shrink = shrink
        self.unseen = unseen
        self.n_jobs = n_jobs
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, task=None, groups=None, sample_weight=None):
        """Cross-validate both models, choose one for each task, and fit both.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            One label per row, or one column per task with NaN where not observed.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row, where y has one label per row.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group (a patient's, say) stay in one inner fold.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels, in fits and in losses.

        Returns
        -------
        self : object
            The fitted guard. A fit that raises leaves the previous one in place.
        """
        models = self._models()
        with keep_previous_fit(self):
            labels = self._check_labels(X, y, task, sample_weight)
            if len(labels.y) < 2:
                raise ValueError(
                    "TransferGuard splits the rows, so it needs at least 2, got "
                    "1 sample."
                )
            values = self._check_X(X, reset=True)
            metadata = {"task": task, "groups": groups, "sample_weight": sample_weight}
            given = {name: v for name, v in metadata.items() if v is not None}
            progress = FitProgress(self, X, y, given)
            table = read_table(
                values,
                y,
                task,
                groups,
                sample_weight,
                in_column=None,
                classify=self._classifies,
            )
            found = self._label_attributes(labels) | self._choose(models, table, groups)
            vars(self).update(found)
            progress.finish(lambda: found)
        return self

    def _models(self):
        """Return clones of both models, or raise where they do not go together."""
        models = {name: clone(getattr(self, name)) for name in NAMES}
        for name, model in models.items():
            check_reads_no_column(
                name,
                model,
                "Put the guard inside: make_mtl_pipeline(..., TransferGuard(...), "
                "task_col=...).",
            )
            if is_classifier(model) != self._classifies:
                raise ValueError(
                    "estimator and fallback must both be classifiers or both "
                    f"regressors, got {self.estimator!r} and {self.fallback!r}."
                )
            if self.unseen == "shared":
                own = model.get_params(deep=True)
                unseen = [n for n in own if n.rpartition("__")[2] == "unseen"]
                model.set_params(**dict.fromkeys(unseen, "shared"))
        return models

    def _choose(self, models, table, groups):
        """Return the learned attributes."""
        for name, model in models.items():
            check_takes(name, model, table)
        tasks, rng = table.labels.tasks, check_random_state(self.random_state)
        folds, _ = make_folds(table, self.cv, groups, rng)
        seeds = seeds_of(self.random_state, rng, len(folds) + 1)
        cases = [(name, model, table, folds) for name, model in models.items()]
        predicted = predict_held_out(cases, seeds, self.n_jobs)
        losses, names = HeldOut(table, folds).losses(
            models, dict(zip(models, predicted, strict=True))
        )
        gains = paired_gains(losses, 1, *count_labels(table, folds), relative=True)
        judge = shrunken_gains if self.shrink else relative_gains
        judged, error = (values[0] for values in judge(gains))  # 1: the fallback
        helps = judged > self.n_se * error  # NaN is not
        overall = gains.overall.mean[0] > self.n_se * gains.overall.error[0]
        X, y, metadata = table.take(np.arange(table.n_rows))
        for model in models.values():
            seed_parts(model, seeds[-1])
            model.fit(X, y, **metadata)
        found = {
            "chosen_": {
                label: NAMES[0] if better else NAMES[1]
                for label, better in zip(tasks.tolist(), helps, strict=True)
            },
            "gains_": gains.by_task.mean[0],
            "gain_se_": gains.by_task.error[0],
            "judged_gains_": judged,
            "judged_gain_se_": error,
            "cv_losses_": losses,
            "losses_": dict(zip(tasks.tolist(), names, strict=True)),
            "unseen_choice_": NAMES[0] if overall else NAMES[1],
            "estimator_": models["estimator"],
            "fallback_": models["fallback"],
        }
        if self._classifies:
            found |= self._class_attributes(table.labels, table.classes)
        return found

    def _inners(self):
        return (self.estimator, self.fallback)

    def _inner(self, X, t):
        if t == SHARED:
            chosen, label = self.unseen_choice_, _new_label(self.tasks_)
        else:
            label = self.tasks_[t].item()
            chosen = self.chosen_[label]
        model = self.estimator_ if chosen == "estimator" else self.fallback_
        classes = self._classes_of(t) if self._classifies else None
        label = None if self._layout == "single" else label
        return TaskView(model, t, label, classes), X

    def score(self, X, y, *, task=None, sample_weight=None):
        """Return R^2, the explained deviance D^2, or the accuracy.

        R^2 or accuracy over all rows, or its mean over tasks after a wide fit. Where
        the `loss` of the estimator is "logistic" or "poisson" for some task, the mean
        over tasks of D^2 = 1 - deviance / null deviance, which is R^2 for the others.

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
            1 for perfect predictions.
        """
        check_is_fitted(self)
        names = list(self.losses_.values())
        if self._classifies or set(names) == {"squared error"}:
            return super().score(X, y, task=task, sample_weight=sample_weight)
        alike = len(set(names)) == 1
        names.append(names[0] if alike else "squared error")  # the last: for SHARED
        X, codes = self._locate(X, task)
        scores = [
            explained(
                names[t],
                truth,
                self._mean_response(safe_indexing(X, rows), t),
                weight,
            )
            for t, rows, truth, weight in self._parts_to_score(
                X, codes, y, sample_weight
            )
        ]
        return float(np.mean(scores)) if scores else float("nan")

    def __sklearn_tags__(self):
        tags, other = super().__sklearn_tags__(), get_tags(self.fallback)
        tags.non_deterministic |= other.non_deterministic
        tags.target_tags.positive_only |= other.target_tags.positive_only
        tags.input_tags.positive_only |= other.input_tags.positive_only
        for name in ("sparse", "allow_nan", "string", "categorical"):
            both = getattr(tags.input_tags, name) and getattr(other.input_tags, name)
            setattr(tags.input_tags, name, both)
        return tags


def _new_label(tasks):
    """Return a label of the kind of `tasks` that is none of them."""
    known = tasks.tolist()
    if isinstance(known[0], str):
        return max(known, key=len) + "'"
    if isinstance(known[0], bool):
        return not known[0]
    return next(label for label in range(len(known) + 1) if label not in known)
