"""The running app, and a headless Chromium to visit it with."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is; without one there are no browser tests."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not installed (on Debian: apt-get install chromium)")
    return path


@pytest.fixture(scope="session")
def workspace_copy(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make setup` left, to be written to: files are only ever replaced whole, so links to them are safe."""
    if not (prepared_home / "directions").is_dir():
        pytest.skip("`make setup` has not prepared the workspace")
    copy = tmp_path_factory.mktemp("browser") / "home"
    shutil.copytree(prepared_home, copy, copy_function=_link, ignore=shutil.ignore_patterns("jobs", "locks", "*.part"))
    return copy


@pytest.fixture(scope="session")
def server(workspace_copy: Path, chromium: str) -> Iterator[str]:
    """The address of the running app, which most journeys share."""
    with running_app(workspace_copy) as address:
        yield address


@pytest.fixture
def fresh_server(workspace_copy: Path, chromium: str) -> Iterator[str]:
    """The address of an app that nobody has visited yet."""
    with running_app(workspace_copy) as address:
        yield address


@contextmanager
def running_app(home: Path, script: str = "app.py", first: str = "") -> Iterator[str]:
    """The app, or another script, started as `make run` does, on a free port. first: Python that its process runs
    before, to set what no visitor can."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["run", script, "--server.port", str(port), "--server.headless", "true"]
    begun = f"{first}; from streamlit.web.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, *(["-c", begun] if first else ["-m", "streamlit"]), *arguments],
        cwd=ROOT,
        env={**os.environ, "CONCEPTSCOPE_HOME": str(home), "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/_stcore/health", process)
        yield address
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """A fresh visitor, who is not allowed to reach anything but this machine, and whose page must not break."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    outside: list[str] = []
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("request", lambda request: None if "//127.0.0.1" in request.url else outside.append(request.url))
    yield page
    context.close()
    assert broken == []
    assert [url for url in outside if url.startswith(("http:", "https:"))] == []


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "the app ended by itself"
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"no answer from {url} in {seconds} s")
