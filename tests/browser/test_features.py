"""The Features page in a real browser: from feature to feature, a hostile label, a text, and over to Steering."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.activations import write_arrays
from core.dictionaries import open_dictionary
from core.dictionaries.maps import feature_map
from core.models import open_model
from tests.browser.conftest import running_app
from tests.browser.test_journeys import button, settled
from tests.browser.test_lens import listening
from tests.made_features import FEATURES, index_small, save_small

pytestmark = pytest.mark.browser
expect.set_options(timeout=120_000)

HOSTILE = '<img src=x onerror="alert(1)"> **dogs** [go](javascript:alert(2))'


@pytest.fixture(scope="module")
def features(workspace_copy: Path, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app in a workspace that holds an indexed dictionary."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CONCEPTSCOPE_HOME", str(workspace_copy))
    try:
        model = open_model("smollm2")
        index_small(model, save_small(model, "journey"), tmp_path_factory.mktemp("texts"))
    finally:
        patch.undo()
    with running_app(workspace_copy) as address:
        yield address


def test_a_feature_is_found_named_read_and_steered_with(features: str, visitor: Page) -> None:
    dialogs = listening(visitor)
    visitor.goto(f"{features}/features?dictionary=journey&feature=3&sort=feature")
    main = visitor.get_by_test_id("stMain")
    expect(main.get_by_role("heading", level=2, name=re.compile("^3 · "))).to_be_visible()
    expect(main.get_by_text(f"{FEATURES} of {FEATURES} features")).to_be_visible()
    settled(visitor)
    button(visitor, "Next").click()
    expect(main.get_by_role("heading", level=2, name=re.compile("^4 · "))).to_be_visible()
    visitor.wait_for_url(re.compile("feature=4"), wait_until="commit")
    button(visitor, "Label").click()
    box = visitor.get_by_role("textbox", name="What it is about")
    box.fill(HOSTILE)
    box.press("Enter")
    expect(main.get_by_role("heading", level=2, name=re.compile(r"^4 · <img src=x"))).to_be_visible()
    settled(visitor)
    for tag in ("img[src=x]", "a[href^=javascript]"):
        expect(visitor.locator(tag)).to_have_count(0)
    visitor.reload()
    expect(main.get_by_role("heading", level=2, name=re.compile("^4 · <img"))).to_be_visible()
    settled(visitor)
    main.get_by_role("radio", name="In a text").click()
    text = main.get_by_role("textbox", name="Text")
    text.fill("The red house of a quiet town.")
    text.press("Control+Enter")
    boxes = main.locator(".token")
    expect(boxes.filter(has_text="quiet").first).to_be_visible()
    settled(visitor)
    button(visitor, "Steer with this").click()
    expect(visitor.get_by_role("heading", level=1, name="Steering")).to_be_visible()
    settled(visitor)
    saved = main.get_by_role("combobox", name=re.compile("Saved direction"))
    expect(saved).to_have_value(re.compile("^journey-f"))
    assert dialogs == []


def test_a_lasso_drawn_on_the_map_lists_what_lies_within(features: str, workspace_copy: Path, visitor: Page) -> None:
    """Features on a grid of four columns; a lasso is dragged around the two on the left, then let go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCEPTSCOPE_HOME", str(workspace_copy))
        numbers = np.arange(FEATURES)
        points = np.stack([numbers % 4, numbers // 4], axis=1).astype(np.float32)
        write_arrays(feature_map._key(open_dictionary("journey"), 0), {"points": points})
    visitor.set_viewport_size({"width": 1280, "height": 1400})  # the mouse reaches no further than the window
    visitor.goto(f"{features}/features?dictionary=journey&features=map&map_colour=max")
    main = visitor.get_by_test_id("stMain")
    plot = main.locator(".js-plotly-plot .nsewdrag").first
    plot.wait_for()
    settled(visitor)
    area = plot.bounding_box()
    assert area is not None

    def at(x: float, y: float) -> tuple[float, float]:
        return area["x"] + x * area["width"], area["y"] + y * area["height"]

    # The plot keeps the axes' proportion, so that only the middle between the columns is sure: at half its width.
    visitor.mouse.move(*at(0.02, 0.02))
    visitor.mouse.down()
    for corner in ((0.5, 0.02), (0.5, 0.98), (0.02, 0.98), (0.02, 0.05)):
        visitor.mouse.move(*at(*corner), steps=8)
    visitor.mouse.up()
    left = [one for one in range(FEATURES) if one % 4 < 2]
    expect(main.get_by_text(f"{len(left)} of {FEATURES} features")).to_be_visible()
    settled(visitor)
    heading = main.get_by_role("heading", level=2).first.inner_text()
    assert int(heading.split(" ")[0]) in left
    visitor.mouse.dblclick(*at(0.75, 0.5))
    expect(main.get_by_text(f"{len(left)} of {FEATURES} features")).to_have_count(0)
