"""One model in one fold: fit a clone, predict the test part, keep what came out."""

from dataclasses import dataclass
from inspect import Parameter, signature
from time import perf_counter

import numpy as np
from sklearn.base import clone

from skmtl.comparison._chosen import chosen_parameters, is_empty
from skmtl.model_selection import TaskScorer


@dataclass(frozen=True)
class Run:
    """What one model did in one fold.

    Attributes
    ----------
    predicted : ndarray of shape (m,) or (m, K)
        For each observed label of the test part the prediction, or the probabilities of
        the classes of its task.
    correct : ndarray of shape (m,) or None
        Whether the predicted class is the true one.
    scores : dict of task -> float, or None
        What a scoring of the user's gave.
    fit_time, predict_time : float
        Seconds.
    chosen : dict
        What was tuned inside.
    empty : bool
        Whether all coefficients are zero.
    """

    predicted: np.ndarray
    correct: np.ndarray | None
    scores: dict | None
    fit_time: float
    predict_time: float
    chosen: dict
    empty: bool


def column_reader(model):
    """Return the part of a model that reads the task from a column of X, or None."""
    for part in [model, *model.get_params(deep=True).values()]:
        if getattr(part, "task_col", None) is not None and hasattr(part, "get_task"):
            return part
    return None


def check_takes(name, model, table):
    """Raise if a model cannot be given what it needs to be compared on the table."""
    parameters = signature(model.fit).parameters
    kinds = {parameter.kind for parameter in parameters.values()}
    weighable = "sample_weight" in parameters or Parameter.VAR_KEYWORD in kinds
    if table.sample_weight is not None and not weighable:
        raise TypeError(
            f"sample_weight was passed, but model {name!r} ({type(model).__name__}) "
            "takes none. Leave it out, or use a model that takes weights."
        )
    if table.classes is not None and not hasattr(model, "predict_proba"):
        raise TypeError(
            f"Model {name!r} ({type(model).__name__}) has no predict_proba, but "
            "classifiers are compared by the log-loss of their probabilities. Wrap it "
            "in sklearn.calibration.CalibratedClassifierCV."
        )
    if column_reader(model) is not None:
        return
    if table.task is not None and "task" not in parameters:
        raise TypeError(
            f"Model {name!r} ({type(model).__name__}) does not take task=. Wrap it in "
            "PooledTasks (one model for all tasks) or IndependentTasks (one for each), "
            "or, if it contains a multi-task model, in MTLPipeline."
        )
    if table.task is None and table.labels.layout == "long" and "task" in parameters:
        raise TypeError(
            f"Model {name!r} ({type(model).__name__}) takes task=, but the task is in "
            "a column of X that other models read. Wrap it in MTLPipeline with "
            "task_col=."
        )


def run(name, model, table, fold, train, test, seed, scoring):
    """Fit a clone of a model and predict; an error says which model and fold it was."""
    try:
        return _run(clone(model), table, train, test, seed, scoring)
    except Exception as error:
        kinds = (k for k in (ValueError, TypeError) if isinstance(error, k))
        kind = next(kinds, RuntimeError)
        raise kind(
            f"Model {name!r} failed in fold {fold} ({len(train)} training rows): "
            f"{type(error).__name__}: {error}"
        ) from error


def _run(model, table, train, test, seed, scoring):
    seed_parts(model, seed)
    reads = column_reader(model) is not None
    X, y, metadata = table.take(train)
    if reads:
        metadata.pop("task", None)
    start = perf_counter()
    model.fit(X, y, **metadata)
    fit_time = perf_counter() - start

    found, place = table.observed_in(test)
    if len(found):  # a row without a label may be of a task that no model knows
        shown, place = np.unique(place, return_inverse=True)
        test = test[shown]
    X, y, metadata = table.take(test)
    task = {} if reads or "task" not in metadata else {"task": metadata["task"]}
    start = perf_counter()
    if table.classes is None:
        answer = model.predict(X, **task)
        predict_time = perf_counter() - start
        predicted, correct = _responses(table, answer, found, place, len(test)), None
    else:
        answer = model.predict_proba(X, **task)
        predict_time = perf_counter() - start
        predicted = _probabilities(table, model.classes_, answer, found, place)
        correct = _correct(table, model.predict(X, **task), found, place)
    if not np.isfinite(predicted).all():
        raise ValueError("It predicted NaN or infinity.")
    scores = None
    if scoring is not None:
        weights = {k: v for k, v in metadata.items() if k == "sample_weight"}
        scores = _scores(scoring, model, X, y, {**task, **weights})
    return Run(
        predicted,
        correct,
        scores,
        fit_time,
        predict_time,
        chosen_parameters(model),
        is_empty(model),
    )


def seed_parts(model, seed):
    """Give a seed to every part of a model that draws and has none."""
    if seed is not None:
        unset = [
            name
            for name, value in model.get_params(deep=True).items()
            if name.rpartition("__")[2] == "random_state" and value is None
        ]
        model.set_params(**dict.fromkeys(unset, seed))


def _responses(table, answer, found, place, n_rows):
    """Return the predicted responses of the observed labels."""
    answer = np.asarray(answer, dtype=float)
    size = n_rows * (table.n_tasks if table.wide else 1)
    if answer.size != size:
        raise ValueError(
            f"It predicted an array of shape {answer.shape} for {n_rows} rows and "
            f"{table.n_tasks} tasks."
        )
    if table.wide:
        return answer.reshape(n_rows, -1)[place, table.task_of[found]]
    return answer.reshape(-1)[place]


def _probabilities(table, classes, answer, found, place):
    """Return the probabilities of the classes of each label's task, (m, K)."""
    out = np.zeros((len(found), table.several_classes))
    tasks = table.task_of[found]
    several = isinstance(answer, list)  # scikit-learn has no list for a single column
    for t in np.unique(tasks):
        rows = np.flatnonzero(tasks == t)
        known, values = (classes[t], answer[t]) if several else (classes, answer)
        position = {c: k for k, c in enumerate(np.asarray(known).tolist())}
        for k, own in enumerate(table.classes[t].tolist()):
            if own in position:
                out[rows, k] = np.asarray(values)[place[rows], position[own]]
    return out


def _correct(table, answer, found, place):
    """Tell which of the observed labels were predicted right."""
    answer, tasks = np.asarray(answer), table.task_of[found]
    answer = answer.reshape(len(answer), -1)
    answer = answer[place, tasks if table.wide else 0].tolist()
    classes = [c.tolist() for c in table.classes]
    true = [classes[t][k] for t, k in zip(tasks, table.truth[found], strict=True)]
    return np.array([a == b for a, b in zip(answer, true, strict=True)])


def _scores(scoring, model, X, y, metadata):
    """Return {str of task: score} by a scoring of the user's."""
    scores = TaskScorer(scoring, aggregate=None)(model, X, y, **metadata)
    return {name: score for name, score in scores.items() if name.startswith("task_")}
