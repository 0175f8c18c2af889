"""Tokens on a page: everything can be seen, nothing is markup, and one outlier does not pale the rest."""

from __future__ import annotations

import json
import math

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.tokens import MOST, strongest, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" the", " the"),
        ("  ", "␣␣"),
        ("", "⋯"),
        ("a\n\tb\r", "a↵→b␍"),
        ("\u202eabc", "⟨U+202E⟩abc"),
        ("\x00\x1b[", "⟨U+0000⟩⟨U+001B⟩["),
        ("\ufeffx\u200b", "⟨U+FEFF⟩x⟨U+200B⟩"),
        ("שלום", "שלום"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("<b>&amp;", "<b>&amp;"),
    ],
)
def test_what_cannot_be_seen_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_the_strongest_colour_is_not_an_outliers() -> None:
    assert strongest([1.0] * 99 + [50.0]) == 1.0
    assert strongest([0.5, 2.0]) == 2.0
    assert strongest([]) == 1.0
    assert strongest([0.0, 0.0]) == 1.0


def _page() -> None:
    import math

    import streamlit as st

    from pages.shared.tokens import MOST, Token, coloured_tokens

    many = [Token(f" {n}", float(n), (f"token {n}",)) for n in range(MOST + 5)]
    odd = [Token("a\n\nb", -0.5, ("\u202eline",)), Token("nan", math.nan), Token("none", None)]
    clicked = coloured_tokens(odd, key="odd", label="Odd ones", low="less", high="more", clickable=True, chosen=1)
    coloured_tokens(many, key="many", label="Many", low="", high="")
    st.write(f"clicked {clicked}")


def test_what_reaches_the_browser() -> None:
    app = AppTest.from_function(_page, default_timeout=60).run()
    assert not app.exception
    odd, many = (json.loads(one.proto.json) for one in app.get("bidi_component"))
    assert [one["value"] for one in odd["tokens"]] == [-0.5, None, None]
    assert odd["tokens"][0] == {
        "text": "a↵↵b",
        "value": -0.5,
        "lines": ["⟨U+202E⟩line"],
        "breaks": 2,
        "odd": True,
    }
    assert (odd["diverging"], odd["clickable"], odd["chosen"], odd["most"]) == (True, True, 1, 0.5)
    assert (len(many["tokens"]), many["diverging"], many["chosen"]) == (MOST, False, -1)
    assert many["most"] == math.ceil(0.98 * MOST) - 1
    assert f"The first {MOST:,}" in app.caption[0].value
    assert "clicked None" in app.markdown[0].value
