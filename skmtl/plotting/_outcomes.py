"""True and predicted classes of each task, from a model, from arrays, from a report."""

from dataclasses import dataclass, replace

import numpy as np

from skmtl._compat import num_samples
from skmtl.base import some
from skmtl.layouts import read_labels
from skmtl.model_selection._one_task import (
    Answers,
    read_task,
    read_truth,
    without_search,
)


@dataclass(frozen=True)
class Outcome:
    """The labels of one task, and what one model answered.

    Attributes
    ----------
    model, task : object
        Their names.
    truth : ndarray of shape (n,)
        True labels.
    answer : ndarray of shape (n,)
        Predicted classes, or scores of the second of two classes.
    weight : ndarray of shape (n,)
    classes : ndarray
        Sorted.
    """

    model: object
    task: object
    truth: np.ndarray
    answer: np.ndarray
    weight: np.ndarray
    classes: np.ndarray

    @property
    def positive(self):
        """1 where the label is the last class, else 0."""
        return (self.truth == self.classes[-1]).astype(float)


def of_estimator(estimator, X, y, task, sample_weight, respond, name="model"):
    """Return the `Outcome` of each task that has labels.

    `respond(stand_in, rows)` asks the stand-in for one task; None leaves the task out.
    """
    model = without_search(estimator)
    known = read_task(model, X) if task is None else task
    labels = read_truth(model, y, known, sample_weight)
    answers, found = Answers(model, X, task), []
    for t, label in enumerate(labels.tasks.tolist()):
        rows, truth, weight = labels.of_task(t)
        if not len(rows):
            continue
        truth = np.array(truth.tolist())  # out of a column of objects
        binary = not answers.classifies
        if binary and not np.isin(truth, [0, 1]).all():
            continue  # a number, among outcomes of several kinds
        truth = truth.astype(int) if binary else truth
        stand_in = answers.of_task(t, label, truth, binary)
        answer = respond(stand_in, rows)
        if answer is not None:
            classes = stand_in.classes_
            found.append(Outcome(name, label, truth, answer, weight, classes))
    return found


def of_predictions(y_true, answers, task, sample_weight, name="model"):
    """Return the `Outcome` of each task; `answers` has the shape of y_true."""
    labels = read_labels(y_true, task, sample_weight, empty_tasks=True)
    values = np.asarray(answers)
    if values.shape != labels.y.shape:
        values = values.reshape(num_samples(values), -1)
        if values.shape[1] == 1:
            values = values[:, 0]
    if values.shape != labels.y.shape:
        raise ValueError(
            f"Predictions of {name!r} have shape {np.shape(answers)}, the true labels "
            f"{labels.y.shape}; they must be alike."
        )
    found = []
    for t, label in enumerate(labels.tasks.tolist()):
        rows, truth, weight = labels.of_task(t)
        if len(rows):
            own = values[rows, t] if labels.layout == "wide" else values[rows]
            truth, own = np.array(truth.tolist()), np.array(own.tolist())
            found.append(Outcome(name, label, truth, own, weight, np.unique(truth)))
    return found


def of_report(report, name):
    """Return the `Outcome` of each task of classes, out of fold, with probabilities.

    The answers are probabilities (n, K), of the classes of the task. Where rows were
    predicted in several repeats they are there as often.
    """
    seen, values = report.observations_, report.predictions_[name]
    found = []
    for label in report.tasks_.tolist():
        rows = np.flatnonzero(seen["task"] == label)
        if not len(rows):
            continue
        truth = np.array(seen["y"][rows].tolist())
        own, classes = values[rows], np.unique(truth)
        if values.ndim == 1:  # mean responses: probabilities where labels are 0 and 1
            if not np.isin(truth, [0, 1]).all():
                continue
            truth, classes = truth.astype(int), np.array([0, 1])
            own = np.clip(own, 0.0, 1.0)
            own = np.column_stack([1.0 - own, own])
        weight = seen["weight"][rows]
        found.append(
            Outcome(name, label, truth, own[:, : len(classes)], weight, classes)
        )
    return found


def models_of(report, models):
    """Return the names of models of a report, checked; None: all of them."""
    names = report.models_ if models is None else models
    names = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in names if name not in report.models_]
    if unknown or not names:
        raise ValueError(f"models must be some of {report.models_}, got {models!r}.")
    return names


def tasks_of(report, tasks):
    """Return the tasks of a report that are asked for, checked; None: all of them."""
    known = report.tasks_.tolist()
    tasks = known if tasks is None else list(tasks)
    unknown = [task for task in tasks if task not in known]
    if unknown:
        raise ValueError(
            f"tasks has {unknown[0]!r}, which is none of the tasks of the report: "
            f"{some(report.tasks_)}."
        )
    return tasks


def with_most_probable(outcome):
    """Return an `Outcome` with the most probable class in the place of (n, K)."""
    return replace(outcome, answer=outcome.classes[outcome.answer.argmax(axis=1)])


def predicted(stand_in, rows):
    """Return the predicted classes of one task."""
    return stand_in.predict(rows)
