"""Greedy searches for the company that tasks gain by."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from skmtl.comparison._affinity import pairwise_gains


@dataclass(frozen=True)
class Step:
    """A change that a search tried.

    Attributes
    ----------
    group : tuple of int
        The tasks that are learned together after it.
    what : {"join", "leave"}
        Whether two groups become one, or a task goes back to learning alone.
    gain, error : float
        Mean gain over the tasks concerned, as a share of their loss alone, and its
        corrected standard error.
    accepted : bool
        Whether it was done.
    """

    group: tuple
    what: str
    gain: float
    error: float
    accepted: bool


def partition(company, n_se):
    """Return (groups of positions of tasks, steps).

    Groups are joined two by two, those of the largest mean affinity first, where their
    tasks gain by more than `n_se` standard errors on average. In the end a task whose
    own gain over learning alone is no larger than that leaves its group.
    """
    affinity, _ = pairwise_gains(company)
    groups, steps, refused = [(t,) for t in range(len(affinity))], [], set()
    while True:
        pairs = _promising(groups, affinity, refused)
        if not pairs:
            break
        a, b = pairs[0]
        joint = tuple(sorted(a + b))
        changes = [(t, joint, a if t in a else b) for t in joint]
        gain, error = company.gain(changes)
        steps.append(Step(joint, "join", gain, error, gain > n_se * error))
        if steps[-1].accepted:
            groups = [g for g in groups if g not in (a, b)] + [joint]
        else:
            refused.add((a, b))
    kept = []
    for group in groups:
        stay, left = _without_losers(company, group, n_se)
        steps += left
        kept += [stay, *((t,) for t in group if t not in stay)]
    return sorted(filter(len, kept)), steps


def helpers(company, target, n_se):
    """Return (the target with its helpers, steps).

    Other tasks are added one by one, the largest affinity first, where the target gains
    by more than `n_se` standard errors.
    """
    affinity, _ = pairwise_gains(company, target)
    group, steps = (target,), []
    order = np.argsort(-affinity[target], kind="stable")
    for s in order[affinity[target][order] > 0].tolist():
        joint = tuple(sorted((*group, s)))
        gain, error = company.gain([(target, joint, group)])
        steps.append(Step(joint, "join", gain, error, gain > n_se * error))
        if steps[-1].accepted:
            group = joint
    return group, steps


def _promising(groups, affinity, refused):
    """Return pairs of groups whose tasks gain by each other on average, best first."""
    found = []
    for a, b in combinations(groups, 2):
        across = affinity[np.ix_(a, b)].mean() + affinity[np.ix_(b, a)].mean()
        if across > 0 and (a, b) not in refused:
            found.append((across, a, b))
    found.sort(key=lambda one: -one[0])
    return [pair for _, *pair in found]


def _without_losers(company, group, n_se):
    """Return (the tasks of a group that gain by it, the steps of the others)."""
    steps = []
    while len(group) > 1:
        own = {t: company.gain([(t, group, (t,))]) for t in group}
        lead = {t: gain - n_se * error for t, (gain, error) in own.items()}
        worst = min(lead, key=lead.get)
        if lead[worst] > 0:
            break
        group = tuple(t for t in group if t != worst)
        steps.append(Step((worst,), "leave", *own[worst], True))
    return (group if len(group) > 1 else ()), steps
