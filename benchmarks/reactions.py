"""How soon a page reacts in headless Chromium, by the browser's own clock: what the benchmarks of pages share."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.harness import Comparison, tell

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
HOME = "CONCEPTSCOPE_HOME"
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'
# The browser's own clock, from the moment at which the page hears of the act: what the remote control takes to aim is
# nobody's wait.
AT = "name => addEventListener(name, () => { window.actedAt = performance.now() }, {once: true, capture: true})"
SINCE = "(performance.now() - window.actedAt) / 1000"


def chromium() -> str | None:
    """Where Chromium is; None, and a line that says so, where it is not."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        tell("Chromium is not installed (on Debian: apt-get install chromium): nothing was measured.")
    return found


def own_home(home: Path) -> None:
    """Make a workspace at `home` with the bundled model and the list of examples, and use it from now on."""
    from core import workspace
    from core.models.bundled import directory_of

    bundled, made = workspace.home() / "examples", directory_of("smollm2")
    os.environ[HOME] = str(home)
    shutil.copytree(made, directory_of("smollm2"))
    if bundled.is_dir():
        shutil.copytree(bundled, home / "examples")


def linked_home(home: Path) -> None:
    """Make a workspace at `home` with everything that the present one holds, and use it from now on.

    Files are links where that is possible: they are only ever replaced whole, so that nothing comes back.
    """
    from core import workspace

    skipped = shutil.ignore_patterns("jobs", "locks", "*.part")
    shutil.copytree(workspace.home(), home, copy_function=_link, ignore=skipped)
    os.environ[HOME] = str(home)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


@contextmanager
def running_app(home: Path, first: str = "") -> Iterator[str]:
    """The app on a free port. first: Python that its process runs before."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    address = f"http://127.0.0.1:{port}"
    begun = ["-c", f"{first}; from streamlit.web.cli import main; main()"] if first else ["-m", "streamlit"]
    process = subprocess.Popen(
        [sys.executable, *begun, "run", "app.py", "--server.headless", "true", "--server.port", port],
        cwd=ROOT,
        env={**os.environ, HOME: str(home), "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def reaction(page: Page, act: Callable[[], object], shown: Callable[[], object], event: str = "click") -> float:
    """Seconds from the act until `shown` has returned and the page has stopped running."""
    page.evaluate(AT, event)
    act()
    shown()
    page.locator(SETTLED).wait_for()
    return float(page.evaluate(SINCE))


def against(name: str, amounts: Sequence[float], limit: float, unit: str = "s") -> Comparison:
    """The median against its limit: within it below 1."""
    middle = statistics.median(amounts)
    return Comparison(name, middle, limit, middle / limit, unit, tuple(one / limit for one in amounts))


def rarely(name: str, amounts: Sequence[float], limit: float, unit: str = "s") -> Comparison:
    """The 95th percentile against its limit."""
    worst = sorted(amounts)[min(len(amounts) - 1, round(0.95 * (len(amounts) - 1)))]
    return Comparison(f"{name}-p95", worst, limit, worst / limit, unit, tuple(one / limit for one in amounts))
