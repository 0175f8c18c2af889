"""The pictures in the README and of the first visit, taken from the running app so that they stay true:
`make screenshots`."""

from __future__ import annotations

import io
import re
import shutil
import sys

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from core import workspace
from tests.browser.conftest import FLAGS, ROOT, running_app

FOLDER = ROOT / "assets" / "screenshots"
COLOURS = 200  # of a picture's palette: charts and text look the same, and take a third of the bytes


def settled(page: Page) -> None:
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=180_000)
    page.wait_for_timeout(1_000)  # charts draw themselves after the script has ended


def take(page: Page, name: str, width: int = 1280, height: int = 860) -> None:
    page.set_viewport_size({"width": width, "height": height})
    settled(page)
    FOLDER.mkdir(exist_ok=True)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)


def readme(page: Page, address: str, scheme: str) -> None:
    """Home, a curve and a pushed text."""
    page.goto(address)
    page.get_by_text(re.compile(r"Strongest at layer \d+")).wait_for()
    take(page, f"home-{scheme}", height=1000)
    page.goto(f"{address}/probing")
    page.get_by_text(re.compile(r"Strongest at layer \d+")).wait_for()
    page.set_viewport_size({"width": 1280, "height": 1000})
    settled(page)
    page.get_by_test_id("stMain").get_by_role("heading", name="Result").evaluate("it => it.scrollIntoView()")
    take(page, f"probing-{scheme}", height=1000)
    page.goto(f"{address}/steering?from=saved&direction=sentiment&dose=-0.5&tokens=30")
    page.get_by_test_id("stMain").get_by_role("button", name="Generate").click()
    page.get_by_test_id("stMetric").first.wait_for()
    take(page, f"steering-{scheme}", height=1060)


def first_visit(page: Page, address: str) -> None:
    """The steps of the tour, gone through as a visitor does, and where it leads."""
    main = page.get_by_test_id("stMain")
    page.goto(address)
    main.get_by_role("button", name="Take the two-minute tour").click()
    for number, (name, height) in enumerate(
        [("probe", 940), ("test", 860), ("browse", 940), ("steer", 1040), ("yours", 820)], start=1
    ):
        if number > 1:
            main.get_by_role("button", name=re.compile("^Next")).click()
            page.wait_for_url(re.compile(f"step={name}"))
        take(page, f"visit-{number}-{name}", height=height)
    main.get_by_role("button", name="Add your texts").click()
    page.get_by_role("heading", level=1, name="Library").wait_for()
    take(page, "visit-6-texts", height=900)


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is not installed (on Debian: apt-get install chromium)")
    with running_app(workspace.home()) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport={"width": 1280, "height": 860}, color_scheme=scheme)
            page = context.new_page()
            page.set_default_timeout(180_000)
            if scheme == "light":
                first_visit(page, address)
            if "--visit" not in sys.argv:
                readme(page, address, scheme)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
