"""The tables of a report in HTML."""

from collections import Counter
from html import escape
from numbers import Real

import numpy as np

from skmtl.comparison import _columns
from skmtl.comparison._text import SCORE_NAMES, number, order_of, signed

SYMBOLS = {"helps": "▲", "hurts": "▼", "no evidence": "○"}
NAMES = {**SCORE_NAMES, "r2": "R²", "d2": "D²", "rmse": "RMSE"}
NAMES |= {"log_loss": "log-loss", "accuracy": "accuracy"}


def table(caption, head, rows):
    """Return a table that scrolls inside its own box.

    `head` are texts; `rows` start with the text of their header, and other cells are
    HTML or texts that need no escaping.
    """
    cells = "".join(f'<th scope="col">{escape(str(text))}</th>' for text in head)
    body = "".join(
        f'<tr><th scope="row">{escape(str(first))}</th>'
        + "".join(f"<td>{cell}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    label = escape(caption, quote=True)  # the visible caption must not scroll away
    return (
        f'<figure class="table"><figcaption>{escape(caption)}</figcaption>'
        f'<div class="scroll" role="region" aria-label="{label}" tabindex="0">'
        f'<table aria-label="{label}"><thead><tr>{cells}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></figure>"
    )


def gains_table(report):
    """Return verdict, gain and interval per task and model."""
    gains = report._gains
    scale = gains.scale if gains.relative else np.ones(len(report.tasks_))
    order = order_of(report)[1:]
    rows = []
    for t, task in enumerate(report.tasks_.tolist()):
        row = [task, f"{report._table['n_labels'][t]:,}"]
        for m in order:
            mean, low, high = (
                _minus(signed(values[m, t] / scale[t], gains.relative))
                for values in (
                    gains.by_task.mean,
                    gains.by_task.low,
                    gains.by_task.high,
                )
            )
            verdict = gains.verdict[m, t]
            row.append(
                f"{_chip(verdict)}<br>{mean}<br>"
                f"<small>{low.removesuffix(' %')} to {high}</small>"
            )
        rows.append(row)
    head = ["Task", "Labels", *(report.models_[m] for m in order)]
    return table(f"Gain over {report.reference_}, with 95 % intervals", head, rows)


def models_table(report):
    """Return a row per model, over all tasks."""
    columns = _columns.models(report)
    relative = report._gains.relative
    score = NAMES.get(report.metric_, report.metric_)
    head = ["Model", f"Mean {score}", "Mean gain (95 % interval)"]
    head += ["Helps", "No evidence", "Hurts", "Fit (s)", "Predict (s)", "Parameters"]
    rows = []
    for m in order_of(report):
        row = [columns["model"][m], _minus(number(columns["score"][m]))]
        if columns["model"][m] == report.reference_:
            row += ["(reference)", "", "", ""]
        else:
            gain, low, high = (
                _minus(signed(columns[key][m], relative))
                for key in ("gain", "gain_low", "gain_high")
            )
            row.append(f"{gain} ({low.removesuffix(' %')} to {high})")
            row += [str(columns[key][m]) for key in ("helps", "no_evidence", "hurts")]
        row += [f"{columns[key][m]:.3g}" for key in ("fit_time", "predict_time")]
        rows.append([*row, str(columns["settings"][m])])
    return table("All tasks together; seconds are per fold", head, rows)


def score_tables(report):
    """Return the main score per task and model, and the others to be opened."""
    first, *others = (_score_table(report, key) for key in report.scores_)
    if not others:
        return first
    more = f"<details><summary>Other scores</summary>{''.join(others)}</details>"
    return first + more


def _score_table(report, key):
    """Return mean and standard deviation of one score."""
    values = report.scores_[key]
    order = order_of(report)
    with np.errstate(invalid="ignore"):
        means = [[_mean_sd(own) for own in values[m]] for m in order]
    rows = [
        [task, *(column[t] for column in means)]
        for t, task in enumerate(report.tasks_.tolist())
        if np.isfinite(values[:, t]).any()
    ]
    name = NAMES.get(key, key)
    caption = f"{name}, mean ± standard deviation over test parts"
    return table(caption, ["Task", *(report.models_[m] for m in order)], rows)


def data_table(report):
    """Return what the labels of each task are."""
    described, counts = report._table, report._counts
    binary = set(report._outcomes.tasks.tolist())
    head = ["Task", "Labels", "Missing", "Train / test", "Mean or prevalence", "Loss"]
    rows = []
    for t, task in enumerate(report.tasks_.tolist()):
        share = described["prevalence" if "prevalence" in described else "mean"][t]
        if t in binary:
            what = f"{100 * share:.1f} %"
        elif "classes" in described:
            what = f"{len(described['classes'][t])} classes"
        else:
            what = f"{_plain(share)} (sd {_plain(described['sd'][t])})"
        sizes = " / ".join(
            f"{np.mean(counts[key][t]):,.0f}" for key in ("n_train", "n_test")
        )
        labels, missing = (f"{described[k][t]:,}" for k in ("n_labels", "n_missing"))
        rows.append([task, labels, missing, sizes, what, described["loss"][t]])
    unit = "groups" if report._about["grouped"] else "labels"
    return table(f"The tasks; training and test parts in {unit}", head, rows)


def risk_table(report, task, columns):
    """Return calibration and Brier score of each model, for one binary task.

    `columns` are those of part "risk".
    """
    found = {}
    for k, other in enumerate(columns["task"]):
        if other == task:
            found[columns["model"][k]] = {key: v[k] for key, v in columns.items()}
    head = ["Model", "Mean risk", "Brier score", "Brier skill"]
    head += ["Calibration slope (95 % interval)", "Intercept", "In the large"]
    rows = []
    for m in order_of(report):
        of = found[report.models_[m]]
        slope = _two(of["slope"])
        if np.isfinite(of["slope_low"]):
            slope += f" ({_two(of['slope_low'])} to {_two(of['slope_high'])})"
        mean, skill = (f"{100 * of[key]:.1f} %" for key in ("mean_risk", "brier_skill"))
        row = [of["model"], mean, number(of["brier"]), _minus(skill), slope]
        rows.append([*row, _two(of["intercept"]), _two(of["in_the_large"])])
    what = f"Risk of {task}"
    if "classes" in report._table:
        place = report.tasks_.tolist().index(task)
        what = f"Risk of “{report._table['classes'][place].tolist()[-1]}” in {task}"
    unit = "groups" if report._about["grouped"] else "labels"
    share = f"prevalence {100 * of['prevalence']:.1f} % of {of['n_labels']:,} {unit}"
    return table(f"{what}: {share}", head, rows)


def params_table(report):
    """Return what each model tuned, over the folds."""
    rows = []
    for m in order_of(report):
        name = report.models_[m]
        chosen = report.params_[name]
        keys = dict.fromkeys(key for own in chosen for key in own)
        if not keys:
            rows.append([name, "nothing: its parameters are fixed", ""])
        for key in keys:
            values = [own[key] for own in chosen if key in own]
            rows.append([name, escape(key), _spread(values)])
    caption = "Tuned parameters: median (least to largest), or how often, over folds"
    return table(caption, ["Model", "Parameter", "Chosen"], rows)


def _spread(values):
    """Sum up the values of a parameter over folds."""
    if all(isinstance(v, Real) and not isinstance(v, bool) for v in values):
        low, middle, high = np.min(values), np.median(values), np.max(values)
        ends = "" if low == high else f" ({low:.3g} to {high:.3g})"
        return f"{middle:.3g}{ends}"
    counts = Counter(str(value) for value in values).most_common(5)
    return "; ".join(f"{escape(text[:80])} ({n} times)" for text, n in counts)


def _chip(verdict):
    """Return a verdict, by a symbol, a word and a colour."""
    kind = verdict.replace(" ", "-")
    return f'<span class="verdict {kind}">{SYMBOLS.get(verdict, "")} {verdict}</span>'


def _mean_sd(values):
    found = values[np.isfinite(values)]
    if not len(found):
        return "-"
    sd = f" ± {found.std(ddof=1):.3f}" if len(found) > 1 else ""
    return _minus(f"{found.mean():.3f}{sd}")


def _two(value):
    # + 0.0: no minus before zero
    return _minus(f"{round(value, 2) + 0.0:.2f}") if np.isfinite(value) else "-"


def _plain(value):
    return f"{value:.3g}" if np.isfinite(value) else "-"


def _minus(text):
    """Return numbers with the sign that is as wide as a plus."""
    return text if text == "-" else text.replace("-", "&minus;")
