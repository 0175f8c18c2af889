"""Two lists of words in place of texts: the direction that makes the ones likelier than the others as the next word."""

from __future__ import annotations

import re

import streamlit as st

from core.errors import UserError
from core.progress import Progress
from pages.shared import cached
from pages.shared.drafts import draft
from pages.shared.frame import Chosen, go_to
from pages.shared.text import plain

_MADE = "made_of_words"  # in the session: the name of the direction that was made last


def word_lists(chosen: Chosen) -> None:
    """Ask for the words and a name, make the direction after the sidebar's layer, save it. Raises UserError."""
    st.write(
        "No texts are needed: the words themselves say what to push towards. What comes of them is a direction for "
        "steering, not a set to probe with."
    )
    left, right = st.columns(2)
    with left:
        likelier = draft(
            st.text_area, "Words to make likelier", value="wonderful, great, lovely", height=90, help=_HELP
        )
    with right:
        rarer = draft(st.text_area, "Words to make rarer", value="terrible, awful, horrible", height=90, help=_HELP)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = draft(st.text_input, "Name of the direction", max_chars=64).strip()
        pressed = st.button("Make the direction", type="primary", icon=":material/arrow_outward:", key="make_of_words")
    st.caption(
        f"After layer {chosen.layer} of {plain(chosen.model)} (see the sidebar), from the network's gradient at 64 "
        "texts; this takes some seconds."
    )
    if pressed:
        _make(chosen, _words(likelier), _words(rarer), name)
    if made := st.session_state.get(_MADE):
        _made(chosen, made)


def _make(chosen: Chosen, likelier: tuple[str, ...], rarer: tuple[str, ...], name: str) -> None:
    from core.directions import TokenLists, make_direction, save_direction

    if not likelier or not rarer:
        raise UserError("Give at least one word on each side.")
    if not name:
        raise UserError("Give the direction a name, such as mood-words.")
    model = cached.model(chosen.model)
    bar = st.progress(0.0, "Reading the network's gradient …")

    def draw(moment: Progress) -> None:
        bar.progress(min(1.0, moment.done / max(1, moment.total)), "Reading the network's gradient …")

    site = model.site(chosen.layer)
    direction = make_direction(model, TokenLists(likelier, rarer), site, "observable", name=name, progress=draw)
    bar.empty()
    save_direction(direction, replace=False)
    st.session_state[_MADE] = name


def _made(chosen: Chosen, name: str) -> None:
    from core.directions import load_direction

    try:
        direction = load_direction(name)
    except UserError:  # deleted since
        del st.session_state[_MADE]
        return
    with st.container(border=True):
        st.markdown(f":material/check: **{plain(name)}** is saved: after layer {direction.layer}.")
        for check in direction.provenance.get("checks", []):
            st.caption(f"{plain(check['title'])}: {check['value']:.3g}", help=check["help"])
        choices = {"from": "saved", "direction": name}  # `from` cannot be written as an argument
        go_to("steering", "Steer with it", icon=":material/tune:", primary=False, **choices)


_HELP = (
    "Separated by commas or line breaks. Each has to be one token to the model, as common words are; the model's "
    "tokenizer decides."
)


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in re.split(r"[,\n]", text) if word.strip()))
