"""Sessions that steer at once, and what nobody should ask for, in headless Chromium against the running app."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import running_app

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)

LINK = "steering?from=saved&direction=sentiment&prompt=The+weather+is"
QUEUE = re.compile("Other sessions are writing with this model: (yours is next|[1-9] before you)")
TOGETHER = "Written together with another session"


@pytest.fixture(scope="module")
def crowded(workspace_copy: Path, chromium: str) -> Iterator[str]:
    """An app that writes for two sessions at once and no more, and lets others in after eight tokens."""
    with running_app(workspace_copy, first="from core.steering import sharing as s; s.ROWS, s.TURN = 4, 8") as address:
        yield address


def settled(page: Page) -> Page:
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=180_000)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    return page


def button(page: Page, name: str) -> Locator:
    return page.get_by_test_id("stMain").get_by_role("button", name=name)


def steered(page: Page) -> Locator:
    return page.get_by_test_id("stColumn").filter(has_text="Steered, dose")


def test_three_sessions_steer_at_once_and_one_closes_its_tab(crowded: str, browser: Browser) -> None:
    contexts = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in range(3)]
    pages = [context.new_page() for context in contexts]
    for number, page in enumerate(pages):
        page.set_default_timeout(120_000)
        page.goto(f"{crowded}/{LINK}&tokens=48&temperature=1&seed={number}&dose={(-0.5, 0.3, 0.5)[number]}")
        settled(page)
    for page in pages:
        button(page, "Generate").click()
    # Two have room: each of them sees that it is not alone. The third is told that it waits, and then has its turn.
    pages[0].get_by_text(TOGETHER).wait_for()
    pages[2].get_by_text(QUEUE).wait_for()
    pages[2].get_by_text(TOGETHER).wait_for()
    expect(steered(pages[2])).to_contain_text(re.compile(r"weather is\W+\w+"))
    contexts[0].close()
    for page in pages[1:]:
        settled(page)
        expect(page.get_by_test_id("stMetric")).to_have_count(7)
        expect(steered(page)).to_contain_text(re.compile(r"weather is(?:\W+\w+\b){8}"))
        for said in (QUEUE, TOGETHER):
            expect(page.get_by_text(said)).to_have_count(0)
        expect(button(page, "Stop")).to_have_count(0)
    for context in contexts[1:]:
        context.close()


def test_a_slider_goes_as_far_as_its_keys_were_pressed(server: str, visitor: Page) -> None:
    """However quickly: the page answers each press, and an answer to one must not take back the next."""
    visitor.goto(f"{server}/{LINK}&tokens=4&dose=0")
    settled(visitor)
    slider = visitor.get_by_test_id("stMain").get_by_role("slider").first
    for turn, key in enumerate(("ArrowRight", "ArrowLeft") * 3):
        for pause in (0, 60, 150, 20, 250):
            slider.press(key)
            visitor.wait_for_timeout(pause)
        wanted = "0" if turn % 2 else "0.25"
        said = re.compile(rf"dose {re.escape(f'{float(wanted):+g}')}(?![.\d])")
        expect(visitor.get_by_text(said).first).to_be_visible()
        settled(visitor)
        visitor.wait_for_timeout(500)  # an answer that sets it back may come late
        assert float(slider.input_value()) == float(wanted), turn


@pytest.mark.parametrize("dose", ["nan", "-Infinity", "1e300"])
def test_an_absurd_dose_in_a_link_is_said_and_the_page_goes_on(server: str, visitor: Page, dose: str) -> None:
    visitor.goto(f"{server}/{LINK}&tokens=4&dose={dose}")
    warning = visitor.get_by_test_id("stAlert").filter(has_text=f"“{dose}” as Dose")
    expect(warning).to_contain_text("it is “0.5” instead")
    button(visitor, "Generate").click()
    expect(steered(visitor)).to_contain_text(re.compile(r"weather is\W+\w+"))
    settled(visitor)
    visitor.get_by_role("slider").nth(1).press("ArrowLeft")
    expect(warning).to_have_count(0)


def test_a_file_that_is_no_recipe_is_said_and_the_next_one_is_taken(server: str, visitor: Page, tmp_path: Path) -> None:
    dialogs: list[str] = []
    visitor.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page, later, sound = (tmp_path / f"{name}.json" for name in ("page", "later", "sound"))
    page.write_text("<img src=x onerror=alert(1)><script>alert(2)</script>")
    later.write_text('{"conceptscope": "recipe", "version": "<img src=x onerror=alert(3)>"}')
    sound.write_text(
        '{"model": "smollm2", "prompt": "The river <b>was</b>", "generation": {"max_new_tokens": 4}, "interventions": '
        '[{"source": {"kind": "saved", "of": "sentiment"}, "dose": -0.25}]}'
    )
    visitor.goto(f"{server}/{LINK}")
    settled(visitor)
    visitor.get_by_text("Recipes", exact=True).click()
    for file, sentence in ((page, "The recipe is no JSON"), (later, "of version <img src=x")):
        visitor.locator("input[type=file]").set_input_files(file)
        said = visitor.get_by_test_id("stAlert").filter(has_text=sentence)
        expect(said).to_be_visible()
        expect(said.locator("img")).to_have_count(0)
        expect(button(visitor, "Take over its choices")).to_have_count(0)
    visitor.locator("input[type=file]").set_input_files(sound)
    button(visitor, "Take over its choices").click()
    expect(visitor.get_by_role("textbox", name="Prompt")).to_have_value("The river <b>was</b>")
    button(visitor, "Generate").click()
    expect(steered(visitor)).to_contain_text("The river <b>was</b>")
    settled(visitor)
    assert dialogs == []
