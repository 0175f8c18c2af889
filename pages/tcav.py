"""TCAV: does the model's own answer depend on a concept?"""

from __future__ import annotations

import streamlit as st

from pages.shared import tcav_check, tcav_panel, tcav_scan
from pages.shared.errors import mendable
from pages.shared.frame import frame, no_concept
from pages.shared.links import linked
from pages.shared.tcav_form import ask

PANELS = {
    "test": ("Test concepts", tcav_panel.show),
    "scan": ("Scan all sets", tcav_scan.show),
    "check": ("Check my test", tcav_check.show),
}

chosen = frame(images=True)

st.title("TCAV")
st.write(
    "That a concept can be read from a model does not mean that the model uses it. Does its answer depend on the "
    "concept: beyond chance, beyond other concepts, and when it is really pushed?"
)
if chosen.info is None:
    no_concept()
    st.stop()

panel = linked(
    st.segmented_control,
    "Panel",
    key="panel",
    default="test",
    valid=PANELS.__contains__,
    options=list(PANELS),
    format_func=lambda name: PANELS[name][0],
    required=True,
    label_visibility="collapsed",
)
with mendable(stop=True):
    choices = ask(chosen, panel)
    PANELS[panel][1](choices, chosen)
