"""Further questions about a test or one cell of it; only the one that is asked is answered."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.tcav.telling import Cell
from pages.shared import tcav_compare, tcav_subgroups
from pages.shared.asking import question
from pages.shared.errors import mendable
from pages.shared.tcav_choices import Choices

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
    asked = question({name: title for name, (title, _) in PANELS.items()})
    if asked is None:
        st.caption(
            "Choose a question about the cell above. Answers come from stored activations; where some are missing the "
            "model reads first, seconds to minutes."
        )
        return
    with mendable():
        PANELS[asked][1](choices, cell, titles)
