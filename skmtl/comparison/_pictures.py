"""The pictures of a report, inside the page."""

import base64
from html import escape
from io import BytesIO

from skmtl.comparison._text import listed

MISSING = (
    '<p><small>Pictures need matplotlib and pandas: pip install "skmtl[plot,data]"'
    "</small></p>"
)


def draw_gains(report):
    """Return the picture of gains per task, as HTML."""
    from skmtl.plotting._transfer import MAX_TASK_ROWS

    evident = {
        verdict: sum(
            found == verdict
            for own in report.verdicts_.values()
            for found in own.values()
        )
        for verdict in ("helps", "hurts", "no evidence")
    }
    counts = ", ".join(f"{n} {verdict}" for verdict, n in evident.items())
    alt = (
        f"Gains over {report.reference_} with their intervals, per task and model: "
        f"{counts}. The numbers are in the table below."
    )
    few = len(report.tasks_) <= MAX_TASK_ROWS
    mark = (
        "A bar is the 95 % interval of the gain."
        if few
        else "A dot is the gain in one task, a diamond the mean with its 95 % interval."
    )
    caption = (
        f"{mark} Right of the line the model is better than {report.reference_}, left "
        "of it worse."
    )

    def draw(ax):
        report.plot(ax=ax)
        legend = ax.get_legend()
        if legend is None:
            return
        handles = legend.legend_handles[1:]  # the reference is the line of no gain
        legend.remove()
        options = {"loc": "outside upper left", "ncols": min(len(handles), 3)}
        ax.figure.legend(handles=handles, frameon=False, **options)

    n_models = len(report.models_)
    lines = 0.2 * len(report.tasks_) * (n_models + 1) if few else 0.6 * n_models
    return _figures([(draw, (5.6, 1.8 + max(lines, 1.8)), alt, caption)])


def draw_risks(report, task):
    """Return calibration and decision curves of a binary task, as HTML."""
    models = listed(report.models_)

    def calibration(ax):
        from skmtl.plotting import TaskCalibrationDisplay

        TaskCalibrationDisplay.from_report(report, tasks=[task], ax=ax)

    def decision(ax):
        from skmtl.plotting import DecisionCurveDisplay

        DecisionCurveDisplay.from_report(report, tasks=[task], ax=ax)

    size = (4.6, 3.7)
    first = (
        calibration,
        size,
        f"Calibration of {task}: observed share against predicted risk, of {models}. "
        "The slopes are in the table above.",
        "Calibration: on the dotted line, risks are what happens. Above it they are "
        "too low, below it too high.",
    )
    second = (
        decision,
        size,
        f"Decision curves of {task}: net benefit against the threshold, of {models}, "
        "of treating all and of treating nobody.",
        "Decision curve: the highest line at a threshold is the best way to decide "
        "there.",
    )
    return _figures([first, second])


def _figures(figures):
    """Return figures of (what draws on axes, size in inches, alt, caption)."""
    try:
        import pandas  # noqa: F401  (the displays need it)
        from matplotlib.figure import Figure
    except ImportError:
        return MISSING
    parts = []
    for draw, size, alt, caption in figures:
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.add_subplot())
        width, height = (round(96 * inches) for inches in size)
        parts.append(
            f'<figure style="width:{width}px"><img alt="{escape(alt, quote=True)}" '
            f'src="{_data_uri(figure)}" width="{width}" height="{height}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )
    return f'<div class="pictures">{"".join(parts)}</div>'


def _data_uri(figure):
    """Return a figure as the address of an image that holds it."""
    import matplotlib

    buffer = BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "skmtl", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()
