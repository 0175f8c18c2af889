"""What people do, in a real browser against the running app: open, choose, sweep, steer, share a link, reload."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.pages import PAGES

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)


def settled(page: Page) -> Page:
    """The page once nothing runs any more, without a defect on it."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=120_000)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    return page


def menu(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def button(page: Page, name: str | re.Pattern[str]) -> Locator:
    return page.get_by_test_id("stMain").get_by_role("button", name=name)


def test_a_newcomers_first_steered_text_is_two_clicks_away(server: str, visitor: Page) -> None:
    visitor.goto(server)
    button(visitor, "Steer sentiment").click()
    button(visitor, "Generate").click()
    steered = visitor.get_by_test_id("stColumn").filter(has_text="Steered, dose -0.5")
    expect(steered).to_contain_text(re.compile(r"thought it was(?:\W+\w+\b){8}"))
    settled(visitor)
    expect(visitor.get_by_test_id("stMetric").filter(has_text="Raw coefficient")).to_contain_text(re.compile(r"-\d"))
    expect(button(visitor, "Stop")).to_have_count(0)


def test_the_first_page_shows_the_prepared_concept(server: str, visitor: Page) -> None:
    visitor.goto(server)
    expect(visitor).to_have_title("Conceptscope")
    expect(visitor.get_by_text(re.compile(r"Strongest at layer \d+"))).to_be_visible(timeout=120_000)
    expect(visitor.get_by_test_id("stPlotlyChart")).to_be_visible()
    names = visitor.get_by_test_id("stSidebarNav").get_by_role("link")
    expect(names).to_have_count(len(PAGES))


def test_choose_sweep_and_steer_at_the_strongest_layer(server: str, visitor: Page) -> None:
    visitor.goto(f"{server}/probing?limit=80&layers=2,8&methods=diffmean")
    settled(visitor)
    concept = visitor.get_by_test_id("stSidebar").get_by_role("combobox", name=re.compile("Concept"))
    concept.click()
    concept.fill("clickbait")
    visitor.get_by_role("option", name=re.compile("clickbait")).first.click()
    visitor.wait_for_url(re.compile("concept=sae-probes%2F105_click_bait"), wait_until="commit")
    settled(visitor)
    button(visitor, "Run the sweep").click()
    expect(button(visitor, "Cancel")).to_be_visible()
    expect(visitor.get_by_role("spinbutton", name="Texts")).to_have_value("80")  # what was sent is still shown
    expect(visitor.get_by_test_id("stMain").get_by_role("textbox", name="Layers")).to_have_value("2,8")
    menu(visitor, "Jobs")  # the job goes on while one looks elsewhere
    expect(visitor.get_by_test_id("stMain").get_by_text("Done").first).to_be_visible(timeout=180_000)
    menu(visitor, "Probing")
    expect(visitor.get_by_text(re.compile(r"Strongest at layer [28] "))).to_be_visible(timeout=120_000)
    button(visitor, re.compile("Steer at layer")).click()
    expect(visitor.get_by_role("heading", level=1, name="Steering")).to_be_visible()
    settled(visitor)
    assert re.search(r"layer=[28]\b", visitor.url)
    assert "105_click_bait" in visitor.url


def test_a_deep_link_reopens_a_view_and_survives_a_reload(server: str, visitor: Page) -> None:
    link = f"{server}/steering?layer=9&dose=-0.3&tokens=6&prompt=The+weather+is&concept=sae-probes%2F105_click_bait"
    visitor.goto(link)
    for _ in range(2):
        settled(visitor)
        expect(visitor.get_by_test_id("stMain").get_by_role("textbox", name="Prompt")).to_have_value("The weather is")
        sliders = visitor.get_by_role("slider")
        assert [float(slider.input_value()) for slider in sliders.all()[:2]] == [9, -0.3]
        expect(visitor.get_by_test_id("stSidebarNav").get_by_role("link")).to_have_count(len(PAGES))
        visitor.reload()
    settled(visitor)
    for part in ("layer=9", "dose=-0.3", "prompt=The+weather+is", "105_click_bait"):
        assert part in visitor.url


def test_the_very_first_visit_may_be_a_deep_link(fresh_server: str, visitor: Page) -> None:
    visitor.goto(f"{fresh_server}/jobs?layer=9&concept=sae-probes%2F105_click_bait")
    expect(visitor.get_by_role("heading", level=1, name="Jobs")).to_be_visible()
    settled(visitor)
    expect(visitor).to_have_title("Conceptscope")
    expect(visitor.get_by_test_id("stSidebarNav").get_by_role("link")).to_have_text(
        [re.compile(name, re.IGNORECASE) for name in PAGES]
    )
    assert visitor.get_by_role("slider").first.input_value() == "9"
    assert "layer=9" in visitor.url


def test_stop_keeps_what_was_written(server: str, visitor: Page) -> None:
    visitor.goto(f"{server}/steering?tokens=400&temperature=1")
    button(visitor, "Generate").click()
    expect(visitor.get_by_test_id("stColumn").filter(has_text="Steered, dose")).to_contain_text(
        re.compile(r"thought it was \w+ \w+ \w+")
    )
    button(visitor, "Stop").click()
    settled(visitor)
    expect(visitor.get_by_test_id("stMetric")).to_have_count(7)
    expect(visitor.get_by_test_id("stColumn").filter(has_text="Steered, dose")).to_contain_text("thought it was")


def test_hostile_text_in_a_link_does_nothing(server: str, visitor: Page) -> None:
    dialogs: list[str] = []
    visitor.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    visitor.goto(
        f"{server}/steering?tokens=4&prompt=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%20**bold**%20!%5Bi%5D(x.png)"
    )
    button(visitor, "Generate").click()
    text = visitor.get_by_test_id("stColumn").filter(has_text="Steered, dose")
    expect(text).to_contain_text("<img src=x onerror=alert(1)> **bold** ![i](x.png)")
    settled(visitor)
    expect(text.locator("img")).to_have_count(0)
    assert dialogs == []


@pytest.mark.parametrize("page", ["", *PAGES[1:]])
def test_a_phone_need_not_scroll_sideways(server: str, visitor: Page, page: str) -> None:
    visitor.set_viewport_size({"width": 390, "height": 844})
    visitor.goto(f"{server}/{page}")
    settled(visitor)
    assert visitor.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
