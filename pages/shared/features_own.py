"""A text of one's own, read with a dictionary: coloured by one feature, or all features that are on in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from pages.shared import cached_features, live
from pages.shared.errors import mendable
from pages.shared.features_chosen import chosen_feature
from pages.shared.links import choose, linked
from pages.shared.tokens import Token, coloured_tokens, visible

if TYPE_CHECKING:
    from core.dictionaries.index.active import ActiveFeature, ActiveText
    from pages.shared.cached_features import Opened

SHARES = {"0.001": "0.1%", "0.01": "1%", "0.1": "10%", "1": "none hidden"}
ORDERS = {"strongest": "strongest code", "total": "sum of codes", "tokens": "tokens it is on", "rare": "rarest first"}
MOST = 200  # features in the list


def show(opened: Opened) -> list[int]:
    """All features that are on in a text; the order in which they are listed."""
    text = _text()
    hide, order = st.columns(2)
    with hide:
        most = linked(
            st.select_slider,
            "Hide features that are on at more than",
            key="frequent",
            default="0.1",
            valid=SHARES.__contains__,
            options=list(SHARES),
            format_func=SHARES.__getitem__,
            help="Of all tokens that the index read. Features that are nearly always on say little of one text.",
        )
    with order:
        by = linked(
            st.selectbox,
            "Sort by",
            key="text_sort",
            default="strongest",
            valid=ORDERS.__contains__,
            options=list(ORDERS),
            format_func=ORDERS.__getitem__,
        )
    with mendable():
        read = cached_features.active(opened, text)
        density = opened.index.density
        listed = _sorted(read.strongest(density, float(most)), by)
        feature = chosen_feature(opened.index.n_features)
        shown = feature if feature is not None and (read.features == feature).any() else None
        if shown is None and listed:
            shown = listed[0].feature
        place = _tokens(read, shown, key="text_tokens", clickable=True)
        if place is not None:
            st.session_state["text_place"] = None if st.session_state.get("text_place") == place else place
            st.rerun()
        at = st.session_state.get("text_place")
        if at is not None and at < len(read.pieces):
            codes = dict(read.at(at, density, float(most)))
            listed = [one for one in listed if one.feature in codes]
            listed.sort(key=lambda one: -abs(codes[one.feature]))
            st.caption(f"On at the token “{visible(read.pieces[at])}”; click it again for those of the whole text.")
        _list(opened, listed, read)
        return [one.feature for one in listed]
    return []


def one_feature(opened: Opened, feature: int, *, most: float) -> None:
    """A text coloured by one feature."""
    text = _text()
    with mendable():
        read = cached_features.active(opened, text)
        _tokens(read, feature, key="own_tokens", most=most)
        codes = read.codes_of(feature)
        on = int((np.nan_to_num(codes) != 0).sum())
        if on == 0:
            st.caption("It is on at none of these tokens.")
        else:
            top = int(np.nanargmax(np.abs(codes)))
            st.caption(
                f"On at {on} of {int(read.kept.sum())} tokens, strongest at “{visible(read.pieces[top])}” "
                f"with {codes[top]:.3g}."
            )


def _text() -> str:
    return linked(
        st.text_area,
        "Text",
        key="text",
        default=live.TEXT,
        max_chars=8_000,
        height=90,
        help="Any text. It is read by the model once; nothing is written.",
    )


def _tokens(
    read: ActiveText, feature: int | None, *, key: str, most: float | None = None, clickable: bool = False
) -> int | None:
    codes = np.full(len(read.pieces), np.nan) if feature is None else read.codes_of(feature)
    tokens = []
    for piece, code, kept in zip(read.pieces, codes.tolist(), read.kept.tolist(), strict=True):
        said = f"code {code:.3g} of feature {feature}" if kept and feature is not None else "no feature"
        value = None if not kept or feature is None else code
        tokens.append(Token(piece, value, (f"“{visible(piece)}”", said if kept else "not read: first token, or sink")))
    seen = [abs(code) for code in codes.tolist() if code == code]
    clicked = coloured_tokens(
        tokens,
        key=key,
        label="The text's tokens, coloured by the feature's code",
        low="",
        high="" if feature is None else f"feature {feature}",
        most=most or max(seen, default=0.0) or 1.0,
        clickable=clickable,
        chosen=st.session_state.get("text_place") if clickable else None,
    )
    if read.cut:
        st.caption(f"The last {read.cut:,} tokens of the text are left out.")
    return clicked


def _sorted(found: list[ActiveFeature], by: str) -> list[ActiveFeature]:
    if by == "total":
        return sorted(found, key=lambda one: (-abs(one.total), one.feature))
    if by == "tokens":
        return sorted(found, key=lambda one: (-one.tokens, one.feature))
    if by == "rare":
        return sorted(found, key=lambda one: (one.density or 0.0, one.feature))
    return found


def _list(opened: Opened, listed: list[ActiveFeature], read: ActiveText) -> None:
    if not listed:
        st.info("No feature that is shown is on in this text. Hide fewer of the frequent ones, or type more.")
        return
    labels = cached_features.labels(opened)
    shown = listed[:MOST]
    key = f"active_{hash(tuple(one.feature for one in shown))}"

    def look() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            choose("feature", shown[rows[0]].feature)

    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(
            {
                "feature": [one.feature for one in shown],
                "label": [visible(labels[one.feature].text) if one.feature in labels else "" for one in shown],
                "strongest": [one.strongest for one in shown],
                "at": [visible(read.pieces[one.position]) for one in shown],
                "tokens": [one.tokens for one in shown],
                "sum": [one.total for one in shown],
                "density": [one.density for one in shown],
            }
        ),
        key=key,
        hide_index=True,
        height=min(318, 38 + 35 * len(shown)),
        on_select=look,
        selection_mode="single-row",
        column_config={
            "feature": number("feature", format="%d", help="Choose the row to colour the text by it"),
            "strongest": number("strongest", format="%.2f", help="Its largest code in the text, in its own unit"),
            "at": st.column_config.TextColumn("at", help="The token where it is strongest"),
            "tokens": number("tokens", format="%d", help="Tokens of the text on which it is on"),
            "sum": number("sum", format="%.2f", help="Sum of its codes over the text"),
            "density": number("density", format="%.5f", help="Share of the index's tokens on which it is on, 0 to 1"),
        },
        alt="Features that are on in the text",
    )
    st.caption(
        f"{len(listed):,} features"
        + (f", of which {MOST} are shown" if len(listed) > MOST else "")
        + ". Click the box before a row (by keys: Shift and Space) to look into it; click a token for the features "
        "that are on there."
    )
