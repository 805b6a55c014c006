"""Test scores of models that see growing parts of the training rows."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils.parallel import Parallel, delayed

from skmtl._compat import check_random_state, num_samples, safe_indexing
from skmtl.layouts import read_labels
from skmtl.model_selection import TaskScorer
from skmtl.model_selection._folds import given_folds
from skmtl.model_selection._one_task import read_task
from skmtl.splits import task_folds, task_strata

# A share of a training part has at least so many of a task.
FEWEST_LABELS = 2


@dataclass(frozen=True)
class Curves:
    """What came out.

    Attributes
    ----------
    shares : ndarray of shape (n_shares,)
    scores : dict of str -> ndarray of shape (n_shares, n_folds, n_tasks)
    n_train : ndarray of shape (n_shares, n_folds, n_tasks)
        Labels trained on.
    tasks : ndarray of shape (n_tasks,)
    scoring : str, callable or mapping
    """

    shares: np.ndarray
    scores: dict
    n_train: np.ndarray
    tasks: np.ndarray
    scoring: object


def learning_curves(
    models, X, y, task, groups, sample_weight, *, shares, cv, scoring, n_jobs, seed
):
    """Fit and score every model on every share of every training part.

    The arguments are those of `TaskLearningCurveDisplay.from_estimator`.
    """
    shares = _checked_shares(shares)
    X, y, task = (_indexable(value) for value in (X, y, task))
    if task is not None and np.ndim(task) == 0:
        task = np.full(num_samples(X), task)
    known = _known_tasks(models, X) if task is None else task
    labels = read_labels(y, known, sample_weight)
    rng = check_random_state(seed)
    classify = any(is_classifier(model) for model in models.values())
    if scoring is None:
        scoring = _default_scoring(labels) if classify else "r2"
    metadata = {"task": task, "sample_weight": sample_weight}
    data = X, y, {k: _indexable(v) for k, v in metadata.items() if v is not None}
    if isinstance(cv, Integral):
        if cv < 2:
            raise ValueError(f"cv must be at least 2 folds, got cv={cv}.")
        fold_of = task_folds(labels, cv, groups=groups, random_state=rng)
        cv = [np.nonzero(fold_of != k) + np.nonzero(fold_of == k) for k in range(cv)]
    folds = given_folds(cv, X, y, task=task, groups=groups)
    labelled = np.zeros(num_samples(X), dtype=bool)
    for t in range(labels.n_tasks):
        labelled[labels.rows(t)] = True
    parts = [
        (part, test[labelled[test]])  # others may be of a task that no model knows
        for train, test in folds
        for part in _growing(labels, train, shares, classify, rng)
    ]
    scorer = TaskScorer(scoring, aggregate=None)
    jobs = (
        delayed(_score)(name, model, data, *rows, scorer)
        for name, model in models.items()
        for rows in parts
    )
    found = Parallel(n_jobs=n_jobs)(jobs)
    keys = [f"task_{label}" for label in labels.tasks.tolist()]
    table = np.array([[one.get(key, np.nan) for key in keys] for one in found])
    shape = (len(folds), len(shares), len(keys))
    table = table.reshape(-1, *shape).swapaxes(1, 2)
    n_train = np.array([_counts(labels, part) for part, _ in parts])
    n_train = n_train.reshape(shape).swapaxes(0, 1)
    scores = dict(zip(models, table, strict=True))
    return Curves(shares, scores, n_train, labels.tasks, scoring)


def _checked_shares(shares):
    """Return increasing shares, or raise."""
    found = np.unique(np.asarray(shares, dtype=float))
    if not len(found) or not (found[0] > 0 and found[-1] <= 1):
        raise ValueError(f"shares must be above 0 and at most 1, got {shares!r}.")
    return found


def _indexable(values):
    """Return lists as arrays, and sparse matrices so that rows can be taken."""
    if values is None or hasattr(values, "tocsr"):
        return values if values is None else values.tocsr()
    return values if hasattr(values, "shape") else np.asarray(values)


def _known_tasks(models, X):
    """Return the tasks as the first model that knows reads them from X, or None."""
    found = (read_task(model, X) for model in models.values())
    return next((task for task in found if task is not None), None)


def _default_scoring(labels):
    """Return the name of the score that suits classes."""
    of_tasks = (labels.of_task(t)[1] for t in range(labels.n_tasks))
    n_classes = max(len(np.unique(np.array(y.tolist()))) for y in of_tasks)
    return "roc_auc" if n_classes <= 2 else "neg_log_loss"


def _growing(labels, train, shares, classify, rng):
    """Return the rows of a training part that belong to each share of it.

    In every share are the first labels of each task and, with `classify`, the first of
    each of its classes, so that a model can be fitted.
    """
    inside = labels.at(train)
    key = _spread_keys(task_strata(inside, by_class=classify), rng)
    always = np.zeros(len(train), dtype=bool)
    by_task = []
    for t in range(labels.n_tasks):
        rows, y, _ = inside.of_task(t)
        order = np.argsort(key[rows], kind="stable")
        by_task.append(rows[order])
        always[rows[order[:FEWEST_LABELS]]] = True
        if classify:
            _, first = np.unique(np.array(y[order].tolist()), return_index=True)
            always[rows[order[first]]] = True
    if inside.layout == "wide":  # a row has labels of several tasks
        by_task = [np.argsort(key, kind="stable")]
    parts = []
    for share in shares:
        chosen = always.copy()
        for rows in by_task:
            chosen[rows[: round(share * len(rows))]] = True
        parts.append(train[chosen])
    return parts


def _spread_keys(strata, rng):
    """Return a number per row: the smallest k of them are spread over all strata."""
    code = np.unique(strata, axis=0, return_inverse=True)[1].reshape(-1)
    size = np.bincount(code)
    order = rng.permutation(len(code))
    order = order[np.argsort(code[order], kind="stable")]
    rank = np.empty(len(code))
    rank[order] = np.arange(len(code)) - (np.cumsum(size) - size)[code[order]]
    return (rank + rng.random(len(size))[code]) / size[code]


def _counts(labels, rows):
    """Return the number of labels of each task in some rows."""
    inside = labels.at(rows)
    return np.array([len(inside.rows(t)) for t in range(labels.n_tasks)])


def _score(name, model, data, train, test, scorer):
    """Fit a clone to the training rows; return its scores per task on the others."""
    X, y, metadata = data

    def take(rows):
        given = {key: safe_indexing(value, rows) for key, value in metadata.items()}
        return safe_indexing(X, rows), safe_indexing(y, rows), given

    X_train, y_train, given = take(train)
    try:
        fitted = clone(model).fit(X_train, y_train, **given)
    except (TypeError, ValueError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(
            f"Model {name!r} failed on {len(train)} training rows: {error}"
        ) from error
    X_test, y_test, given = take(test)
    return scorer(fitted, X_test, y_test, **given)
