"""The columns of the tables that a report gives, {name: values}."""

import numpy as np

from skmtl.risks import THRESHOLDS, net_benefit, risk_measures
from skmtl.summaries import nandeviation, nanmean


def settings(report):
    """Say of each model whether it was tuned, and in how many folds it is empty."""
    words = []
    for name, empty in zip(report.models_, report._empty.sum(axis=1), strict=True):
        tuned = "tuned" if any(report.params_[name]) else "fixed"
        where = f", empty in {empty} of {len(report.folds_)} folds" if empty else ""
        words.append(tuned + where)
    return np.array(words)


def tasks(report):
    """Return a row per model and task: scores, gain, interval and verdict."""
    gains, paired = report._gains, report._gains.by_task
    shape = gains.verdict.shape
    scale = gains.scale if gains.relative else np.nan
    columns = {
        "model": np.array(report.models_)[:, None],
        "task": report.tasks_[None],
        "metric": np.array(report.metric_),
        "score": nanmean(report.scores_[report.metric_], axis=-1),
        "score_sd": nandeviation(report.scores_[report.metric_], axis=-1),
    }
    for key, values in report.scores_.items():
        if key != report.metric_:
            columns[key] = nanmean(values, axis=-1)
    columns |= {
        "loss": nanmean(report.losses_, axis=-1),
        "gain": paired.mean,
        "gain_low": paired.low,
        "gain_high": paired.high,
        "relative_gain": paired.mean / scale,
        "relative_low": paired.low / scale,
        "relative_high": paired.high / scale,
        "p": paired.p,
        "p_holm": gains.p_holm,
        "verdict": gains.verdict,
        "n_labels": report._table["n_labels"][None],
        "n_missing": report._table["n_missing"][None],
        **{key: n.mean(axis=1)[None] for key, n in report._counts.items()},
        "fit_time": report._fit_time.mean(axis=1)[:, None],
        "predict_time": report._predict_time.mean(axis=1)[:, None],
        "settings": settings(report)[:, None],
    }
    return _flat(columns, shape)


def models(report):
    """Return a row per model: all tasks together, times and settings."""
    overall, verdict = report._gains.overall, report._gains.verdict
    means = {
        key: nanmean(nanmean(values, axis=-1), axis=-1)
        for key, values in report.scores_.items()
    }
    return {
        "model": report.models_,
        "metric": [report.metric_] * len(report.models_),
        "score": means.pop(report.metric_),
        **means,
        "gain": overall.mean,
        "gain_low": overall.low,
        "gain_high": overall.high,
        "helps": (verdict == "helps").sum(axis=1),
        "no_evidence": (verdict == "no evidence").sum(axis=1),
        "hurts": (verdict == "hurts").sum(axis=1),
        "fit_time": report._fit_time.mean(axis=1),
        "predict_time": report._predict_time.mean(axis=1),
        "settings": settings(report),
    }


def data(report):
    """Return a row per task: its labels."""
    return dict(report._table)


def folds(report):
    """Return a row per model, task and fold."""
    shape = report.losses_.shape
    n_models, _, n_folds = shape
    params = np.empty((n_models, 1, n_folds), dtype=object)
    for m, name in enumerate(report.models_):
        params[m, 0, :] = report.params_[name]
    columns = {
        "model": np.array(report.models_)[:, None, None],
        "task": report.tasks_[None, :, None],
        "fold": np.arange(n_folds)[None, None],
        **report.scores_,
        "loss": report.losses_,
        **{key: n[None] for key, n in report._counts.items()},
        "fit_time": report._fit_time[:, None],
        "predict_time": report._predict_time[:, None],
        "empty": report._empty[:, None],
        "params": params,
    }
    return _flat(columns, shape)


def params(report):
    """Return a row per model, fold and tuned parameter."""
    rows = [
        (name, fold, key, value)
        for name, found in report.params_.items()
        for fold, chosen in enumerate(found)
        for key, value in chosen.items()
    ]
    columns = zip(*rows, strict=True) if rows else ([], [], [], [])
    names = ("model", "fold", "parameter", "value")
    return {key: list(of) for key, of in zip(names, columns, strict=True)}


def predictions(report):
    """Return a row per predicted label, a column per model."""
    columns = dict(report.observations_)
    for name, values in report.predictions_.items():
        if values.ndim == 1:
            columns[name] = values
        elif values.shape[1] == 2:
            columns[name] = values[:, 1]
        else:
            for k in range(values.shape[1]):
                columns[f"{name}[{k}]"] = values[:, k]
    return columns


def risk(report):
    """Return a row per model and binary task: calibration and Brier score."""
    rows = [
        {
            "model": name,
            "task": report.tasks_.tolist()[t],
            **risk_measures(*report._outcomes.of(values, t)),
        }
        for name, values in report.predictions_.items()
        for t in report._outcomes.tasks
    ]
    return {key: [row[key] for row in rows] for key in rows[0]} if rows else {}


def decisions(report):
    """Return a row per model, binary task and threshold of risk: net benefits."""
    parts = []
    for name, values in report.predictions_.items():
        for t in report._outcomes.tasks:
            y, p, weight, _ = report._outcomes.of(values, t)
            found = net_benefit(y, p, THRESHOLDS, sample_weight=weight)
            parts.append((name, report.tasks_.tolist()[t], *found))
    if not parts:
        return {}
    n, n_parts = len(THRESHOLDS), len(parts)
    return {
        "model": np.repeat([part[0] for part in parts], n),
        "task": np.repeat([part[1] for part in parts], n),
        "threshold": np.tile(THRESHOLDS, n_parts),
        "net_benefit": np.concatenate([part[2] for part in parts]),
        "treat_all": np.concatenate([part[3] for part in parts]),
    }


PARTS = {
    "tasks": tasks,
    "models": models,
    "data": data,
    "folds": folds,
    "params": params,
    "predictions": predictions,
    "risk": risk,
    "decisions": decisions,
}


def _flat(columns, shape):
    """Return columns as vectors of one length."""
    return {key: np.broadcast_to(v, shape).ravel() for key, v in columns.items()}
