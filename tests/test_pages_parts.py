"""Parts of a page: they never lie within one another, and look again by themselves only while something moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

HEAD = """
import streamlit as st
from pages.shared.parts import moving, part
runs = st.session_state.setdefault("runs", {"page": 0, "outer": 0, "inner": 0, "job": 0})
runs["page"] += 1
"""

NESTED = """
@part
def inner():
    runs["inner"] += 1
    st.button("within", key="within")

@part
def outer():
    runs["outer"] += 1
    st.button("outside", key="outside")
    inner()

outer()
"""

BESIDE = """
from pages.shared.parts import run_only

@part
def outer():
    runs["outer"] += 1
    st.button("over there", key="go", on_click=run_only, args=("there",))

def inner():
    runs["inner"] += 1

outer()
part(inner, key="there")()
"""

MOVING = """
@part
def outer():
    if st.session_state.get("job"):
        def look():
            runs["job"] += 1
        moving(look)
    st.write("drawn")

outer()
"""


@pytest.fixture
def fragments(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What every fragment was made with."""
    made: list[dict[str, Any]] = []
    real = st.fragment

    def fragment(draw: Any, **settings: Any) -> Any:
        made.append(settings)
        return real(draw, **settings)

    monkeypatch.setattr(st, "fragment", fragment)
    return made


def page(body: str) -> AppTest:
    return AppTest.from_string(HEAD + body, default_timeout=30)


def test_a_part_within_a_part_is_a_piece_of_it(
    fragments: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent))
    app = page(NESTED).run()
    assert not app.exception
    assert len(fragments) == 1
    assert app.session_state["runs"] == {"page": 1, "outer": 1, "inner": 1, "job": 0}


def test_a_part_looks_again_only_while_something_in_it_moves(
    fragments: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent))
    app = page(MOVING).run()
    assert [one["run_every"] for one in fragments] == [None]
    app.session_state["job"] = True
    app.run()
    assert [one["run_every"] is None for one in fragments] == [True, True, False]  # once to find out, once to look
    app.session_state["job"] = False
    app.run()
    assert fragments[-1]["run_every"] is None
    assert app.session_state["runs"]["job"] == 2


def test_what_moves_alone_has_a_fragment_of_its_own(
    fragments: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent))
    app = page("moving(lambda: st.write('soon'))").run()
    assert not app.exception
    assert [one["run_every"] for one in fragments] == [1.0]


def test_one_part_has_another_run_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent))
    app = page(BESIDE).run()
    assert not app.exception
    assert app.session_state["runs"] == {"page": 1, "outer": 1, "inner": 1, "job": 0}
    app.button(key="go").click().run()
    assert not app.exception
    assert app.session_state["runs"] == {"page": 1, "outer": 1, "inner": 2, "job": 0}
