"""How soon every page reacts to a choice whose result is at hand, in headless Chromium, and the Concept page opens.

A reaction is the time from a click or key to the page that shows what was chosen and has stopped running, by the
browser's own clock. The limits are half a second for the median and a second for the 95th percentile of each page. The
Concept page is visited by a fresh link and from Home, against two seconds; what it shows is computed before, which
takes minutes where the workspace does not hold it. Each choice is made once before it counts.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from benchmarks.harness import Comparison, parser, report, tell
from benchmarks.reactions import FLAGS, ROOT, SETTLED, against, chromium, linked_home, rarely, reaction, running_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MEDIAN, RARELY, VISIT = 0.5, 1.0, 2.0  # seconds
MODEL, EXAMPLES, LAYER = "smollm2", "sae-probes/92_glue_sst2", 13
CONCEPT = "/concept?" + urlencode({"model": MODEL, "concept": EXAMPLES, "layer": LAYER})
LAST = "How stable is it?"  # the last heading of the Concept page
CARD = "document.querySelector('[data-testid=stMain] h2')?.innerText"
Act = Callable[["Page"], float]


def option(name: str, wanted: str) -> Act:
    """Choose one of a row of options. wanted: JavaScript that is true once its answer is shown."""

    def act(page: Page) -> float:
        one = page.get_by_test_id("stMain").get_by_role("radio", name=name, exact=True).first
        return reaction(page, one.click, lambda: page.wait_for_function(wanted))

    return act


def another(name: str) -> Act:
    """Press a button that shows another card."""

    def act(page: Page) -> float:
        one = page.get_by_test_id("stMain").get_by_role("button", name=name, exact=True).first
        page.evaluate(f"window.before = {CARD}")
        return reaction(page, one.click, lambda: page.wait_for_function(f"{CARD} && {CARD} !== window.before"))

    return act


def key(slider: int, pressed: str, wanted: str) -> Act:
    """Move a slider by a step. slider: which of the whole page; the first is the layer's, of the sidebar."""

    def act(page: Page) -> float:
        one = page.get_by_role("slider").nth(slider)
        return reaction(page, lambda: one.press(pressed), lambda: page.wait_for_function(wanted), "keydown")

    return act


def linked(text: str, *, there: bool = True) -> str:
    """The address says so, which it does once the page runs with the choice."""
    return f"{'' if there else '!'}location.search.includes('{text}')"


LAYERS = [key(0, "ArrowRight", linked("layer=14")), key(0, "ArrowLeft", linked("layer=14", there=False))]
# By page: its address and the choices that are made there, the last of which leads back.
PAGES: dict[str, tuple[str, list[Act]]] = {
    "home": ("/", LAYERS),
    "tour": (
        "/tour",
        [
            *(
                option(f"{number} · {name}", linked(f"step={name.lower()}"))
                for number, name in ((2, "Test"), (4, "Steer"))
            ),
            option("1 · Probe", linked("step=", there=False)),
        ],
    ),
    "concept": (
        CONCEPT,
        LAYERS,
    ),
    "probing": (
        "/probing",
        [option("Heat map", linked("view=map")), option("Curves", linked("view=", there=False))],
    ),
    "tcav": (
        "/tcav",
        [option("Check my test", linked("panel=check")), option("Test concepts", linked("panel=", there=False))],
    ),
    "lens": ("/lens", LAYERS),
    "features": ("/features", [another("Next"), another("Next")]),
    "steering": (
        "/steering",
        [option("Sweep", linked("steer=sweep")), option("Playground", linked("steer=", there=False))],
    ),
    "library": (
        "/library",
        [option("Directions", linked("view=directions")), option("Examples", linked("view=", there=False))],
    ),
    "jobs": ("/jobs", LAYERS),
}


def opened(browser: Browser, url: str, heading: str = "") -> tuple[Page, float]:
    """A fresh visitor's page, and the seconds until it had stopped running."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(180_000)
    start = time.perf_counter()
    page.goto(url)
    _shown(page, heading)
    return page, time.perf_counter() - start


def _shown(page: Page, heading: str) -> None:
    page.get_by_test_id("stMain").get_by_role("heading", level=1).wait_for()
    if heading:
        page.get_by_role("heading", name=heading).wait_for()
    page.locator(SETTLED).wait_for()


def reactions(browser: Browser, address: str, name: str, rounds: int) -> list[float]:
    """Seconds of each choice of a page."""
    path, acts = PAGES[name]
    page, took = opened(browser, address + path)
    tell(f"{name}: opened in {took:.2f} s")
    found: list[float] = []
    for number in range(rounds + 1):
        for act in acts:
            seconds = act(page)
            page.wait_for_timeout(200)  # nobody chooses faster
            if number:
                found.append(seconds)
    tell(f"{name}: {', '.join(f'{one:.2f}' for one in found)} s")
    page.context.close()
    return found


def visits(browser: Browser, address: str, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of visits of the Concept page, by a fresh link and from Home."""
    links: list[float] = []
    ways: list[float] = []
    for number in range(rounds + 1):
        page, took = opened(browser, address + CONCEPT, LAST)
        menu = page.get_by_test_id("stSidebarNav")
        menu.get_by_role("link", name="Home").click()
        page.get_by_role("heading", level=1, name="Follow a concept").wait_for()
        page.locator(SETTLED).wait_for()
        page.wait_for_timeout(500)
        there = menu.get_by_role("link", name="Concept")
        way = reaction(page, there.click, lambda page=page: _shown(page, LAST))  # type: ignore[misc]
        tell(f"Concept: by a link {took:.2f} s, from Home {way:.2f} s")
        if number:
            links.append(took)
            ways.append(way)
        page.context.close()
    return links, ways


def measure(rounds: int, program: str) -> list[Comparison]:
    """Every page's median and 95th percentile, and the Concept page's visits, each against its limit."""
    from playwright.sync_api import sync_playwright

    command = ["concept", MODEL, "--examples", EXAMPLES, "--layer", str(LAYER)]
    tell("everything about the concept, unless it is there")
    subprocess.run([sys.executable, "-m", "core", *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    found: list[Comparison] = []
    with tempfile.TemporaryDirectory(prefix="conceptscope-bench-") as folder:
        home = Path(folder) / "home"
        linked_home(home)
        with running_app(home) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
            for name in PAGES:
                seconds = reactions(browser, address, name, rounds)
                found.append(against(f"page-{name}-reaction", seconds, MEDIAN))
                found.append(rarely(f"page-{name}-reaction", seconds, RARELY))
            links, ways = visits(browser, address, rounds)
            browser.close()
    return [*found, against("page-concept-link", links, VISIT), against("page-concept-from-home", ways, VISIT)]


def main() -> None:
    chosen = parser(__doc__ or "", rounds=5).parse_args()
    program = chromium()
    if program is None:
        return
    report(measure(chosen.rounds, program), chosen.json)


if __name__ == "__main__":
    main()
