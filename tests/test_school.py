"""The School data: 139 tasks, certified over three decades of alpha."""

from pathlib import Path

import numpy as np
import pytest

from skmtl import GroupLassoRegressor, TaskStatistics, duality_gap
from skmtl.objectives import StatisticsObjective
from skmtl.penalties import SparseGroup

PATH = Path(__file__).resolve().parents[2] / "shared" / "data" / "school.csv.gz"
pytestmark = pytest.mark.skipif(
    not PATH.exists(), reason="the School data are not at ../shared/data"
)


@pytest.fixture(scope="module")
def school():
    """Return (X, y, task, statistics, alpha_max, D0)."""
    import pandas as pd

    frame = pd.read_csv(PATH)
    task = frame.pop("school").to_numpy()
    y = frame.pop("score").to_numpy(float)
    X = frame.to_numpy(float)
    statistics = TaskStatistics.from_rows(X, y, task=task)
    f = StatisticsObjective(statistics, np.ones(statistics.n_tasks))
    start = f.at(np.zeros((f.n_features, f.n_tasks)))
    return X, y, task, statistics, SparseGroup(1.0).alpha_max(f.gradient(start)), f.null


def test_shape(school):
    X, _, task, statistics, alpha_max, D0 = school
    assert X.shape == (15_362, 28)
    assert statistics.n_tasks == len(np.unique(task)) == 139
    assert alpha_max > 0
    centred = [np.var(school[1][task == t]) / 2 for t in np.unique(task)]
    np.testing.assert_allclose(D0, np.sum(centred))


@pytest.mark.parametrize("solver", ["bcd", "fista"])
@pytest.mark.parametrize("share", [2, 10, 100, 1000])
def test_certified_gap(school, share, solver):
    X, y, task, statistics, alpha_max, D0 = school
    model = GroupLassoRegressor(
        alpha_max / share, tol=1e-8, solver=solver, max_iter=100_000
    )
    model.fit_statistics(statistics)
    assert model.converged_
    assert model.dual_gap_ <= 1e-8 * D0
    assert duality_gap(model, X, y, task=task) <= 1.01e-8 * D0
    other = GroupLassoRegressor(alpha_max / share, tol=1e-8, max_iter=100_000)
    other.fit(X, y, task=task)
    assert abs(other.objective_ - model.objective_) <= 1e-8 * D0


def test_few_sweeps_are_enough(school):
    """Seconds depend on the machine; sweeps do not."""
    *_, statistics, alpha_max, _ = school
    for share, most in ((2, 100), (10, 300), (100, 1500), (1000, 5000)):
        model = GroupLassoRegressor(alpha_max / share, tol=1e-8)
        assert model.fit_statistics(statistics).n_iter_ <= most
