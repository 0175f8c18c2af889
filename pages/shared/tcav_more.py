"""Further questions about a test or one cell of it; only the one that is asked is answered."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.shared import tcav_compare, tcav_subgroups
from pages.shared.errors import mendable
from pages.shared.links import linked
from pages.shared.tcav_choices import Choices
from pages.shared.tcav_verdicts import Cell

Panel = Callable[[Choices, Cell, dict[str, str]], None]

# By its word in the URL: what it is called, and what answers it.
PANELS: dict[str, tuple[str, Panel]] = {
    "entanglement": (":material/link: The same thing?", tcav_compare.entangled),
    "confound": (":material/filter_alt: Without another concept", tcav_compare.confound),
    "negatives": (":material/compare: Other negatives", tcav_compare.negatives),
    "inputs": (":material/groups: Kinds of inputs", tcav_subgroups.show),
}


def show(choices: Choices, cell: Cell, titles: dict[str, str]) -> None:
    """The choice of a question, and its answer."""
    asked: str | None = linked(  # type: ignore[misc]
        st.pills,
        "Ask more",
        key="ask",
        default=None,
        read=str,
        write=lambda name: name or "",
        valid=lambda name: name is None or name in PANELS,
        options=list(PANELS),
        format_func=lambda name: PANELS[name][0],
        label_visibility="collapsed",
    )
    if asked is None:
        st.caption(
            "Choose a question about the cell above. Answers come from stored activations; where some are missing the "
            "model reads first, seconds to minutes."
        )
        return
    with mendable():
        PANELS[asked][1](choices, cell, titles)
