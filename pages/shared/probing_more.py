"""Further questions about a sweep or one probe of it; only the one that is asked is answered."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.probing import ProbeResult, Sweep
from pages.shared import (
    probing_compare,
    probing_details,
    probing_growth,
    probing_layers,
    probing_transfer,
)
from pages.shared.asking import question
from pages.shared.errors import mendable
from pages.shared.probing_choices import Choices

Panel = Callable[[Choices, Sweep, ProbeResult], None]

# By its word in the URL: what it is called, and what answers it.
PANELS: dict[str, tuple[str, Panel]] = {
    "errors": (":material/error_outline: Errors", lambda choices, _, one: probing_details.errors(choices, one)),
    "calibration": (":material/speed: Calibration", lambda c, _, one: probing_details.calibration(c, one)),
    "selectivity": (":material/quiz: Control task", lambda _, sweep, one: probing_growth.selectivity(sweep, one)),
    "codelength": (":material/compress: Code length", lambda _, sweep, one: probing_growth.codelength(sweep, one)),
    "growth": (":material/trending_up: Learning curve", probing_growth.growth),
    "nonlinear": (":material/hub: More than a line?", lambda c, _, one: probing_growth.nonlinear(c, one)),
    "layers": (":material/layers: Which layer?", probing_layers.show),
    "transfer": (":material/moving: Transfer", lambda choices, _, one: probing_transfer.show(choices, one)),
    "subgroups": (":material/groups: Kinds of texts", lambda c, _, one: probing_details.subgroups(c, one)),
    "concepts": (":material/stacked_line_chart: Other concepts", probing_compare.concepts),
    "models": (":material/compare_arrows: Another model", probing_compare.models),
}


def show(choices: Choices, sweep: Sweep, one: ProbeResult) -> None:
    """The choice of a question, and its answer."""
    asked = question({name: title for name, (title, _) in PANELS.items()})
    if asked is None:
        st.caption("Choose a question. What was computed before is shown at once; the rest says what it will take.")
        return
    with mendable():
        PANELS[asked][1](choices, sweep, one)
