"""How soon the Features page reacts, in headless Chromium: the bundled dictionary, made ones of 8,192 and of 65,536.

Times are taken, each against its limit, as a ratio that is within it below 1: a visit by link in a fresh browser
session, until the first card with its examples is there; the same less a visit of an empty page of this app by link,
which is Streamlit's own start; opening the page from the sidebar, in a session that is open; from a click on Next until
the next card is there; from a text that was typed until its tokens are coloured by the new card's feature; all until
the page has stopped running. The server has been visited once before, and what that first visit takes is told.

The last line is the most memory that the server ever held, resident (RSS): what it made itself, and pages of files that
lie in its address space, such as the weights of model and dictionary. The latter are the kernel's to take back whenever
somebody else needs the room, so that this counts too much rather than too little. What it holds in the end is told too,
with the part that lies in files.
"""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.harness import Comparison, parser, report, tell
from benchmarks.reactions import AT, FLAGS, HOME, SETTLED, SINCE, against, chromium, own_home, running_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

VISIT, NEXT, TEXT, MEMORY = 1.0, 0.4, 1.5, 1500.0  # seconds, MB
SIZES = {"made-8192": 8, "made-65536": 64}  # how many times the small dictionary's features
CARDS = 6  # of a visit


@dataclass
class Times:
    """Seconds of each act with one dictionary, and the server's peak memory in MB. empty: visits of an empty page."""

    visits: list[float] = field(default_factory=list)
    empty: list[float] = field(default_factory=list)
    openings: list[float] = field(default_factory=list)
    cards: list[float] = field(default_factory=list)
    texts: list[float] = field(default_factory=list)
    memory: float = 0.0


def prepare(home: Path, sizes: list[str]) -> list[str]:
    """A workspace with the bundled model and made dictionaries. Returns the names of those that are measured."""
    own_home(home)
    from benchmarks.made_dictionary import make_large, make_small
    from core.dictionaries import open_dictionary
    from core.dictionaries.index import open_index
    from core.dictionaries.library import BUNDLED
    from core.models import open_model

    shipped = sorted(path.parent.parent.name for path in BUNDLED.glob("*/index/manifest.json"))
    for name in shipped:  # as `make setup` does
        open_index(open_dictionary(name)).texts.keep()
    small = make_small(open_model("smollm2"))
    for name in sizes:
        tell(f"making {name}")
        make_large(small, name, SIZES[name])
    return [*shipped, *sizes]


def measure(rounds: int, sizes: list[str], program: str) -> list[Comparison]:
    """Each act with each dictionary, against its limit; each dictionary has a server of its own."""
    from playwright.sync_api import sync_playwright

    found: list[Comparison] = []
    with tempfile.TemporaryDirectory(prefix="conceptscope-bench-") as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        for name in prepare(home, sizes):
            times = Times()
            with running_app(home) as address:
                for number in range(rounds + 1):  # the first visit opens what every later one finds
                    context = browser.new_context(viewport={"width": 1280, "height": 900})
                    page = context.new_page()
                    page.set_default_timeout(180_000)
                    try:
                        if number:
                            times.empty.append(_visit_of_an_empty_page(browser, f"{address}/jobs"))
                        _visit(page, f"{address}/features?dictionary={name}", times, first=number == 0)
                    finally:
                        context.close()
                times.memory = peak_of(home)
            found += [
                against(f"page-features-{name}-visit", times.visits, VISIT),
                against(
                    f"page-features-{name}-visit-beyond-an-empty-page",
                    [visit - empty for visit, empty in zip(times.visits, times.empty, strict=True)],
                    VISIT,
                ),
                against(f"page-features-{name}-opening", times.openings, VISIT),
                against(f"page-features-{name}-next-card", times.cards, NEXT),
                against(f"page-features-{name}-text", times.texts, TEXT),
                against(f"page-features-{name}-memory", [times.memory], MEMORY, "MB"),
            ]
        browser.close()
    return found


def _visit_of_an_empty_page(browser: Browser, url: str) -> float:
    """Seconds until the Jobs page of a workspace without jobs stands in a fresh session."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        start = time.perf_counter()
        page.goto(url)
        page.get_by_role("heading", level=1, name="Jobs").wait_for()
        page.locator(SETTLED).wait_for()
        took = time.perf_counter() - start
        tell(f"an empty page: {took:.2f} s")
        return took
    finally:
        context.close()


def _open_from_the_sidebar(page: Page) -> float:
    links = page.get_by_test_id("stSidebarNav")
    links.get_by_role("link", name="Jobs").click()
    page.get_by_role("heading", level=1, name="Jobs").wait_for()
    page.locator(SETTLED).wait_for()
    page.wait_for_timeout(500)
    page.evaluate(AT, "click")
    links.get_by_role("link", name="Features").click()
    _settle(page)
    took = float(page.evaluate(SINCE))
    tell(f"opening: {took:.2f} s")
    return took


def _visit(page: Page, url: str, times: Times, *, first: bool) -> None:
    main = page.get_by_test_id("stMain")
    start = time.perf_counter()
    page.goto(url)
    _settle(page)
    took = time.perf_counter() - start
    tell(f"{'first visit' if first else 'visit'}: {took:.2f} s")
    if not first:
        times.visits.append(took)
    for _ in range(CARDS):
        seen = main.get_by_role("heading", level=2).first.inner_text()
        page.evaluate(AT, "click")
        main.get_by_role("button", name="Next", exact=True).click()
        main.get_by_role("heading", level=2).filter(has_not_text=re.compile(f"^{re.escape(seen)}$")).first.wait_for()
        _settle(page)
        times.cards.append(float(page.evaluate(SINCE)))
        tell(f"next card: {times.cards[-1]:.2f} s")
        page.wait_for_timeout(200)  # nobody reads a card faster
    times.openings += [_open_from_the_sidebar(page) for _ in range(2)]
    main.get_by_role("radio", name="In a text").click()
    text = main.get_by_role("textbox", name="Text", exact=True)
    text.wait_for()
    _settle(page)
    word = f"visitor{len(times.visits)}"
    text.fill(f"The doctor of the red house asked {word} whether the loop in Python returns a list.")
    page.evaluate(AT, "keydown")
    text.press("Control+Enter")
    main.locator(".token").filter(has_text=re.compile("^ visitor")).first.wait_for()
    _settle(page)
    times.texts.append(float(page.evaluate(SINCE)))
    tell(f"text: {times.texts[-1]:.2f} s")


def _settle(page: Page) -> None:
    page.locator(".token").first.wait_for(state="visible")
    page.locator(SETTLED).wait_for()


def peak_of(home: Path) -> float:
    """MB of memory that the server whose workspace is `home` held at the most."""
    import psutil

    own = [one for one in psutil.Process().children() if "streamlit" in one.cmdline()]
    pids = [one.pid for one in own if one.environ().get(HOME) == str(home)]
    if not pids or not Path("/proc/self/status").exists():
        return float("nan")
    status = Path(f"/proc/{pids[0]}/status").read_text()
    peak, now, mapped = (
        int(re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)[1]) / 1e3  # type: ignore[index]
        for name in ("VmHWM", "VmRSS", "RssFile")
    )
    tell(f"memory: at the most {peak:,.0f} MB, now {now:,.0f} MB, of which {mapped:,.0f} MB lie in files")
    return peak


def main() -> None:
    options = parser(__doc__ or "", rounds=3)
    options.add_argument("--sizes", default=",".join(SIZES), help=f"made dictionaries (default {','.join(SIZES)})")
    chosen = options.parse_args()
    program = chromium()
    if program is None:
        return
    sizes = [one for one in chosen.sizes.split(",") if one]
    report(measure(chosen.rounds, sizes, program), chosen.json)


if __name__ == "__main__":
    main()
