"""Where a direction comes from: the chosen concept and layer, or the library of saved ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from core import first_concept
from core.progress import Progress
from pages.shared import cached
from pages.shared.errors import mendable
from pages.shared.frame import Chosen
from pages.shared.links import linked
from pages.shared.sweeps import METHOD_NAMES, method_name
from pages.shared.text import plain

if TYPE_CHECKING:
    from core.directions import Direction

WAYS = {"concept": "Concept and layer", "saved": "Saved"}


@dataclass(frozen=True)
class Source:
    """How to get a direction. saved: its name in the library, else "" and the others say how it is made."""

    saved: str = ""
    concept: str = ""
    layer: int = 0
    method: str = "diffmean"
    limit: int = first_concept.LIMIT


def choose_direction(chosen: Chosen) -> Source | None:
    """Draw the choice of a direction; None if there is nothing to choose."""
    way = linked(
        st.segmented_control,
        "Direction",
        key="from",
        default="concept",
        valid=WAYS.__contains__,
        options=list(WAYS),
        format_func=WAYS.__getitem__,
        required=True,
        help="A direction is a unit vector in the model's activations that points from the negatives of a concept to "
        "its positives.",
    )
    return _saved(chosen) if way == "saved" else _of_concept(chosen)


def _of_concept(chosen: Chosen) -> Source | None:
    if chosen.info is None:
        st.info("Choose a concept in the sidebar, or give texts of your own on the Probing page.")
        return None
    method = linked(
        st.segmented_control,
        "Method",
        key="method",
        default="diffmean",
        valid=METHOD_NAMES.__contains__,
        options=["diffmean", "logistic"],
        format_func=method_name,
        required=True,
        help="How the direction is found. The difference of the classes' means usually steers best; the weights of a "
        "logistic regression usually read best.",
    )
    st.caption(
        f"From up to {first_concept.LIMIT:,} texts of “{plain(chosen.info.title)}”, after layer {chosen.layer}. "
        "Concept and layer are chosen in the sidebar."
    )
    return Source(concept=chosen.concept, layer=chosen.layer, method=method)


def _saved(chosen: Chosen) -> Source | None:
    from core.directions import list_directions

    known = {one.name: one for one in list_directions() if one.model_id == chosen.model}
    if not known:
        st.info(
            f"There is no saved direction for {plain(chosen.model)} yet. Take the chosen concept and layer, or make "
            "one with `python -m core direction`."
        )
        return None
    name = linked(
        st.selectbox,
        "Saved direction",
        key="direction",
        default=next(iter(known)),
        valid=known.__contains__,
        options=list(known),
        help="Directions are kept in the workspace under a name, with how and from what they were made.",
    )
    one = known[name]
    title = one.provenance.get("examples", {}).get("title", "unknown examples")
    st.caption(f"{method_name(one.method)} of “{plain(str(title))}”, after layer {one.layer}.")
    return Source(saved=name, layer=one.layer, method=one.method)


def direction_of(model: str, source: Source) -> Direction:
    """The direction itself; made now if need be, with a bar that shows how far it is."""
    if source.saved:
        from core.directions import load_direction

        return load_direction(source.saved)
    bar = st.empty()

    def draw(moment: Progress) -> None:
        share = moment.done / moment.total if moment.total else 0.0
        bar.progress(min(1.0, share), f"Making the direction: {moment.done:,} of {moment.total:,} {moment.unit}")

    made = cached.direction(model, source.concept, source.limit, source.layer, source.method, progress=draw)
    bar.empty()
    return made


def offer_to_save(model: str, source: Source) -> None:
    """A way to keep a direction that was just made, under a name."""
    from core.directions import save_direction

    with st.popover("Save this direction", icon=":material/bookmark_add:"), st.form("save", border=False):
        name = st.text_input("Name", max_chars=64, help="Up to 64 letters, digits, '_', '.', '+' or '-'.").strip()
        if st.form_submit_button("Save"):
            with mendable():
                save_direction(replace(direction_of(model, source), name=name), replace=False)
                st.success(f"Saved. It can be chosen under Direction: Saved, and as `--direction {plain(name)}`.")
