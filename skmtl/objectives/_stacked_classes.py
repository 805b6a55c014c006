"""The log-loss of tasks with the same several classes, one column of W per task."""

from dataclasses import replace

import numpy as np

from skmtl.quadratics import Gram


class StackedClasses:
    """f of the coefficients of all classes of a task, one under the other, (K p, T).

    For penalties between tasks: the difference of two tasks is that of equal classes.
    The image, the dual point and the intercepts are those of the objective inside,
    whose columns are the classes of the first task, then those of the second, ...

    Parameters
    ----------
    inner : ClassObjective
        f of W (p, T K).
    n_classes : int
        K.
    """

    quadratic, spectra, known = False, None, None

    def __init__(self, inner, n_classes):
        self.inner, self.K = inner, n_classes
        self.null, self.task_null = inner.null, inner.task_null
        self.bounded, self.fewest_labels = inner.bounded, inner.fewest_labels
        self.n_features = n_classes * inner.n_features
        self.n_tasks = inner.n_tasks // n_classes

    def stack(self, W):
        """Return the columns of each task one under the other."""
        p = self.inner.n_features
        parts = W.reshape(p, self.n_tasks, self.K).transpose(2, 0, 1)
        return np.ascontiguousarray(parts.reshape(self.n_features, self.n_tasks))

    def unstack(self, V):
        """Return a column per task and class."""
        return unstack(V, self.K)

    def _inside(self, point):
        """Return the point of the objective inside."""
        G = None if point.G is None else self.unstack(point.G)
        return replace(point, W=self.unstack(point.W), G=G)

    def image(self, V):
        """Return the image of the objective inside."""
        return self.inner.image(self.unstack(V))

    def at(self, V, Z=None, near=None):
        """Return the point at V; `near` is a point to start inner searches from."""
        return replace(self.inner.at(self.unstack(V), Z, near), W=V, G=None)

    def gradient(self, point):
        """Return the gradient, (K p, T)."""
        if point.G is None:
            point.G = self.stack(self.inner.gradient(self._inside(point)))
        return point.G

    def loss_gap(self, point, rho):
        """Return the Fenchel-Young term of the loss for the dual point rho u."""
        return self.inner.loss_gap(point, rho)

    def loss_of_shift(self, point, off):
        """Return what moving the best intercepts by `off` adds to the loss."""
        return self.inner.loss_of_shift(point, off)

    def bend(self, a, b):
        """Return <grad f(a) - grad f(b), a - b>, from the images alone."""
        return self.inner.bend(a, b)

    def curvatures(self):
        """Return the curvature along each row, (K p,)."""
        return np.tile(self.inner.curvatures(), self.K)

    @property
    def grams_fit(self):
        """Whether the curvatures of all tasks are no larger than the rows, or small."""
        return self.inner.grams_fit

    def grams(self, point):
        """Return f near the point as a quadratic of all of V, by Gram matrices."""
        inside, p = self._inside(point), self.inner.n_features
        model = self.inner.model(inside, np.arange(p))
        if hasattr(model, "matrices"):
            A = np.stack(model.matrices)
        else:  # nothing couples the classes
            own = self.inner.grams(inside).A.reshape(self.n_tasks, self.K, p, p)
            A = np.zeros((self.n_tasks, self.K, p, self.K, p))
            for k in range(self.K):
                A[:, k, :, k] = own[:, k]
            A = A.reshape(self.n_tasks, self.n_features, self.n_features)
        index, scale = np.arange(self.n_tasks), np.ones(self.n_tasks)
        g = np.ascontiguousarray(self.gradient(point).T)
        return Gram(A, index, scale, point.W.T.copy(), g, 2.0 * point.value)

    def resolution(self, point):
        """Return how far rounding may put the value off."""
        return self.inner.resolution(point)

    def intercepts(self, point):
        """Return b for X as the user gave it, one per task and class."""
        return self.inner.intercepts(self._inside(point))


def unstack(V, n_classes):
    """Return V (K p, T) with a column per task and class, (p, T K)."""
    T = V.shape[1]
    return V.reshape(n_classes, -1, T).transpose(1, 2, 0).reshape(-1, T * n_classes)
