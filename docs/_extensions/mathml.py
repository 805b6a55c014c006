"""Formulas as MathML, which browsers draw by themselves: no script, no network."""

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def convert(node, **options):
    """Return the MathML of a formula."""
    found = tex2mathml(node.astext(), **options)
    # Bars of a norm must not grow with the tallest thing in their line.
    return re.sub(r"<mo([^>]*)>‖", r'<mo\1 stretchy="false">‖', found)


def inline(translator, node):
    """Write a formula within a line."""
    translator.body.append(convert(node))
    raise nodes.SkipNode


def block(translator, node):
    """Write a formula of its own."""
    translator.body.append(convert(node, as_block=True))
    raise nodes.SkipNode


def setup(app):
    """Let ``html_math_renderer`` be "mathml"."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
