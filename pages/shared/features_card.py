"""One feature: what it is on at, what it does, what it is called, and where it can be taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.glossary import defined
from pages.shared import cached, cached_features, features_about, features_examples
from pages.shared.downloads import file_part
from pages.shared.errors import mendable
from pages.shared.features_chosen import chosen_feature
from pages.shared.features_export import card_buttons
from pages.shared.features_notes import bookmark, edit_label, note
from pages.shared.features_table import CARD
from pages.shared.frame import KEPT
from pages.shared.links import choose, follow, linked
from pages.shared.parts import part
from pages.shared.text import plain, shortened
from pages.shared.tokens import visible

if TYPE_CHECKING:
    from core.dictionaries.index.feature import Feature
    from core.dictionaries.index.labels import Label
    from pages.shared.cached_features import Opened

BY = {
    "hand": "by hand",
    "model": "by a language model",
    "published": "published with the dictionary",
    "automatic": "automatic",
}


def _alone(opened: Opened, numbers: list[int]) -> None:
    """The card as a part of the page of its own, which goes to the next one without the list being drawn again."""
    show(opened, numbers)


alone = part(_alone, key=CARD)


def show(opened: Opened, numbers: list[int]) -> None:
    """The card of the chosen feature. numbers: the list that it is one of, for going through it."""
    number = _which(opened, numbers)
    with mendable():
        one = cached_features.feature(opened, number)
        label = cached_features.label(opened, number)
        _head(opened, one, label)
        if one.dead:
            st.info(
                f"This feature is on at none of the {one.tokens:,} tokens that were read, so that it has no examples. "
                "An index over more texts may find some."
            )
        else:
            _numbers(opened, one, label)
        left, right = st.columns([3, 2], gap="large")
        with left:
            features_examples.show(opened, one)
        with right:
            features_about.show(opened, one)
        note(opened, number)


def _which(opened: Opened, numbers: list[int]) -> int:
    """The feature that is looked into, with ways to the next one and to any other."""
    most = opened.index.n_features - 1
    first = numbers[0] if numbers else 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kept = chosen_feature(opened.index.n_features)
        kept = first if kept is None else kept
        there = numbers.index(kept) if kept in numbers else None
        for label, icon, step in (("Previous", ":material/chevron_left:", -1), ("Next", ":material/chevron_right:", 1)):
            place = None if there is None else there + step
            outside = place is None or not 0 <= place < len(numbers)
            st.button(
                label,
                icon=icon,
                key=f"go_{label}",
                disabled=outside,
                on_click=choose,
                args=("feature", first if outside or place is None else numbers[place]),
                help="In the order of the list above.",
            )
        return linked(
            st.number_input,
            "Feature",
            key="feature",
            default=first,
            read=int,
            valid=lambda value: isinstance(value, int) and 0 <= value <= most,
            min_value=0,
            max_value=most,
            step=1,
            width=160,
            help=f"Its number, 0 to {most:,}.",
        )


def _head(opened: Opened, one: Feature, label: Label | None) -> None:
    name = plain(visible(label.text)) if label and label.text else "no label"
    st.header(f"{one.feature} · {name}", anchor=False)
    about = {"dictionary": opened.dictionary.name, "model": opened.dictionary.card.model_id}
    about |= {"site": str(opened.dictionary.card.reads), "dictionary_key": opened.dictionary.key}
    with st.container(horizontal=True):
        _carry(opened, one.feature, label)
        bookmark(opened, one.feature)
        edit_label(opened, one.feature, label)
        card_buttons(one, label, about, f"{file_part(opened.dictionary.name)}-{one.feature}")


def _carry(opened: Opened, feature: int, label: Label | None) -> None:
    """Over to the Steering page, or into the library of directions."""
    steer = st.button(
        "Steer with this",
        icon=":material/tune:",
        type="primary",
        key="steer_feature",
        help="Saves what the feature writes as a direction, and pushes the model along it on the Steering page.",
    )
    keep = st.button(
        "Use as direction",
        icon=":material/bookmark_add:",
        key="keep_feature",
        help="Saves what the feature writes (its decoder row, scaled to length 1) in the library of directions, where "
        "it can be compared, combined, read with and exported.",
    )
    if not steer and not keep:
        return
    with mendable():
        name = save_feature(opened, feature, label)
        if keep:
            st.toast(f"Saved as the direction {plain(name)}.", icon=":material/check:")
            return
        card = opened.dictionary.card
        kept = {key: st.query_params[key] for key in KEPT if key in st.query_params}
        choices = {**kept, "model": opened.spec, "from": "saved", "direction": name, "layer": str(card.layer or 0)}
        follow(choices)
        st.switch_page("pages/steering.py", query_params=choices)


def save_feature(opened: Opened, feature: int, label: Label | None) -> str:
    """Keep the feature as a direction, and return its name. Raises UserError if another one has that name."""
    from core.dictionaries.pointing import feature_direction
    from core.directions import list_directions, save_direction

    name = f"{opened.dictionary.name[:52]}-f{feature}"
    text = shortened(label.text, 200) if label else ""
    made = feature_direction(opened.dictionary, cached.model(opened.spec), feature, name=name, label=text)
    known = {one.name: one for one in list_directions()}
    same = name in known and known[name].digest == made.digest and known[name].site == made.site
    if not same:
        save_direction(made, replace=False)
    return name


def _numbers(opened: Opened, one: Feature, label: Label | None) -> None:
    columns = st.columns(4)
    columns[0].metric(
        "Density",
        f"{one.density:.3%}",
        help=f"Share of the tokens on which it is on (its code is not 0): {one.count:,} of {one.tokens:,} tokens that "
        "were read. First and special tokens and sinks are not counted unless the dictionary was trained on them.",
    )
    scaled = SCALED if opened.dictionary.coder.writes_scaled else ""
    low = f" Its smallest is {one.min:.3g}." if one.min < 0 else ""
    columns[1].metric(
        "Maximum",
        f"{one.max:.3g}",
        help="Its largest code over all tokens that were read, in the dictionary's own unit: the length of what the "
        f"feature adds, if its decoder row has length 1{scaled}.{low}",
    )
    exact = "exact" if one.exact else "off by a sixteenth at the most"
    columns[2].metric(
        "Median when on",
        "–" if not one.quantiles else f"{one.quantiles[0.5]:.3g}",
        help=f"Half of its codes that are not 0 lie below ({exact}).",
    )
    if label is None or label.score is None:
        columns[3].metric("Label score", "–", help=SCORE_HELP + " This label was not scored.")
        return
    how = HAND_HELP if label.by in ("hand", "model") else SCORE_HELP
    control = "" if label.control is None else f" Another feature's label reaches {label.control:.2f} here."
    tested = f" Tested on {label.positives:,} tokens against {label.negatives:,}." if label.positives else ""
    columns[3].metric("Label score", f"{label.score:.2f}", help=how + control + tested)
    said = f"Label {BY[label.by]}." + (
        f" Control, another feature's label: {label.control:.2f}." if label.control is not None else ""
    )
    columns[3].caption(said)


SCALED = ", at a token of scale 1 (this dictionary divides each token by its own scale first)"
SCORE_HELP = (
    f"{defined('label score')} Here on tokens, weak ones counted as they come, with words counted in the place of a "
    "judge."
)
HAND_HELP = (
    "How well the label's meaning tells up to 24 texts around tokens on which the feature is on from 72 around others, "
    "none of them shown here: AUROC of cosines of sentence embeddings, 0.5 is chance, 1 is perfect. It does not "
    "compare with the score of an automatic label, whose words are counted. A label that names a single word or mark "
    "fares badly, since the embedder reads whole texts."
)
