"""A report as HTML: sections for a page of its own, and fewer for a notebook."""

from html import escape
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from skmtl.comparison import _columns
from skmtl.comparison._html_tables import (
    data_table,
    gains_table,
    models_table,
    params_table,
    risk_table,
    score_tables,
)
from skmtl.comparison._pictures import draw_gains, draw_risks
from skmtl.comparison._style import STYLE
from skmtl.comparison._text import (
    MAX_ROWS,
    counted,
    headline,
    listed,
    notes,
    order_of,
    signed,
    tasks_by_loss,
    unit_of,
)

# What is not in the page is not loaded, whatever a name in it may look like.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
# Of more binary tasks than this, pictures are drawn of the first ones.
MAX_RISK_PICTURES = 6


def as_fragment(report):
    """Return the report as HTML for a notebook."""
    tables = models_table(report)
    if len(report.tasks_) <= MAX_ROWS and len(report.models_) > 1:
        tables = gains_table(report) + tables
    said = escape(" ".join(notes(report)))
    return (
        f'<div class="skmtl-report"><style>{STYLE}</style>'
        f"<p>{escape(headline(report))}</p>{_conclusions(report)}{tables}"
        f"<p><small>{said}</small></p></div>"
    )


def as_page(report):
    """Return the report as a page that needs nothing but itself."""
    sections = [
        ("In short", _conclusions(report) + _key(report)),
        ("Gain by task", _gains(report)),
        ("What was compared, and how", _methods(report)),
        ("Scores", _folded(report, score_tables(report))),
        ("All tasks together, and time", models_table(report)),
        ("Predicted risks", _risks(report)),
        ("What was tuned", _tuned(report)),
        ("How to read this page", _guide(report)),
    ]
    body = "".join(
        f"<section><h2>{title}</h2>{content}</section>"
        for title, content in sections
        if content
    )
    title = "Does learning together help?"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} A comparison by skmtl</title>"
        f'<style>{STYLE}</style></head><body class="skmtl-report"><main>'
        f"<h1>{title}</h1><p>{_opening(report)}</p>{body}</main>"
        f"<footer><p>Made by skmtl {escape(_version())}. The page is complete in "
        "itself and loads nothing.</p></footer></body></html>\n"
    )


def _version():
    try:
        return version("skmtl")
    except PackageNotFoundError:  # run from a folder that was never installed
        return ""


def _opening(report):
    """Say in one sentence what this is about."""
    others = [name for name in report.models_ if name != report.reference_]
    n_tasks = len(report.tasks_)
    tasks = f"{n_tasks} tasks" if n_tasks != 1 else "one task"
    if not others:
        return f"How well <b>{escape(report.reference_)}</b> predicts {tasks}."
    return (
        f"{_names(others)} against the reference <b>{escape(report.reference_)}</b>, "
        f"on the same rows of {tasks}: what is gained or lost, task by task, and how "
        "sure that is."
    )


def _names(names):
    return listed([f"<b>{escape(name)}</b>" for name in names])


def _conclusions(report):
    """Say of every model which tasks it helps and hurts, and its mean gain."""
    columns = _columns.models(report)
    lines = []
    for m in order_of(report)[1:]:
        name = report.models_[m]
        verdicts = report.verdicts_[name]
        parts = []
        for verdict in ("helps", "hurts"):
            tasks = [str(t) for t, found in verdicts.items() if found == verdict]
            if tasks:
                count = f" ({len(tasks)} tasks)" if len(tasks) > 1 else ""
                mark = f'<b class="verdict {verdict}">{verdict}</b>'
                parts.append(f"{mark} {escape(listed(tasks))}{count}")
        rest = sum(found == "no evidence" for found in verdicts.values())
        if not parts:
            alone = " by itself" if len(verdicts) > 1 else ""
            parts = [f"no evidence that it helps or hurts any task{alone}"]
        elif rest:
            parts.append(f"no evidence either way for {counted(rest, 'other task')}")
        mean, low, high = (columns[key][m] for key in ("gain", "gain_low", "gain_high"))
        lines.append(
            f"<li><b>{escape(name)}</b>: {'; '.join(parts)}. "
            f"{_mean_gain(report, mean, low, high)}</li>"
        )
    return f'<ul class="conclusions">{"".join(lines)}</ul>' if lines else ""


def _mean_gain(report, mean, low, high):
    """Say how large the gain over all tasks is."""
    if not np.isfinite(mean):
        return ""
    if not report._gains.relative:
        text = f"Mean gain over tasks: {signed(mean, False)}"
        return f"{text} ({signed(low, False)} to {signed(high, False)})."
    size = f"{abs(100 * mean):.1f} %"
    change = f"{size} {'lower' if mean > 0 else 'higher'}"
    text = f"On average over tasks its loss is {change} than that of the reference"
    if not np.isfinite(low):
        return f"{text}."
    first, last = (f"{100 * end:+.1f}".replace("-", "&minus;") for end in (-high, -low))
    return f"{text} (95 % interval of the change: {first} % to {last} %)."


def _key(report):
    """Say what the verdicts mean."""
    if len(report.models_) == 1:
        return "<p>There is no other model to compare with.</p>"
    return (
        "<p><small>“Helps” and “hurts” are said only where the difference is too clear "
        "to be chance, at the 5 % level for all verdicts of this page together. “No "
        "evidence” does not mean that there is no difference.</small></p>"
    )


def _gains(report):
    if len(report.models_) == 1:
        return ""
    return draw_gains(report) + _folded(report, gains_table(report))


def _folded(report, tables):
    """Return tables with a row per task; those of many tasks to be opened."""
    if len(report.tasks_) <= MAX_ROWS:
        return tables
    label = f"All {len(report.tasks_)} tasks"
    return f"<details><summary>{label}</summary>{tables}</details>"


def _tuned(report):
    """Return what was tuned; with parameters of many tasks to be opened."""
    table = params_table(report)
    return _folded(report, table) if table.count("<tr>") > MAX_ROWS else table


def _methods(report):
    """Say which models, which data, which folds, which losses."""
    about = report._about
    weighted = ", with weights" if about["weighted"] else ""
    grouped = (
        " Rows of one group (a patient, say) are always in the same part."
        if about["grouped"]
        else ""
    )
    by_loss = tasks_by_loss(report)
    losses = "; ".join(
        f"{name} ({escape(listed(tasks))})" if len(by_loss) > 1 else f"the {name}"
        for name, tasks in by_loss.items()
    )
    paired = (
        f"Gains are differences of the loss: {losses}."
        if report._gains.relative
        else f"Gains are differences of the score {escape(report.metric_)}."
    )
    models = "".join(
        f"<dt>{escape(name)}</dt><dd><code>{escape(text)}</code></dd>"
        for name, text in about["models"].items()
    )
    return (
        f"<p>The table has {about['n_rows']:,} rows and {about['n_features']:,} "
        f"columns{weighted}. It was cut into training and test parts, "
        f"{escape(about['folds'])}, the same for all models: a model learns from the "
        "training part (and tunes what it tunes there) and is judged by the test part, "
        f"which it has not seen.{grouped} {paired}</p>"
        f"{_sizes(report)}{_folded(report, data_table(report))}"
        f"<details><summary>The models in full</summary><dl>{models}</dl></details>"
    )


def _sizes(report):
    """Sum up how many labels the tasks have, where there are many tasks."""
    labels, missing = report._table["n_labels"], report._table["n_missing"]
    if len(labels) <= MAX_ROWS:
        return ""
    lost = f", and {missing.sum():,} are missing" if missing.any() else ""
    return (
        f"<p>The {len(labels)} tasks have {labels.min():,} to {labels.max():,} labels, "
        f"{np.median(labels):,.0f} in the middle{lost}.</p>"
    )


def _risks(report):
    """Return calibration, Brier scores and decision curves of binary tasks."""
    tasks = [report.tasks_.tolist()[t] for t in report._outcomes.tasks]
    if not tasks:
        return ""
    parts = [
        "<p>For tasks with two outcomes: are the predicted risks what happens "
        "(calibration), and are decisions by them worth more than to treat everybody, "
        "or nobody (net benefit)?</p>"
    ]
    columns = _columns.risk(report)
    for k, task in enumerate(tasks):
        parts.append(f"<h3>{escape(str(task))}</h3>{risk_table(report, task, columns)}")
        if k < MAX_RISK_PICTURES:
            parts.append(draw_risks(report, task))
    if len(tasks) > MAX_RISK_PICTURES:
        parts.append(f"<p>Pictures are of the first {MAX_RISK_PICTURES} tasks.</p>")
    return "".join(parts)


def _guide(report):
    """Say what the numbers mean."""
    unit = unit_of(report).replace("its", "the reference's")
    terms = {
        "Gain": f"How much better a model is than the reference, in {unit}; below 0 "
        "it is worse. It is the mean over the test parts.",
        "95 % interval": "Where the gain plausibly is. It allows for the overlap of "
        "the training parts (corrected resampled t, Nadeau and Bengio 2003) and is for "
        "one number at a time.",
        "Verdict": "“Helps” or “hurts” where the gain differs from 0 at the 5 % level "
        "for all models and tasks together (Holm's method).",
        "Score": "R² and D² say which part of the differences between rows is "
        "explained: 1 is perfect, 0 no better than the mean. ROC AUC is the chance "
        "that of two rows the one with the outcome has the higher risk: 0.5 is a coin, "
        "1 perfect.",
        "Fixed, tuned, empty": "A tuned model chose its parameters inside every "
        "training part; a fixed one was given them. An empty one uses no feature.",
    }
    if len(report._outcomes.tasks):
        terms |= {
            "Brier score": "Mean squared difference of risk and outcome; smaller is "
            "better. The skill is which part of it is saved against giving everybody "
            "the prevalence.",
            "Calibration slope": "1 if risks are right. Below 1 high risks are too "
            "high and low ones too low, as of a model that learned too much by heart; "
            "above 1 they are all too near the average, as of one that was held back "
            "too much. In the large: above 0 risks are too low on average, below 0 too "
            "high.",
            "Net benefit": "If everybody above a threshold of risk is treated: those "
            "treated rightly, less those treated in vain at the price that the "
            "threshold implies, per row. The best line at your threshold wins.",
        }
    said = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in terms.items())
    return f"<dl>{said}</dl>"
