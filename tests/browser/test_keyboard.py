"""Every page by the keyboard alone: whatever a mouse can press has the focus once, in the page's order and visibly; and
whole journeys, among them what a click on a chart or a table does."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.keyboard import Stop, tab_to, walk
from tests.browser.test_every_page import PATHS
from tests.browser.test_journeys import settled

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=120_000)
EVERYWHERE = "[data-testid=stSidebar], [data-testid=stMain], [data-testid=stHeader]"


def backwards(stops: list[Stop]) -> list[tuple[str, str]]:
    """Pairs of stops of the page after one another where the second stands above the first and not right of it."""
    own = [stop for stop in stops if stop.main]
    return [
        (one.name, other.name)
        for one, other in pairwise(own)
        if other.box[3] <= one.box[1] and other.box[0] < one.box[2] - 1
    ]


def unseen(stops: list[Stop]) -> list[str]:
    return [stop.name for stop in stops if stop.seen is False]


@pytest.mark.parametrize("path", PATHS)
def test_tab_reaches_everything_in_order_and_one_sees_where_it_is(path: str, server: str, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(server + path)
    expect(page.get_by_test_id("stMain").get_by_role("heading", level=1)).to_be_visible()
    settled(page)
    page.wait_for_timeout(1000)
    settled(page)  # the first visit of a server may have been between two runs
    names, stops, ended = walk(page, EVERYWHERE)
    assert ended, f"no way out of {stops[-1].name}"
    reached = {stop.group for stop in stops}
    assert [name for number, name in enumerate(names) if number not in reached] == []
    assert [stop.name for stop in stops if stop.positive] == []
    assert backwards(stops) == []
    assert [stop.name for stop in stops if not stop.shown] == []
    assert unseen(stops) == []
    context.close()


def test_the_walk_notices_what_cannot_be_reached_or_seen(server: str, visitor: Page) -> None:
    """A test of the test: without it a page where nothing is looked at would pass."""
    visitor.goto(f"{server}/jobs")
    settled(visitor)
    same = "outline: none", "box-shadow: none", "background: none", "color: black", "border-color: black"
    visitor.add_style_tag(content=f"*, *::before {{ {' '.join(f'{one} !important;' for one in same)} }}")
    visitor.get_by_test_id("stMain").locator("summary").first.evaluate("one => { one.tabIndex = -1 }")
    names, stops, _ = walk(visitor, EVERYWHERE)
    reached = {stop.group for stop in stops}
    assert [name for number, name in enumerate(names) if number not in reached] != []
    assert any("stSidebarNavLink" in name for name in unseen(stops))


def test_steering_by_the_keyboard_alone(server: str, visitor: Page) -> None:
    main = visitor.get_by_test_id("stMain")
    visitor.goto(f"{server}/steering?tokens=8&from=saved&direction=sentiment")
    settled(visitor)
    tab_to(visitor, main.get_by_role("slider", name="Dose"))
    visitor.keyboard.press("ArrowRight")
    visitor.wait_for_url(re.compile(r"[?&]dose="), wait_until="commit")
    settled(visitor)
    tab_to(visitor, main.get_by_role("button", name="Generate"))
    visitor.keyboard.press("Enter")
    steered = visitor.get_by_test_id("stColumn").filter(has_text="Steered, dose")
    expect(steered).to_contain_text(re.compile(r"thought it was(?:\W+\w+\b){3}"))


def test_a_probe_is_chosen_without_a_click_on_its_chart(server: str, visitor: Page) -> None:
    main = visitor.get_by_test_id("stMain")
    visitor.goto(server)
    settled(visitor)
    tab_to(visitor, visitor.get_by_test_id("stSidebarNav").get_by_role("link", name="Probing"))
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("heading", level=1, name="Probing")).to_be_visible()
    settled(visitor)
    tab_to(visitor, main.get_by_role("radio", name="Curves"))
    visitor.keyboard.press("ArrowRight")
    visitor.keyboard.press("Space")
    expect(main.get_by_test_id("stPlotlyChart").first.locator(".heatmaplayer")).to_be_visible()
    settled(visitor)
    probes = main.get_by_role("combobox", name="Probe to look at")
    tab_to(visitor, probes)
    visitor.keyboard.type("Layer 13")
    expect(visitor.get_by_role("option").first).to_contain_text("Layer 13")
    visitor.wait_for_timeout(500)  # a visitor reads the list before choosing from it
    visitor.keyboard.press("Enter")
    expect(main.get_by_role("heading", name=re.compile(r"^Layer 13, "))).to_be_visible()


def test_a_row_of_a_table_is_chosen_by_keys(server: str, visitor: Page) -> None:
    visitor.goto(f"{server}/library")
    settled(visitor)
    table = visitor.get_by_test_id("stDataFrame").first.locator("canvas").first
    table.wait_for()
    tab_to(visitor, table)
    visitor.keyboard.press("ArrowDown")
    visitor.keyboard.press("Shift+Space")
    visitor.wait_for_url(re.compile(r"[?&]set="), wait_until="commit")
