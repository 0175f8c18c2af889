"""What is known of a feature besides its examples: how strong it gets, what it promotes, and which are like it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.charts import Bars
from pages.shared import cached_features
from pages.shared.histogram import histogram
from pages.shared.links import choose
from pages.shared.tokens import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.dictionaries.index.feature import Feature, Near
    from pages.shared.cached_features import Opened

LOGITS_HELP = (
    "Next tokens whose logits a push along what the feature writes {} most, if nothing stood between this layer and "
    "the unembedding (decoder row times unembedding, the final norm's gain folded in). In logits per dose: for a push "
    "as long as a typical token. Telling for late layers."
)


def show(opened: Opened, one: Feature) -> None:
    """The parts, one under another."""
    if not one.dead:
        _histogram(one)
        _top_tokens(one)
    if one.promoted:
        _logits(one)
    _others(opened, one.nearest, "Nearest", "cosine", NEAREST_HELP)
    if one.together:
        _others(opened, one.together, "On together", "correlation", TOGETHER_HELP)


NEAREST_HELP = "Features that write the most similar directions: cosine of the decoder rows, -1 to 1."
TOGETHER_HELP = (
    "Features whose codes go with this one's: Pearson correlation over tokens drawn evenly, zeros included, 0 to 1; at "
    "least five tokens on which both are on. Such features are often parts of one concept that was split."
)


def _histogram(one: Feature) -> None:
    signs = {1: "positive codes", -1: "negative codes, by size"}
    series = [Bars(signs[part.sign], part.edges.tolist(), part.counts.tolist()) for part in one.histograms]
    st.markdown("**How strong it gets**", help="Codes that are not 0, by size: four bins an octave, on a log scale.")
    histogram(series, key="histogram", label="Codes of the feature that are not 0", x_title="code", y_title="tokens")


def _top_tokens(one: Feature) -> None:
    missed = max((token.missed for token in one.top_tokens), default=0.0)
    more = f" Each may be larger by {missed:.0%} at the most." if missed >= 0.005 else ""
    st.markdown(
        "**Where its activation falls**",
        help="Tokens by their part of the sum of all its codes, 0 to 1. A feature of one word has one large part; a "
        f"feature of a topic many small ones.{more}",
    )
    st.dataframe(
        pd.DataFrame(
            {
                "token": [visible(token.text) for token in one.top_tokens],
                "share": [token.share for token in one.top_tokens],
                "times": [token.times for token in one.top_tokens],
            }
        ),
        hide_index=True,
        height=min(213, 38 + 35 * len(one.top_tokens)),
        column_config={
            "share": st.column_config.ProgressColumn(
                "share", help="Part of the sum of all its codes", min_value=0, max_value=1, format="%.2f"
            ),
            "times": st.column_config.NumberColumn("times", help="Such tokens on which it was on", format="%d"),
        },
        alt="Tokens on which the feature's activation falls",
    )


def _logits(one: Feature) -> None:
    st.markdown("**What it speaks for**", help=LOGITS_HELP.format("raises or lowers"))
    pairs = max(len(one.promoted), len(one.suppressed))
    up, down = (list(side) + [("", float("nan"))] * (pairs - len(side)) for side in (one.promoted, one.suppressed))
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(
            {
                "promoted": [visible(text) for text, _ in up],
                "up": [value for _, value in up],
                "suppressed": [visible(text) for text, _ in down],
                "down": [value for _, value in down],
            }
        ),
        hide_index=True,
        height=min(213, 38 + 35 * pairs),
        column_config={
            "promoted": st.column_config.TextColumn("promoted", help=LOGITS_HELP.format("raises")),
            "suppressed": st.column_config.TextColumn("suppressed", help=LOGITS_HELP.format("lowers")),
            "up": number("by", help="Logits per dose", format="%+.2f"),
            "down": number("by ", help="Logits per dose", format="%+.2f"),
        },
        alt="Tokens that the feature promotes and suppresses",
    )


def _others(opened: Opened, near: Sequence[Near], title: str, value: str, help: str) -> None:
    st.markdown(f"**{title}**", help=help)
    if not near:
        st.caption("None.")
        return
    key = f"{value}_{near[0].feature}_{len(near)}"

    def look() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            choose("feature", near[rows[0]].feature)

    known = cached_features.labels(opened)
    labels = [known.get(one.feature) for one in near]
    st.dataframe(
        pd.DataFrame(
            {
                "feature": [one.feature for one in near],
                value: [one.value for one in near],
                "label": [visible(label.text) if label else "" for label in labels],
            }
        ),
        key=key,
        hide_index=True,
        height=min(213, 38 + 35 * len(near)),
        on_select=look,
        selection_mode="single-row",
        column_config={
            "feature": st.column_config.NumberColumn("feature", format="%d", help="Choose the row to look into it"),
            value: st.column_config.NumberColumn(value, format="%.2f", help=help),
        },
        alt=f"{title}: other features",
    )
