"""Library: what concepts are made of, and the directions that were found for them."""

import streamlit as st

from pages.shared import library_directions, library_examples
from pages.shared.errors import mendable
from pages.shared.frame import frame
from pages.shared.links import linked

PANELS = {"examples": ("Examples", library_examples.panel), "directions": ("Directions", library_directions.panel)}

chosen = frame()

st.title("Library")
view = linked(
    st.segmented_control,
    "Shelf",
    key="view",
    default="examples",
    valid=PANELS.__contains__,
    options=list(PANELS),
    format_func=lambda name: PANELS[name][0],
    required=True,
    label_visibility="collapsed",
    help="Examples are the texts that say what a concept is; directions are what was found for them in a model.",
)
if view == "examples":
    st.write(
        "Example sets: the texts that say what a concept is. Look into them before you measure anything with them."
    )
with mendable():
    PANELS[view][1](chosen)
