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


def address(app: AppTest) -> dict[str, list[str]]:
    return {key: [text] if isinstance(text, str) else list(text) for key, text in app.query_params.items()}


def two_pages() -> None:
    import streamlit as st

    from pages.shared.links import linked

    here = st.session_state.setdefault("page", "One")
    if here == "One":
        linked(
            st.pills,
            "Several",
            key="several",
            default=["a"],
            valid=lambda names: set(names) <= {"a", "b"},
            read=lambda text: text.split(","),
            write=",".join,
            options=["a", "b"],
            selection_mode="multi",
        )
    else:
        linked(st.number_input, "How many", key="several", default=5, read=int, valid=lambda n: 0 <= n < 50, step=1)
    linked(st.text_input, "Prompt", key="prompt", default="I think")


def turn_to(app: AppTest, page: str, **query: str) -> AppTest:
    """As the menu does, and a button with `query`."""
    app.session_state["page"] = page
    app.query_params.clear()
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def test_each_page_keeps_its_own_choices_save_for_what_is_shared() -> None:
    app = AppTest.from_function(two_pages).run()
    app.pills(key="several").set_value(["b"]).run()
    app.text_input(key="prompt").set_value("You").run()
    turn_to(app, "Two")
    assert not app.exception
    assert (app.number_input(key="several").value, app.text_input(key="prompt").value) == (5, "You")
    assert address(app) == {"prompt": ["You"]}
    app.number_input(key="several").set_value(7).run()
    turn_to(app, "One")
    assert not app.exception
    assert (app.pills(key="several").value, address(app)["several"]) == (["b"], ["b"])
    assert turn_to(app, "Two").number_input(key="several").value == 7
    assert address(app)["several"] == ["7"]


def test_a_link_from_another_page_counts_though_that_page_wrote_the_same_text() -> None:
    app = AppTest.from_function(two_pages)
    app.session_state["page"] = "Two"
    app.run().number_input(key="several").set_value(7).run()
    turn_to(app, "One")
    app.pills(key="several").set_value(["a", "b"]).run()
    app.session_state["replaced"] = {}  # some time later
    assert turn_to(app, "Two", several="9").number_input(key="several").value == 9
    assert turn_to(app, "One", several="b").pills(key="several").value == ["b"]


def test_what_another_kind_of_choice_left_behind_is_no_value() -> None:
    """As after an update, or where two pages that run alone share a key."""
    app = AppTest.from_function(two_pages)
    app.session_state["kept"] = {("One", "several"): 5}
    app.session_state["page"] = "One"
    assert not app.run().exception
    assert app.pills(key="several").value == ["a"]


def of_another() -> None:
    import streamlit as st

    from pages.shared.links import linked

    size = st.session_state.get("size", 30)
    always = st.session_state.get("always", False)
    linked(
        st.number_input,
        "Layer",
        key="at_layer",
        default=size // 2,
        read=int,
        valid=lambda n: 0 <= n < size,
        always=always,
        step=1,
    )


def standing_at(app: AppTest) -> tuple[int, list[str]]:
    return app.number_input(key="at_layer").value, address(app).get("at_layer", [])


def test_a_default_that_nobody_chose_changes_with_what_it_hangs_on() -> None:
    app = AppTest.from_function(of_another).run()
    assert standing_at(app) == (15, [])
    app.session_state["size"] = 48
    assert standing_at(app.run()) == (24, [])
    assert standing_at(app.run()) == (24, [])
    app.session_state["size"] = 10  # 24 is none of these
    assert standing_at(app.run()) == (5, [])
    app.session_state["size"] = 48
    assert standing_at(app.run()) == (24, [])


@pytest.mark.parametrize("how", ["moved", "moved to the default", "link to the default", "from a callback"])
def test_a_choice_stays_when_its_default_changes(how: str) -> None:
    app = AppTest.from_function(of_another)
    if how == "link to the default":
        app.query_params["at_layer"] = "15"
    app.run()
    if how.startswith("moved"):
        app.number_input(key="at_layer").set_value(9).run()
    if how == "moved to the default":
        app.number_input(key="at_layer").set_value(15).run()
    if how == "from a callback":
        app.session_state["wanted"] = {"at_layer": 9}
        app.run()
    before = app.number_input(key="at_layer").value
    app.session_state["size"] = 48
    assert standing_at(app.run()) == (before, [str(before)])


def test_a_default_of_the_workspace_is_written_down_and_stays() -> None:
    app = AppTest.from_function(of_another)
    app.session_state["always"] = True
    assert standing_at(app.run()) == (15, ["15"])
    app.session_state["size"] = 48
    assert standing_at(app.run()) == (15, ["15"])
    other = AppTest.from_function(of_another)
    other.session_state["size"], other.session_state["always"] = 48, True
    other.query_params["at_layer"] = "15"
    assert standing_at(other.run()) == (15, ["15"])
