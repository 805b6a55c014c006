"""The one decorator that compiles kernels."""

import numba

# Sums may be reordered, so that they use the vector units; NaN and infinity keep their
# meaning.
_OPTIONS = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract"},
}


def jit(function):
    """Compile lazily and cache on disk; without a cache where none is writable."""
    try:
        return numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # numba found no directory that it may write to
        return numba.njit(**_OPTIONS)(function)


def part_of(function):
    """Put the code of a function into what calls it, which compiles sooner that way."""
    return numba.njit(inline="always", **_OPTIONS)(function)
