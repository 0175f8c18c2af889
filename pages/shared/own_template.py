"""Texts from a sentence pattern and lists of words."""

from __future__ import annotations

import re
from typing import cast

import streamlit as st

from core.examples import Examples, from_template, slots_of
from core.examples.templates import CONCEPT, Together
from pages.shared.drafts import draft

TOGETHER = {"word": "words", "other": "sentences"}
PATTERN = "The {noun} was {word}.\nI found that {noun} {word}."
WORDS = {
    "positives": "wonderful, great, lovely, delightful, excellent, charming, superb, pleasant",
    "negatives": "terrible, awful, horrible, dreadful, poor, boring, nasty, disappointing",
    "noun": "film, meal, book, trip, room, concert",
}


def of_template() -> Examples:
    """Ask for a pattern and its words; the examples that they make. Raises UserError."""
    patterns = draft(
        st.text_area,
        "Patterns, one per line",
        value=PATTERN,
        height=90,
        help="`{word}` takes the positive and the negative words; any other name in braces is a slot with words of its "
        "own.",
    )
    found = [line.strip() for line in patterns.splitlines() if line.strip()]
    left, right = st.columns(2)
    with left:
        positives = draft(st.text_area, "Positive words", value=WORDS["positives"], height=90, help=_HOW)
    with right:
        negatives = draft(st.text_area, "Negative words", value=WORDS["negatives"], height=90, help=_HOW)
    slots = [slot for slot in dict.fromkeys(slot for line in found for slot in slots_of(line)) if slot != CONCEPT]
    others = {}
    for slot in slots[:_MOST_SLOTS]:
        words = draft(st.text_input, f"Words for {{{slot}}}", key=f"slot_{slot}", value=WORDS.get(slot, ""), help=_HOW)
        others[slot] = _words(words)
    together = st.radio(
        "Held out for testing",
        list(TOGETHER),
        format_func=TOGETHER.__getitem__,
        horizontal=True,
        key="template_together",
        help="Words: a probe is tested on words that it was not trained on, the honest question. Sentences: the same "
        "words are on both sides, in other sentences; knowing the words is then enough.",
    )
    return from_template(found, _words(positives), _words(negatives), others, together=cast(Together, together))


_HOW = "Separated by commas or line breaks."
_MOST_SLOTS = 8


def _words(text: str) -> list[str]:
    return [word.strip() for word in re.split(r"[,\n]", text) if word.strip()]
