"""Every page, wide and narrow, light and dark: nothing breaks, jumps, sticks out or is out of a keyboard's reach.

axe-core, the usual checker of accessibility, looks at each page. What it finds inside of Streamlit's own widgets, where
nothing of ours can mend it, is named in KNOWN with the reason; anything else that is serious is a defect of ours.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.browser.test_journeys import settled
from tests.pages import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=120_000)

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
VIEWS = {
    **{page: f"/{page}" for page in PAGES if page != "home"},
    "home": "/",
    "tour, test": "/tour?step=test",
    "tour, browse": "/tour?step=browse",
    "tour, steer": "/tour?step=steer",
    "tour, your turn": "/tour?step=yours",
    "library, own texts": "/library?view=examples&do=add",
    "library, directions": "/library?view=directions",
    "features, map": "/features?features=map",
    "steering, sweep": "/steering?steer=sweep",
    "tcav, check": "/tcav?panel=check",
}
# Rule of axe, and a part of the element's HTML: findings that only Streamlit can mend.
KNOWN: tuple[tuple[str, str, str], ...] = ()
JUMPS = 0.1  # cumulative layout shift above which a page is felt to jump (web.dev, "good")

# Sums layout shifts as Chromium's own metric does: the worst window of at most 5 s with gaps below 1 s.
WATCH = """
window.shifts = [];
new PerformanceObserver(list => window.shifts.push(
  ...list.getEntries().filter(one => !one.hadRecentInput).map(one => [one.startTime, one.value])
)).observe({type: 'layout-shift', buffered: true});
"""
WORST = """() => {
  let worst = 0, sum = 0, first = 0, last = -Infinity;
  for (const [time, value] of window.shifts) {
    if (time - last > 1000 || time - first > 5000) { sum = 0; first = time; }
    sum += value; last = time; worst = Math.max(worst, sum);
  }
  return worst;
}"""
TOO_WIDE = """() => [document.scrollingElement, ...document.querySelectorAll('[data-testid=stMain]')]
  .map(one => one.scrollWidth - one.clientWidth)"""
# What can be pressed and takes no part in going from control to control.
UNREACHED = """() => [...document.querySelectorAll(
    '[data-testid=stMain] :is(button, input, select, textarea, a[href], [role=slider], [role=combobox])')]
  .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.disabled && one.tabIndex < 0)
  .filter(one => !one.closest('[role=radiogroup], [role=tablist], [data-testid=stDataFrame], .js-plotly-plot'))
  .map(one => one.outerHTML.slice(0, 200))"""
AXE = """async tags => (await axe.run(document, {runOnly: tags, resultTypes: ['violations']})).violations
  .filter(one => ['serious', 'critical'].includes(one.impact))
  .flatMap(one => one.nodes.map(node => [one.id, node.html.slice(0, 400), node.failureSummary]))"""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


def axe(page: Page) -> list[list[str]]:
    """What axe finds to be serious or critical: rule, element, and what would mend it."""
    page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found: list[list[str]] = page.evaluate(AXE, TAGS)
    return [one for one in found if not any(one[0] == rule and part in one[1] for rule, part, _ in KNOWN)]


def visit(browser: Browser, url: str, size: Any, scheme: Any) -> tuple[Page, list[str]]:
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(WATCH)
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            said.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    expect(page.get_by_test_id("stMain").get_by_role("heading", level=1)).to_be_visible()
    settled(page)
    page.wait_for_timeout(500)  # charts draw themselves after the script has ended
    return page, said


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide-light", "narrow-dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_a_page_is_sound(view: str, size: Any, scheme: Any, server: str, browser: Browser) -> None:
    page, said = visit(browser, server + VIEWS[view], size, scheme)
    assert said == []
    assert page.evaluate(WORST) <= JUMPS
    assert max(page.evaluate(TOO_WIDE)) <= 0
    assert page.evaluate(UNREACHED) == []
    assert axe(page) == []
    page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
    page.wait_for_timeout(300)
    assert axe(page) == []
    page.context.close()
