"""Concept: everything that is known about one concept in one model."""

from __future__ import annotations

import streamlit as st

from pages.shared import concept_state, concept_views
from pages.shared.concept_choices import ask
from pages.shared.errors import mendable
from pages.shared.frame import frame, go_to
from pages.shared.text import plain

chosen = frame(images=True)

st.title("Concept")
st.write(
    "Everything that is known about one concept in one model, together: where it can be read, whether the answer "
    "depends on it, which features carry it, what pushing it does, what lies near it, and how stable all that is."
)
if chosen.info is None:
    st.info("Choose a concept in the sidebar first; the Library takes texts of your own.")
    go_to("library", "To the Library", icon=":material/menu_book:", view="examples", do="add")
    st.stop()

title = chosen.info.title
with mendable(stop=True):
    choices = ask(chosen)
    known = choices.known()

st.header(f"{plain(title)} in {plain(chosen.model)}", anchor=False)
with mendable():
    concept_state.show(choices, known, title)
elsewhere = [view for view in known.views.values() if view.state == "not here"]
for view in known.views.values():
    if view not in elsewhere:
        with mendable():
            concept_views.show(choices, view, title)
concept_views.not_here(elsewhere)

with st.expander("What it was made of", icon=":material/receipt_long:"):
    st.json(known.provenance())
