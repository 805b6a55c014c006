"""What the API reference is made of: public names and their methods, in numpydoc."""

import inspect
import tomllib
from pathlib import Path

import pytest
from numpydoc.validate import validate

import skmtl

CONFIG = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
CHECKS = set(CONFIG["tool"]["numpydoc_validation"]["checks"])


def documented(name):
    """Yield a public name, and for a class the public methods that skmtl wrote."""
    yield name
    value = getattr(skmtl, name)
    if inspect.isclass(value):
        for method, function in inspect.getmembers(value, inspect.isfunction):
            if not method.startswith("_") and function.__module__.startswith("skmtl"):
                yield f"{name}.{method}"


@pytest.mark.parametrize("name", skmtl.__all__)
def test_docstrings_are_complete(name):
    problems = [
        f"{item}: {code} {message}"
        for item in documented(name)
        for code, message in validate(f"skmtl.{item}")["errors"]
        if code in CHECKS
    ]
    assert problems == []
