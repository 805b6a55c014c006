"""Wrong variants of the code under test, which show that a test can fail."""

import pytest

# Strict: a mutant that passes is an error, and so is one that fails by a crash.
CAUGHT = pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="wrong on purpose: the test catches it"
)
