"""Claims of the literature on multi-task networks, checked on small tables.

Run with ``python benchmarks/mlp_claims.py [--quick]``. Each is checked on simulated
tasks (related and unrelated) and on real ones (NHEFS: three numeric outcomes; PBC: five
laboratory values and four yes-or-no outcomes), over random splits into training and
test rows; the figures are means over splits with the standard error of the mean. Scores
are the mean over tasks of the explained deviance (R^2 for numeric outcomes) on test
rows.

1. Adam serves multi-task networks better than SGD with momentum, above all where the
   losses of the tasks have different scales. Each has the best of three learning rates,
   by the loss on held-out training rows; scales are 1 for all tasks, or from 0.1 to 10.
2. Gradients conflict between tasks, more than between samples of one task. Cosines of
   the gradients of the shared layer, over the epochs up to the best: of the summed
   gradients of two tasks on 256 rows, and of the gradients of two samples of a task.
3. What several tasks have taught a network is more robust to corrupted inputs than what
   one has. Scores when test features are corrupted, against a network of equal layers
   for each task: the lead in the score, and (in brackets after it) how much less of the
   score on clean rows is lost.
4. Other kinds of sharing, learned weights of losses and combined gradients are better
   than one trunk and the sum. Leads in the score over these defaults, all else equal.
"""

import warnings

import numpy as np
from _harness import describe, options, stopwatch, table
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskMLPRegressor, load_nhefs, load_pbc

RATES = {"adam": (1e-3, 3e-3, 1e-2), "sgd": (1e-2, 3e-2, 1e-1)}
KINDS = [
    {"sharing": "soft"},
    {"sharing": "cross-stitch"},
    {"sharing": "sluice"},
    {"loss_weighting": "uncertainty"},
    {"loss_weighting": "gradnorm"},
    {"loss_weighting": "dwa"},
    {"gradient": "pcgrad"},
    {"gradient": "mgda"},
]
CORRUPTIONS = {
    "noise, sd 0.5": lambda X, rng: X + 0.5 * rng.normal(size=X.shape),
    "noise, sd 1": lambda X, rng: X + rng.normal(size=X.shape),
    "20 % set to the mean": lambda X, rng: X * (rng.uniform(size=X.shape) > 0.2),
    "50 % set to the mean": lambda X, rng: X * (rng.uniform(size=X.shape) > 0.5),
}


def simulated(share, n=1000, p=20, n_tasks=6):
    """Return X, Y and losses; `share` of each task comes from features all use."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))

    def units(k):
        return np.tanh(X @ rng.normal(size=(p, k)) / np.sqrt(p / 3))

    common = units(4) @ rng.normal(size=(4, n_tasks)) / 2
    own = np.column_stack([units(4) @ rng.normal(size=4) / 2 for _ in range(n_tasks)])
    Y = np.sqrt(share) * common + np.sqrt(1 - share) * own
    return X, Y + 0.5 * rng.normal(size=Y.shape), "squared"


def nhefs():
    """Return the table of three numeric outcomes."""
    X, Y = load_nhefs(return_X_y=True)
    return np.asarray(X, dtype=float), np.asarray(Y, dtype=float), "squared"


def pbc():
    """Return the table of numeric and binary outcomes."""
    bunch = load_pbc()
    Y = np.asarray(bunch.target, dtype=float)
    kinds = [set(np.unique(y[~np.isnan(y)])) <= {0.0, 1.0} for y in Y.T]
    loss = {t: "logistic" if yes else "squared" for t, yes in enumerate(kinds)}
    return np.asarray(bunch.data, dtype=float), Y, loss


TABLES = {
    "simulated, related": lambda: simulated(0.9),
    "simulated, unrelated": lambda: simulated(0.0),
    "NHEFS": nhefs,
    "PBC": pbc,
}


def splits(X, Y, n_splits):
    """Yield (training X, Y, test X, Y), imputed and scaled."""
    folds = ShuffleSplit(n_splits, test_size=0.3, random_state=0)
    for train, test in folds.split(X):
        prepare = make_pipeline(SimpleImputer(), StandardScaler()).fit(X[train])
        yield prepare.transform(X[train]), Y[train], prepare.transform(X[test]), Y[test]


def network(loss, seed, **settings):
    """Return a network with hard sharing and the default penalty."""
    return MultiTaskMLPRegressor(loss=loss, max_iter=400, random_state=seed, **settings)


def fit_best(X, Y, loss, seed, solver, weights, rates):
    """Return the network of the learning rate with the least loss on held-out rows."""
    best = None
    for rate in rates:
        model = network(loss, seed, solver=solver, loss_weighting=weights)
        try:
            model.set_params(learning_rate_init=rate).fit(X, Y)
        except ValueError:  # diverged
            continue
        if best is None or model.best_loss_ < best.best_loss_:
            best = model
    return best


def mean_of(values, digits=3):
    """Return a mean with its standard error as text."""
    values = np.asarray(values, dtype=float)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return f"{values.mean():.{digits}f} ({error:.{digits}f})"


def check_solvers(tables, n_splits, n_rates):
    """Compare Adam and SGD; return rows of the table and Adam's leads."""
    rows, leads = [], []
    for name, (X, Y, loss) in tables.items():
        n_tasks = Y.shape[1]
        spread = dict(enumerate(np.geomspace(0.1, 10, n_tasks)))
        for scales, weights in [("scales equal", "equal"), ("0.1 to 10", spread)]:
            found = {"adam": [], "sgd": []}
            for seed, (A, B, C, D) in enumerate(splits(X, Y, n_splits)):
                for solver, rates in RATES.items():
                    best = fit_best(A, B, loss, seed, solver, weights, rates[-n_rates:])
                    found[solver].append(np.nan if best is None else best.score(C, D))
            lead = np.subtract(found["adam"], found["sgd"])
            leads.append(lead.mean())
            row = {"Adam": mean_of(found["adam"]), "SGD": mean_of(found["sgd"])}
            rows.append((f"{name}, {scales}", {**row, "lead": mean_of(lead)}))
    return rows, leads


def check_conflict(tables, n_splits):
    """Measure cosines between tasks and samples; return rows and both means."""
    rows, means = [], []
    for name, (X, Y, loss) in tables.items():
        tasks, negative, samples = [], [], []
        for seed, (A, B, _, _) in enumerate(splits(X, Y, n_splits)):
            model = network(loss, seed, monitor_conflict=True).fit(A, B)
            kept = slice(0, model.best_epoch_)
            off = ~np.eye(Y.shape[1], dtype=bool)
            between = model.history_["task_cosine"][kept][:, off]
            tasks.append(np.nanmean(between))
            negative.append(np.nanmean(between < 0))
            samples.append(np.nanmean(model.history_["sample_cosine"][kept]))
        means.append((np.mean(tasks), np.mean(samples)))
        row = {"tasks": mean_of(tasks), "samples of a task": mean_of(samples)}
        row["pairs of tasks below 0"] = f"{100 * np.mean(negative):.0f} %"
        rows.append((name, row))
    return rows, means


def check_robustness(tables, n_splits):
    """Corrupt test features; return rows and what is lost less together."""
    rows, gains = [], []
    for name, (X, Y, loss) in tables.items():
        clean, leads = {"all": [], "one": []}, {c: [] for c in CORRUPTIONS}
        for seed, (A, B, C, D) in enumerate(splits(X, Y, n_splits)):
            together = network(loss, seed).fit(A, B)
            alone = fit_alone(A, B, loss, seed)
            base = together.score(C, D), score_alone(alone, C, D)
            clean["all"].append(base[0])
            clean["one"].append(base[1])
            for corruption, corrupt in CORRUPTIONS.items():
                Z = corrupt(C, np.random.default_rng(seed))
                now = together.score(Z, D), score_alone(alone, Z, D)
                leads[corruption].append(now[0] - now[1])
        start = np.subtract(clean["all"], clean["one"])
        row = {"together": mean_of(clean["all"]), "alone": mean_of(clean["one"])}
        row["lead"] = mean_of(start)
        for corruption, lead in leads.items():
            gains.append(np.mean(lead) - start.mean())
            row[corruption] = f"{np.mean(lead):.3f} [{gains[-1]:.3f}]"
        rows.append((name, row))
    return rows, gains


def fit_alone(X, Y, loss, seed):
    """Return a network for each task."""
    models = []
    for t, y in enumerate(Y.T):
        seen = ~np.isnan(y)
        own = loss if isinstance(loss, str) else loss[t]
        models.append(network(own, seed).fit(X[seen], y[seen]))
    return models


def score_alone(models, X, Y):
    """Return the mean score over tasks."""
    seen = ~np.isnan(Y)
    return np.mean(
        [m.score(X[s], y[s]) for m, y, s in zip(models, Y.T, seen.T, strict=True)]
    )


def check_kinds(tables, n_splits):
    """Compare kinds with the defaults; return rows and leads in standard errors."""
    rows, certain = [], []
    leads = {name: [[] for _ in KINDS] for name in tables}
    for name, (X, Y, loss) in tables.items():
        for seed, (A, B, C, D) in enumerate(splits(X, Y, n_splits)):
            base = network(loss, seed).fit(A, B).score(C, D)
            for kind, found in zip(KINDS, leads[name], strict=True):
                model = network(loss, seed, **kind).fit(A, B)
                found.append(model.score(C, D) - base)
    for k, kind in enumerate(KINDS):
        label = ", ".join(f"{key}={value!r}" for key, value in kind.items())
        rows.append((label, {name: mean_of(leads[name][k]) for name in tables}))
        for name in tables:
            found = np.array(leads[name][k])
            spread = found.std(ddof=1) if len(found) > 1 else np.inf
            certain.append(found.mean() / (spread / np.sqrt(len(found))))
    return rows, np.array(certain)


def main():
    """Print the tables and what they say."""
    chosen = options(__doc__)
    describe()
    names = list(TABLES)[::3] if chosen.quick else list(TABLES)
    tables = {name: TABLES[name]() for name in names}
    n_splits, n_rates = (1, 1) if chosen.quick else (8, 3)
    with stopwatch(chosen.threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        rows, leads = check_solvers(tables, n_splits, n_rates)
        table("1. Score by solver", ["Adam", "SGD", "lead"], rows)
        print(f"Adam leads in {np.sum(np.array(leads) > 0)} of {len(leads)} rows.")
        rows, means = check_conflict(tables, n_splits)
        table("2. Cosines of gradients, between", list(rows[0][1]), rows)
        less = sum(a < b for a, b in means)
        print(f"Tasks agree less than samples do in {less} of {len(means)} tables.")
        rows, gains = check_robustness(tables, n_splits)
        title = (
            "3. Scores on clean rows, leads on corrupted ones [and what is lost less]"
        )
        table(title, list(rows[0][1]), rows)
        more = np.sum(np.array(gains) > 0)
        print(f"Less is lost together in {more} of {len(gains)} cells.")
        rows, certain = check_kinds(tables, n_splits)
        table("4. Lead over the defaults", names, rows)
        better, worse = np.sum(certain > 2), np.sum(certain < -2)
        print(f"By more than 2 standard errors better {better}, worse {worse} times.")


if __name__ == "__main__":
    main()
