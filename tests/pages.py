"""What tests of pages share: running a page alone or through the front door, and a model and texts that are quick."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.testing.v1 import AppTest

from core.examples import from_lists, save_examples
from pages.shared.style import DARK, STYLE

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("home", "tour", "concept", "probing", "tcav", "lens", "features", "steering", "library", "jobs")
SECONDS = 60  # opening torch on a busy machine takes a while


def open_alone(page: str, **query: str) -> AppTest:
    """The page's own file, as a first visit by deep link may run it."""
    return _run(AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=SECONDS), query)


def open_through_app(page: str, **query: str) -> AppTest:
    """The page as it is reached from the menu."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    return app if page == "home" else app.switch_page(f"pages/{page}.py").run()


def forget() -> None:
    """Empty Streamlit's caches of data, which outlive a test and its workspace. An opened model may stay."""
    st.cache_data.clear()


def save_colours(name: str = "colours", rows: int = 24) -> str:
    """A small saved set that any model can tell apart. Returns its id."""
    warm = [f"The {thing} number {i} is red and orange." for i in range(rows) for thing in ("house",)]
    cold = [f"The {thing} number {i} is blue and green." for i in range(rows) for thing in ("house",)]
    save_examples(from_lists(warm, cold, name), name)
    return name


def texts_of(app: AppTest) -> str:
    """Everything on the page that is text, for looking something up."""
    kinds = (
        app.title,
        app.header,
        app.subheader,
        app.markdown,
        app.caption,
        app.text,
        app.info,
        app.error,
        app.warning,
    )
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def sends_html(app: AppTest) -> bool:
    """Whether anything but the style is shown as HTML."""
    return any(element.allow_html and element.value not in (STYLE, DARK) for element in app.markdown)


def _run(app: AppTest, query: dict[str, str]) -> AppTest:
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()
