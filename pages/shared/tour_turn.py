"""The last step of the tour: the ways to a concept and a model of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import first_concept
from pages.shared import cached
from pages.shared.frame import go_to, to_library

if TYPE_CHECKING:
    from core.tour import Tour


def show(tour: Tour) -> None:
    """Three ways on, each with the control that begins it."""
    st.write("The same four views for what you care about. Nothing leaves this machine.")
    texts, model, other = st.columns(3, border=True)
    with texts:
        st.subheader("Your own texts", anchor=False)
        st.write("Texts that show your concept, and texts that do not: two pasted lists are enough, a few dozen each.")
        to_library("Add your texts", icon=":material/library_add:", do="add")
    with model:
        st.subheader("Your own model", anchor=False)
        st.write("A local directory, a `.gguf` file or a hub id. Later you change it in the sidebar, under Model.")
        spec = st.text_input("Path or hub id", key="tour_model", max_chars=400, placeholder="owner/name").strip()
        own = {"model": spec} if spec else {}
        go_to("probing", "Probe this model", icon=":material/query_stats:", primary=False, **own)
    with other:
        st.subheader("Another concept", anchor=False)
        number = len(cached.all_examples())
        st.write(
            f"{number:,} labelled sets are at hand: spam, code, true or false, news, centuries, …"
            if number
            else "Labelled sets come with `make setup`."
        )
        to_library("Look through them", icon=":material/menu_book:", do="browse")
        go_to("concept", "All about sentiment", icon=":material/lightbulb:", concept=first_concept.EXAMPLES)
