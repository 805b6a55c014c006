"""Pages in a headless Chromium."""

import html
import json
import shutil
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
MEASURE = """
<pre id="found"></pre><script>
addEventListener("load", () => {
  const root = document.querySelector("iframe").contentDocument.documentElement;
  const boxes = [...root.querySelectorAll(".scroll")];
  document.getElementById("found").textContent = JSON.stringify({
    width: root.scrollWidth,
    pictures: [...root.querySelectorAll("img")].map(i => [i.naturalWidth, i.width]),
    scrolling: boxes.filter(b => b.scrollWidth > b.clientWidth).length,
    size: getComputedStyle(root.querySelector("p")).fontSize,
  });
});
</script>
"""


def find():
    """Return the path of a Chromium, or skip the test."""
    for name in NAMES:
        path = shutil.which(name)
        if path is not None:
            return path
    pytest.skip(f"no Chromium is installed; looked for {', '.join(NAMES)}")
    return None


def run(folder, *options):
    """Run Chromium with a fresh profile and return what it prints."""
    command = [find(), *FLAGS, f"--user-data-dir={folder / 'profile'}", *options]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout


def measure(page, width, folder):
    """Return what a page measures in a window of that width.

    The page is inside a frame, since a headless window has a least width of its own.
    """
    frame = (
        f'<!DOCTYPE html><iframe style="border:0" width="{width}" height="2000" '
        f'srcdoc="{html.escape(page, quote=True)}"></iframe>{MEASURE}'
    )
    path = folder / f"frame_{width}.html"
    path.write_text(frame, encoding="utf-8")
    shown = run(
        folder, f"--window-size={max(width, 600)},2200", "--dump-dom", str(path)
    )
    found = shown.split('<pre id="found">')[1].split("</pre>")[0]
    return json.loads(html.unescape(found))


def requests(path, folder):
    """Return the addresses that a page of a file asks for."""
    log = folder / "net.json"
    run(folder, f"--log-net-log={log}", "--dump-dom", path.as_uri())
    log = json.loads(log.read_text())
    # What Chromium asks for by itself has no page that initiates it.
    return {
        event["params"]["url"]
        for event in log["events"]
        if event.get("params", {}).get("url")
        and event["params"].get("initiator", "not an origin") != "not an origin"
    }
