"""Tokens on which a feature is on, in their texts, coloured by its code; and the same for a text of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.links import linked
from pages.shared.tokens import Token, coloured_tokens, visible

if TYPE_CHECKING:
    from core.dictionaries.index.feature import Example, Feature
    from pages.shared.cached_features import Opened

VIEWS = {"top": "Strongest", "spread": "Strong to weak", "lowest": "Negative", "own": "Your text"}


def show(opened: Opened, one: Feature) -> None:
    """Examples of a feature."""
    from core.dictionaries.index.feature import LOWEST

    names = [name for name in VIEWS if name != "lowest" or any(own.band == LOWEST for own in one.examples)]
    view = linked(
        st.segmented_control,
        "Examples",
        key="examples",
        default="top",
        valid=names.__contains__,
        options=names,
        format_func=VIEWS.__getitem__,
        required=True,
        label_visibility="collapsed",
        help="The strongest alone make features look clearer than they are: look at the weak ones too.",
    )
    if view == "own":
        from pages.shared import features_own

        features_own.one_feature(opened, one.feature, most=max(one.max, -one.min))
        return
    chosen = [own for own in one.examples if view_of(own) == view]
    if not chosen:
        st.caption("There are no examples.")
        return
    tokens = [token for own in chosen for token in tokens_of(own)]
    if any(own.tokens for own in chosen):
        coloured_tokens(
            tokens,
            key=f"examples_{view}",
            label="Examples of the feature, tokens coloured by its code",
            low="0" if one.min >= 0 else f"{-max(one.max, -one.min):.3g}",
            high=f"{max(one.max, -one.min):.3g}",
            most=max(one.max, -one.min) or 1.0,
            breaks=False,
        )
    gone = sum(not own.tokens for own in chosen)
    if gone:
        st.caption(f"{gone} examples cannot be shown: their texts are gone or were changed since they were read.")
    st.caption(_meaning(view))


def tokens_of(own: Example) -> list[Token]:
    """An example as tokens, under a line that says where it is from."""
    found = []
    for place, token in enumerate(own.tokens):
        value = "not read" if token.value is None else f"code {token.value:.3g}"
        centre = place == own.centre
        lines = (f"“{visible(token.text)}”", value) + ((f"above {own.rank:.0%} of its codes",) if centre else ())
        head = f"{where(own)} · {own.source['set']}, row {own.source['row']}" if place == 0 else ""
        found.append(Token(token.text, token.value, lines, head=head, strong=centre))
    return found


def where(own: Example) -> str:
    """An example's value, and where it stands among all."""
    from core.dictionaries.index.feature import LOWEST, TOP

    return f"{own.value:.3g}" if own.band in (TOP, LOWEST) else f"{own.value:.3g}, above {own.rank:.0%} of its codes"


def view_of(own: Example) -> str:
    """The key of VIEWS under which an example is shown."""
    from core.dictionaries.index.feature import LOWEST, TOP

    return {TOP: "top", LOWEST: "lowest"}.get(own.band, "spread")


def _meaning(view: str) -> str:
    if view == "spread":
        return (
            "Tokens drawn evenly from all on which the feature is on, those nearest to the 95th, 75th, 50th, 25th and "
            "5th hundredth of its codes. What a feature is on at weakly is often something else than what it is on at "
            "strongly."
        )
    which = "largest" if view == "top" else "most negative"
    return (
        f"The {which} codes of all that were read, each from another text; the token itself is underlined. Framed by "
        "dashes: tokens that the dictionary does not read."
    )
