"""Features: what is a concept made of, and what else does the model tell apart?"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.shared import (
    cached_features,
    features_card,
    features_choosing,
    features_concept,
    features_health,
    features_indexing,
    features_map,
    features_own,
    features_table,
)
from pages.shared.cached_features import Opened
from pages.shared.errors import mendable
from pages.shared.frame import Chosen, frame, wait_for_model
from pages.shared.links import linked
from pages.shared.parts import part

TABLE = "table"
# By its word in the URL: what it is called, and what draws it and gives the features that it lists.
PANELS: dict[str, tuple[str, Callable[[Opened, Chosen], list[int]]]] = {
    TABLE: ("All features", lambda *_: []),
    "text": ("In a text", lambda opened, _: features_own.show(opened)),
    "concept": ("For the concept", features_concept.show),
    "map": ("Map", features_map.show),
    "health": ("The dictionary", features_health.show),
}

chosen = frame()

st.title("Features")
st.write(
    "A dictionary splits activations into features that are on at few tokens. Which ones are there, and which carry a "
    "concept?"
)

with mendable(stop=True):
    listed = features_choosing.choose_dictionary(chosen)
if listed is None:
    st.stop()
wait_for_model(chosen)
with mendable(stop=True):
    opened = cached_features.opened(chosen.model, listed)
features_indexing.state(listed, complete=None if opened is None else opened.index.complete)
if opened is None:
    features_indexing.ask(chosen, listed)
    st.stop()


@part
def look(opened: Opened, panel: str) -> None:
    """A panel that lists features, and the card of one of them: what is chosen in it runs it alone."""
    numbers: list[int] = []
    with mendable():
        numbers = PANELS[panel][1](opened, chosen)
    if panel != "health":
        st.divider()
        features_card.show(opened, numbers)


panel = linked(
    st.segmented_control,
    "Panel",
    key="features",
    default=TABLE,
    valid=PANELS.__contains__,
    options=list(PANELS),
    format_func=lambda name: PANELS[name][0],
    required=True,
    label_visibility="collapsed",
)
if panel == TABLE:
    # Going from card to card draws neither the table nor its many filters again.
    with mendable(stop=True):
        found = features_table.choose(opened, chosen)
    features_table.show(opened, found)
    st.divider()
    features_card.alone(opened, found["feature"].tolist())
else:
    look(opened, panel)
