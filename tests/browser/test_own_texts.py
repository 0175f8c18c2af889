"""Texts of one's own, from a real file on disk to the concept that is probed, in headless Chromium."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.spreadsheet import unguarded

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)

HOSTILE = "<img src=x onerror=alert(1)> **bold** ![i](x.png)"
TEXTS = [
    f"The {noun} was {word} on day {day}."
    for day in range(3)
    for noun in ("film", "soup", "room", "trip", "play")
    for word in ("fine", "dull")
]


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A table as somebody might have it: other names of columns, words for labels, awkward cells."""
    lines = ["who;said;verdict;where"]
    for number, text in enumerate([*TEXTS, "=1+1 is fine", HOSTILE]):
        said = f'"{text}"' if ";" in text else text
        verdict = "good" if "fine" in text else "bad"
        lines.append(f"author {number // 4};{said};{verdict};{'north' if number % 3 else 'south'}")
    path = tmp_path / "reviews.csv"
    path.write_text("\ufeff" + "\r\n".join(lines) + "\r\n", encoding="utf-8")
    return path


def settled(page: Page) -> Page:
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=120_000)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    return page


def main(page: Page) -> Locator:
    return page.get_by_test_id("stMain")


def choose(page: Page, label: str, option: str) -> None:
    """Choose from a list, which closes again if the page runs just then."""
    wanted = page.get_by_role("option", name=option, exact=True)
    for _ in range(5):
        settled(page)
        main(page).get_by_role("combobox", name=re.compile(label)).click()
        page.wait_for_timeout(500)
        if wanted.is_visible():
            break
    wanted.click()
    settled(page)


def test_a_file_becomes_the_concept_that_is_probed(server: str, visitor: Page, reviews: Path, tmp_path: Path) -> None:
    dialogs: list[str] = []
    visitor.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    visitor.goto(server)
    visitor.get_by_test_id("stSidebar").get_by_role("button", name="Your own texts").click()
    expect(visitor.get_by_role("heading", level=1, name="Library")).to_be_visible()
    main(visitor).get_by_role("radio", name=re.compile("Upload a file")).click(force=True)
    main(visitor).locator('input[type="file"]').set_input_files(reviews)
    expect(main(visitor).get_by_text("32 rows, 4 columns")).to_be_visible()
    choose(visitor, "Column of texts", "said")
    choose(visitor, "Column of labels", "verdict")
    choose(visitor, "Positive label", "good")
    expect(main(visitor).get_by_text(re.compile(r"Positives: 16 × good"))).to_be_visible()
    main(visitor).get_by_text("Groups, subgroups").click()
    choose(visitor, "Column of groups", "who")
    choose(visitor, "Column of subgroups", "where")
    main(visitor).get_by_text(re.compile(r"Checked: \d warning")).click()
    expect(main(visitor).get_by_text(re.compile("independent of each other"))).to_be_visible()
    main(visitor).get_by_role("textbox", name=re.compile("Name")).fill("verdicts")
    main(visitor).get_by_role("button", name="Use these texts").click()
    visitor.wait_for_url(re.compile("concept=verdicts"), wait_until="commit")
    settled(visitor)
    expect(main(visitor).get_by_role("heading", name="verdicts")).to_be_visible()
    expect(main(visitor).get_by_text("the chosen concept")).to_be_visible()
    main(visitor).get_by_role("button", name="Download").click()
    with visitor.expect_download() as download:
        visitor.get_by_role("button", name="CSV, for a spreadsheet").click()
    download.value.save_as(tmp_path / "out.csv")
    cells = [line.rsplit(",", 3)[0] for line in (tmp_path / "out.csv").read_text("utf-8").splitlines()[1:]]
    assert "'=1+1 is fine" in cells
    assert [unguarded(cell) for cell in cells] == [*TEXTS, "=1+1 is fine", HOSTILE]
    visitor.keyboard.press("Escape")
    main(visitor).get_by_role("button", name="Probe it").click()
    expect(visitor.get_by_role("heading", level=1, name="Probing")).to_be_visible()
    settled(visitor)
    expect(main(visitor).get_by_role("heading", name="verdicts")).to_be_visible()
    assert "concept=verdicts" in visitor.url
    assert dialogs == []
    assert visitor.locator("img[src='x'], img[src='x.png']").count() == 0


def test_a_file_that_cannot_be_used_is_told_and_another_can_be_given(
    server: str, visitor: Page, reviews: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "book.csv"
    wrong.write_bytes(b"PK\x03\x04" + bytes(range(256)) * 10)
    visitor.goto(f"{server}/library?do=add&way=upload")
    settled(visitor)
    main(visitor).locator('input[type="file"]').set_input_files(wrong)
    expect(visitor.get_by_test_id("stAlert")).to_contain_text("a ZIP archive or an Excel workbook")
    main(visitor).get_by_role("button", name=re.compile("Remove")).first.click()
    expect(visitor.get_by_test_id("stAlert")).to_have_count(0)
    main(visitor).locator('input[type="file"]').set_input_files(reviews)
    expect(main(visitor).get_by_text("32 rows, 4 columns")).to_be_visible()
    settled(visitor)


def test_lists_are_pasted_and_the_set_deleted_and_brought_back(server: str, visitor: Page) -> None:
    visitor.goto(f"{server}/library?do=add")
    settled(visitor)
    for label, word in (("Positives, one per line", "lovely"), ("Negatives, one per line", "awful")):
        main(visitor).get_by_role("textbox", name=label).fill(
            "\n".join(f"What a {word} day number {i}" for i in range(8))
        )
    main(visitor).get_by_role("textbox", name=re.compile("Name")).fill("days")
    main(visitor).get_by_role("button", name="Use these texts").click()
    expect(main(visitor).get_by_role("heading", name="days")).to_be_visible()
    settled(visitor)
    main(visitor).get_by_role("button", name="Delete").click()
    expect(main(visitor).get_by_text("“days” was deleted.")).to_be_visible()
    main(visitor).get_by_role("button", name="Undo").click()
    expect(main(visitor).get_by_role("heading", name="days")).to_be_visible()
    settled(visitor)
    expect(main(visitor).get_by_text("was deleted")).to_have_count(0)
