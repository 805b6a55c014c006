"""The families, and the second parameters among which each chooses.

Labels are in units of their sd when these see them, so that strengths mean the same for
every table. Grids are coarse: two or three values of each second parameter.
"""

from _prediction_choice import Candidate
from sklearn.base import clone

from skmtl import linear_model as models

# Penalties without an alpha that leaves the model empty say where to look.
GROUPS_ALPHAS = [10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.05]
LATENT_ALPHAS = [1.0, 0.5, 0.25, 0.12, 0.06, 0.03]

GROUPS = {"alphas": GROUPS_ALPHAS}
FEW = {"alphas": 8, "eps": 1e-2}
QUADRATIC = {"eps": 1e-4}  # strengths of squared norms span more
LOW_RANK = {"shared": "low_rank"}
SQUARED = {"smooth": "squared", "beta": 1.0}


def regressors(order):
    """Return {family: (model, second parameters, those after pooling, settings)}.

    What is left after the pooled regression bears more shrinkage than what all tasks
    have in common.
    """
    chain = {"graph": "chain", "order": order}
    knn = {"graph": "knn", "n_neighbors": 20}
    ridges = [{"ridge": 1e-3}], [{"ridge": 0.3}, {"ridge": 2.0}]
    return {
        "GroupLasso": (
            models.GroupLassoRegressor(),
            [{}],
            [{}, {"ridge": 1.0}],
            {"alphas": 20},
        ),
        "ReweightedGroupLasso": (
            models.ReweightedGroupLassoRegressor(tol=1e-3),
            [{"gamma": 10.0}],
            [{"gamma": 10.0}],
            FEW,
        ),
        "SharedSpecific": (
            models.SharedSpecificRegressor(tol=1e-3),
            [{"beta": 0.2}, {"beta": 0.3, **LOW_RANK}],
            [{"beta": 0.3}, {"beta": 0.3, **LOW_RANK}],
            FEW,
        ),
        "TraceNorm": (models.TraceNormRegressor(), [{}], [{}, {"ridge": 1.0}], {}),
        "TaskRelationship": (
            models.TaskRelationshipRegressor(),
            [{}],
            [{}, {"ridge": 0.3}],
            QUADRATIC,
        ),
        "TaskGraph, mean": (models.TaskGraphRegressor(), *ridges, QUADRATIC),
        "TaskGraph, knn": (models.TaskGraphRegressor(**knn), *ridges, QUADRATIC),
        "TaskGraph, chain": (models.TaskGraphRegressor(**chain), *ridges, QUADRATIC),
        "TaskGraph, chain, l2": (
            models.TaskGraphRegressor(**chain, norm="l2"),
            [{"ridge": 1e-3}],
            [{"ridge": 1.0}],
            FEW,
        ),
        "TaskProgression": (
            models.TaskProgressionRegressor(order=order),
            [{"beta": 0.1, "gamma": 0.1}, {"gamma": 0.1, **SQUARED}],
            [{"beta": 0.1, "gamma": 0.1}, {"gamma": 1.0, **SQUARED}],
            {},
        ),
        "TaskTree": (models.TaskTreeRegressor(), [{}], [{}], FEW),
        "TaskClustering": (
            models.TaskClusteringRegressor(),
            *_boxes("n_clusters"),
            GROUPS,
        ),
        "TaskClustering, kmeans": (
            models.TaskClusteringRegressor(
                3, method="kmeans", n_init=1, random_state=0, tol=1e-3
            ),
            [{"beta": 0.05}, {"beta": 0.15}],
            [{"beta": 0.3}, {"beta": 1.0}],
            GROUPS,
        ),
        "SharedSubspace": (
            models.SharedSubspaceRegressor(),
            *_boxes("n_components"),
            GROUPS,
        ),
        "LatentTask": (
            models.LatentTaskRegressor(n_init=1, random_state=0, tol=1e-3),
            [{"n_latent": 2}, {"n_latent": 4}],
            [{"n_latent": 2}, {"n_latent": 4}],
            {"alphas": LATENT_ALPHAS},
        ),
    }


def _boxes(size):
    """Return second parameters of the spectral box, one of which is called `size`."""
    plain = [{size: 1, "beta": b} for b in (0.01, 0.05, 0.15)]
    return (
        [*plain, {size: 2, "beta": 0.05}],
        [{size: k, "beta": b} for k, b in ((1, 0.3), (1, 1.0), (3, 1.0))],
    )


def candidates(family, quick, **parameters):
    """Return (candidates as they are, those for after pooling), with parameters set."""
    model, *grids, settings = family
    if quick:
        grids, settings = [grid[:1] for grid in grids], {"alphas": [1.0, 0.1]}
    return tuple(
        [
            Candidate(
                _text(second),
                clone(model).set_params(**parameters, **second),
                **settings,
            )
            for second in grid
        ]
        for grid in grids
    )


def _text(parameters):
    """Return parameters as a user would write them."""
    return ", ".join(f"{name}={value}" for name, value in parameters.items())


def classifiers(order):
    """Return {family: models among which the second parameters are chosen}.

    Chains take the tasks in an order.
    """
    betas = [{"beta": beta} for beta in (0.01, 0.03, 0.1)]
    ridges = [{"ridge": ridge} for ridge in (0.003, 0.03, 0.3)]
    rough = {"n_init": 1, "random_state": 0, "tol": 1e-3}
    graph, clusters = models.TaskGraphClassifier, models.TaskClusteringClassifier
    families = {
        "GroupLasso": (models.GroupLassoClassifier(), [{}]),
        "ReweightedGroupLasso": (
            models.ReweightedGroupLassoClassifier(tol=1e-3),
            [{"gamma": 10.0}, {"penalty": "sqrt"}],
        ),
        "SharedSpecific": (
            models.SharedSpecificClassifier(),
            [*betas, *({**beta, **LOW_RANK} for beta in betas)],
        ),
        "TraceNorm": (models.TraceNormClassifier(), [{}]),
        "TaskRelationship": (models.TaskRelationshipClassifier(), [{}]),
        "TaskGraph, mean": (graph(), ridges),
        "TaskGraph, mean, l2": (graph(norm="l2"), ridges),
        "TaskGraph, knn": (graph(graph="knn", n_neighbors=2), ridges),
        "TaskProgression": (
            models.TaskProgressionClassifier(order=order),
            [
                {"beta": beta, "gamma": gamma}
                for beta in (0.003, 0.03)
                for gamma in (0.003, 0.03)
            ],
        ),
        "TaskTree": (models.TaskTreeClassifier(), [{}]),
        "TaskClustering": (
            clusters(),
            [{"n_clusters": k, **beta} for k in (1, 2) for beta in betas],
        ),
        "TaskClustering, kmeans": (clusters(2, method="kmeans", **rough), betas),
        "SharedSubspace": (
            models.SharedSubspaceClassifier(),
            [{"n_components": k, **beta} for k in (1, 2) for beta in betas],
        ),
        "LatentTask": (
            models.LatentTaskClassifier(**rough),
            [{"n_latent": k} for k in (1, 2, 3)],
        ),
    }
    return {
        family: [clone(model).set_params(**second) for second in grid]
        for family, (model, grid) in families.items()
    }
