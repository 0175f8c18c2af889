"""Every page, wide and narrow, light and dark: nothing breaks or sticks out, and axe-core, the usual checker of
accessibility, finds nothing serious."""

from __future__ import annotations

from importlib import resources
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, expect

from tests.browser.test_journeys import settled
from tests.pages import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=120_000)

PATHS = [
    *("/" if page == "home" else f"/{page}" for page in PAGES),
    *(f"/tour?step={step}" for step in ("test", "browse", "steer", "yours")),
    "/library?view=examples&do=add",
]
TOO_WIDE = """() => [document.scrollingElement, ...document.querySelectorAll('[data-testid=stMain]')]
  .map(one => one.scrollWidth - one.clientWidth)"""
# What fades from one colour into another has, for a moment, a contrast of its own.
AT_REST = "() => document.getAnimations().every(one => !(one instanceof CSSTransition) || one.playState !== 'running')"
AXE = """async tags => (await axe.run(document, {runOnly: tags, resultTypes: ['violations']})).violations
  .filter(one => ['serious', 'critical'].includes(one.impact))
  .flatMap(one => one.nodes.map(node => [one.id, node.html.slice(0, 300), node.failureSummary]))"""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


# What is dark is laid out as what is light, so that one width of it is enough.
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "light"), (1280, "dark")])
@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_sound(
    path: str, width: int, scheme: Literal["light", "dark"], server: str, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(120_000)
    said: list[str] = []
    outside: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # Below a page's address Streamlit looks for its server there first, and then where it is.
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            said.append(f"{message.text} {message.location}")

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: None if "//127.0.0.1" in request.url else outside.append(request.url))
    page.goto(server + path)
    expect(page.get_by_test_id("stMain").get_by_role("heading", level=1)).to_be_visible()
    settled(page)
    page.wait_for_timeout(500)  # charts draw themselves after the script has ended
    assert said == []
    assert [url for url in outside if url.startswith(("http:", "https:"))] == []
    assert max(page.evaluate(TOO_WIDE)) <= 0
    page.wait_for_function(AT_REST)
    page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    assert page.evaluate(AXE, TAGS) == []
    context.close()
