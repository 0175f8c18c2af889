"""The Lens page in a real browser: colours, keys, and text that stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import running_app
from tests.browser.test_journeys import settled

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)

HOSTILE = (
    '<img src=x onerror="alert(1)"> <a href="javascript:alert(2)">go</a> **bold** \u202eabc\n\t'
    "<script>alert(3)</script>"
)


def listening(visitor: Page) -> list[str]:
    dialogs: list[str] = []
    visitor.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    return dialogs


def test_tokens_are_coloured_reached_by_keys_and_never_markup(server: str, visitor: Page) -> None:
    dialogs = listening(visitor)
    visitor.goto(f"{server}/lens?{urlencode({'panel': 'live', 'text': HOSTILE})}")
    boxes = visitor.get_by_test_id("stMain").locator(".token")
    expect(boxes.first).to_be_visible(timeout=180_000)
    settled(visitor)
    shown = "".join(boxes.all_text_contents())
    assert "<img src=x" in shown
    assert "⟨U+202E⟩" in shown
    assert "↵" in shown
    main = visitor.get_by_test_id("stMain")
    for tag in ("img", "script", "a[href^=javascript]"):
        expect(main.locator(tag)).to_have_count(0)
    assert dialogs == []
    assert "masked" in (boxes.first.get_attribute("class") or "")
    assert boxes.nth(2).evaluate("box => getComputedStyle(box).backgroundColor").startswith("rgba(")
    expect(boxes.nth(3)).to_have_attribute("aria-label", re.compile("standard deviations"))
    boxes.first.focus()
    tip = main.get_by_role("tooltip")
    expect(tip).to_contain_text("Not read: first token")
    visitor.keyboard.press("ArrowRight")
    expect(tip).to_contain_text("standard deviations from the middle")
    visitor.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    visitor.keyboard.press("End")
    expect(boxes.last).to_be_focused()


def test_names_on_the_map_are_never_markup(server: str, visitor: Page) -> None:
    dialogs = listening(visitor)
    visitor.goto(f"{server}/lens?{urlencode({'prompt': '<a href=x>go</a> <img>'})}")
    chart = visitor.get_by_test_id("stPlotlyChart")
    expect(chart.first).to_be_visible(timeout=180_000)
    settled(visitor)
    expect(chart.locator("a")).to_have_count(0)
    labels = chart.locator(".xtick text").all_text_contents()
    assert any("<" in label for label in labels)
    assert any("img" in label for label in labels)
    assert not any("&lt;" in label for label in labels)
    assert dialogs == []


def test_a_long_text_is_cut_and_that_is_said(server: str, visitor: Page) -> None:
    visitor.goto(f"{server}/lens?panel=live")
    boxes = visitor.get_by_test_id("stMain").locator(".token")
    expect(boxes.first).to_be_visible(timeout=180_000)
    settled(visitor)
    text = visitor.get_by_test_id("stMain").get_by_role("textbox", name="Text")
    text.fill("good " * 700)
    text.press("Control+Enter")
    expect(boxes).to_have_count(512)
    expect(visitor.get_by_text(re.compile(r"of the text are left out"))).to_be_visible()


@pytest.fixture
def tokens_page(tmp_path: Path, chromium: str) -> Iterator[str]:
    with running_app(tmp_path, "tests/browser/tokens_page.py") as address:
        yield address


def test_a_whole_tag_in_a_token_its_hints_and_the_legend_stays_text(tokens_page: str, visitor: Page) -> None:
    dialogs = listening(visitor)
    visitor.goto(tokens_page)
    boxes = visitor.locator(".token")
    expect(boxes).to_have_count(3 + 2_000)
    expect(boxes.first).to_have_text('<img src=x onerror="alert(1)"><b>bold</b>')
    boxes.first.hover()
    tip = visitor.get_by_role("tooltip").first
    expect(tip).to_contain_text("<b>bold</b>")
    for tag in (".frame img", ".frame b"):
        expect(visitor.locator(tag)).to_have_count(0)
    assert dialogs == []
    boxes.nth(1).click()
    expect(visitor.get_by_text("clicked 1")).to_be_visible()
    assert dialogs == []
