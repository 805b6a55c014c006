"""Many tasks as one problem of one response, which is how other packages see them.

The design is block-diagonal, its columns ordered by feature, then task, so that the
coefficients of a feature lie together and form one group: coefficient j T + t belongs
to feature j of task t. Where all tasks share X it is the Kronecker product of X with
the identity.

A function here returns solve(tol) -> coefficients (T, p) that minimises
``sum_t loss of task t (a mean over its rows) + alpha sum_j ||W_j||_2``. Weights or
scaled rows make each package minimise just that, divided by T, without intercepts.
"""

import numpy as np
from scipy import sparse


def block_diagonal(X, task):
    """Return the design (n, p T), csc, of rows with task numbers 0..T-1."""
    (n, p), T = X.shape, task.max() + 1
    columns = np.arange(p) * T + task[:, None]
    ends = np.arange(0, n * p + 1, p)
    A = sparse.csr_matrix((X.ravel(), columns.ravel(), ends), (n, p * T)).tocsc()
    A.eliminate_zeros()
    return A


def _by_task(coef, T, p):
    """Return the coefficients of such a design as (T, p)."""
    return np.asarray(coef).ravel()[: T * p].reshape(p, T).T


def _groups(T, p):
    """Return the groups as skglm has them: (where they end, indices of all)."""
    ends, indices = np.arange(0, T * p + 1, T), np.arange(T * p)
    return ends.astype(np.int32), indices.astype(np.int32)


def _adelie(design, glm, alpha, T, p, tol):
    """Return adelie's coefficients at one alpha; its tol is on squared changes."""
    import adelie

    more = {} if glm.name == "gaussian" else {"irls_tol": tol**2}
    state = adelie.grpnet(
        design, glm, groups=np.arange(p) * T, penalty=np.ones(p), tol=tol**2,
        lmda_path=np.array([alpha / T]), intercept=False, early_exit=False,
        max_iters=10**7, progress_bar=False, **more,
    )  # fmt: skip
    return _by_task(state.betas[-1].toarray(), T, p)


def adelie_squared(X, y, task, alpha, design=None):
    """Squared loss; rows are weighted by 1 / n_t. Without a design it is built."""
    n_t = np.bincount(task)

    def solve(tol):
        import adelie

        A = block_diagonal(X, task) if design is None else design
        glm = adelie.glm.gaussian(y, weights=1 / n_t[task])
        return _adelie(adelie.matrix.sparse(A), glm, alpha, len(n_t), X.shape[1], tol)

    return solve


def adelie_logistic(A, y, alpha, T, p):
    """Logistic loss on a block-diagonal design of tasks with equally many rows."""

    def solve(tol):
        import adelie

        design, glm = adelie.matrix.sparse(A), adelie.glm.binomial(y)
        return _adelie(design, glm, alpha, T, p, tol)

    return solve


def adelie_shared_logistic(X, Y, alpha):
    """Logistic loss on a shared X; the Kronecker product is never formed."""
    T, p = Y.shape[1], X.shape[1]

    def solve(tol):
        import adelie

        design, glm = adelie.matrix.kronecker_eye(X, T), adelie.glm.binomial(Y.ravel())
        return _adelie(design, glm, alpha, T, p, tol)

    return solve


def skglm_squared(X, y, task, alpha):
    """Squared loss on a sparse design, rows scaled by sqrt(N / n_t)."""
    n_t = np.bincount(task)
    T, p = len(n_t), X.shape[1]
    scale = np.sqrt(len(y) / n_t[task])
    A = sparse.csc_matrix(sparse.diags(scale) @ block_diagonal(X, task))

    def solve(tol):
        from skglm import GeneralizedLinearEstimator
        from skglm.datafits import QuadraticGroup
        from skglm.penalties import WeightedGroupL2
        from skglm.solvers import GroupBCD

        model = GeneralizedLinearEstimator(
            QuadraticGroup(*_groups(T, p)),
            WeightedGroupL2(alpha, np.ones(p), *_groups(T, p)),
            GroupBCD(tol=tol, max_iter=10**4, max_epochs=10**4),
        )
        return _by_task(model.fit(A, scale * y).coef_, T, p)

    return solve


def skglm_logistic(A, y, alpha, T, p):
    """Logistic loss on a dense design: the group Newton solver takes no sparse one."""

    def solve(tol):
        from skglm import GeneralizedLinearEstimator
        from skglm.datafits import LogisticGroup
        from skglm.penalties import WeightedGroupL2
        from skglm.solvers import GroupProxNewton

        model = GeneralizedLinearEstimator(
            LogisticGroup(*_groups(T, p)),
            WeightedGroupL2(alpha / T, np.ones(p), *_groups(T, p)),
            GroupProxNewton(tol=tol, max_iter=1000),
        )
        return _by_task(model.fit(A, 2 * y - 1).coef_, T, p)

    return solve


def skein_logistic(A, y, alpha, T, p):
    """Logistic loss on a block-diagonal design of tasks with equally many rows."""

    def solve(tol):
        from skein_glm import LogisticGroupLassoRegressor

        model = LogisticGroupLassoRegressor(
            np.repeat(np.arange(p), T), alpha / T, weights=np.ones(p), tol=tol,
            outer_tol=tol, max_iter=10**4, max_outer=10**3, fit_intercept=False,
        )  # fmt: skip
        return _by_task(model.fit(A, y).coef_, T, p)

    return solve
