"""The code that people read in README and the manual runs, and names what exists."""

import doctest
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

import skmtl

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
PAGES = sorted((ROOT / "docs").glob("*.rst")) + sorted(
    (ROOT / "docs/user_guide").iterdir()
)
WITH_EXAMPLES = [page for page in PAGES if ">>> " in page.read_text()]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def run(source, namespace):
    """Run a block of documentation; a name of its own makes tracebacks readable."""
    exec(compile(source, "<documentation>", "exec"), namespace)


def test_readme_runs():
    namespace = {}
    blocks = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        run(block, namespace)
    model, rows = namespace["m"], namespace["df_new"]
    assert model.fit(namespace["df"], namespace["y"]).predict(rows).shape == (
        len(rows),
    )


def test_index_shows_the_readme_example():
    index = (ROOT / "docs/index.rst").read_text()
    setup = re.search(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)[1]
    block = re.search(r"code-block:: python\n\n((?:   .*\n|\n)+)", index)[1]
    namespace = {}
    run(setup, namespace)
    run(re.sub(r"^   ", "", block, flags=re.MULTILINE), namespace)
    assert namespace["search"].best_score_ > 0.5


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.stem)
def test_manual_runs(page):
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS | doctest.FAIL_FAST
    example = doctest.DocTestParser().get_doctest(
        page.read_text(), {}, page.stem, str(page), 0
    )
    report = []
    doctest.DocTestRunner(optionflags=flags).run(example, out=report.append)
    plt.close("all")
    assert not report, "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_in_the_manual_is_run(page):
    blocks = re.findall(r"^\.\. code-block:: python", page.read_text(), re.MULTILINE)
    assert len(blocks) == (page.stem == "index"), "use >>> so that it is tested"


def test_api_page_lists_every_public_name():
    listed = re.findall(
        r"^   (\w+)$", (ROOT / "docs/api.rst").read_text(), re.MULTILINE
    )
    assert sorted(listed) == sorted(skmtl.__all__)


def test_readme_table_lists_every_public_name():
    table = README.partition("## In this version")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert sorted(re.findall(r"\w+", " ".join(cells))) == sorted(skmtl.__all__)


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "docs/install.rst", "docs/examples.rst"]
)
def test_make_targets_that_are_named_exist(page):
    named = re.findall(
        r"(?:^|`)make ([a-z-]+)", (ROOT / page).read_text(), re.MULTILINE
    )
    assert set(named) <= TARGETS


def test_ruff_is_the_same_everywhere():
    in_hooks = re.search(
        r"ruff-pre-commit\n\s+rev: v([\d.]+)",
        (ROOT / ".pre-commit-config.yaml").read_text(),
    )
    in_project = re.search(r'"ruff==([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert in_hooks[1] == in_project[1]
