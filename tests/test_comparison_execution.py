"""Progress, interruptions and failures: nothing that is finished is lost."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from _comparisons import POOLED, RIDGE, long_rows
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge

from skmtl import compare, make_mtl_pipeline
from skmtl._compat import HAS_CALLBACKS
from skmtl.comparison import _execution

since_callbacks = pytest.mark.skipif(
    not HAS_CALLBACKS, reason="scikit-learn has callbacks since 1.9"
)


class StopsAt(RegressorMixin, BaseEstimator):
    """A ridge that raises when it is fitted for the nth time."""

    fits = 0

    def __init__(self, nth, error=KeyboardInterrupt):
        self.nth = nth
        self.error = error

    def fit(self, X, y, *, task=None):
        type(self).fits += 1
        if type(self).fits == self.nth:
            raise self.error("enough")
        self.inner_ = Ridge().fit(X, y)
        return self

    def predict(self, X, *, task=None):
        return self.inner_.predict(X)


@pytest.fixture(autouse=True)
def start_again():
    StopsAt.fits = 0


def test_interruption_leaves_a_report_on_finished_folds():
    X, y, task = long_rows()
    models = {"ridge": RIDGE, "stops": StopsAt(8)}
    with pytest.warns(UserWarning, match="Interrupted after 7 of 10 folds"):
        report = compare(models, X, y, task=task, random_state=0)
    assert len(report.folds_) == 7
    assert repr(report).endswith("7 of 10 folds, reference 'ridge')")
    StopsAt.fits = 100
    whole = compare(models, X, y, task=task, random_state=0)
    np.testing.assert_array_equal(report.losses_, whole.losses_[..., :7])
    assert report.to_frame()["p"].notna().sum() == 3
    assert len(report.to_frame("predictions")) == sum(len(t) for _, t in report.folds_)


def test_too_little_is_no_report():
    X, y, task = long_rows()
    with pytest.raises(KeyboardInterrupt):
        compare({"r": RIDGE, "s": StopsAt(2)}, X, y, task=task, random_state=0)


def test_the_error_of_a_model_carries_the_report():
    X, y, task = long_rows()
    models = {"ridge": RIDGE, "fails": StopsAt(4, ValueError)}
    with pytest.raises(ValueError, match="'fails' failed in fold 3") as caught:
        compare(models, X, y, task=task, random_state=0)
    report = caught.value.report
    assert len(report.folds_) == 3
    assert "3 of 10 folds finished before" in caught.value.__notes__[0]
    assert report.verdicts_["fails"].keys() == {"t0", "t1", "t2"}
    StopsAt.fits = 0
    with pytest.raises(ValueError, match="in fold 0") as caught:
        compare({"f": StopsAt(1, ValueError)}, X, y, task=task, random_state=0)
    assert not hasattr(caught.value, "report")


def test_a_key_pressed_during_parallel_work():
    script = textwrap.dedent(
        """
        import os, signal, sys, threading, time, warnings
        import numpy as np
        from sklearn.base import BaseEstimator, RegressorMixin
        from skmtl import compare

        class Slow(RegressorMixin, BaseEstimator):
            def fit(self, X, y):
                time.sleep(0.1)
                return self
            def predict(self, X):
                return np.zeros(len(X))

        if __name__ == "__main__":
            X, y = np.zeros((60, 1)), np.arange(60.0)
            folds = [(np.arange(30), np.arange(30, 60))] * 60
            def press():
                os.kill(os.getpid(), signal.SIGINT)
            compare({"a": Slow()}, X, y, cv=folds[:5], n_jobs=2)  # workers are there
            threading.Timer(1.5, press).start()
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                report = compare({"a": Slow(), "b": Slow()}, X, y, cv=folds, n_jobs=2)
            said = [str(w.message) for w in caught if "Interrupted" in str(w.message)]
            print(len(said), 2 <= len(report.folds_) < 60)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == ["1", "True"], done.stderr


class Watch:
    """A callback that counts, and may ask to stop."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.begun, self.ended, self.torn = [], [], 0

    def setup(self, estimator, context):
        self.estimator = type(estimator).__name__
        self.expected = context.max_subtasks

    def on_fit_task_begin(self, estimator, context):
        self.begun.append(context.task_name)

    def on_fit_task_end(self, estimator, context):
        self.ended.append(context.task_name)
        return len(self.ended) == self.stop_after

    def teardown(self, estimator, context):
        self.torn += 1


@since_callbacks
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_callbacks_see_every_fit(n_jobs):
    X, y, task = long_rows()
    watch = Watch()
    models = {"a": RIDGE, "b": POOLED}
    compare(models, X, y, task=task, random_state=0, callbacks=watch, n_jobs=n_jobs)
    assert watch.estimator == "Comparison"
    assert watch.expected == 20
    assert watch.ended == ["iteration"] * 20 + ["fit"]
    assert watch.torn == 1


@since_callbacks
def test_a_callback_may_stop():
    X, y, task = long_rows()
    watch = Watch(stop_after=9)
    with pytest.warns(UserWarning, match="after 4 of 10 folds"):
        report = compare(
            {"a": RIDGE, "b": POOLED},
            X,
            y,
            task=task,
            random_state=0,
            callbacks=[watch],
        )
    assert len(report.folds_) == 4
    assert watch.torn == 1


@since_callbacks
def test_progress_bar(capsys):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    X, y, task = long_rows()
    model = make_mtl_pipeline(RIDGE).set_params(baselines={"pooled": POOLED})
    model.compare(X, y, task=task, random_state=0, callbacks=ProgressBar())
    shown = capsys.readouterr().out
    assert "Comparison - fit" in shown
    assert "100%" in shown


@since_callbacks
def test_what_is_no_callback():
    X, y, task = long_rows()
    with pytest.raises(TypeError, match="FitCallback"):
        compare({"a": RIDGE}, X, y, task=task, callbacks="bar")


def test_callbacks_of_an_older_scikit_learn(monkeypatch):
    monkeypatch.setattr(_execution, "HAS_CALLBACKS", False)
    X, y, task = long_rows()
    with pytest.raises(ImportError, match=r"need scikit-learn 1\.9"):
        compare({"a": RIDGE}, X, y, task=task, callbacks=Watch())
