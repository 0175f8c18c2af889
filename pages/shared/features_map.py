"""All features as points: those that write similar directions lie side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.charts import points
from pages.shared import cached_features, features_filters, features_probe, features_table
from pages.shared.asking import start_button
from pages.shared.features_chosen import chosen_feature
from pages.shared.frame import Chosen
from pages.shared.links import linked
from pages.shared.text import duration, shortened
from pages.shared.tokens import visible

if TYPE_CHECKING:
    from pages.shared.cached_features import Opened

LOGARITHMIC = ("density", "count", "max")
START, PER_SECOND = 30.0, 600.0  # seconds of importing and compiling, and features drawn, of a few thousand


def show(opened: Opened, chosen: Chosen) -> list[int]:
    """The map; what was chosen on it as a list."""
    drawn = cached_features.drawn_map(opened)
    if drawn is None:
        name = opened.dictionary.name
        seconds = START + opened.index.n_features / PER_SECOND * (1 + opened.index.n_features / 30_000)
        start_button(
            ["sae", "map", name],
            f"Map of {name}",
            "A map (UMAP, McInnes et al. 2018) puts features that write similar directions side by side. It is drawn "
            f"once, in roughly {duration(seconds)}, and kept.",
        )
        return []
    left, right, _ = st.columns([2, 2, 3])
    with right:
        table = features_probe.ask(opened, chosen)
    names = [name for name in features_filters.NUMBERS if name in table.columns]
    with left:
        by = linked(
            st.selectbox,
            "Colour by",
            key="map_colour",
            default="density",
            valid=names.__contains__,
            options=names,
            format_func=features_filters.title,
            help="Any number of the table. Grey: not known, or 0.",
        )
    labels = table["label"].tolist()
    hover = [f"{one} {visible(shortened(labels[one], 80))}" for one in range(len(table))]
    event = st.plotly_chart(
        points(
            drawn,
            table[by].to_numpy(dtype=float),
            hover,
            title=features_filters.title(by),
            marked=_ringed(chosen_feature(len(table)), len(table)),
            logarithmic=by in LOGARITHMIC,
        ),
        key="feature_map",
        on_select="rerun",
        selection_mode=("lasso", "box", "points"),
        config={"displaylogo": False, "scrollZoom": True},
        alt="Map of all features by what they write",
    )
    st.caption(
        "Who lies next to whom tells something; how far groups lie apart, and where on the map, hardly anything. Draw "
        "around points to list them; double-click to let go. The ring is around the feature that you look into, and "
        "stands still while a lasso lies on the map."
    )
    places = dict.fromkeys(_place(point) for point in event["selection"]["points"])
    around = [one for one in places if one is not None and 0 <= one < len(table)]
    if not around:
        return table["feature"].tolist()
    found = table.iloc[np.array(around)].sort_values("density", ascending=False, kind="stable")
    return features_table.list_of(opened, found, found["feature"].tolist(), key="map")


def _ringed(feature: int | None, features: int) -> int | None:
    """The feature with a ring around it, of so many: what is looked into, but for a lasso that lies on the map.

    A chart that changes in anything is a new one to Streamlit and forgets what was drawn on it, so that the ring stays
    where it was until the lasso is let go.
    """
    state = st.session_state.get("feature_map")
    if state is None or not state["selection"]["points"]:
        st.session_state["map_ring"] = feature
    ring: int | None = st.session_state.get("map_ring")
    return ring if ring is None or ring < features else feature  # it may be another dictionary's


def _place(point: dict[str, object]) -> int | None:
    value = point.get("customdata")
    value = value[0] if isinstance(value, list) and value else value
    return int(value) if isinstance(value, int | float) else None
