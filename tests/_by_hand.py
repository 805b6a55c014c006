"""The loops that scikit-learn's tools write for their users, written out."""

import numpy as np
import polars as pl
import sklearn
from _toys import ToyRegressor
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import (
    StratifiedKFold,
)
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

VERSION = parse_version(sklearn.__version__).release[:2]
# Before 1.9 names were read through a protocol that polars 2 has given up.
POLARS_NAMES = VERSION >= (1, 9) or hasattr(pl.DataFrame, "__dataframe__")
ALPHA = "estimator__toyregressor__alpha"
ALPHAS = [0.01, 1.0, 10.0]


def fit_by_hand(toy, df, y, rows, weight=None):
    """Fit scaler and toy to some rows; return a function that predicts other rows."""
    X, task = df.drop(columns="hospital").to_numpy(), df.hospital.to_numpy()
    scaler = StandardScaler().fit(X[rows])
    weights = {} if weight is None else {"sample_weight": weight[rows]}
    toy = clone(toy).fit(scaler.transform(X[rows]), y[rows], task=task[rows], **weights)

    def answer(rows, method="predict"):
        return getattr(toy, method)(scaler.transform(X[rows]), task=task[rows])

    return answer


def folds_of(df, n_splits=3):
    return list(StratifiedKFold(n_splits).split(df, df.hospital))


def scores_by_hand(df, y, folds, alphas=ALPHAS, metric=r2_score, weight=None):
    """Return the score of each alpha in each fold."""
    table = np.empty((len(alphas), len(folds)))
    for i, alpha in enumerate(alphas):
        for k, (train, test) in enumerate(folds):
            answer = fit_by_hand(ToyRegressor(alpha), df, y, train, weight)
            weights = {} if weight is None else {"sample_weight": weight[test]}
            table[i, k] = metric(y[test], answer(test), **weights)
    return table
