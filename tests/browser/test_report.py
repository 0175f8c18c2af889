"""The report opened from disk, in light and dark, without any network: no error, nothing asked of anybody."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from core.concept import compute_missing
from core.concept.report import report_html
from core.models import Model
from tests.browser.test_lens import listening
from tests.concepts import measure_norms, save_moods, small_question

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)


CUT_OFF = """
() => [...document.querySelectorAll('.chart')].flatMap(chart => {
  const room = chart.getBoundingClientRect()
  return [...chart.querySelectorAll('.main-svg text')].filter(one => one.textContent.trim()).flatMap(one => {
    const own = one.getBoundingClientRect()
    const inside = own.left >= room.left - 1 && own.right <= room.right + 1 && own.bottom <= room.bottom + 1
    return inside || !own.width ? [] : [`${chart.id}: ${one.textContent}`]
  })
})
"""


def cut_off(page: Page) -> list[str]:
    """Words of a chart that stand outside of it."""
    page.wait_for_timeout(500)  # plotly draws again when the window's width changes
    found: list[str] = page.evaluate(CUT_OFF)
    return found


def test_a_report_opens_from_disk(home: Path, tiny: Model, tmp_path: Path, visitor: Page, prepared_home: Path) -> None:
    save_moods()
    measure_norms(tiny, prepared_home)
    found = compute_missing(tiny, small_question(tiny, "moods", dictionary=""))
    path = tmp_path / "report.html"
    path.write_text(report_html(found, "python -m core report <b>tiny</b>"), encoding="utf-8")
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            said.append(message.text)

    visitor.on("console", hear)
    dialogs = listening(visitor)
    visitor.goto(path.as_uri())
    charts = visitor.locator(".chart.js-plotly-plot .main-svg")
    expect(charts.first).to_be_visible()
    drawn = {one.get_attribute("id") for one in visitor.locator(".chart.js-plotly-plot").all()}
    assert {"chart-readable", "chart-used", "chart-pushed-perplexity"} <= drawn
    assert len(drawn) == visitor.locator(".chart").count()
    assert cut_off(visitor) == []
    ink = "() => getComputedStyle(document.querySelector('#chart-readable .xtitle')).fill"
    light = visitor.evaluate(ink)
    visitor.emulate_media(color_scheme="dark")
    visitor.wait_for_function(f"before => ({ink})() !== before", arg=light)
    visitor.set_viewport_size({"width": 390, "height": 800})
    wide = visitor.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0  # tables scroll by themselves
    assert cut_off(visitor) == []
    visitor.emulate_media(media="print")
    expect(visitor.get_by_text("python -m core report <b>tiny</b>")).to_be_visible()
    assert dialogs == []
    assert said == []
