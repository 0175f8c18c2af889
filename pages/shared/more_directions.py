"""Directions from what is there already: a sum of saved ones, and a feature of a dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import cached_features
from pages.shared.errors import mendable
from pages.shared.frame import Chosen, go_to
from pages.shared.links import choose, linked
from pages.shared.text import plain, shortened

if TYPE_CHECKING:
    from core.dictionaries.shelf import Listed
    from core.models import Model
    from core.steering import Feature, Source


def choose_sum(chosen: Chosen, suffix: str) -> Source | None:
    """An expression over names of saved directions."""
    from core.directions import combine_saved, list_directions
    from core.errors import UserError
    from core.steering import Source

    known = [one.name for one in list_directions() if one.model_id == chosen.model]
    if not known:
        st.info(f"There is no saved direction for {plain(chosen.model)} yet; save some, and they can be added up here.")
        st.button(
            "Make one", key=f"make{suffix}", icon=":material/add:", on_click=choose, args=(f"from{suffix}", "concept")
        )
        return None
    text = linked(
        st.text_input,
        "Sum",
        key=f"sum{suffix}",
        default=known[0],
        always=True,
        valid=lambda text: bool(text.strip()),
        max_chars=400,
        placeholder="mood - 0.5*length",
        help="Names of saved directions of one layer with + - * / and brackets, such as mood - 0.5\\*length. A plus or "
        f"minus between two names stands between spaces. There are: {plain(shortened(', '.join(known), 300))}.",
    )
    with mendable():
        made = combine_saved(text, name="sum")
        if made.model_id != chosen.model:
            raise UserError(f"These are directions of {made.model_id}, not of {chosen.model}.")
        st.caption(f"At layer {made.layer}; its length is made 1, since the dose says how strongly it is added.")
        return Source("sum", text.strip())
    return None


def choose_feature(chosen: Chosen, suffix: str) -> Source | None:
    """A dictionary that rebuilds what it reads, and the number of one of its features."""
    from core.steering import Source

    known = _dictionaries(chosen.model)
    if not known:
        st.info(
            f"There is no dictionary for {plain(chosen.model)} yet whose codes could be edited: train or import a "
            "sparse autoencoder on the Features page."
        )
        if not suffix:
            go_to("features", "To the Features page", icon=":material/hub:")
        return None
    name = linked(
        st.selectbox,
        "Dictionary",
        key=f"dictionary{suffix}",
        default=next(iter(known)),
        always=True,
        valid=known.__contains__,
        options=list(known),
        format_func=lambda name: f"{name} · {known[name].features:,} features · layer {known[name].layer}",
        help="Those that rebuild what they read: the code of a feature is changed, and what the dictionary does not "
        "explain of an activation is kept.",
    )
    last = max(0, known[name].features - 1)
    number = linked(
        st.number_input,
        "Feature",
        key=f"feature{suffix}",
        default=0,
        read=int,
        valid=lambda value: isinstance(value, int) and 0 <= value <= last,
        min_value=0,
        max_value=last,
        step=1,
        help="Its number, as the Features page shows it.",
    )
    st.caption(f"Feature {number:,} of {last + 1:,}, after layer {known[name].layer}.")
    return Source("feature", name, feature=number)


def layer_of(source: Source, model: str) -> int | None:
    """Where a direction lies that is not made now; None for a dictionary that is not there."""
    from core.directions import combine_saved, load_direction

    if source.kind == "saved":
        return load_direction(source.of).layer
    if source.kind == "sum":
        return combine_saved(source.of, name="sum").layer
    if source.kind == "feature":
        found = _dictionaries(model).get(source.of)
        return None if found is None else found.layer
    return source.layer


def feature_for(spec: str, model: Model, name: str, number: int) -> Feature:
    """A feature, from a dictionary that is opened once for all sessions."""
    from core.errors import UserError
    from core.feature_steering import feature_of

    found = _dictionaries(spec).get(name)
    if found is None:
        raise UserError(f"There is no dictionary {name!r} for {spec} whose codes could be edited.")
    return feature_of(cached_features.dictionary(spec, found), model, number)


def _dictionaries(model: str) -> dict[str, Listed]:
    from core.dictionaries.fitting import same_model
    from core.dictionaries.shelf import list_names

    return {
        one.name: one
        for one in list_names()
        if one.model_name and same_model(one.model_name, model) and one.features and _in_place(one)
    }


def _in_place(one: Listed) -> bool:
    return one.card.reads is not None and one.card.reads == one.card.rebuilds
