"""Nothing that one reads moves away: layout shifts, by the browser's own entries, of every page by a link and in turn.

On a wide window one shift is Streamlit's own and is not counted: the sidebar takes its room from the page, which the
browser counts as .234 of 1280 by 900 pixels, mostly before anything is there to be seen moving. When parts of a page
arrive depends on how busy the machine is, so that a page that is over the limit is opened twice more, and the middle
one of the three counts.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_every_page import PATHS
from tests.browser.test_journeys import settled

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=120_000)
MOST = 0.1  # what web.dev calls good
EMPTY = 0.24  # the most that the sidebar's arrival counts
VISITS = 3
# A page's style is read a moment after its first boxes are drawn, if the machine is busy: on Features (390) those that
# it would give room to are drawn without it, .12 to .16. That is over the limit, is told as an expected failure there,
# and may not grow.
STYLE_LATE = {("/features", 390): 0.2}
# Entries from the second frame on in which the page holds anything are of what could be seen.
WATCH = """
window.moved = []
window.drawn = Infinity
new MutationObserver((_, watcher) => {
  if (!document.querySelector('[data-testid=stMain]')?.textContent.trim()) return
  watcher.disconnect()
  requestAnimationFrame(() => requestAnimationFrame(now => { window.drawn = now }))
}).observe(document, {subtree: true, childList: true, characterData: true})
const told = ({node, previousRect: from, currentRect: to}) =>
  `${node?.nodeName} ${node?.textContent?.slice(0, 30)} ${from.x},${from.y} to ${to.x},${to.y}`
const page = node => node?.matches?.('main, [data-testid=stMain]') ||
  node?.querySelector?.('[data-testid=stMain]') !== null
const sidebar = one => one.sources.some(({node, previousRect: from, currentRect: to}) =>
  page(node) && from.x === 0 && to.x > 200)
new PerformanceObserver(list => list.getEntries().filter(one => !one.hadRecentInput).forEach(one =>
  window.moved.push({value: one.value, at: one.startTime, seen: one.startTime >= window.drawn && !sidebar(one),
    what: one.sources.map(told)}))).observe({type: 'layout-shift', buffered: true})
"""


def shifts(page: Page) -> tuple[float, float, list[str]]:
    """The worst second-long run of shifts (at most five seconds, the usual definition) of what could be seen, the sum
    of what was before, and what moved most; since the last time."""
    found = page.evaluate("window.moved.splice(0)")
    worst = run = begun = last = 0.0
    for one in (one for one in found if one["seen"]):
        if not run or one["at"] - last > 1000 or one["at"] - begun > 5000:
            run, begun = 0.0, one["at"]
        run, last = run + one["value"], one["at"]
        worst = max(worst, run)
    own = sorted((one for one in found if one["seen"]), key=lambda one: float(one["value"]))
    return worst, sum(one["value"] for one in found if not one["seen"]), own[-1]["what"] if own else []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", PATHS)
def test_nothing_moves_away_on_a_page_opened_by_a_link(path: str, width: int, server: str, browser: Browser) -> None:
    visits: list[tuple[float, list[str]]] = []
    while not visits or (visits[0][0] > MOST and len(visits) < VISITS):
        visits.append(visit(path, width, server, browser))
    own, what = sorted(visits)[len(visits) // 2]
    if MOST < own <= STYLE_LATE.get((path, width), MOST):
        pytest.xfail(f"{own:.2f}: {what}")
    assert own <= MOST, (visits, what)


def visit(path: str, width: int, server: str, browser: Browser) -> tuple[float, list[str]]:
    """What moved of what could be seen on a page that is opened by a link, and what moved most."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(WATCH)
    page.goto(server + path)
    expect(page.get_by_test_id("stMain").get_by_role("heading", level=1)).to_be_visible()
    settled(page)
    page.wait_for_timeout(1000)
    own, empty, what = shifts(page)
    assert empty <= (EMPTY if width == 1280 else 0.0) + MOST
    context.close()
    return own, what


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_moves_away_from_page_to_page(width: int, server: str, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(WATCH)
    page.goto(server)
    settled(page)
    page.wait_for_timeout(1000)
    shifts(page)
    for name in ("Tour", "Concept", "Probing", "TCAV", "Lens", "Features", "Steering", "Library", "Jobs", "Home"):
        if (menu := page.get_by_test_id("stExpandSidebarButton")).is_visible():
            menu.click()
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
        page.wait_for_timeout(600)  # a shift right after a click is its answer, and the browser does not count it
        settled(page)
        page.wait_for_timeout(1000)
        own, empty, what = shifts(page)
        assert own + empty <= MOST, (name, what)
    context.close()
