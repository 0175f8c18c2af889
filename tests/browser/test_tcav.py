"""The TCAV page in a real browser: press one button, read a verdict, click a cell, see the tokens behind it."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_journeys import button, settled

pytestmark = pytest.mark.browser
expect.set_options(timeout=120_000)

# Few texts, shallow layers, no controls and no pushes: a verdict in seconds, which says what was not tested.
QUICK = {"cavs": "diffmean", "others": "0", "pushes": "0", "dealt": "99", "rows": "24", "asked": "8", "at": "1,3"}


def test_from_the_button_to_the_tokens_behind_a_cell(server: str, visitor: Page) -> None:
    visitor.goto(f"{server}/tcav?{urlencode({**QUICK, 'with': 'sae-probes/96_spam_is'})}")
    button(visitor, "Run the test").click()
    verdicts = re.compile("supported|depends|not detected|not readable")
    expect(visitor.get_by_test_id("stMain").get_by_text(verdicts).first).to_be_visible(timeout=240_000)
    expect(visitor.get_by_text("The inputs behind it")).to_be_visible()
    settled(visitor)
    boxes = visitor.get_by_test_id("stMain").locator(".token")
    expect(boxes.first).to_be_visible()  # the job has stored what it takes, so nobody has to ask for them
    heat = visitor.get_by_test_id("stPlotlyChart").first.locator(".nsewdrag").first
    place = heat.bounding_box()
    assert place is not None
    heat.click(position={"x": place["width"] * 0.75, "y": place["height"] * 0.75})  # second concept, second layer
    visitor.wait_for_url(re.compile(r"cell=sae-probes%2F96_spam_is\.3"), wait_until="commit")
    settled(visitor)
    expect(visitor.get_by_role("heading", name=re.compile(r"at layer 3$"))).to_be_visible()
    link = visitor.url
    visitor.goto("about:blank")
    visitor.goto(link)
    settled(visitor)
    expect(visitor.get_by_role("heading", name=re.compile(r"spam at layer 3$"))).to_be_visible()
    expect(visitor.get_by_test_id("stAlertContentError")).to_have_count(0)
