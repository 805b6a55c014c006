"""From the runs of all models in all folds to the report."""

import numpy as np

from skmtl.comparison._evidence import HeldOut, count_labels
from skmtl.comparison._measures import classification_scores, regression_scores
from skmtl.comparison._outcomes import read_outcomes
from skmtl.comparison._report import ComparisonReport
from skmtl.comparison._statistics import paired_gains

# Columns that say which label was predicted, beside those of the models.
OBSERVED = ("fold", "row", "task", "y", "weight")


def assemble(models, runs, table, folds, words, reference, scoring):
    """Return the report on runs {model: one per fold}."""
    held = HeldOut(table, folds)
    predicted = {
        name: np.concatenate([one.predicted for one in found])
        for name, found in runs.items()
    }
    losses, names = held.losses(models, predicted)
    scores = []
    for (name, found), loss in zip(runs.items(), losses, strict=True):
        shown = _scores(held, predicted[name], found, names, loss)
        if scoring is not None:
            own = {_name(scoring): _scored(found, table.labels.tasks)}
            shown = own | shown | own  # the first, also in place of one of that name
        scores.append(shown)
    scores = {key: np.array([shown[key] for shown in scores]) for key in scores[0]}
    n_train, n_test = count_labels(table, folds)
    gains = paired_gains(
        losses if scoring is None else -next(iter(scores.values())),
        list(runs).index(reference),
        n_train,
        n_test,
        relative=scoring is None,
    )
    return ComparisonReport(
        runs=runs,
        reference=reference,
        folds=folds,
        losses=losses,
        scores=scores,
        gains=gains,
        counts={"n_train": n_train, "n_test": n_test},
        table=_describe(table, names),
        observations=_observations(held),
        predictions=predicted,
        outcomes=read_outcomes(table, held.label),
        about={
            "folds": words,
            "grouped": table.groups is not None,
            "weighted": table.sample_weight is not None,
            "n_rows": table.n_rows,
            "n_features": table.X.shape[1] if len(table.X.shape) > 1 else 1,
            "models": {name: " ".join(str(m).split()) for name, m in models.items()},
        },
    )


def _scores(held, values, runs, names, loss):
    """Return the scores of a model per task and fold."""
    classes = held.table.classes
    if classes is None:
        least = held.resolution(names)
        return regression_scores(held.cells, held.truth, values, names, loss, least)
    n_classes = np.array([len(c) for c in classes])[held.task]
    correct = np.concatenate([one.correct for one in runs])
    return classification_scores(
        held.cells, held.truth, values, correct, n_classes, loss
    )


def _observations(held):
    """Return the columns that say what was predicted."""
    table, truth = held.table, held.truth
    if table.classes is not None:
        classes = [c.tolist() for c in table.classes]
        truth = np.empty(len(held.truth), dtype=object)
        truth[:] = [classes[t][k] for t, k in zip(held.task, held.truth, strict=True)]
    row, task = table.row[held.label], table.labels.tasks[held.task]
    values = (held.fold, row, task, truth, held.weight)
    return dict(zip(OBSERVED, values, strict=True))


def _describe(table, losses):
    """Return the columns that describe the tasks, with the names of their losses."""
    n_labels = np.bincount(table.task_of, minlength=table.n_tasks)
    described = {
        "task": table.labels.tasks,
        "n_labels": n_labels,
        "n_missing": (table.n_rows - n_labels) * table.wide,
        "loss": losses,
    }
    total = np.bincount(table.task_of, table.weight, table.n_tasks)

    def mean(values):
        return np.bincount(table.task_of, table.weight * values) / total

    if table.classes is None:
        described["mean"] = mean(table.truth)  # the prevalence, of labels 0 and 1
        centred = table.truth - described["mean"][table.task_of]
        described["sd"] = np.sqrt(mean(centred**2))
    else:
        described["classes"] = table.classes
        last = np.array([len(c) - 1 for c in table.classes])[table.task_of]
        described["prevalence"] = mean(table.truth == last)
    return described


def _name(scoring):
    """Return the name under which a scoring of the user's is shown."""
    return (
        scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "score")
    )


def _scored(runs, tasks):
    """Return the scores (T, J) of a scoring of the user's."""
    keys = [f"task_{label}" for label in tasks.tolist()]
    return np.array([[one.scores.get(key, np.nan) for one in runs] for key in keys])
