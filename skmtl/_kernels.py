"""All compiled code: block coordinate descent on quadratics with block-wise penalties.

Arrays are C-contiguous float64 and int64 unless said otherwise. Inside the kernels W is
(T, k), task by task, so that what is updated for one task is contiguous; arguments that
are changed in place are W and the state after it. One file, because a cached kernel
does not notice when a kernel it calls changes in another file.

A penalty comes as blocks of rows: block b is the rows starts[b]:starts[b + 1] of W in
all tasks, with strengths a2 of its norm (code 0: l2, 1: largest magnitude), a1 of the
l1 norm and ridge; `positive` asks for W >= 0. curvature (T, n_blocks) bounds the
quadratic along the rows of a block, exactly so for a block of one row.
"""

import numpy as np

from skmtl._jit import jit, part_of


@part_of
def solve_block(center, bend, n, a2, a1, code, positive, out):
    """Minimise sum_i (bend_i v_i^2 / 2 - center_i v_i) + a2 N(v) + a1 ||v||_1.

    Over the first n entries; exact for any bends >= 0. Writes v to `out`. (One function
    for both norms: parts of parts take long to compile.)
    """
    squares, total, largest, smallest = 0.0, 0.0, 0.0, np.inf
    for i in range(n):
        c = center[i]
        s = 0.0
        if c > a1:
            s = c - a1
        elif c < -a1 and not positive:
            s = c + a1
        out[i] = s
        squares += s * s
        total += abs(s)
        largest = max(largest, bend[i])
        smallest = min(smallest, bend[i])
    norm = np.sqrt(squares)
    if code == 1 and a2 > 0.0 and total > a2:
        # |v_i| = min(|s_i| / bend_i, level) with sum (|s_i| - bend_i level)_+ = a2,
        # convex and decreasing in the level: Newton from 0 is exact after finitely many
        # steps.
        level = 0.0
        for _ in range(n + 1):
            rest, slope = -a2, 0.0
            for i in range(n):
                left = abs(out[i]) - bend[i] * level
                rest += max(left, 0.0)
                slope += bend[i] if left > 0.0 else 0.0
            if rest <= 0.0 or slope <= 0.0:
                break
            new = level + rest / slope
            if new <= level:
                break
            level = new
        for i in range(n):
            size = abs(out[i])
            if size > bend[i] * level:
                size = level
            elif bend[i] > 0.0:
                size /= bend[i]
            out[i] = size if out[i] > 0.0 else -size
    else:
        # v_i = nu s_i / (bend_i nu + a2) with nu = ||v||, the root of h(nu) = 1 for
        # h(nu) = 1 / ||s / (bend nu + a2)||. h is concave and increasing, so Newton
        # from below never overshoots. The start is the root for the largest curvature,
        # and any nu > 0 will do without a norm.
        nu = (norm - a2) / largest if largest > 0.0 and not norm <= a2 else 0.0
        for _ in range(60 if nu > 0.0 and a2 > 0.0 and largest > smallest else 0):
            f, df = 0.0, 0.0
            for i in range(n):
                d = bend[i] * nu + a2
                q = out[i] / d
                f += q * q
                df += q * q * bend[i] / d
            h = 1.0 / np.sqrt(f)
            slope = h * h * h * df
            if slope <= 0.0:
                break
            step = (1.0 - h) / slope
            nu += step
            if step <= 1e-15 * nu:
                break
        for i in range(n):
            d = bend[i] * nu + a2
            out[i] = nu * out[i] / d + 0.0 if d > 0.0 else 0.0  # not -0


@part_of
def longest_block(starts):
    """Return the number of rows of the largest block."""
    m = 0
    for b in range(len(starts) - 1):
        m = max(m, starts[b + 1] - starts[b])
    return m


AT_ONCE = 4  # rows whose steps move the gradient together, in one pass over it


@jit
def bcd_gram(
    A, index, scale, curvature, starts, a2, a1, ridge, code, positive, n_sweeps, W, g
):
    """Sweep over the blocks of the quadratic sum_t scale_t w_t'A_{index_t} w_t / 2.

    A (G, k, k) symmetric. In place: W (T, k), and the gradient g (T, k) of the
    quadratic.
    """
    T, k = W.shape
    n_blocks, size = len(starts) - 1, k * T  # more than enough, and soon compiled
    center, bend, new = np.empty(size), np.empty(size), np.empty(size)
    # What g does not know yet: the last n steps (scaled), and which rows took them. Of
    # one dimension, since arrays of two take longer to compile.
    steps, rows, n = np.empty(size + AT_ONCE * T), np.empty(k + AT_ONCE, np.int64), 0
    b, s, e = 0, 0, 0
    for i in range(n_sweeps * n_blocks + 1):
        over = i == n_sweeps * n_blocks
        if not over:
            b = i % n_blocks
            s, e = starts[b], starts[b + 1]
        if over or (n > 0 and n + e - s > AT_ONCE):
            while n % AT_ONCE > 0:  # the last rows that move together take no step
                rows[n] = 0
                for t in range(T):
                    steps[n * T + t] = 0.0
                n += 1
            for t in range(T):
                own, gt = A[index[t]], g[t]
                for z in range(0, n, AT_ONCE):
                    at = z * T + t
                    s0, s1 = steps[at], steps[at + T]
                    s2, s3 = steps[at + 2 * T], steps[at + 3 * T]
                    if s0 == 0.0 and s1 == 0.0 and s2 == 0.0 and s3 == 0.0:
                        continue
                    r0, r1 = own[rows[z]], own[rows[z + 1]]
                    r2, r3 = own[rows[z + 2]], own[rows[z + 3]]
                    for j in range(k):
                        gt[j] += s0 * r0[j] + s1 * r1[j] + s2 * r2[j] + s3 * r3[j]
            n = 0
        if over:
            break
        for j in range(s, e):
            for t in range(T):
                a, slope = curvature[t, b], g[t, j]
                for z in range(n):
                    slope += steps[z * T + t] * A[index[t], rows[z], j]
                center[(j - s) * T + t] = a * W[t, j] - slope
                bend[(j - s) * T + t] = a + ridge[b]
        solve_block(center, bend, (e - s) * T, a2[b], a1[b], code, positive, new)
        for j in range(s, e):
            moved = False
            for t in range(T):
                value = new[(j - s) * T + t]
                delta = value - W[t, j]
                W[t, j] = value
                steps[n * T + t] = delta * scale[t]
                moved |= delta != 0.0
            if moved:
                rows[n] = j
                n += 1


@part_of
def products(x, S, T, out):
    """Write the products of x (n,) and the first T rows of S (m, n), four at once."""
    for t in range(0, T - 3, 4):
        s0, s1, s2, s3 = S[t], S[t + 1], S[t + 2], S[t + 3]
        d0, d1, d2, d3 = 0.0, 0.0, 0.0, 0.0
        for i in range(len(x)):
            d0 += x[i] * s0[i]
            d1 += x[i] * s1[i]
            d2 += x[i] * s2[i]
            d3 += x[i] * s3[i]
        out[t], out[t + 1], out[t + 2], out[t + 3] = d0, d1, d2, d3
    for t in range(T - T % 4, T):
        st = S[t]
        dot = 0.0
        for i in range(len(x)):
            dot += x[i] * st[i]
        out[t] = dot


@part_of
def move_shared(x, delta, S, H, level, mean, j):
    """Move the weighted residuals for W[:, j] += delta; see `bcd_shared`."""
    for t in range(len(S)):
        d = delta[t]
        if d == 0.0:
            continue
        st, c = S[t], mean[t, j]
        if level[t] > 0.0:
            step = d * level[t]
            back = step * c
            for i in range(len(x)):
                st[i] -= step * x[i] - back
        else:
            ht = H[t]
            for i in range(len(x)):
                st[i] -= d * ht[i] * (x[i] - c)


@part_of
def move_and_look(x, after, delta, S, H, level, mean, j, out):
    """Do the same, and find the products with another column in the same pass.

    Two tasks at once, which reads the columns half as often.
    """
    T = len(S)
    t = 0
    while t < T:
        s0, s1 = S[t], S[min(t + 1, T - 1)]
        d0, d1 = 0.0, 0.0
        if t + 1 < T and level[t] > 0.0 and level[t + 1] > 0.0:
            step0, step1 = delta[t] * level[t], delta[t + 1] * level[t + 1]
            back0, back1 = step0 * mean[t, j], step1 * mean[t + 1, j]
            for i in range(len(x)):
                v0 = s0[i] - (step0 * x[i] - back0)
                v1 = s1[i] - (step1 * x[i] - back1)
                s0[i], s1[i] = v0, v1
                d0 += after[i] * v0
                d1 += after[i] * v1
            out[t], out[t + 1] = d0, d1
            t += 2
        else:
            ht, d, c = H[t], delta[t], mean[t, j]
            for i in range(len(x)):
                v0 = s0[i] - d * ht[i] * (x[i] - c)
                s0[i] = v0
                d0 += after[i] * v0
            out[t] = d0
            t += 1


@jit
def bcd_shared(
    X, H, level, mean, curvature,
    starts, a2, a1, ridge, code, positive, n_sweeps, W, S,
):  # fmt: skip
    """Sweep over blocks on sum_t sum_i h_ti r_ti^2 / 2, for dense columns X (k, n).

    All tasks share the columns; H (T, n) has the weights of the rows, level[t] is that
    of all rows of a task, else 0; mean (T, k) is the weighted mean that centres X. In
    place: W (T, k), and the weighted residuals S = h r, (T, n), whose sum per task is 0
    where mean is not 0.
    """
    T, n_blocks = len(W), len(starts) - 1
    size = longest_block(starts) * T
    center, bend, new = np.empty(size), np.empty(size), np.empty(size)
    dots, ready = np.empty(size), False
    for _ in range(n_sweeps):
        for b in range(n_blocks):
            first, last = starts[b], starts[b + 1]
            m = last - first
            if not ready:
                for j in range(m):
                    products(X[first + j], S, T, dots[j * T : (j + 1) * T])
            for j in range(m):
                for t in range(T):
                    a = curvature[t, b]
                    center[j * T + t] = a * W[t, first + j] + dots[j * T + t]
                    bend[j * T + t] = a + ridge[b]
            solve_block(center, bend, m * T, a2[b], a1[b], code, positive, new)
            moved = False
            for j in range(m):
                for t in range(T):
                    value = new[j * T + t]
                    new[j * T + t] -= W[t, first + j]
                    W[t, first + j] = value
                    moved |= new[j * T + t] != 0.0
            # Rows that are blocks of their own need one pass each, not two.
            ready = moved and m == 1
            ready = ready and b + 1 < n_blocks and starts[b + 2] == last + 1
            if ready:
                move_and_look(X[first], X[last], new, S, H, level, mean, first, dots)
                continue
            for j in range(m):
                step = new[j * T : (j + 1) * T]
                move_shared(X[first + j], step, S, H, level, mean, first + j)


@jit
def bcd_dense(
    X, x_start, r_start, n_rows, h, level, mean, curvature,
    starts, a2, a1, ridge, code, positive, n_sweeps, W, s,
):  # fmt: skip
    """Sweep over blocks on sum_t sum_i h_i r_i^2 / 2, for dense columns X (k, n).

    Task t has the entries x_start[t]:x_start[t] + n_rows[t] of a column, and those from
    r_start[t] of h and s; level[t] is h where all its entries are the same, else 0;
    mean (T, k) is the h-weighted mean that centres X. In place: W (T, k), and the
    weighted residuals s = h r, whose sum per task is 0 where mean is not 0.
    """
    T = len(W)
    size = longest_block(starts) * T
    center, bend, new = np.empty(size), np.empty(size), np.empty(size)
    for _ in range(n_sweeps):
        for b in range(len(starts) - 1):
            first, last = starts[b], starts[b + 1]
            m = last - first
            for j in range(first, last):
                for t in range(T):
                    x0, r0, n = x_start[t], r_start[t], n_rows[t]
                    x, st = X[j][x0 : x0 + n], s[r0 : r0 + n]
                    dot = 0.0
                    for i in range(n):
                        dot += x[i] * st[i]
                    center[(j - first) * T + t] = curvature[t, b] * W[t, j] + dot
                    bend[(j - first) * T + t] = curvature[t, b] + ridge[b]
            solve_block(center, bend, m * T, a2[b], a1[b], code, positive, new)
            for j in range(first, last):
                for t in range(T):
                    delta = new[(j - first) * T + t] - W[t, j]
                    if delta != 0.0:
                        W[t, j] = new[(j - first) * T + t]
                        x0, r0, n = x_start[t], r_start[t], n_rows[t]
                        x, st = X[j][x0 : x0 + n], s[r0 : r0 + n]
                        if level[t] > 0.0:
                            step = delta * level[t]
                            back = step * mean[t, j]
                            for i in range(n):
                                st[i] -= step * x[i] - back
                        else:
                            ht, c = h[r0 : r0 + n], mean[t, j]
                            for i in range(n):
                                st[i] -= delta * ht[i] * (x[i] - c)


@jit
def bcd_csc(
    data, rows, first, index, r_start, n_rows, h, mean, curvature,
    starts, a2, a1, ridge, code, positive, n_sweeps, W, r,
):  # fmt: skip
    """Sweep as `bcd_dense` does, for sparse columns.

    Column j of task t holds data[first[g, j]:first[g, j + 1]] with g = index[t], at the
    rows (relative to r_start[t]) in `rows`. Centring is implicit: the entries of r are
    right up to one shift per task, which is added at the end of each sweep.
    """
    T = len(W)
    size = longest_block(starts) * T
    center, bend, new = np.empty(size), np.empty(size), np.empty(size)
    shift = np.zeros(T)
    for _ in range(n_sweeps):
        for b in range(len(starts) - 1):
            s, e = starts[b], starts[b + 1]
            for j in range(s, e):
                for t in range(T):
                    r0 = r_start[t]
                    dot = 0.0
                    for z in range(first[index[t], j], first[index[t], j + 1]):
                        i = r0 + rows[z]
                        dot += data[z] * h[i] * (r[i] + shift[t])
                    center[(j - s) * T + t] = curvature[t, b] * W[t, j] + dot
                    bend[(j - s) * T + t] = curvature[t, b] + ridge[b]
            solve_block(center, bend, (e - s) * T, a2[b], a1[b], code, positive, new)
            for j in range(s, e):
                for t in range(T):
                    delta = new[(j - s) * T + t] - W[t, j]
                    if delta != 0.0:
                        W[t, j] = new[(j - s) * T + t]
                        r0 = r_start[t]
                        for z in range(first[index[t], j], first[index[t], j + 1]):
                            r[r0 + rows[z]] -= delta * data[z]
                        shift[t] += delta * mean[t, j]
        for t in range(T):
            for i in range(n_rows[t]):
                r[r_start[t] + i] += shift[t]
            shift[t] = 0.0


@jit
def tv1d(v, lam, n, lower, upper, knot, slope, level, out):
    """Minimise ||x - v||^2 / 2 + sum_i lam_i |x_i - x_{i+1}| over the first n entries.

    Exact, by dynamic programming: the derivative of the best value of the entries up to
    i, as a function of x_i, is piecewise linear, and passing on to x_{i+1} cuts it off
    at -lam_i and lam_i. `knot`, `slope` and `level` (2 n) hold its breakpoints and what
    it changes by there, `lower` and `upper` (n) where it was cut. Ties in x are exact.
    """
    if n == 1:
        out[0] = v[0]
        return
    mean = 0.0
    low = v[0]
    high = v[0]
    for i in range(n):
        mean += v[i]
        low = min(low, v[i])
        high = max(high, v[i])
    mean /= n
    # No sum of differences from x exceeds this; more strength would only cost digits.
    enough = n * (high - low)
    left = n - 1
    right = n
    cut = min(lam[0], enough)
    c = v[0] - mean
    lower[0] = c - cut
    upper[0] = c + cut
    knot[left] = lower[0]
    slope[left] = 1.0
    level[left] = cut - c
    knot[right] = upper[0]
    slope[right] = -1.0
    level[right] = cut + c
    for i in range(1, n):
        c = v[i] - mean
        before = cut
        cut = 0.0
        if i < n - 1:
            cut = min(lam[i], enough)
        a = 1.0
        b = -c - before
        while left <= right and a * knot[left] + b < -cut:
            a += slope[left]
            b += level[left]
            left += 1
        lower[i] = (-cut - b) / a
        if i == n - 1:
            break
        left -= 1
        knot[left] = lower[i]
        slope[left] = a
        level[left] = b + cut
        a = 1.0
        b = before - c
        while right > left and a * knot[right] + b > cut:
            a -= slope[right]
            b -= level[right]
            right -= 1
        upper[i] = (cut - b) / a
        right += 1
        knot[right] = upper[i]
        slope[right] = -a
        level[right] = cut - b
    x = lower[n - 1]
    out[n - 1] = x + mean
    for i in range(n - 2, -1, -1):
        x = min(max(x, lower[i]), upper[i])
        out[i] = x + mean


@jit
def tv1d_rows(V, lam, out):
    """Apply `tv1d` to each row of V (p, T) with strengths lam (p, T - 1)."""
    p, T = V.shape
    lower, upper = np.empty(T), np.empty(T)
    knot, slope, level = np.empty(2 * T), np.empty(2 * T), np.empty(2 * T)
    for j in range(p):
        tv1d(V[j], lam[j], T, lower, upper, knot, slope, level, out[j])


@jit
def tree_rows(V, parent, strength, out):
    """Shrink the norm of every node of a tree, from the leaves to the root, by rows.

    V (p, T) holds the leaves; node v has the strength strength[j, v] in row j. Children
    come before their parent (-1: none), leaves first.
    """
    p, T = V.shape
    n_nodes = len(parent)
    squares, share = np.empty(n_nodes), np.empty(n_nodes)
    for j in range(p):
        for v in range(T, n_nodes):
            squares[v] = 0.0
        for v in range(n_nodes):
            size = abs(V[j, v]) if v < T else np.sqrt(squares[v])
            left = max(size - strength[j, v], 0.0)
            share[v] = left / size if left > 0.0 else 0.0
            if parent[v] >= 0:
                squares[parent[v]] += left * left
        for v in range(n_nodes - 1, -1, -1):
            if parent[v] >= 0:
                share[v] *= share[parent[v]]
            if v < T:
                out[j, v] = V[j, v] * share[v]


@jit
def tree_norms(W, parent, out):
    """Write the norm of the entries below every node of a tree to `out` (p, nodes)."""
    p, T = W.shape
    n_nodes = len(parent)
    for j in range(p):
        for v in range(n_nodes):
            out[j, v] = W[j, v] * W[j, v] if v < T else 0.0
        for v in range(n_nodes):
            if parent[v] >= 0:
                out[j, parent[v]] += out[j, v]
            out[j, v] = abs(W[j, v]) if v < T else np.sqrt(out[j, v])


@jit
def forest_solve(inverse, order, parent, tie, D):
    """Solve the system of a forest by the inverses of its eliminated nodes.

    Children come before parents in `order`; D (T, p) holds the right-hand side and
    becomes the solution. inverse (T, p, p) is symmetric.
    """
    T, p = D.shape
    own = np.empty(p)
    for i in range(T):
        t = order[i]
        above = parent[t]
        if above < 0:
            continue
        for a in range(p):
            own[a] = 0.0
        for b in range(p):
            r = D[t, b]
            row = inverse[t, b]
            for a in range(p):
                own[a] += r * row[a]
        for a in range(p):
            D[above, a] += tie[t] * own[a]
    for i in range(T - 1, -1, -1):
        t = order[i]
        above = parent[t]
        if above >= 0:
            for a in range(p):
                D[t, a] += tie[t] * D[above, a]
        for a in range(p):
            own[a] = 0.0
        for b in range(p):
            r = D[t, b]
            row = inverse[t, b]
            for a in range(p):
                own[a] += r * row[a]
        for a in range(p):
            D[t, a] = own[a]


@jit
def bcd_class_gram(
    A, first, column, width, curvature,
    starts, a2, a1, ridge, code, positive, n_sweeps, W, g,
):  # fmt: skip
    """Sweep as `bcd_gram` does, where the columns of a task are coupled.

    Task t has the columns column[t]:column[t] + width[t] of W (C, k), and from first[t]
    on its matrix (width k, width k) in A. curvature (C, n_blocks) bounds, by its
    diagonal, the matrix of each block over the columns of a task.
    """
    C, k = W.shape
    flat = g.reshape(C * k)
    size = longest_block(starts) * C
    center, bend, new = np.empty(size), np.empty(size), np.empty(size)
    for _ in range(n_sweeps):
        for b in range(len(starts) - 1):
            s, e = starts[b], starts[b + 1]
            for j in range(s, e):
                for c in range(C):
                    a = curvature[c, b]
                    center[(j - s) * C + c] = a * W[c, j] - g[c, j]
                    bend[(j - s) * C + c] = a + ridge[b]
            solve_block(center, bend, (e - s) * C, a2[b], a1[b], code, positive, new)
            for t in range(len(width)):
                m = width[t] * k
                own = flat[column[t] * k : column[t] * k + m]
                for i in range(width[t]):
                    c = column[t] + i
                    for j in range(s, e):
                        delta = new[(j - s) * C + c] - W[c, j]
                        if delta != 0.0:
                            W[c, j] = new[(j - s) * C + c]
                            start = first[t] + (i * k + j) * m
                            row = A[start : start + m]
                            for z in range(m):
                                own[z] += delta * row[z]


@jit
def increasing_rows(V, out):
    """Write the nearest increasing values to each row of V (p, T): pooling."""
    p, T = V.shape
    total, count = np.empty(T), np.empty(T, np.int64)
    for j in range(p):
        n = 0
        for t in range(T):
            total[n] = V[j, t]
            count[n] = 1
            while n > 0 and total[n - 1] * count[n] >= total[n] * count[n - 1]:
                total[n - 1] += total[n]
                count[n - 1] += count[n]
                n -= 1
            n += 1
        t = 0
        for b in range(n):
            value = total[b] / count[b]
            for _ in range(count[b]):
                out[j, t] = value
                t += 1


@jit
def logistic_terms(y, w, z, small, logs, slope, bend, model, floor):
    """Write w times both derivatives of the logistic loss and a model's curvature.

    Given small = exp(-|z|) and logs = log(1 + small). The model's curvature is the
    second derivative or, if that is less, `floor` times the slope. `small` becomes the
    probability of each label. Returns the sums of w times the loss and of slope^2 over
    the model's curvature, and whether those are probabilities of labels of 0 and 1,
    none of them too small to divide by.
    """
    value, squares, odd = 0.0, 0.0, 0
    for i in range(len(z)):
        large = 1.0 / (1.0 + small[i])
        less = small[i] * large
        p = large if z[i] >= 0.0 else less
        p_not = less if z[i] >= 0.0 else large
        # Not p - y, which has no digits left where p is close to y.
        first = p * (1.0 - y[i]) - p_not * y[i]
        second = less * large
        curvature = max(second, floor * max(abs(first), 1e-9))
        value += w[i] * (max(z[i], 0.0) - y[i] * z[i] + logs[i])
        squares += w[i] * (first * first / curvature)
        slope[i] = w[i] * first
        bend[i] = w[i] * second
        model[i] = w[i] * curvature
        right = p if y[i] == 1.0 else p_not
        small[i] = right
        odd += 1 if (y[i] != 0.0 and y[i] != 1.0) or right < 1e-250 else 0
    return value, squares, odd == 0


@jit
def logistic_gap(right, w, rho, log_rho):
    """Return the sum of w times relative entropies, of labels and dual variables.

    The latter are scaled by rho; `right` is the probability of each label. An entropy
    is rho q log rho + (1 - rho q) log(1 + x) with q = 1 - right and
    x = (1 - rho) q / right. Up to x = 1 the logarithm is a ratio of polynomials that is
    never too small, and by less than 3e-7 of it too large.
    """
    off, total, far = 1.0 - rho, 0.0, 0
    for i in range(len(right)):
        q = 1.0 - right[i]
        x = off * q / right[i]
        log = x * (3780.0 + x * (6510.0 + x * (3360.0 + x * (505.0 + x * 6.0))))
        log /= 3780.0 + x * (8400.0 + x * (6300.0 + x * (1800.0 + x * 150.0)))
        gap = rho * q * log_rho + (right[i] + off * q) * log
        total += w[i] * gap if x <= 1.0 else 0.0
        far += 0 if x <= 1.0 else 1
    if far > 0:
        for i in range(len(right)):
            q = 1.0 - right[i]
            x = off * q / right[i]
            if x > 1.0:
                gap = rho * q * log_rho + (right[i] + off * q) * np.log1p(x)
                total += w[i] * gap
    return total


@jit
def excess(logs, d):
    """Replace d by (1 + d) log(1 + d) - d, given its logarithms log(1 + d).

    By its series where d is small: the sum of (-d)^k / (k (k - 1)).
    """
    for i in range(len(d)):
        x = d[i]
        s = x * x * (
            1 / 2 - x * (1 / 6 - x * (1 / 12 - x * (1 / 20 - x * (1 / 30 - x * (
            1 / 42 - x * (1 / 56 - x * (1 / 72 - x * (1 / 90 - x / 110))))))))
        )  # fmt: skip
        full = (1.0 + x) * logs[i] - x if x > -1.0 else 1.0
        d[i] = s if abs(x) < 0.03 else full


@jit
def logistic_intercepts(e, w, offsets, total, low, high, b):
    """Move b to what sets the sum of w times the responses of a task to `total`.

    Of the logistic loss: e (n,) = exp z, task by task; w sums to c and low <= b <= high
    are known. Newton steps, or half of what is known where they lead out of it.
    """
    for t in range(len(b)):
        first, last = offsets[t], offsets[t + 1]
        own, weight = e[first:last], w[first:last]
        left, right, before = low[t], high[t], np.inf
        x = min(max(b[t], left), right)
        size = 1.0 + max(abs(left), abs(right))
        for _ in range(100):
            factor, mean, bend = np.exp(x), 0.0, 0.0
            for i in range(last - first):
                odds = own[i] * factor
                no = 1.0 / (1.0 + odds)
                p = weight[i] * (odds * no)
                mean += p
                bend += p * no
            slope = mean - total[t]
            if slope > 0.0:
                right = x
            else:
                left = x
            if slope == 0.0 or right - left <= 4e-16 * size:
                break
            step = -slope / max(bend, 1e-300)
            new = x + step
            inside = left < new < right
            # Far out, where the loss is nearly straight, steps do not shrink.
            if not inside or 2.0 * abs(step) > max(before, 1e-3):
                new = 0.5 * (left + right)
            before = abs(new - x)
            x = new
            if inside and abs(step) <= 1e-9 * size:  # the next is its square
                break
        b[t] = x


@jit
def columns_centre(columns, offsets, s, mean, out):
    """Write the weighted means of the rows of each task (T, p), and X less them.

    X = columns', in any order of memory; so is `out`. Means are reckoned from the first
    row, so that of a constant feature is exact.
    """
    for t in range(len(mean)):
        first, last = offsets[t], offsets[t + 1]
        own, total = s[first:last], 0.0
        for i in range(last - first):
            total += own[i]
        for j in range(len(columns)):
            x, to = columns[j, first:last], out[j, first:last]
            start, off = x[0], 0.0
            for i in range(last - first):
                off += own[i] * (x[i] - start)
            mean[t, j] = start + off / total
            for i in range(last - first):
                to[i] = x[i] - mean[t, j]


@jit
def columns_moments(columns, y, s, offsets, work, weight, x_mean, y_mean, gram, xy, yy):
    """Write the weighted means and centred products of the rows of each task.

    X = columns'; other shapes as in `TaskStatistics`. Means are reckoned from the first
    row and corrected by those of the centred rows, so that a constant feature is
    centred to 0, and so are its products. y is the last column. `work` (2, p + 1, n)
    has room for the rows of any task.
    """
    p, C, D, row = len(columns), work[0], work[1], np.empty(len(columns) + 1)
    for t in range(len(weight)):
        first, last = offsets[t], offsets[t + 1]
        n, own, total = last - first, s[first:last], 0.0
        for i in range(n):
            total += own[i]
        for j in range(p + 1):
            x = columns[j, first:last] if j < p else y[first:last]
            c, d, mean = C[j], D[j], x[0]
            for _ in range(2):
                off = 0.0
                for i in range(n):
                    off += own[i] * (x[i] - mean)
                mean += off / total
            for i in range(n):
                c[i] = x[i] - mean
                d[i] = own[i] * c[i]
            products(c[:n], D, j + 1, row)
            if j < p:
                x_mean[t, j] = mean
                for k in range(j + 1):
                    gram[t, j, k] = gram[t, k, j] = row[k]
        for j in range(p):
            xy[t, j] = row[j]
        weight[t], y_mean[t], yy[t] = total, mean, row[p]


@jit
def columns_matvec(columns, offsets, W, out):
    """Write X_t w_t for the rows of X = columns' of each task; W is (T, p)."""
    for t in range(len(W)):
        first, last = offsets[t], offsets[t + 1]
        own = out[first:last]
        own[:] = 0.0
        for j in range(len(columns)):
            x, w = columns[j, first:last], W[t, j]
            if w != 0.0:
                for i in range(last - first):
                    own[i] += w * x[i]


@jit
def columns_rmatvec(columns, offsets, u, out):
    """Write X_t'u_t for the rows of X = columns' of each task to out (T, p)."""
    for t in range(len(out)):
        first, last = offsets[t], offsets[t + 1]
        own = u[first:last]
        for j in range(len(columns)):
            x, total = columns[j, first:last], 0.0
            for i in range(last - first):
                total += x[i] * own[i]
            out[t, j] = total


@jit
def columns_grams(columns, offsets, h, out):
    """Write X_t' diag(h_t) X_t for the rows of X = columns' of each task, (T, p, p).

    Two columns at once, which weights half as many.
    """
    for t in range(len(out)):
        first, last = offsets[t], offsets[t + 1]
        own, gram = h[first:last], out[t]
        for j in range(len(columns)):
            x = columns[j, first:last]
            for k in range(0, j + 1, 2):
                after = min(k + 1, j)
                a, b = columns[k, first:last], columns[after, first:last]
                dot, other = 0.0, 0.0
                for i in range(last - first):
                    weighted = own[i] * x[i]
                    dot += weighted * a[i]
                    other += weighted * b[i]
                gram[j, k], gram[k, j] = dot, dot
                gram[j, after], gram[after, j] = other, other


@jit
def add_products(X, starts, tasks, weights, W, out):
    """Add X_t' diag(weights_t) X_t w_t of some rows of X per task to out (T, p).

    Row i belongs to tasks[starts[i]:starts[i + 1]], with weights that may be negative;
    W is (T, p).
    """
    for i in range(len(X)):
        x = X[i]
        for e in range(starts[i], starts[i + 1]):
            w, own, dot = W[tasks[e]], out[tasks[e]], 0.0
            for j in range(len(x)):
                dot += x[j] * w[j]
            dot *= weights[e]
            for j in range(len(x)):
                own[j] += dot * x[j]
