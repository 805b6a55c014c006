"""Run examples/quickstart.py and keep its text and picture for the manual."""

import os
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]


def run(app):
    """Write docs/_generated/quickstart.txt and the pictures."""
    folder = DOCS / "_generated"
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, str(DOCS.parent / "examples/quickstart.py"), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MPLBACKEND": "Agg"},
    )
    if done.returncode:
        raise RuntimeError(f"examples/quickstart.py failed:\n{done.stderr}")
    said, _, _ = done.stdout.partition("\nPictures: ")  # where it was built
    (folder / "quickstart.txt").write_text(said)


def setup(app):
    """Run before any page is read."""
    app.connect("builder-inited", run)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
