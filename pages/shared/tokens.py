"""Coloured tokens: a text as its tokens, each in the colour of a value, with more about it where one points.

For every page that shows tokens. The texts are others': they reach the browser as data, and become text nodes there
(tokens.js), never markup. Blanks, line breaks and characters that cannot be seen or that turn text around are shown.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

MOST = 2_000  # tokens at once; more are not drawn, and that is said
UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}  # Unicode categories that have no picture, or turn text around
JOINERS = {"\u200c", "\u200d"}  # which shape letters and emoji of one word
CONTINUED = "⋯"  # a token that is a part of a character only

_HERE = Path(__file__).parent
_draw = st.components.v2.component(
    "conceptscope_tokens",
    html='<div id="tokens"></div>',
    css=(_HERE / "tokens.css").read_text("utf-8"),
    js=(_HERE / "tokens.js").read_text("utf-8"),
)


@dataclass(frozen=True)
class Token:
    """One token. text: as it stands in the text. value: its colour, None for one that has none (masked, not read).

    lines: what is said of it where one points; the first is set in bold. head: what stands above it, where a new text
    begins with it. strong: whether it is the one that the others stand around.
    """

    text: str
    value: float | None
    lines: tuple[str, ...] = ()
    head: str = ""
    strong: bool = False


def coloured_tokens(
    tokens: Sequence[Token],
    *,
    key: str,
    label: str,
    low: str,
    high: str,
    most: float | None = None,
    breaks: bool = True,
    clickable: bool = False,
    chosen: int | None = None,
) -> int | None:
    """Draw the tokens; the place of the one that was just clicked, if any.

    label: what is shown, for those who hear the page. low, high: what the two ends of the scale mean; the scale
    diverges from 0 where there are values below it. most: the value, in either direction, of the strongest colour; by
    default the largest there is, but for the most extreme 2% of many. breaks: whether a line ends where the
    text's does; else line breaks are marks only. chosen: place of a token to mark.
    """
    shown = tokens[:MOST]
    values = [abs(token.value) for token in shown if token.value is not None and math.isfinite(token.value)]
    data = {
        "tokens": [_plain(token, breaks) for token in shown],
        "label": label,
        "low": low,
        "high": high,
        "most": most or strongest(values),
        "diverging": any(token.value is not None and token.value < 0 for token in shown),
        "clickable": clickable,
        "chosen": -1 if chosen is None else chosen,
    }
    result = _draw(key=key, data=data, on_clicked_change=lambda: None)
    if len(tokens) > MOST:
        st.caption(f"The first {MOST:,} of {len(tokens):,} tokens are shown.")
    clicked = result.clicked
    return int(clicked) if isinstance(clicked, int | float) and 0 <= clicked < len(shown) else None


def strongest(values: Sequence[float]) -> float:
    """The value of the strongest colour: above 98% of values (0 or more), so that one outlier does not pale others."""
    known = sorted(values)
    return (known[math.ceil(0.98 * len(known)) - 1] if known else 0.0) or 1.0


def visible(text: str) -> str:
    """`text` with what cannot be seen made visible: ↵ a line break, → a tab, ␣ blanks alone, others as ⟨U+202E⟩."""
    if not text:
        return CONTINUED
    if not text.strip(" \u00a0"):
        return "␣" * len(text)
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    marks = {"\n": "↵", "\r": "␍", "\t": "→"}
    if character in marks:
        return marks[character]
    hidden = unicodedata.category(character) in UNSEEN and character not in JOINERS
    return f"⟨U+{ord(character):04X}⟩" if hidden else character


def _plain(token: Token, breaks: bool) -> dict[str, object]:
    shown = visible(token.text)
    known = token.value is not None and math.isfinite(token.value)
    return {
        "text": shown,
        "value": token.value if known else None,
        "lines": [visible(line) if line else "" for line in token.lines],
        "breaks": token.text.count("\n") if breaks else 0,
        "odd": shown != token.text,
        **({"head": visible(token.head)} if token.head else {}),
        **({"strong": True} if token.strong else {}),
    }
