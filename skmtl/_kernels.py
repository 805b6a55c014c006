"""All compiled code: block coordinate descent on quadratics with row-wise penalties.

Arrays are C-contiguous float64 and int64 unless said otherwise. Inside the kernels W is
(T, k), task by task, so that what is updated for one task is contiguous; arguments that
are changed in place are W and the state after it. One file, because a cached kernel
does not notice when a kernel it calls changes in another file.
"""

import numpy as np

from skmtl._jit import jit


@jit
def solve_block(center, curvature, group, l1, out):
    """Minimise sum_t (curvature_t v_t^2 / 2 - center_t v_t) + group ||v|| + l1 ||v||_1.

    Exact for any curvatures >= 0. Writes v to `out`.
    """
    T = len(center)
    squares = 0.0
    for t in range(T):
        c = center[t]
        s = 0.0
        if c > l1:
            s = c - l1
        elif c < -l1:
            s = c + l1
        out[t] = s
        squares += s * s
    norm = np.sqrt(squares)
    if norm <= group:
        for t in range(T):
            out[t] = 0.0
        return
    if group == 0.0:
        for t in range(T):
            out[t] = out[t] / curvature[t] if curvature[t] > 0.0 else 0.0
        return
    # v_t = nu s_t / (curvature_t nu + group) with nu = ||v||, the root of h(nu) = 1 for
    # h(nu) = 1 / ||s / (curvature nu + group)||. h is concave and increasing, so Newton
    # from below never overshoots. The start is the root for the largest curvature.
    largest = 0.0
    for t in range(T):
        largest = max(largest, curvature[t])
    nu = (norm - group) / largest if largest > 0.0 else 0.0
    for _ in range(60):
        f = 0.0
        df = 0.0
        for t in range(T):
            d = curvature[t] * nu + group
            q = out[t] / d
            f += q * q
            df += q * q * curvature[t] / d
        h = 1.0 / np.sqrt(f)
        slope = h * h * h * df
        if slope <= 0.0:
            break
        step = (1.0 - h) / slope
        nu += step
        if step <= 1e-15 * nu:
            break
    for t in range(T):
        out[t] = nu * out[t] / (curvature[t] * nu + group)


@jit
def bcd_gram(A, index, scale, curvature, group, l1, ridge, n_sweeps, W, g):
    """Sweep over the rows of the quadratic sum_t scale_t w_t'A_{index_t} w_t / 2.

    A (G, k, k) symmetric; curvature (T, k) = scale_t * diag(A_t); group, l1, ridge
    (k,). In place: W (T, k), and the gradient g (T, k) of the quadratic.
    """
    T, k = W.shape
    center = np.empty(T)
    bend = np.empty(T)
    new = np.empty(T)
    for _ in range(n_sweeps):
        for j in range(k):
            for t in range(T):
                a = curvature[t, j]
                center[t] = a * W[t, j] - g[t, j]
                bend[t] = a + ridge[j]
            solve_block(center, bend, group[j], l1[j], new)
            for t in range(T):
                delta = new[t] - W[t, j]
                if delta != 0.0:
                    W[t, j] = new[t]
                    step = delta * scale[t]
                    row = A[index[t], j]
                    gt = g[t]
                    for i in range(k):
                        gt[i] += step * row[i]


@jit
def bcd_dense(
    X, x_start, r_start, n_rows, h, mean, curvature, group, l1, ridge, n_sweeps, W, r
):
    """Sweep over the rows of W on sum_t sum_i h_i r_i^2 / 2, dense X (n, k) F-ordered.

    Task t has rows x_start[t]:x_start[t] + n_rows[t] of X and entries from r_start[t]
    of h and r; mean (T, k) is the h-weighted mean that centres X; curvature (T, k) =
    sum h (x - mean)^2. In place: W (T, k), and the residual r, whose h-weighted sum per
    task is 0 where mean is not 0.
    """
    T, k = W.shape
    center = np.empty(T)
    bend = np.empty(T)
    new = np.empty(T)
    for _ in range(n_sweeps):
        for j in range(k):
            for t in range(T):
                x0, r0, n = x_start[t], r_start[t], n_rows[t]
                x, rt, ht = X[x0 : x0 + n, j], r[r0 : r0 + n], h[r0 : r0 + n]
                dot = 0.0
                for i in range(n):
                    dot += x[i] * ht[i] * rt[i]
                center[t] = curvature[t, j] * W[t, j] + dot
                bend[t] = curvature[t, j] + ridge[j]
            solve_block(center, bend, group[j], l1[j], new)
            for t in range(T):
                delta = new[t] - W[t, j]
                if delta != 0.0:
                    W[t, j] = new[t]
                    x0, r0, n = x_start[t], r_start[t], n_rows[t]
                    x, rt = X[x0 : x0 + n, j], r[r0 : r0 + n]
                    m = mean[t, j]
                    for i in range(n):
                        rt[i] -= delta * (x[i] - m)


@jit
def bcd_csc(
    data, rows, starts, index, r_start, n_rows, h, mean, curvature,
    group, l1, ridge, n_sweeps, W, r,
):  # fmt: skip
    """Sweep as `bcd_dense` does, for sparse columns.

    Column j of task t holds data[starts[g, j]:starts[g, j + 1]] with g = index[t], at
    the rows (relative to r_start[t]) in `rows`. Centring is implicit: the entries of r
    are right up to one shift per task, which is added at the end of each sweep.
    """
    T, k = W.shape
    center = np.empty(T)
    bend = np.empty(T)
    new = np.empty(T)
    shift = np.zeros(T)
    for _ in range(n_sweeps):
        for j in range(k):
            for t in range(T):
                r0 = r_start[t]
                dot = 0.0
                for e in range(starts[index[t], j], starts[index[t], j + 1]):
                    i = r0 + rows[e]
                    dot += data[e] * h[i] * (r[i] + shift[t])
                center[t] = curvature[t, j] * W[t, j] + dot
                bend[t] = curvature[t, j] + ridge[j]
            solve_block(center, bend, group[j], l1[j], new)
            for t in range(T):
                delta = new[t] - W[t, j]
                if delta != 0.0:
                    W[t, j] = new[t]
                    r0 = r_start[t]
                    for e in range(starts[index[t], j], starts[index[t], j + 1]):
                        r[r0 + rows[e]] -= delta * data[e]
                    shift[t] += delta * mean[t, j]
        for t in range(T):
            for i in range(n_rows[t]):
                r[r_start[t] + i] += shift[t]
            shift[t] = 0.0
