"""Clusters, subspaces and latent tasks as citizens of scikit-learn."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmtl import (
    LatentTaskClassifier,
    LatentTaskRegressor,
    SharedSubspaceClassifier,
    SharedSubspaceRegressor,
    TaskClusteringClassifier,
    TaskClusteringRegressor,
)
from skmtl.datasets import make_clustered_tasks

KINDS = [
    LatentTaskClassifier,
    LatentTaskRegressor,
    SharedSubspaceClassifier,
    SharedSubspaceRegressor,
    TaskClusteringClassifier,
    TaskClusteringRegressor,
]


def expected_failures(estimator):
    """Name the checks of scikit-learn that do not fit, and why."""
    if not is_classifier(estimator):
        return {}
    return {
        "check_classifier_multioutput": "classes_ is a list with an array per task "
        "after a wide fit, as in sklearn.multioutput.MultiOutputClassifier"
    }


@parametrize_with_checks(
    [
        TaskClusteringRegressor(alpha=0.01, beta=0.01),
        TaskClusteringRegressor(alpha=0.01, beta=0.01, centred=True, scale_y=True),
        TaskClusteringRegressor(alpha=0.01, beta=0.01, method="kmeans"),
        TaskClusteringClassifier(),
        TaskClusteringClassifier(method="kmeans"),
        SharedSubspaceRegressor(alpha=0.01, beta=0.01),
        SharedSubspaceClassifier(solver="fista"),
        LatentTaskRegressor(),
        LatentTaskClassifier(n_init=1, tol=1e-3),
    ],
    expected_failed_checks=expected_failures,
)
@pytest.mark.filterwarnings("ignore:.*labels of one class only:UserWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", KINDS)
def test_pickles_and_clones(kind):
    task_type = "classification" if "Classifier" in kind.__name__ else "regression"
    X, y, task, _ = make_clustered_tasks(
        n_tasks=5, n_features=6, task_type=task_type, random_state=0
    )
    options = {"alpha": 0.05, "beta": 0.02}
    if "random_state" in kind().get_params():
        options["random_state"] = 0
    model = kind(2, **options).fit(X, y, task=task)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(
        again.predict(X, task=task), model.predict(X, task=task)
    )
    copy = clone(model).fit(X, y, task=task)
    np.testing.assert_allclose(copy.coef_, model.coef_, atol=1e-12)
