"""Mixins of all that takes tasks: requests, rows of tasks, fits that lose nothing."""

import warnings
from contextlib import contextmanager

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmtl._compat import name_request_owner, num_samples, safe_indexing
from skmtl.task_labels import TaskIndex

SHARED = -1  # stands for "a task never seen": the family's shared part answers


@contextmanager
def keep_previous_fit(estimator):
    """Put the estimator back as it was if the block raises or is interrupted."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        state = vars(estimator)
        running = (
            "_skl_",
            "_callback",
            "_parent_callback",
        )  # scikit-learn tears these down
        kept = {name: v for name, v in state.items() if name.startswith(running)}
        state.clear()
        state.update(before | kept)
        raise


class TaskRequestMixin:
    """Asks metadata routing for ``task`` in fit; subclasses add their other methods."""

    __metadata_request__fit = {"task": True}

    def _get_metadata_request(self):
        request = super()._get_metadata_request()
        return name_request_owner(request, type(self).__name__)


class TaskRowsMixin:
    """Finds the task of each row that a fitted estimator is asked about."""

    def _locate(self, X, task):
        """Check X and task for prediction; return (X, codes or None for all tasks)."""
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        if task is None:
            if self._layout == "long":
                raise ValueError(
                    f"This {type(self).__name__} was fitted with task labels; pass "
                    "task= as well (one label per row, or one for all). Known tasks: "
                    f"{some(self.tasks_)}."
                )
            return X, (
                None if self._layout == "wide" else np.zeros(num_samples(X), int)
            )
        if self._layout == "single":
            raise ValueError(
                f"This {type(self).__name__} was fitted without task labels, so task= "
                "has no meaning here. Fit with task=, or leave it out."
            )
        codes = TaskIndex(self.tasks_).codes(task, num_samples(X))
        self._check_unseen(task, codes)
        return X, codes

    def _check_unseen(self, task, codes):
        """Raise or warn when a task was never seen in fit, as `unseen` says."""
        unseen = codes == SHARED
        if not unseen.any():
            return
        labels = np.broadcast_to(np.asarray(task).reshape(-1), codes.shape)[unseen]
        found = f"{some(np.unique(labels))} in {int(unseen.sum())} rows"
        if self.unseen == "raise":
            raise ValueError(
                f"Task labels never seen in fit: {found}. Known tasks: "
                f"{some(self.tasks_)}. Pass unseen='shared' to predict new tasks with "
                "the part that the tasks share."
            )
        warnings.warn(
            f"Task labels never seen in fit: {found}; predicted with the shared part.",
            UserWarning,
            stacklevel=4,
        )

    def _assemble(self, X, codes, answer, out):
        """Fill `out` row by row with `answer(X rows, task position)`."""
        present = np.unique(codes)
        if len(present) == 1:
            out[...] = answer(X, present[0])
            return out
        for t in present:
            rows = np.flatnonzero(codes == t)
            out[rows] = answer(safe_indexing(X, rows), t)
        return out


def some(values, limit=5):
    """List the first values, and how many more there are."""
    shown = ", ".join(repr(v) for v in np.asarray(values).tolist()[:limit])
    more = len(values) - limit
    return f"{shown}, ... ({more} more)" if more > 0 else shown
