"""A direction beside the features: how much weight a probe, or any saved direction, gives to each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import first_concept
from pages.shared import cached, cached_features
from pages.shared.errors import mendable
from pages.shared.frame import Chosen
from pages.shared.links import linked
from pages.shared.text import plain

if TYPE_CHECKING:
    import pandas as pd

    from core.directions import Direction
    from pages.shared.cached_features import Opened

NONE, CONCEPT = "", ":concept"  # no saved direction can be called so


def ask(opened: Opened, chosen: Chosen) -> pd.DataFrame:
    """Draw the choice of a direction. The table of all features, with its two columns if one was chosen."""
    from core.dictionaries.index.probed import probed, with_probe

    table = cached_features.table(opened)
    known = cached_features.directions_at(opened)
    options = [NONE, *([CONCEPT] if _has_probe(opened, chosen) else []), *known]
    name = linked(
        st.selectbox,
        "Probe weights of",
        key="probe",
        default=NONE,
        valid=options.__contains__,
        options=options,
        format_func=lambda name: {NONE: "no direction", CONCEPT: "the concept's probe"}.get(name, name),
        help="Adds two columns, to sort, filter and colour by: **probe weight**, the cosine of what each feature "
        "writes with a direction, and **encoder dot**, how far a step along the direction raises what it reads. Saved "
        "directions at this dictionary's place can be chosen (the library makes some), and the logistic probe of the "
        f"sidebar's concept. Between random directions the cosine's standard deviation is "
        f"{opened.dictionary.coder.d_out**-0.5:.3f}.",
    )
    if name == NONE:
        return table
    with mendable():
        direction = _concepts(opened, chosen) if name == CONCEPT else known[name]
        if direction is not None:
            return with_probe(table, probed(opened.dictionary, direction))
    return table


def _has_probe(opened: Opened, chosen: Chosen) -> bool:
    layer = opened.dictionary.card.layer
    return (
        chosen.info is not None
        and layer is not None
        and opened.dictionary.card.rebuilds == cached.model(opened.spec).find_site(layer)
    )


def _concepts(opened: Opened, chosen: Chosen) -> Direction | None:
    """The logistic probe of the sidebar's concept; None, after leading on, if its texts were not recorded yet."""
    from pages.shared.cached_lenses import are_recorded

    layer = opened.dictionary.card.layer
    assert layer is not None
    if are_recorded(opened.spec, chosen.concept, first_concept.LIMIT, (layer,)):
        return cached.direction(opened.spec, chosen.concept, first_concept.LIMIT, layer, "logistic")
    st.caption(
        f"{plain(chosen.concept)} was not recorded after layer {layer} yet: look at it on the Probing page first, or "
        "choose a saved direction."
    )
    return None
