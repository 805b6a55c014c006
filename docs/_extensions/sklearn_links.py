"""Links into scikit-learn's manual by name, so that building needs no inventory."""

from docutils import nodes

PAGE = "https://scikit-learn.org/stable/modules/generated/{}.html"


def link(app, env, node, contnode):
    """Link what is written with its full name and has a page of its own."""
    parts = node.get("reftarget", "").split(".")
    if parts[0] != "sklearn" or len(parts) < 3:
        return None
    page = PAGE.format(".".join(parts[:3]))
    method = f"#{'.'.join(parts)}" if len(parts) > 3 else ""
    return nodes.reference("", "", contnode, internal=False, refuri=page + method)


def setup(app):
    """Come after all that Sphinx itself can find."""
    app.connect("missing-reference", link, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
