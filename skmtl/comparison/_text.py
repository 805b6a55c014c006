"""A comparison in words: its tables, rows of cells, and what they mean."""

from textwrap import wrap

import numpy as np

from skmtl.comparison import _columns

# With more tasks than this, models are summed up over tasks.
MAX_ROWS = 20
SCORE_NAMES = {"r2": "R2", "d2": "D2", "roc_auc": "ROC AUC"}


def as_text(report):
    """Return the report as plain text."""
    parts = [headline(report)]
    if len(report.tasks_) <= MAX_ROWS:
        parts.append(_align(task_rows(report)))
    parts.append(_align(model_rows(report)))
    parts.append("\n".join(notes(report)))
    return "\n\n".join(parts)


def counted(n, noun):
    """Return a number with its noun, in the plural unless it is 1."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def signed(value, relative):
    """Return a gain with its sign: in per cent if relative."""
    if not np.isfinite(value):
        return "-"
    if relative:
        return f"{round(100 * value, 1) + 0.0:+.1f} %"  # + 0.0: no minus before zero
    return f"{value:+.3g}"


def headline(report):
    score = SCORE_NAMES.get(report.metric_, report.metric_)
    return (
        f"{score} per task in {report._about['folds']}, and the gain over "
        f"{report.reference_} in {unit_of(report)}"
    )


def unit_of(report):
    if report._gains.relative:
        names = set(report._table["loss"])
        return f"% of its {names.pop() if len(names) == 1 else 'loss'}"
    return report.metric_


def order_of(report):
    """Return the positions of the models, the reference first."""
    first = report.models_.index(report.reference_)
    return [first, *(m for m in range(len(report.models_)) if m != first)]


def task_rows(report):
    """Return rows of cells, a cell being a list of lines: task x model."""
    columns = _columns.tasks(report)
    shape = report._gains.verdict.shape
    of = {key: values.reshape(shape) for key, values in columns.items()}
    order = order_of(report)
    rows = [[["task"], *([report.models_[m]] for m in order)]]
    gain = of["relative_gain" if report._gains.relative else "gain"]
    for t, task in enumerate(report.tasks_.tolist()):
        missing = of["n_missing"][0, t]
        cells = [
            [
                str(task),
                f"{of['n_labels'][0, t]} labels",
                f"{missing} missing" if missing else "",
            ]
        ]
        for m in order:
            lines = [number(of["score"][m, t])]
            if m != order[0]:
                shown = signed(gain[m, t], report._gains.relative)
                lines += [shown, str(of["verdict"][m, t])]
            cells.append(lines)
        rows.append(cells)
    return rows


def model_rows(report):
    """Return rows of cells with one line: a row per model, over all tasks."""
    columns = _columns.models(report)
    score = SCORE_NAMES.get(report.metric_, report.metric_)
    head = [f"mean {score}", "mean gain (95 % interval)"]
    head += ["helps", "no evidence", "hurts", "fit (s)", "parameters"]
    rows = [[["model"], *([name] for name in head)]]
    relative = report._gains.relative
    for m in order_of(report):
        gain, low, high = (
            signed(columns[key][m], relative)
            for key in ("gain", "gain_low", "gain_high")
        )
        cells = [columns["model"][m], number(columns["score"][m])]
        if columns["model"][m] == report.reference_:
            cells += ["(reference)", "", "", ""]
        else:
            cells.append(f"{gain} ({low.removesuffix(' %')} to {high})")
            cells += [str(columns[key][m]) for key in ("helps", "no_evidence", "hurts")]
        cells += [f"{columns['fit_time'][m]:.3g}", str(columns["settings"][m])]
        rows.append([[cell] for cell in cells])
    return rows


def notes(report):
    """Return the lines that say what the numbers mean."""
    if len(report.models_) == 1:
        return ["There is no other model to compare with."]
    n_verdicts = int(np.isfinite(report._gains.p_holm).sum())
    return [
        *_mixed_losses(report),
        "Gains above 0 are better than the reference. A verdict is given where the "
        "gain is evident",
        f"at the 5 % level for all {n_verdicts} verdicts together (corrected resampled "
        "t, Holm); intervals",
        "hold one at a time. No evidence does not mean no difference.",
    ]


def tasks_by_loss(report):
    """Return {name of a loss: its tasks}."""
    found = {}
    for task, loss in zip(report.tasks_.tolist(), report._table["loss"], strict=True):
        found.setdefault(loss, []).append(str(task))
    return found


def _mixed_losses(report):
    """Return the lines that say which loss is whose, where there are several."""
    found = tasks_by_loss(report)
    if len(found) == 1 or not report._gains.relative:
        return []
    said = "; ".join(f"{loss} of {listed(tasks)}" for loss, tasks in found.items())
    return wrap(f"The loss is the {said}.", 88)


def listed(names, most=8):
    """Return names in one text; of many the first ones."""
    names = list(names)
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def number(value):
    return f"{value:.3f}" if np.isfinite(value) else "-"


def _align(rows):
    """Return rows of cells as text in columns; the first column is flush left."""
    widths = [
        max(len(line) for cell in column for line in cell)
        for column in zip(*rows, strict=True)
    ]
    lines = []
    for k, row in enumerate(rows):
        height = max(map(len, row))
        if k > 1 and height > 1:
            lines.append("")
        for i in range(height):
            texts = [cell[i] if i < len(cell) else "" for cell in row]
            shown = [texts[0].ljust(widths[0])]
            shown += [
                text.rjust(w) for text, w in zip(texts[1:], widths[1:], strict=True)
            ]
            lines.append("  ".join(shown).rstrip())
        if not k:
            lines.append("-" * (sum(widths) + 2 * len(widths) - 2))
    return "\n".join(lines)
