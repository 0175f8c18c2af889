"""Where a direction comes from: the chosen concept and layer, or the library of saved ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from core import first_concept
from core.models import list_models
from core.progress import Progress
from pages.shared import cached
from pages.shared.errors import mendable
from pages.shared.frame import Chosen
from pages.shared.links import linked
from pages.shared.methods import method_title
from pages.shared.text import plain, shortened

if TYPE_CHECKING:
    from core.directions import Direction

WAYS = {"concept": "New", "saved": "Saved"}


@dataclass(frozen=True)
class Source:
    """How to get a direction. saved: its name in the library, else "" and the others say how it is made."""

    saved: str = ""
    concept: str = ""
    layer: int = 0
    method: str = "diffmean"
    words: str = ""
    other: str = ""
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
    from core.directions import METHODS

    method = linked(
        st.selectbox,
        "Method",
        key="method",
        default="diffmean",
        valid=METHODS.__contains__,
        options=list(METHODS),
        format_func=method_title,
        help="How the direction is found.  \n"
        + "  \n".join(f"**{plain(one.title)}**: {plain(one.help)}" for one in METHODS.values()),
    )
    st.caption(plain(METHODS[method].help))
    made_from = METHODS[method].made_from
    if made_from == "tokens":
        return Source(words=_words(), layer=chosen.layer, method=method)
    if chosen.info is None:
        st.info("Choose a concept in the sidebar, or give texts of your own on the Library page.")
        return None
    other = ""
    if made_from == "models":
        other = _other_model(chosen)
        if not other:
            return None
    st.caption(
        f"From up to {first_concept.LIMIT:,} texts of “{plain(chosen.info.title)}”, after layer {chosen.layer}. "
        "Concept and layer are chosen in the sidebar."
    )
    return Source(concept=chosen.concept, layer=chosen.layer, method=method, other=other)


def _words() -> str:
    return linked(
        st.text_input,
        "Words",
        key="words",
        default="good,great|bad,terrible",
        valid=lambda text: bool(text.strip()),
        max_chars=400,
        help="Next words to be raised, a bar, next words to be lowered. Each has to be one token of the model.",
    )


def _other_model(chosen: Chosen) -> str:
    """The model that is compared with; "" if there is none."""
    others = [info.id for info in list_models() if info.kind == "text" and info.id != chosen.model]
    return linked(
        st.selectbox,
        "Other model",
        key="other",
        default=others[0] if others else "",
        options=others,
        accept_new_options=True,
        placeholder="path of a directory, or a hub id",
        help="A model of the same width, such as a fine-tuned version of this one, or this one with an adapter.",
    )


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
    st.caption(f"{plain(method_title(one.method))} of “{plain(shortened(one.origin, 200))}”, at layer {one.layer}.")
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

    made = cached.direction(
        model,
        source.concept,
        source.limit,
        source.layer,
        source.method,
        words=source.words,
        other=source.other,
        progress=draw,
    )
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
