"""The benchmark of predictions: fixed splits, and nothing learned from test rows."""

import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module", autouse=True)
def scripts():
    """Make the scripts importable."""
    sys.path.insert(0, str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))


def test_shares_are_held_out_within_tasks():
    from _prediction_data import hold_out

    task = np.repeat([3, 1, 2], [40, 8, 11])
    tests = hold_out(task, 0.25, 4)
    assert tests.shape == (4, 59)
    for test in tests:
        assert [test[task == t].sum() for t in (3, 1, 2)] == [10, 2, 3]
    assert (tests[0] != tests[1]).any()
    np.testing.assert_array_equal(tests, hold_out(task, 0.25, 4))


def test_the_file_of_splits_is_what_the_seeds_give():
    from _prediction_data import DATA, hold_out, read_school_splits, school

    tests = read_school_splits(15_362)
    assert tests.shape == (10, 15_362)
    with pytest.raises(ValueError, match="15362 rows"):
        read_school_splits(10)
    if not DATA.exists():
        pytest.skip("the School data are not at ../shared/data")
    np.testing.assert_array_equal(tests, hold_out(school()[2], 0.25))


@pytest.mark.parametrize(
    "changes",
    [{}, {"ones": 2.0, "after_pooled": True}],
    ids=["plain", "pooled"],
)
def test_labels_of_test_rows_change_nothing(changes):
    from _prediction_choice import Candidate, Part, choose
    from _prediction_data import hold_out, simulated

    from skmtl import TraceNormRegressor

    X, y, task = simulated()
    (test,) = hold_out(task, 0.3, 1)
    other = np.where(test, -7.0 * y, y)
    candidates = [Candidate("", TraceNormRegressor(), alphas=4, **changes)]
    a, b = (choose(candidates, Part(X, v, task, test, folds=3)) for v in (y, other))
    np.testing.assert_array_equal(a.predicted, b.predicted)
    assert a.held_out == b.held_out
    assert a.predicted.shape == (test.sum(),)


def test_the_candidate_of_least_held_out_error_is_chosen():
    from _prediction_choice import Candidate, Part, choose
    from _prediction_data import hold_out, simulated

    from skmtl import GroupLassoRegressor

    X, y, task = simulated()
    (test,) = hold_out(task, 0.3, 1)
    part = Part(X, y, task, test, folds=3)
    empty = Candidate("empty", GroupLassoRegressor(), alphas=[1e6])
    free = Candidate("free", GroupLassoRegressor(), alphas=[1.0, 0.01])
    assert choose([empty, free], part).name == "free"
    assert choose([empty], part).name == "empty"
    assert len(part.found) == 2
