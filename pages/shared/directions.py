"""Where a direction comes from: the chosen concept and layer, the library, or texts pasted on the spot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core import first_concept
from core.glossary import defined
from core.models import list_models
from core.progress import Listener, Progress
from pages.shared import cached
from pages.shared.errors import mendable
from pages.shared.frame import Chosen, no_concept
from pages.shared.links import choose, linked
from pages.shared.methods import method_title
from pages.shared.more_directions import choose_feature, choose_sum, feature_for
from pages.shared.text import plain, shortened

if TYPE_CHECKING:
    from core.directions import Direction
    from core.models import Model
    from core.steering import Source

WAYS = {"concept": "New", "saved": "Saved", "pasted": "Pasted", "sum": "Sum", "feature": "Feature"}
PASTED = 4_000  # characters on either side


def choose_direction(
    chosen: Chosen, suffix: str = "", *, label: str = "Direction", features: bool = True
) -> Source | None:
    """Draw the choice of a direction; None if there is nothing to choose.

    suffix: of the keys, where a page has several such choices. features: whether a feature will do, of which more is
    used than its direction.
    """
    ways = {way: title for way, title in WAYS.items() if features or way != "feature"}
    way = linked(
        st.segmented_control,
        label,
        key=f"from{suffix}",
        default="concept",
        valid=ways.__contains__,
        options=list(ways),
        format_func=ways.__getitem__,
        required=True,
        help=f"{defined('direction')} **New**: made from the sidebar's concept. **Saved**: from the library. "
        "**Pasted**: from words or texts that you paste. **Sum**: of saved ones. **Feature**: of a dictionary, whose "
        "code is edited.",
    )
    if way in _THERE:
        return _THERE[way](chosen, suffix)
    layer = _layer(chosen, suffix) if suffix else chosen.layer
    return _pasted(layer, suffix) if way == "pasted" else _of_concept(chosen, layer, suffix)


def _layer(chosen: Chosen, suffix: str) -> int:
    most = 10_000 if chosen.layers is None else chosen.layers - 1
    return linked(
        st.number_input,
        "Made at layer",
        key=f"layer{suffix}",
        default=chosen.layer,
        read=int,
        valid=lambda layer: isinstance(layer, int) and 0 <= layer <= most,
        min_value=0,
        max_value=most,
        help="The block, counted from 0, after which the direction is made and, unless you say otherwise, added.",
    )


def _of_concept(chosen: Chosen, layer: int, suffix: str) -> Source | None:
    from core.directions import METHODS
    from core.steering import Source

    method = linked(
        st.selectbox,
        "Method",
        key=f"method{suffix}",
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
        return Source("words", _words(suffix), layer=layer, method=method)
    if chosen.info is None:
        no_concept() if not suffix else st.info("There is no concept yet; the Library page takes texts of your own.")
        return None
    other = ""
    if made_from == "models":
        other = _other_model(chosen, suffix)
        if not other:
            return None
    st.caption(
        f"From up to {first_concept.LIMIT:,} texts of “{plain(chosen.info.title)}”, after layer {layer}. "
        + ("The concept is" if suffix else "Concept and layer are")
        + " chosen in the sidebar."
    )
    return Source("examples", chosen.concept, layer=layer, method=method, limit=first_concept.LIMIT, other=other)


def _words(suffix: str) -> str:
    return linked(
        st.text_input,
        "Words",
        key=f"words{suffix}",
        default="good,great|bad,terrible",
        valid=lambda text: bool(text.strip()),
        max_chars=400,
        help="Next words to be raised, a bar, next words to be lowered. Each has to be one token of the model.",
    )


def _pasted(layer: int, suffix: str) -> Source | None:
    from core.steering import Source

    left, right = st.columns(2)
    sides = [
        linked(
            place.text_area,
            label,
            key=key + suffix,
            default=default,
            max_chars=PASTED,
            height=90,
            help=help,
            write=lambda text: text or " ",  # an empty side is another choice than the default
        )
        for place, label, key, default, help in (
            (left, "Towards", "plus", "love", "Words or texts, one a line."),
            (right, "Away from", "minus", "hate", "Words or texts, one a line. Empty: 20 neutral prompts."),
        )
    ]
    plus, minus = (tuple(line.strip() for line in side.splitlines() if line.strip()) for side in sides)
    if not plus:
        st.info("Paste at least one word or text to push towards.")
        return None
    st.caption(f"Mean activation of the one minus that of the other, after layer {layer} (Turner et al. 2023).")
    with mendable():
        return Source("texts", layer=layer, plus=plus, minus=minus)
    return None


def _other_model(chosen: Chosen, suffix: str) -> str:
    """The model that is compared with; "" if there is none."""
    others = [info.id for info in list_models() if info.kind == "text" and info.id != chosen.model]
    return linked(
        st.selectbox,
        "Other model",
        key=f"other{suffix}",
        default=others[0] if others else "",
        always=bool(others),
        options=others,
        accept_new_options=True,
        placeholder="path of a directory, or a hub id",
        help="A model of the same width, such as a fine-tuned version of this one, or this one with an adapter.",
    )


def _saved(chosen: Chosen, suffix: str) -> Source | None:
    from core.directions import list_directions
    from core.steering import Source

    known = {one.name: one for one in list_directions() if one.model_id == chosen.model}
    if not known:
        st.info(
            f"There is no saved direction for {plain(chosen.model)} yet: make one, press **Generate**, and then **Save "
            "this direction**."
        )
        st.button(
            "Make one", key=f"make{suffix}", icon=":material/add:", on_click=choose, args=(f"from{suffix}", "concept")
        )
        return None
    name = linked(
        st.selectbox,
        "Saved direction",
        key=f"direction{suffix}",
        default=next(iter(known)),
        always=True,
        valid=known.__contains__,
        options=list(known),
        help="Directions are kept in the workspace under a name, with how and from what they were made.",
    )
    one = known[name]
    st.caption(f"{plain(method_title(one.method))} of “{plain(shortened(one.origin, 200))}”, at layer {one.layer}.")
    return Source("saved", name, layer=one.layer)


# Ways that take what lies at a layer of its own already.
_THERE: dict[str, Callable[[Chosen, str], Source | None]] = {
    "saved": _saved,
    "sum": choose_sum,
    "feature": choose_feature,
}


def direction_of(spec: str, source: Source) -> Direction:
    """The direction itself; made now if need be, with a bar that shows how far it is."""
    bar = st.empty()

    def draw(moment: Progress) -> None:
        share = moment.done / moment.total if moment.total else 0.0
        bar.progress(min(1.0, share), f"Making the direction: {moment.done:,} of {moment.total:,} {moment.unit}")

    made = maker(spec)(cached.model(spec), source, None, draw)
    bar.empty()
    return made


def maker(spec: str):  # type: ignore[no-untyped-def]  # a core.steering.Make, which would load torch
    """How directions are had on pages: those that were made before are remembered."""

    def make(model: Model, source: Source, layer: int | None, progress: Listener) -> Direction:
        from core.steering import checked, direction_for

        if source.kind == "feature":
            return feature_for(spec, model, source.of, source.feature or 0).direction
        if source.kind not in ("examples", "words"):
            return direction_for(model, source, layer, progress)
        at = source.layer if layer is None else layer
        assert at is not None  # checked in Source
        words = source.of if source.kind == "words" else ""
        method = "observable" if words else source.method
        limit = source.limit or first_concept.LIMIT
        id = "" if words else source.of
        found = cached.direction(spec, id, limit, at, method, words=words, other=source.other, progress=progress)
        return checked(source, found, layer)

    return make


def offer_to_save(model: str, source: Source) -> None:
    """A way to keep a direction that was just made, under a name."""
    from core.directions import save_direction

    with st.popover("Save this direction", icon=":material/bookmark_add:"), st.form("save", border=False):
        name = st.text_input("Name", max_chars=64, help="Up to 64 letters, digits, '_', '.', '+' or '-'.").strip()
        if st.form_submit_button("Save"):
            with mendable():
                save_direction(replace(direction_of(model, source), name=name), replace=False)
                st.success(f"Saved. It can be chosen under Direction: Saved, and as `--direction {plain(name)}`.")
