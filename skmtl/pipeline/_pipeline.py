"""The outermost estimator: carries the task through scikit-learn's tools."""

from numbers import Integral

from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import Bunch, get_tags
from sklearn.utils.validation import validate_data

import skmtl.pipeline._routing as routing
from skmtl._compat import CallbackSupportMixin, FitProgress, StrOptions, fit_context
from skmtl.base import TaskRequestMixin, keep_previous_fit
from skmtl.pipeline._responses import ResponsesMixin
from skmtl.task_column import (
    as_table,
    drop_column,
    find_column,
    read_column,
    warn_if_scaled,
)
from skmtl.task_labels import as_task_labels


class MTLPipeline(
    ResponsesMixin,
    TaskRequestMixin,
    MetaEstimatorMixin,
    CallbackSupportMixin,
    BaseEstimator,
):
    """Carry the task of each row in a column of X, through any tool of scikit-learn.

    The task column is taken out of X, the rest goes through the estimator (usually a
    pipeline), and the task labels are handed to every step that takes them. To
    scikit-learn this is an ordinary ``fit(X, y)``, ``predict(X)`` estimator, so
    cross-validation, searches, ensembles, calibration and inspection work as they are,
    without any setting of metadata routing.

    Parameters
    ----------
    estimator : estimator
        A multi-task estimator, a pipeline that ends in one (see `make_mtl_pipeline`),
        or a search over either. It is cloned, never changed.
    task_col : str, int, callable or None, default=None
        Where the task of each row is: the name of a column of X, its position (-1 is
        the last), or a function that takes X and returns one label per row (X then
        keeps all its columns). None: the task is passed as ``task=``, or there is none
        because y has one column per task (wide layout) or there is a single task.
    baselines : "default", dict or None, default="default"
        The models that `compare` holds against this one. A dict maps a name to the
        final estimator that takes the place of this one's, behind the same
        preprocessing. None compares with nothing.

    Attributes
    ----------
    estimator_ : estimator
        The fitted clone of `estimator`.
    n_features_in_ : int
        Number of columns of X seen in fit, with the task column.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X seen in fit, with the task column, if all are strings.
    tasks_ : ndarray of shape (n_tasks,)
        The tasks of the fitted model.
    classes_ : ndarray of shape (n_classes,), or a list of them
        The classes of a fitted classifier; a list, one per task, in the wide layout.
    task_classes_ : dict of task -> ndarray
        The classes of each task of a fitted multi-task classifier.

    See Also
    --------
    make_mtl_pipeline : Build one from a sequence of steps.

    Notes
    -----
    ``sample_weight`` goes to the final step and not to transformers, unless a step was
    told otherwise with ``set_fit_request``. A search inside the pipeline predicts with
    the task whatever its scoring; feature selection belongs inside, where the task
    column is out of its reach. Tools that turn a DataFrame into an array, as
    `sklearn.ensemble.BaggingRegressor` does, need the position of the column.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skmtl import IndependentTasks, attach_task, make_mtl_pipeline
    >>> X, y = np.arange(8.0).reshape(8, 1), np.array([0, 2, 4, 6, 3, 2, 1, 0.0])
    >>> df = attach_task(X, np.repeat(["A", "B"], 4), name="hospital")
    >>> m = make_mtl_pipeline(
    ...     StandardScaler(), IndependentTasks(Ridge(1e-6)), task_col="hospital"
    ... )
    >>> m.fit(df, y).predict(df).round(2).tolist()
    [0.0, 2.0, 4.0, 6.0, 3.0, 2.0, 1.0, 0.0]
    """

    __metadata_request__fit = {"task": True, "sample_weight": True}
    __metadata_request__score = {"task": True, "sample_weight": True}
    __metadata_request__predict = {"task": True}
    __metadata_request__predict_proba = {"task": True}
    __metadata_request__predict_log_proba = {"task": True}
    __metadata_request__decision_function = {"task": True}
    __metadata_request__transform = {"task": True}

    _parameter_constraints: dict = {
        "estimator": "no_validation",  # `fit` has a better message
        "task_col": [str, Integral, callable, None],
        "baselines": [StrOptions({"default"}), dict, None],
    }

    def __init__(self, estimator, *, task_col=None, baselines="default"):
        self.estimator = estimator
        self.task_col = task_col
        self.baselines = baselines

    def _get_metadata_request(self):
        request = super()._get_metadata_request()
        if (
            self.task_col is not None
        ):  # the column has it; task= would be a second answer
            for method in ("fit", "score", "transform", *routing.RESPONSES):
                getattr(request, method).requests.pop("task", None)
        return request

    # ------------------------------------------------------------ reading X
    def _read(self, X, task, *, reset):
        """Return X without the task column, and the task labels or None."""
        if self.task_col is not None and task is not None:
            raise ValueError(
                f"task= was passed although task_col={self.task_col!r} says that the "
                "task is in X. Pass one of the two."
            )
        counted = not reset and hasattr(self, "n_features_in_")
        if self.task_col is not None or counted:  # a list of texts passes as it is
            X = as_table(X)
        validate_data(self, X, reset=reset, skip_check_array=True)
        if self.task_col is None:
            return X, task
        position, labels = self._labels(X, reset=reset)
        if reset:
            warn_if_scaled(labels)
        return (X if position is None else drop_column(X, position)), labels

    def _labels(self, X, *, reset=False):
        """Return (position of the task column or None, label of each row)."""
        if callable(self.task_col):
            labels = self.task_col(X)
            if labels is None:
                raise ValueError(
                    "task_col is a function that returned None, not labels."
                )
            return None, labels
        if reset:
            self._task_position = find_column(X, self.task_col)
        known = getattr(self, "_task_position", None)
        named = isinstance(self.task_col, str) and hasattr(X, "columns")
        position = find_column(X, self.task_col) if named or known is None else known
        if position is None:
            return None, X.index.get_level_values(self.task_col)
        return position, read_column(X, position)

    def get_task(self, X):
        """Read the task of each row of X.

        Parameters
        ----------
        X : DataFrame, array-like or sparse matrix of shape (n_samples, n_features)
            Rows with the task column.

        Returns
        -------
        ndarray of shape (n_samples,) or None
            The task labels; None without a task column (``task_col=None``).
        """
        if self.task_col is None:
            return None
        return as_task_labels(self._labels(as_table(X))[1])

    # ------------------------------------------------------------ fit
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, *, task=None, sample_weight=None):
        """Fit the estimator to the rows of all tasks.

        Parameters
        ----------
        X : DataFrame, array-like or sparse matrix of shape (n_samples, n_features)
            The features, with the task column if there is one.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            One label per row, or (without a task column) one column per task.
        task : array-like of shape (n_samples,) or scalar, default=None
            The task of each row, if it is not in a column of X.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels.

        Returns
        -------
        self : object
            The fitted estimator. A fit that raises leaves the previous one in place.
        """
        self._check_estimator()
        with keep_previous_fit(self):
            rest, labels = self._read(X, task, reset=True)
            metadata = routing.given(task=labels, sample_weight=sample_weight)
            progress = FitProgress(self, X, y, metadata, max_steps=1)
            estimator = clone(self.estimator)
            with progress.delegate(estimator):
                routing.fit(estimator, rest, y, metadata)
            self.estimator_ = estimator
            progress.finish(lambda: {"estimator_": estimator})
        return self

    def _check_estimator(self):
        """Raise if what was given is not an estimator."""
        if isinstance(self.estimator, (list, tuple)):
            raise TypeError(
                "MTLPipeline takes one estimator, got a list of steps. Use "
                "make_mtl_pipeline(*steps, task_col=...), or pass Pipeline(steps)."
            )
        if not hasattr(self.estimator, "fit") or isinstance(self.estimator, type):
            raise TypeError(
                "The estimator of MTLPipeline must be an estimator with a fit method, "
                f"got {self.estimator!r}."
            )

    # ------------------------------------------------------------ is it worth it?
    def compare(
        self,
        X,
        y,
        *,
        task=None,
        groups=None,
        sample_weight=None,
        cv=None,
        scoring=None,
        n_jobs=None,
        random_state=None,
        callbacks=None,
    ):
        """Compare this pipeline with its baselines, per task and on the same folds.

        The baselines are fitted behind the same preprocessing as the final step they
        stand in for. The pipeline itself stays as it is: nothing is fitted in place.

        Parameters
        ----------
        X : DataFrame, array-like or sparse matrix of shape (n_samples, n_features)
            The features, with the task column if there is one.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            One label per row, or (without a task column) one column per task.
        task : array-like of shape (n_samples,), default=None
            The task of each row, if it is not in a column of X.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group (a patient's, say) stay together in a fold.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), \
default=None
            Weights of the labels.
        cv : int, splitter or iterable, default=None
            As in `skmtl.compare`.
        scoring : str, callable or None, default=None
            As in `skmtl.compare`.
        n_jobs : int, default=None
            Number of fits at a time; -1 for as many as there are cores.
        random_state : int, RandomState instance or None, default=None
            Seed of the folds and of the baselines that draw.
        callbacks : callback or list of callbacks, default=None
            As in `skmtl.compare`, such as ``sklearn.callback.ProgressBar()``.

        Returns
        -------
        ComparisonReport
            Scores per task and model, and the gain over the reference.
        """
        # The baselines bring much with them that fit and predict need not import.
        from skmtl.comparison import compare
        from skmtl.pipeline._baselines import baseline_models, reference_of

        self._check_estimator()
        models = baseline_models(self, random_state=random_state)
        return compare(
            models,
            X,
            y,
            task=task,
            groups=groups,
            sample_weight=sample_weight,
            cv=cv,
            scoring=scoring,
            reference=reference_of(models),
            n_jobs=n_jobs,
            random_state=random_state,
            callbacks=callbacks,
        )

    # ------------------------------------------------------------ what is inside
    def __sklearn_is_fitted__(self):
        return hasattr(self, "estimator_")

    @property
    def _inside(self):
        """The estimator that answers, without a search; the fitted one if any."""
        return routing.without_search(getattr(self, "estimator_", self.estimator))

    @property
    def steps(self):
        """The (name, estimator) steps inside, fitted once the pipeline is."""
        inside = self._inside
        steps = inside if isinstance(inside, Pipeline) else make_pipeline(inside)
        return steps.steps

    @property
    def named_steps(self):
        """The steps inside by name."""
        return Bunch(**dict(self.steps))

    def __getitem__(self, key):
        """Return a step by position or name, or a plain pipeline of a slice of them."""
        return Pipeline(self.steps)[key]

    def _learned(self, name):
        """Return a fitted attribute of the last step (or its regressor) with it."""
        for _, step in reversed(self.steps):
            for owner in (step, getattr(step, "regressor_", None)):
                if hasattr(owner, name):
                    return getattr(owner, name)
        raise AttributeError(
            f"{type(self).__name__} has no {name!r}: no step has it (is it fitted?)."
        )

    @property
    def tasks_(self):
        """The tasks of the fitted model."""
        return self._learned("tasks_")

    @property
    def classes_(self):
        """The classes of a fitted classifier."""
        return self._learned("classes_")

    @property
    def task_classes_(self):
        """The classes of each task of a fitted multi-task classifier."""
        return self._learned("task_classes_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if not hasattr(self.estimator, "fit"):
            return tags  # a list, say; `fit` has the message
        inside = get_tags(self.estimator)
        tags.estimator_type = inside.estimator_type
        tags.classifier_tags = inside.classifier_tags
        tags.regressor_tags = inside.regressor_tags
        tags.transformer_tags = inside.transformer_tags
        tags.non_deterministic = inside.non_deterministic
        tags.input_tags = inside.input_tags
        tags.input_tags.string = inside.input_tags.string or self.task_col is not None
        last = self.steps[-1][1]
        tags.target_tags = (
            get_tags(last) if hasattr(last, "fit") else inside
        ).target_tags
        if self.task_col is not None:  # one label per row then
            tags.target_tags.multi_output = False
        return tags


def make_mtl_pipeline(*steps, task_col=None, memory=None, verbose=False):
    """Build an `MTLPipeline` around a pipeline of the given steps.

    The steps are named after their classes, as by `sklearn.pipeline.make_pipeline`, so
    that a parameter of one is ``estimator__<class in lower case>__<parameter>``.

    Parameters
    ----------
    *steps : estimators
        Transformers and, last, a multi-task estimator.
    task_col : str, int, callable or None, default=None
        Where the task of each row is; see `MTLPipeline`.
    memory : str or object with the joblib.Memory interface, default=None
        Where to cache fitted transformers. None: nowhere.
    verbose : bool, default=False
        Whether to print the time that each step takes to fit.

    Returns
    -------
    MTLPipeline
        The pipeline, not fitted.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skmtl import IndependentTasks, make_mtl_pipeline
    >>> m = make_mtl_pipeline(StandardScaler(), IndependentTasks(Ridge()), task_col=-1)
    >>> list(m.named_steps)
    ['standardscaler', 'independenttasks']
    """
    pipeline = make_pipeline(*steps, memory=memory, verbose=verbose)
    return MTLPipeline(pipeline, task_col=task_col)
