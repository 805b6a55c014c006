"""The one decorator that compiles kernels."""

import numba


def jit(function):
    """Compile lazily and cache on disk; without a cache where none is writable."""
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # numba found no directory that it may write to
        return numba.njit(nogil=True, error_model="numpy")(function)
