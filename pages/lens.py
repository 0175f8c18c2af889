"""Lens: what would the model say after each layer, and where in a text does a concept show?"""

from __future__ import annotations

import streamlit as st

from core.models import list_models
from pages.shared import lens_panel, live
from pages.shared.frame import frame
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
if any(one.id == chosen.model and not one.ready for one in list_models()):
    st.info("The model is made ready when it is opened for the first time, which takes about a minute.")
    if not st.button("Open the model", type="primary", icon=":material/play_arrow:", key="open_model"):
        st.stop()
if shown == "layers":
    lens_panel.panel(chosen)
    with st.expander("Where the chosen concept can be read", expanded=False, icon=":material/query_stats:"):
        lens_panel.readability(chosen)
else:
    live.panel(chosen)
