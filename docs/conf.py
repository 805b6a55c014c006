"""Sphinx configuration; neither building nor reading needs a network."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs/_extensions"))

project = "skmtl"
author = "skmtl developers"
copyright = "2026, skmtl developers"
release = re.search(r'__version__ = "(.+)"', (ROOT / "skmtl/__init__.py").read_text())[
    1
]
version = release

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx.ext.viewcode",
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "myst_parser",
    "mathml",
    "quickstart",
    "sklearn_links",
]
exclude_patterns = ["_build", "_generated"]
templates_path = ["_templates"]
default_role = "py:obj"  # `name` links to the API where it can
rst_prolog = ".. py:currentmodule:: skmtl\n"  # and needs no skmtl. in front

autosummary_generate = True
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"  # fit(), not GroupLassoRegressor.fit()
numpydoc_show_class_members = False  # the class template lists the methods
plot_include_source = True
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 110)]
extlinks = {"doi": ("https://doi.org/%s", "doi:%s")}
suppress_warnings = ["myst.xref_missing"]  # CHANGELOG.md links within the repository

html_theme = "pydata_sphinx_theme"
html_title = f"skmtl {release}"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "show_nav_level": 2,
    "navbar_end": ["theme-switcher"],
    "show_prev_next": False,
}
# Pages with nothing below them to show.
html_sidebars = {"install": [], "examples": [], "teaching": []}


def escape_shapes(app, what, name, obj, options, lines):
    """Keep ``n_iter_`` in "of shape (n_iter_,)" from being read as a link."""
    for i, line in enumerate(lines):
        if "shape (" in line:
            lines[i] = re.sub(r"(?<![`\w])(\w+)_(?=[,)])", r"\1\\_", line)


def setup(app):
    """Run after numpydoc, whose priority is 500."""
    app.connect("autodoc-process-docstring", escape_shapes, priority=600)
