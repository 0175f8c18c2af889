"""Examples on a page: what the chosen concept is, and the ways to another."""

from __future__ import annotations

import streamlit as st

from core.examples import Examples, Info
from pages.shared import cached_examples, findings
from pages.shared.frame import to_library
from pages.shared.own_texts import own_texts, show_classes
from pages.shared.text import plain


def preview(info: Info, examples: Examples) -> None:
    """What the concept is, a few of its positives and negatives as plain text, and what the linter says."""
    st.header(plain(info.title), anchor=False)
    # Small, and no caption: a link in one is too pale to be read.
    st.markdown(f":small[Subject: {plain(info.subject)} · source: {plain(info.source)}]")
    show_classes(examples)
    report = cached_examples.report(examples)
    with st.expander(f"Checked before anything is computed: {findings.in_short(report)}", icon=":material/fact_check:"):
        findings.show(report, examples)


def take_own() -> None:
    """Ways to another concept: the catalogue, and texts of one's own."""
    with st.container(horizontal=True):
        to_library("Browse all example sets", icon=":material/menu_book:", do="browse")
    with st.expander("Give your own texts", icon=":material/library_add:"):
        own_texts()
