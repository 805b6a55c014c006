"""From the runs of all models in all folds to the report."""

import numpy as np

from skmtl.comparison._losses import choose_losses
from skmtl.comparison._measures import (
    Cells,
    classification_measures,
    regression_measures,
)
from skmtl.comparison._outcomes import read_outcomes
from skmtl.comparison._report import ComparisonReport
from skmtl.comparison._statistics import paired_gains

# Columns that say which label was predicted, beside those of the models.
OBSERVED = ("fold", "row", "task", "y", "weight")


def assemble(models, runs, table, folds, words, reference, scoring):
    """Return the report on runs {model: one per fold}."""
    predicted = _Predicted(table, folds, models, runs)
    losses, scores = [], []
    for name, found in runs.items():
        loss, shown = predicted.measure(name, found)
        if scoring is not None:
            own = {_name(scoring): _scored(found, table.labels.tasks)}
            shown = own | shown | own  # the first, also in place of one of that name
        losses.append(loss)
        scores.append(shown)
    losses = np.array(losses)
    scores = {key: np.array([shown[key] for shown in scores]) for key in scores[0]}
    n_train, n_test = (
        np.column_stack([table.count(fold[side]) for fold in folds]) for side in (0, 1)
    )
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
        table=predicted.describe(),
        observations=predicted.observations(),
        predictions=predicted.values,
        outcomes=read_outcomes(table, predicted.label),
        about={
            "folds": words,
            "grouped": table.groups is not None,
            "weighted": table.sample_weight is not None,
            "n_rows": table.n_rows,
            "n_features": table.X.shape[1] if len(table.X.shape) > 1 else 1,
            "models": {name: " ".join(str(m).split()) for name, m in models.items()},
        },
    )


class _Predicted:
    """The labels of the test parts, fold after fold, in the order of predictions."""

    def __init__(self, table, folds, models, runs):
        found = [table.observed_in(test)[0] for _, test in folds]
        self.table = table
        self.label = np.concatenate(found)
        self.fold = np.repeat(np.arange(len(folds)), [len(f) for f in found])
        self.task = table.task_of[self.label]
        self.truth = table.truth[self.label]
        self.weight = table.weight[self.label]
        self.cells = Cells(self.task, self.fold, self.weight, table.n_tasks, len(folds))
        self.values = {
            name: np.concatenate([one.predicted for one in found])
            for name, found in runs.items()
        }
        self.losses = np.full(table.n_tasks, "log-loss", dtype=object)
        if table.classes is None:
            self.losses = choose_losses(
                models, table, self.task, self.truth, self.values
            )

    def measure(self, name, runs):
        """Return (loss, scores) per task and fold of the runs of a model."""
        values = self.values[name]
        if self.table.classes is None:
            return regression_measures(self.cells, self.truth, values, self.losses)
        n_classes = np.array([len(c) for c in self.table.classes])[self.task]
        correct = np.concatenate([one.correct for one in runs])
        return classification_measures(
            self.cells, self.truth, values, correct, n_classes
        )

    def observations(self):
        """Return the columns that say what was predicted."""
        truth = self.truth
        if self.table.classes is not None:
            classes = [c.tolist() for c in self.table.classes]
            truth = np.empty(len(self.truth), dtype=object)
            truth[:] = [
                classes[t][k] for t, k in zip(self.task, self.truth, strict=True)
            ]
        row, task = self.table.row[self.label], self.table.labels.tasks[self.task]
        values = (self.fold, row, task, truth, self.weight)
        return dict(zip(OBSERVED, values, strict=True))

    def describe(self):
        """Return the columns that describe the tasks."""
        table = self.table
        n_labels = np.bincount(table.task_of, minlength=table.n_tasks)
        described = {
            "task": table.labels.tasks,
            "n_labels": n_labels,
            "n_missing": (table.n_rows - n_labels) * table.wide,
            "loss": self.losses,
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
