"""Lens: what would the model say after each layer, and where in a text does a concept show?"""

from __future__ import annotations

import streamlit as st

from pages.shared import lens_panel, live
from pages.shared.frame import frame, wait_for_model
from pages.shared.links import linked

PANELS = {"layers": "Layer by layer", "live": "Token by token"}

chosen = frame()

st.title("Lens")
st.write("What would the model say after each of its layers, and at which tokens of a text does a concept show?")

shown = linked(
    st.segmented_control,
    "Panel",
    key="panel",
    default="layers",
    valid=PANELS.__contains__,
    options=list(PANELS),
    format_func=PANELS.__getitem__,
    required=True,
    label_visibility="collapsed",
)
wait_for_model(chosen)
if shown == "layers":
    lens_panel.panel(chosen)
    with st.expander("Where the chosen concept can be read", expanded=False, icon=":material/query_stats:"):
        lens_panel.readability(chosen)
else:
    live.panel(chosen)
