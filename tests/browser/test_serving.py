"""A class on one server, in real browsers: the door, staying signed in, and two users who see nothing of each other."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from core.accounts import add_account
from core.spaces import within
from tests.browser.conftest import ROOT, _link, _wait_for
from tests.browser.test_journeys import button, settled
from tests.pages import PAGES

pytestmark = pytest.mark.browser
WORDS = {"anna": "correct horse battery", "bert": "another good password"}
TEXT = "annas secret sentence number"


@contextmanager
def _running(home: Path, words: list[str]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", *(word.format(port=port) for word in words)],
        cwd=ROOT,
        env={**os.environ, "CONCEPTSCOPE_HOME": str(home), "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def class_home(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("class") / "home"
    shutil.copytree(prepared_home, copy, copy_function=_link, ignore=shutil.ignore_patterns("jobs", "locks", "*.part"))
    patch = pytest.MonkeyPatch()
    patch.setenv("CONCEPTSCOPE_HOME", str(copy))
    with within(""):
        for name, word in WORDS.items():
            add_account(name, word)
    patch.undo()
    return copy


@pytest.fixture(scope="module")
def class_server(class_home: Path, chromium: str) -> Iterator[str]:
    with _running(class_home, ["core", "serve", "--port", "{port}"]) as address:
        yield address


@pytest.fixture
def browsers(browser: Browser) -> Iterator[list[BrowserContext]]:
    made = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in range(2)]
    yield made
    for one in made:
        one.close()


def sign_in(page: Page, name: str, word: str | None = None) -> None:
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("textbox", name="Password").fill(WORDS[name] if word is None else word)
    page.get_by_role("button", name="Sign in").click()


def at_the_door(page: Page) -> None:
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)


def test_opened_to_the_network_without_accounts_it_shows_one_sentence(
    prepared_home: Path, tmp_path: Path, visitor: Page
) -> None:
    words = ["streamlit", "run", "app.py", "--server.port", "{port}", "--server.headless", "true"]
    with _running(tmp_path / "home", [*words, "--server.address", "0.0.0.0"]) as address:
        for page in ("", "library", "jobs"):
            visitor.goto(f"{address}/{page}")
            expect(visitor.get_by_role("alert")).to_contain_text("can be reached from other machines")
            expect(visitor.get_by_test_id("stSidebar")).to_have_count(0)
            expect(visitor.get_by_role("heading")).to_have_count(0)


def test_two_users_see_nothing_of_each_other(class_server: str, browsers: list[BrowserContext]) -> None:
    hers, his = (context.new_page() for context in browsers)
    hers.goto(f"{class_server}/library?view=examples&do=add")
    at_the_door(hers)
    sign_in(hers, "anna", "wrong password here")
    expect(hers.get_by_role("alert")).to_contain_text("do not belong together")
    expect(hers.get_by_role("textbox", name="Password")).to_have_value("")
    sign_in(hers, "anna")
    expect(hers.get_by_role("heading", level=1, name="Library")).to_be_visible(timeout=60_000)
    hers.get_by_role("textbox", name="Positives, one per line").fill("\n".join(f"{TEXT} {i} good" for i in range(12)))
    hers.get_by_role("textbox", name="Negatives, one per line").fill("\n".join(f"{TEXT} {i} bad" for i in range(12)))
    hers.get_by_role("textbox", name="Negatives, one per line").blur()
    hers.get_by_role("textbox", name="Name (optional)").fill("annas-own")
    hers.get_by_role("textbox", name="Name (optional)").blur()
    settled(hers)
    button(hers, "Use these texts").click()
    hers.wait_for_url(re.compile("concept=annas-own"), wait_until="commit")
    link = f"{class_server}/library?view=examples&set=annas-own"
    settled(hers)
    hers.goto(link)  # a new visit: the cookie tells who it is
    expect(hers.get_by_text(TEXT).first).to_be_visible(timeout=60_000)
    (cookie,) = [one for one in browsers[0].cookies() if one["name"].startswith("conceptscope_")]
    assert (cookie["sameSite"], cookie["path"]) == ("Strict", "/")
    assert cookie["expires"] > 0

    his.goto(link)
    at_the_door(his)
    assert TEXT not in his.content()
    sign_in(his, "bert")
    expect(his.get_by_role("heading", level=1, name="Library")).to_be_visible(timeout=60_000)
    settled(his)
    his.wait_for_function("document.cookie.includes('conceptscope_')")  # from now on the browser says who it is
    for page in ("", *PAGES[1:]):
        for query in ("", "?concept=annas-own&set=annas-own&view=examples"):
            his.goto(f"{class_server}/{page}{query}")
            expect(his.get_by_role("button", name="Sign out")).to_be_visible(timeout=60_000)
            settled(his)
            assert TEXT not in his.content(), (page, query)
            assert query or "annas-own" not in his.content(), page

    hers.goto(link)
    expect(hers.get_by_text(TEXT).first).to_be_visible(timeout=60_000)
    hers.get_by_role("button", name="Sign out").click()
    at_the_door(hers)
    assert TEXT not in hers.content()
    hers.reload()
    at_the_door(hers)
    browsers[0].add_cookies([cookie])  # kept aside by somebody: it counts no more
    hers.goto(link)
    at_the_door(hers)
