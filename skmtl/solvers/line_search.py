"""Steps that lower the objective."""

ROUNDING = 1e-13


def descend(objective, penalty, old, new, slope=0.0):
    """Return the first of new, halfway, ... that is no worse than old, or old.

    `slope` (at most 0) is the derivative of the objective along the whole step, of
    which a small share has to be gained.
    """
    start = old.value + penalty.value(old.W)
    # Losses are sums of larger terms, so D0 tells better than a small sum of them.
    slack = ROUNDING * max(abs(start), objective.null)
    step, tau, image = new.W - old.W, 1.0, None
    for _ in range(40):
        if new.value + penalty.value(new.W) <= start + 1e-4 * tau * slope + slack:
            return new
        if image is None:
            image = new.Z - old.Z
        tau *= 0.5
        new = objective.at(old.W + tau * step, old.Z + tau * image, near=new)
    return old
