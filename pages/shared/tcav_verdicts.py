"""A verdict in words for each concept: what was found at which layers, and what that means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.tcav.telling import Cell, figures, strongest, where
from pages.shared.tcav_words import LOOKS, meaning
from pages.shared.text import plain


def by_concept(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Cells of one target by their concept, in the order of the test."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell["concept"], []).append(cell)
    return found


def show(cells: Sequence[Cell], titles: Mapping[str, str]) -> None:
    """One block per concept. cells: of one target."""
    for concept, own in by_concept(cells).items():
        best = strongest(own)
        icon, color = LOOKS[best["verdict"]]
        with st.container(border=True):
            left, right = st.columns([3, 7])
            left.badge(best["verdict"], icon=icon, color=color)  # type: ignore[arg-type]
            over = f": {where(own)}" if len(own) > 1 else ""
            right.markdown(f"**{plain(titles[concept])}**{over}  \n{figures(best)}")
            right.caption(meaning(best["verdict"]))
