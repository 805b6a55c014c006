"""Every model in every fold, watched by callbacks; what is finished is never lost."""

import warnings

from sklearn.base import BaseEstimator
from sklearn.utils.parallel import Parallel, delayed

from skmtl._compat import (
    HAS_CALLBACKS,
    CallbackSupportMixin,
    FitProgress,
    fit_context,
)
from skmtl.comparison._runs import run

# A report needs this many finished folds: of one, nothing can be said to be evident.
MIN_FINISHED = 2


class Comparison(CallbackSupportMixin, BaseEstimator):
    """An estimator by its looks only, so that scikit-learn's callbacks can watch."""

    _parameter_constraints: dict = {}

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, table, jobs, n_jobs):
        """Run jobs, calls of `run`, and keep their answers, as they come, in done_."""
        self.done_ = []
        progress = FitProgress(self, table.X, table.y, max_steps=len(jobs))
        answers = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
        try:
            for answer in answers:
                self.done_.append(answer)
                if progress.step():
                    raise KeyboardInterrupt
        finally:
            answers.close()
        progress.finish(None)
        return self


def run_folds(models, table, folds, seeds, scoring, *, n_jobs, callbacks):
    """Return ({model: its runs}, what stopped it or None); as many runs of each.

    Fold after fold is run, so that what was finished before an interruption, or before
    the failure of a model, is a comparison in fewer folds.
    """
    comparison = _watched(callbacks)
    jobs = [
        delayed(run)(name, model, table, j, *folds[j], seeds[j], scoring)
        for j in range(len(folds))
        for name, model in models.items()
    ]
    stopped = None
    try:
        comparison.fit(table, jobs, n_jobs)
    except (Exception, KeyboardInterrupt) as error:
        stopped = error
    done, names = getattr(comparison, "done_", []), list(models)
    n_finished = len(done) // len(names)
    if stopped is not None and n_finished < MIN_FINISHED:
        raise stopped
    done = done[: n_finished * len(names)]
    return {name: done[k :: len(names)] for k, name in enumerate(names)}, stopped


def _watched(callbacks):
    """Return a comparison that reports to callbacks."""
    comparison = Comparison()
    if callbacks is None:
        return comparison
    if not HAS_CALLBACKS:
        raise ImportError(
            "callbacks need scikit-learn 1.9 or later, where they are new. Leave "
            "callbacks out, or upgrade it."
        )
    several = isinstance(callbacks, (list, tuple))
    return comparison.set_callbacks(*(callbacks if several else [callbacks]))


def hand_over(report, stopped, n_folds):
    """Return the report; raise, with the report, if the failure of a model stopped it.

    After an interruption a warning says how many folds the report has.
    """
    if stopped is None:
        return report
    had = f"{len(report.folds_)} of {n_folds} folds"
    if isinstance(stopped, KeyboardInterrupt):
        warnings.warn(
            f"Interrupted after {had}; the report is on these. Verdicts are rarer in "
            "fewer folds.",
            UserWarning,
            stacklevel=3,
        )
        return report
    stopped.report = report
    stopped.add_note(f"The `report` of this error is on the {had} finished before.")
    raise stopped
