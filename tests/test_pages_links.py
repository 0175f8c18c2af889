"""Choices in the URL: links are followed, and what a browser says of where it was a moment ago is no link."""

from __future__ import annotations

import time

import pytest
from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from pages.shared.links import linked

    top = st.session_state.get("top", 9)
    linked(st.slider, "Dose", key="dose", default=1, read=int, valid=lambda n: n <= top, min_value=0, max_value=top)


def opened(**query: str) -> AppTest:
    app = AppTest.from_function(page)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def said(app: AppTest) -> tuple[int, list[str]]:
    return app.slider(key="dose").value, list(app.query_params.get("dose", []))


def test_a_link_is_followed_and_a_choice_is_written_there() -> None:
    app = opened(dose="4")
    assert said(app) == (4, ["4"])
    assert said(app.slider(key="dose").set_value(6).run()) == (6, ["6"])
    assert said(app.slider(key="dose").set_value(1).run()) == (1, [])  # the default is left out


@pytest.mark.parametrize("late", ["4", "6"])
def test_a_choice_made_before_the_browser_heard_of_the_last_one_counts(late: str) -> None:
    app = opened(dose="4")
    app.slider(key="dose").set_value(6).run()
    app.slider(key="dose").set_value(7).run()
    app.query_params["dose"] = late  # what its request carries: the URL of one or two choices ago
    assert said(app.slider(key="dose").set_value(8).run()) == (8, ["8"])


def test_later_an_address_that_stood_there_before_is_a_link_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(dose="4")
    app.slider(key="dose").set_value(6).run()
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + 60)
    app.query_params["dose"] = "4"
    assert said(app.run()) == (4, ["4"])


def test_the_browser_is_not_told_what_it_has_just_said() -> None:
    app = opened(dose="4")
    assert app.slider(key="dose").proto.set_value
    assert not app.slider(key="dose").set_value(6).run().slider(key="dose").proto.set_value
    assert said(app.run()) == (6, ["6"])


def test_a_choice_outlives_a_widget_of_another_range() -> None:
    """Streamlit makes that a new widget, which would start at its own default."""
    app = opened(dose="4")
    app.slider(key="dose").set_value(6).run()
    app.session_state["top"] = 20
    assert said(app.run()) == (6, ["6"])
