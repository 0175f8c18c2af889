"""Which dictionary the page is about, and how one comes to have some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import features_new
from pages.shared.frame import Chosen, go_to
from pages.shared.links import linked
from pages.shared.text import plain, shortened

if TYPE_CHECKING:
    from core.dictionaries.shelf import Listed


def choose_dictionary(chosen: Chosen) -> Listed | None:
    """Draw the choice among dictionaries of the sidebar's model; None, after leading on, if there is none."""
    from core.dictionaries.fitting import same_model
    from core.dictionaries.shelf import list_names

    every = list_names()
    known = {one.name: one for one in every if one.model_name and same_model(one.model_name, chosen.model)}
    if not known:
        others = sorted({one.model_name for one in every} - {""})
        there = f" There are some for {', '.join(plain(shortened(name, 60)) for name in others[:5])}." if others else ""
        st.info(
            f"There is no dictionary for {plain(chosen.model)} yet.{there} A dictionary splits activations into many "
            "features, each of which is on at few tokens. The quickest way to one is the MLP's own neurons; a sparse "
            "autoencoder (TopK) takes longer and usually finds features that are easier to name."
        )
        if others:
            go_to("features", f"Look at {shortened(others[0], 40)}", icon=":material/arrow_forward:", model=others[0])
        features_new.show(chosen)
        return None
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        name = linked(
            st.selectbox,
            "Dictionary",
            key="dictionary",
            default=_first(list(known.values()), chosen.layer),
            always=True,
            valid=known.__contains__,
            options=list(known),
            format_func=lambda name: _line(known[name]) if name in known else str(name),
            help="Dictionaries of the sidebar's model: those trained or brought in here, and bundled ones.",
        )
    with right:
        more = st.popover("Another dictionary", icon=":material/add:", key="new_dictionary", on_change="rerun")
        if more.open:  # its many choices are drawn when they are asked for
            with more:
                features_new.show(chosen)
    return known[name]


def _first(known: list[Listed], layer: int) -> str:
    """The one at the sidebar's layer, else the nearest; of several the one with most features."""

    def away(one: Listed) -> tuple[int, bool, int]:
        return abs((one.layer if one.layer is not None else 10_000) - layer), one.kind == "components", -one.features

    return min(known, key=away).name


def _line(one: Listed) -> str:
    place = "" if one.layer is None else f" · layer {one.layer}"
    return f"{one.name} · {one.kind}, {one.features:,} features{place}"
