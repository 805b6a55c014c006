"""The multinomial loss of rows as a function of predictions, intercepts minimised out.

Arrays of predictions are (K, n) where every task has rows of its own, in packed order,
and (K, n, T) where all tasks share theirs; all tasks here have the same number K of
classes. Intercepts are (K, T) and sum to 0 in each task.
"""

from itertools import pairwise

import numpy as np

from skmtl.losses import Multinomial
from skmtl.objectives._row_loss import packed_pieces, wide_pieces

FIRST_TRIES = 40  # evaluations in the search for intercepts from where it starts
MORE_TRIES = 100  # for each temperature of the slow and sure search
COOLING = 8.0
HOTTEST = 1e12  # beyond, predictions have no digits left for intercepts
ROUGH = 1e-3  # slopes that will do at temperatures that are passed through


class SoftmaxLoss:
    """sum_i omega_i l(y_i, Z_i + b_task), with b that minimises it.

    Parameters
    ----------
    y, omega : ndarray of shape (n,) or (n, T)
        Classes by position; weights that sum to c_t in each task.
    offsets : ndarray of shape (T + 1,) or None
        Where the rows of each task start; None where all tasks share them.
    n_classes : int
    c : ndarray of shape (T,)
    fit_intercept : bool
    """

    loss = Multinomial()

    def __init__(self, y, omega, offsets, n_classes, c, fit_intercept):
        self.y, self.omega, self.c, self.K = y, omega, c, n_classes
        self.fit_intercept = fit_intercept
        parts = [(self.loss, np.arange(len(c)))]
        shared = offsets is None
        cut = wide_pieces(len(y), parts) if shared else packed_pieces(offsets, parts)
        self.pieces = list(cut)
        self._start = np.zeros((n_classes, len(c)))
        if fit_intercept:
            self._start = self.loss.link(self._shares())
        nothing = np.broadcast_to(0.0, (n_classes, *y.shape))
        self.task_null = np.zeros(len(c))  # D0 of each task
        for p, y, w, z in self._each(nothing, self._start):
            self.task_null[p.tasks] += p.sum(w * self.loss.fenchel_gap(y, z, 0.0))

    def _shares(self):
        """Return the share of each class in the weight of each task, (K, T)."""
        share = np.zeros((self.K, len(self.c)))
        for p in self.pieces:
            y, w = self.y[p.cells], self.omega[p.cells]
            share[:, p.tasks] += np.stack([p.sum(w * (y == k)) for k in range(self.K)])
        return share / self.c

    def _each(self, Z, b):
        """Yield (piece, y, omega, predictions)."""
        for p in self.pieces:
            z = Z[:, p.cells] + p.spread(b)
            yield p, self.y[p.cells], self.omega[p.cells], z

    # ------------------------------------------------------------ intercepts
    def _slopes(self, Z, b, heat):
        """Return the slope (K, T) and curvature (T, K, K) along b.

        Of heat * l((Z + b) / heat): the loss itself at heat 1, smoother above.
        """
        slope = np.zeros_like(b)
        bend = np.zeros((len(self.c), self.K, self.K))
        for p, y, w, z in self._each(Z, b):
            if heat is not None:
                z /= p.spread(heat)
            first, prob = self.loss.derivatives(y, z)
            first *= w
            slope[:, p.tasks] += p.sum(first)
            bend[p.tasks] += pair_sums(p, prob * w, prob)
        if heat is not None:
            bend /= heat[:, None, None]
        return slope, laplacian(bend)

    def _reach(self, Z):
        """Return the largest spread of the predictions of a class, (T,)."""
        low, high = np.inf * np.ones((2, self.K, len(self.c)))
        high = -high
        for p in self.pieces:
            z = Z[:, p.cells]
            ends = (z.min(axis=-2), z.max(axis=-2))
            if p.starts is not None:
                both = (np.minimum, np.maximum)
                ends = [f.reduceat(z, p.starts, axis=-1) for f in both]
            low[:, p.tasks] = np.minimum(low[:, p.tasks], ends[0])
            high[:, p.tasks] = np.maximum(high[:, p.tasks], ends[1])
        return (high - low).max(axis=0)

    def _best_intercepts(self, Z, b):
        """Return (argmin over b of the loss at Z + b, the curvature there).

        Newton steps; where the predictions are so large that the loss is nearly
        straight in pieces, along a sequence of smoother losses that ends with it.
        """
        reach = self._reach(Z)
        found, bend, done = self._search(Z, b, reach, None, FIRST_TRIES)
        if done.all():
            return found, bend
        heat, b = np.clip(reach, 1.0, HOTTEST), self._start
        while True:
            last = bool((heat <= 1.0).all())
            rough = 0.0 if last else ROUGH
            b, bend, _ = self._search(Z, b, reach, heat, MORE_TRIES, rough)
            if last:
                break
            heat = np.maximum(heat / COOLING, 1.0)
        b = np.where(done, found, b)
        return b, self._slopes(Z, b, None)[1]

    def _search(self, Z, b, reach, heat, tries, rough=0.0):
        """Return (b after Newton steps, curvature, which tasks are done)."""
        farthest = 1.0 + 2.0 * self.K * reach  # no best intercept is beyond
        scale = np.ones(len(self.c))
        slope, bend = self._slopes(Z, b, heat)
        step = _newton_step(slope, bend, farthest)
        for k in range(tries + 1):
            along, size = (slope * step).sum(axis=0), np.abs(step).max(axis=0)
            done = np.abs(slope).max(axis=0) <= max(1e-15, rough) * self.c
            done |= np.abs(along) <= 1e-24 * self.c
            done |= scale * size <= 1e-15 * (1.0 + reach + np.abs(b).max(axis=0))
            if done.all() or k == tries:
                break
            new = b + scale * step
            new_slope, new_bend = self._slopes(Z, new, heat)
            # Beyond the minimum along the step, and further up than it was down?
            ahead = (new_slope * step).sum(axis=0)
            good = ahead <= np.maximum(0.5 * np.abs(along), 1e-15 * self.c * size)
            good &= ~done
            b, slope = np.where(good, new, b), np.where(good, new_slope, slope)
            bend[good] = new_bend[good]
            step = np.where(good, _newton_step(slope, bend, farthest), step)
            scale = np.where(good, 1.0, np.where(done, scale, 0.25 * scale))
        return b, bend, done

    # ------------------------------------------------------------ what is known at Z
    def at(self, Z, near=None):
        """Return (b, value, u, whether u is a dual point) at the predictions Z + b.

        u = omega l'(y, Z + b) sums to 0 over the rows of a task, for each class, where
        intercepts are fitted; and over the classes of a row in any case.
        """
        b, bend = self._start if near is None else near, None
        if self.fit_intercept:
            b, bend = self._best_intercepts(Z, b)
        value, u = 0.0, np.empty((self.K, *self.y.shape))
        rest, size = np.zeros((2, *b.shape))
        for p, y, w, z in self._each(Z, b):
            values, slope, _ = self.loss.evaluate(y, z)
            value += float((w * values).sum())
            slope *= w
            u[:, p.cells] = slope
            rest[:, p.tasks] += p.sum(slope)
            size[:, p.tasks] += p.sum(np.abs(slope))
        if not self.fit_intercept:
            return b, value, u, True
        if np.any(np.abs(rest) > 1e-15 * self.c):
            off = -_newton_step(rest, bend, np.full(len(self.c), 1e300))
            for p, y, w, z in self._each(Z, b):  # moved as the curvature allows
                prob, shift = self.loss.derivatives(y, z)[1], p.spread(off)
                shift = shift - (prob * shift).sum(axis=0)
                u[:, p.cells] -= w * prob * shift
        feasible = bool(np.all(np.abs(rest) <= 1e-9 * np.maximum(size, self.c)))
        return b, value, u, feasible

    def gap(self, Z, b, rho):
        """Return the Fenchel-Young term sum of l(z) + l*(rho u) - rho u z."""
        return sum(
            float((w * self.loss.fenchel_gap(y, z, rho)).sum())
            for _, y, w, z in self._each(Z, b)
        )

    def rise(self, Z, b, off):
        """Return what moving the intercepts from b by `off` (K, T) adds to the loss."""
        total, value = 0.0, self.loss.value
        for p, y, w, z in self._each(Z, b):
            total += float((w * (value(y, z + p.spread(off)) - value(y, z))).sum())
        return total

    def model_point(self, Z, b):
        """Return (p, 1 - p, squares) of a quadratic model at Z + b.

        p and 1 - p have the shape of Z; squares is twice the value of the model.
        """
        prob, others = np.empty((2, self.K, *self.y.shape))
        squares = 0.0
        for p, y, w, z in self._each(Z, b):
            cells = (slice(None), p.cells)
            prob[cells], others[cells], part = self.loss.model_point(y, z)
            squares += float((w * part).sum())
        return prob, others, squares

    def bends(self, Z, b, u):
        """Return (h, squares) of a quadratic model without products between classes.

        It lies above the one of the loss: diag(p) - p p' is at most diag(p), and at
        most 2 diag(p (1 - p)), being diagonally dominant.
        """
        prob, others, _ = self.model_point(Z, b)
        unsure = prob.max(axis=0) <= 0.5
        h = self.omega * prob * np.where(unsure, 1.0, 2.0 * others)
        squares = np.divide(u**2, h, out=np.zeros_like(h), where=h > 0)
        return h, float(squares.sum())


def pair_sums(piece, A, B):
    """Return the sums over the rows of a_k b_l for each task of a piece, (T, K, K)."""
    if piece.starts is None:
        return np.matmul(A.transpose(2, 0, 1), B.transpose(2, 1, 0))
    ends = [*piece.starts, A.shape[-1]]
    return np.stack([A[:, s:e] @ B[:, s:e].T for s, e in pairwise(ends)])


def laplacian(products):
    """Return the curvature diag(p) - p p' from sums of p p', (T, K, K).

    Its rows sum to 0; taken so it keeps its digits where one p is close to 1.
    """
    off = -products
    diagonal = np.arange(off.shape[-1])
    off[:, diagonal, diagonal] = 0.0
    off[:, diagonal, diagonal] = -off.sum(axis=2)
    return off


def _newton_step(slope, bend, farthest):
    """Return -bend^+ slope, (K, T), of sum 0 and no entry larger than `farthest`."""
    K, g = len(slope), slope - slope.mean(axis=0)
    size = np.trace(bend, axis1=1, axis2=2) / K
    # Directions without curvature but with a slope: as far as it may go.
    least = 1e-9 * np.abs(g).max(axis=0) + np.finfo(float).tiny
    values, V = np.linalg.eigh(bend + (size / K)[:, None, None])
    inside = np.einsum("tkm,kt->tm", V, g) / (np.maximum(values, 0) + least[:, None])
    step = -np.einsum("tkm,tm->kt", V, inside)
    step -= step.mean(axis=0)
    longest = np.abs(step).max(axis=0)
    return step * (farthest / np.maximum(longest, farthest))
