"""What a person says of a feature: a label, a bookmark, a note; each can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import cached
from pages.shared.errors import mendable
from pages.shared.text import plain
from pages.shared.tokens import visible

if TYPE_CHECKING:
    from core.dictionaries.index.labels import Label
    from pages.shared.cached_features import Opened


def bookmark(opened: Opened, feature: int) -> None:
    """A mark that the table can be filtered by."""
    from core.dictionaries.index.notes import Note, notes_of, say

    key = opened.dictionary.key
    on = notes_of(key).get(feature, Note()).bookmark
    if st.button(
        "Bookmarked" if on else "Bookmark",
        icon=":material/bookmark:" if on else ":material/bookmark_border:",
        key="bookmark_feature",
        help="Marked features can be had alone in the table (Filters).",
    ):
        with mendable():
            say(key, feature, bookmark=not on)
            st.rerun()


def edit_label(opened: Opened, feature: int, label: Label | None) -> None:
    """Another name for the feature."""
    from core.dictionaries.index.notes import notes_of, say, undo

    key = opened.dictionary.key
    with st.popover("Label", icon=":material/edit:"), st.form(f"label_{feature}", border=False):
        text = st.text_input(
            "What it is about",
            value=label.text if label else "",
            max_chars=500,
            help="Your label is shown in the place of an automatic one, and is put to the test: how well its meaning "
            "tells texts around the feature's tokens from others, none of them shown here. Empty takes yours away.",
        )
        if st.form_submit_button("Save"):
            with mendable(), st.spinner("Testing the label …"):
                say(key, feature, label=text, score=_score(opened, feature, text))
                st.rerun()
    _ask(opened, feature)
    if feature in notes_of(key) and st.button(
        "Undo", icon=":material/undo:", key="undo_feature", help="Takes back what you said last of this feature."
    ):
        with mendable():
            undo(key, feature)
            st.session_state.pop(f"note_text_{feature}", None)
            st.rerun()


def _ask(opened: Opened, feature: int) -> None:
    """Have the language model that was set up, if any, name the feature."""
    from core.dictionaries.index.endpoint import ask_for_label, endpoint_from
    from core.dictionaries.index.notes import say

    with mendable():
        endpoint = endpoint_from()
        if endpoint is None or not st.button(
            "Ask for a label",
            icon=":material/smart_toy:",
            key="ask_label",
            help=f"Sends up to twelve examples of this feature to {plain(endpoint.model)} at {plain(endpoint.host)}, "
            "and tests its label on texts that were not sent.",
        ):
            return
        with st.spinner(f"Asking {plain(endpoint.model)} …"):
            text = ask_for_label(endpoint, opened.index, cached.model(opened.spec), feature)
            score = _score(opened, feature, text)
        say(opened.dictionary.key, feature, label=text, score=score, by="model")
        st.rerun()


def _score(opened: Opened, feature: int, text: str) -> float | None:
    """How well a label's meaning tells the feature's texts from others; None where that cannot be told."""
    from core.dictionaries.index.meaning import score_by_meaning
    from core.models import embedder_version

    if not text.strip() or embedder_version() is None:
        return None
    found = score_by_meaning(opened.index, cached.model(opened.spec), feature, text)
    return None if found is None else found.auroc


def note(opened: Opened, feature: int) -> None:
    """Free text about the feature."""
    from core.dictionaries.index.notes import LONGEST_NOTE, Note, notes_of, say

    key = opened.dictionary.key
    known = notes_of(key).get(feature, Note()).note
    with (
        st.expander("Note" + (f": {plain(visible(known[:80]))}" if known else ""), icon=":material/sticky_note_2:"),
        st.form(f"note_{feature}", border=False),
    ):
        text = st.text_area(
            "Note", value=known, max_chars=LONGEST_NOTE, label_visibility="collapsed", key=f"note_text_{feature}"
        )
        if st.form_submit_button("Save note"):
            with mendable():
                say(key, feature, note=text)
                st.rerun()
